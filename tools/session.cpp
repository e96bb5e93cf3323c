// SPDX-License-Identifier: MIT
#include "tools/session.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

#include "core/io/environment.hpp"
#include "core/store/inventory.hpp"
#include "fs/control/byte_text.hpp"
#include "fs/control/key_text.hpp"
#include "fs/settings/settings_file.hpp"
#include "fs/volume/rollback.hpp"
#include "fs/volume/superblock.hpp"
#include "tools/apart.hpp"
#include "tools/patience.hpp"
#include "tools/target.hpp"

namespace memoria::ctl {
namespace {

/// The daemon takes connections and drops them: it is about to go.
bool is_ending(const Status& ping) {
  return !ping && (ping.error().code == Errc::kIo || ping.error().code == Errc::kClosed ||
                   ping.error().code == Errc::kCancelled || ping.error().code == Errc::kNotFound);
}

/// Only where memoria-fs would make a store is that the advice.
Error no_store(const std::string& directory, bool is_empty) {
  if (!is_empty) {
    return {Errc::kNotAStore,
            fmt::format("{} holds no store: name a data directory, a mount point, or a path in a "
                        "mount",
                        directory)};
  }
  return {
      Errc::kNotAStore,
      fmt::format("{0} is empty. If it is a mount point, mount its store first; to make a store "
                  "in it, run: memoria-fs {0} MOUNTPOINT",
                  directory)};
}

/// `is_new`, when it is given, permits to make one, and tells whether that is to be done. Not in a
/// directory that is there: an empty one may be the mount point of a store that is not mounted just
/// now, and what would be put there would be lost from sight when it is.
Result<std::shared_ptr<Environment>> open_place(const std::string& data_directory, bool* is_new) {
  if (is_new != nullptr) {
    *is_new = ::access(data_directory.c_str(), F_OK) != 0 && errno == ENOENT;
    const auto above = *is_new ? store_above(data_directory) : std::nullopt;
    if (above) return is_inside(data_directory, *above);
    if (*is_new) return open_directory(data_directory, true);
  }
  MEMORIA_TRY(auto environment, open_directory(data_directory, false));
  MEMORIA_TRY(check_holds_store(*environment));
  return environment;
}

Result<std::unique_ptr<Store>> open_store(const std::string& data_directory, const Logger& logger,
                                          const ProgressFn& progress, bool* is_new = nullptr) {
  MEMORIA_TRY(auto environment, open_place(data_directory, is_new));
  auto options = Volume::store_options();
  if (const auto loaded = load_settings(data_directory, options); !loaded && logger) {
    logger(Severity::kWarning,
           fmt::format("{}; without it this command goes on", loaded.error().describe()));
  }
  options.segment.merge_check_interval = std::chrono::milliseconds(0);  // only what was asked for
  options.logger = logger;
  options.on_opening = progress;
  options.read_only = on_read_only_disk(data_directory);
  return Store::open(std::move(environment), options);
}

/// Where a store is mounted that never changes. Its daemon listens to nobody: there is nothing that
/// could not be asked here as well.
std::string mount_of(const Store& store) {
  if (!store.options().read_only) return {};
  const auto mounts = read_mounts();
  if (!mounts) return {};
  return path_through_mount({store.describe()}, "/", mounts.value()).value_or("");
}

}  // namespace

Status check_holds_store(Environment& environment) {
  MEMORIA_TRY(const bool is_store, holds_store(environment));
  if (is_store) return ok();
  MEMORIA_TRY(const auto names, environment.list());
  return no_store(environment.describe(), names.empty());
}

Result<Session> Session::open(const std::string& data_directory, Need need, const Logger& logger,
                              const ProgressFn& progress) {
  Patience patience(data_directory);
  bool ending = false, given_up = false;
  const auto gives_up = [&] {  // asked while the daemon does not answer
    given_up = progress && !progress({.phase = "waiting for the daemon to answer"});
    return given_up;
  };
  for (;;) {
    auto client = ControlClient::connect(data_directory);
    if (client) {
      const auto ping = ControlClient::ping(data_directory, gives_up);
      if (given_up) return Error(Errc::kCancelled);
      if (is_ending(ping)) {
        ending = true;
        if (patience.wait(ending)) continue;
      }
      Session session;
      session.executor_ = std::move(client.value());
      return session;
    }
    if (client.error().code != Errc::kNotFound) return client.error();
    auto session = open_here(data_directory, need, logger, progress);
    if (session || session.error().code != Errc::kLocked) return session;
    if (!patience.wait(ending)) {
      const auto control = data_directory + "/control";
      if (::access(control.c_str(), F_OK) != 0)
        return session;  // a command, or a reader of a backup
      return Error(Errc::kLocked, fmt::format("{}; it does not answer on {}",
                                              session.error().describe(), control));
    }
  }
}

Result<Session> Session::open_here(const std::string& data_directory, Need need,
                                   const Logger& logger, const ProgressFn& progress) {
  Session session;
  session.data_directory_ = data_directory;
  session.logger_ = logger;
  const bool may_be_new = need == Need::kNewVolume;
  MEMORIA_TRY(session.store_, open_store(data_directory, logger, progress,
                                         may_be_new ? &session.is_new_ : nullptr));
  // Opening a volume makes its root directory when there is nothing: not in somebody's plain keys.
  // (A store without any is one whose making was interrupted.)
  if (need != Need::kStore &&
      (holds_volume(*session.store_) || (may_be_new && session.store_->count() == 0))) {
    auto volume = Volume::open(std::move(session.store_), Caller{::getuid(), ::getgid()});
    if (volume) {
      session.volume_ = std::move(volume.value());
    } else if (need != Need::kVolumeIfSound) {
      return volume.error();
    } else {
      MEMORIA_TRY(session.store_, open_store(data_directory, logger, progress));
    }
  }
  auto& store = session.volume_ ? session.volume_->store() : *session.store_;
  session.executor_ = std::make_unique<ControlService>(
      store, session.volume_.get(),
      ControlService::Context{Caller{::getuid(), ::getgid()}, false, mount_of(store)});
  return session;
}

Store* Session::store() const {
  return volume_ ? &volume_->store() : store_.get();
}

Status Session::check_writable() const {
  return is_served() ? Status(ok()) : store()->check_writable();
}

/// The name that the present gets as a snapshot.
Result<std::optional<std::string>> Session::free_name(const Kept& kept) const {
  auto name = kept.name;
  for (int number = 2; name; ++number) {
    MEMORIA_TRY(const bool taken, store()->has_snapshot(*name));
    if (!taken) break;
    if (kept.exactly) {
      return Error(Errc::kExists, fmt::format("there is a snapshot \"{}\" already: --keep the "
                                              "present under another name",
                                              printable(*name)));
    }
    name = fmt::format("{}-{}", *kept.name, number);
  }
  return name;
}

Result<Json> Session::roll_back(const std::string& snapshot, const Kept& kept) {
  MEMORIA_TRY(check_writable());
  MEMORIA_TRY(const auto keep, free_name(kept));
  executor_.reset();
  MEMORIA_TRY(close());
  store_.reset();
  volume_.reset();
  MEMORIA_TRY(
      memoria::roll_back([&] { return open_store(data_directory_, logger_, {}); }, snapshot, keep));
  Json out = {{"kept", nullptr}};
  set_bytes(out, "name", snapshot);
  if (keep) set_bytes(out, "kept", *keep);
  return out;
}

Status Session::close() {
  if (volume_) return volume_->close();
  if (store_) return store_->close();
  return ok();
}

}  // namespace memoria::ctl
