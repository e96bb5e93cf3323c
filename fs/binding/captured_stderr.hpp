// SPDX-License-Identifier: MIT
// What others write to the standard error for a while, as a string.
#pragma once

#include <string>

namespace memoria {

/// Captures from construction to finish(), for the whole process and its children. One at a time.
class CapturedStderr {
 public:
  CapturedStderr();
  ~CapturedStderr();
  CapturedStderr(const CapturedStderr&) = delete;
  CapturedStderr& operator=(const CapturedStderr&) = delete;

  /// Ends the capture; returns its lines joined to one. Empty when nothing could be captured.
  std::string finish();

 private:
  void restore();

  int memory_ = -1;  // where it goes now
  int saved_ = -1;   // where it went before
};

}  // namespace memoria
