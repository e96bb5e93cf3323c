// SPDX-License-Identifier: MIT
#include "tools/table.hpp"

#include <algorithm>
#include <cassert>

namespace memoria::ctl {

std::string Table::text(size_t indent) const {
  std::vector<size_t> widths(columns_.size());
  for (const auto& row : rows_) {
    assert(row.size() == columns_.size());
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string out;
  for (const auto& row : rows_) {
    out.append(indent, ' ');
    for (size_t i = 0; i < row.size(); ++i) {
      const bool last = i + 1 == row.size();
      const size_t padding = widths[i] - row[i].size();
      if (columns_[i] == Align::kRight) out.append(padding, ' ');
      out += row[i];
      if (!last && columns_[i] == Align::kLeft) out.append(padding, ' ');
      if (!last) out += "  ";
    }
    while (out.ends_with(' ')) out.pop_back();
    out += '\n';
  }
  return out;
}

}  // namespace memoria::ctl
