// SPDX-License-Identifier: MIT
#include "tests/rot/volume_reading.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include "tests/crash/recording.hpp"

namespace memoria::test {
namespace {

constexpr size_t kMaxDepth = 1000;

bool same(const Attributes& a, const Attributes& b, bool with_size) {
  return a.ino == b.ino && a.mode == b.mode && a.links == b.links && a.uid == b.uid &&
         a.gid == b.gid && a.rdev == b.rdev && (!with_size || a.size == b.size) &&
         a.atime == b.atime && a.mtime == b.mtime && a.ctime == b.ctime && a.btime == b.btime;
}

class Reading {
 public:
  Reading(Volume& volume, const VolumeBounds& bounds, RotTally& tally)
      : volume_(volume), bounds_(bounds), tally_(tally) {}

  void run() {
    walk(kRootInode, "", kRootInode);
    for (const auto& [ino, node] : bounds_.tree().nodes) {
      check_attributes(ino, node);
      check_xattrs(ino, node);
      if (S_ISREG(node.attributes.mode)) check_contents(ino, node);
      if (S_ISLNK(node.attributes.mode)) check_target(ino, node);
      if (S_ISDIR(node.attributes.mode)) check_names(ino, node);
    }
    if (bounds_.worst() != Hit::kUnknown && volume_.files() != bounds_.tree().files) {
      throw Broken("the number of files is wrong");
    }
  }

 private:
  /// Whether the answer is to be compared: not when it is an error that damage explains.
  template <class T>
  bool answered(const Result<T>& result, Hit hit, const std::string& what) {
    ++tally_.values;
    if (result.has_value()) return hit != Hit::kUnknown;
    ++tally_.unreadable;
    const auto& error = result.error();
    if (hit == Hit::kNone) throw Broken(what + " was not hit: " + error.describe());
    const int number = error.to_errno();
    const bool absent = hit == Hit::kUnknown && (number == ENOENT || number == ENODATA);
    if (number != EIO && !absent) {
      throw Broken(what + " gives errno " + std::to_string(number) + ": " + error.describe());
    }
    return false;
  }

  static std::string inode(InodeNumber ino) { return "inode " + std::to_string(ino); }

  void check_attributes(InodeNumber ino, const VolumeTree::Node& node) {
    const auto is = volume_.getattr(ino);
    if (!answered(is, bounds_.inode(ino), inode(ino))) return;
    if (!same(is.value(), node.attributes, bounds_.contents(ino) != Hit::kUnknown)) {
      throw Broken(inode(ino) + " has other attributes");
    }
  }

