// SPDX-License-Identifier: MIT
// The bytes of a file in memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace memoria::ceiling {

/// Gives memory back to where it is from: small memory to the heap, large memory to the kernel.
struct ReleaseMemory {
  size_t capacity = 0;
  void operator()(char* memory) const;
};
using Memory = std::unique_ptr<char[], ReleaseMemory>;

/// Bytes in one piece, so that a read can be answered from where they are. Bytes that were never
/// written are zeros; in large files they take no memory. Not thread-safe.
class Contents {
 public:
  uint64_t size() const { return size_; }

  /// The bytes from `offset` on, at most `length`; until the next change.
  std::string_view read(uint64_t offset, size_t length) const;
  /// False when there is no memory for them; nothing is changed then.
  bool write(uint64_t offset, std::string_view bytes);
  bool resize(uint64_t size);

 private:
  size_t capacity() const { return memory_ ? memory_.get_deleter().capacity : 0; }
  bool reserve(uint64_t wanted);
  bool move_to_heap(size_t capacity);
  bool move_to_pages(size_t capacity);
  void clear_behind(uint64_t size);

  Memory memory_;  ///< zeros from size_ on
  uint64_t size_ = 0;
};

}  // namespace memoria::ceiling
