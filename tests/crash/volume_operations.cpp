// SPDX-License-Identifier: MIT
#include "tests/crash/volume_operations.hpp"

#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <sys/stat.h>

#include <set>

namespace memoria::test {
namespace {

class Viewer {
 public:
  explicit Viewer(Volume& volume) : volume_(volume) {}

  View run() {
    node("/", kRootInode);
    directory("", kRootInode);
    return std::move(view_);
  }
  const std::set<InodeNumber>& seen() const { return seen_; }

 private:
  void directory(const std::string& path, InodeNumber ino) {
    std::vector<DirectoryEntry> entries;
    expect(volume_.list(ino, 0,
                        [&](const DirectoryEntry& entry) {
                          entries.push_back(entry);
                          return true;
                        }),
           "listing");
    for (const auto& entry : entries) {
      const auto where = path + "/" + entry.name;
      const auto found = expect(volume_.lookup(ino, entry.name), "a listed name");
      volume_.forget(found.ino, 1);
      if (found.ino != entry.ino || (found.mode & S_IFMT) != entry.type) {
        throw Broken(where + " is not what the listing says");
      }
      node(where, entry.ino);
      if (S_ISDIR(found.mode)) directory(where, entry.ino);
    }
  }

  void node(const std::string& path, InodeNumber ino) {
    const auto a = expect(volume_.getattr(ino), "an inode");
    seen_.insert(ino);
    view_ += path;
    for (const uint64_t number :
         {uint64_t{a.ino}, uint64_t{a.mode}, uint64_t{a.links}, uint64_t{a.uid}, uint64_t{a.gid},
          a.rdev, a.size, uint64_t(a.atime), uint64_t(a.mtime), uint64_t(a.ctime),
          uint64_t(a.btime)}) {
      view_ += " " + std::to_string(number);
    }
    for (const auto& name : expect(volume_.listxattr(ino), "listing attributes")) {
      view_ += " " + name + "=" + expect(volume_.getxattr(ino, name), "an attribute");
    }
    view_ += "\n";
    if (S_ISLNK(a.mode)) view_ += expect(volume_.readlink(ino), "a symlink") + "\n";
    if (S_ISREG(a.mode)) contents(ino, a.size);
  }

  void contents(InodeNumber ino, uint64_t size) {
    std::string bytes(size, '\xee');
    if (expect(volume_.read(ino, 0, bytes), "contents") != size) throw Broken("a short read");
    view_ += bytes + "\n";
  }

