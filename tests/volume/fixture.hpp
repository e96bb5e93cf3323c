// SPDX-License-Identifier: MIT
// A volume for each test case, and short words for using it.
#pragma once

#include <sys/stat.h>

#include <boost/filesystem.hpp>
#include <boost/test/unit_test.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "core/log/manifest.hpp"
#include "fs/volume/transaction.hpp"
#include "fs/volume/volume.hpp"
#include "tests/support/check.hpp"
#include "tests/support/temporary_directory.hpp"

namespace memoria::test {

/// 0, or the errno that a program would see.
template <class T>
int errno_of(const Result<T>& r) {
  return r.has_value() ? 0 : r.error().to_errno();
}

/// Until the clock for times of files has moved, which it does with the timer interrupt.
inline void wait_for_tick() {
  const auto now = wall_clock();
  while (wall_clock() == now) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

inline constexpr Caller kCaller{.uid = 1000, .gid = 100};
inline constexpr InodeNumber kRoot = kRootInode;

/// What a volume's store is opened with in tests: small segments, nothing in the background.
inline Options volume_options() {
  Options out = Volume::store_options();
  out.segment.max_size = 1 << 20;
  out.segment.merge_check_interval = std::chrono::milliseconds(0);
  out.sync_policy = SyncPolicy::kNever;
  return out;
}

inline std::unique_ptr<Volume> open_volume(std::shared_ptr<Environment> environment,
                                           const Options& options = volume_options()) {
  auto store = unwrap(Store::open(std::move(environment), options));
  return unwrap(Volume::open(std::move(store), kCaller));
}

/// Short words for one volume. Only for a test's own thread.
struct VolumeUse {
  /// A new file with contents, that nobody holds.
  InodeNumber make_file(std::string_view name, std::string_view contents = {},
                        InodeNumber parent = kRoot) {
    const auto made = unwrap(volume->mknod(parent, name, S_IFREG | 0644, 0, kCaller));
    if (!contents.empty()) REQUIRE_OK(volume->write(made.ino, 0, contents, false));
    volume->forget(made.ino, 1);
    return made.ino;
  }
  InodeNumber make_directory(std::string_view name, InodeNumber parent = kRoot) {
    const auto made = unwrap(volume->mkdir(parent, name, 0755, kCaller));
    volume->forget(made.ino, 1);
    return made.ino;
  }
  InodeNumber make_link(InodeNumber ino, std::string_view name, InodeNumber parent = kRoot) {
    const auto made = unwrap(volume->link(ino, parent, name));
    volume->forget(made.ino, 1);
    return made.ino;
  }
  /// The inode of a name that must be there, without holding it.
  Attributes find(std::string_view name, InodeNumber parent = kRoot) {
    const auto found = unwrap(volume->lookup(parent, name));
    volume->forget(found.ino, 1);
    return found;
  }
  int lookup_errno(std::string_view name, InodeNumber parent = kRoot) {
    const auto found = volume->lookup(parent, name);
    if (found.has_value()) volume->forget(found.value().ino, 1);
    return errno_of(found);
  }
  Attributes stat(InodeNumber ino) { return unwrap(volume->getattr(ino)); }
  /// What it is before a change, whose time then is a later one.
  Attributes stat_before(InodeNumber ino) {
    const auto out = stat(ino);
    wait_for_tick();
    return out;
  }
  std::string contents(InodeNumber ino) {
    std::string out(stat(ino).size, '\0');
    BOOST_REQUIRE_EQUAL(unwrap(volume->read(ino, 0, out)), out.size());
    return out;
  }
  /// All entries behind a cookie.
  std::vector<DirectoryEntry> entries(InodeNumber of = kRoot, uint64_t cookie = 0) {
    std::vector<DirectoryEntry> out;
    REQUIRE_OK(volume->list(of, cookie, [&](const DirectoryEntry& entry) {
      out.push_back(entry);
      return true;
    }));
    return out;
  }
  std::vector<std::string> names(InodeNumber of = kRoot) {
    std::vector<std::string> out;
    for (auto& entry : entries(of)) out.push_back(std::move(entry.name));
    return out;
  }
  /// How many keys of the store start with this letter: what is left behind shows here.
  size_t keys(char letter) {
    size_t out = 0;
    REQUIRE_OK(volume->store().scan(std::string(1, letter), {}, [&](const KeyInfo&) {
      ++out;
      return true;
    }));
    return out;
  }

  std::unique_ptr<Volume> volume;
};

/// A volume in a temporary directory of the real filesystem.
struct VolumeFixture : VolumeUse {
  VolumeFixture() { open(); }
  /// A volume in a directory that is being removed would go on writing there.
  ~VolumeFixture() { volume.reset(); }
  VolumeFixture(const VolumeFixture&) = delete;
  VolumeFixture& operator=(const VolumeFixture&) = delete;

  void open() { volume = open_volume(unwrap(open_directory(place.path(), true)), options); }
  void close() {
    REQUIRE_OK(volume->close());
    volume.reset();
  }
  void reopen() {
    close();
    open();
  }
  /// Goes on with what a killed process would have left: everything in memory is lost.
  void crash() {
    namespace bfs = boost::filesystem;
    const bfs::path here = place.path(), copy = here / ".copy";
    bfs::create_directory(copy);
    const auto move_data = [](const bfs::path& from, const bfs::path& to) {
      for (const auto& entry : bfs::directory_iterator(from)) {
        const auto& path = entry.path();
        if (path.extension() == ".data" || path.filename() == kManifestFile.data()) {
          bfs::copy_file(path, to / path.filename());
        }
      }
    };
    move_data(here, copy);
    close();
    for (const auto& entry : bfs::directory_iterator(here)) {
      if (bfs::is_regular_file(entry.path())) bfs::remove(entry.path());
    }
    move_data(copy, here);
    bfs::remove_all(copy);
    open();
  }
  /// Removes every hint; they are rebuilt at the next open.
  void delete_hints() {
    namespace bfs = boost::filesystem;
    std::vector<bfs::path> hints;
    for (const auto& entry : bfs::directory_iterator(place.path())) {
      if (entry.path().extension() == ".hint") hints.push_back(entry.path());
    }
    for (const auto& hint : hints) bfs::remove(hint);
  }

  TemporaryDirectory place;
  Options options = volume_options();
};

}  // namespace memoria::test
