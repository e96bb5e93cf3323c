// SPDX-License-Identifier: MIT
// Memory for the leaves of the key directory.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "core/base/cache_line.hpp"
#include "core/base/mutex.hpp"

namespace memoria {

/// Hands out cells, all of one size, so that what one leaf gives back fits every other one: no
/// memory lies waste between them, however leaves come and go. They are cut from 2 MiB blocks, for
/// which the system is asked for huge pages: leaves are touched at random, and with small pages
/// finding where a page is takes as long as the memory itself. A block of which nothing is used any
/// more goes back to the system. Thread-safe.
///
/// Against a buffer from malloc for each leaf (memoria-bench --engines raw, medians of 3 in turns):
/// put of 100 B in random order 1.24 and 1.12 us, get 1.81 and 1.65, get of no key 0.30 and 0.22;
/// memory beside each of ten million keys 37.5 and 31.5 bytes. Pieces of many sizes (multiples of
/// 256 bytes) instead of cells were as fast, but left up to 8 bytes for each key between them: most
/// leaves are halved at about the same time.
class alignas(kApart) KeyArena {
 public:
  static constexpr size_t kCell = 512;  ///< bytes, and what a cell's address is a multiple of

  KeyArena() = default;
  ~KeyArena();  ///< all that was taken must have been given back
  KeyArena(const KeyArena&) = delete;
  KeyArena& operator=(const KeyArena&) = delete;

  /// Fills `cells` with cells, whose contents are not initialized. std::bad_alloc.
  void take(std::span<char*> cells);
  void give_back(void* cell);

  /// Bytes of all blocks, those of cells that wait to be taken included.
  size_t memory() const;

 private:
  static constexpr size_t kBlock = 2 << 20;

  /// A cell that waits, in the list of all of them.
  struct Free {
    Free *next, *previous;
  };
  /// The first cell of each block, whose address is a multiple of its size.
  struct Block {
    size_t used = 0;  // cells
  };

  static Block* block_of(void* cell);
  static void unmap(Block* block);
  char* take_one() REQUIRES(mutex_);
  void add_block() REQUIRES(mutex_);
  void release(Block* block) REQUIRES(mutex_);

  mutable BriefMutex mutex_;  // last of all
  Free* free_ GUARDED_BY(mutex_) = nullptr;
  std::vector<Block*> blocks_ GUARDED_BY(mutex_);
  // What was not taken yet of the last block.
  char* rest_ GUARDED_BY(mutex_) = nullptr;
  char* rest_end_ GUARDED_BY(mutex_) = nullptr;
};

}  // namespace memoria
