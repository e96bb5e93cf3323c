// SPDX-License-Identifier: MIT
// Does for a volume what the kernel does for a mount: walks paths, and checks what the kernel
// checks.
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/falloc.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <array>
#include <cerrno>
#include <set>

#include "tests/posix/subject.hpp"

namespace memoria::test {
namespace {

constexpr Caller kRootCaller{};

template <class T>
Outcome outcome(const Result<T>& result) {
  return {result.has_value() ? 0 : result.error().to_errno(), {}};
}

class VolumeSubject final : public Subject {
 public:
  explicit VolumeSubject(Volume& volume) : volume_(volume) {}
  ~VolumeSubject() override { close_files(); }

  Outcome apply(const Operation& op) override;
  void close_files() override {
    for (auto& slot : slots_) close(slot);
  }

 private:
  struct Place {
    InodeNumber parent = 0;
    std::string name;
  };
  /// As the kernel does, lookups hold what they find for a moment.
  Result<Attributes> find(const Place& at) {
    auto found = volume_.lookup(at.parent, at.name);
    if (found.has_value()) volume_.forget(found.value().ino, 1);
    return found;
  }
  Result<Place> locate(const std::string& path);
  Result<Attributes> find_file(const Place& at);
  Outcome made(const Result<Attributes>& result) {
    if (result.has_value()) volume_.forget(result.value().ino, 1);
    return outcome(result);
  }
  void close(InodeNumber& slot) {
    if (slot != 0) volume_.forget(slot, 1);
    slot = 0;
  }

  Outcome apply_at(const Operation& op, const Place& at);
  Outcome apply_to_file(const Operation& op, InodeNumber ino);
  Outcome apply_to_xattrs(const Operation& op, InodeNumber ino);
  Outcome set(InodeNumber ino, const AttributeChanges& changes) {
    return outcome(volume_.setattr(ino, changes));
  }
  Outcome list(const Place& at);
  Outcome copy(const Operation& op, InodeNumber from, InodeNumber to);
  Outcome rename(const Operation& op, const Place& from, const Place& to);

