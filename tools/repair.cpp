// SPDX-License-Identifier: MIT
// `repair`: what can be read of a store goes to a new one beside it.
#include "fs/volume/repair.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "fs/control/byte_text.hpp"
#include "fs/control/client.hpp"
#include "fs/control/key_text.hpp"
#include "fs/volume/superblock.hpp"
#include "tools/apart.hpp"
#include "tools/carry.hpp"
#include "tools/moment.hpp"
#include "tools/new_store.hpp"
#include "tools/patience.hpp"
#include "tools/session.hpp"

namespace memoria::ctl {
namespace {

/// The damaged store, in which nothing is changed. Of a mounted one, a moment.
struct Patient {
  std::string data_directory;
  std::optional<Moment> moment;
  std::shared_ptr<void> lock;
  std::unique_ptr<Store> store;
};

Result<Patient> open_patient(const std::string& path, const Logger& logger,
                             const ProgressFn& progress) {
  MEMORIA_TRY(const auto mounts, read_mounts());
  MEMORIA_TRY(const auto target, find_target(path, mounts));
  Patient patient;
  patient.data_directory = target.data_directory;
  MEMORIA_TRY(auto place, open_directory(target.data_directory, false));
  // What is left of a store without segments, opening tells.
  MEMORIA_TRY(check_holds_store(*place));
  Patience patience(target.data_directory);
  for (;;) {
    // One that takes connections and does not answer is about to go.
    if (ControlClient::ping(target.data_directory).has_value()) {
      MEMORIA_TRY(auto moment, Moment::take(path, logger, progress));
      place = moment.frozen();
      patient.moment.emplace(std::move(moment));
      break;
    }
    auto lock = place->lock(LockMode::kShared);
    if (lock.has_value()) patient.lock = std::move(lock).value();
    // On a disk that cannot be written to nobody else writes.
    if (lock.has_value() || lock.error().code != Errc::kLocked) break;
    if (!patience.wait()) return lock.error();
  }
  MEMORIA_TRY(patient.store, open_read_only(std::move(place), logger, progress));
  return patient;
}

Json loss_item(const Loss& loss, bool in_volume) {
  Json item = {{"what", name(loss.what)}, {"detail", loss.detail}};
  if (loss.what == Loss::What::kKey) {
    item["key"] = in_volume ? describe_volume_key(loss.path) : printable(loss.path);
    item["key_hex"] = to_hex(loss.path);
  } else {
    set_bytes(item, "path", loss.path);
  }
  if (loss.length > 0) {
    item["offset"] = loss.offset;
    item["length"] = loss.length;
  }
  return item;
}

}  // namespace

Result<Json> run_repair(const Carrying& context) {
  // What opening finds wrong is told as a loss: there even the keys may be unknown.
  std::vector<std::string> troubles;
  bool opening = true;
  const Logger logger = [&](Severity severity, std::string_view text) {
    if (opening && severity >= Severity::kError) troubles.emplace_back(text);
  };
  MEMORIA_TRY(const auto patient,
              open_patient(context.line.target, logger, late(progress_of(context.sink))));
  opening = false;
  context.reached = true;
  MEMORIA_TRY(check_apart(patient.data_directory, context.line.destination));
  MEMORIA_TRY(auto made, NewStore::make(context.line.destination, context.logger));
  const auto progress = progress_of(context.sink);
  const bool in_volume = holds_volume(*patient.store);
  MEMORIA_TRY(const auto report,
              in_volume ? repair_volume(*patient.store, made.store(), this_user(), progress)
                        : repair_keys(*patient.store, made.store(), progress));
  if (const auto settings = settings_to_carry(patient.data_directory, context.logger)) {
    MEMORIA_TRY(made.add_settings(*settings));
  }
  MEMORIA_TRY(made.finish(progress));
  for (const auto& trouble : troubles) {
    MEMORIA_TRY(context.sink.item({{"what", "store"}, {"detail", trouble}}));
  }
  for (const auto& loss : report.losses) {
    MEMORIA_TRY(context.sink.item(loss_item(loss, in_volume)));
  }
  return Json{{"kind", in_volume ? "volume" : "keys"},
              {"files", report.files},
              {"bytes", report.bytes},
              {"losses_count", report.losses.size() + troubles.size()},
              {"clean", report.losses.empty() && troubles.empty()}};
}

}  // namespace memoria::ctl
