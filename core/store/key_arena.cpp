// SPDX-License-Identifier: MIT
#include "core/store/key_arena.hpp"

#include <sys/mman.h>

#include <cstdint>
#include <new>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MEMORIA_ADDRESS_SANITIZER
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define MEMORIA_ADDRESS_SANITIZER
#endif
#ifdef MEMORIA_ADDRESS_SANITIZER
#include <sanitizer/asan_interface.h>
#include <sanitizer/lsan_interface.h>
#endif

namespace memoria {
namespace {

// The address sanitizer shall see in here what it sees on the heap.
#ifdef MEMORIA_ADDRESS_SANITIZER
void forbid(const void* p, size_t bytes) {
  __asan_poison_memory_region(p, bytes);
}
void allow(const void* p, size_t bytes) {
  __asan_unpoison_memory_region(p, bytes);
}
void may_point_to_the_heap(const void* p, size_t bytes, bool from_now_on) {
  from_now_on ? __lsan_register_root_region(p, bytes) : __lsan_unregister_root_region(p, bytes);
}
#else
void forbid(const void*, size_t) {}
void allow(const void*, size_t) {}
void may_point_to_the_heap(const void*, size_t, bool) {}
#endif

/// `size` bytes at a multiple of `size`.
char* map_aligned(size_t size) {
  void* const mapped = ::mmap(nullptr, 2 * size, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) throw std::bad_alloc();
  auto* const begin = static_cast<char*>(mapped);
  const size_t before = size - reinterpret_cast<uintptr_t>(begin) % size;  // 1 to size
  ::munmap(begin, before);
  if (before < size) ::munmap(begin + before + size, size - before);
  return begin + before;
}

}  // namespace

KeyArena::~KeyArena() {
  for (Block* block : blocks_) unmap(block);
}

KeyArena::Block* KeyArena::block_of(void* cell) {
  auto* const p = static_cast<char*>(cell);
  return reinterpret_cast<Block*>(p - reinterpret_cast<uintptr_t>(p) % kBlock);
}

void KeyArena::take(std::span<char*> cells) {
  const BriefLock lock(mutex_);
  for (char*& cell : cells) cell = take_one();
}

char* KeyArena::take_one() {
  char* cell = nullptr;
  if (free_ != nullptr) {
    cell = reinterpret_cast<char*>(free_);
    free_ = free_->next;
    if (free_ != nullptr) free_->previous = nullptr;
  } else {
    if (rest_ == rest_end_) add_block();
    cell = rest_;
    rest_ += kCell;
  }
  ++block_of(cell)->used;
  allow(cell, kCell);
  return cell;
}

void KeyArena::give_back(void* cell) {
  const BriefLock lock(mutex_);
  auto* const added = new (cell) Free{free_, nullptr};
  if (free_ != nullptr) free_->previous = added;
  free_ = added;
  forbid(added + 1, kCell - sizeof *added);
  Block* const block = block_of(cell);
  if (--block->used == 0 && block != blocks_.back()) release(block);
}

size_t KeyArena::memory() const {
  const BriefLock lock(mutex_);
  return blocks_.size() * kBlock;
}

/// Only when there is nothing left of the last one.
void KeyArena::add_block() {
  char* const begin = map_aligned(kBlock);
  // A small store does not pay for the whole of the first one.
  if (!blocks_.empty()) (void)::madvise(begin, kBlock, MADV_HUGEPAGE);
  may_point_to_the_heap(begin, kBlock, true);
  blocks_.push_back(new (begin) Block);
  rest_ = begin + kCell;
  rest_end_ = begin + kBlock;
  forbid(rest_, kBlock - kCell);
}

/// All its cells wait.
void KeyArena::release(Block* block) {
  auto* const begin = reinterpret_cast<char*>(block);
  for (char* p = begin + kCell; p < begin + kBlock; p += kCell) {
    auto* const cell = reinterpret_cast<Free*>(p);
    if (cell->next != nullptr) cell->next->previous = cell->previous;
    (cell->previous != nullptr ? cell->previous->next : free_) = cell->next;
  }
  std::erase(blocks_, block);
  unmap(block);
}

void KeyArena::unmap(Block* block) {
  allow(block, kBlock);
  may_point_to_the_heap(block, kBlock, false);
  ::munmap(block, kBlock);
}

}  // namespace memoria
