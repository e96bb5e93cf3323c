// SPDX-License-Identifier: MIT
#include "core/store/merge_policy.hpp"

#include <algorithm>
#include <utility>

namespace memoria {
namespace {

// A segment below this share of the maximum is small; this many small ones are worth one merge.
constexpr uint64_t kSmallShare = 8;
constexpr size_t kManySmall = 8;
// With dead_bytes_threshold reached, segments with at least this dead share are taken.
constexpr double kWorthwhile = 0.2;
// Of the entry of a hint, but for a value: with a key that is long for a path.
constexpr uint64_t kLongEntry = 320;

/// What a merge can hope to free. In a segment of the log that includes erasers, since what they
/// erase is mostly near; in a merge's output those are left that had to be kept, and hoping again
/// each time would copy them for ever.
double dead_share(const Segment& s) {
  const auto total = double(s.counts.total_bytes);
  if (total == 0) return 1;
  const bool log = s.header.origin == Origin::kLog;
  return double(s.dead_bytes() + (log ? s.counts.eraser_bytes.load() : 0)) / total;
}

bool eligible(const Segment& s) {
  return s.sealed && !s.damaged && !s.has_copy;
}
/// What a merge that `request` asks for may take: it seals the active segment first if it takes
/// all.
bool eligible(const Segment& s, const MergeRequest& request) {
  if (eligible(s)) return true;
  return request.all && request.dry_run && !s.sealed && !s.damaged && s.counts.total_bytes > 0;
}
bool small(const Segment& s, const Options& options) {
  return s.file_bytes < options.segment.max_size / kSmallShare &&
         s.counts.total_records < options.segment.max_records / kSmallShare;
}

/// What a merge may take, as it was when it was looked at.
struct Candidate {
  bool held, dead_enough;
  double dead;
  std::shared_ptr<Segment> segment;
};

/// Bytes of what a merge makes of it at most, hint included.
uint64_t largest_output(const Segment& s, const Options& options) {
  const uint64_t bytes = s.counts.live_bytes + s.counts.eraser_bytes;
  const uint64_t records = s.counts.live_records + s.counts.eraser_records;
  // An entry of a hint has the key, the arguments and a short value, as the record does.
  return bytes + std::min(bytes, records * (kLongEntry + options.inline_limit));
}

uint64_t dead_bytes(const std::vector<std::shared_ptr<Segment>>& segments) {
  uint64_t dead = 0;
  for (const auto& s : segments) dead += eligible(*s) ? s->dead_bytes() : 0;
  return dead;
}

double urgent_share(const Options& options) {
  return options.segment.fragmentation_threshold / 2;
}

bool many_small(const std::vector<std::shared_ptr<Segment>>& segments, const Options& options) {
  return size_t(std::count_if(segments.begin(), segments.end(), [&](const auto& s) {
           return eligible(*s) && small(*s, options);
         })) >= kManySmall;
}

}  // namespace

bool merge_is_due(const std::vector<std::shared_ptr<Segment>>& segments, const Options& options) {
  return many_small(segments, options) ||
         dead_bytes(segments) >= options.segment.dead_bytes_threshold ||
         std::any_of(segments.begin(), segments.end(), [&](const auto& s) {
           return eligible(*s) && dead_share(*s) >= options.segment.fragmentation_threshold;
         });
}

bool merge_is_urgent(const std::vector<std::shared_ptr<Segment>>& segments,
                     const Options& options) {
  uint64_t dead = 0, total = 0;
  for (const auto& s : segments) {
    if (!eligible(*s) || s->held) continue;
    dead += s->dead_bytes();
    total += s->counts.total_bytes;
  }
  return dead >= options.segment.max_size / 2 &&
         double(dead) >= urgent_share(options) * double(total);
}

std::vector<std::shared_ptr<Segment>> choose_inputs(
    const std::vector<std::shared_ptr<Segment>>& segments, const Options& options,
    const MergeRequest& request, const MergeRoom& room) {
  double threshold = options.segment.fragmentation_threshold;
  if (dead_bytes(segments) >= options.segment.dead_bytes_threshold) {
    threshold = std::min(threshold, kWorthwhile);
  }
  double threshold_when_it_frees = threshold;
  if (merge_is_urgent(segments, options)) {
    threshold_when_it_frees = std::min(threshold, urgent_share(options));
  }
  if (request.min_dead >= 0) threshold = threshold_when_it_frees = request.min_dead;
  const bool take_small = request.min_dead < 0 && many_small(segments, options);
  // Looked at once: writers change it. What a snapshot has comes last, as it frees nothing now.
  std::vector<Candidate> candidates;
  for (const auto& s : segments) {
    if (!eligible(*s, request)) continue;
    const bool held = s->held;
    const double dead = dead_share(*s);
    const bool dead_enough = request.all || dead >= (held ? threshold : threshold_when_it_frees);
    if (dead_enough || (take_small && small(*s, options))) {
      candidates.push_back({held, dead_enough, dead, s});
    }
  }
  std::stable_sort(candidates.begin(), candidates.end(), [](const auto& a, const auto& b) {
    return std::pair(a.held, -a.dead) < std::pair(b.held, -b.dead);
  });
  const uint64_t budget = room.budget - std::min(room.budget, kMergeOverhead);
  const uint64_t beside_reserve =
      room.free_bytes - std::min(room.free_bytes, kMergeOverhead + options.reserve_bytes);
  uint64_t taken = 0;
  std::erase_if(candidates, [&](const Candidate& c) {
    const uint64_t needed = largest_output(*c.segment, options);
    const uint64_t most = c.held ? std::min(budget, beside_reserve) : budget;
    if (taken + needed > most) return true;  // a later one may fit
    taken += needed;
    return false;
  });
  // A small one alone would only be copied.
  if (candidates.size() == 1 && !candidates[0].dead_enough) return {};
  std::vector<std::shared_ptr<Segment>> chosen;
  chosen.reserve(candidates.size());
  for (const auto& c : candidates) chosen.push_back(c.segment);
  return chosen;
}

}  // namespace memoria
