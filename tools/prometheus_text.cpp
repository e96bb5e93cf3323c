// SPDX-License-Identifier: MIT
// `stats --prometheus`: the text exposition format, version 0.0.4. Names are stable: dashboards and
// alerts use them. https://prometheus.io/docs/instrumenting/exposition_formats/
#include <fmt/format.h>

#include "tools/human_report.hpp"
#include "tools/units.hpp"

namespace memoria::ctl {
namespace {

/// A label's value, quoted.
std::string label_value(std::string_view value) {
  std::string out = "\"";
  for (const char c : value) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out + "\"";
}

/// Collects samples, each family with its HELP and TYPE.
class Exposition {
 public:
  explicit Exposition(const std::string& store) : store_("store=" + label_value(store)) {}

  void family(std::string_view name, std::string_view type, std::string_view help) {
    out_ += fmt::format("# HELP memoria_{} {}\n# TYPE memoria_{} {}\n", name, help, name, type);
  }
  void sample(std::string_view name, double value, std::string_view labels = {}) {
    out_ += fmt::format("memoria_{}{{{}{}{}}} {}\n", name, store_, labels.empty() ? "" : ",",
                        labels, value);
  }
  void sample(std::string_view name, uint64_t value, std::string_view labels = {}) {
    out_ += fmt::format("memoria_{}{{{}{}{}}} {}\n", name, store_, labels.empty() ? "" : ",",
                        labels, value);
  }

  /// Of a member of the statistics; nothing when it is not there.
  void gauge(const Json& from, const char* field, std::string_view name, std::string_view help) {
    if (!from.contains(field)) return;
    family(name, "gauge", help);
    const auto& value = from[field];
    sample(name, value.is_boolean() ? uint64_t(value.get<bool>()) : number(from, field));
  }
  /// `name` without "_total".
  void counter(const Json& from, const char* field, std::string_view name, std::string_view help) {
    const auto whole = fmt::format("{}_total", name);
    family(whole, "counter", help);
    sample(whole, number(from, field));
  }

  std::string text() && { return std::move(out_); }

 private:
  const std::string store_;
  std::string out_;
};

double seconds(const Json& from, const char* field, double unit) {
  return double(number(from, field)) * unit;
}

void add_contents(Exposition& to, const Json& r, size_t segments) {
  to.gauge(r, "files", "files", "Inodes of the volume, directories included.");
  to.gauge(r, "keys", "keys", "Keys of the store.");
  to.gauge(r, "value_bytes", "value_bytes", "Logical size: bytes of values that are live.");
  to.gauge(r, "disk_bytes", "disk_bytes", "Bytes of the segment files.");
  to.gauge(r, "live_bytes", "live_bytes", "Bytes of live records.");
  to.gauge(r, "dead_bytes", "dead_bytes", "Bytes of dead records, which a merge would free.");
  to.gauge(r, "eraser_bytes", "tombstone_bytes", "Bytes of tombstones and their like.");
  to.gauge(r, "disk_total_bytes", "filesystem_size_bytes", "Size of the disk below.");
  to.gauge(r, "disk_free_bytes", "filesystem_free_bytes", "Free space of the disk below.");
  to.family("segments", "gauge", "Segment files.");
  to.sample("segments", uint64_t(segments));
  to.gauge(r, "patched_values", "patched_values", "Values of more than one piece.");
  to.gauge(r, "pieces", "pieces", "Pieces of these values.");
}

void add_health(Exposition& to, const Json& r) {
  to.gauge(r, "key_directory_bytes", "key_directory_bytes", "Memory of the key directory.");
  to.gauge(r, "resident_bytes", "resident_memory_bytes", "Memory of the process.");
  to.gauge(r, "read_only", "read_only", "1: opened so, or latched so after an error.");
  to.gauge(r, "missing_segments", "missing_segments", "Segments whose file is not there.");
  to.gauge(r, "damaged_segments", "damaged_segments",
           "Segments that are there and known to be damaged.");
  to.counter(r, "read_errors", "read_errors", "Reads that ended with an error.");
  to.family("open_seconds", "gauge", "How long opening took.");
  to.sample("open_seconds", seconds(r, "open_ns", 1e-9));
}

void add_activity(Exposition& to, const Json& r) {
  to.counter(r, "bytes_written", "written_bytes", "Bytes written to segments, merges included.");
  to.counter(r, "appends", "appends", "Changes that were appended.");
  to.counter(r, "append_groups", "append_groups", "Writes that these appends shared.");
  to.counter(r, "sync_requests", "sync_requests", "Requests to make the log durable.");
  to.counter(r, "consolidations", "consolidations", "Runs of small pieces that became one.");
  to.counter(r, "file_cache_hits", "file_cache_hits", "Reads of a segment file that was open.");
  to.counter(r, "file_cache_misses", "file_cache_misses", "Reads that had to open one.");
  to.family("sync_duration_seconds", "summary",
            "Syncs of the log; quantiles of the latest thousand.");
  to.sample("sync_duration_seconds", seconds(r, "sync_latency_us_p50", 1e-6), "quantile=\"0.5\"");
  to.sample("sync_duration_seconds", seconds(r, "sync_latency_us_p99", 1e-6), "quantile=\"0.99\"");
  to.sample("sync_duration_seconds_sum", seconds(r, "sync_time_us", 1e-6));
  to.sample("sync_duration_seconds_count", number(r, "syncs"));
}

void add_merges(Exposition& to, const Json& merge) {
  to.counter(merge, "count", "merges", "Merges that ended well.");
  to.counter(merge, "bytes_read", "merge_read_bytes", "Bytes that merges read.");
  to.counter(merge, "bytes_written", "merge_written_bytes", "Bytes that merges wrote.");
  to.gauge(merge, "running", "merge_running", "1: a merge is running.");
  to.gauge(merge, "would_free_bytes", "mergeable_bytes", "What a merge would free now.");
  if (const auto last = text(merge, "last"); !last.empty()) {
    to.family("last_merge_timestamp_seconds", "gauge", "When the last merge ended.");
    to.sample("last_merge_timestamp_seconds", uint64_t(seconds_since_epoch(last)));
  }
}

}  // namespace

std::string prometheus_text(const Json& result, const Items& segments) {
  Exposition to(text(result, "store"));
  to.family("info", "gauge", "What answers; always 1.");
  to.sample("info", uint64_t{1},
            fmt::format("kind={},mounted=\"{}\",version={}", label_value(text(result, "kind")),
                        flag(result, "mounted"), label_value(text(result, "version"))));
  add_contents(to, result, segments.size());
  add_health(to, result);
  add_activity(to, result);
  add_merges(to, result.value("merge", Json::object()));
  return std::move(to).text();
}

}  // namespace memoria::ctl
