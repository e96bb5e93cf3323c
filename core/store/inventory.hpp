// SPDX-License-Identifier: MIT
// Which segments a directory holds when it is opened, and in what state. The rules: core/FORMAT.md,
// "Recovery" and "Damage".
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/io/environment.hpp"
#include "core/log/manifest.hpp"
#include "core/log/record.hpp"
#include "core/log/timeline.hpp"
#include "core/store/options.hpp"
#include "core/store/segments.hpp"

namespace memoria {

/// A segment's file, or what is known of one that is missing.
struct FoundSegment {
  uint64_t name_id = 0;
  uint64_t size = 0;
  std::optional<SegmentHeader> header;  ///< there once the inventory is taken
  std::string problem;                  ///< why its own header cannot be read
  bool sealed = false;
  uint64_t closing = 0;              ///< bytes of the records that end it: they are of no key
  uint64_t records = 0;              ///< of keys, by its seal or a scan; 0: it has lost its end
  uint64_t expected = 0;             ///< its length by the manifest or its hint; 0: not known
  bool missing = false;              ///< there is only its hint
  bool squats = false;               ///< under the name of one that is missing
  bool unmade = false;               ///< a crash left nothing of it but the name
  std::shared_ptr<Segment> segment;  ///< once it is loaded

  /// It was sealed, and this is not all of it.
  bool cut() const { return expected > size; }
  /// What a hint of it must match.
  uint64_t full_size() const { return cut() ? expected : size; }
};

/// Whether there is a store, or a sign that there was one; whether it is whole, opening tells.
Result<bool> holds_store(Environment& environment);

/// Used once, by one thread. Removes what a crash left half done, unless the store is read-only.
class Inventory {
 public:
  Inventory(Environment& environment, const Options& options, Timeline& timeline)
      : environment_(environment), options_(options), timeline_(timeline) {}

  /// kNotAStore, kNewerFormat, kCorrupt (no segment's header can be read, or a segment is missing),
  /// kIo.
  Status take();

  /// All segments that count, by the names of their files.
  std::vector<FoundSegment>& segments() { return found_; }
  /// The numbers of the newest segments of the log that a crash left without a seal, in the order
  /// of the log.
  Result<std::vector<size_t>> tail() const;
  /// Whether an intact manifest names it. Then all of the log in front of it was durable.
  bool lists(const FoundSegment& found) const { return listed(found) != nullptr; }
  /// Whether there is a hint by this name.
  bool has_hint(uint64_t name_id) const { return hints_.contains(name_id); }
  /// Whether there is a second file of the segment with this id.
  bool has_copy(uint64_t id) const { return copied_.contains(id); }
  /// What the manifest said; empty without one.
  const std::vector<ManifestEntry>& manifest() const { return manifest_.segments; }
  /// There was none that could be believed: segments may be missing that nobody knows.
  bool has_lost_manifest() const { return !has_manifest_; }
  /// What the manifest said, see Manifest::unsure_until.
  uint64_t unsure_until() const { return manifest_.unsure_until; }
  /// The store's own id; a new one in an empty directory.
  const StoreUuid& uuid() const { return uuid_; }

  /// The segment, which has no records, goes by the next remove_doomed().
  void doom(const FoundSegment& found);
  /// Removes what is doomed. `saved`: a new manifest is durable that does not name it; otherwise
  /// some have to stay. Returns the names of those that would end the log in front of what is
  /// written next.
  Result<std::vector<uint64_t>> remove_doomed(bool saved);

 private:
  Status load_manifest();
  Status list();
  Status check_is_new(const std::vector<std::string>& names) const;
  Status remove_leftovers(const std::vector<std::string>& names);
  Result<FoundSegment> inspect(uint64_t name_id);
  Status look_for_seal(FoundSegment& found) const;
  static Status look_for_seal(FoundSegment& found, const File& file);
  const ManifestEntry* listed(const FoundSegment& found) const;
  bool is_new(const FoundSegment& found) const;
  bool is_of_a_crash(const FoundSegment& found) const;
  void forget_foreign_manifest();
  Status settle_headers();
  Status finish_merges();
  Status compare_with_manifest();
  Status drop_unmade();
  Error refuse_without(const std::vector<uint64_t>& missing) const;
  Status remove_found(uint64_t name_id, bool with_hint = true);
  Result<uint64_t> sealed_length(const FoundSegment& found, const ManifestEntry* entry) const;
  bool has_hint_of_its_length(const FoundSegment& found) const;
  Result<bool> has_lost_only_its_seal(const FoundSegment& found) const;
  void log(Severity severity, const std::string& text) const;

  Environment& environment_;
  const Options& options_;
  Timeline& timeline_;
  StoreUuid uuid_{};
  std::vector<FoundSegment> found_;
  std::set<uint64_t> hints_;  // segments with one, by the name
  Manifest manifest_;
  bool has_manifest_ = false;                        // an intact one
  std::map<uint64_t, const ManifestEntry*> listed_;  // manifest_ by id
  std::set<uint64_t> replaced_;                      // by merges that were complete
  std::set<uint64_t> copied_;                        // of which there is a second file, by id
  std::set<uint64_t> markers_;                       // of merges that were complete, by name
  std::vector<uint64_t> doomed_;                     // they may go at once
  std::vector<uint64_t> doomed_later_;               // when a new manifest is durable
};

}  // namespace memoria
