// SPDX-License-Identifier: MIT
#include "fs/volume/transaction.hpp"

#include <fmt/format.h>

#include <array>
#include <atomic>
#include <ctime>
#include <span>

#include "fs/volume/errors.hpp"
#include "fs/volume/keys.hpp"

namespace memoria {
namespace {

/// A short value without a heap allocation. A longer one is cut at the end of `buffer`, which is
/// longer than any that a decoder takes.
using Buffer = std::array<char, 128>;
static_assert(sizeof(Buffer) > kMaxInodeSize && sizeof(Buffer) > kMaxDentrySize);

Result<std::string_view> read_short(const Store& store, std::string_view key, Buffer& buffer) {
  MEMORIA_TRY(const auto n, store.read_at(key, 0, buffer));
  return std::string_view(buffer.data(), n);
}

/// The latest of note_kernel_time().
std::atomic<TimeNs> kernel_time{0};

TimeNs read_clock(clockid_t clock) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return to_time_ns(time);
}

}  // namespace

void note_kernel_time(TimeNs time) {
  TimeNs latest = kernel_time.load(std::memory_order_relaxed);
  while (time > latest && !kernel_time.compare_exchange_weak(latest, time)) {
  }
}

TimeNs wall_clock() {
  const TimeNs coarse = read_clock(CLOCK_REALTIME_COARSE);
  const TimeNs noted = kernel_time.load(std::memory_order_relaxed);
  // One that is to come was noted before the clock was set back.
  return noted > coarse && noted <= read_clock(CLOCK_REALTIME) ? noted : coarse;
}

Result<Inode> load_inode(const Store& store, InodeNumber ino) {
  Buffer buffer;
  const auto bytes = read_short(store, Key(Table::kInodes, ino), buffer);
  if (!bytes.has_value()) {
    const bool impossible = ino == kRootInode && bytes.error().code == Errc::kNotFound;
    return impossible ? damaged("the inode of the root is gone") : bytes.error();
  }
  auto out = decode_inode(bytes.value());
  if (!out.has_value()) {
    Error& e = out.error();
    e.message = fmt::format("inode {}: {}", ino, e.message);
  }
  return out;
}

Result<Dentry> load_dentry(const Store& store, InodeNumber directory, std::string_view name) {
  Buffer buffer;
  MEMORIA_TRY(const auto bytes, read_short(store, Key(Table::kNames, directory, name), buffer));
  auto out = decode_dentry(bytes);
  if (!out.has_value()) {
    Error& e = out.error();
    e.message = fmt::format("entry '{}' of directory {}: {}", name, directory, e.message);
  }
  return out;
}

Transaction::Transaction(Store& store, Counters& counters, DirectoryCache& directories)
    : store_(store), counters_(counters), directories_(directories), now_(wall_clock()) {}

Transaction::Slot* Transaction::find(InodeNumber ino) {
  for (Slot& slot : inodes_) {
    if (slot.ino == ino) return &slot;
  }
  return nullptr;
}

Result<Inode*> Transaction::inode(InodeNumber ino) {
  if (Slot* slot = find(ino)) return &slot->inode;
  MEMORIA_TRY(auto stored, load_inode(store_, ino));
  inodes_.push_back({ino, stored, stored});
  return &inodes_.back().inode;
}

Result<Inode*> Transaction::directory(InodeNumber ino) {
  MEMORIA_TRY(Inode* const out, inode(ino));
  if (!out->is_directory()) return posix(ENOTDIR);
  return out;
}

Inode* Transaction::create_inode(InodeNumber ino, Inode inode) {
  inodes_.push_back({ino, std::move(inode), std::nullopt});
  ++files_;
  return &inodes_.back().inode;
}

Status Transaction::remove_inode(InodeNumber ino) {
  if (Slot* slot = find(ino)) slot->removed = true;
  batch_.erase(Key(Table::kInodes, ino));
  for (const Key& key : {Key(Table::kContents, ino), Key(Table::kOrphans, ino)}) {
    if (store_.contains(key)) batch_.erase(key);
  }
  --files_;
  return store_.scan(Key(Table::kXattrs, ino), {}, [&](const KeyInfo& info) {
    batch_.erase(info.key);
    return true;
  });
}

void Transaction::set_name(InodeNumber directory, std::string_view name, const Dentry& entry) {
  batch_.put(Key(Table::kNames, directory, name), keep(encode(entry)));
  names_.push_back({directory, name, entry, entry.cookie});
}

void Transaction::erase_name(InodeNumber directory, std::string_view name, uint64_t cookie) {
  batch_.erase(Key(Table::kNames, directory, name));
  names_.push_back({directory, name, std::nullopt, cookie});
}

Status Transaction::commit() {
  for (const Slot& slot : inodes_) {
    if (slot.removed || slot.stored == slot.inode) continue;
    batch_.put(Key(Table::kInodes, slot.ino), keep(encode(slot.inode)));
  }
  if (batch_.empty()) return ok();
  if (files_ != 0) MEMORIA_TRY(counters_.begin_change());
  auto applied = store_.apply(batch_);
  if (!applied.has_value()) {
    // When only its sync failed, the change can be seen all the same.
    for (const NameChange& change : names_) directories_.drop(change.directory);
    return applied;
  }
  if (files_ != 0) counters_.add_files(files_);
  for (const NameChange& change : names_) {
    if (change.entry) {
      directories_.set(change.directory, change.name, *change.entry);
    } else {
      directories_.erase(change.directory, change.name, change.cookie);
    }
  }
  return ok();
}

}  // namespace memoria
