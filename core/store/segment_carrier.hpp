// SPDX-License-Identifier: MIT
// Brings single segments into a backup or a restored store, and keeps account: how far it has come,
// what was copied, and what is damaged.
#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "core/store/backup.hpp"
#include "core/store/segment_copy.hpp"

namespace memoria {

/// Of one call of back_up() or restore(). Not thread-safe.
class SegmentCarrier {
 public:
  /// What it refers to must outlive it. `phase`: what progress is called.
  SegmentCarrier(Environment& to, std::string_view phase, const CopyOptions& options,
                 const ProgressFn& progress)
      : to_(to), phase_(phase), options_(options), progress_(progress) {}

  /// From now on errors say so of what is there when it ends early.
  void say_when_it_ends_early(std::string state) { state_ = std::move(state); }
  /// Learns which segments an earlier call copied with damage, and looks at them again.
  void load_damaged();
  /// Leaves that to the next call. Of a store nothing is left: it tells of its damage itself.
  Status save_damaged(bool is_store);

  /// So many bytes more are to be brought.
  void expect(uint64_t bytes) { total_ += bytes; }
  /// So many are. kCancelled.
  Status advance(uint64_t bytes);

  /// Has the segment in `place` when it returns, which is the copy or a directory in it. What is
  /// missing or damaged is reported, and no error. kConflict: the source is not there any more.
  Status bring(Environment& from, const SealedSegment& segment, Environment& place);
  /// Whether what is there need not be copied again: with a recheck by reading it.
  Result<bool> is_still_sound(Environment& place, const SealedSegment& segment) const;

  /// Now, or as an earlier call left it: also one that is sound in one place by now.
  bool was_damaged(uint64_t id) const {
    return damaged_.contains(id) || damaged_before_.contains(id);
  }
  bool was_copied_now(uint64_t id) const { return copied_.contains(id); }

  CopyReport& report() { return report_; }

 private:
  Status check_space(Environment& from, const SealedSegment& segment);
  bool tell(uint64_t bytes);
  Error cancelled() const;
  Status remember_damaged(uint64_t id);
  Status write_damaged(const std::set<uint64_t>& ids);

  Environment& to_;
  const std::string phase_;
  const CopyOptions& options_;
  const ProgressFn& progress_;
  std::string state_;
  std::set<uint64_t> damaged_, damaged_before_, copied_;
  uint64_t done_ = 0, total_ = 0;
  CopyReport report_;
};

}  // namespace memoria
