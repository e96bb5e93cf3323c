// SPDX-License-Identifier: MIT
#include "tests/rot/volume_repair.hpp"

#include <sys/stat.h>

#include <algorithm>

#include "fs/volume/repair.hpp"
#include "tests/crash/recording.hpp"

namespace memoria::test {
namespace {

using What = memoria::Loss::What;

constexpr Caller kOwner{.uid = 1000, .gid = 100};

/// "/a/b" is at or below "/a".
bool is_below(const std::string& path, const std::string& above) {
  return above == "/" || path == above || path.starts_with(above + "/");
}

class Repair {
 public:
  Repair(const VolumeBounds& bounds, const RepairReport& report, VolumeTree is)
      : bounds_(bounds), report_(report), is_(std::move(is)), ways_(is_.ways()) {}

  void run() {
    for (const auto& [ino, node] : bounds_.tree().nodes) {
      check_inode(ino, node);
      for (const auto& way : bounds_.ways().at(ino)) check_way(ino, way);
    }
    for (const auto& loss : report_.losses) {
      check_loss(loss);
      if (bounds_.worst() == Hit::kNone && !has_come_back(loss)) {
        throw Broken("nothing was hit, and repair tells of " + loss.path);
      }
    }
  }

 private:
  static bool is_link(const VolumeTree::Node& node) { return S_ISLNK(node.attributes.mode); }

  bool told(const std::string& path) const {
    for (const auto& loss : report_.losses) {
      if (loss.what != What::kKey && is_below(path, loss.path)) return true;
    }
    return false;
  }

  bool told(InodeNumber ino, What what) const {
    for (const auto& way : ways_.at(ino)) {
      for (const auto& loss : report_.losses) {
        if (loss.what == what && loss.path == way.path) return true;
      }
    }
    return false;
  }

  /// Wherever it is now.
  void check_inode(InodeNumber ino, const VolumeTree::Node& was) {
    const auto what = "the repaired inode " + std::to_string(ino);
    const auto hit = bounds_.inode(ino);
    const auto found = is_.nodes.find(ino);
    if (found == is_.nodes.end()) {
      if (hit == Hit::kNone && !(is_link(was) && bounds_.contents(ino) != Hit::kNone)) {
        throw Broken(what + " is missing");
      }
      return;
    }
    const auto& is = found->second;
    const auto &a = is.attributes, &b = was.attributes;
    const bool same = a.mode == b.mode && a.uid == b.uid && a.gid == b.gid && a.rdev == b.rdev &&
                      a.atime == b.atime && a.mtime == b.mtime && a.ctime == b.ctime &&
                      a.btime == b.btime;
    if (!same && (hit == Hit::kNone || (hit == Hit::kHit && !told(ino, What::kAttributes)))) {
      throw Broken(what + " has other attributes");
    }
    check_contents(ino, was, is);
    for (const auto& [name, value] : was.xattrs) {
      const auto xattr = bounds_.xattr(ino, name);
      const auto now = is.xattrs.find(name);
      const bool kept = now != is.xattrs.end() && now->second == value;
      if (kept || xattr == Hit::kUnknown) continue;
      if (now != is.xattrs.end()) throw Broken(what + " has another attribute " + name);
      if (xattr == Hit::kNone) throw Broken(what + " has lost the attribute " + name);
      if (!told(ino, What::kXattr)) throw Broken("nothing tells that " + what + " lost " + name);
    }
  }

