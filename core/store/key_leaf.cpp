// SPDX-License-Identifier: MIT
#include "core/store/key_leaf.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "core/base/coding.hpp"

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

std::string_view KeyLeaf::key_at(uint16_t offset) const {
  return parse(entry_at(offset)).key;
}
std::string_view KeyLeaf::key(size_t index) const {
  return key_at(offsets_[index]);
}
std::string_view KeyLeaf::payload(size_t index) const {
  return parse(entry(index)).payload;
}

size_t common_prefix(std::string_view a, std::string_view b) {
  return size_t(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
}

uint64_t head_behind(std::string_view key, size_t skipped) {
  char raw[8] = {};
  if (key.size() > skipped) key.substr(skipped).copy(raw, sizeof raw);
  return load_be64(raw);
}

int KeyLeaf::find(std::string_view key, uint8_t fingerprint) const {
  constexpr size_t kCacheLine = 64;
  // The offset of a match is not known yet, and would be a cache miss after that of the
  // fingerprints.
  for (size_t i = 0; i < kMaxKeys; i += kCacheLine / sizeof offsets_[0]) {
    __builtin_prefetch(&offsets_[i]);
  }
  __builtin_prefetch(&buffer_);
  const uint8_t* const begin = fingerprints_.data();
  const uint8_t* const end = begin + count_;
  for (const uint8_t* p = begin; p < end; ++p) {
    p = static_cast<const uint8_t*>(std::memchr(p, fingerprint, size_t(end - p)));
    if (p == nullptr) break;
    if (this->key(size_t(p - begin)) == key) return int(p - begin);
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

/// Copies live entries to a buffer of `capacity` bytes.
void KeyLeaf::rebuild(size_t capacity) {
  const auto old = std::move(buffer_);
  buffer_ = std::make_unique_for_overwrite<char[]>(capacity);
  capacity_ = uint32_t(capacity);
  if (used_ == live_) {
    std::copy_n(old.get(), used_, buffer_.get());
    return;
  }
  uint32_t used = 0;
  for (size_t i = 0; i < count_; ++i) {
    const char* from = old.get() + size_t(offsets_[i]) * kUnit;
    const auto view = parse(from);
    const auto size = size_t(view.payload.data() + view.payload.size() - from);
    std::memcpy(buffer_.get() + used, from, size);
    offsets_[i] = uint16_t(used / kUnit);
    used += uint32_t(round_up(size, kUnit));
  }
  used_ = live_ = used;
}

void KeyLeaf::reserve(size_t bytes) {
  if (bytes > capacity_) rebuild(round_up(bytes, 64));
}

void KeyLeaf::shrink() {
  if (capacity_ - live_ > live_ / 8) rebuild(round_up(live_, 64));
}

/// Appends an entry; returns its offset in units.
uint16_t KeyLeaf::place(std::string_view key, std::string_view payload) {
  const size_t size = entry_bytes(key.size(), payload.size());
  if (used_ + size > capacity_) {
    // An eighth in reserve: growing costs a copy, and room that stays empty costs memory.
    rebuild(round_up(live_ + size + live_ / 8, 64));
  }
  const auto offset = uint16_t(used_ / kUnit);
  char* p = buffer_.get() + used_;
  p += store_varint(p, key.size());
  *p++ = char(payload.size());
  std::memcpy(p, key.data(), key.size());
  std::memcpy(p + key.size(), payload.data(), payload.size());
  used_ += uint32_t(size);
  live_ += uint32_t(size);
  return offset;
}

void KeyLeaf::add(std::string_view key, uint8_t fingerprint, std::string_view payload) {
  assert(count_ < kMaxKeys && payload.size() <= kMaxPayload);
  sorted_ = sorted_ && (count_ == 0 || this->key(count_ - 1) < key);
  offsets_[count_] = place(key, payload);
  fingerprints_[count_] = fingerprint;
  ++count_;
}

void KeyLeaf::replace(size_t index, std::string_view payload) {
  const auto view = parse(entry(index));
  if (view.payload.size() == payload.size()) {
    std::memcpy(const_cast<char*>(view.payload.data()), payload.data(), payload.size());
    return;
  }
  const size_t before = entry_bytes(view.key.size(), view.payload.size());
  const std::string key(view.key);  // placing may move the buffer
  offsets_[index] = place(key, payload);
  live_ -= uint32_t(before);
}

void KeyLeaf::erase(size_t index) {
  const auto view = parse(entry(index));
  live_ -= uint32_t(entry_bytes(view.key.size(), view.payload.size()));
  --count_;
  if (sorted_) {
    std::copy_n(fingerprints_.begin() + index + 1, count_ - index, fingerprints_.begin() + index);
    std::copy_n(offsets_.begin() + index + 1, count_ - index, offsets_.begin() + index);
  } else {
    fingerprints_[index] = fingerprints_[count_];
    offsets_[index] = offsets_[count_];
  }
}

bool KeyLeaf::Order::operator()(const Item& a, const Item& b) const {
  if (a.head != b.head) return a.head < b.head;
  return leaf.key_at(a.offset) < leaf.key_at(b.offset);
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
    items[i] = {head_behind(key(i), common), offsets_[i], fingerprints_[i]};
  }
  return items;
}

/// The first `count` of the items are all there is.
void KeyLeaf::take(const Items& items, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    offsets_[i] = items[i].offset;
    fingerprints_[i] = items[i].fingerprint;
  }
  count_ = uint16_t(count);
}

void KeyLeaf::sort() {
  if (sorted_) return;
  auto items = this->items();
  std::sort(items.begin(), items.begin() + count_, Order{*this});
  take(items, count_);
  sorted_ = true;
}

std::unique_ptr<KeyLeaf> KeyLeaf::split() {
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
    const auto view = parse(entry_at(item->offset));
    moved += entry_bytes(view.key.size(), view.payload.size());
  }
  auto upper = std::make_unique<KeyLeaf>();
  upper->rebuild(round_up(moved + moved / 8, 64));
  for (auto item = middle; item < end; ++item) {
    const auto view = parse(entry_at(item->offset));
    upper->add(view.key, item->fingerprint, view.payload);
  }
  take(items, count_ / 2);
  live_ -= uint32_t(moved);
  rebuild(round_up(live_ + live_ / 8, 64));
  return upper;
}

void KeyLeaf::absorb(const KeyLeaf& next) {
  for (size_t i = 0; i < next.count_; ++i) {
    add(next.key(i), next.fingerprints_[i], next.payload(i));
  }
}

}  // namespace memoria
