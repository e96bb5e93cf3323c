// SPDX-License-Identifier: MIT
#include "core/store/key_leaf.hpp"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>
#include <new>
#include <numeric>
#include <utility>

#include "core/base/coding.hpp"
#include "core/base/key_order.hpp"

namespace memoria {
namespace {

// An entry: key length (varint), payload length (1 byte), key, payload.
struct EntryView {
  std::string_view key, payload;
};

EntryView parse(const char* p) {
  size_t key_size = uint8_t(*p++);
  if (key_size >= 0x80) {  // a second and third byte: keys are at most 65,535 bytes
    key_size = (key_size & 0x7f) | size_t(uint8_t(*p & 0x7f)) << 7;
    if (uint8_t(*p++) >= 0x80) key_size |= size_t(uint8_t(*p++)) << 14;
  }
  const size_t payload_size = uint8_t(*p++);
  return {{p, key_size}, {p + key_size, payload_size}};
}

constexpr size_t round_up(size_t n, size_t unit) {
  return (n + unit - 1) / unit * unit;
}

}  // namespace

size_t KeyLeaf::entry_bytes(size_t key_size, size_t payload_size) {
  const size_t head = key_size < 0x80 ? 2 : key_size < 0x4000 ? 3 : 4;
  return round_up(head + key_size + payload_size, kUnit);
}

std::string_view KeyLeaf::key_at(Place place) const {
  return parse(entry_at(place)).key;
}
std::string_view KeyLeaf::key(size_t index) const {
  return key_at(places_[index]);
}
std::string_view KeyLeaf::payload(size_t index) const {
  return parse(entry(index)).payload;
}

KeyLeaf::Fingerprint KeyLeaf::fingerprint(size_t index) const {
  return Fingerprint(fingerprints_[index] | (places_[index] & ~kWhere) >> 4);
}

int KeyLeaf::find(std::string_view key, Fingerprint fingerprint) const {
  constexpr size_t kCacheLine = 64;
  // Where a match leads is not known yet, and would be a cache miss after that of the fingerprints.
  const auto* const begin_of_places = reinterpret_cast<const char*>(places_.data());
  const auto* const end_of_cells = reinterpret_cast<const char*>(this + 1);
  for (const char* p = begin_of_places; p < end_of_cells; p += kCacheLine) __builtin_prefetch(p);
  const uint8_t* const begin = fingerprints_.data();
  const uint8_t* const end = begin + count_;
  const auto upper = Place(fingerprint << 4 & ~kWhere);
  for (const uint8_t* p = begin; p < end; ++p) {
    p = static_cast<const uint8_t*>(std::memchr(p, uint8_t(fingerprint), size_t(end - p)));
    if (p == nullptr) break;
    const Place place = places_[size_t(p - begin)];
    if ((place & ~kWhere) == upper && key_at(place) == key) return int(p - begin);
  }
  return kNone;
}

size_t KeyLeaf::lower_bound(std::string_view key) const {
  assert(sorted_);
  size_t low = 0, high = count_;
  while (low < high) {
    const size_t middle = (low + high) / 2;
    if (this->key(middle) < key) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

KeyLeaf::Pointer KeyLeaf::make(KeyArena& arena) {
  static_assert(sizeof(KeyLeaf) <= KeyArena::kCell);
  char* cell = nullptr;
  arena.take({&cell, 1});
  return Pointer(new (cell) KeyLeaf(arena));
}

KeyLeaf::~KeyLeaf() {
  give_back(cells_);
}

void KeyLeaf::Delete::operator()(KeyLeaf* leaf) const {
  KeyArena& arena = leaf->arena_;
  leaf->~KeyLeaf();
  arena.give_back(leaf);
}

void KeyLeaf::give_back(const Cells& cells) {
  for (size_t i = 0; i < cells.taken; ++i) {
    if ((cells.large >> i & 1) != 0) {
      ::operator delete(cells.begin[i]);
    } else {
      arena_.give_back(cells.begin[i]);
    }
  }
}

void KeyLeaf::reserve_like(const KeyLeaf& other) {
  if (other.cells_.count <= cells_.taken) return;
  arena_.take(std::span(cells_.begin).subspan(cells_.taken, other.cells_.count - cells_.taken));
  cells_.taken = other.cells_.count;
}

void KeyLeaf::shrink() {
  while (cells_.taken > cells_.count) arena_.give_back(cells_.begin[--cells_.taken]);
}

size_t KeyLeaf::memory() const {
  size_t bytes = KeyArena::kCell * (1 + cells_.taken);
  for (unsigned large = cells_.large; large != 0; large &= large - 1) {
    const auto view = parse(cells_.begin[size_t(std::countr_zero(large))]);
    bytes += entry_bytes(view.key.size(), view.payload.size()) - KeyArena::kCell;
  }
  return bytes;
}

bool KeyLeaf::make_room(size_t bytes, bool new_key) {
  if (new_key && count_ == kMaxKeys) return false;
  if (cells_.used + bytes <= KeyArena::kCell) return true;
  const bool full = cells_.count == kMaxCells;
  if (dead_ >= KeyArena::kCell && (full || dead_ > live_ / 8)) pack();
  return cells_.count < kMaxCells || cells_.used + bytes <= KeyArena::kCell;
}

/// Writes an entry behind the others.
KeyLeaf::Place KeyLeaf::put(std::string_view key, std::string_view payload) {
  const size_t size = entry_bytes(key.size(), payload.size());
  if (cells_.used + size > KeyArena::kCell) {
    assert(cells_.count < kMaxCells);
    if (size > KeyArena::kCell) {
      shrink();
      cells_.begin[cells_.count] = static_cast<char*>(::operator new(size));
      cells_.large = uint16_t(cells_.large | 1U << cells_.count);
      ++cells_.taken;
    } else if (cells_.taken == cells_.count) {
      arena_.take(std::span(cells_.begin).subspan(cells_.count, 1));
      ++cells_.taken;
    }
    ++cells_.count;
    cells_.used = 0;
  }
  const auto cell = size_t(cells_.count) - 1;
  const auto place = Place(cell << 8 | cells_.used / kUnit);
  char* p = cells_.begin[cell] + cells_.used;
  p += store_varint(p, key.size());
  *p++ = char(payload.size());
  p = std::copy(key.begin(), key.end(), p);
  std::copy(payload.begin(), payload.end(), p);
  cells_.used = uint16_t(std::min(cells_.used + size, KeyArena::kCell));
  live_ += uint32_t(size);
  return place;
}

/// Puts the leaf's entries, which lie in `from` and have `bytes`, into cells of its own. No more
/// are needed than are in `from`: cells that are filled one after the other are never more for some
/// of the entries than for all in the same order (Murgolo, "Anomalous behavior in bin packing
/// algorithms", 1988), and up to kSureBytes the order does not matter.
void KeyLeaf::pack(const Cells& from, size_t bytes) {
  std::array<uint8_t, kMaxKeys> order{};
  std::iota(order.begin(), order.begin() + count_, uint8_t{0});
  if (bytes > kSureBytes) {
    std::sort(order.begin(), order.begin() + count_, [this](uint8_t a, uint8_t b) {
      return (places_[a] & kWhere) < (places_[b] & kWhere);
    });
  }
  live_ = dead_ = 0;
  for (size_t i = 0; i < count_; ++i) {
    Place& place = places_[order[i]];
    const auto view = parse(from.at(place));
    place = Place((place & ~kWhere) | put(view.key, view.payload));
  }
}

/// Lets go of what is dead.
void KeyLeaf::pack() {
  const Cells before = std::exchange(cells_, Cells());
  pack(before, live_);
  give_back(before);
}

void KeyLeaf::add(std::string_view key, Fingerprint fingerprint, std::string_view payload) {
  assert(count_ < kMaxKeys && payload.size() <= kMaxPayload);
  sorted_ = sorted_ && (count_ == 0 || this->key(count_ - 1) < key);
  places_[count_] = Place((fingerprint << 4 & ~kWhere) | put(key, payload));
  fingerprints_[count_] = uint8_t(fingerprint);
  ++count_;
}

void KeyLeaf::replace(size_t index, std::string_view payload) {
  const auto view = parse(entry(index));
  if (view.payload.size() == payload.size()) {
    std::memcpy(const_cast<char*>(view.payload.data()), payload.data(), payload.size());
    return;
  }
  const auto before = uint32_t(entry_bytes(view.key.size(), view.payload.size()));
  places_[index] = Place((places_[index] & ~kWhere) | put(view.key, payload));
  live_ -= before;
  dead_ += before;
}

void KeyLeaf::erase(size_t index) {
  const auto view = parse(entry(index));
  const auto bytes = uint32_t(entry_bytes(view.key.size(), view.payload.size()));
  live_ -= bytes;
  dead_ += bytes;
  --count_;
  if (sorted_) {
    std::copy_n(fingerprints_.begin() + index + 1, count_ - index, fingerprints_.begin() + index);
    std::copy_n(places_.begin() + index + 1, count_ - index, places_.begin() + index);
  } else {
    fingerprints_[index] = fingerprints_[count_];
    places_[index] = places_[count_];
  }
  if (count_ == 0 || dead_ > kMaxCells * KeyArena::kCell) pack();
}

bool KeyLeaf::Order::operator()(const Item& a, const Item& b) const {
  if (a.head != b.head) return a.head < b.head;
  return leaf.key_at(a.place) < leaf.key_at(b.place);
}

KeyLeaf::Items KeyLeaf::items() const {
  Items items;
  if (count_ == 0) return items;
  const auto first = key(0);
  size_t common = first.size();
  for (size_t i = 1; i < count_; ++i) {
    const auto other = key(i);
    if (!other.starts_with(first.substr(0, common))) common = common_prefix(first, other);
  }
  for (size_t i = 0; i < count_; ++i) {
    items[i] = {head_behind(key(i), common), places_[i], fingerprints_[i]};
  }
  return items;
}

/// From now on there are these only.
void KeyLeaf::take(const Item* begin, const Item* end) {
  count_ = 0;
  for (const Item* item = begin; item < end; ++item, ++count_) {
    places_[count_] = item->place;
    fingerprints_[count_] = item->fingerprint;
  }
}

void KeyLeaf::sort() {
  if (sorted_) return;
  auto items = this->items();
  std::sort(items.begin(), items.begin() + count_, Order{*this});
  take(items.begin(), items.begin() + count_);
  sorted_ = true;
}

KeyLeaf::Pointer KeyLeaf::split() {
  assert(count_ > 0);
  auto items = this->items();
  const auto middle = items.begin() + count_ / 2;
  const auto end = items.begin() + count_;
  if (!sorted_) {
    std::nth_element(items.begin(), middle, end, Order{*this});
    if (middle != items.begin()) {
      std::iter_swap(std::max_element(items.begin(), middle, Order{*this}), middle - 1);
    }
  }
  size_t moved = 0;
  for (auto item = middle; item < end; ++item) {
    const auto view = parse(entry_at(item->place));
    moved += entry_bytes(view.key.size(), view.payload.size());
  }
  auto upper = make(arena_);
  upper->sorted_ = sorted_;
  upper->take(middle, end);
  upper->pack(cells_, moved);
  take(items.begin(), middle);
  live_ -= uint32_t(moved);
  pack();
  return upper;
}

void KeyLeaf::absorb(const KeyLeaf& next) {
  assert(count_ + next.count_ <= kMaxKeys && live_ + next.live_ <= kSureBytes);
  pack();
  for (size_t i = 0; i < next.count_; ++i) {
    add(next.key(i), next.fingerprint(i), next.payload(i));
  }
}

}  // namespace memoria
