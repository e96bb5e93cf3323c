// SPDX-License-Identifier: MIT
// The commands `merge`, `hints` and `verify`.
#include "fs/control/commands.hpp"
#include "fs/control/damage_items.hpp"

namespace memoria::control {
namespace {

/// Bytes a second; 0: no limit.
Result<uint64_t> rate_of(const Call& call) {
  MEMORIA_TRY(const double rate, call.number("rate", 0));
  if (rate >= 0 && rate < 1e18) return uint64_t(rate);
  return Error(Errc::kInvalidArgument, "the rate must not be negative");
}

Result<MergeRequest> merge_request(const Call& call) {
  MergeRequest request;
  MEMORIA_TRY(request.all, call.flag("all"));
  MEMORIA_TRY(request.dry_run, call.flag("dry_run"));
  MEMORIA_TRY(request.min_dead, call.number("min_dead", -1));
  MEMORIA_TRY(request.rate_bytes_per_second, rate_of(call));
  if (request.min_dead > 1) {
    return Error(Errc::kInvalidArgument, "the least dead share must be from 0 to 1");
  }
  return request;
}

Json segment_names(const std::vector<uint64_t>& ids) {
  auto names = Json::array();
  for (const auto id : ids) names.push_back(std::to_string(id));
  return names;
}

struct Hints {
  uint64_t sealed = 0;    ///< segments that should have one
  uint64_t missing = 0;   ///< segments without one
  uint64_t bad = 0;       ///< that were damaged when the store was opened
  uint64_t hopeless = 0;  ///< segments that get none, since they are damaged or missing
};

/// Of a store that was opened for this command, what it was before: opening had hints written anew.
Hints count_hints(const Call& call) {
  Hints hints;
  for (const auto& segment : call.store.stats().segments) {
    if (!segment.sealed) continue;
    ++hints.sealed;
    if (segment.damaged) {
      ++hints.hopeless;
    } else if (call.context.served) {
      hints.missing += !segment.has_hint;
    } else {
      hints.missing += segment.lacked_hint;
      hints.bad += segment.had_bad_hint;
    }
  }
  return hints;
}

}  // namespace

Result<Json> merge(const Call& call) {
  MEMORIA_TRY(const auto request, merge_request(call));
  MEMORIA_TRY(const auto report, call.store.merge(request, call.progress()));
  const auto left = call.store.stats();
  return Json{{"dry_run", request.dry_run},
              {"would_free_bytes_all", left.mergeable_bytes_all},
              {"inputs", segment_names(report.inputs)},
              {"outputs", segment_names(report.outputs)},
              {"bytes_read", report.bytes_read},
              {"bytes_written", report.bytes_written},
              {"bytes_freed", report.bytes_freed},
              {"records_copied", report.records_copied},
              {"erasers_dropped", report.erasers_dropped},
              {"damaged", segment_names(report.damaged)},
              {"clean", report.damaged.empty()},
              {"duration_ns", report.duration.count()}};
}

Result<Json> rebuild_hints(const Call& call) {
  MEMORIA_TRY(const bool all, call.flag("all"));
  MEMORIA_TRY(const auto report, call.store.rebuild_hints(all, call.progress()));
  return Json{{"written", report.written},
              {"kept", report.kept},
              {"damaged", report.damaged},
              {"clean", report.damaged == 0}};
}

Result<Json> check_hints(const Call& call) {
  const auto progress = call.progress();
  MEMORIA_TRY(const auto report, call.store.verify([&](const Progress& p) {
    return progress({"hints", p.done, p.total});
  }));
  const auto hints = count_hints(call);
  const uint64_t bad = report.bad_hints + hints.bad;
  return Json{{"segments", hints.sealed},
              {"missing", hints.missing},
              {"bad", bad},
              {"damaged", hints.hopeless},
              {"rewritten", !call.context.served && !call.store.options().read_only},
              {"clean", hints.missing + bad + hints.hopeless == 0}};
}

Result<Json> verify(const Call& call) {
  MEMORIA_TRY(const auto rate, rate_of(call));
  MEMORIA_TRY(auto report, call.store.verify(call.progress(), rate));
  report.bad_hints += count_hints(call).bad;
  MEMORIA_TRY(tell_damages(call.sink, &call.store, report.damages));
  return Json{{"segments", report.segments},
              {"records", report.records},
              {"bytes", report.bytes},
              {"bad_hints", report.bad_hints},
              {"damaged", report.damages.size()},
              {"clean", report.clean()}};
}

}  // namespace memoria::control
