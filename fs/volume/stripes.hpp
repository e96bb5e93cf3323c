// SPDX-License-Identifier: MIT
// Locks on inodes, a fixed number of them, each for many inodes.
#pragma once

#include <algorithm>
#include <array>
#include <boost/container/static_vector.hpp>
#include <cstdint>
#include <span>
#include <utility>

#include "core/base/mutex.hpp"
#include "fs/volume/attributes.hpp"

namespace memoria {

/// A set of inodes is locked at once and in the order of the stripes, so that no two operations
/// wait for each other. Whoever holds a guard must not take another one. (Which mutexes a guard
/// holds is known at run time only: the static analysis cannot follow, the thread sanitizer does.)
class Stripes {
 public:
  static constexpr size_t kCount = 1024;
  static constexpr size_t kMaxLocked = 5;  ///< a rename: two directories, two inodes, a whiteout

  class Guard {
   public:
    Guard() = default;
    Guard(Guard&& other) noexcept { *this = std::move(other); }
    Guard& operator=(Guard&& other) noexcept {
      std::swap(all_, other.all_);
      std::swap(held_, other.held_);
      return *this;
    }
    ~Guard() { unlock(); }

    void unlock() NO_THREAD_SAFETY_ANALYSIS {
      for (const auto i : held_) (*all_)[i].lock.unlock();
      held_.clear();
    }

   private:
    friend class Stripes;
    struct alignas(64) Stripe {
      Mutex lock;
    };
    std::array<Stripe, kCount>* all_ = nullptr;
    boost::container::static_vector<uint16_t, kMaxLocked> held_;
  };

  /// Waits for the stripes of at most kMaxLocked inodes, which may repeat.
  [[nodiscard]] Guard lock(std::span<const InodeNumber> inodes) NO_THREAD_SAFETY_ANALYSIS {
    Guard out;
    out.all_ = &stripes_;
    for (const auto ino : inodes) out.held_.push_back(uint16_t(ino % kCount));
    std::sort(out.held_.begin(), out.held_.end());
    out.held_.erase(std::unique(out.held_.begin(), out.held_.end()), out.held_.end());
    for (const auto i : out.held_) stripes_[i].lock.lock();
    return out;
  }
  [[nodiscard]] Guard lock(InodeNumber ino) { return lock(std::span(&ino, 1)); }

 private:
  std::array<Guard::Stripe, kCount> stripes_;
};

}  // namespace memoria
