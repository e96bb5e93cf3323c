// SPDX-License-Identifier: MIT
// Turns batches into the bytes of records and the entries that will be installed for them.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <sys/uio.h>

#include <cstdint>
#include <string>
#include <vector>

#include "core/log/entry.hpp"
#include "core/log/timeline.hpp"
#include "core/store/batch.hpp"
#include "core/store/key_directory.hpp"

namespace memoria {

/// A record to append whose timestamp and generation are given: a consolidated piece.
struct RawRecord {
  Record record;
  std::string_view value;
};

/// Collects what goes to the log in one write. Reused from group to group; not thread-safe. Values
/// are referred to, so batches must live until the group is written and installed.
class GroupEncoder {
 public:
  GroupEncoder(const KeyDirectory& directory, Timeline& timeline, size_t inline_limit)
      : directory_(directory), timeline_(timeline), inline_limit_(inline_limit) {}

  /// How many bytes `batch` will take.
  static uint64_t encoded_size(const Batch& batch);

  /// Whether a batch patches values: encoding it must then know what they are.
  static bool patches(const Batch& batch);

  /// Starts a group at `offset` of the segment with `seed`. `track`: the group has more than one
  /// change and one of them patches a value, so what earlier ones make of their keys must be
  /// remembered.
  void begin(uint64_t offset, uint32_t seed, bool track);
  void add(const Batch& batch);
  /// False, and nothing is added, when its key was changed after the record's timestamp: the bytes
  /// in it are then history, and must not come into the log behind what made them so.
  bool add(const RawRecord& raw);

  uint64_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  /// What to write. Valid until the next begin() or add().
  std::vector<iovec>& parts();
  /// What to install once it is written, in order.
  const std::vector<Entry>& entries() const { return entries_; }
  /// Bytes of batch heads, which belong to no record.
  uint64_t overhead() const { return overhead_; }

 private:
  struct Part {
    const char* external;  // nullptr: in heads_
    size_t offset, size;
  };
  void encode(const Record& r, std::string_view value, bool is_inline);
  void append_external(std::string_view bytes);
  Record record_of(const Batch& batch, const Batch::Change& change, uint64_t timestamp);
  void follow(Record& r);
  KeyDirectory::State& state(std::string_view key);

  const KeyDirectory& directory_;
  Timeline& timeline_;
  const size_t inline_limit_;

  uint64_t begin_ = 0;
  uint32_t seed_ = 0;
  bool track_ = false;
  uint64_t size_ = 0;
  uint64_t overhead_ = 0;
  std::string heads_;
  std::vector<Part> parts_;
  std::vector<iovec> vectors_;
  std::vector<Entry> entries_;
  // What earlier changes of this group, not installed yet, make of their keys.
  absl::flat_hash_map<std::string, KeyDirectory::State> states_;
  KeyDirectory::State only_state_;  // in place of states_ when nothing is tracked
};

}  // namespace memoria
