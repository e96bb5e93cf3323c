// SPDX-License-Identifier: MIT
// Aligned columns.
#pragma once

#include <string>
#include <vector>

namespace memoria::ctl {

/// Collects rows and prints them with two spaces between columns. The last column is never padded,
/// so that it may hold text of unknown width, and no line ends in blanks.
class Table {
 public:
  enum class Align { kLeft, kRight };
  explicit Table(std::vector<Align> columns) : columns_(std::move(columns)) {}

  /// As many cells as there are columns.
  void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  bool empty() const { return rows_.empty(); }
  /// All rows, each indented and ended by a line break.
  std::string text(size_t indent = 0) const;

 private:
  std::vector<Align> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace memoria::ctl
