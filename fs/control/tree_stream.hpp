// SPDX-License-Identifier: MIT
// A tree of files on its way into a volume, as bytes: what `import` takes, whatever it was read
// from. Frames of [1-byte type][4-byte little-endian length][payload]:
//
//   E  an entry: JSON, see TreeEntry
//   D  bytes of the file before: [8-byte little-endian offset][bytes]
//   Z  the end; without it nothing is imported
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/result.hpp"
#include "fs/control/executor.hpp"
#include "fs/volume/time.hpp"

namespace memoria {

/// One file, directory or other thing.
struct TreeEntry {
  std::string path;  ///< relative, as "a/b"; "" is the top itself
  mode_t mode = 0;   ///< type and permissions; unused for hard links
  std::optional<uid_t> uid;
  std::optional<gid_t> gid;
  uint64_t rdev = 0;
  uint64_t size = 0;  ///< of a regular file, bytes
  std::optional<TimeNs> mtime, atime;
  std::string target;     ///< of a symbolic link
  std::string hard_link;  ///< the path of an entry that came before: another name for it
  std::vector<std::pair<std::string, std::string>> xattrs;
};

inline constexpr size_t kMaxTreeFrame = 16 << 20;  ///< bytes of payload

std::string encode(const TreeEntry& entry);
std::string encode_tree_data(uint64_t offset, std::string_view bytes);
std::string encode_tree_end();

/// What comes next in a stream. The views live until the next call.
struct TreeFrame {
  std::optional<TreeEntry> entry;
  uint64_t offset = 0;
  std::string_view bytes;
};

/// Reads a stream. Not thread-safe.
class TreeReader {
 public:
  explicit TreeReader(Source& source) : source_(source) {}
  /// Nothing at the end, and when the source has ended, too: until then whoever sends may give up,
  /// and that error of the source is returned. kInvalidArgument: this is no such stream, or it ends
  /// too early or too late.
  Result<std::optional<TreeFrame>> next();

 private:
  Status fill(size_t size);

  Source& source_;
  std::string payload_;
};

}  // namespace memoria
