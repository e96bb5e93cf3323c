// SPDX-License-Identifier: MIT
#include "core/store/key_directory.hpp"

#include <absl/hash/hash.h>

#include <algorithm>
#include <cassert>
#include <iterator>
#include <limits>

#include "core/store/key_shard.hpp"

namespace memoria {
namespace {

using Form = KeyPayload::Form;

// How many keys a scan takes from a shard under its lock.
constexpr size_t kScanChunk = 256;
// How many keys and pieces a walk takes from a shard under its lock, and then the rest of a leaf.
constexpr size_t kWalkChunk = 1000;

}  // namespace

KeyDirectory::KeyDirectory(Segments& segments, size_t prefix_bytes)
    : segments_(segments), prefix_bytes_(prefix_bytes) {
  for (size_t i = 0; i < kShards; ++i) {
    shards_.push_back(std::make_unique<Shard>(segments, arena_));
  }
}

KeyDirectory::~KeyDirectory() = default;

void KeyDirectory::clear() {
  for (auto& shard : shards_) shard = std::make_unique<Shard>(segments_, arena_);
}

size_t KeyDirectory::shard_of_prefix(std::string_view prefix) const {
  return absl::HashOf(prefix) % kShards;
}

KeyDirectory::Bucket KeyDirectory::bucket(std::string_view key) const {
  const size_t hash = absl::HashOf(key);
  const size_t shard =
      prefix_bytes_ == 0 ? hash % kShards : shard_of_prefix(key.substr(0, prefix_bytes_));
  return {shard, KeyLeaf::fingerprint_of(hash >> 24)};
}

KeyDirectory::Address KeyDirectory::address(std::string_view key) const {
  const auto [shard, fingerprint] = bucket(key);
  return {*shards_[shard], fingerprint};
}

KeyDirectory::State KeyDirectory::state(std::string_view key) const {
  const auto [shard, fingerprint] = address(key);
  ReadLock lock(shard.mutex);
  const auto p = shard.find(key, fingerprint);
  if (!p) return {};
  if (p->form == Form::kPatched) {
    const auto& value = *shard.patched[p->patched];
    return {true, value.size(), value.generation(), value.newest()};
  }
  return {true, p->value_size, p->timestamp, p->timestamp};
}

void KeyDirectory::install(const Entry& entry, Slot slot) {
  const auto [shard, fingerprint] = address(entry.record.key);
  WriteLock lock(shard.mutex);
  shard.install(entry, slot, fingerprint);
}

// What each get does. Two readers take a shard's lock in turns, but a lock that readers do not
// share would gain nothing: without any they got as much, 1.14 million values of 100 bytes a second
// instead of 1.15 (memoria-bench --groups get, medians of 3 in turns).
bool KeyDirectory::plan(std::string_view key, uint64_t offset, uint64_t length,
                        ReadPlan& out) const {
  out.parts.clear();
  out.is_inline = false;
  const auto [shard, fingerprint] = address(key);
  ReadLock lock(shard.mutex);
  const auto p = shard.find(key, fingerprint);
  if (!p) return false;
  if (p->form == Form::kPatched) {
    const auto& value = *shard.patched[p->patched];
    out.size = value.size();
    if (offset < out.size) value.collect(offset, std::min(length, out.size - offset), out.parts);
    return true;
  }
  out.size = p->value_size;
  out.is_inline = p->is_inline;
  if (p->is_inline) {
    out.value = p->value;
  } else if (offset < out.size && length > 0) {
    const auto part = uint32_t(std::min(length, out.size - offset));
    out.parts.push_back({offset, {p->location, part, uint32_t(offset), p->value_size, p->kind}});
  }
  return true;
}

std::optional<ValueInfo> KeyDirectory::info(std::string_view key) const {
  const auto [shard, fingerprint] = address(key);
  ReadLock lock(shard.mutex);
  const auto p = shard.find(key, fingerprint);
  if (!p) return std::nullopt;
  if (p->form == Form::kPatched) {
    const auto& value = *shard.patched[p->patched];
    return ValueInfo{value.size(), value.allocated(), value.newest()};
  }
  return ValueInfo{p->value_size, p->value_size, p->timestamp};
}

std::vector<PlacedPiece> KeyDirectory::records(std::string_view key) const {
  const auto [shard, fingerprint] = address(key);
  ReadLock lock(shard.mutex);
  const auto p = shard.find(key, fingerprint);
  if (!p || p->form != Form::kSimple) return {};
  return {{0, {p->location, p->value_size, 0, p->value_size, p->kind}}};
}

std::optional<uint64_t> KeyDirectory::seek_data(std::string_view key, uint64_t offset) const {
  const auto [shard, fingerprint] = address(key);
  ReadLock lock(shard.mutex);
  const auto p = shard.find(key, fingerprint);
  if (!p) return std::nullopt;
  if (p->form == Form::kPatched) return shard.patched[p->patched]->seek_data(offset);
  if (offset >= p->value_size) return std::nullopt;
  return offset;
}

std::optional<uint64_t> KeyDirectory::seek_hole(std::string_view key, uint64_t offset) const {
  const auto [shard, fingerprint] = address(key);
  ReadLock lock(shard.mutex);
  const auto p = shard.find(key, fingerprint);
  if (!p) return std::nullopt;
  if (p->form == Form::kPatched) {
    const auto& value = *shard.patched[p->patched];
    if (offset >= value.size()) return std::nullopt;
    return value.seek_hole(offset);
  }
  if (offset >= p->value_size) return std::nullopt;
  return p->value_size;
}

uint64_t KeyDirectory::count() const {
  uint64_t n = 0;
  for (const auto& shard : shards_) {
    ReadLock lock(shard->mutex);
    n += shard->tree.size();
  }
  return n;
}

std::vector<KeyDirectory::Item> KeyDirectory::next_keys(std::string_view prefix,
                                                        std::string_view after,
                                                        bool from_start) const {
  std::vector<Item> items;
  std::optional<std::string> bound;  // beyond it some shard has more that were not taken yet
  const bool beyond_prefix = !from_start && after >= prefix;
  const auto from = beyond_prefix ? after : prefix;
  const auto scan = [&](const Shard& shard) NO_THREAD_SAFETY_ANALYSIS {
    size_t taken = 0;
    return shard.tree.scan(
        from, beyond_prefix,
        [&](std::string_view key, std::string_view bytes) NO_THREAD_SAFETY_ANALYSIS {
          if (!key.starts_with(prefix)) return false;
          if (taken == kScanChunk) {
            const auto& last = items.back().key;
            if (!bound || last < *bound) bound = last;
            return false;
          }
          const auto p = KeyPayload::decode(bytes);
          Item item{std::string(key), p.value_size, p.timestamp, p.is_inline, std::string(p.value)};
          if (p.form == Form::kPatched) {
            item.size = shard.patched[p.patched]->size();
            item.timestamp = shard.patched[p.patched]->newest();
          }
          items.push_back(std::move(item));
          ++taken;
          return true;
        });
  };
  const auto take = [&](Shard& shard) {
    const size_t before = items.size();
    {
      ReadLock lock(shard.mutex);
      if (scan(shard)) return;
    }
    items.resize(before);
    WriteLock lock(shard.mutex);
    shard.tree.sort(from, kScanChunk + 2);  // with the one left out, and the one too many
    [[maybe_unused]] const bool in_order = scan(shard);
    assert(in_order);
  };
  if (prefix_bytes_ != 0 && prefix.size() >= prefix_bytes_) {
    take(*shards_[shard_of_prefix(prefix.substr(0, prefix_bytes_))]);
    return items;
  }
  for (const auto& shard : shards_) take(*shard);
  std::sort(items.begin(), items.end(), [](const Item& a, const Item& b) { return a.key < b.key; });
  if (bound) {
    const auto end = std::find_if(items.begin(), items.end(),
                                  [&](const Item& item) { return item.key > *bound; });
    items.erase(end, items.end());
  }
  return items;
}

KeyDirectory::Totals KeyDirectory::totals() const {
  Totals t;
  for (const auto& shard : shards_) {
    ReadLock lock(shard->mutex);
    t.keys += shard->tree.size();
    t.value_bytes += shard->simple_bytes;
    t.memory += shard->tree.memory() + shard->patched.capacity() * sizeof(void*);
    for (const auto& value : shard->patched) {
      if (!value) continue;
      t.value_bytes += value->allocated();
      t.memory += value->memory();
      t.pieces += value->piece_count();
      ++t.patched;
    }
  }
  return t;
}

LiveRecord KeyDirectory::live(const Record& record, Location location) const {
  LiveRecord out;
  const auto [shard, fingerprint] = address(record.key);
  ReadLock lock(shard.mutex);
  const auto p = shard.find(record.key, fingerprint);
  if (!p) return out;
  if (p->form == Form::kSimple) {
    out.whole = p->location == location;
    return out;
  }
  const auto& value = *shard.patched[p->patched];
  out.generation = value.generation();
  if (record.own_generation() == value.generation() && value.size_is_loose()) {
    out.loose_size = {value.size(), value.newest()};
  }
  if (record.kind == Kind::kTruncate) {
    out.whole = value.size_record() == location;
    return out;
  }
  const uint64_t begin = record.kind == Kind::kPiece ? record.offset : 0;
  value.collect(begin, record.value_size, out.fragments);
  std::erase_if(out.fragments,
                [&](const PlacedPiece& part) { return part.piece.location != location; });
  out.whole = out.fragments.size() == 1 && out.fragments[0].piece.length == record.value_size;
  return out;
}

void KeyDirectory::walk_on(Walk& walk, const std::vector<bool>& slots, LivePlaces& out) const {
  size_t seen = 0;
  const auto add = [&](Location location, uint32_t size, bool whole) {
    ++seen;
    if (location.slot < slots.size() && slots[location.slot]) {
      out.records.push_back({location, size, whole});
    }
  };
  const auto add_patched = [&](std::string_view key, const PatchedValue& value) {
    std::optional<Location> last;
    value.for_each_record([&](Location location, Kind kind, uint32_t value_size) {
      if (location == last) return;  // another piece of the same record
      last = location;
      add(location, uint32_t(record_size(kind, key.size(), value_size)), false);
    });
    if (value.size_is_loose()) out.loose.emplace_back(key, value.generation());
  };
  // Moving what was found so far takes milliseconds: not under the lock.
  const size_t room = out.records.size() + kWalkChunk + KeyLeaf::kMaxKeys;
  if (out.records.capacity() < room) out.records.reserve(std::max(room, 2 * out.records.size()));
  const Shard& shard = *shards_[walk.shard];
  ReadLock lock(shard.mutex);
  while (seen < kWalkChunk) {
    auto next = shard.tree.visit_leaf(
        walk.from, [&](std::string_view key, std::string_view bytes) NO_THREAD_SAFETY_ANALYSIS {
          const auto p = KeyPayload::decode(bytes);
          if (p.form == Form::kPatched) {
            add_patched(key, *shard.patched[p.patched]);
          } else {
            add(p.location, uint32_t(Shard::record_bytes(key, p)), true);
          }
        });
    if (!next) {
      walk.from.clear();
      walk.done = ++walk.shard == kShards;
      return;
    }
    walk.from = std::move(*next);
  }
}

void KeyDirectory::relocate(std::string_view key, uint64_t offset, uint64_t length, Location from,
                            const Piece& to) {
  const auto [shard, fingerprint] = address(key);
  WriteLock lock(shard.mutex);
  const auto position = shard.tree.find(key, fingerprint);
  const auto found = shard.tree.payload(position);
  if (found.data() == nullptr) return;
  auto p = KeyPayload::decode(found);
  if (p.form == Form::kPatched) {
    shard.patched[p.patched]->relocate(offset, length, from, to);
    return;
  }
  // Only a whole copy can stand for a simple value.
  if (p.location != from || offset != 0 || length != p.value_size) return;
  const uint64_t bytes = Shard::record_bytes(key, p);
  segments_.remove_live(from.slot, bytes, 1);
  segments_.add_live(to.location.slot, bytes, 1);
  p.location = to.location;
  char raw[256];
  shard.tree.set(position, key, fingerprint, p.encode(raw));
}

void KeyDirectory::relocate_size_record(std::string_view key, Location from, Location to) {
  const auto [shard, fingerprint] = address(key);
  WriteLock lock(shard.mutex);
  const auto p = shard.find(key, fingerprint);
  if (p && p->form == Form::kPatched) shard.patched[p->patched]->relocate_size_record(from, to);
}

void KeyDirectory::hold_size(std::string_view key, uint64_t generation, uint64_t timestamp,
                             Location record) {
  const auto [shard, fingerprint] = address(key);
  WriteLock lock(shard.mutex);
  const auto p = shard.find(key, fingerprint);
  if (!p || p->form != Form::kPatched) return;
  auto& value = *shard.patched[p->patched];
  if (value.generation() == generation) value.hold_size(record, timestamp);
}

std::optional<ConsolidationPlan> KeyDirectory::small_run(std::string_view key, uint64_t offset,
                                                         const RunLimits& limits) const {
  const auto [shard, fingerprint] = address(key);
  ReadLock lock(shard.mutex);
  const auto p = shard.find(key, fingerprint);
  if (!p || p->form != Form::kPatched) return std::nullopt;
  const auto& value = *shard.patched[p->patched];
  const auto found = value.small_run(offset, limits);
  if (!found) return std::nullopt;
  ConsolidationPlan plan{
      value.generation(), value.newest(), found->offset, found->piece.length, {}};
  value.collect(plan.offset, plan.length, plan.parts);
  return plan;
}

}  // namespace memoria
