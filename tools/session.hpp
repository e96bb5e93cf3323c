// SPDX-License-Identifier: MIT
// The way to a store: through the daemon that owns it, or by opening it here.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "core/store/store.hpp"
#include "fs/control/client.hpp"
#include "fs/control/service.hpp"
#include "fs/volume/volume.hpp"

namespace memoria::ctl {

/// How much of a store a command needs when nothing is mounted.
enum class Need {
  kStore,          ///< the keys are enough
  kVolume,         ///< there must be files
  kNewVolume,      ///< the same, and in a directory that is not there yet they begin
  kVolumeIfSound,  ///< file names are welcome: fall back to the keys when the volume cannot be
                   ///< opened
};

/// kNotAStore: the directory holds none, and what to name instead.
Status check_holds_store(Environment& environment);

/// The snapshot that the present becomes before a rollback.
struct Kept {
  std::optional<std::string> name;  ///< nothing: it is lost
  bool exactly = false;             ///< false: one like it will do, when it is taken
};

/// Something that executes commands on one data directory. One command, one thread.
class Session {
 public:
  /// Errors: kNotFound, kNotAStore, kNewerFormat, kIo (no access), kLocked (owned, and nobody
  /// answers on the control socket), kCancelled ... While a store is opened here, `logger` hears of
  /// warnings and `progress` of how far it is.
  static Result<Session> open(const std::string& data_directory, Need need, const Logger& logger,
                              const ProgressFn& progress);

  Executor& executor() { return *executor_; }
  /// Through the daemon that owns it.
  bool is_served() const { return !store_ && !volume_; }
  /// The store was made by open().
  bool is_new() const { return is_new_; }
  /// Makes the store that was opened here what the snapshot is, and closes it; see roll_back() in
  /// fs/volume/rollback.hpp.
  Result<Json> roll_back(const std::string& snapshot, const Kept& kept);
  /// Of a store that was opened here: that it can be changed; kReadOnly says why not.
  Status check_writable() const;
  /// Closes a store that was opened here, durably; nothing for a daemon's.
  Status close();

 private:
  static Result<Session> open_here(const std::string& data_directory, Need need,
                                   const Logger& logger, const ProgressFn& progress);
  Store* store() const;
  Result<std::optional<std::string>> free_name(const Kept& kept) const;

  std::string data_directory_;
  Logger logger_;
  bool is_new_ = false;
  std::unique_ptr<Store> store_;    // without a volume
  std::unique_ptr<Volume> volume_;  // owns its store
  std::unique_ptr<Executor> executor_;
};

}  // namespace memoria::ctl