  void check_contents(InodeNumber ino, const VolumeTree::Node& was, const VolumeTree::Node& is) {
    const auto what = "the repaired inode " + std::to_string(ino);
    const auto key = key_of(Key(Table::kContents, ino));
    if (bounds_.of(key) == Hit::kUnknown) return;
    if (is_link(is) && is.contents != was.contents) throw Broken(what + " has another target");
    if (!S_ISREG(was.attributes.mode)) return;
    if (is.contents.size() != was.contents.size()) throw Broken(what + " has another size");
    const auto value = bounds_.bounds().value(key);
    if (!value) return;
    auto expected = was.contents;
    for (const auto& way : ways_.at(ino)) {
      for (const auto& loss : report_.losses) {
        if (loss.what != What::kRange || loss.path != way.path) continue;
        expected.replace(loss.offset, loss.length, loss.length, '\0');
      }
    }
    for (const auto& part : value->parts) {
      const auto length = part.end - part.begin;
      const auto& right = part.touched ? expected : was.contents;
      if (is.contents.compare(part.begin, length, right, part.begin, length) != 0) {
        throw Broken(what + " has wrong bytes from " + std::to_string(part.begin) + " to " +
                     std::to_string(part.end) + (part.touched ? ", which were hit" : ""));
      }
    }
  }

  void check_way(InodeNumber ino, const VolumeTree::Way& way) {
    InodeNumber at = kRootInode;
    for (const auto& [directory, name] : way.names) {
      const auto node = is_.nodes.find(at);
      const auto next = node == is_.nodes.end() ? InodeNumber{0} : child(node->second, name);
      if ((at = next) == 0) break;
    }
    if (at == ino) return;
    auto hit = std::max({bounds_.way(way, true), bounds_.inode(ino)});
    const auto& node = bounds_.tree().nodes.at(ino);
    if (is_link(node)) hit = std::max(hit, bounds_.contents(ino));
    if (hit == Hit::kNone) throw Broken(way.path + " is not in the repaired volume");
    if (hit == Hit::kHit && !told(way.path)) {
      throw Broken("nothing tells that " + way.path + " is not in the repaired volume");
    }
  }

  static InodeNumber child(const VolumeTree::Node& node, const std::string& name) {
    const auto found = node.names.find(name);
    return found == node.names.end() ? 0 : found->second;
  }

  /// What had been removed, and whose removal is missed, can come back without a name.
  bool has_come_back(const memoria::Loss& loss) const {
    if (loss.what != What::kFound) return false;
    for (const auto& [ino, ways] : ways_) {
      const bool here = std::any_of(ways.begin(), ways.end(),
                                    [&](const auto& way) { return way.path == loss.path; });
      if (here) return !bounds_.tree().nodes.contains(ino);
    }
    return false;
  }

  /// A range that is told of was hit.
  void check_loss(const memoria::Loss& loss) const {
    if (loss.what != What::kRange) return;
    for (const auto& [ino, ways] : ways_) {
      for (const auto& way : ways) {
        if (way.path != loss.path) continue;
        const auto key = key_of(Key(Table::kContents, ino));
        if (bounds_.of(key) == Hit::kUnknown) return;
        const auto value = bounds_.bounds().value(key);
        for (const auto& part : value ? value->parts : std::vector<Bounds::Part>{}) {
          const bool inside = part.begin < loss.offset + loss.length && loss.offset < part.end;
          if (part.touched && inside) return;
        }
        throw Broken("repair says that a part of " + loss.path + " is lost, which was not hit");
      }
    }
    throw Broken("repair tells of " + loss.path + ", which is not there");
  }

  const VolumeBounds& bounds_;
  const RepairReport& report_;
  const VolumeTree is_;
  const std::map<InodeNumber, std::vector<VolumeTree::Way>> ways_;
};

}  // namespace

void check_repair(const Store& from, const VolumeBounds& bounds, const Options& options) {
  const auto place = SimulatedEnvironment::make();
  auto to = expect(Store::open(place, options), "a new store");
  const auto report = expect(repair_volume(from, *to, kOwner), "repair");
  expect(to->close(), "closing the repaired store");
  to = expect(Store::open(place, options), "the repaired store does not open");
  if (!expect(to->verify(), "verify").clean()) throw Broken("the repaired store is damaged");
  const auto volume = expect(Volume::open(std::move(to), kOwner), "the repaired volume");
  auto tree = tree_of(*volume);
  if (tree.files != tree.nodes.size() || tree.files != report.files) {
    throw Broken("repair counts other files than there are");
  }
  Repair(bounds, report, std::move(tree)).run();
}

}  // namespace memoria::test
