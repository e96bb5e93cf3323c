// SPDX-License-Identifier: MIT
#include "tools/moment.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <utility>

#include "core/log/manifest.hpp"
#include "fs/control/byte_text.hpp"
#include "fs/control/client.hpp"

namespace memoria::ctl {
namespace {

/// Collects what a short command gives. It is never cancelled: a snapshot must also go when the
/// user wants it all to end.
struct Collector final : Sink, Source {
  bool cancelled() override { return false; }
  void progress(const Progress&) override {}
  Status item(Json item) override {
    items.push_back(std::move(item));
    return ok();
  }
  Status data(std::string_view) override { return ok(); }
  Result<size_t> read(std::span<char>) override { return size_t{0}; }

  std::vector<Json> items;
};

/// Whether the process that took the moment of this name is gone.
bool is_dead_moment(std::string_view name) {
  if (!name.starts_with(kMomentPrefix)) return false;
  name.remove_prefix(kMomentPrefix.size());
  pid_t pid = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
  if (error != std::errc{} || end != name.data() + name.size() || pid <= 0) return false;
  return pid == ::getpid() || (::kill(pid, 0) != 0 && errno == ESRCH);
}

Json named(std::string_view command, std::string_view name) {
  Json request = {{"command", command}};
  set_bytes(request, "name", name);
  return request;
}

}  // namespace

/// A connection to a daemon is good for one command; a store that was opened here is kept.
Result<std::vector<Json>> Moment::run(const Json& request) {
  Collector collector;
  if (session_) {
    MEMORIA_TRY(session_->executor().execute(request, collector, collector));
    return std::move(collector.items);
  }
  MEMORIA_TRY(auto session,
              Session::open(target_.data_directory, Need::kStore, logger_, progress_));
  const bool served = session.is_served();
  if (!served) session_ = std::make_unique<Session>(std::move(session));
  auto& executor = served ? session.executor() : session_->executor();
  MEMORIA_TRY(executor.execute(request, collector, collector));
  return std::move(collector.items);
}

Result<Moment> Moment::take(const std::string& path, const Logger& logger,
                            const ProgressFn& progress) {
  Moment moment;
  moment.logger_ = logger;
  moment.progress_ = progress;
  MEMORIA_TRY(const auto mounts, read_mounts());
  MEMORIA_TRY(moment.target_, find_target(path, mounts));
  MEMORIA_TRY(moment.origin_, open_directory(moment.target_.data_directory, false));
  // What is wrong with a manifest is for the opening to say.
  const auto manifest = read_manifest(*moment.origin_);
  if (manifest.has_value() && manifest.value() && manifest.value()->snapshot) {
    moment.frozen_ = moment.origin_;
    return moment;
  }
  // A daemon that answers writes to it by another way.
  if (on_read_only_disk(moment.target_.data_directory) &&
      !ControlClient::connect(moment.target_.data_directory)) {
    MEMORIA_TRY(check_holds_store(*moment.origin_));
    moment.frozen_ = moment.origin_;
    return moment;
  }
  MEMORIA_TRY(moment.forget_dead_moments());
  if (!moment.session_) {
    const auto root = path_through_mount(moment.target_, "/", mounts);
    if (root) flush_all_written(*root);
  }
  const auto name = fmt::format("{}{}", kMomentPrefix, ::getpid());
  MEMORIA_TRY(moment.run(named("snapshot-create", name)));
  moment.name_ = name;
  moment.progress_ = {};  // it goes also when all else was cancelled
  MEMORIA_TRY(const auto snapshots, moment.origin_->directory("snapshots"));
  MEMORIA_TRY(moment.frozen_, snapshots->directory(name));
  return moment;
}

Result<Moment> Moment::of_snapshot(const Target& target, const std::string& name) {
  Moment moment;
  moment.target_ = target;
  MEMORIA_TRY(moment.origin_, open_directory(moment.target_.data_directory, false));
  const auto missing = Error(Errc::kNotFound, fmt::format("{} has no snapshot \"{}\"",
                                                          moment.target_.data_directory, name));
  if (name.empty() || name.starts_with('.') || name.find('/') != name.npos) return missing;
  const auto snapshots = moment.origin_->directory("snapshots");
  if (!snapshots.has_value()) return missing;
  auto found = snapshots.value()->directory(name);
  if (!found.has_value()) return missing;
  moment.frozen_ = std::move(found).value();
  return moment;
}

Status Moment::forget_dead_moments() {
  MEMORIA_TRY(const auto snapshots, run({{"command", "snapshot-list"}}));
  for (const auto& snapshot : snapshots) {
    const auto name = get_bytes(snapshot, "name").value_or("");
    if (is_dead_moment(name)) MEMORIA_TRY(run(named("snapshot-delete", name)));
  }
  return ok();
}

Moment::~Moment() {
  if (!name_.empty()) {
    const auto deleted = run(named("snapshot-delete", name_));
    if (!deleted.has_value() && logger_) {
      logger_(Severity::kWarning,
              fmt::format("the snapshot {} is left: {}", name_, deleted.error().describe()));
    }
  }
  if (!session_) return;
  const auto closed = session_->close();
  if (!closed.has_value() && logger_) logger_(Severity::kError, closed.error().describe());
}

Result<std::unique_ptr<Store>> open_read_only(std::shared_ptr<Environment> place, Logger logger,
                                              const ProgressFn& progress) {
  auto options = Volume::store_options();
  options.read_only = true;
  options.logger = std::move(logger);
  options.on_opening = progress;
  return Store::open(std::move(place), options);
}

}  // namespace memoria::ctl
