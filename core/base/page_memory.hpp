// SPDX-License-Identifier: MIT
// Memory for large buffers that do not live long.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <new>
#include <string>
#include <vector>

namespace memoria {

/// An allocator that takes what is large from the system, which has it back at once. malloc keeps
/// as much as the largest buffer that was ever freed, up to 64 MiB for each of its arenas.
template <class T>
struct PageAllocator {
  using value_type = T;
  static constexpr size_t kLarge = 64 << 10;  // bytes

  PageAllocator() = default;
  template <class U>
  PageAllocator(const PageAllocator<U>&) noexcept {
  }  // NOLINT(google-explicit-constructor): as they are

  T* allocate(size_t n) {
    if (n * sizeof(T) < kLarge) return static_cast<T*>(::operator new(n * sizeof(T)));
    void* const mapped =
        ::mmap(nullptr, n * sizeof(T), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED) throw std::bad_alloc();
    return static_cast<T*>(mapped);
  }
  void deallocate(T* p, size_t n) {
    if (n * sizeof(T) < kLarge) {
      ::operator delete(p);
    } else {
      ::munmap(p, n * sizeof(T));
    }
  }
  bool operator==(const PageAllocator&) const = default;
};

using PageString = std::basic_string<char, std::char_traits<char>, PageAllocator<char>>;
template <class T>
using PageVector = std::vector<T, PageAllocator<T>>;

}  // namespace memoria
