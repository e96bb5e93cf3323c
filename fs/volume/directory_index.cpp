// SPDX-License-Identifier: MIT
#include "fs/volume/directory_index.hpp"

#include <absl/container/flat_hash_map.h>

#include <algorithm>

#include "core/base/crc32c.hpp"
#include "fs/volume/keys.hpp"

namespace memoria {
namespace {

/// The entry in one key of a scan. A damaged one is listed, too, as a name without an inode, behind
/// all others and at a place that depends on the name only; nothing when not even the name is
/// usable.
std::optional<Dentry> entry_of(const Store& store, const KeyInfo& info) {
  const auto name = name_in_key(info.key);
  if (!is_usable_name(name)) return std::nullopt;
  const Dentry lost{0, 0, kDamagedCookies + (uint64_t{crc32c(name)} << 20)};
  if (info.is_inline) {
    auto entry = decode_dentry(info.value);
    return entry.has_value() ? entry.value() : lost;
  }
  const auto value = store.get(info.key);
  if (!value.has_value()) {
    // Removed since: the change will be, or was, told.
    if (value.error().code == Errc::kNotFound) return std::nullopt;
    if (const auto& log = store.options().logger) {
      log(Severity::kError, "a directory lists a damaged entry: " + value.error().describe());
    }
    return lost;
  }
  auto entry = decode_dentry(value.value());
  return entry.has_value() ? entry.value() : lost;
}

}  // namespace

void DirectoryIndex::Listing::insert(size_t position, std::string_view name, const Dentry& entry) {
  slots.insert(slots.begin() + ptrdiff_t(position),
               {entry.cookie, entry.ino, names.size(), uint16_t(name.size()), entry.type});
  names += name;
  head = std::min(head, position);
}

void DirectoryIndex::Listing::remove(size_t position) {
  slots[position].name_size = 0;
  ++removed;
  while (head < slots.size() && slots[head].name_size == 0) ++head;
  if (removed <= 1024 || removed <= slots.size() / 2) return;
  Listing next;
  next.slots.reserve(slots.size() - removed);
  for (const Slot& s : slots) {
    if (s.name_size != 0) next.append(name(s), {s.ino, s.type, s.cookie});
  }
  *this = std::move(next);
}

size_t DirectoryIndex::Listing::find(uint64_t cookie) const {
  return size_t(std::lower_bound(slots.begin(), slots.end(), cookie,
                                 [](const Slot& s, uint64_t c) { return s.cookie < c; }) -
                slots.begin());
}

Status DirectoryIndex::build(const Store& store) {
  Lock building(build_mutex_);
  {
    Lock lock(mutex_);
    if (state_ == State::kReady) return ok();
    state_ = State::kBuilding;
    pending_.clear();
  }
  auto read = scan(store);
  Lock lock(mutex_);
  if (!read.has_value()) {
    reset();
    return read.error();
  }
  Listing& listing = read.value();
  apply(pending_, listing);
  pending_ = {};
  std::sort(listing.slots.begin(), listing.slots.end(),
            [](const Slot& a, const Slot& b) { return a.cookie < b.cookie; });
  // Damaged entries may have been given the same cookie.
  for (size_t i = 1; i < listing.slots.size(); ++i) {
    auto& slot = listing.slots[i];
    slot.cookie = std::max(slot.cookie, listing.slots[i - 1].cookie + 1);
  }
  listing_ = std::move(listing);
  bytes_ = listing_.bytes();
  state_ = State::kReady;
  return ok();
}

Result<DirectoryIndex::Listing> DirectoryIndex::scan(const Store& store) const {
  Listing out;
  MEMORIA_TRY(store.scan(Key(Table::kNames, directory_), {}, [&](const KeyInfo& info) {
    if (const auto entry = entry_of(store, info)) out.append(name_in_key(info.key), *entry);
    return true;
  }));
  return out;
}

/// The last change of a name is right, whatever the scan saw of it.
void DirectoryIndex::apply(const std::vector<Change>& changes, Listing& listing) {
  if (changes.empty()) return;
  absl::flat_hash_map<std::string_view, const std::optional<Dentry>*> last;
  for (const auto& [name, entry] : changes) last[name] = &entry;
  std::erase_if(listing.slots, [&](const Slot& s) { return last.contains(listing.name(s)); });
  for (const auto& [name, entry] : last) {
    if (entry->has_value()) listing.append(name, **entry);
  }
}

void DirectoryIndex::set(std::string_view name, const Dentry& entry) {
  Lock lock(mutex_);
  if (state_ == State::kEmpty) return;
  if (state_ == State::kBuilding) {
    pending_.emplace_back(name, entry);
    return;
  }
  const size_t at = listing_.find(entry.cookie);
  if (at == listing_.slots.size() || listing_.slots[at].cookie != entry.cookie) {
    listing_.insert(at, name, entry);  // at the end, nearly always
  } else if (Slot& slot = listing_.slots[at]; listing_.name(slot) == name) {
    slot.ino = entry.ino;
    slot.type = entry.type;
  } else {
    return reset();  // not what was expected: it will be read again
  }
  bytes_ = listing_.bytes();
}

void DirectoryIndex::erase(std::string_view name, uint64_t cookie) {
  Lock lock(mutex_);
  if (state_ == State::kEmpty) return;
  if (state_ == State::kBuilding) {
    pending_.emplace_back(name, std::nullopt);
    return;
  }
  const size_t at = listing_.find(cookie);
  // Not there: the scan came after the removal.
  if (at == listing_.slots.size() || listing_.slots[at].cookie != cookie) return;
  const Slot& slot = listing_.slots[at];
  if (slot.name_size == 0) return;
  if (listing_.name(slot) != name) return reset();
  listing_.remove(at);
  bytes_ = listing_.bytes();
}

std::optional<std::vector<DirectoryEntry>> DirectoryIndex::after(uint64_t cookie,
                                                                 size_t limit) const {
  Lock lock(mutex_);
  if (state_ != State::kReady) return std::nullopt;
  std::vector<DirectoryEntry> out;
  const auto& slots = listing_.slots;
  const size_t first = std::max(listing_.find(cookie + 1), listing_.head);
  out.reserve(std::min(limit, slots.size() - first));
  for (size_t i = first; i < slots.size() && out.size() < limit; ++i) {
    const Slot& s = slots[i];
    if (s.name_size == 0) continue;
    out.push_back({std::string(listing_.name(s)), s.ino, s.type, s.cookie});
  }
  return out;
}

void DirectoryIndex::reset() {
  state_ = State::kEmpty;
  listing_ = {};
  pending_ = {};
  bytes_ = 0;
}

}  // namespace memoria
