// SPDX-License-Identifier: MIT
// `stats` for people: one screen that answers how much there is, what it costs and how it is doing.
#include <fmt/format.h>

#include "fs/control/byte_text.hpp"
#include "fs/control/key_text.hpp"
#include "tools/human_report.hpp"
#include "tools/table.hpp"
#include "tools/units.hpp"

namespace memoria::ctl {
namespace {

std::string size(const Json& object, const char* field) {
  return format_bytes(double(number(object, field)));
}
std::string count(const Json& object, const char* field) {
  return format_count(number(object, field));
}

/// A daemon has answered, which has the store open for some time.
bool is_running(const Json& r) {
  return r.contains("pid");
}

std::string headline(const Json& r) {
  auto line = fmt::format("{} {}", text(r, "kind") == "volume" ? "volume" : "key-value store",
                          printable(text(r, "store")));
  const auto read_only_at = get_bytes(r, "mount_point");
  line += is_running(r) || read_only_at ? ", mounted" : ", not mounted";
  if (read_only_at) line += fmt::format(" read-only at {}", printable(*read_only_at));
  if (is_running(r)) line += fmt::format(" (pid {})", number(r, "pid"));
  if (flag(r, "read_only")) line += ", READ-ONLY";
  return line + "\n";
}

void add_contents(Table& table, const Json& r, size_t segments) {
  if (r.contains("files")) table.add({"files", count(r, "files")});
  table.add({"keys", count(r, "keys")});
  table.add({"logical size", size(r, "value_bytes")});
  auto disk =
      fmt::format("{} in {}", size(r, "disk_bytes"), format_many(segments, "segment", "segments"));
  if (r.contains("disk_free_bytes")) disk += fmt::format("; {} free", size(r, "disk_free_bytes"));
  table.add({"on disk", disk});
  const auto live = number(r, "live_bytes"), dead = number(r, "dead_bytes");
  const auto erasers = number(r, "eraser_bytes");
  table.add({"dead", fmt::format("{} ({}); tombstones {}", format_bytes(double(dead)),
                                 format_share(double(dead), double(live + dead + erasers)),
                                 format_bytes(double(erasers)))});
}

void add_merge(Table& table, const Json& merge, bool running) {
  table.add({"a merge frees", fmt::format("{} now; {} with --all", size(merge, "would_free_bytes"),
                                          size(merge, "would_free_bytes_all"))});
  const auto last = text(merge, "last");
  if (!running && last.empty()) return;  // it was opened just now, to ask
  auto done = last.empty() ? std::string("none is known") : format_local_time(last);
  if (number(merge, "count") > 0) {
    done += fmt::format("; {} since it was opened, {} read, {} written", count(merge, "count"),
                        size(merge, "bytes_read"), size(merge, "bytes_written"));
  }
  if (flag(merge, "running")) done += "; one is running";
  table.add({"last merge", done});
}

void add_activity(Table& table, const Json& r) {
  const auto keys = number(r, "keys"), directory = number(r, "key_directory_bytes");
  auto memory = fmt::format("{} for the key directory, {} B a key", format_bytes(double(directory)),
                            keys == 0 ? 0 : directory / keys);
  if (is_running(r) && r.contains("resident_bytes")) {
    memory += fmt::format("; {} in all", size(r, "resident_bytes"));
  }
  table.add({"memory", memory});
  table.add({"patched values", fmt::format("{} of {}", count(r, "patched_values"),
                                           format_many(number(r, "pieces"), "piece", "pieces"))});
  if (!is_running(r)) return;
  table.add({"written", fmt::format("{} by {} in {}", size(r, "bytes_written"),
                                    format_many(number(r, "appends"), "append", "appends"),
                                    format_many(number(r, "append_groups"), "group", "groups"))});
  table.add(
      {"syncs",
       fmt::format("{} for {}; half within {}, 99 % within {}", count(r, "syncs"),
                   format_many(number(r, "sync_requests"), "request", "requests"),
                   format_duration(std::chrono::microseconds(number(r, "sync_latency_us_p50"))),
                   format_duration(std::chrono::microseconds(number(r, "sync_latency_us_p99"))))});
  const auto hits = number(r, "file_cache_hits"), misses = number(r, "file_cache_misses");
  table.add(
      {"file cache", fmt::format("{} hits of {}", format_share(double(hits), double(hits + misses)),
                                 format_count(hits + misses))});
}

/// What opening or a merge has noticed; the rest is found by verify.
void add_losses(Table& table, const Json& r, size_t segments) {
  const auto missing = number(r, "missing_segments"), damaged = number(r, "damaged_segments");
  if (missing + damaged == 0) return;
  const auto counted = [](uint64_t n, const char* what) {
    return n == 0 ? std::string() : fmt::format(" {} {}", format_count(n), what);
  };
  const auto both = counted(missing, "missing") + (missing > 0 && damaged > 0 ? "," : "") +
                    counted(damaged, "damaged");
  table.add({"losses", fmt::format("of {}{}: run memoria-ctl verify",
                                   format_many(segments, "segment", "segments"), both)});
}

void add_errors(Table& table, const Json& r) {
  const auto errors = number(r, "read_errors");
  std::string line =
      errors == 0 ? "none"
                  : fmt::format("{} failed reads: run memoria-ctl verify", format_count(errors));
  if (flag(r, "read_only")) {
    const auto reason = text(r, "read_only_reason");
    line += "; read-only";
    if (!reason.empty()) line += ": " + printable(reason);
  }
  table.add({"errors", line});
  if (const auto until = text(r, "unsure_until"); !until.empty()) {
    table.add({"in doubt", "the manifest was lost: changes up to " + until +
                               " may be missing, with a segment that nobody knows of"});
  }
}

std::string segment_table(const Items& segments) {
  using enum Table::Align;
  Table table({kLeft, kRight, kRight, kRight, kRight, kLeft});
  table.add({"segment", "size", "live", "dead", "dead share", "state"});
  for (const auto& s : segments) {
    const auto live = number(s, "live_bytes"), dead = number(s, "dead_bytes");
    std::string state = flag(s, "sealed") ? "sealed" : "active";
    if (flag(s, "sealed") && !flag(s, "has_hint")) state += ", no hint";
    if (flag(s, "from_merge")) state += ", merged";
    if (flag(s, "damaged")) state += ", damaged";
    if (flag(s, "missing")) state = "missing";
    table.add({text(s, "segment"), size(s, "file_bytes"), format_bytes(double(live)),
               format_bytes(double(dead)),
               format_share(double(dead), double(live + dead + number(s, "eraser_bytes"))), state});
  }
  return table.text(2);
}

}  // namespace

std::string stats_text(const Json& result, const Items& segments, bool with_segments) {
  Table table({Table::Align::kLeft, Table::Align::kLeft});
  add_contents(table, result, segments.size());
  add_merge(table, result.value("merge", Json::object()), is_running(result));
  add_activity(table, result);
  add_losses(table, result, segments.size());
  add_errors(table, result);
  auto out = headline(result) + table.text(2);
  if (with_segments) out += "\n" + segment_table(segments);
  return out;
}

}  // namespace memoria::ctl
