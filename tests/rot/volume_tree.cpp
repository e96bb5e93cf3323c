// SPDX-License-Identifier: MIT
#include "tests/rot/volume_tree.hpp"

#include <sys/stat.h>

#include "tests/crash/recording.hpp"

namespace memoria::test {
namespace {

class Reader {
 public:
  explicit Reader(Volume& volume) : volume_(volume) {}

  VolumeTree run() {
    node(kRootInode);
    std::map<InodeNumber, uint32_t> links{{kRootInode, 2}};
    for (const auto& [ino, node] : tree_.nodes) {
      for (const auto& [name, child] : node.names) {
        const bool directory = S_ISDIR(tree_.nodes.at(child).attributes.mode);
        links[child] += directory ? 2 : 1;
        links[ino] += directory;
      }
    }
    for (const auto& [ino, node] : tree_.nodes) {
      if (node.attributes.links != links[ino]) {
        throw Broken("inode " + std::to_string(ino) + " says a wrong number of links");
      }
    }
    tree_.files = volume_.files();
    return std::move(tree_);
  }

 private:
  void node(InodeNumber ino) {
    auto& node = tree_.nodes[ino];
    node.attributes = expect(volume_.getattr(ino), "an inode");
    for (const auto& name : expect(volume_.listxattr(ino), "listing attributes")) {
      node.xattrs[name] = expect(volume_.getxattr(ino, name), "an attribute");
    }
    const auto mode = node.attributes.mode;
    if (S_ISLNK(mode)) node.contents = expect(volume_.readlink(ino), "a symlink");
    if (S_ISREG(mode)) {
      node.contents.resize(node.attributes.size);
      const auto got = expect(volume_.read(ino, 0, node.contents), "contents");
      if (got != node.contents.size()) throw Broken("a short read");
    }
    if (S_ISDIR(mode)) directory(ino, node);
  }

  void directory(InodeNumber ino, VolumeTree::Node& node) {
    std::vector<DirectoryEntry> entries;
    expect(volume_.list(ino, 0,
                        [&](const DirectoryEntry& entry) {
                          entries.push_back(entry);
                          return true;
                        }),
           "listing");
    for (const auto& entry : entries) {
      const auto found = expect(volume_.lookup(ino, entry.name), "a listed name");
      volume_.forget(found.ino, 1);
      if (found.ino != entry.ino || (found.mode & S_IFMT) != entry.type) {
        throw Broken(entry.name + " is not what the listing says");
      }
      if (!node.names.emplace(entry.name, entry.ino).second) {
        throw Broken(entry.name + " is listed twice");
      }
      if (!tree_.nodes.contains(entry.ino)) {
        this->node(entry.ino);
      } else if (S_ISDIR(found.mode)) {
        throw Broken(entry.name + " is a directory with two names");
      }
      if (S_ISDIR(found.mode) && expect(volume_.parent(entry.ino), "a parent") != ino) {
        throw Broken(entry.name + " has another parent");
      }
    }
  }

  Volume& volume_;
  VolumeTree tree_;
};

}  // namespace

std::map<InodeNumber, std::vector<VolumeTree::Way>> VolumeTree::ways() const {
  std::map<InodeNumber, std::vector<Way>> out{{kRootInode, {{"/", {}}}}};
  std::vector<InodeNumber> waiting{kRootInode};
  while (!waiting.empty()) {
    const auto directory = waiting.back();
    waiting.pop_back();
    const auto above = out.at(directory).front();
    for (const auto& [name, ino] : nodes.at(directory).names) {
      Way way = above;
      way.path += (way.path == "/" ? "" : "/") + name;
      way.names.emplace_back(directory, name);
      out[ino].push_back(std::move(way));
      if (S_ISDIR(nodes.at(ino).attributes.mode)) waiting.push_back(ino);
    }
  }
  return out;
}

VolumeTree tree_of(Volume& volume) {
  return Reader(volume).run();
}

}  // namespace memoria::test
