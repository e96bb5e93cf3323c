// SPDX-License-Identifier: MIT
#include "tools/bench/directories/program.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>

namespace memoria::bench {
namespace {

constexpr size_t kComplaintSize = 400;  // of its end

std::vector<std::string> environment() {
  const char* path = std::getenv("PATH");
  return {fmt::format("PATH={}", path != nullptr ? path : "/usr/bin:/bin"), "HOME=/nonexistent",
          "LC_ALL=C", "TZ=UTC", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null",
          "GIT_ATTR_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0", "GIT_AUTHOR_NAME=bench",
          "GIT_AUTHOR_EMAIL=bench@example.org", "GIT_COMMITTER_NAME=bench",
          "GIT_COMMITTER_EMAIL=bench@example.org",
          // Nothing may go on in the background when the clock has stopped.
          "GIT_CONFIG_COUNT=2", "GIT_CONFIG_KEY_0=gc.auto", "GIT_CONFIG_VALUE_0=0",
          "GIT_CONFIG_KEY_1=maintenance.auto", "GIT_CONFIG_VALUE_1=false"};
}

/// For calls that want `char* const*`.
std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (auto& string : strings) pointers.push_back(string.data());
  pointers.push_back(nullptr);
  return pointers;
}

/// The setup of a child between fork and exec.
class FileActions {
 public:
  FileActions() { posix_spawn_file_actions_init(&actions_); }
  ~FileActions() { posix_spawn_file_actions_destroy(&actions_); }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;
  posix_spawn_file_actions_t* get() { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_;
};

/// A memory file for standard error. A pipe would not do: a daemon that the program leaves behind
/// keeps it open.
class Complaints {
 public:
  Complaints() : fd_(::memfd_create("complaints", MFD_CLOEXEC)) {}
  ~Complaints() {
    if (fd_ >= 0) ::close(fd_);
  }
  Complaints(const Complaints&) = delete;
  Complaints& operator=(const Complaints&) = delete;

  int fd() const { return fd_; }
  std::string end() const {
    std::array<char, kComplaintSize> buffer;
    const off_t size = ::lseek(fd_, 0, SEEK_END);
    const ssize_t n =
        ::pread(fd_, buffer.data(), buffer.size(), std::max<off_t>(size - off_t(buffer.size()), 0));
    std::string text(buffer.data(), size_t(std::max<ssize_t>(n, 0)));
    text.erase(text.find_last_not_of('\n') + 1);
    std::replace(text.begin(), text.end(), '\n', ';');
    return text;
  }

 private:
  int fd_;
};

Result<int> wait_for(pid_t child, const std::string& words) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return Error::from_errno(errno, "wait for", words);
  }
  return status;
}

}  // namespace

Status run_program(const std::vector<std::string>& arguments, const std::string& directory,
                   int expected_code) {
  const auto words = fmt::format("\"{}\"", fmt::join(arguments, " "));
  const Complaints complaints;
  if (complaints.fd() < 0) return Error::from_errno(errno, "memfd_create for", words);
  FileActions actions;
  posix_spawn_file_actions_addchdir_np(actions.get(), directory.c_str());
  posix_spawn_file_actions_addopen(actions.get(), STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(actions.get(), STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_adddup2(actions.get(), complaints.fd(), STDERR_FILENO);
  auto argument_copies = arguments, variables = environment();
  pid_t child = 0;
  const int failed = ::posix_spawnp(&child, arguments.front().c_str(), actions.get(), nullptr,
                                    pointers(argument_copies).data(), pointers(variables).data());
  if (failed != 0) return Error::from_errno(failed, "run", words + " in " + directory);
  MEMORIA_TRY(const int status, wait_for(child, words));
  if (WIFEXITED(status) && WEXITSTATUS(status) == expected_code) return ok();
  const auto how = WIFEXITED(status) ? fmt::format("exit code {}", WEXITSTATUS(status))
                                     : fmt::format("signal {}", WTERMSIG(status));
  return Error(Errc::kIo,
               fmt::format("{} in {} ended with {}: {}", words, directory, how, complaints.end()));
}

Status run_script(const std::string& script, const std::vector<std::string>& arguments,
                  const std::string& directory) {
  std::vector<std::string> all = {"sh", "-c", script, "sh"};
  all.insert(all.end(), arguments.begin(), arguments.end());
  return run_program(all, directory);
}

}  // namespace memoria::bench
