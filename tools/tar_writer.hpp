// SPDX-License-Identifier: MIT
// Writes a tar archive in pax format, as GNU tar and others read it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "core/base/result.hpp"
#include "tools/archive_handle.hpp"

namespace memoria::ctl {

/// Zeros that take no memory as long as nobody reads them: of a hole libarchive only counts them.
class ZeroPages {
 public:
  ZeroPages();
  ZeroPages(const ZeroPages&) = delete;
  ZeroPages& operator=(const ZeroPages&) = delete;
  ~ZeroPages();

  std::string_view view() const { return {static_cast<const char*>(at_), size_}; }

 private:
  void* at_;
  size_t size_;
};

/// One thread, whose locale it changes while it lives.
class TarWriter {
 public:
  /// Gets the archive, piece by piece. Its errors end the writing.
  using Output = std::function<Status(std::string_view)>;

  static Result<std::unique_ptr<TarWriter>> open(Output output);

  /// Begins with a file. `mode`: its permission bits, which need not be those of the entry; see
  /// add_acl() in tar_acl.hpp.
  Status begin(archive_entry* e, mode_t mode);
  /// What comes next of its contents, of which there are as many bytes as the entry says.
  Status data(std::string_view bytes);
  /// What comes next is within a hole of the entry. `passed` hears now and then of how many bytes.
  Status hole(uint64_t length, const std::function<Status(uint64_t)>& passed);
  Status finish();

 private:
  explicit TarWriter(Output output) : output_(std::move(output)) {}
  static la_ssize_t take(archive* writer, void* self, const void* bytes, size_t size);
  Status pass_on();
  Error failure();

  const Output output_;
  const Utf8Locale locale_;
  std::string waiting_;     // written by libarchive, and not yet passed on
  uint64_t passed_on_ = 0;  // bytes
  const ZeroPages zeros_;
  ArchiveWriter writer_;  // writes also when it is let go of
};

}  // namespace memoria::ctl
