// SPDX-License-Identifier: MIT
#include "core/log/hint.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "core/base/coding.hpp"
#include "core/base/compression.hpp"
#include "core/base/crc32c.hpp"
#include "core/base/key_order.hpp"

namespace memoria {
namespace {

constexpr std::string_view kMagic = "MEMOHNT1", kEnd = "END!";
constexpr uint32_t kHintVersion = 4;
constexpr size_t kHeaderSize = 8 + 4 + 8 + 8 + 4, kTrailerSize = 8 + 8 + 8 + 4 + 4;
constexpr uint8_t kFlagInline = 0x10;
// Enough that compression finds what keys have in common, and few enough that a cache holds them.
// (Hints of 400,000 keys like paths, at 8, 16 and 32 KiB: 13.7, 13.1 and 12.4 bytes a key.)
constexpr size_t kBlockBytes = 32 << 10;
// An entry has a key and a rest of at most 64 KiB each, and some numbers.
constexpr size_t kMaxBlockBytes = kBlockBytes + (128 << 10) + 64;
constexpr size_t kCheckChunk = 1 << 20, kPart = 1 << 20;

std::string header(uint64_t segment_id, uint64_t data_length) {
  std::string out(kMagic);
  append_le<uint32_t>(out, kHintVersion);
  append_le<uint64_t>(out, data_length);
  append_le<uint64_t>(out, segment_id);
  append_le<uint32_t>(out, crc32c(out));
  return out;
}

/// When a record was written and where it is: near those of the entry before, for keys that were
/// made in their order.
struct WhenAndWhere {
  uint64_t timestamp = 0;
  uint32_t record_offset = 0;
};

void append_when_and_where(const WhenAndWhere& it, const WhenAndWhere& before, std::string& out) {
  append_varint(out, zigzag(int64_t(it.timestamp - before.timestamp)));
  append_varint(out, zigzag(int64_t(it.record_offset) - int64_t(before.record_offset)));
}

bool decode_when_and_where(Decoder& in, WhenAndWhere& it) {
  it.timestamp += uint64_t(in.signed_varint());
  const auto difference = uint64_t(in.signed_varint());
  const uint64_t offset = it.record_offset + difference;
  it.record_offset = uint32_t(offset);
  return offset <= UINT32_MAX && it.timestamp <= kLatestTimestamp;
}

/// What an entry says beside its key, when and where.
void append_rest(const Entry& entry, std::string& out) {
  const Record& r = entry.record;
  out.push_back(char(uint8_t(r.kind) | (entry.is_inline ? kFlagInline : 0)));
  append_varint(out, r.value_size);
  if (arguments_size(r.kind) >= 16) {
    append_varint(out, zigzag(int64_t(r.timestamp - r.generation)));
    append_varint(out, r.offset);
    if (r.kind == Kind::kPunch) append_varint(out, r.length);
  }
  if (entry.is_inline) out.append(entry.value);
}

/// The timestamp is known.
bool decode_rest(Decoder& in, Entry& entry) {
  const auto type_bytes = in.bytes(1);
  if (!in.ok()) return false;
  const auto type = uint8_t(type_bytes.front());
  Record& r = entry.record;
  r.kind = Kind(type & kKindMask);
  r.flags = 0;
  const uint64_t value_size = in.varint();
  if (r.kind < Kind::kPut || r.kind > Kind::kPunch || value_size > kMaxValueSize) return false;
  r.value_size = uint32_t(value_size);
  r.generation = r.offset = r.length = 0;
  if (arguments_size(r.kind) >= 16) {
    r.generation = r.timestamp - uint64_t(in.signed_varint());
    r.offset = in.varint();
    if (r.kind == Kind::kPunch) r.length = in.varint();
  }
  entry.is_inline = (type & kFlagInline) != 0;
  entry.value = entry.is_inline ? in.bytes(value_size) : std::string_view();
  return in.ok();
}

Error disordered() {
  return {Errc::kCorrupt, "the entries of a hint are not what they must be"};
}

}  // namespace

// ---- Writing

void HintWriter::add(const Entry& entry) {
  const Record& r = entry.record;
  common_ = items_.empty() ? r.key.size()
                           : common_prefix(key_of(items_.front()).substr(0, common_), r.key);
  Item item;
  item.timestamp = r.timestamp;
  item.record_offset = entry.record_offset;
  item.at = uint32_t(bytes_.size());
  item.number = uint32_t(items_.size());
  item.key_size = uint16_t(r.key.size());
  bytes_.append(r.key);
  rest_.clear();
  append_rest(entry, rest_);
  bytes_.append(rest_);
  assert(rest_.size() <= UINT16_MAX);
  item.rest_size = uint16_t(rest_.size());
  items_.push_back(item);
  newest_ = std::max(newest_, r.timestamp);
}

void HintWriter::sort() {
  for (auto& item : items_) item.head = head_behind(key_of(item), common_);
  std::sort(items_.begin(), items_.end(), [this](const Item& a, const Item& b) {
    if (a.head != b.head) return a.head < b.head;
    const int order = key_of(a).compare(key_of(b));
    return order != 0 ? order < 0 : a.record_offset < b.record_offset;
  });
}

bool HintWriter::is_put(const Item& item) const {
  return Kind(uint8_t(bytes_[item.at + item.key_size]) & kKindMask) == Kind::kPut;
}

/// Of the entries of one key, drops puts between the oldest and the newest; returns where they end.
HintWriter::Items::iterator HintWriter::drop_between(Items::iterator begin,
                                                     Items::iterator end) const {
  uint64_t oldest = ~uint64_t{0}, newest = 0;
  for (auto item = begin; item != end; ++item) {
    if (!is_put(*item)) continue;
    oldest = std::min(oldest, item->timestamp);
    newest = std::max(newest, item->timestamp);
  }
  return std::remove_if(begin, end, [&](const Item& item) {
    return is_put(item) && item.timestamp > oldest && item.timestamp < newest;
  });
}

void HintWriter::drop_superseded() {
  auto kept = items_.begin();
  for (auto begin = items_.begin(); begin != items_.end();) {
    auto end = begin + 1;
    while (end != items_.end() && end->head == begin->head && key_of(*end) == key_of(*begin)) ++end;
    const auto last = end - begin > 2 ? drop_between(begin, end) : end;
    kept = kept == begin ? last : std::move(begin, last, kept);
    begin = end;
  }
  items_.erase(kept, items_.end());
}

Status HintWriter::write(uint64_t data_length, const AppendPart& append) && {
  sort();
  drop_superseded();
  return write_sorted(data_length, append);
}

PageString HintWriter::finish(uint64_t data_length, std::vector<uint32_t>* order) && {
  sort();
  drop_superseded();
  if (order != nullptr) {
    order->reserve(items_.size());
    for (const auto& item : items_) order->push_back(item.number);
  }
  PageString all;
  all.reserve(kHeaderSize + bytes_.size() + 14 * items_.size() + kTrailerSize);
  (void)write_sorted(data_length, [&all](std::string_view part) {
    all.append(part);
    return ok();
  });
  return all;
}

Status HintWriter::write_sorted(uint64_t data_length, const AppendPart& append) {
  std::string out = header(segment_id_, data_length);
  std::string index, block;
  Compressor compressor;
  uint32_t entries = 0;
  std::string_view last, separator;
  WhenAndWhere before;
  const auto end_block = [&]() -> Status {
    const auto smaller = compressor.compress(block);
    const std::string_view stored = smaller.empty() ? block : smaller;
    append_varint(index, stored.size());
    append_varint(index, block.size());
    append_varint(index, entries);
    append_le<uint32_t>(index, crc32c(stored));
    append_varint(index, separator.size());
    index.append(separator);
    out.append(stored);
    block.clear();
    entries = 0;
    if (out.size() < kPart) return ok();
    auto appended = append(out);
    out.clear();
    return appended;
  };
  for (const auto& item : items_) {
    const auto key = key_of(item);
    if (entries > 0 && block.size() >= kBlockBytes) MEMORIA_TRY(end_block());
    if (entries == 0) separator = key.substr(0, common_prefix(last, key) + 1);
    if (entries == 0) before = {segment_id_, 0};
    const size_t shared = entries == 0 ? 0 : common_prefix(last, key);
    const WhenAndWhere here{item.timestamp, item.record_offset};
    append_varint(block, shared);
    append_varint(block, key.size() - shared);
    block.append(key.substr(shared));
    append_when_and_where(here, std::exchange(before, here), block);
    block.append(bytes_, item.at + item.key_size, item.rest_size);
    last = key;
    ++entries;
  }
  if (entries > 0) MEMORIA_TRY(end_block());

  std::string trailer;
  append_le<uint64_t>(trailer, newest_);
  append_le<uint64_t>(trailer, items_.size());
  append_le<uint64_t>(trailer, index.size());
  append_le<uint32_t>(trailer, crc32c(trailer, crc32c(index)));
  out.append(index).append(trailer).append(kEnd);
  return append(out);
}

// ---- Reading

ReadHint read_from(std::string_view hint) {
  return [hint](uint64_t offset, std::span<char> out) -> Result<size_t> {
    if (offset >= hint.size()) return size_t{0};
    return hint.copy(out.data(), out.size(), offset);
  };
}

std::optional<uint64_t> hinted_length(const ReadHint& bytes, uint64_t segment_id) {
  std::string head(kHeaderSize, '\0');
  const auto got = bytes(0, head);
  if (!got.has_value() || got.value() != head.size()) return std::nullopt;
  const auto length = load_le<uint64_t>(head.data() + kMagic.size() + sizeof kHintVersion);
  if (head != header(segment_id, length)) return std::nullopt;
  return length;
}

std::optional<HintIndex> HintIndex::read(const ReadHint& bytes, uint64_t size, uint64_t segment_id,
                                         uint64_t data_length) {
  if (size < kHeaderSize + kTrailerSize) return std::nullopt;
  const auto get = [&](uint64_t offset, uint64_t length) -> std::optional<std::string> {
    std::string out(length, '\0');
    const auto got = bytes(offset, out);
    if (!got.has_value() || got.value() != length) return std::nullopt;
    return out;
  };
  const auto head = get(0, kHeaderSize);
  if (!head || *head != header(segment_id, data_length)) return std::nullopt;
  const uint64_t trailer_at = size - kTrailerSize;
  const auto trailer = get(trailer_at, kTrailerSize);
  if (!trailer || !trailer->ends_with(kEnd)) return std::nullopt;
  HintIndex index;
  index.segment_id_ = segment_id;
  Decoder in(*trailer);
  index.newest_ = in.le<uint64_t>();
  index.entries_ = in.le<uint64_t>();
  const auto index_size = in.le<uint64_t>();
  const auto crc = in.le<uint32_t>();
  if (index_size > trailer_at - kHeaderSize) return std::nullopt;
  const auto raw = get(trailer_at - index_size, index_size);
  if (!raw || crc != crc32c(std::string_view(*trailer).substr(0, 24), crc32c(*raw))) {
    return std::nullopt;
  }
  if (!index.parse_blocks(*raw, trailer_at - index_size)) return std::nullopt;
  return index;
}

bool HintIndex::parse_blocks(std::string_view index, uint64_t end_of_blocks) {
  uint64_t at = kHeaderSize, entries = 0;
  Decoder in(index);
  while (in.ok() && !in.rest().empty()) {
    Block block;
    const uint64_t length = in.varint(), size = in.varint(), count = in.varint();
    block.crc = in.le<uint32_t>();
    block.separator = in.bytes(in.varint());
    if (!in.ok() || length > end_of_blocks - at || length > size || size > kMaxBlockBytes ||
        count == 0 || count > size ||
        (!blocks_.empty() && block.separator < blocks_.back().separator)) {
      return false;
    }
    block.offset = at;
    block.length = uint32_t(length);
    block.size = uint32_t(size);
    block.entries = uint32_t(count);
    at += length;
    entries += count;
    blocks_.push_back(std::move(block));
  }
  return in.ok() && at == end_of_blocks && entries == entries_;
}

void HintCursor::seek(std::string_view key) {
  const auto& blocks = index_.blocks();
  // Entries of one key may lie on both sides of a separator that equals it.
  const auto above = std::lower_bound(
      blocks.begin(), blocks.end(), key,
      [](const HintIndex::Block& block, std::string_view k) { return block.separator < k; });
  next_block_ = size_t(std::max<ptrdiff_t>(above - blocks.begin() - 1, 0));
  left_ = 0;
  rest_ = {};
  key_.clear();
}

/// Makes the next block the one at hand.
Status HintCursor::load_block() {
  const auto& blocks = index_.blocks();
  const auto& block = blocks[next_block_];
  if (block.offset < buffer_at_ || block.offset + block.length > buffer_at_ + buffer_.size()) {
    uint64_t length = block.length;
    for (size_t i = next_block_ + 1; i < blocks.size() && length + blocks[i].length <= chunk_;
         ++i) {
      length += blocks[i].length;
    }
    buffer_at_ = block.offset;
    buffer_.resize(length);
    MEMORIA_TRY(const size_t got, bytes_(buffer_at_, buffer_));
    buffer_.resize(got);
    if (got < block.length) return Error{Errc::kCorrupt, "the hint is cut off"};
  }
  MEMORIA_TRY(rest_, open_block(block, std::string_view(buffer_).substr(block.offset - buffer_at_,
                                                                        block.length)));
  left_ = block.entries;
  key_.clear();
  timestamp_ = index_.segment_id();
  record_offset_ = 0;
  ++next_block_;
  return ok();
}

/// What a block holds; lives until the next call, or as long as `stored`.
Result<std::string_view> HintCursor::open_block(const HintIndex::Block& block,
                                                std::string_view stored) {
  if (crc32c(stored) != block.crc) {
    return Error{Errc::kCorrupt, "the checksum of a hint's block does not match"};
  }
  if (block.size == block.length) return stored;
  opened_.resize(block.size);
  if (!decompress(stored, opened_)) {
    return Error{Errc::kCorrupt, "a block of a hint is not what was compressed"};
  }
  return opened_;
}

/// Takes an entry off the front of rest_. False: it is none, or not in order.
bool HintCursor::decode(Entry& entry) {
  Decoder in(rest_);
  const uint64_t shared = in.varint(), more = in.varint();
  const auto tail = in.bytes(more);
  if (!in.ok() || shared > key_.size() || shared + more > kMaxKeySize) return false;
  const bool same = shared == key_.size() && more == 0;
  if (!same && shared < key_.size() &&
      (more == 0 || uint8_t(tail.front()) <= uint8_t(key_[shared]))) {
    return false;
  }
  key_.resize(shared);
  key_.append(tail);
  WhenAndWhere here{timestamp_, record_offset_};
  if (!decode_when_and_where(in, here)) return false;
  if (same && here.record_offset < record_offset_) return false;
  timestamp_ = entry.record.timestamp = here.timestamp;
  record_offset_ = entry.record_offset = here.record_offset;
  if (!decode_rest(in, entry)) return false;
  entry.record.key = key_;
  rest_ = in.rest();
  return --left_ > 0 || rest_.empty();
}

Result<bool> HintCursor::next(Entry& entry) {
  if (left_ == 0) {
    if (next_block_ == index_.blocks().size()) return false;
    const std::string last = key_;
    const uint32_t last_offset = record_offset_;
    MEMORIA_TRY(load_block());
    if (!decode(entry)) return disordered();
    const int order = last.compare(key_);
    if (order > 0 || (order == 0 && entry.record_offset < last_offset)) return disordered();
    return true;
  }
  if (!decode(entry)) return disordered();
  return true;
}

namespace {

/// Whether all of a hint's blocks check out.
bool check_blocks(const HintIndex& index, const ReadHint& bytes) {
  HintCursor cursor(index, bytes, kCheckChunk);
  Entry entry;
  uint64_t newest = 0;
  while (true) {
    const auto more = cursor.next(entry);
    if (!more.has_value()) return false;
    if (!more.value()) return newest == index.newest();
    newest = std::max(newest, entry.record.timestamp);
  }
}

}  // namespace

// ---- A hint in memory

struct HintReader::Parts {
  HintIndex index;
  ReadHint read;
  HintCursor cursor;

  Parts(HintIndex&& i, const ReadHint& r)
      : index(std::move(i)), read(r), cursor(index, read, kCheckChunk) {}
};

HintReader::HintReader(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
HintReader::HintReader(HintReader&&) noexcept = default;
HintReader::~HintReader() = default;

std::optional<HintReader> HintReader::open(std::string_view bytes, uint64_t segment_id,
                                           uint64_t data_length) {
  const ReadHint read = read_from(bytes);
  auto index = HintIndex::read(read, bytes.size(), segment_id, data_length);
  if (!index || !check_blocks(*index, read)) return std::nullopt;
  return HintReader(std::make_unique<Parts>(std::move(*index), read));
}

uint64_t HintReader::entries() const {
  return parts_->index.entries();
}

bool HintReader::next(Entry& entry) {
  const auto more = parts_->cursor.next(entry);
  return more.has_value() && more.value();
}

}  // namespace memoria