  Volume& volume_;
  View view_;
  std::set<InodeNumber> seen_;
};

uint64_t keys(Volume& volume, std::string_view table) {
  uint64_t count = 0;
  expect(volume.store().scan(table, {},
                             [&](const KeyInfo&) {
                               ++count;
                               return true;
                             }),
         "scan");
  return count;
}

}  // namespace

View view_of(Volume& volume) {
  return Viewer(volume).run();
}

void check_inodes(Volume& volume) {
  Viewer viewer(volume);
  viewer.run();
  const auto seen = viewer.seen().size();
  if (volume.files() != seen || keys(volume, "I") != seen || keys(volume, "O") != 0) {
    throw Broken("there are " + std::to_string(keys(volume, "I")) + " inodes, " +
                 std::to_string(seen) + " of them with a name");
  }
}

bool VolumeOperations::step(Volume& volume) {
  switch (random_.below(grows_ ? 12 : 10)) {
    case 0:
    case 1:
    case 2:
    case 3:
      return change_names(volume);
    case 4:
    case 5:
    case 6:
      change_contents(volume);
      return false;
    case 7:
      change_attributes(volume);
      return false;
    case 8:
      use(volume);
      return false;
    case 9:
      return change_by_path(volume);
    default:
      return change_growing(volume);
  }
}

void VolumeOperations::release_all(Volume& volume) {
  for (const auto ino : held_) volume.forget(ino, 1);
  held_.clear();
  growing_.reset();  // the next opening removes it
}

bool VolumeOperations::change_names(Volume& volume) {
  const auto parent = random_.one_in(2) ? kRootInode : some();
  switch (random_.below(8)) {
    case 0:
      check(volume.unlink(parent, name()));
      break;
    case 1:
      check(volume.rmdir(parent, name()));
      break;
    case 2:
      made(volume, volume.link(some(), parent, name()));
      break;
    case 3:
    case 4: {
      const unsigned flags[] = {0, 0, RENAME_NOREPLACE, RENAME_EXCHANGE, RENAME_WHITEOUT};
      check(volume.rename(parent, name(), random_.one_in(2) ? parent : some(), name(),
                          flags[random_.below(5)]));
      break;
    }
    default:
      make(volume);
  }
  return false;
}

void VolumeOperations::make(Volume& volume) {
  const auto parent = random_.one_in(2) ? kRootInode : some();
  switch (random_.below(6)) {
    case 0:
    case 1:
      return made(volume, volume.mkdir(parent, name(), 0755, kWorker));
    case 2:
      return made(volume, volume.symlink(parent, name(), "to/" + name(), kWorker));
    case 3:
      return made(volume, volume.mknod(parent, name(), S_IFCHR | 0600, 259, kWorker));
    default:
      return made(volume, volume.mknod(parent, name(), S_IFREG | 0644, 0, kWorker));
  }
}

void VolumeOperations::change_contents(Volume& volume) {
  const auto ino = some();
  const uint64_t at = random_.below(3000);
  switch (random_.below(6)) {
    case 0:
    case 1:
      return check(volume.write(ino, at, random_.bytes(1 + random_.below(2500)), false));
    case 2: {
      const auto appended = volume.append(ino, random_.bytes(1 + random_.below(200)));
      return check(appended.has_value() ? Status(ok()) : Status(appended.error()));
    }
    case 3:
      return check(volume.fallocate(ino, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at,
                                    1 + random_.below(1500)));
    case 4:
      return check(volume.fallocate(ino, FALLOC_FL_ZERO_RANGE, at, 1 + random_.below(1500)));
    default: {
      AttributeChanges changes;
      changes.size = random_.below(3000);
      const auto changed = volume.setattr(ino, changes);
      return check(changed.has_value() ? Status(ok()) : Status(changed.error()));
    }
  }
}

void VolumeOperations::change_attributes(Volume& volume) {
  const auto ino = some();
  const auto attribute = "user." + name();
  switch (random_.below(3)) {
    case 0:
      return check(volume.setxattr(ino, attribute, random_.bytes(random_.below(300)), 0));
    case 1:
      return check(volume.removexattr(ino, attribute));
    default: {
      AttributeChanges changes;
      changes.mode = mode_t(random_.below(01000));
      if (random_.one_in(2)) changes.uid = uid_t(random_.below(3));
      if (random_.one_in(2)) changes.mtime = TimeNs(random_.below(1'000'000'000));
      const auto changed = volume.setattr(ino, changes);
      return check(changed.has_value() ? Status(ok()) : Status(changed.error()));
    }
  }
}

/// Files that are held when their last name goes are removed later, or at the next opening.
void VolumeOperations::use(Volume& volume) {
  if (!held_.empty() && random_.one_in(2)) {
    volume.forget(held_.back(), 1);
    held_.pop_back();
    return;
  }
  const auto found = volume.lookup(some(), name());
  if (found.has_value()) held_.push_back(found.value().ino);
}

bool VolumeOperations::change_by_path(Volume& volume) {
  const auto path = "/" + name();
  if (random_.one_in(3)) {
    const auto removed = volume.remove(path);
    check(removed);
    return removed.has_value();
  }
  auto writer = volume.replace(path, kWorker);
  if (!writer.has_value()) {
    check(writer.error());
    return false;
  }
  for (uint64_t i = random_.below(3); i > 0; --i) {
    check(writer.value()->write(random_.bytes(random_.below(1500))));
  }
  if (random_.one_in(4)) return false;  // given up
  const auto committed = writer.value()->commit();
  check(committed);
  return committed.has_value();
}

/// A tree that nobody sees until it is placed.
bool VolumeOperations::change_growing(Volume& volume) {
  if (!growing_) {
    const auto grown = volume.grow(some(), kWorker);
    if (grown.has_value()) {
      growing_ = grown.value();
      grown_ = {grown.value()};
    } else {
      check(grown.error());
    }
    return false;
  }
  switch (random_.below(5)) {
    case 0: {
      const auto uprooted = volume.uproot(*growing_);
      check(uprooted);
      if (uprooted.has_value()) growing_.reset();
      return false;
    }
    case 1:
      return place_growing(volume);
    default:
      grow_on(volume);
      return false;
  }
}

void VolumeOperations::grow_on(Volume& volume) {
  const auto below = grown_[random_.below(grown_.size())];
  const auto made = random_.one_in(3) ? volume.mkdir(below, name(), 0755, kWorker)
                                      : volume.mknod(below, name(), S_IFREG | 0644, 0, kWorker);
  if (!made.has_value()) return check(made.error());
  const auto ino = made.value().ino;
  volume.forget(ino, 1);
  grown_.push_back(ino);
  if (S_ISREG(made.value().mode)) check(volume.write(ino, 0, random_.bytes(200), false));
  check(volume.setxattr(ino, "user." + name(), random_.bytes(20), 0));
}

bool VolumeOperations::place_growing(Volume& volume) {
  const auto placed = volume.place(*growing_, random_.one_in(4) ? "/" : "/" + name());
  check(placed);
  if (!placed.has_value()) return false;
  known_.insert(known_.end(), grown_.begin(), grown_.end());
  growing_.reset();
  return true;
}

void VolumeOperations::made(Volume& volume, const Result<Attributes>& result) {
  if (!result.has_value()) return check(result.error());
  volume.forget(result.value().ino, 1);
  known_.push_back(result.value().ino);
}

void VolumeOperations::check(const Status& status) const {
  if (status.has_value()) return;
  switch (status.error().code) {
    case Errc::kPosix:
    case Errc::kNotFound:
    case Errc::kExists:
    case Errc::kInvalidArgument:
      return;
    default:
      throw Broken("an operation: " + status.error().describe());
  }
}

InodeNumber VolumeOperations::some() {
  const size_t recent = std::min<size_t>(known_.size(), 12);
  return random_.one_in(4) ? known_[random_.below(known_.size())]
                           : known_[known_.size() - 1 - random_.below(recent)];
}

}  // namespace memoria::test
