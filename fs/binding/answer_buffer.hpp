// SPDX-License-Identifier: MIT
// Room for the bytes of an answer.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace memoria {

/// Each serving thread has one, as large as the largest that it was asked for: no allocation and no
/// clearing for each request. Valid until the thread asks again. What is in it at first is from an
/// earlier answer: no more may be sent than was put in.
inline std::span<char> answer_buffer(size_t size) {
  thread_local std::vector<char> buffer;
  if (buffer.size() < size) buffer.resize(size);
  return {buffer.data(), size};
}

}  // namespace memoria