  void check_contents(InodeNumber ino, const VolumeTree::Node& node) {
    const auto own = bounds_.inode(ino);
    const auto key = key_of(Key(Table::kContents, ino));
    if (bounds_.of(key) == Hit::kUnknown || own == Hit::kUnknown) {
      std::string bytes(std::min<uint64_t>(node.contents.size() + 1, 100'000), '\0');
      (void)answered(volume_.read(ino, 0, bytes), Hit::kUnknown, "contents of " + inode(ino));
      return;
    }
    const auto value = bounds_.bounds().value(key);
    // What was written since is in one part that was not hit.
    std::vector<Bounds::Part> parts{{0, node.contents.size(), false}};
    if (value && value->bytes == node.contents) parts = value->parts;
    for (const auto& part : parts) {
      const auto what = "contents of " + inode(ino) + " from " + std::to_string(part.begin) +
                        " to " + std::to_string(part.end);
      std::string bytes(part.end - part.begin, '\xee');
      const auto got = volume_.read(ino, part.begin, bytes);
      if (!answered(got, std::max(own, part.touched ? Hit::kHit : Hit::kNone), what)) continue;
      if (got.value() != bytes.size() ||
          node.contents.compare(part.begin, bytes.size(), bytes) != 0) {
        throw Broken(what + " are wrong");
      }
    }
    char beyond[1];
    const auto got = volume_.read(ino, node.contents.size(), beyond);
    if (answered(got, own, "the end of " + inode(ino)) && got.value() != 0) {
      throw Broken(inode(ino) + " goes on behind its end");
    }
  }

  void check_target(InodeNumber ino, const VolumeTree::Node& node) {
    const auto is = volume_.readlink(ino);
    const auto hit = std::max(bounds_.inode(ino), bounds_.contents(ino));
    if (answered(is, hit, "symlink " + inode(ino)) && is.value() != node.contents) {
      throw Broken(inode(ino) + " has another target");
    }
  }

  void check_xattrs(InodeNumber ino, const VolumeTree::Node& node) {
    const auto own = bounds_.inode(ino);
    const auto list = volume_.listxattr(ino);
    if (answered(list, own, "the attributes of " + inode(ino))) {
      const std::set<std::string> names(list.value().begin(), list.value().end());
      for (const auto& [name, value] : node.xattrs) {
        if (bounds_.xattr(ino, name) != Hit::kUnknown && !names.contains(name)) {
          throw Broken(inode(ino) + " has lost the attribute " + name);
        }
      }
      for (const auto& name : names) {
        if (!node.xattrs.contains(name) && bounds_.xattr(ino, name) != Hit::kUnknown) {
          throw Broken(inode(ino) + " has the attribute " + name);
        }
      }
    }
    for (const auto& [name, value] : node.xattrs) {
      const auto is = volume_.getxattr(ino, name);
      const auto hit = std::max(own, bounds_.xattr(ino, name));
      const auto what = "attribute " + name + " of " + inode(ino);
      if (answered(is, hit, what) && is.value() != value) throw Broken(what + " is another");
    }
  }

  Result<std::map<std::string, DirectoryEntry>> list(InodeNumber directory) {
    std::map<std::string, DirectoryEntry> out;
    bool twice = false;
    MEMORIA_TRY(volume_.list(directory, 0, [&](const DirectoryEntry& entry) {
      twice |= !out.emplace(entry.name, entry).second;
      return true;
    }));
    if (twice) throw Broken("a name is listed twice in " + inode(directory));
    return out;
  }

  void check_names(InodeNumber directory, const VolumeTree::Node& node) {
    const auto listed = list(directory);
    if (answered(listed, bounds_.inode(directory), "directory " + inode(directory))) {
      for (const auto& [name, entry] : listed.value()) {
        if (!node.names.contains(name) && bounds_.name(directory, name) != Hit::kUnknown) {
          throw Broken(name + " is in directory " + inode(directory));
        }
      }
      for (const auto& [name, ino] : node.names) check_entry(directory, name, ino, listed.value());
    }
    for (const auto& [name, ino] : node.names) {
      const auto found = volume_.lookup(directory, name);
      if (found.has_value()) volume_.forget(found.value().ino, 1);
      const auto hit = std::max(bounds_.name(directory, name), bounds_.inode(ino));
      const auto what = "name " + name + " in " + inode(directory);
      if (answered(found, hit, what) &&
          !same(found.value(), bounds_.tree().nodes.at(ino).attributes,
                bounds_.contents(ino) != Hit::kUnknown)) {
        throw Broken(what + " leads to something else");
      }
    }
  }

  void check_entry(InodeNumber directory, const std::string& name, InodeNumber ino,
                   const std::map<std::string, DirectoryEntry>& listed) {
    const auto hit = bounds_.name(directory, name);
    if (hit == Hit::kUnknown) return;
    const auto found = listed.find(name);
    if (found == listed.end()) throw Broken(name + " is not listed in " + inode(directory));
    const auto type = bounds_.tree().nodes.at(ino).attributes.mode & S_IFMT;
    const bool right = found->second.ino == ino && found->second.type == type;
    const bool damaged = hit == Hit::kHit && found->second.ino == 0;
    if (!right && !damaged) throw Broken(name + " is listed wrongly in " + inode(directory));
  }

  /// As `find` would; damage must not lead it in a circle. Beside its name a directory may have an
  /// old one, as a file may, where records may have been missed; but none in another directory.
  void walk(InodeNumber directory, const std::string& path, InodeNumber above) {
    const auto [walked, is_first] = walked_.emplace(directory, above);
    if (!is_first && (bounds_.worst() != Hit::kUnknown || walked->second != above)) {
      throw Broken("a second path to a directory: " + path);
    }
    if (path.size() > kMaxDepth) throw Broken("a walk without end");
    const auto listed = list(directory);
    if (!listed.has_value()) return;
    for (const auto& [name, entry] : listed.value()) {
      const auto found = volume_.lookup(directory, name);
      if (!found.has_value()) continue;
      volume_.forget(found.value().ino, 1);
      if (S_ISDIR(found.value().mode)) walk(found.value().ino, path + "/" + name, directory);
    }
  }

  Volume& volume_;
  const VolumeBounds& bounds_;
  RotTally& tally_;
  std::map<InodeNumber, InodeNumber> walked_;  ///< directories, and what each was found in
};

}  // namespace

void check_reading(Volume& volume, const VolumeBounds& bounds, RotTally& tally) {
  Reading(volume, bounds, tally).run();
}

}  // namespace memoria::test
