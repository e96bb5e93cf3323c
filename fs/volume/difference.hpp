// SPDX-License-Identifier: MIT
// What changed in a volume between two moments.
#pragma once

#include <functional>
#include <string>

#include "core/store/store.hpp"

namespace memoria {

struct Difference {
  enum class Kind { kAdded, kRemoved, kChanged, kRenamed };
  Kind kind = Kind::kChanged;
  std::string path;                           ///< now; of what was removed: then
  std::string old_path;                       ///< then, of what was renamed
  mode_t type = 0;                            ///< S_IFMT bits
  bool contents = false, attributes = false;  ///< changed, or changed on being renamed
  bool unreadable = false;  ///< damage on either side: whether it changed cannot be told
};

/// Tells each difference between the volumes in two stores, `before` and `after`, which are
/// snapshots of one store or a snapshot and the store. An error that `tell` or `go_on` returns ends
/// it with that error; `go_on` is called with the number of entries looked at, often.
///
/// Walks both trees by their names; a file is compared by where its bytes lie, and only what was
/// moved or written again is read (Store::same_value). Directories are told before what is in them,
/// entries in the order of their names, renames when both names are known. Memory: some hundred
/// names for each level of depth, and up to 100,000 names whose other half is not found yet; what
/// is renamed beyond that is told as removed and added. A store that changes meanwhile is compared
/// as the walk finds it.
Status compare_volumes(const Store& before, const Store& after,
                       const std::function<Status(const Difference&)>& tell,
                       const std::function<Status(uint64_t)>& go_on);

}  // namespace memoria
