// SPDX-License-Identifier: MIT
#include "fs/binding/serve_loop.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <system_error>
#include <utility>

#include "core/base/signals.hpp"

namespace memoria {
namespace {

using Clock = std::chrono::steady_clock;

// A request that takes longer holds up others noticeably.
constexpr auto kLong = std::chrono::microseconds(50);
// So many requests without once having to wait mean that one thread is not enough.
constexpr int kBusy = 64;
// A program that makes one system call after the other has the next request within this time; being
// woken costs more. See the header.
constexpr auto kWatchDevice = std::chrono::microseconds(40);
constexpr int kMaxMisses = 8;  // then it is believed that requests come slowly ...
constexpr int kTryAgain = 32;  // ... until one of so many attempts succeeds
constexpr auto kWatch = std::chrono::milliseconds(5);
// Rounds without a request after which the watchman sleeps.
constexpr int kQuietRounds = 40;

int make_event() {
  const int fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (fd < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
  return fd;
}

unsigned half_of_the_cores() {
  return std::max(1U, std::thread::hardware_concurrency() / 2);
}

/// Whether the scheduler has taken the core from this thread since it asked the last time.
bool was_preempted() {
  thread_local long seen = 0;
  rusage usage{};
  ::getrusage(RUSAGE_THREAD, &usage);
  return std::exchange(seen, usage.ru_nivcsw) != usage.ru_nivcsw;
}

}  // namespace

ServeLoop::ServeLoop(fuse_session* session, unsigned max_threads)
    : session_(session),
      max_threads_(max_threads),
      busy_threads_(half_of_the_cores()),
      watches_(std::thread::hardware_concurrency() > 1),
      wake_(make_event()),
      bell_(make_event()) {
  const int device = fuse_session_fd(session_);
  ::fcntl(device, F_SETFL, ::fcntl(device, F_GETFL) | O_NONBLOCK);
}

ServeLoop::~ServeLoop() {
  ::close(wake_);
  ::close(bell_);
}

int ServeLoop::run() {
  sigset_t ending, before;
  sigemptyset(&ending);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&ending, number);
  pthread_sigmask(SIG_BLOCK, &ending, &before);
  const int signals = ::signalfd(-1, &ending, SFD_CLOEXEC | SFD_NONBLOCK);
  if (signals < 0) return -errno;
  if (start_first()) {
    watch(signals);
  } else {
    error_ = -EAGAIN;
  }
  end();
  std::vector<std::thread> threads;
  {
    Lock lock(mutex_);
    threads.swap(threads_);
  }
  for (auto& thread : threads) thread.join();
  ::close(signals);
  fuse_session_reset(session_);  // so that Session::serve_while() can still serve
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return error_;
}

bool ServeLoop::start_first() {
  Lock lock(mutex_);
  return start_thread();
}

/// False: there may be no more threads. Those that there are go on.
bool ServeLoop::start_thread() {
  ++awake_;
  try {
    threads_.push_back(thread_without_signals([this] { work(); }));
    return true;
  } catch (const std::system_error& e) {
    --awake_;
    spdlog::warn("no further thread to serve requests: {}", e.what());
    return false;
  }
}

bool ServeLoop::is_over() const {
  return over_ || fuse_session_exited(session_) != 0;
}

/// Tells all threads, and the watchman, that it is over. Not by fuse_session_exit(): libfuse throws
/// away what a thread reads then, and somebody may wait for the answer before the mount can end.
void ServeLoop::end() {
  over_ = true;
  eventfd_write(wake_, 1);
  Lock lock(mutex_);
  ending_ = true;
  called_.notify_all();
}

void ServeLoop::work() {
  RequestBuffer request;
  Pace pace;
  int without_waiting = 0;
  bool was_long = false;
  ++reading_;
  while (!is_over()) {
    const int size = receive(request, pace);
    if (size == -EINTR || size == -EAGAIN) continue;
    --reading_;
    if (size <= 0) {
      if (size < 0) error_ = size;
      break;
    }
    ++taken_;  // before the look at dozing_: the watchman does it the other way round
    if (dozing_ && dozing_.exchange(false)) eventfd_write(bell_, 1);
    without_waiting = pace.waited ? 0 : without_waiting + 1;
    const bool too_busy = without_waiting >= kBusy &&
                          unsigned(awake_.load(std::memory_order_relaxed)) < busy_threads_;
    if ((was_long && !pace.waited) || too_busy) {
      without_waiting = 0;
      call_another();
    }
    const auto begin = Clock::now();
    fuse_session_process_buf(session_, &request);
    const bool took_long = Clock::now() - begin > kLong;
    was_long = took_long && !was_preempted();
    if (!took_long && is_one_too_many()) {
      park();
    } else {
      ++reading_;
    }
  }
  end();
}

/// The next request, as fuse_session_receive_buf(); -EAGAIN when the caller was parked, or all end.
int ServeLoop::receive(fuse_buf& request, Pace& pace) {
  pace.waited = false;
  int size = fuse_session_receive_buf(session_, &request);
  if (size != -EAGAIN) return size;
  if (step_aside()) {
    park();
    return -EAGAIN;
  }
  pace.waited = true;
  if (expects_request(pace)) {
    size = watch_device(request);
    pace.misses = size == -EAGAIN ? pace.misses + 1 : 0;
    if (size != -EAGAIN) return size;
  }
  pollfd sources[] = {{fuse_session_fd(session_), POLLIN, 0}, {wake_, POLLIN, 0}};
  ::poll(sources, 2, -1);
  return sources[1].revents != 0 ? -EAGAIN : fuse_session_receive_buf(session_, &request);
}

/// Whether a request is likely to come at once.
bool ServeLoop::expects_request(Pace& pace) const {
  if (!watches_) return false;
  return pace.misses < kMaxMisses || ++pace.sleeps % kTryAgain == 0;
}

/// Asks the device again and again for a while instead of sleeping; -EAGAIN when nothing came.
int ServeLoop::watch_device(fuse_buf& request) {
  const auto until = Clock::now() + kWatchDevice;
  do {
    const int size = fuse_session_receive_buf(session_, &request);
    if (size != -EAGAIN) return size;
  } while (Clock::now() < until);
  return -EAGAIN;
}

/// Gives up reading when another thread reads, too.
bool ServeLoop::step_aside() {
  int readers = reading_.load();
  while (readers > 1) {
    if (reading_.compare_exchange_weak(readers, readers - 1)) return true;
  }
  return false;
}

/// Whether others, of whom one reads, are enough for requests that are answered quickly.
bool ServeLoop::is_one_too_many() const {
  return unsigned(awake_.load(std::memory_order_relaxed)) > busy_threads_ && reading_.load() > 0;
}

void ServeLoop::park() {
  Lock lock(mutex_);
  ++parked_;
  --awake_;
  while (calls_ == 0 && !ending_) called_.wait(lock);
  if (calls_ > 0) --calls_;
  --parked_;
  ++awake_;
  ++reading_;
}

void ServeLoop::call_another() {
  if (reading_.load() > 0) return;
  Lock lock(mutex_);
  if (parked_ > calls_) {
    ++calls_;
    called_.notify_one();
  } else if (threads_.size() < max_threads_ && !ending_ && !exhausted_) {
    exhausted_ = !start_thread();
  }
}

/// Until it is over: sees to it that somebody reads.
void ServeLoop::watch(int signals) {
  uint64_t seen = taken_;
  int quiet = 0;
  while (!is_over()) {
    const bool dozes = quiet >= kQuietRounds;
    if (dozes) {
      dozing_ = true;
      // A request from just before has nobody to ring for it.
      if (taken_ != seen) dozing_ = false;
    }
    const int number = wait_for_event(signals, dozing_ ? std::chrono::milliseconds(-1) : kWatch);
    if (number != 0) {
      if (number > 0) error_ = number;
      return;
    }
    const uint64_t taken = taken_;
    if (taken == seen && reading_ == 0) call_another();
    quiet = taken == seen && reading_ != 0 ? quiet + 1 : 0;
    seen = taken;
  }
}

/// 0 after the timeout or the bell; a signal's number; negative when all shall end.
int ServeLoop::wait_for_event(int signals, std::chrono::milliseconds timeout) {
  pollfd sources[] = {{signals, POLLIN, 0}, {wake_, POLLIN, 0}, {bell_, POLLIN, 0}};
  ::poll(sources, 3, int(timeout.count()));
  signalfd_siginfo info{};
  if (sources[0].revents != 0 && ::read(signals, &info, sizeof info) == ssize_t(sizeof info)) {
    return int(info.ssi_signo);
  }
  if (sources[1].revents != 0) return -1;
  eventfd_t rings = 0;
  if (sources[2].revents != 0) eventfd_read(bell_, &rings);
  return 0;
}

}  // namespace memoria
