// SPDX-License-Identifier: MIT
// The command `stats`.
#include <unistd.h>

#include <fstream>

#include "fs/control/byte_text.hpp"
#include "fs/control/commands.hpp"
#include "fs/volume/tree.hpp"

namespace memoria::control {
namespace {

Json segment_item(const SegmentStats& s) {
  return {{"segment", std::to_string(s.id)},
          {"file", segment_file(s.id)},
          {"file_bytes", s.file_bytes},
          {"live_bytes", s.live_bytes},
          {"live_records", s.live_records},
          {"dead_bytes", s.dead_bytes},
          {"dead_records", s.dead_records},
          {"eraser_bytes", s.eraser_bytes},
          {"eraser_records", s.eraser_records},
          {"sealed", s.sealed},
          {"has_hint", s.has_hint},
          {"from_merge", s.from_merge},
          {"merging", s.merging},
          {"damaged", s.damaged},
          {"missing", s.missing}};
}

/// Memory of this process; 0 when it cannot be told.
uint64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  uint64_t size = 0, resident = 0;
  return statm >> size >> resident ? resident * uint64_t(sysconf(_SC_PAGESIZE)) : 0;
}

Json contents(const StoreStats& s) {
  return {{"keys", s.keys},
          {"value_bytes", s.value_bytes},
          {"disk_bytes", s.disk_bytes},
          {"live_bytes", s.live_bytes},
          {"dead_bytes", s.dead_bytes},
          {"eraser_bytes", s.eraser_bytes},
          {"key_directory_bytes", s.key_directory_bytes},
          {"patched_values", s.patched_values},
          {"pieces", s.pieces}};
}

Json losses(const StoreStats& s) {
  uint64_t missing = 0, damaged = 0;
  for (const auto& segment : s.segments) {
    missing += segment.missing;
    damaged += segment.damaged && !segment.missing;
  }
  return {{"missing_segments", missing}, {"damaged_segments", damaged}};
}

Json activity(const StoreStats& s) {
  return {{"bytes_written", s.bytes_written},
          {"appends", s.appends},
          {"append_groups", s.append_groups},
          {"syncs", s.syncs},
          {"sync_requests", s.sync_requests},
          {"sync_latency_us_p50", s.sync_latency_us_p50},
          {"sync_latency_us_p99", s.sync_latency_us_p99},
          {"sync_time_us", s.sync_time_us},
          {"consolidations", s.consolidations},
          {"file_cache_hits", s.file_cache_hits},
          {"file_cache_misses", s.file_cache_misses},
          {"read_errors", s.read_errors},
          {"open_ns", s.open_ns}};
}

Json merges(const StoreStats& s, const Options& options) {
  Json out = {{"count", s.merges},
              {"bytes_read", s.merge_bytes_read},
              {"bytes_written", s.merge_bytes_written},
              {"running", s.merge_running},
              {"last", nullptr},
              {"threshold", options.segment.fragmentation_threshold},
              {"would_free_bytes", s.mergeable_bytes},
              {"would_free_bytes_all", s.mergeable_bytes_all}};
  if (s.last_merge_ns != 0) out["last"] = iso_time(int64_t(s.last_merge_ns));
  return out;
}

}  // namespace

Result<Json> stats(const Call& call) {
  const auto s = call.store.stats();
  Json out = {
      {"store", call.store.describe()}, {"kind", holds_volume(call.store) ? "volume" : "keys"},
      {"mounted", call.is_mounted()},   {"version", MEMORIA_VERSION},
      {"read_only", s.read_only},       {"read_only_reason", s.read_only_reason},
      {"unsure_until", nullptr},        {"merge", merges(s, call.store.settings())}};
  if (s.unsure_until != 0) out["unsure_until"] = iso_time(int64_t(s.unsure_until));
  out.update(contents(s));
  out.update(losses(s));
  out.update(activity(s));
  if (call.context.served) out["pid"] = getpid();
  call.tell_mount_point(out);
  if (const auto resident = resident_bytes(); resident != 0) out["resident_bytes"] = resident;
  if (holds_volume(call.store)) {
    out["files"] = call.volume != nullptr ? call.volume->files() : count_inodes(call.store);
  }
  if (const auto space = call.store.space(); space.has_value()) {
    out["disk_total_bytes"] = space.value().total_bytes;
    out["disk_free_bytes"] = space.value().free_bytes;
  }
  for (const auto& segment : s.segments) MEMORIA_TRY(call.sink.item(segment_item(segment)));
  return out;
}

Result<Json> map_segments(const Call& call) {
  const auto s = call.store.stats();
  for (const auto& segment : s.segments) MEMORIA_TRY(call.sink.item(segment_item(segment)));
  return Json{{"disk_bytes", s.disk_bytes},
              {"live_bytes", s.live_bytes},
              {"dead_bytes", s.dead_bytes},
              {"eraser_bytes", s.eraser_bytes},
              {"segment_size", call.store.options().segment.max_size},
              {"merge_running", s.merge_running}};
}

}  // namespace memoria::control
