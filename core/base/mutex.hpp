// SPDX-License-Identifier: MIT
// Mutexes with the names that Clang's thread-safety analysis checks (-Wthread-safety):
// each member says which mutex guards it, and the compiler proves it.
// (absl::Mutex has these too, but Debian's build of it is opaque to the thread sanitizer.)
#pragma once

#include <absl/base/thread_annotations.h>  // GUARDED_BY, PT_GUARDED_BY, NO_THREAD_SAFETY_ANALYSIS

#include <pthread.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <shared_mutex>

#if defined(__clang__)
#define MEMORIA_ANNOTATION(x) __attribute__((x))
#else
#define MEMORIA_ANNOTATION(x)
#endif
#define CAPABILITY(x) MEMORIA_ANNOTATION(capability(x))
#define SCOPED_CAPABILITY MEMORIA_ANNOTATION(scoped_lockable)
#define REQUIRES(...) MEMORIA_ANNOTATION(requires_capability(__VA_ARGS__))
#define REQUIRES_SHARED(...) MEMORIA_ANNOTATION(requires_shared_capability(__VA_ARGS__))
#define ACQUIRE(...) MEMORIA_ANNOTATION(acquire_capability(__VA_ARGS__))
#define ACQUIRE_SHARED(...) MEMORIA_ANNOTATION(acquire_shared_capability(__VA_ARGS__))
#define RELEASE(...) MEMORIA_ANNOTATION(release_capability(__VA_ARGS__))
#define RELEASE_SHARED(...) MEMORIA_ANNOTATION(release_shared_capability(__VA_ARGS__))
#define RELEASE_GENERIC(...) MEMORIA_ANNOTATION(release_generic_capability(__VA_ARGS__))
#define EXCLUDES(...) MEMORIA_ANNOTATION(locks_excluded(__VA_ARGS__))

namespace memoria {

class Condition;

/// A std::mutex that the analysis knows.
class CAPABILITY("mutex") Mutex {
 public:
  void lock() ACQUIRE() { m_.lock(); }
  void unlock() RELEASE() { m_.unlock(); }

 private:
  friend class Condition;
  std::mutex m_;
};

/// For what takes a few instructions: who waits looks again for a while before going to sleep. Not
/// for a Condition.
class CAPABILITY("mutex") BriefMutex {
 public:
  BriefMutex() = default;
  ~BriefMutex() { pthread_mutex_destroy(&m_); }
  BriefMutex(const BriefMutex&) = delete;
  BriefMutex& operator=(const BriefMutex&) = delete;

  void lock() ACQUIRE() { pthread_mutex_lock(&m_); }
  void unlock() RELEASE() { pthread_mutex_unlock(&m_); }

 private:
#ifdef PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP
  pthread_mutex_t m_ = PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP;
#else
  pthread_mutex_t m_ = PTHREAD_MUTEX_INITIALIZER;
#endif
};

/// A std::shared_mutex that the analysis knows, for what mostly takes a few instructions: who waits
/// looks again for a while, some microseconds at most, before going to sleep. Being woken takes
/// longer than what is waited for: beside a reader a store's writer put 503,000 keys a second
/// instead of 476,000 (memoria-bench --groups mixed, medians of 4; 100 looks and 400 did no better
/// than 50).
class CAPABILITY("mutex") SharedMutex {
 public:
  void lock() ACQUIRE() {
    for (int looks = 0; looks < kLooks; ++looks, pause()) {
      if (m_.try_lock()) return;
    }
    m_.lock();
  }
  void unlock() RELEASE() { m_.unlock(); }
  void lock_shared() ACQUIRE_SHARED() {
    for (int looks = 0; looks < kLooks; ++looks, pause()) {
      if (m_.try_lock_shared()) return;
    }
    m_.lock_shared();
  }
  void unlock_shared() RELEASE_SHARED() { m_.unlock_shared(); }

 private:
  static constexpr int kLooks = 50;
  static void pause() {
#ifdef __x86_64__
    __builtin_ia32_pause();
#endif
  }

  std::shared_mutex m_;
};

/// Holds one of these for a scope. unlock() and lock() allow a gap in the middle.
template <class M>
class SCOPED_CAPABILITY BasicLock {
 public:
  explicit BasicLock(M& m) ACQUIRE(m) : m_(m) { m_.lock(); }
  ~BasicLock() RELEASE() {
    if (held_) m_.unlock();
  }
  BasicLock(const BasicLock&) = delete;
  BasicLock& operator=(const BasicLock&) = delete;

  void lock() ACQUIRE() {
    m_.lock();
    held_ = true;
  }
  void unlock() RELEASE() {
    m_.unlock();
    held_ = false;
  }

 private:
  friend class Condition;
  M& m_;
  bool held_ = true;
};

using Lock = BasicLock<Mutex>;
using BriefLock = BasicLock<BriefMutex>;
using WriteLock = BasicLock<SharedMutex>;

/// Holds a SharedMutex for reading.
class SCOPED_CAPABILITY ReadLock {
 public:
  explicit ReadLock(SharedMutex& m) ACQUIRE_SHARED(m) : m_(m) { m_.lock_shared(); }
  ~ReadLock() RELEASE_GENERIC() { m_.unlock_shared(); }
  ReadLock(const ReadLock&) = delete;
  ReadLock& operator=(const ReadLock&) = delete;

 private:
  SharedMutex& m_;
};

/// A std::condition_variable that waits with a Lock. Without predicates: the analysis cannot see
/// into them, so waits are written as loops.
class Condition {
 public:
  void wait(Lock& lock) {
    std::unique_lock native(lock.m_.m_, std::adopt_lock);
    condition_.wait(native);
    native.release();
  }

  template <class Time>
  std::cv_status wait_until(Lock& lock, const Time& time) {
    std::unique_lock native(lock.m_.m_, std::adopt_lock);
    const auto status = condition_.wait_until(native, time);
    native.release();
    return status;
  }

  template <class Duration>
  std::cv_status wait_for(Lock& lock, const Duration& duration) {
    return wait_until(lock, std::chrono::steady_clock::now() + duration);
  }

  void notify_one() { condition_.notify_one(); }
  void notify_all() { condition_.notify_all(); }

 private:
  std::condition_variable condition_;
};

}  // namespace memoria
