// SPDX-License-Identifier: MIT
// A file by POSIX calls, one call for one request; errors name the path and say why.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "core/base/result.hpp"

namespace memoria::bench {

/// Owns the descriptor. Not for several threads.
class OpenFile {
 public:
  /// `flags` as for open(2); it gets mode 0644 when it is made.
  static Result<OpenFile> open(const std::string& path, int flags);

  OpenFile(OpenFile&& other) noexcept;
  OpenFile& operator=(OpenFile&&) = delete;
  ~OpenFile();

  // ---- Writing: all of it, or an error.
  Status write(std::string_view bytes);
  Status write_at(uint64_t offset, std::string_view bytes);
  // ---- Reading: as much as there is, up to the size of `out`.
  Result<std::string_view> read(std::span<char> out);
  Result<std::string_view> read_at(uint64_t offset, std::span<char> out);

  Status sync();
  Status sync_data();
  /// Tells what the destructor would not.
  Status close();

  const std::string& path() const { return path_; }

 private:
  OpenFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  Error failed(std::string_view what) const;

  std::string path_;
  int fd_;
};

}  // namespace memoria::bench
