// SPDX-License-Identifier: MIT
// `merge`, `hints` and `verify` for people.
#include <fmt/format.h>

#include "fs/control/byte_text.hpp"
#include "fs/control/key_text.hpp"
#include "tools/human_report.hpp"
#include "tools/units.hpp"

namespace memoria::ctl {
namespace {

size_t list_size(const Json& object, const char* field) {
  const auto value = object.find(field);
  return value != object.end() && value->is_array() ? value->size() : 0;
}

/// Nothing when all segments are sound.
std::string lost_line(uint64_t lost, std::string_view one_does, std::string_view many_do) {
  if (lost == 0) return {};
  return fmt::format("{} missing or damaged and {}: run memoria-ctl verify\n",
                     format_many(lost, "segment is", "segments are"),
                     lost == 1 ? one_does : many_do);
}

std::string merged_line(const Json& r) {
  const auto inputs = list_size(r, "inputs"), outputs = list_size(r, "outputs");
  if (inputs == 0) {
    const auto left = number(r, "would_free_bytes_all");
    return left == 0
               ? std::string("nothing to merge\n")
               : fmt::format("nothing to merge; --all would free {}\n", format_bytes(double(left)));
  }
  if (flag(r, "dry_run")) {
    return fmt::format("would merge {} and free {}\n", format_many(inputs, "segment", "segments"),
                       format_bytes(double(number(r, "bytes_freed"))));
  }
  const std::chrono::nanoseconds duration(number(r, "duration_ns"));
  return fmt::format(
      "merged {} into {} in {}: {} freed, {} read, {} written, {} copied, {} dropped\n",
      format_many(inputs, "segment", "segments"), format_count(outputs), format_duration(duration),
      format_bytes(double(number(r, "bytes_freed"))), format_bytes(double(number(r, "bytes_read"))),
      format_bytes(double(number(r, "bytes_written"))),
      format_many(number(r, "records_copied"), "record", "records"),
      format_many(number(r, "erasers_dropped"), "tombstone", "tombstones"));
}

}  // namespace

std::string damage_line(const Json& damage) {
  const auto path = get_bytes(damage, "path");
  const auto key = text(damage, "key");
  std::string what = path           ? printable(*path)
                     : !key.empty() ? key
                                    : std::string("something that cannot be named");
  if (path && !key.empty()) what += fmt::format(" ({})", key);
  if (!flag(damage, "live")) {
    what += ", history only";
  } else if (const auto length = number(damage, "value_length"); length > 0) {
    const auto offset = number(damage, "value_offset");
    what += fmt::format(", bytes {} to {}", offset, offset + length - 1);
  }
  return fmt::format("  {}: {} ({} at {}, {} bytes)\n", what, printable(text(damage, "reason")),
                     text(damage, "file"), number(damage, "offset"), number(damage, "length"));
}

std::string merge_text(const Json& r) {
  return merged_line(r) + lost_line(list_size(r, "damaged"), "stays as it is", "stay as they are");
}

std::string rebuilt_hints_text(const Json& r) {
  return fmt::format("{} written, {} kept\n", format_many(number(r, "written"), "hint", "hints"),
                     format_count(number(r, "kept"))) +
         lost_line(number(r, "damaged"), "gets no hint", "get no hints");
}

std::string checked_hints_text(const Json& r) {
  const auto segments = format_many(number(r, "segments"), "segment", "segments");
  const auto missing = number(r, "missing"), bad = number(r, "bad");
  if (flag(r, "clean")) return fmt::format("all hints of {} are good\n", segments);
  auto out = fmt::format("of {}, {} without a hint, {} with a damaged one", segments,
                         format_count(missing), format_count(bad));
  if (missing + bad > 0) {
    out += flag(r, "rewritten") ? "; opening the store has them written anew"
                                : ": run memoria-ctl hints rebuild";
  }
  return out + "\n" + lost_line(number(r, "damaged"), "gets no hint", "get no hints");
}

std::string verify_text(const Json& r, const Items& damages) {
  auto out = fmt::format("{} in {}, {}: ", format_many(number(r, "records"), "record", "records"),
                         format_many(number(r, "segments"), "segment", "segments"),
                         format_bytes(double(number(r, "bytes"))));
  if (flag(r, "clean")) return out + "all intact\n";
  out += fmt::format("{}, {}\n", format_many(damages.size(), "damaged place", "damaged places"),
                     format_many(number(r, "bad_hints"), "damaged hint", "damaged hints"));
  for (const auto& damage : damages) out += damage_line(damage);
  return out;
}

}  // namespace memoria::ctl
