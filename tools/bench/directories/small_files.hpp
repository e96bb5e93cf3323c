// SPDX-License-Identifier: MIT
// One thread's part of group `small`: its own directory full of small files, step by step.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/result.hpp"
#include "tools/bench/directories/contents.hpp"

namespace memoria::bench {

class SmallFiles {
 public:
  static constexpr size_t kAppended = 100;

  /// `directory` exists and is empty. `contents` stays the caller's and is shared by threads.
  SmallFiles(std::string directory, uint64_t count, size_t size, const Contents& contents);

  // ---- The steps, in this order. Each touches every file once; reading includes comparing.
  Status create();
  Status stat();
  Status read();
  Status rename();
  Status overwrite();  ///< in place, without truncating
  Status append();
  Status list();
  Status unlink();
  Status make_directories();  ///< as many as there were files
  Status remove_directories();

  /// Every file holds what the steps up to append() wrote.
  Status verify_changed();

 private:
  std::string_view original(size_t index) const { return contents_.piece(index, size_); }
  std::string_view changed(size_t index) const { return contents_.piece(~index, size_); }

  std::string directory_;
  size_t size_;
  const Contents& contents_;
  std::vector<std::string> paths_, new_paths_;  // made before the clock runs
  std::string buffer_;
};

}  // namespace memoria::bench
