// SPDX-License-Identifier: MIT
// What core/FORMAT.md promises of a store whose files were damaged, computed from its bytes before
// and after, without the store.
//
// - The bytes of a value are right or give an error. They are right where their records' heads and
//   blocks were not touched, and the segment is there: under its own name or another.
// - A record is *known* when its segment's hint is intact, or its own head is (of a value of at
//   most 256 bytes: all of it). While all records of a key are known, nothing older shows.
// - A record that is not known may be missed, and then its key shows what it would be without it.
//   Where its bytes still look like a record they name a key, not always the right one, and that
//   one gives an error.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/raw_log.hpp"

namespace memoria::test {

/// The files of one directory of an image, without their directory.
Image files_below(const Image& image, std::string_view directory);

class Bounds {
 public:
  /// Both without sub-directories. `before` was closed cleanly.
  Bounds(const Image& before, const Image& after);
  Bounds(const Bounds&) = delete;
  Bounds& operator=(const Bounds&) = delete;

  /// A part of a value that stands or falls together.
  struct Part {
    uint64_t begin = 0, end = 0;
    bool touched = false;
  };
  struct Value {
    std::string bytes;
    std::vector<Part> parts;
    bool touched = false;
  };

  /// All keys that ever were in the log.
  std::vector<std::string> keys() const;
  /// What the key should be; nothing: it should be absent.
  std::optional<Value> value(const std::string& key) const { return value(key, {}); }
  /// No record of it is unknown.
  bool is_known(const std::string& key) const { return !unknown_.contains(key); }
  /// Whether the key may show this (nothing: be absent) although it is not known.
  bool may_be(const std::string& key, const std::optional<std::string>& shown) const;
  /// A damaged record's head may be taken for one of this key.
  bool is_phantom(const std::string& key) const { return phantoms_.contains(key); }
  /// Nobody knows what is missing, or whose the segments are.
  bool may_be_refused() const { return refusable_; }
  /// The newest segment may count as one that a crash left, and is cut then.
  bool has_tail() const;

  /// A record of a key that was hit, and where a report must name it.
  struct Hit {
    uint64_t segment = 0;  ///< the name of its file
    uint64_t offset = 0, length = 0;
    std::string key;
  };
  std::vector<Hit> hits() const;
  /// Whether there is damage in this range of this file, or of a batch that it is the head of.
  bool is_hit(uint64_t segment, uint64_t offset, uint64_t length) const;

 private:
  struct Placed {
    RawSegment raw;
    std::string before;
    std::optional<uint64_t> name;  // where it is now
    std::string after;
    bool hint = false;  // it can be used
    bool tail = false;
    bool touched(uint64_t from, uint64_t to) const;
  };
  struct Item {
    const Placed* segment;
    const RawRecord* record;
  };
  using Dropped = std::set<const RawRecord*>;

  std::optional<uint64_t> locate(const Image& after, uint64_t id) const;
  void place(const Image& before, const Image& after, RawSegment raw, const std::string& bytes);
  void find_tail();
  void find_refusals(const Image& after);
  bool is_unknown(const Placed& segment, const RawRecord& r) const;
  void note_phantom(const Placed& segment, const RawRecord& r);
  std::optional<Value> value(const std::string& key, const Dropped& dropped) const;
  static bool part_touched(const Item& item, uint64_t in_record, uint64_t& block_end);

  bool manifest_ = false;  // intact
  bool refusable_ = false;
  std::vector<Placed> segments_;
  std::map<std::string, std::vector<Item>> items_;
  std::map<std::string, std::vector<const RawRecord*>> unknown_;
  std::set<std::string> phantoms_;
};

}  // namespace memoria::test
