// SPDX-License-Identifier: MIT
#include "tests/control/pax.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace memoria::test {
namespace {

constexpr size_t kBlock = 512;
constexpr size_t kChecksumAt = 148, kChecksumSize = 8;

size_t padded(size_t size) {
  return (size + kBlock - 1) / kBlock * kBlock;
}

unsigned checksum(std::string block) {
  std::fill_n(block.begin() + kChecksumAt, kChecksumSize, ' ');
  unsigned sum = 0;
  for (const char c : block) sum += uint8_t(c);
  return sum;
}

std::string member(const std::string& path, mode_t mode, char type, const std::string& contents) {
  auto block = path;
  block.resize(100);
  block += fmt::format("{:07o}{}{:07o}{}{:07o}{}{:011o}{}{:011o}{}{:8}{}", mode, '\0', 0, '\0', 0,
                       '\0', contents.size(), '\0', 0, '\0', "", type);
  block.resize(257);
  block += std::string("ustar\00000", 8);
  block.resize(kBlock);
  block.replace(kChecksumAt, kChecksumSize - 1, fmt::format("{:06o}{}", checksum(block), '\0'));
  block += contents;
  block.resize(padded(block.size()));
  return block;
}

/// "LENGTH KEYWORD=VALUE\n", whose length counts its own digits.
std::string record(const std::string& keyword, const std::string& value) {
  const auto rest = fmt::format(" {}={}\n", keyword, value);
  auto size = rest.size();
  while (size != rest.size() + fmt::formatted_size("{}", size)) {
    size = rest.size() + fmt::formatted_size("{}", size);
  }
  return fmt::format("{}{}", size, rest);
}

std::map<std::string, std::string> records_in(std::string_view text) {
  std::map<std::string, std::string> out;
  while (!text.empty()) {
    const auto size = std::stoul(std::string(text));
    const auto line = text.substr(0, size - 1);
    const auto blank = line.find(' '), equals = line.find('=');
    out.emplace(line.substr(blank + 1, equals - blank - 1), line.substr(equals + 1));
    text.remove_prefix(size);
  }
  return out;
}

size_t octal(const std::string& block, size_t at, size_t size) {
  return std::stoul(block.substr(at, size), nullptr, 8);
}

}  // namespace

std::string pax_archive(const std::vector<PaxEntry>& entries) {
  std::string out;
  for (const auto& entry : entries) {
    std::string records;
    for (const auto& [keyword, value] : entry.records) records += record(keyword, value);
    if (!records.empty()) out += member("PaxHeaders/of-it", 0644, 'x', records);
    const char type = entry.path.ends_with('/') ? '5' : '0';
    out += member(entry.path, entry.mode, type, entry.contents);
  }
  return out + std::string(2 * kBlock, '\0');
}

std::vector<PaxEntry> pax_entries(const std::string& archive) {
  std::vector<PaxEntry> out;
  PaxEntry entry;
  for (size_t at = 0; at + kBlock <= archive.size() && archive[at] != '\0';) {
    const auto block = archive.substr(at, kBlock);
    if (octal(block, kChecksumAt, kChecksumSize) != checksum(block)) {
      throw std::runtime_error(fmt::format("the header at {} has a wrong checksum", at));
    }
    const auto size = octal(block, 124, 12);
    if (block[156] == 'x') {
      entry.records = records_in(std::string_view(archive).substr(at + kBlock, size));
    } else {
      const auto named = entry.records.find("path");
      entry.path = named != entry.records.end()
                       ? named->second
                       : block.substr(0, std::min<size_t>(100, block.find('\0')));
      entry.mode = mode_t(octal(block, 100, 8));
      out.push_back(std::exchange(entry, {}));
    }
    at += kBlock + padded(size);
  }
  return out;
}

}  // namespace memoria::test
