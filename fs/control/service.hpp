// SPDX-License-Identifier: MIT
// The commands of memoria-ctl, executed against an open store. There is one implementation: the
// daemon runs it behind the control socket, memoria-ctl runs it itself when nothing is mounted.
#pragma once

#include <utility>

#include "core/store/store.hpp"
#include "fs/control/executor.hpp"
#include "fs/volume/volume.hpp"

namespace memoria {

/// Requests. Files are named by "path" (absolute in the volume), or, to reach the store beneath it,
/// values by "key"; instead of either, "path_hex" and "key_hex" carry bytes that are not UTF-8.
///
/// | command         | arguments                             | items    | data | result          |
/// |-----------------|---------------------------------------|----------|------|-----------------|
/// | stats           |                                       | segments |      | counters        |
/// | map             |                                       | segments |      | totals          |
/// | dump            | segment                               | records  |      | count, damages  |
/// | config-show     |                                       | settings |      | count, problem  |
/// | config-set      | setting, value, save                  |          |      | was, is         |
/// | merge           | all, min_dead, rate, dry_run          |          |      | what was merged |
/// | hints-rebuild   | all                                   |          |      | written, kept   |
/// | hints-check     |                                       |          |      | missing, bad    |
/// | verify          | rate                                  | damages  |      | totals, clean   |
/// | snapshot-create | name                                  |          |      | the snapshot    |
/// | snapshot-list   |                                       | snapshots|      | count           |
/// | snapshot-delete | name                                  |          |      |                 |
/// | snapshot-diff   | name, other (default: the present)    | changes  |      | counts          |
/// | snapshot-rollback | name                                |          |      | always refused  |
/// | history         | path                                  | versions |      | count           |
/// | import          | path, size (only for progress)        | remarks  | in   | files, bytes    |
/// | ls              | path, long, or key as a prefix        | entries  |      | count           |
/// | find            | path or key, as a prefix              | entries  |      | count           |
/// | count           | path or key, as a prefix              |          |      | counts          |
/// | get             | path and holes, or key                |          | out  | size            |
/// | put             | path or key, umask (of a new file),   |          | in   | size            |
/// |                 | size (only for progress)              |          |      |                 |
/// | rm              | path or key                           |          |      |                 |
/// | locate          | path or key                           | extents  |      | keys, size      |
///
/// With "holes": true, `get` gives what of the file is a hole as such and not as zeros.
///
/// What `import` takes in is a tree of files (tree_stream.hpp).
///
/// Times in results are text of full precision; segments are named by text, too: JSON numbers would
/// lose digits in most readers.
///
/// Errors: what the store and the volume give, worded for the one who named the path; and
/// kInvalidArgument (the request makes no sense), kNotAStore (a path, but no volume), kUnsupported
/// (changing the raw keys of a volume), kCancelled.
///
/// Any number of threads may execute at once, each with its own sink and source.
class ControlService : public Executor {
 public:
  struct Context {
    Caller caller;        ///< owner of what `put` makes
    bool served = false;  ///< by the daemon, not in memoria-ctl itself
    /// Where it is mounted read-only: by the daemon that serves, or else by one that cannot be
    /// asked. Empty: nowhere. Files are not changed then, not through the daemon, either.
    std::string read_only_mount{};
  };

  /// `volume` is null for a plain key-value store; otherwise `store` is the one under it. Both must
  /// outlive the service.
  ControlService(Store& store, Volume* volume, Context context)
      : store_(store), volume_(volume), context_(std::move(context)) {}

  Result<Json> execute(const Json& request, Sink& sink, Source& source) override;

 private:
  Store& store_;
  Volume* volume_;
  Context context_;
};

}  // namespace memoria
