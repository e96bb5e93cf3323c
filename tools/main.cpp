// SPDX-License-Identifier: MIT
// memoria-ctl, the process: standard streams and signals.
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <string>
#include <vector>

#include "core/base/standard_descriptors.hpp"
#include "tools/run.hpp"

namespace {

volatile std::sig_atomic_t interrupted = 0;

constexpr int kSignals[] = {SIGINT, SIGTERM, SIGHUP};

/// The first signal asks for a clean end, the second ends the process, whichever they are.
void on_signal(int) {
  interrupted = 1;
  for (const int number : kSignals) std::signal(number, SIG_DFL);
}

void set_signals() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = 0;  // no SA_RESTART: waiting calls shall notice
  for (const int number : kSignals) sigaction(number, &action, nullptr);
  // A write then fails, and the store is closed in order.
  for (const int number : {SIGPIPE, SIGXFSZ}) std::signal(number, SIG_IGN);
}

/// Waits until there is something to read, or its end. kCancelled: a signal came, also one just
/// before read() would begin to wait, which nobody would notice.
memoria::Status await_input() {
  sigset_t ours, before;
  sigemptyset(&ours);
  for (const int number : kSignals) sigaddset(&ours, number);
  pthread_sigmask(SIG_BLOCK, &ours, &before);
  pollfd input{STDIN_FILENO, POLLIN, 0};
  if (interrupted == 0) (void)::ppoll(&input, 1, nullptr, &before);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (interrupted != 0) return memoria::Error(memoria::Errc::kCancelled);
  return memoria::ok();
}

memoria::Result<size_t> read_input(std::span<char> out) {
  for (;;) {
    MEMORIA_TRY(await_input());
    const ssize_t n = ::read(STDIN_FILENO, out.data(), out.size());
    if (n >= 0) return size_t(n);
    if (errno != EINTR) return memoria::Error::from_errno(errno, "read", "standard input");
    if (interrupted != 0) return memoria::Error(memoria::Errc::kCancelled);
  }
}

memoria::Status write_all(int fd, std::string_view name, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n >= 0) {
      bytes.remove_prefix(size_t(n));
    } else if (errno != EINTR) {
      return memoria::Error::from_errno(errno, "write", name);
    } else if (interrupted != 0) {
      return memoria::Error(memoria::Errc::kCancelled);
    }
  }
  return memoria::ok();
}

size_t columns(int fd) {
  winsize size{};
  return ::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace

int main(int argc, char** argv) {
  memoria::occupy_standard_descriptors();
  set_signals();
  memoria::ctl::Streams streams;
  streams.in = read_input;
  streams.out = [](std::string_view text) {
    return write_all(STDOUT_FILENO, "standard output", text);
  };
  streams.err = [](std::string_view text) {
    return write_all(STDERR_FILENO, "standard error", text);
  };
  streams.out_is_terminal = ::isatty(STDOUT_FILENO) != 0;
  streams.err_is_terminal = ::isatty(STDERR_FILENO) != 0;
  streams.err_columns = columns(STDERR_FILENO);
  streams.interrupted = [] { return interrupted != 0; };
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  return memoria::ctl::run(arguments, streams);
}
