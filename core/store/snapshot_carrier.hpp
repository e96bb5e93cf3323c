// SPDX-License-Identifier: MIT
// Brings the snapshots of a store into a copy of it.
#pragma once

#include <map>
#include <set>
#include <string>

#include "core/log/manifest.hpp"
#include "core/store/segment_carrier.hpp"

namespace memoria {

/// Each snapshot comes and goes by itself, whole: its directory gets its name at the end. What the
/// copy has already is linked. Not thread-safe.
class SnapshotCarrier {
 public:
  /// `source` has a directory of snapshots, of the store `uuid`. All must outlive it.
  SnapshotCarrier(Environment& source, Environment& to, const StoreUuid& uuid,
                  const CopyOptions& options, SegmentCarrier& segments)
      : source_(source), to_(to), uuid_(uuid), options_(options), segments_(segments) {}

  /// Adds to what is expected what they will bring beside the present. Some may come and go until
  /// they are carried.
  Status plan(const Manifest& present);
  /// `present`: what the copy has of the present, and what it is called there.
  Status carry(const SegmentNames& present);

 private:
  /// The source's snapshots that are to be carried, and those that cannot be.
  struct Wanted {
    std::map<std::string, Manifest> readable;
    std::set<std::string> unreadable;
  };
  Result<Wanted> wanted() const;
  bool is_gone(const std::string& snapshot) const;
  bool has_same(const std::string& name, const Manifest& manifest) const;
  Status carry_one(const std::string& name, const Manifest& manifest, const SegmentNames& present);
  Result<bool> link_segment(Environment& root, const SegmentNames& present,
                            const SealedSegment& segment);

  Environment& source_;
  Environment& to_;
  const StoreUuid uuid_;
  const CopyOptions& options_;
  SegmentCarrier& segments_;
  std::map<uint64_t, std::string> carried_;  // which snapshot of the copy has what
};

}  // namespace memoria
