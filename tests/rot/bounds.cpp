// SPDX-License-Identifier: MIT
#include "tests/rot/bounds.hpp"

#include <algorithm>

#include "core/log/manifest.hpp"
#include "core/log/record.hpp"
#include "core/log/segment.hpp"

namespace memoria::test {
namespace {

constexpr uint64_t kShort = 256;  // longer values have a table of blocks
constexpr uint64_t kBlock = 16 << 10;
constexpr size_t kMaxUnknown = 10;  // records of a key; with more, anything may show

std::optional<SegmentHeader> header_of(std::string_view bytes) {
  const auto header = decode_segment_header(bytes.substr(0, kSegmentHeaderSize), "");
  if (!header.has_value()) return std::nullopt;
  return header.value();
}

bool same_file(const Image& before, const Image& after, const std::string& name) {
  const auto was = before.find(name), is = after.find(name);
  return was != before.end() && is != after.end() && was->second == is->second;
}

}  // namespace

Image files_below(const Image& image, std::string_view directory) {
  Image out;
  for (const auto& [name, bytes] : image) {
    if (!name.starts_with(directory)) continue;
    const auto rest = name.substr(directory.size());
    if (!rest.empty() && rest.find('/') == std::string::npos) out[rest] = bytes;
  }
  return out;
}

bool Bounds::Placed::touched(uint64_t from, uint64_t to) const {
  if (!name || to > after.size()) return true;
  return std::string_view(before).substr(from, to - from) !=
         std::string_view(after).substr(from, to - from);
}

Bounds::Bounds(const Image& before, const Image& after) {
  manifest_ = same_file(before, after, std::string(kManifestFile));
  for (const auto& [name, bytes] : before) {
    if (segment_id(name, kDataSuffix)) place(before, after, read_segment(bytes), bytes);
  }
  find_tail();
  find_refusals(after);
  for (const auto& segment : segments_) {
    for (const auto& r : segment.raw.records) {
      items_[r.key].push_back({&segment, &r});
      if (!is_unknown(segment, r)) continue;
      unknown_[r.key].push_back(&r);
      note_phantom(segment, r);
    }
  }
  for (auto& [key, items] : items_) {
    std::stable_sort(items.begin(), items.end(), [](const Item& a, const Item& b) {
      return a.record->timestamp < b.record->timestamp;
    });
  }
}

/// A file is what its header says, or, without one, its name.
std::optional<uint64_t> Bounds::locate(const Image& after, uint64_t id) const {
  std::optional<uint64_t> named, other;
  for (const auto& [name, bytes] : after) {
    const auto name_id = segment_id(name, kDataSuffix);
    if (!name_id) continue;
    const auto header = header_of(bytes);
    if (*name_id == id && header && header->id == id) return id;
    if (*name_id == id && !header) named = id;
    if (header && header->id == id && !other) other = name_id;
  }
  return other ? other : named;
}

void Bounds::place(const Image& before, const Image& after, RawSegment raw,
                   const std::string& bytes) {
  Placed placed;
  placed.before = bytes;
  placed.name = locate(after, raw.id);
  if (placed.name) placed.after = after.at(segment_file(*placed.name, kDataSuffix));
  // Without the manifest, its length must be that of the file, or the file must be cut.
  placed.hint = same_file(before, after, segment_file(raw.id, kHintSuffix)) &&
                placed.name.value_or(raw.id) == raw.id &&
                (manifest_ || (placed.name && placed.after.size() <= bytes.size()));
  placed.raw = std::move(raw);
  segments_.push_back(std::move(placed));
}

/// Without a manifest, the newest segment of the log that has lost its seal.
void Bounds::find_tail() {
  if (manifest_) return;
  Placed* newest = nullptr;
  for (auto& segment : segments_) {
    const auto header = header_of(segment.after);
    const bool of_log = !header || header->origin == Origin::kLog;
    if (segment.name && of_log && (newest == nullptr || *segment.name > *newest->name)) {
      newest = &segment;
    }
  }
  if (newest == nullptr || newest->hint) return;
  const auto seal = newest->raw.top_level.back();
  newest->tail = newest->after.size() != newest->before.size() ||
                 newest->touched(seal.first, seal.first + seal.second);
}

void Bounds::find_refusals(const Image& after) {
  bool any_file = false, any_header = false;
  for (const auto& [name, bytes] : after) {
    if (!segment_id(name, kDataSuffix)) continue;
    any_file = true;
    any_header |= header_of(bytes).has_value();
  }
  for (const auto& segment : segments_) {
    refusable_ |= manifest_ && !segment.name && !segment.hint;
  }
  refusable_ |= manifest_ && !any_file;
  refusable_ |= !manifest_ && !any_header;
}

bool Bounds::has_tail() const {
  return std::any_of(segments_.begin(), segments_.end(), [](const auto& s) { return s.tail; });
}

bool Bounds::is_unknown(const Placed& segment, const RawRecord& r) const {
  if (segment.hint) return false;
  if (!segment.name || segment.after.size() < r.at + r.size) return true;
  const uint64_t head = r.value.size() <= kShort ? r.size : r.size - r.value.size();
  if (segment.touched(r.at, r.at + head)) return true;
  if (!segment.tail) return false;
  // The first bad record ends it, and so does the batch that holds it.
  for (const auto& [at, size] : segment.raw.top_level) {
    if (segment.touched(at, at + size)) return r.at >= at;
  }
  return false;
}

/// A damaged key of the same length.
void Bounds::note_phantom(const Placed& segment, const RawRecord& r) {
  const uint64_t at = r.at + kHeadSize;
  if (segment.after.size() < at + r.key.size()) return;
  phantoms_.insert(segment.after.substr(at, r.key.size()));
}

std::vector<std::string> Bounds::keys() const {
  std::vector<std::string> out;
  for (const auto& [key, items] : items_) out.push_back(key);
  return out;
}

/// Whether the byte `in_record` of the record's value cannot be read any more. All bytes up to
/// `block_end` share its fate.
bool Bounds::part_touched(const Item& item, uint64_t in_record, uint64_t& block_end) {
  const RawRecord& r = *item.record;
  const uint64_t size = r.value.size(), values = r.at + r.size - size;
  if (size <= kShort) {
    block_end = size;
    return item.segment->touched(r.at, r.at + r.size);
  }
  const uint64_t block = in_record / kBlock;
  block_end = std::min(size, (block + 1) * kBlock);
  return item.segment->touched(r.at, values) ||
         item.segment->touched(values + block * kBlock, values + block_end);
}

std::optional<Bounds::Value> Bounds::value(const std::string& key, const Dropped& dropped) const {
  const auto found = items_.find(key);
  if (found == items_.end()) return std::nullopt;
  uint64_t tombstone = 0, generation = 0;
  const auto counts = [&](const Item& item) { return !dropped.contains(item.record); };
  for (const auto& item : found->second) {
    if (counts(item) && item.record->kind == Kind::kErase) {
      tombstone = std::max(tombstone, item.record->timestamp);
    }
  }
  for (const auto& item : found->second) {
    if (!counts(item) || item.record->kind == Kind::kErase) continue;
    if (item.record->generation > tombstone) {
      generation = std::max(generation, item.record->generation);
    }
  }
  if (generation == 0) return std::nullopt;
  Value out;
  std::vector<char> touched;         // by byte
  std::vector<uint64_t> timestamps;  // of the record that holds the byte
  const auto resize = [&](uint64_t size) {
    out.bytes.resize(size, '\0');
    touched.resize(size, 0);
    timestamps.resize(size, 0);
  };
  for (const auto& item : found->second) {
    const RawRecord& r = *item.record;
    if (!counts(item) || r.kind == Kind::kErase || r.generation != generation) continue;
    const uint64_t begin = r.kind == Kind::kPiece ? r.offset : 0;
    if (r.kind == Kind::kTruncate) resize(r.offset);
    if (r.kind == Kind::kPunch) {
      for (uint64_t i = r.offset; i < out.bytes.size() && i - r.offset < r.length; ++i) {
        out.bytes[i] = 0;
        touched[i] = 0;
        timestamps[i] = 0;
      }
    }
    if (r.kind != Kind::kPut && r.kind != Kind::kPiece) continue;
    resize(r.kind == Kind::kPut ? r.value.size()
                                : std::max<uint64_t>(out.bytes.size(), begin + r.value.size()));
    uint64_t block_end = 0;
    bool bad = false;
    for (uint64_t i = 0; i < r.value.size(); ++i) {
      if (i == block_end) bad = part_touched(item, i, block_end);
      // Of two copies, as a consolidation makes them, either may be the one that is read.
      const bool copy = timestamps[begin + i] == r.timestamp;
      touched[begin + i] = char(bad || (copy && touched[begin + i] != 0));
      timestamps[begin + i] = r.timestamp;
      out.bytes[begin + i] = r.value[i];
    }
  }
  for (uint64_t i = 0; i < touched.size(); ++i) {
    const bool joins = i > 0 && touched[i] == touched[i - 1] && timestamps[i] == timestamps[i - 1];
    if (!joins) out.parts.push_back({i, i, touched[i] != 0});
    out.parts.back().end = i + 1;
    out.touched |= touched[i] != 0;
  }
  return out;
}

bool Bounds::may_be(const std::string& key, const std::optional<std::string>& shown) const {
  const auto found = unknown_.find(key);
  const std::vector<const RawRecord*> none;
  const auto& unknown = found == unknown_.end() ? none : found->second;
  if (unknown.size() > kMaxUnknown) return true;
  for (uint64_t subset = 0; subset < uint64_t{1} << unknown.size(); ++subset) {
    Dropped dropped;
    for (size_t i = 0; i < unknown.size(); ++i) {
      if ((subset >> i & 1) != 0) dropped.insert(unknown[i]);
    }
    const auto possible = value(key, dropped);
    if (possible.has_value() == shown.has_value() && (!shown || possible->bytes == *shown)) {
      return true;
    }
  }
  return false;
}

std::vector<Bounds::Hit> Bounds::hits() const {
  std::vector<Hit> out;
  for (const auto& segment : segments_) {
    if (!segment.name && !segment.hint) continue;  // nobody knows of it
    const auto name = segment.name.value_or(segment.raw.id);
    for (const auto& r : segment.raw.records) {
      // Without its length nobody knows that something was behind the end.
      const bool known = manifest_ || segment.hint || r.at + r.size <= segment.after.size();
      if (known && segment.touched(r.at, r.at + r.size)) out.push_back({name, r.at, r.size, r.key});
    }
  }
  return out;
}

bool Bounds::is_hit(uint64_t file, uint64_t offset, uint64_t length) const {
  bool was_there = false;
  for (const auto& segment : segments_) {
    was_there |= segment.raw.id == file;
    if (segment.name.value_or(segment.raw.id) != file) continue;
    if (!segment.name) return true;
    const uint64_t end = std::min<uint64_t>(offset + length, segment.before.size());
    if (offset < end && segment.touched(offset, end)) return true;
    if (segment.after.size() < segment.before.size() && offset + length >= segment.after.size()) {
      return true;
    }
    // Without a manifest, what is behind the seal counts.
    if (segment.after.size() > segment.before.size() && offset + length >= segment.before.size()) {
      return true;
    }
    // A seal that cannot be read is named as an end without length.
    const auto [seal, size] = segment.raw.top_level.back();
    if (offset > seal && segment.touched(seal, seal + size)) return true;
    for (const auto& [at, bytes] : segment.raw.top_level) {
      if (at == offset && segment.touched(at, at + bytes)) return true;
    }
  }
  return !was_there;
}

}  // namespace memoria::test
