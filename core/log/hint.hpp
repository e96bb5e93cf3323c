// SPDX-License-Identifier: MIT
// A hint: what opening needs to know of a sealed segment, without its values, in the order of the
// keys. Never trusted, never fatal: one that does not check out is as good as none. Layout:
// core/FORMAT.md, "Hint"; it is that of LevelDB's tables, without their second level.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/page_memory.hpp"
#include "core/base/result.hpp"
#include "core/io/whole_file.hpp"
#include "core/log/entry.hpp"

namespace memoria {

/// No hint of a segment of so many bytes is longer: an entry's key may be in the index, too, and
/// the rest of it is shorter than the record.
constexpr uint64_t max_hint_size(uint64_t segment_size) {
  return 2 * segment_size + (64 << 10);
}

/// Fills `out` from `offset` of a hint; returns how much there was. Errors: those of File::read().
using ReadHint = std::function<Result<size_t>(uint64_t offset, std::span<char> out)>;
/// From a hint in memory, which must stay where it is.
ReadHint read_from(std::string_view hint);

/// Sorts the entries of one segment and writes them down, but for puts that have both an older and
/// a newer one in the segment: they are dead for ever, and nobody needs to know when they were. (A
/// directory has as many as files were made in it.) Needs about 36 bytes and the key for each. Not
/// thread-safe.
class HintWriter {
 public:
  explicit HintWriter(uint64_t segment_id) : segment_id_(segment_id) {}
  /// Entries in the order of the segment; key and value are copied.
  void add(const Entry& entry);
  /// Gives the whole file to `append`, a megabyte or so at once, for a segment file of
  /// `data_length` bytes. The writer is spent. Errors: those of `append`.
  Status write(uint64_t data_length, const AppendPart& append) &&;
  /// The whole file. `order` gets which entry comes where: the numbers, from 0 in the order of
  /// add(), of those in the hint.
  PageString finish(uint64_t data_length, std::vector<uint32_t>* order = nullptr) &&;

 private:
  /// Key and encoded rest of an entry lie in bytes_, one behind the other.
  struct Item {
    uint64_t head = 0;  // the key's first bytes behind what all keys have in common
    uint64_t timestamp = 0;
    uint32_t record_offset = 0;
    uint32_t at = 0;
    uint32_t number = 0;
    uint16_t key_size = 0;
    uint16_t rest_size = 0;
  };
  using Items = PageVector<Item>;

  std::string_view key_of(const Item& item) const {
    return std::string_view(bytes_).substr(item.at, item.key_size);
  }
  void sort();
  Status write_sorted(uint64_t data_length, const AppendPart& append);
  bool is_put(const Item& item) const;
  Items::iterator drop_between(Items::iterator begin, Items::iterator end) const;
  void drop_superseded();

  const uint64_t segment_id_;
  PageString bytes_;
  Items items_;
  std::string rest_;   // of the entry at hand
  size_t common_ = 0;  // bytes that all keys begin with
  uint64_t newest_ = 0;
};

/// The length of the data that a hint of this segment was written for, by its header alone.
/// Nothing: it is not its hint, or the header is damaged or cannot be read.
std::optional<uint64_t> hinted_length(const ReadHint& bytes, uint64_t segment_id);

/// What is in a hint's blocks, without the blocks.
class HintIndex {
 public:
  struct Block {
    uint64_t offset = 0;
    uint32_t length = 0;  ///< in the hint
    uint32_t size = 0;    ///< of what it holds; compressed when it is more
    uint32_t entries = 0, crc = 0;
    /// Not above the block's first key, and not below the last key of the block before.
    std::string separator;
  };

  /// Reads and checks a hint of `size` bytes but for its blocks. Nothing: it is not the hint of
  /// this segment at this length, it is damaged or cannot be read.
  static std::optional<HintIndex> read(const ReadHint& bytes, uint64_t size, uint64_t segment_id,
                                       uint64_t data_length);

  uint64_t segment_id() const { return segment_id_; }
  uint64_t entries() const { return entries_; }
  /// The newest timestamp of all entries.
  uint64_t newest() const { return newest_; }
  const std::vector<Block>& blocks() const { return blocks_; }

 private:
  bool parse_blocks(std::string_view index, uint64_t end_of_blocks);

  uint64_t segment_id_ = 0, entries_ = 0, newest_ = 0;
  std::vector<Block> blocks_;
};

/// Goes through the entries of a hint in order and checks them on the way: the checksum of each
/// block, each entry, and that keys ascend. Not thread-safe; index and bytes must outlive it.
class HintCursor {
 public:
  /// Reads about `chunk` bytes at once, at least a block.
  HintCursor(const HintIndex& index, const ReadHint& bytes, size_t chunk)
      : index_(index), bytes_(bytes), chunk_(chunk) {}

  /// Goes to the block in which `key`, or what follows it, begins: next() may give smaller keys
  /// first.
  void seek(std::string_view key);
  /// The next entry; false at the end. Its key and value live until the next call. kCorrupt: what
  /// was read is not what was written; errors of reading.
  Result<bool> next(Entry& entry);

 private:
  Status load_block();
  Result<std::string_view> open_block(const HintIndex::Block& block, std::string_view stored);
  bool decode(Entry& entry);

  const HintIndex& index_;
  const ReadHint& bytes_;
  const size_t chunk_;
  size_t next_block_ = 0;
  std::string buffer_;  // whole blocks, from buffer_at_ of the hint
  uint64_t buffer_at_ = 0;
  std::string opened_;     // the block at hand, when it was compressed
  std::string_view rest_;  // of the block at hand
  uint32_t left_ = 0;      // entries in it
  std::string key_;
  uint64_t timestamp_ = 0;
  uint32_t record_offset_ = 0;
};

/// A hint in memory. The bytes must outlive it and stay where they are.
class HintReader {
 public:
  /// Checks everything. Nothing: it is not the hint of this segment at this length, or it is
  /// damaged.
  static std::optional<HintReader> open(std::string_view bytes, uint64_t segment_id,
                                        uint64_t data_length);
  HintReader(HintReader&&) noexcept;
  ~HintReader();

  uint64_t entries() const;
  /// The next entry, in the order of the keys, and those of one key in the order of the segment;
  /// false at the end. Its key and value live until the next call.
  bool next(Entry& entry);

 private:
  struct Parts;
  explicit HintReader(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace memoria
