// SPDX-License-Identifier: MIT
// A tar archive as the tree of files that `import` takes.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "fs/control/tree_stream.hpp"
#include "tools/archive_handle.hpp"

namespace memoria::ctl {

/// Reads an archive (pax, GNU, ustar; gzip, xz, zstd and others, too) from `input`, which must
/// outlive it. A damaged archive is an error (kCorrupt), and nothing is imported.
class TarSource final : public Source {
 public:
  static Result<std::unique_ptr<TarSource>> open(Source& input);
  Result<size_t> read(std::span<char> out) override;

 private:
  explicit TarSource(Source& input) : input_(input) {}
  Status produce();
  Result<TreeEntry> entry_of(archive_entry* e);
  Error failure();
  static la_ssize_t read_input(archive* reader, void* self, const void** bytes);

  Source& input_;
  const Utf8Locale locale_;
  std::string piece_;
  std::optional<Error> broken_;  // of the input
  ArchiveReader reader_;
  bool in_file_ = false, ended_ = false;
  std::string ready_;
  size_t taken_ = 0;  // of ready_
};

}  // namespace memoria::ctl
