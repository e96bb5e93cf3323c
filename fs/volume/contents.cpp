// SPDX-License-Identifier: MIT
// Reading and writing regular files: their contents are one value of the store.
#include <fcntl.h>
#include <linux/falloc.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

#include "fs/volume/errors.hpp"
#include "fs/volume/volume_impl.hpp"

namespace memoria {
namespace {

/// Longer writes are split: a batch has a limit.
constexpr size_t kMaxPiece = 16 << 20;

/// What the kernel writes back begins with a page, which is this long or longer.
constexpr uint64_t kPage = 4096;
/// A page in more records is written as a whole, and then it is one: a hundred bytes each time that
/// somebody opens a log, appends a line and closes it take 29 us and 2,200 bytes of disk when
/// nothing is compared, 42 us and 480 bytes with 8 records, 47 us and 300 with 16 (10,000 times,
/// medians of 3 in turns).
constexpr size_t kMaxRecordsCompared = 8;

/// More than programs leave in a file, and counted in 16 ms.
constexpr int kMaxHolesCounted = 100'000;

Status check_regular(const Inode& inode) {
  if (inode.is_directory()) return posix(EISDIR);
  return inode.is_regular() ? Status(ok()) : posix(EINVAL);
}

Status check_end(uint64_t offset, uint64_t length) {
  if (offset > kMaxFileSize || length > kMaxFileSize - offset) return posix(EFBIG);
  return ok();
}

/// Adds the write to the batch. The first bytes of a file are put whole: that takes less space than
/// a piece, and small ones then live in the key directory.
void add_write(Batch& batch, const Store& store, const Key& contents, uint64_t offset,
               std::string_view bytes) {
  if (offset == 0 && !store.contains(contents)) {
    batch.put(contents, bytes);
  } else {
    batch.write_at(contents, offset, bytes);
  }
}

/// How many of the bytes that the kernel writes back, from the first on, are there already. It
/// writes a page from the page's beginning on, also when a program has only appended to it. Nobody
/// changes them meanwhile: it writes a page back once at a time.
size_t written_before(const Store& store, const Key& contents, uint64_t offset,
                      std::string_view bytes) {
  const uint64_t size = store.size(contents).value_or(0);
  if (offset >= size || size - offset >= bytes.size()) return 0;
  const uint64_t there = size - offset, added = bytes.size() - there;
  if (there >= kPage || there < added) return 0;
  return store.common_prefix(contents, offset, bytes.substr(0, there), kMaxRecordsCompared);
}

/// Writes with the inode's stripe held. `written_back`: by the kernel, which owns the times then.
Status write_locked(VolumeState& volume, InodeNumber ino, uint64_t offset, std::string_view bytes,
                    bool written_back) {
  auto change = volume.begin();
  MEMORIA_TRY(Inode* const inode, change.inode(ino));
  MEMORIA_TRY(check_regular(*inode));
  MEMORIA_TRY(check_end(offset, bytes.size()));
  if (bytes.empty()) return ok();
  const Key contents(Table::kContents, ino);
  const size_t skipped = written_back ? written_before(*volume.store, contents, offset, bytes) : 0;
  add_write(change.batch(), *volume.store, contents, offset + skipped, bytes.substr(skipped));
  if (!written_back) inode->mtime = inode->ctime = change.now();
  return change.commit();
}

/// Whether these bytes may be written without the inode's stripe. See the lock rules of
/// VolumeState.
bool is_within(const VolumeState& volume, InodeNumber ino, uint64_t offset, size_t length) {
  if (!volume.references.is_held(ino)) return false;
  const auto size = volume.store->size(Key(Table::kContents, ino));
  return size && offset <= *size && length <= *size - offset;
}

/// How many of these bytes are in holes or beyond the end. What lies behind the first
/// kMaxHolesCounted holes counts as if it were.
uint64_t missing_bytes(const Store& store, const Key& contents, uint64_t offset, uint64_t end) {
  uint64_t missing = 0;
  for (int holes = 0; holes < kMaxHolesCounted; ++holes) {
    const uint64_t data = std::min(store.seek_data(contents, offset).value_or(end), end);
    missing += data - offset;
    if (data == end) return missing;
    offset = std::min(store.seek_hole(contents, data).value_or(end), end);
  }
  return missing + (end - offset);
}

/// Whether what is missing of these bytes would fit: a log cannot set it aside, but it can say no
/// in time.
Status check_space(const Store& store, const Key& contents, uint64_t offset, uint64_t end) {
  if (offset >= end) return ok();
  MEMORIA_TRY(const auto space, store.space());
  const uint64_t reserve = store.options().reserve_bytes;
  const uint64_t available = space.free_bytes > reserve ? space.free_bytes - reserve : 0;
  if (end - offset <= available) return ok();
  return missing_bytes(store, contents, offset, end) <= available ? Status(ok()) : posix(ENOSPC);
}

}  // namespace

Result<size_t> Volume::read(InodeNumber ino, uint64_t offset, std::span<char> out) {
  MEMORIA_TRY(const auto inode, load_inode(*impl_->store, ino));
  MEMORIA_TRY(check_regular(inode));
  if (offset >= kMaxFileSize || out.empty()) return size_t{0};
  auto n = impl_->store->read_at(Key(Table::kContents, ino), offset, out);
  if (!n.has_value() && n.error().code == Errc::kNotFound) return size_t{0};  // empty
  return n;
}

Status Volume::write(InodeNumber ino, uint64_t offset, std::string_view bytes, bool keep_times) {
  do {
    const auto piece = bytes.substr(0, kMaxPiece);
    MEMORIA_TRY(check_end(offset, piece.size()));
    if (keep_times && is_within(*impl_, ino, offset, piece.size())) {
      MEMORIA_TRY(const auto inode, load_inode(*impl_->store, ino));
      MEMORIA_TRY(check_regular(inode));
      if (!piece.empty()) {
        MEMORIA_TRY(impl_->store->write_at(Key(Table::kContents, ino), offset, piece));
      }
    } else {
      const auto guard = impl_->stripes.lock(ino);
      MEMORIA_TRY(write_locked(*impl_, ino, offset, piece, keep_times));
    }
    offset += piece.size();
    bytes.remove_prefix(piece.size());
  } while (!bytes.empty());
  return ok();
}

Result<uint64_t> Volume::append(InodeNumber ino, std::string_view bytes) {
  const auto guard = impl_->stripes.lock(ino);
  const uint64_t offset = impl_->store->size(Key(Table::kContents, ino)).value_or(0);
  uint64_t at = offset;
  do {
    const auto piece = bytes.substr(0, kMaxPiece);
    MEMORIA_TRY(write_locked(*impl_, ino, at, piece, false));
    at += piece.size();
    bytes.remove_prefix(piece.size());
  } while (!bytes.empty());
  return offset;
}

Status Volume::fallocate(InodeNumber ino, int mode, uint64_t offset, uint64_t length) {
  const bool keep_size = (mode & FALLOC_FL_KEEP_SIZE) != 0;
  const int kind = mode & ~FALLOC_FL_KEEP_SIZE;
  if (kind != 0 && kind != FALLOC_FL_PUNCH_HOLE && kind != FALLOC_FL_ZERO_RANGE) {
    return posix(EOPNOTSUPP);
  }
  if (kind == FALLOC_FL_PUNCH_HOLE && !keep_size) return posix(EOPNOTSUPP);
  if (length == 0) return posix(EINVAL);
  MEMORIA_TRY(check_end(offset, length));

  const auto guard = impl_->stripes.lock(ino);
  auto change = impl_->begin();
  MEMORIA_TRY(Inode* const inode, change.inode(ino));
  if (inode->is_directory()) return posix(EISDIR);
  if (!inode->is_regular()) return posix(ENODEV);
  const Key contents(Table::kContents, ino);
  const uint64_t size = impl_->store->size(contents).value_or(0);
  const uint64_t end = offset + length;
  const bool zero = kind != 0 && offset < size;
  const bool grow = !keep_size && end > size;
  if (kind != FALLOC_FL_PUNCH_HOLE) {
    // What is zeroed becomes a hole, so only what comes behind the end is more.
    const uint64_t first = zero ? std::max(offset, size) : offset;
    MEMORIA_TRY(check_space(*impl_->store, contents, first, end));
  }
  if (zero) change.batch().punch(contents, offset, std::min(end, size) - offset);
  if (grow) change.batch().truncate(contents, end);
  inode->mtime = inode->ctime = change.now();
  return change.commit();
}

bool Volume::has_data(InodeNumber ino) const {
  const auto info = impl_->store->info(Key(Table::kContents, ino));
  return info && info->allocated != 0;
}

Result<uint64_t> Volume::seek(InodeNumber ino, uint64_t offset, int whence) {
  MEMORIA_TRY(const auto inode, load_inode(*impl_->store, ino));
  MEMORIA_TRY(check_regular(inode));
  const Key contents(Table::kContents, ino);
  std::optional<uint64_t> found;
  switch (whence) {
    case SEEK_DATA:
      found = impl_->store->seek_data(contents, offset);
      break;
    case SEEK_HOLE:
      found = impl_->store->seek_hole(contents, offset);
      break;
    default:
      return posix(EINVAL);
  }
  if (!found) return posix(ENXIO);
  return *found;
}

}  // namespace memoria
