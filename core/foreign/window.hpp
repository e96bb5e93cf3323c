// SPDX-License-Identifier: MIT
// A file through a buffer of fixed size.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/foreign/source_directory.hpp"

namespace memoria::foreign {

/// Views live until the next call. Not thread-safe.
class Window {
 public:
  static constexpr size_t kCapacity = 256 << 10;

  /// `size`: no byte from there on is looked at, whatever the file has become meanwhile.
  /// `capacity`: bytes read at once. `file` must outlive this.
  Window(const SourceFile& file, uint64_t size, size_t capacity = kCapacity)
      : file_(file), size_(size), capacity_(capacity) {}

  uint64_t size() const { return size_; }
  /// `length` bytes from `offset`, at most the capacity; fewer only at the end of the file.
  Result<std::string_view> view(uint64_t offset, size_t length);
  /// What there is from `offset`: at least one byte before the end, at most `most`.
  Result<std::string_view> some(uint64_t offset, uint64_t most);

 private:
  bool holds(uint64_t offset, size_t length) const {
    return offset >= begin_ && offset - begin_ <= buffer_.size() &&
           length <= buffer_.size() - (offset - begin_);
  }
  Status fill(uint64_t offset);

  const SourceFile& file_;
  uint64_t size_;
  size_t capacity_;
  std::string buffer_;
  uint64_t begin_ = 0;  // of the buffer, in the file
};

}  // namespace memoria::foreign
