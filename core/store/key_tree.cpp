// SPDX-License-Identifier: MIT
#include "core/store/key_tree.hpp"

#include <algorithm>

#include "core/base/key_order.hpp"

namespace memoria {
namespace {

// How full push_back() leaves a leaf, so that the next key does not split it.
constexpr size_t kPushedKeys = KeyLeaf::kMaxKeys * 7 / 8;

/// The shortest string above `low` and not above `high`.
std::string separator(std::string_view low, std::string_view high) {
  return std::string(high.substr(0, common_prefix(low, high) + 1));
}

}  // namespace

KeyTree::KeyTree(KeyArena& arena) : arena_(&arena) {
  heads_.push_back(0);
  separators_.emplace_back();
  leaves_.push_back(KeyLeaf::make(*arena_));
}

/// The leaf that holds `key` if any does.
size_t KeyTree::leaf_of(std::string_view key) const {
  if (separators_.size() == 1) return 0;
  const auto common = std::string_view(separators_[1]).substr(0, common_);
  const auto begin_of_key = key.substr(0, common_);
  if (begin_of_key < common) return 0;
  if (begin_of_key > common) return leaves_.size() - 1;
  const uint64_t head = head_behind(key, common_);
  const auto [low, high] = std::equal_range(heads_.begin() + 1, heads_.end(), head);
  // Between `low` and `high` only the separators themselves can tell.
  auto from = separators_.begin() + (low - heads_.begin());
  const auto to = separators_.begin() + (high - heads_.begin());
  from = std::upper_bound(from, to, key,
                          [](std::string_view k, const std::string& s) { return k < s; });
  return size_t(from - separators_.begin()) - 1;
}

KeyTree::Position KeyTree::find(std::string_view key, KeyLeaf::Fingerprint fingerprint) const {
  const size_t leaf = leaf_of(key);
  return {leaf, leaves_[leaf]->find(key, fingerprint)};
}

void KeyTree::set(Position at, std::string_view key, KeyLeaf::Fingerprint fingerprint,
                  std::string_view payload) {
  const bool is_new = at.index == KeyLeaf::kNone;
  if (is_new || this->payload(at).size() != payload.size()) {
    const size_t bytes = KeyLeaf::entry_bytes(key.size(), payload.size());
    while (!leaves_[at.leaf]->make_room(bytes, is_new)) {
      split_leaf(at.leaf, key);
      at = find(key, fingerprint);
    }
  }
  if (!is_new) {
    leaves_[at.leaf]->replace(size_t(at.index), payload);
    return;
  }
  leaves_[at.leaf]->add(key, fingerprint, payload);
  ++size_;
}

void KeyTree::push_back(std::string_view key, KeyLeaf::Fingerprint fingerprint,
                        std::string_view payload) {
  KeyLeaf* last = leaves_.back().get();
  if (last->size() >= kPushedKeys ||
      !last->make_room(KeyLeaf::entry_bytes(key.size(), payload.size()), true)) {
    last->shrink();
    auto next = KeyLeaf::make(*arena_);
    next->reserve_like(*last);  // most are alike
    insert_leaf(leaves_.size(), separator(last->key(last->size() - 1), key), std::move(next));
    last = leaves_.back().get();
  }
  last->add(key, fingerprint, payload);
  ++size_;
}

void KeyTree::append(KeyTree&& above) {
  if (above.size_ == 0) return;
  above.leaves_.back()->shrink();  // nothing is pushed there any more
  if (size_ == 0) {
    *this = std::move(above);
    return;
  }
  const size_t leaves = leaves_.size() + above.leaves_.size();
  leaves_.reserve(leaves);
  heads_.reserve(leaves);
  separators_.reserve(leaves);
  for (size_t l = 0; l < above.leaves_.size(); ++l) {
    auto& leaf = above.leaves_[l];
    if (l == 0) {
      leaf->sort();
      leaves_.back()->sort();
      above.separators_[0] =
          separator(leaves_.back()->key(leaves_.back()->size() - 1), leaf->key(0));
    }
    insert_leaf(leaves_.size(), std::move(above.separators_[l]), std::move(leaf));
  }
  size_ += above.size_;
}

void KeyTree::sort(std::string_view from, size_t count) {
  const size_t first = leaf_of(from);
  leaves_[first]->sort();
  size_t sorted = leaves_[first]->size() - leaves_[first]->lower_bound(from);
  for (size_t l = first + 1; l < leaves_.size() && sorted < count; ++l) {
    leaves_[l]->sort();
    sorted += leaves_[l]->size();
  }
}

bool KeyTree::erase(std::string_view key, KeyLeaf::Fingerprint fingerprint) {
  const size_t at = leaf_of(key);
  KeyLeaf& leaf = *leaves_[at];
  const int index = leaf.find(key, fingerprint);
  if (index == KeyLeaf::kNone) return false;
  leaf.erase(size_t(index));
  --size_;
  if (leaf.empty() && leaves_.size() > 1) {
    remove_leaf(at);
  } else if (at + 1 < leaves_.size() && leaf.size() < KeyLeaf::kMaxKeys / 4 &&
             leaf.size() + leaves_[at + 1]->size() < KeyLeaf::kMaxKeys / 2 &&
             leaf.live_bytes() + leaves_[at + 1]->live_bytes() < KeyLeaf::kSureBytes * 3 / 4) {
    leaf.absorb(*leaves_[at + 1]);
    remove_leaf(at + 1);
  }
  return true;
}

/// Halves a leaf to make room for `key`. When that would be the last of all, and so keys probably
/// come in order, it begins a new leaf instead.
void KeyTree::split_leaf(size_t index, std::string_view key) {
  KeyLeaf& leaf = *leaves_[index];
  const bool is_last = index + 1 == leaves_.size();
  if (is_last && leaf.sorted() && leaf.key(leaf.size() - 1) < key) {
    insert_leaf(index + 1, separator(leaf.key(leaf.size() - 1), key), KeyLeaf::make(*arena_));
    return;
  }
  auto upper = leaf.split();
  auto between = separator(leaf.key(leaf.size() - 1), upper->key(0));
  insert_leaf(index + 1, std::move(between), std::move(upper));
}

void KeyTree::insert_leaf(size_t index, std::string separator, KeyLeaf::Pointer leaf) {
  const bool only = separators_.size() == 1;
  const size_t common =
      only ? separator.size() : common_prefix(separators_[1], separator.substr(0, common_));
  separators_.insert(separators_.begin() + long(index), std::move(separator));
  leaves_.insert(leaves_.begin() + long(index), std::move(leaf));
  heads_.insert(heads_.begin() + long(index), 0);
  if (common != common_ || only) {
    common_ = common;
    rebuild_heads();
  } else {
    heads_[index] = head_behind(separators_[index], common_);
  }
}

void KeyTree::remove_leaf(size_t index) {
  // The first separator stays "": whatever comes first takes keys from the beginning.
  const size_t separator = index == 0 ? 1 : index;
  leaves_.erase(leaves_.begin() + long(index));
  separators_.erase(separators_.begin() + long(separator));
  heads_.erase(heads_.begin() + long(separator));
}

void KeyTree::rebuild_heads() {
  for (size_t i = 1; i < separators_.size(); ++i) heads_[i] = head_behind(separators_[i], common_);
}

size_t KeyTree::memory() const {
  size_t bytes = sizeof *this + leaves_.capacity() * (sizeof(uint64_t) + sizeof(void*)) +
                 separators_.capacity() * sizeof(std::string);
  for (const auto& s : separators_) bytes += s.size() > 15 ? s.capacity() + 1 : 0;
  for (const auto& leaf : leaves_) bytes += leaf->memory();
  return bytes;
}

}  // namespace memoria
