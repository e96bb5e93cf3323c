// SPDX-License-Identifier: MIT
// The numbers of standard input, output and error stay theirs.
#pragma once

#include <fcntl.h>
#include <unistd.h>

namespace memoria {

/// To be called first of all. A program that was started with one of its standard descriptors
/// closed would get that number for the next file that it opens, a segment for example, and what it
/// says would be written there. They become /dev/null, opened so that using them fails as if they
/// were closed.
inline void occupy_standard_descriptors() {
  for (;;) {
    const int fd = ::open("/dev/null", O_RDONLY);
    if (fd == STDIN_FILENO) {
      ::close(fd);
      if (::open("/dev/null", O_WRONLY) != STDIN_FILENO) return;
    } else if (fd < 0 || fd > STDERR_FILENO) {
      if (fd >= 0) ::close(fd);
      return;
    }
  }
}

}  // namespace memoria
