// SPDX-License-Identifier: MIT
#include "tests/powerloss/on_disk.hpp"

#include <sys/stat.h>

#include <boost/filesystem.hpp>
#include <stdexcept>

#include "tests/support/temporary_directory.hpp"

namespace memoria::powerloss {
namespace {

namespace fs = boost::filesystem;

class Loader {
 public:
  explicit Loader(DiskTree& tree) : tree_(tree) {}

  void load(const fs::path& directory, NodeId node) {
    for (const auto& entry : fs::directory_iterator(directory)) {
      const auto name = entry.path().filename().string();
      if (entry.status().type() == fs::directory_file) {
        tree_.make_directory(node, name, 0700);
        load(entry.path(), tree_.find(node, name));
      } else if (entry.status().type() == fs::regular_file) {
        load_file(entry.path().string(), node, name);
      }
    }
  }

 private:
  void load_file(const std::string& path, NodeId directory, const std::string& name) {
    struct stat st {};
    if (::stat(path.c_str(), &st) != 0) throw std::runtime_error("cannot read " + path);
    if (auto& known = by_number_[st.st_ino]; known != 0) {
      tree_.link(known, directory, name);
    } else {
      tree_.make_file(directory, name, 0600);
      known = tree_.find(directory, name);
      tree_.write(known, 0, test::read_whole_file(path));
      tree_.sync(known);
    }
  }

  DiskTree& tree_;
  std::map<ino_t, NodeId> by_number_;
};

}  // namespace

void load(DiskTree& tree, const std::string& directory) {
  Loader(tree).load(directory, DiskTree::kRoot);
  tree.sync_names();
}

void store(const test::Remains& remains, const std::string& directory) {
  for (const auto& entry : fs::directory_iterator(directory)) fs::remove_all(entry.path());
  std::map<uint64_t, fs::path> stored;
  for (const auto& [name, inode] : remains.names) {  // a directory sorts before what is in it
    const auto path = fs::path(directory) / name;
    if (name.ends_with('/')) {
      fs::create_directory(path.parent_path());
      fs::permissions(path.parent_path(), fs::owner_all);
    } else if (const auto known = stored.find(inode); known != stored.end()) {
      fs::create_hard_link(known->second, path);
    } else {
      test::write_whole_file(path.string(), remains.files.at(inode));
      fs::permissions(path, fs::owner_read | fs::owner_write);
      stored.emplace(inode, path);
    }
  }
}

}  // namespace memoria::powerloss
