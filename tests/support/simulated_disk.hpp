// SPDX-License-Identifier: MIT
// A disk that remembers what is durable: the model behind the simulated environment and its
// crashes.
//
// The model of a crash:
// - File data (writes, truncations) is durable after a sync() of that file and not before. Of what
//   was not synced, any subset may have reached the disk, torn at sectors of 512 bytes; a write
//   that was lost in front of one that was not leaves zeros. A file's size may be durable without
//   its data. Often one file is there whole and another not at all, as write-back goes by files.
// - Names (create, rename, link, remove, make_directory) become durable in the order they were
//   made, as on a journaled filesystem, and surely with the next sync_directory(). Before that, a
//   prefix of them survives. A file whose data is durable can thus be lost when its name is not.
// - After a failed sync() the kernel may have dropped what was dirty: what was written before it is
//   not made durable by a later sync() that succeeds.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/random.hpp"

namespace memoria::test {

/// All files by path. Directories end in '/'.
using Image = std::map<std::string, std::string>;

/// All files, with hard links: names (directories end in '/') lead to inodes, and those to bytes.
struct Remains {
  std::map<std::string, uint64_t> names{};
  std::map<uint64_t, std::string> files{};
};

/// One change of the disk, as recorded in a trace.
struct Operation {
  enum class Type {
    kCreate,         ///< name, inode
    kWrite,          ///< inode, offset, bytes
    kTruncate,       ///< inode, offset: the size
    kSync,           ///< inode
    kFailedSync,     ///< inode
    kRename,         ///< name, to
    kExchange,       ///< name, to: directories
    kLink,           ///< name, to
    kRemove,         ///< name
    kMakeDirectory,  ///< name
    kSyncDirectory,
  };
  Type type;
  uint64_t inode = 0;
  uint64_t offset = 0;
  std::string name{}, to{};
  std::string bytes{};
};

/// What a crash takes.
enum class Loss {
  kNothing,     ///< the process died, the machine did not
  kUnsynced,    ///< everything that was not synced
  kLatestOnly,  ///< per file and for the names: all but a prefix; the last survivor may be torn
  kRandom,      ///< any subset, torn at sectors
};

class SimulatedDisk {
 public:
  static constexpr size_t kSectorSize = 512;
  static constexpr size_t kPageSize = 4096;  ///< unit of allocation

  SimulatedDisk() = default;
  explicit SimulatedDisk(const Image& image);

  void apply(const Operation& operation);

  /// As the running program sees it. 0: no such file.
  uint64_t find(std::string_view name) const;
  const std::map<std::string, uint64_t>& names() const { return names_; }
  const std::string& bytes(uint64_t inode) const { return files_.at(inode).seen; }
  Image image() const;
  uint64_t next_inode() const { return next_inode_; }

  /// Bytes of allocated pages, of files that have a name.
  uint64_t used_bytes() const;
  /// Files and directories that have a name; of hard links, one.
  uint64_t used_files() const;
  /// How many bytes of new pages this write would take.
  uint64_t growth(uint64_t inode, uint64_t offset, uint64_t size) const;

  /// What is found after a crash at this moment.
  Remains remains(Loss loss, Random& random) const;
  /// The same, each name with bytes of its own.
  Image after_crash(Loss loss, Random& random) const;

 private:
  struct Pending {
    bool truncation = false;
    bool dropped = false;  ///< by a failed sync
    uint64_t offset = 0;   ///< or the size
    std::string bytes;
  };
  struct File {
    std::string seen, durable;
    std::vector<Pending> pending;
    std::vector<bool> pages;
  };
  using Names = std::map<std::string, uint64_t>;

  static void perform(std::string& bytes, const Pending& change);
  static void perform(Names& names, const Operation& change);
  static void rename_directory(Names& names, const Operation& change);
  static std::string survivor(const File& file, Loss loss, Random& random);
  static void tear(std::string& bytes, const Pending& write, Random& random);
  void change_data(const Operation& operation);
  void sync(File& file);
  void forget_unreachable();

  std::map<uint64_t, File> files_;
  Names names_, durable_names_;
  std::vector<Operation> pending_names_;
  uint64_t next_inode_ = 1;
};

}  // namespace memoria::test
