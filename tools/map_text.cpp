// SPDX-License-Identifier: MIT
// `map`, `dump` and `find` for people.
#include <fmt/format.h>

#include <algorithm>

#include "fs/control/byte_text.hpp"
#include "fs/control/key_text.hpp"
#include "tools/human_report.hpp"
#include "tools/units.hpp"

namespace memoria::ctl {
namespace {

constexpr size_t kWidth = 40;  ///< characters of a segment as large as the largest

/// A kind of bytes, how it is drawn, and in which colour on a terminal.
struct Paint {
  const char* field;
  char letter;
  const char* colour;
  const char* meaning;
};
constexpr Paint kPaints[] = {{"live_bytes", '#', "\x1b[32m", "live"},
                             {"eraser_bytes", '+', "\x1b[33m", "tombstones"},
                             {"dead_bytes", '.', "\x1b[31m", "dead"}};
constexpr const char* kPlain = "\x1b[0m";

std::string painted(const Paint& paint, size_t n, bool colours) {
  if (n == 0) return {};
  const std::string bar(n, paint.letter);
  return colours ? paint.colour + bar + kPlain : bar;
}

/// The bar of one segment: what there is at all is at least one letter.
std::string bar(const Json& segment, uint64_t largest, bool colours) {
  if (flag(segment, "missing")) return std::string(kWidth, ' ');
  std::string out;
  size_t used = 0;
  for (const auto& paint : kPaints) {
    const auto bytes = number(segment, paint.field);
    auto n = size_t(double(bytes) / double(largest) * kWidth + 0.5);
    if (bytes > 0) n = std::max<size_t>(n, 1);
    n = std::min(n, kWidth - used);
    out += painted(paint, n, colours);
    used += n;
  }
  return out + std::string(kWidth - used, ' ');
}

std::string state(const Json& segment) {
  if (flag(segment, "missing")) return "missing";
  std::string out = !flag(segment, "sealed")      ? "active"
                    : flag(segment, "merging")    ? "being merged"
                    : flag(segment, "from_merge") ? "merged"
                                                  : "sealed";
  if (flag(segment, "sealed") && !flag(segment, "has_hint")) out += ", no hint";
  if (flag(segment, "damaged")) out += ", damaged";
  return out;
}

std::string legend(bool colours) {
  std::string out;
  for (const auto& paint : kPaints) {
    out +=
        fmt::format("{}{} {}", out.empty() ? "" : "   ", painted(paint, 1, colours), paint.meaning);
  }
  return out;
}

}  // namespace

std::string map_text(const Json& result, const Items& segments, bool colours) {
  if (segments.empty()) return "no segments\n";
  uint64_t largest = 1;
  for (const auto& s : segments) {
    largest = std::max(
        largest, number(s, "live_bytes") + number(s, "dead_bytes") + number(s, "eraser_bytes"));
  }
  std::string out;
  for (const auto& s : segments) {
    const auto live = number(s, "live_bytes"), dead = number(s, "dead_bytes");
    const auto all = live + dead + number(s, "eraser_bytes");
    out += fmt::format("{}  |{}| {:>8}  {:>6} dead  {}\n", text(s, "segment"),
                       bar(s, largest, colours), format_bytes(double(number(s, "file_bytes"))),
                       format_share(double(dead), double(all)), state(s));
  }
  return out + fmt::format("{}   {} in {}{}\n", legend(colours),
                           format_bytes(double(number(result, "disk_bytes"))),
                           format_many(segments.size(), "segment", "segments"),
                           flag(result, "merge_running") ? "; a merge is running" : "");
}

std::string record_line(const Json& r) {
  auto line = fmt::format("{:>10}  {:>9}  {}  {:<8}  {:<9}  {:<4}  {}", number(r, "offset"),
                          number(r, "length"), text(r, "time"), text(r, "kind"),
                          text(r, "checksum"), flag(r, "live") ? "live" : "dead", text(r, "key"));
  const auto value = number(r, "value_length");
  if (r.contains("size")) {
    line += fmt::format(": size {}", number(r, "size"));
  } else if (r.contains("punched")) {
    line += fmt::format(": {} zeros from {}", number(r, "punched"), number(r, "value_offset"));
  } else if (r.contains("value_offset")) {
    line += fmt::format(": {} bytes from {}", value, number(r, "value_offset"));
  } else if (text(r, "kind") == "put") {
    line += fmt::format(": {} bytes", value);
  }
  return line + "\n";
}

std::string dump_text(const Json& r) {
  std::string out;
  const auto damages = r.find("damages");
  if (damages != r.end()) {
    for (const auto& damage : *damages) {
      out += fmt::format("{:>10}  {:>9}  no record: {}\n", number(damage, "offset"),
                         number(damage, "length"), printable(text(damage, "reason")));
    }
  }
  return out + fmt::format("{}: {} in {}{}\n", text(r, "file"),
                           format_many(number(r, "count"), "record", "records"),
                           format_bytes(double(number(r, "bytes"))),
                           flag(r, "clean") ? ", all intact" : ", DAMAGED");
}

std::string found_line(const Json& item) {
  if (const auto key = get_bytes(item, "key")) return printable(*key) + "\n";
  const bool directory = text(item, "type") == "directory";
  const auto path = printable(get_bytes(item, "path").value_or(""));
  return path + (directory && path != "/" ? "/\n" : "\n");
}

}  // namespace memoria::ctl
