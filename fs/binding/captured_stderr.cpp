// SPDX-License-Identifier: MIT
#include "fs/binding/captured_stderr.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <utility>

namespace memoria {

CapturedStderr::CapturedStderr() : memory_(::memfd_create("stderr", MFD_CLOEXEC)) {
  if (memory_ < 0) return;
  std::fflush(stderr);
  saved_ = ::dup(STDERR_FILENO);
  if (saved_ >= 0) ::dup2(memory_, STDERR_FILENO);
}

CapturedStderr::~CapturedStderr() {
  restore();
  if (memory_ >= 0) ::close(memory_);
}

void CapturedStderr::restore() {
  if (saved_ < 0) return;
  std::fflush(stderr);
  ::dup2(saved_, STDERR_FILENO);
  ::close(std::exchange(saved_, -1));
}

std::string CapturedStderr::finish() {
  restore();
  std::string line;
  std::array<char, 4096> part{};
  ::lseek(memory_, 0, SEEK_SET);
  for (ssize_t n = 0; (n = ::read(memory_, part.data(), part.size())) > 0;) {
    line.append(part.data(), static_cast<size_t>(n));
  }
  while (line.ends_with('\n')) line.pop_back();
  for (size_t at = 0; (at = line.find('\n', at)) != std::string::npos;) line.replace(at, 1, "; ");
  return line;
}

}  // namespace memoria
