// SPDX-License-Identifier: MIT
// The threads that take requests from /dev/fuse and answer them.
#pragma once

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "core/base/mutex.hpp"
#include "fs/binding/fuse.hpp"

namespace memoria {

/// Most requests are answered from memory in microseconds, and what they cost is waking a thread,
/// on a virtual machine by an interrupt between cores. So one thread reads and answers, request
/// after request, as long as that goes quickly, and asks the device for some microseconds more
/// before it goes to sleep; libfuse's own loop wakes its threads in turns instead. Measured on two
/// cores, medians of 3 in turns, 3,000 files of 1 KiB, operations a second of libfuse's loop and of
/// this one without and with asking on: one program: create 6,630, 4,528, 10,839; stat 38,984,
/// 77,223, 52,274; read 27,200, 19,729, 43,285; rename 14,357, 6,150, 12,523. Asking on for 40 us
/// instead of 20 takes 0.89 of the time in `cp -a`, 0.92 in `grep -r`, 0.66 in `diff -r` and 0.91
/// in `git add` of 20,000 files; 70 us brought no more. Going to the core of the program that asks
/// brought nothing: on one core a request takes 10 us and on two 47, but Linux puts who is woken on
/// an idle core while the cores that share a cache are used less than about 60 %
/// (select_idle_cpu(), SIS_UTIL), and undid 33 of 34 moves within 3 ms. Nor did it bring anything
/// to wait for an fsync here instead of waking the committer: 1.13x ext4 instead of 1.11x with one
/// program, 0.65x instead of 0.72x with eight.
///
/// One thread is best also for many programs, as long as it does not wait: those beside it would
/// wait for its locks, and be put to sleep and woken for that. Eight threads that work on 4,000
/// files each, medians of 3 in turns, operations a second of ten threads that stay, and of this
/// loop: create 12,270, 16,473; rename 19,523, 25,044; overwrite 17,392, 21,781; unlink 19,711,
/// 26,963.
///
/// Another thread joins in when it has to:
/// - a request took long, because of its size or the disk and not of the scheduler, and more were
///   waiting behind it;
/// - one thread is kept busy all the time, and at least half of the cores would be left for others;
/// - the only reader does not come back: the watchman, which looks every few milliseconds as long
///   as there are requests, wakes another.
///
/// A thread that finds nothing to read while another reads is parked, and so is one too many that
/// has answered quickly. One at a time waits for the device, so a request wakes one thread.
class ServeLoop {
 public:
  ServeLoop(fuse_session* session, unsigned max_threads);
  ~ServeLoop();
  ServeLoop(const ServeLoop&) = delete;
  ServeLoop& operator=(const ServeLoop&) = delete;

  /// Serves until somebody unmounts, the session is told to exit, or SIGTERM, SIGINT or SIGHUP
  /// comes. Returns the signal, 0, or a negative errno. Once.
  int run();

 private:
  /// How requests come to one thread.
  struct Pace {
    bool waited = false;  // there was none at once
    int misses = 0;       // none came while it asked on, so many times in a row
    unsigned sleeps = 0;  // since it has ceased to ask on
  };

  bool start_first();
  bool start_thread() REQUIRES(mutex_);
  void work();
  int receive(fuse_buf& request, Pace& pace);
  bool expects_request(Pace& pace) const;
  int watch_device(fuse_buf& request);
  bool step_aside();
  bool is_one_too_many() const;
  void call_another();
  void park();
  void watch(int signals);
  int wait_for_event(int signals, std::chrono::milliseconds timeout);
  void end();
  bool is_over() const;

  fuse_session* const session_;
  const unsigned max_threads_;
  const unsigned busy_threads_;  // as many as may be kept busy by short requests
  const bool watches_;           // there is a core to do it on
  const int wake_;               // an eventfd that is readable when all shall end

  // The reader role.
  std::atomic<int> reading_{0};
  std::atomic<uint64_t> taken_{0};  // requests
  std::atomic<int> awake_{0};       // threads that are not parked

  // The watchman sleeps while nothing happens; whoever takes a request then rings.
  std::atomic<bool> dozing_{false};
  const int bell_;
  std::atomic<int> error_{0};
  std::atomic<bool> over_{false};

  Mutex mutex_;
  Condition called_;
  unsigned parked_ GUARDED_BY(mutex_) = 0;
  unsigned calls_ GUARDED_BY(mutex_) = 0;
  bool ending_ GUARDED_BY(mutex_) = false;
  bool exhausted_ GUARDED_BY(mutex_) =
      false;  // a thread could not be started: it is not tried again
  std::vector<std::thread> threads_ GUARDED_BY(mutex_);
};

}  // namespace memoria