  Volume& volume_;
  std::array<InodeNumber, kSlots> slots_{};
};

Result<VolumeSubject::Place> VolumeSubject::locate(const std::string& path) {
  InodeNumber at = kRootInode;
  std::string_view rest = path;
  for (auto slash = rest.find('/'); slash != rest.npos; slash = rest.find('/')) {
    MEMORIA_TRY(const auto next, find({at, std::string(rest.substr(0, slash))}));
    if (S_ISLNK(next.mode)) return Error::posix(ELOOP);
    if (!S_ISDIR(next.mode)) return Error::posix(ENOTDIR);
    at = next.ino;
    rest.remove_prefix(slash + 1);
  }
  return Place{at, std::string(rest)};
}

Result<Attributes> VolumeSubject::find_file(const Place& at) {
  MEMORIA_TRY(const auto found, find(at));
  if (S_ISDIR(found.mode)) return Error::posix(EISDIR);
  if (!S_ISREG(found.mode)) return Error::posix(ELOOP);
  return found;
}

Outcome VolumeSubject::copy(const Operation& op, InodeNumber from, InodeNumber to) {
  uint64_t in = op.offset, out = op.seed % 100000, left = op.length;
  while (left > 0) {  // a file that is copied behind its own end becomes longer meanwhile
    const uint64_t size = volume_.getattr(from).value().size;
    const uint64_t length = in < size ? std::min(left, size - in) : 0;
    if (length == 0) break;
    if (from == to && in < out + length && out < in + length) {
      return {EINVAL, {}};  // as the kernel: ranges that overlap
    }
    std::string bytes(length, '\0');
    const auto got = volume_.read(from, in, bytes);
    if (!got.has_value()) return outcome(got);
    const auto written = volume_.write(to, out, bytes, false);
    if (!written.has_value()) return outcome(written);
    in += length;
    out += length;
    left -= length;
  }
  return {0, std::to_string(op.length - left)};
}

Outcome VolumeSubject::apply_to_file(const Operation& op, InodeNumber ino) {
  const auto size = [&] { return volume_.getattr(ino).value().size; };
  switch (op.kind) {
    case Kind::kWrite:
    case Kind::kWriteOpen: {
      const auto done = volume_.write(ino, op.offset, bytes_of(op.seed, op.length), false);
      return done.has_value() ? Outcome{0, std::to_string(op.length)} : outcome(done);
    }
    case Kind::kAppend: {
      const auto done = volume_.append(ino, bytes_of(op.seed, op.length));
      return done.has_value() ? Outcome{0, std::to_string(op.length)} : outcome(done);
    }
    case Kind::kMapWrite: {
      if (op.offset >= size() || op.length == 0) return {};
      const auto bytes = bytes_of(op.seed, std::min(op.length, size() - op.offset));
      return outcome(volume_.write(ino, op.offset, bytes, true));
    }
    case Kind::kRead:
    case Kind::kReadOpen: {
      std::string out(op.length, '\0');
      const auto n = volume_.read(ino, op.offset, out);
      return n.has_value() ? Outcome{0, out.substr(0, n.value())} : outcome(n);
    }
    case Kind::kTruncate:
    case Kind::kTruncateOpen: {
      AttributeChanges changes;
      changes.size = op.offset;
      return set(ino, changes);
    }
    case Kind::kAllocate:
      if (op.length == 0) return {EINVAL, {}};
      return outcome(volume_.fallocate(ino, op.flags, op.offset, op.length));
    case Kind::kSync:
      return outcome(volume_.sync());
    case Kind::kHolesOpen:
      return check_holes(
          [&](uint64_t from, int whence) {
            const auto found = volume_.seek(ino, from, whence);
            return found.has_value() ? int64_t(found.value()) : int64_t{-1};
          },
          [&](uint64_t from) {
            std::string out(kHoleSample, '\0');
            return out.substr(0, volume_.read(ino, from, out).value());
          });
    case Kind::kStatOpen: {
      const auto a = volume_.getattr(ino).value();
      return {0, describe_attributes(a.mode, a.links, a.uid, a.gid, a.size, a.rdev)};
    }
    default:
      return {};
  }
}

Outcome VolumeSubject::list(const Place& at) {
  const auto directory = find(at);
  if (!directory.has_value()) return outcome(directory);
  if (!S_ISDIR(directory.value().mode)) {
    return {ENOTDIR, {}};
  }
  std::set<std::string> names;
  const auto listed = volume_.list(directory.value().ino, 0, [&](const DirectoryEntry& entry) {
    if (!names.insert(fmt::format("{}:{}", entry.name, entry.type >> 12)).second)
      names.insert("twice!");
    return true;
  });
  return listed.has_value() ? Outcome{0, fmt::format("{}", fmt::join(names, " "))}
                            : outcome(listed);
}

Outcome VolumeSubject::apply_to_xattrs(const Operation& op, InodeNumber ino) {
  switch (op.kind) {
    case Kind::kSetXattr:
      return outcome(volume_.setxattr(ino, op.name, op.value, op.flags));
    case Kind::kRemoveXattr:
      return outcome(volume_.removexattr(ino, op.name));
    case Kind::kGetXattr: {
      const auto value = volume_.getxattr(ino, op.name);
      return value.has_value() ? Outcome{0, value.value()} : outcome(value);
    }
    default:
      break;
  }
  const auto listed = volume_.listxattr(ino);
  if (!listed.has_value()) return outcome(listed);
  const std::set<std::string> names(listed.value().begin(), listed.value().end());
  return {0, fmt::format("{}", fmt::join(names, " "))};
}

Outcome VolumeSubject::rename(const Operation& op, const Place& from, const Place& to) {
  // As the kernel, which looks for both names before it asks.
  if (const auto found = find(from); !found.has_value()) return outcome(found);
  return outcome(volume_.rename(from.parent, from.name, to.parent, to.name, unsigned(op.flags)));
}

Outcome VolumeSubject::apply_at(const Operation& op, const Place& at) {
  switch (op.kind) {
    case Kind::kCreate:
      return made(volume_.mknod(at.parent, at.name, S_IFREG | op.mode, 0, kRootCaller));
    case Kind::kMkdir:
      return made(volume_.mkdir(at.parent, at.name, op.mode & ~06000U, kRootCaller));
    case Kind::kMknod:
      return made(volume_.mknod(at.parent, at.name, op.mode, ::makedev(7, op.uid), kRootCaller));
    case Kind::kSymlink:
      return made(volume_.symlink(at.parent, at.name, op.other, kRootCaller));
    case Kind::kUnlink:
      return outcome(volume_.unlink(at.parent, at.name));
    case Kind::kRmdir:
      return outcome(volume_.rmdir(at.parent, at.name));
    case Kind::kList:
      return list(at);
    default:
      break;
  }
  const auto found = find(at);
  if (!found.has_value()) return outcome(found);
  const auto& a = found.value();
  AttributeChanges changes;
  switch (op.kind) {
    case Kind::kReadlink: {
      const auto target = volume_.readlink(a.ino);
      return target.has_value() ? Outcome{0, target.value()} : outcome(target);
    }
    case Kind::kStat:
      return {0, describe_attributes(a.mode, a.links, a.uid, a.gid, a.size, a.rdev)};
    case Kind::kChmod:
      if (S_ISLNK(a.mode)) return {ELOOP, {}};
      changes.mode = op.mode;
      return set(a.ino, changes);
    case Kind::kChown:
      changes.uid = op.uid;
      changes.gid = op.gid;
      return set(a.ino, changes);
    case Kind::kSetTimes: {
      changes.atime = op.atime;
      changes.mtime = op.mtime;
      const auto after = volume_.setattr(a.ino, changes);
      if (!after.has_value()) return outcome(after);
      return {0, fmt::format("{} {}", after.value().atime, after.value().mtime)};
    }
    default:
      return S_ISLNK(a.mode) ? Outcome{ELOOP, {}} : apply_to_xattrs(op, a.ino);
  }
}

Outcome VolumeSubject::apply(const Operation& op) {
  auto& slot = slots_[size_t(op.slot)];
  switch (op.kind) {
    case Kind::kClose:
      close(slot);
      return {};
    case Kind::kWriteOpen:
    case Kind::kReadOpen:
    case Kind::kTruncateOpen:
    case Kind::kStatOpen:
    case Kind::kHolesOpen:
    case Kind::kSync:
      return slot != 0 ? apply_to_file(op, slot) : Outcome{EBADF, {}};
    default:
      break;
  }
  const auto at = locate(op.path);
  if (!at.has_value()) return outcome(at);
  switch (op.kind) {
    case Kind::kLink: {
      const auto to = locate(op.other);
      // The kernel looks for what is linked first.
      const auto found = find(at.value());
      if (!to.has_value()) return outcome(to);
      if (!found.has_value()) return outcome(found);
      return made(volume_.link(found.value().ino, to.value().parent, to.value().name));
    }
    case Kind::kRename: {
      const auto to = locate(op.other);
      return to.has_value() ? rename(op, at.value(), to.value()) : outcome(to);
    }
    case Kind::kCopy: {
      const auto from = find_file(at.value());
      if (!from.has_value()) return outcome(from);
      const auto place = locate(op.other);
      if (!place.has_value()) return outcome(place);
      const auto to = find_file(place.value());
      return to.has_value() ? copy(op, from.value().ino, to.value().ino) : outcome(to);
    }
    case Kind::kWrite:
    case Kind::kMapWrite:
    case Kind::kAppend:
    case Kind::kRead:
    case Kind::kTruncate:
    case Kind::kAllocate:
    case Kind::kOpen: {
      const auto file = find_file(at.value());
      if (!file.has_value()) return outcome(file);
      const auto ino = file.value().ino;
      volume_.hold(ino);  // as the kernel does for whoever has it open
      if (op.kind == Kind::kOpen) {
        close(slot);
        slot = ino;
        return {};
      }
      auto out = apply_to_file(op, ino);
      volume_.forget(ino, 1);
      return out;
    }
    default:
      return apply_at(op, at.value());
  }
}

}  // namespace

std::unique_ptr<Subject> volume_subject(Volume& volume) {
  return std::make_unique<VolumeSubject>(volume);
}

}  // namespace memoria::test
