// SPDX-License-Identifier: MIT
#include "core/foreign/window.hpp"

#include <algorithm>
#include <cassert>

namespace memoria::foreign {

Status Window::fill(uint64_t offset) {
  buffer_.resize(size_t(std::min<uint64_t>(capacity_, size_ - offset)));
  begin_ = offset;
  auto got = file_.read(offset, buffer_);
  buffer_.resize(got.has_value() ? got.value() : 0);
  if (!got.has_value()) return std::move(got).error();
  return ok();
}

Result<std::string_view> Window::view(uint64_t offset, size_t length) {
  assert(length <= capacity_);
  if (offset >= size_) return std::string_view();
  length = size_t(std::min<uint64_t>(length, size_ - offset));
  if (!holds(offset, length)) MEMORIA_TRY(fill(offset));
  return std::string_view(buffer_).substr(size_t(offset - begin_), length);
}

Result<std::string_view> Window::some(uint64_t offset, uint64_t most) {
  if (offset >= size_) return std::string_view();
  if (!holds(offset, 1)) MEMORIA_TRY(fill(offset));
  return std::string_view(buffer_).substr(size_t(offset - begin_),
                                          size_t(std::min<uint64_t>(most, capacity_)));
}

}  // namespace memoria::foreign
