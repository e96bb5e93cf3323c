// SPDX-License-Identifier: MIT
#include "fs/binding/launch.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <system_error>
#include <utility>

namespace memoria {
namespace {

std::string read_all(int pipe) {
  std::string text;
  std::array<char, 1024> part{};
  for (;;) {
    const auto n = ::read(pipe, part.data(), part.size());
    if (n > 0) {
      text.append(part.data(), static_cast<size_t>(n));
    } else if (n == 0 || errno != EINTR) {
      return text;
    }
  }
}

Failure died_silently(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return {
      MountExit::kInternal,
      WIFSIGNALED(status)
          ? fmt::format("the daemon was ended by signal {} ({}) before it was ready",
                        WTERMSIG(status), strsignal(WTERMSIG(status)))
          : fmt::format("the daemon exited with code {} before it was ready", WEXITSTATUS(status))};
}

[[noreturn]] void become_daemon(int pipe, const std::function<MountExit(Reporter&)>& daemon) {
  if (::chdir("/") != 0) std::_Exit(static_cast<int>(MountExit::kInternal));
  redirect_to_null({STDIN_FILENO});
  Reporter reporter(pipe);
  const auto code = daemon(reporter);
  // Not exit(): what the command has buffered and registered is the command's.
  std::_Exit(static_cast<int>(code));
}

}  // namespace

void redirect_to_null(std::initializer_list<int> descriptors) {
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (const int descriptor : descriptors) ::dup2(null, descriptor);
  if (null > STDERR_FILENO) ::close(null);
}

bool Reporter::send(MountExit code, const std::string& message) {
  const int pipe = std::exchange(pipe_, -1);
  if (pipe < 0) return true;
  const auto report = static_cast<char>(code) + message;  // shorter than PIPE_BUF: one write
  const bool sent = ::write(pipe, report.data(), report.size()) == ssize_t(report.size());
  ::close(pipe);
  return sent;
}

bool Reporter::ready() {
  if (pipe_ >= 0) {
    // Only now: while autofs has the mount made, it knows who makes it by the process group, and
    // has all others wait for it.
    ::setsid();
    // So that nobody who reads the command's output waits for the daemon's end.
    redirect_to_null({STDOUT_FILENO, STDERR_FILENO});
  }
  return send(MountExit::kOk, {});
}

void Reporter::warn(const std::string& message) const {
  if (pipe_ < 0 || message.empty()) return;
  std::fprintf(stderr, "memoria-fs: warning: %s\n", message.c_str());
}

void Reporter::failed(const Failure& failure) {
  send(failure.code, failure.message);
}

Checked<pid_t> launch(const std::function<MountExit(Reporter&)>& daemon) {
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) {
    return Failure(MountExit::kInternal, "pipe: " + std::generic_category().message(errno));
  }
  const auto child = ::fork();
  if (child == 0) {
    ::close(pipe[0]);
    become_daemon(pipe[1], daemon);
  }
  const int error = errno;
  ::close(pipe[1]);
  const auto report = child < 0 ? std::string() : read_all(pipe[0]);
  ::close(pipe[0]);
  if (child < 0) {
    return Failure(MountExit::kInternal, "fork: " + std::generic_category().message(error));
  }
  if (report.empty()) return died_silently(child);
  const auto code = static_cast<MountExit>(report.front());
  if (code == MountExit::kOk) return child;
  ::waitpid(child, nullptr, 0);  // so that the data directory is free again
  return Failure(code, report.substr(1));
}

}  // namespace memoria
