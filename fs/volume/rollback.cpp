// SPDX-License-Identifier: MIT
#include "fs/volume/rollback.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "fs/volume/keys.hpp"
#include "fs/volume/superblock.hpp"

namespace memoria {
namespace {

/// Nothing when the store holds no volume.
Result<std::optional<Superblock>> load(const Store& store) {
  const Key key(Table::kSuperblock);
  if (!store.contains(key)) return std::optional<Superblock>();
  MEMORIA_TRY(const auto bytes, store.get(key));
  MEMORIA_TRY(const auto superblock, decode_superblock(bytes));
  return std::optional(superblock);
}

/// Goes on with the numbers of `before` where they are the larger ones.
Status skip_numbers(Store& store, const Superblock& before) {
  MEMORIA_TRY(auto now, load(store));
  if (!now) return ok();
  now->next_inode = std::max(now->next_inode, before.next_inode);
  now->next_cookie = std::max(now->next_cookie, before.next_cookie);
  Batch batch;
  const auto bytes = encode(*now);
  batch.put(Key(Table::kSuperblock), bytes);
  batch.use_reserve();  // a full disk is a reason to go back
  MEMORIA_TRY(store.apply(batch));
  return store.sync();
}

/// What went wrong when nothing takes the rollback back any more.
Error decided(Error why, std::string_view snapshot) {
  why.message = fmt::format(
      "{}; the rollback to \"{}\" is decided and is finished when the store is "
      "opened the next time",
      why.describe(), snapshot);
  return why;
}

}  // namespace

Status roll_back(const OpenStore& open, std::string_view snapshot,
                 const std::optional<std::string>& keep) {
  MEMORIA_TRY(auto store, open());
  // It is there and can be opened: more than that its files are there.
  MEMORIA_TRY(store->open_snapshot(snapshot));
  MEMORIA_TRY(const auto before, load(*store));
  if (keep) MEMORIA_TRY(store->create_snapshot(*keep));
  MEMORIA_TRY(store->close_and_roll_back(snapshot));
  store.reset();
  auto opened = open();
  if (!opened.has_value()) return decided(std::move(opened).error(), snapshot);
  store = std::move(opened).value();
  if (before) {
    auto skipped = skip_numbers(*store, *before);
    if (!skipped.has_value()) return decided(std::move(skipped).error(), snapshot);
  }
  return store->close();
}

}  // namespace memoria
