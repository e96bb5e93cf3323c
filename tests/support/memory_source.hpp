// SPDX-License-Identifier: MIT
// A foreign store in memory, for tests and fuzz targets.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/foreign/source_directory.hpp"

namespace memoria::test {

/// Its files, and what reading them showed. Outlives what is made of it.
struct MemoryFiles {
  struct File {
    std::string bytes;
    mode_t mode = 0100644;
  };
  std::map<std::string, File> files;
  size_t largest_read = 0;  ///< bytes that were asked for at once
  uint64_t bytes_read = 0;
  std::string failing = {};  ///< reading this file fails
};

class MemorySourceFile final : public foreign::SourceFile {
 public:
  MemorySourceFile(MemoryFiles& all, std::string name) : all_(all), name_(std::move(name)) {}
  Result<size_t> read(uint64_t offset, std::span<char> out) const override {
    if (name_ == all_.failing) return Error(Errc::kIo, 5, "read " + name_);
    const auto& bytes = all_.files[name_].bytes;
    all_.largest_read = std::max(all_.largest_read, out.size());
    if (offset >= bytes.size()) return size_t{0};
    const size_t n = bytes.copy(out.data(), out.size(), size_t(offset));
    all_.bytes_read += n;
    return n;
  }
  Result<uint64_t> size() const override { return all_.files[name_].bytes.size(); }
  mode_t mode() const override { return all_.files[name_].mode; }

 private:
  MemoryFiles& all_;
  std::string name_;
};

class MemorySourceDirectory final : public foreign::SourceDirectory {
 public:
  explicit MemorySourceDirectory(MemoryFiles& all) : all_(all) {}
  Result<std::vector<std::string>> list() const override {
    std::vector<std::string> out;
    for (const auto& file : all_.files) out.push_back(file.first);
    std::reverse(out.begin(), out.end());  // in no order that helps
    return out;
  }
  Result<std::unique_ptr<foreign::SourceFile>> open(const std::string& name) const override {
    if (!all_.files.contains(name)) return Error(Errc::kNotFound, 2, "open " + name);
    return std::unique_ptr<foreign::SourceFile>(std::make_unique<MemorySourceFile>(all_, name));
  }
  std::string describe() const override { return "memory"; }

 private:
  MemoryFiles& all_;
};

}  // namespace memoria::test
