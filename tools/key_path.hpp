// SPDX-License-Identifier: MIT
// The path that a key of another program's store gets. Reversible, and no two keys share one:
//
//   a/b/c        the file c in the directory b in the directory a: '/' divides
//   %HH          in a name: the byte with this hexadecimal number. NUL and '%', and the dots of
//   what
//                would be the name "." or ".."
//   %_           a whole name: nothing at all, as at the front of "/a" or in "a//b"
//   name%-/rest  a name of more than 250 bytes goes on in the next, without a '/' between
//   name%=       the key "a/name" where there are also keys "a/name/...": a file beside a directory
//
// Behind '%' no other form occurs, so whoever reads a path from left to right gets the key back.
#pragma once

#include <absl/container/flat_hash_set.h>

#include <optional>
#include <string>
#include <string_view>

namespace memoria::ctl {

/// Paths of more bytes than this are not used: a program could hardly open them.
inline constexpr size_t kMostPathBytes = 4000;

/// Gives paths to the keys of one store: add() all of them first.
class KeyPaths {
 public:
  void add(std::string_view key);
  /// Relative, without the last rule for keys that were not added; nothing when it is too long.
  std::optional<std::string> path_of(std::string_view key) const;

 private:
  absl::flat_hash_set<std::string> directories_;
};

}  // namespace memoria::ctl
