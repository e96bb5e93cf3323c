// SPDX-License-Identifier: MIT
// `backup` and `restore`.
#include "core/store/backup.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include "fs/control/damage_items.hpp"
#include "tools/apart.hpp"
#include "tools/carry.hpp"
#include "tools/moment.hpp"
#include "tools/patience.hpp"

namespace memoria::ctl {
namespace {

Result<Json> result_of(const Carrying& context, const CopyReport& report,
                       const std::shared_ptr<Environment>& copy) {
  if (!report.damages.empty()) {
    const auto store = open_read_only(copy, {}, {});  // it has the names
    MEMORIA_TRY(control::tell_damages(
        context.sink, store.has_value() ? store.value().get() : nullptr, report.damages));
  }
  return Json{{"segments", report.segments},
              {"bytes", report.bytes},
              {"copied_segments", report.copied_segments},
              {"copied_bytes", report.copied_bytes},
              {"removed_segments", report.removed_segments},
              {"snapshots", report.snapshots},
              {"damaged", report.damages.size()},
              {"clean", report.damages.empty()}};
}

/// Who read a backup until now may be about to let go of it.
template <class Copy>
Result<CopyReport> copy_patiently(const std::string& backup, const Copy& copy) {
  Patience patience(backup);
  for (;;) {
    auto copied = copy();
    const bool in_use = !copied && copied.error().code == Errc::kLocked;
    if (!in_use || !patience.wait()) return copied;
  }
}

}  // namespace

Result<Json> run_backup(const Carrying& context) {
  MEMORIA_TRY(const auto moment,
              Moment::take(context.line.target, context.logger, late(progress_of(context.sink))));
  context.reached = true;
  const auto& destination = context.line.destination;
  MEMORIA_TRY(check_apart(moment.target().data_directory, destination));
  const bool was_there = ::access(destination.c_str(), F_OK) == 0;
  MEMORIA_TRY(const auto to, open_directory(destination, true));
  auto copied = copy_patiently(to->describe(), [&] {
    const CopyOptions options{
        .recheck = context.line.recheck,
        .skipped_snapshots = std::string(kMomentPrefix),
        .settings = settings_to_carry(moment.target().data_directory, context.logger)};
    return back_up({moment.frozen(), moment.origin()}, *to, options, progress_of(context.sink));
  });
  if (!copied) {
    if (!was_there) ::rmdir(destination.c_str());  // made in vain; what holds something stays
    return copied.error();
  }
  return result_of(context, copied.value(), to);
}

Result<Json> run_restore(const Carrying& context) {
  MEMORIA_TRY(const auto mounts, read_mounts());
  MEMORIA_TRY(const auto target, find_target(context.line.target, mounts));
  MEMORIA_TRY(const auto from, open_directory(target.data_directory, false));
  context.reached = true;
  const auto& destination = context.line.destination;
  MEMORIA_TRY(check_apart(target.data_directory, destination));
  const bool was_there = ::access(destination.c_str(), F_OK) == 0;
  MEMORIA_TRY(const auto to, open_directory(destination, true));
  const CopyOptions options{.settings = settings_to_carry(from->describe(), context.logger)};
  auto copied = copy_patiently(from->describe(), [&] {
    return restore({from, from}, *to, options, progress_of(context.sink));
  });
  if (!copied) {
    if (!was_there) ::rmdir(destination.c_str());
    return copied.error();
  }
  return result_of(context, copied.value(), to);
}

}  // namespace memoria::ctl
