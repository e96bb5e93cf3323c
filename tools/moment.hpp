// SPDX-License-Identifier: MIT
// A store at one moment, to be read at leisure while the store itself goes on.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/io/environment.hpp"
#include "core/store/options.hpp"
#include "fs/control/protocol.hpp"
#include "tools/session.hpp"
#include "tools/target.hpp"

namespace memoria::ctl {

/// What snapshots of moments are called, with the pid of the process behind it. They are in the
/// list of snapshots while it runs; what a killed process left goes with the next moment.
inline constexpr std::string_view kMomentPrefix = "memoria-ctl.";

/// Of a store, mounted or not, this is a snapshot that is deleted at the end; what is read-only
/// anyway (a snapshot, a backup, a store on a read-only disk) is taken as it is.
class Moment {
 public:
  /// `path` as a TARGET on the command line. Errors: those of find_target(), Session::open() and
  /// of making a snapshot.
  static Result<Moment> take(const std::string& path, const Logger& logger,
                             const ProgressFn& progress);
  /// The snapshot NAME of the store, which stays; kNotFound.
  static Result<Moment> of_snapshot(const Target& target, const std::string& name);
  Moment(Moment&& other) noexcept
      : target_(std::move(other.target_)),
        origin_(std::move(other.origin_)),
        frozen_(std::move(other.frozen_)),
        session_(std::move(other.session_)),
        name_(std::exchange(other.name_, {})),
        logger_(std::move(other.logger_)),
        progress_(std::move(other.progress_)) {}
  Moment& operator=(Moment&&) = delete;
  ~Moment();

  /// The segments of this moment.
  const std::shared_ptr<Environment>& frozen() const { return frozen_; }
  /// The data directory that it was taken of.
  const std::shared_ptr<Environment>& origin() const { return origin_; }
  const Target& target() const { return target_; }

 private:
  Moment() = default;
  Status forget_dead_moments();
  Result<std::vector<Json>> run(const Json& request);

  Target target_;
  std::shared_ptr<Environment> origin_, frozen_;
  std::unique_ptr<Session> session_;  // of a store that is not mounted: it is ours until the end
  std::string name_;                  // empty: nothing to delete
  Logger logger_;
  ProgressFn progress_;  // of opening the store; it can stop that until the moment is taken
};

/// Opens a moment read-only.
Result<std::unique_ptr<Store>> open_read_only(std::shared_ptr<Environment> place, Logger logger,
                                              const ProgressFn& progress);

}  // namespace memoria::ctl
