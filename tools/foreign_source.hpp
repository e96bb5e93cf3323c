// SPDX-License-Identifier: MIT
// The log of another program as the tree of files that `import` takes.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/foreign/log.hpp"
#include "fs/control/tree_stream.hpp"
#include "tools/key_path.hpp"

namespace memoria::ctl {

/// Tells the sink of what of a foreign store was not taken as it is, as items of "detail" and,
/// where there are such, "file", "offset", "length" and "key". Of very many only the first are
/// told.
class RemarkTeller {
 public:
  explicit RemarkTeller(Sink& sink) : sink_(sink) {}
  Status tell(const foreign::Remark& remark);
  uint64_t losses() const { return losses_; }

 private:
  Sink& sink_;
  uint64_t told_ = 0, losses_ = 0;
};

/// One file for each live key, mode 0644, with the time of its version. An error of the log ends
/// it, and nothing is imported.
class ForeignSource final : public Source {
 public:
  /// `log` has been scanned and, as `sink` and `remarks`, outlives this.
  ForeignSource(foreign::Log& log, Sink& sink) : log_(log), sink_(sink) {}
  /// Gives names to the keys, before anything is read; tells of those that cannot have one.
  Status plan(RemarkTeller& remarks);
  Result<size_t> read(std::span<char> out) override;

  uint64_t refused() const { return refused_; }  ///< keys without a name

 private:
  Status produce();
  Status produce_part();

  foreign::Log& log_;
  Sink& sink_;
  KeyPaths paths_;
  size_t next_ = 0;  // of log_.live()
  bool in_file_ = false, ended_ = false;
  uint64_t file_offset_ = 0, bytes_ = 0, refused_ = 0;
  std::string ready_;
  size_t taken_ = 0;  // of ready_
};

}  // namespace memoria::ctl
