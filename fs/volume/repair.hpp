// SPDX-License-Identifier: MIT
// Saves what can be read of a damaged store into a new one.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/result.hpp"
#include "core/store/reports.hpp"
#include "core/store/store.hpp"
#include "fs/volume/attributes.hpp"

namespace memoria {

/// Something that could not be saved, or not as it was.
struct Loss {
  enum class What {
    kRange,       ///< bytes of a file, which are zeros now
    kFile,        ///< a name whose inode, or a symlink whose target, is gone: the name is gone, too
    kAttributes,  ///< owner, mode and times of a file; it has new ones
    kXattr,       ///< an extended attribute
    kName,        ///< a name that led nowhere any more
    kFound,       ///< an inode without a name; it is in lost+found
    kKey,         ///< a value of a plain store, or a key that makes no sense in a volume
  };
  What what = What::kFile;
  std::string path;  ///< in the new volume; of kKey: the key
  uint64_t offset = 0, length = 0;
  std::string detail;
};
/// Stable words for programs: "range", "file", "attributes", "xattr", "name", "found", "key".
std::string_view name(Loss::What what);

struct RepairReport {
  uint64_t files = 0;  ///< inodes, or keys of a plain store, that are in the new one
  uint64_t bytes = 0;  ///< of contents
  std::vector<Loss> losses;
};

/// A file that lost a part has this attribute: "OFFSET+LENGTH" of each, with blanks between.
inline constexpr std::string_view kLostRangesXattr = "user.memoria.lost";

/// Copies the volume in `from` into `to`, an empty store, so that `to` is without contradictions:
/// every name leads to an inode and every inode has a name, links and entries are counted, and what
/// has lost its name is in /lost+found. Files without a name that were open (orphans) and
/// unfinished trees are left behind where no record may be missed, as opening does. `owner` owns
/// what must be made up. Progress counts bytes of contents. Errors: of writing to `to`, kCancelled,
/// kNewerFormat; damage of `from` is none.
Result<RepairReport> repair_volume(const Store& from, Store& to, const Caller& owner,
                                   const ProgressFn& progress = {});

/// The same for a store without a volume: values that are not whole are left out.
Result<RepairReport> repair_keys(const Store& from, Store& to, const ProgressFn& progress = {});

}  // namespace memoria
