// SPDX-License-Identifier: MIT
// A file, directory, link or device in memory.
#pragma once

#include <sys/stat.h>

#include <atomic>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <cstdint>
#include <memory>
#include <string>

#include "core/base/mutex.hpp"
#include "tests/bench/ceiling/contents.hpp"
#include "tests/bench/ceiling/directory.hpp"

namespace memoria::ceiling {

/// Lives as long as somebody refers to it: each of its names, each lookup that was not taken back,
/// each NodePtr. Order of locks: the entries of directories, two of them by address; then the mutex
/// of one node.
class Node {
 public:
  explicit Node(const struct stat& initial) : number(initial.st_ino), attributes(initial) {
    if (S_ISDIR(initial.st_mode)) directory = std::make_unique<Directory>();
  }
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  bool is_directory() const { return directory != nullptr; }

  void retain() { references_.fetch_add(1, std::memory_order_relaxed); }
  /// May be the node's end.
  void release(uint64_t count);

  const uint64_t number;
  std::string target;                    ///< of a link; never changes
  std::unique_ptr<Directory> directory;  ///< of a directory, else null; has a mutex of its own

  SharedMutex mutex;
  struct stat attributes GUARDED_BY(mutex);  ///< the size of a directory: its entries
  Contents contents GUARDED_BY(mutex);       ///< of a regular file
  uint64_t parent GUARDED_BY(mutex) = 0;     ///< of a directory: the number of the one it is in

 private:
  ~Node() = default;

  std::atomic<uint64_t> references_ = 0;
};

inline void intrusive_ptr_add_ref(Node* node) {
  node->retain();
}
inline void intrusive_ptr_release(Node* node) {
  node->release(1);
}

/// The time as the kernel stamps files.
timespec now();
/// A copy. For regular files size and blocks are up to date.
struct stat attributes_of(Node& node);

}  // namespace memoria::ceiling
