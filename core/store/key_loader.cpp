// SPDX-License-Identifier: MIT
#include "core/store/key_loader.hpp"

#include <algorithm>
#include <tuple>

#include "core/store/entries.hpp"
#include "core/store/key_shard.hpp"

namespace memoria {
namespace {

bool is_base(const Record& r) {
  return begins_a_value(r) || r.kind == Kind::kErase;
}

/// Whether `r` rather than `base` says what the key's state begins with.
bool is_newer_base(const Record& r, const Record& base) {
  if (r.timestamp != base.timestamp) return r.timestamp > base.timestamp;
  // The same record twice, as a crash in a merge leaves it: the one that says more.
  return base.kind == Kind::kPiece && base.value_size < r.value_size;
}

}  // namespace

KeyDirectory::Loader::Loader(KeyDirectory& directory)
    : directory_(directory), simple_bytes_(kShards) {
  trees_.reserve(kShards);
  for (size_t i = 0; i < kShards; ++i) trees_.emplace_back(directory.arena_);
}

void KeyDirectory::Loader::count(const LoadedRecord& loaded, size_t key_size) {
  const Record& r = loaded.entry.record;
  const uint64_t bytes = record_size(r.kind, key_size, r.value_size);
  if (loaded.slot >= counts_.size()) counts_.resize(loaded.slot + 1);
  auto& counts = counts_[loaded.slot];
  counts.total_bytes += bytes;
  ++counts.total_records;
  if (is_eraser(r.kind)) {
    counts.eraser_bytes += bytes;
    ++counts.eraser_records;
  }
}

void KeyDirectory::Loader::add(std::string_view key, std::span<const LoadedRecord> records) {
  const LoadedRecord* base = nullptr;
  changes_.clear();
  for (const auto& loaded : records) {
    const Record& r = loaded.entry.record;
    count(loaded, key.size());
    if (!is_base(r)) {
      changes_.push_back(&loaded);
    } else if (base == nullptr || is_newer_base(r, base->entry.record)) {
      base = &loaded;
    }
  }
  // A base's timestamp is its generation or, for a tombstone, the end of all older ones.
  const uint64_t floor = base != nullptr ? base->entry.record.timestamp : 0;
  const bool erased = base != nullptr && base->entry.record.kind == Kind::kErase;
  uint64_t generation = 0, first_unknown = 0;
  for (const auto* change : changes_) {
    const Record& r = change->entry.record;
    if (r.generation == kUnknownGeneration) {
      const bool is_first = first_unknown == 0 || r.timestamp < first_unknown;
      if (r.timestamp > floor && is_first) first_unknown = r.timestamp;
    } else if (r.generation >= floor) {
      generation = std::max(generation, r.generation);
    }
  }
  // A damaged piece is one of the value that there was: it takes away what it held, and no more.
  if (generation == 0 && first_unknown != 0) {
    generation = base != nullptr && !erased ? floor : first_unknown;
  }
  if (generation == 0 || (erased && generation == floor)) {
    if (base != nullptr && !erased) set_simple(key, *base);
    return;
  }
  std::erase_if(changes_, [=](const LoadedRecord* change) {
    const Record& r = change->entry.record;
    const bool is_unknown = r.generation == kUnknownGeneration;
    return is_unknown ? r.timestamp < generation : r.generation != generation;
  });
  set_patched(key, generation == floor ? base : nullptr, changes_, generation);
}

void KeyDirectory::Loader::set_simple(std::string_view key, const LoadedRecord& base) {
  const Record& r = base.entry.record;
  KeyPayload p;
  p.kind = r.kind;
  p.location = base.location();
  p.value_size = r.value_size;
  p.timestamp = r.timestamp;
  p.is_inline = base.entry.is_inline;
  p.value = base.entry.value;
  auto& counts = counts_[base.slot];
  counts.live_bytes += record_size(r.kind, key.size(), r.value_size);
  ++counts.live_records;
  const auto [shard, fingerprint] = directory_.bucket(key);
  simple_bytes_[shard] += r.value_size;
  char raw[256];
  trees_[shard].push_back(key, fingerprint, p.encode(raw));
}

/// `changes` and `base`, if any, are all of one generation.
void KeyDirectory::Loader::set_patched(std::string_view key, const LoadedRecord* base,
                                       std::vector<const LoadedRecord*>& changes,
                                       uint64_t generation) {
  // Of two pieces with one timestamp the larger is a consolidation that holds the other's bytes,
  // too: applied later it makes the smaller one dead, as it did when it was written.
  const auto order = [](const LoadedRecord* loaded) {
    const Record& r = loaded->entry.record;
    return std::tuple(r.timestamp, r.kind, r.value_size);
  };
  std::sort(changes.begin(), changes.end(),
            [&](const auto* a, const auto* b) { return order(a) < order(b); });
  PatchedValue value(directory_.segments_, key.size(), generation);
  if (base != nullptr) {
    const Record& r = base->entry.record;
    value.write(0, {base->location(), r.value_size, 0, r.value_size, r.kind}, r.timestamp);
  }
  for (const auto* change : changes) {
    const Record& r = change->entry.record;
    switch (r.kind) {
      case Kind::kPiece:
        value.write(r.offset, {change->location(), r.value_size, 0, r.value_size, Kind::kPiece},
                    r.timestamp);
        break;
      case Kind::kTruncate:
        value.truncate(r.offset, change->location(), r.timestamp);
        break;
      case Kind::kPunch:
        value.punch(r.offset, r.length, r.timestamp);
        break;
      default:
        break;
    }
  }
  const auto [number, fingerprint] = directory_.bucket(key);
  KeyPayload p;
  {
    Shard& shard = *directory_.shards_[number];
    WriteLock lock(shard.mutex);
    p = shard.keep(std::move(value));
  }
  char raw[256];
  trees_[number].push_back(key, fingerprint, p.encode(raw));
}

void KeyDirectory::Loader::join() && {
  for (size_t i = 0; i < kShards; ++i) {
    Shard& shard = *directory_.shards_[i];
    WriteLock lock(shard.mutex);
    shard.tree.append(std::move(trees_[i]));
    shard.simple_bytes += simple_bytes_[i];
  }
  for (Slot slot = 0; slot < counts_.size(); ++slot) {
    const auto& counts = counts_[slot];
    if (counts.total_records == 0) continue;
    directory_.segments_.add_total(slot, counts.total_bytes, counts.total_records);
    directory_.segments_.add_live(slot, counts.live_bytes, counts.live_records);
    directory_.segments_.add_eraser(slot, counts.eraser_bytes, counts.eraser_records);
  }
}

}  // namespace memoria
