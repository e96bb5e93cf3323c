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

}  // namespace

Result<Json> merge(const Call& call) {
  MEMORIA_TRY(const auto request, merge_request(call));
  MEMORIA_TRY(const auto report, call.store.merge(request, call.progress()));
  return Json{{"dry_run", request.dry_run},
              {"inputs", segment_names(report.inputs)},
              {"outputs", segment_names(report.outputs)},
              {"bytes_read", report.bytes_read},
              {"bytes_written", report.bytes_written},
              {"bytes_freed", report.bytes_freed},
              {"records_copied", report.records_copied},
              {"erasers_dropped", report.erasers_dropped},
              {"duration_ns", report.duration.count()}};
}

Result<Json> rebuild_hints(const Call& call) {
  MEMORIA_TRY(const bool all, call.flag("all"));
  MEMORIA_TRY(const auto report, call.store.rebuild_hints(all, call.progress()));
  return Json{{"written", report.written}, {"kept", report.kept}};
}

Result<Json> check_hints(const Call& call) {
  const auto progress = call.progress();
  MEMORIA_TRY(const auto report, call.store.verify([&](const Progress& p) {
    return progress({"hints", p.done, p.total});
  }));
  uint64_t sealed = 0, missing = 0;
  for (const auto& segment : call.store.stats().segments) {
    sealed += segment.sealed;
    missing += segment.sealed && !segment.has_hint;
  }
  return Json{{"segments", sealed},
              {"missing", missing},
              {"bad", report.bad_hints},
              {"clean", missing == 0 && report.bad_hints == 0}};
}

Result<Json> verify(const Call& call) {
  MEMORIA_TRY(const auto rate, rate_of(call));
  MEMORIA_TRY(const auto report, call.store.verify(call.progress(), rate));
  MEMORIA_TRY(tell_damages(call.sink, &call.store, report.damages));
  return Json{{"segments", report.segments},
              {"records", report.records},
              {"bytes", report.bytes},
              {"bad_hints", report.bad_hints},
              {"damaged", report.damages.size()},
              {"clean", report.clean()}};
}

}  // namespace memoria::control
