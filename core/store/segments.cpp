// SPDX-License-Identifier: MIT
#include "core/store/segments.hpp"

#include <algorithm>
#include <cassert>

namespace memoria {

/// Each place keeps its segment for ever, for counting and for whoever found it; remove() hides it.
struct Segments::Chunk {
  std::array<std::shared_ptr<Segment>, kChunk> segments;
  std::array<std::atomic<bool>, kChunk> present{};
};

uint64_t Segment::dead_bytes() const {
  const uint64_t kept = counts.live_bytes + counts.eraser_bytes;
  return counts.total_bytes - std::min<uint64_t>(kept, counts.total_bytes);
}

SegmentStats Segment::stats() const {
  SegmentStats s;
  s.id = id();
  s.file_bytes = file_bytes;
  s.live_bytes = counts.live_bytes;
  s.live_records = counts.live_records;
  s.eraser_bytes = counts.eraser_bytes;
  s.eraser_records = counts.eraser_records;
  s.dead_bytes = dead_bytes();
  s.dead_records = counts.total_records - counts.live_records - counts.eraser_records;
  s.sealed = sealed;
  s.has_hint = has_hint;
  s.from_merge = header.origin == Origin::kMerge;
  s.merging = merging;
  s.damaged = damaged;
  s.missing = missing;
  s.lacked_hint = lacked_hint;
  s.had_bad_hint = had_bad_hint;
  return s;
}

Segments::Segments() : table_(std::make_unique<std::array<std::atomic<Chunk*>, kChunks>>()) {}

Segments::~Segments() {
  for (auto& chunk : *table_) delete chunk.load();
}

std::shared_ptr<Segment> Segments::add(const SegmentHeader& header, uint64_t name_id,
                                       bool established) {
  Lock lock(mutex_);
  const Slot slot = next_++;
  assert(slot / kChunk < kChunks);
  auto& chunk = (*table_)[slot / kChunk];
  if (chunk.load() == nullptr) chunk.store(new Chunk);
  auto segment = std::make_shared<Segment>();
  segment->header = header;
  segment->name_id = name_id;
  segment->slot = slot;
  segment->established = established;
  chunk.load()->segments[slot % kChunk] = segment;
  chunk.load()->present[slot % kChunk].store(true, std::memory_order_release);
  return segment;
}

void Segments::remove(Slot slot) {
  (*table_)[slot / kChunk].load()->present[slot % kChunk].store(false, std::memory_order_release);
}

const std::shared_ptr<Segment>& Segments::place(Slot slot) const {
  return (*table_)[slot / kChunk].load(std::memory_order_acquire)->segments[slot % kChunk];
}

Segment& Segments::raw(Slot slot) const {
  return *place(slot);
}

Segment* Segments::find(Slot slot) const {
  const Chunk* chunk = (*table_)[slot / kChunk].load(std::memory_order_acquire);
  if (chunk == nullptr || !chunk->present[slot % kChunk].load(std::memory_order_acquire)) {
    return nullptr;
  }
  return chunk->segments[slot % kChunk].get();
}

std::vector<std::shared_ptr<Segment>> Segments::sealed() const {
  auto out = all();
  std::reverse(out.begin(), out.end());
  std::erase_if(out, [](const auto& segment) { return !segment->sealed; });
  std::reverse(out.begin(), out.end());
  return out;
}

std::vector<std::shared_ptr<Segment>> Segments::all() const {
  Slot end = 0;
  {
    Lock lock(mutex_);
    end = next_;
  }
  std::vector<std::shared_ptr<Segment>> out;
  for (Slot slot = 0; slot < end; ++slot) {
    if (find(slot) != nullptr) out.push_back(place(slot));
  }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a->id() < b->id(); });
  return out;
}

void Segments::add_total(Slot slot, uint64_t bytes, uint64_t records) {
  auto& counts = raw(slot).counts;
  counts.total_bytes.fetch_add(bytes, std::memory_order_relaxed);
  counts.total_records.fetch_add(records, std::memory_order_relaxed);
}

void Segments::add_eraser(Slot slot, uint64_t bytes, uint64_t records) {
  auto& counts = raw(slot).counts;
  counts.eraser_bytes.fetch_add(bytes, std::memory_order_relaxed);
  counts.eraser_records.fetch_add(records, std::memory_order_relaxed);
}

void Segments::add_live(Slot slot, uint64_t bytes, uint64_t records) {
  auto& counts = raw(slot).counts;
  counts.live_bytes.fetch_add(bytes, std::memory_order_relaxed);
  counts.live_records.fetch_add(records, std::memory_order_relaxed);
}

void Segments::remove_live(Slot slot, uint64_t bytes, uint64_t records) {
  auto& counts = raw(slot).counts;
  counts.live_bytes.fetch_sub(bytes, std::memory_order_relaxed);
  counts.live_records.fetch_sub(records, std::memory_order_relaxed);
}

void Segments::forget_counts() {
  for (const auto& segment : all()) {
    auto& counts = segment->counts;
    for (auto* count : {&counts.total_bytes, &counts.total_records, &counts.live_bytes,
                        &counts.live_records, &counts.eraser_bytes, &counts.eraser_records}) {
      count->store(0, std::memory_order_relaxed);
    }
  }
}

}  // namespace memoria
