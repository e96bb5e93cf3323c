// SPDX-License-Identifier: MIT
// One shard of the key directory: keys in order, two levels deep.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/store/key_leaf.hpp"

namespace memoria {

/// A B+-tree of two levels: a sorted array of separators, and leaves. Splitting a leaf shifts the
/// array, which at a hundred keys a leaf costs less than a tree's further cache misses would on
/// every lookup (a shard of a million keys has some ten thousand leaves). Measured against
/// absl::btree_map and absl::flat_hash_map by `key_directory_bench`. Not thread-safe.
class KeyTree {
 public:
  /// With its leaves in `arena`, which must outlive it.
  explicit KeyTree(KeyArena& arena);

  size_t size() const { return size_; }
  size_t memory() const;

  /// Where a key is or would be. Valid until the next change.
  struct Position {
    size_t leaf = 0;
    int index = KeyLeaf::kNone;
  };
  Position find(std::string_view key, KeyLeaf::Fingerprint fingerprint) const;
  /// What is there, or a null view.
  std::string_view payload(Position at) const {
    return at.index == KeyLeaf::kNone ? std::string_view()
                                      : leaves_[at.leaf]->payload(size_t(at.index));
  }
  /// Inserts or replaces at the position of `key`.
  void set(Position at, std::string_view key, KeyLeaf::Fingerprint fingerprint,
           std::string_view payload);
  void set(std::string_view key, KeyLeaf::Fingerprint fingerprint, std::string_view payload) {
    set(find(key, fingerprint), key, fingerprint, payload);
  }
  /// Adds a key that is above all others. Leaves keep some room for keys to come.
  void push_back(std::string_view key, KeyLeaf::Fingerprint fingerprint, std::string_view payload);
  /// Takes all keys of `above`, which are above its own and in the same arena; that tree is spent.
  void append(KeyTree&& above);
  /// False when it was not there.
  bool erase(std::string_view key, KeyLeaf::Fingerprint fingerprint);

  /// Calls visit(key, payload) for keys >= `from` (or > with `exclusive`) in order until it returns
  /// false. False when it met keys that are not in order yet: sort() from the last key visited on,
  /// or from `from`.
  template <class Visit>
  [[nodiscard]] bool scan(std::string_view from, bool exclusive, Visit&& visit) const {
    for (size_t l = leaf_of(from), first = true; l < leaves_.size(); ++l, first = false) {
      const KeyLeaf& leaf = *leaves_[l];
      if (!leaf.sorted()) return false;
      for (size_t i = first ? leaf.lower_bound(from) : 0; i < leaf.size(); ++i) {
        if (exclusive && leaf.key(i) == from) continue;
        if (!visit(leaf.key(i), leaf.payload(i))) return true;
      }
    }
    return true;
  }
  /// Puts `from` and at least `count` keys behind it in order, for scan().
  void sort(std::string_view from, size_t count);
  /// Calls visit(key, payload) for the keys of the leaf where `from` is or would be, in no order.
  /// Returns the least key that can be in the next leaf; nothing: there is none. So all keys can be
  /// visited with changes in between, and some then come twice.
  template <class Visit>
  std::optional<std::string> visit_leaf(std::string_view from, Visit&& visit) const {
    const size_t l = leaf_of(from);
    const KeyLeaf& leaf = *leaves_[l];
    for (size_t i = 0; i < leaf.size(); ++i) visit(leaf.key(i), leaf.payload(i));
    if (l + 1 == leaves_.size()) return std::nullopt;
    return separators_[l + 1];
  }
  /// Calls visit(key, payload) for all keys, in no order.
  template <class Visit>
  void visit_all(Visit&& visit) const {
    for (const auto& leaf : leaves_) {
      for (size_t i = 0; i < leaf->size(); ++i) visit(leaf->key(i), leaf->payload(i));
    }
  }

 private:
  size_t leaf_of(std::string_view key) const;
  void insert_leaf(size_t index, std::string separator, KeyLeaf::Pointer leaf);
  void remove_leaf(size_t index);
  void split_leaf(size_t index, std::string_view key);
  void rebuild_heads();

  KeyArena* arena_;
  // leaves_[i] holds the keys from separators_[i] (the first: from the beginning) up to
  // separators_[i + 1]. heads_[i] is the 8 bytes of separators_[i] behind what all of them (but the
  // first, which is "") have in common, as a number: the binary search touches only these.
  std::vector<uint64_t> heads_;
  std::vector<KeyLeaf::Pointer> leaves_;
  std::vector<std::string> separators_;
  size_t common_ = 0;
  size_t size_ = 0;
};

}  // namespace memoria
