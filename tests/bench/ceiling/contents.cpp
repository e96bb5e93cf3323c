// SPDX-License-Identifier: MIT
#include "tests/bench/ceiling/contents.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

namespace memoria::ceiling {
namespace {

constexpr uint64_t kLargestHeap = 64 << 10;  // above it pages are worth their system calls
constexpr uint64_t kPage = 4096;
constexpr uint64_t kLargest = uint64_t{1} << 44;  // well below what a process can map

constexpr uint64_t round_up(uint64_t value, uint64_t unit) {
  return (value + unit - 1) / unit * unit;
}

bool is_heap(size_t capacity) {
  return capacity <= kLargestHeap;
}

/// New pages, or `old` ones with their bytes and more behind them. Null when there are none.
/// Not huge ones: on a virtual machine that gives free memory back to its host, 1 GiB of these took
/// 2.5 s to be written for the first time, and 0.4 s with small pages.
char* map(char* old, size_t old_capacity, size_t capacity) {
  void* const mapped = old != nullptr ? ::mremap(old, old_capacity, capacity, MREMAP_MAYMOVE)
                                      : ::mmap(nullptr, capacity, PROT_READ | PROT_WRITE,
                                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) return nullptr;
  return static_cast<char*>(mapped);
}

}  // namespace

void ReleaseMemory::operator()(char* memory) const {
  if (is_heap(capacity)) {
    delete[] memory;
  } else {
    ::munmap(memory, capacity);
  }
}

std::string_view Contents::read(uint64_t offset, size_t length) const {
  if (offset >= size_) return {};
  return {memory_.get() + offset, std::min<uint64_t>(length, size_ - offset)};
}

bool Contents::write(uint64_t offset, std::string_view bytes) {
  const auto end = offset + bytes.size();
  if (!reserve(end)) return false;
  std::copy(bytes.begin(), bytes.end(), memory_.get() + offset);
  size_ = std::max(size_, end);
  return true;
}

bool Contents::resize(uint64_t size) {
  if (!reserve(size)) return false;
  if (size == 0) {
    memory_.reset();
  } else if (size < size_) {
    clear_behind(size);
  }
  size_ = size;
  return true;
}

bool Contents::reserve(uint64_t wanted) {
  if (wanted <= capacity()) return true;
  if (wanted > kLargest) return false;
  // Twice as much each time, so that appending does not copy everything again and again; but small
  // files that are written at once take no more than they hold.
  const auto enough = std::max<uint64_t>(wanted, capacity() * 2);
  if (is_heap(enough)) return move_to_heap(enough);
  return move_to_pages(round_up(enough, kPage));
}

bool Contents::move_to_heap(size_t capacity) {
  Memory larger(new (std::nothrow) char[capacity], ReleaseMemory{capacity});
  if (!larger) return false;
  std::copy_n(memory_.get(), size_, larger.get());
  std::fill(larger.get() + size_, larger.get() + capacity, '\0');
  memory_ = std::move(larger);
  return true;
}

bool Contents::move_to_pages(size_t capacity) {
  if (memory_ && !is_heap(this->capacity())) {
    char* const grown = map(memory_.get(), this->capacity(), capacity);
    if (grown == nullptr) return false;
    [[maybe_unused]] const auto* moved = memory_.release();
    memory_ = Memory(grown, ReleaseMemory{capacity});
    return true;
  }
  Memory larger(map(nullptr, 0, capacity), ReleaseMemory{capacity});
  if (!larger) return false;
  std::copy_n(memory_.get(), size_, larger.get());
  memory_ = std::move(larger);
  return true;
}

/// Of a file that shrinks.
void Contents::clear_behind(uint64_t size) {
  char* const from = memory_.get() + size;
  char* const end = memory_.get() + size_;
  char* const pages = memory_.get() + round_up(size, kPage);
  if (is_heap(capacity()) || pages >= end) {
    std::fill(from, end, '\0');
  } else {
    std::fill(from, pages, '\0');
    ::madvise(pages, static_cast<size_t>(end - pages), MADV_DONTNEED);  // they are zeros again
  }
}

}  // namespace memoria::ceiling
