// SPDX-License-Identifier: MIT
// Writes a tar archive in pax format, as GNU tar and others read it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/base/result.hpp"
#include "fs/control/executor.hpp"
#include "tools/archive_handle.hpp"

namespace memoria::ctl {

/// One thread, whose locale it changes while it lives.
class TarWriter {
 public:
  /// The archive goes to sink.data(); `sink` outlives this.
  static Result<std::unique_ptr<TarWriter>> open(Sink& sink);

  /// Begins with a file. `mode`: its permission bits, which need not be those of the entry; see
  /// add_acl() in tar_acl.hpp.
  Status begin(archive_entry* e, mode_t mode);
  /// What comes next of its contents, of which there are as many bytes as the entry says.
  Status data(std::string_view bytes);
  Status finish();

 private:
  explicit TarWriter(Sink& sink) : sink_(sink) {}
  static la_ssize_t take(archive* writer, void* self, const void* bytes, size_t size);
  Status pass_on();
  Error failure();

  Sink& sink_;
  const Utf8Locale locale_;
  ArchiveWriter writer_;
  std::string waiting_;     // written by libarchive, and not yet given to the sink
  uint64_t passed_on_ = 0;  // bytes
};

}  // namespace memoria::ctl
