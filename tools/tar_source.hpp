// SPDX-License-Identifier: MIT
// A tar archive as the tree of files that `import` takes.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "fs/control/tree_stream.hpp"
#include "tools/archive_handle.hpp"
#include "tools/tar_acl.hpp"

namespace memoria::ctl {

/// Reads an archive (pax, GNU, ustar; gzip, xz, zstd and others, too) from `input`, which must
/// outlive it. A damaged archive is an error (kCorrupt), and nothing is imported.
class TarSource final : public Source {
 public:
  /// Hears what of an entry cannot go along: its path and a sentence. Its errors end the reading.
  using Remarks = std::function<Status(const std::string& path, const std::string& detail)>;

  /// `name`: of the archive, for messages.
  static Result<std::unique_ptr<TarSource>> open(Source& input, std::string name, Remarks remarks);
  Result<size_t> read(std::span<char> out) override;

 private:
  TarSource(Source& input, std::string name, Remarks remarks)
      : input_(input), name_(std::move(name)), remarks_(std::move(remarks)) {}
  Status produce();
  Result<TreeEntry> entry_of(archive_entry* e);
  Result<std::optional<Acl>> take_acl(archive_entry* e, std::string_view name, TreeEntry& out);
  Error failure();
  bool lacks_end() const;
  static la_ssize_t read_input(archive* reader, void* self, const void** bytes);

  Source& input_;
  const std::string name_;
  const Remarks remarks_;
  Accounts accounts_;
  const Utf8Locale locale_;
  std::string piece_;
  std::optional<Error> broken_;  // of the input
  std::string tail_;             // the last bytes of it
  bool input_ended_ = false;
  ArchiveReader reader_;
  bool in_file_ = false, ended_ = false;
  std::string ready_;
  size_t taken_ = 0;  // of ready_
};

}  // namespace memoria::ctl
