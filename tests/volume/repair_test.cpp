// SPDX-License-Identifier: MIT
// Repair: whatever is damaged, the new volume is sound, and everything that is not as it was is
// told.
#include "fs/volume/repair.hpp"

#include <map>
#include <set>

#include "fs/volume/dentry.hpp"
#include "fs/volume/keys.hpp"
#include "tests/support/simulated_environment.hpp"
#include "tests/volume/fixture.hpp"

using namespace memoria;
using namespace memoria::test;

namespace {

using Tree = std::map<std::string, std::string>;  // contents of files by path

Options small_segments() {
  auto options = volume_options();
  options.segment.max_size = 16 << 10;
  options.reserve_bytes = 0;
  options.recovery_threads = 1;
  return options;
}

/// Reads files by path; every directory on the way must be readable, too.
void read_tree(Volume& volume, InodeNumber directory, const std::string& path, Tree& out) {
  std::vector<DirectoryEntry> entries;
  REQUIRE_OK(volume.list(directory, 0, [&](const DirectoryEntry& entry) {
    entries.push_back(entry);
    return true;
  }));
  uint64_t directories = 0;
  for (const auto& entry : entries) {
    const auto found = unwrap(volume.lookup(directory, entry.name));
    volume.forget(found.ino, 1);
    BOOST_TEST(found.ino == entry.ino);
    const auto below = path + "/" + entry.name;
    if (S_ISDIR(found.mode)) {
      ++directories;
      BOOST_TEST(unwrap(volume.parent(found.ino)) == directory);
      read_tree(volume, found.ino, below, out);
    } else if (S_ISREG(found.mode)) {
      std::string bytes(found.size, '\0');
      BOOST_TEST(unwrap(volume.read(found.ino, 0, bytes)) == bytes.size());
      out[below] = bytes;
    } else if (S_ISLNK(found.mode)) {
      out[below] = unwrap(volume.readlink(found.ino));
    }
    BOOST_TEST(found.links >= 1u);
  }
  BOOST_TEST(unwrap(volume.getattr(directory)).links == 2 + directories);
}

Tree tree_of(Volume& volume) {
  Tree out;
  read_tree(volume, kRootInode, "", out);
  return out;
}

/// A volume in which everything was written once, so that nothing older can show.
struct Subject : VolumeUse {
  std::shared_ptr<SimulatedEnvironment> environment = SimulatedEnvironment::make();
  Tree expected;

  explicit Subject(uint64_t seed) {
    volume = open_volume(environment, small_segments());
    Random random(seed);
    std::vector<std::pair<InodeNumber, std::string>> directories{{kRoot, ""}};
    for (int i = 0; i < 60; ++i) {
      const auto [directory, path] = directories[random.below(directories.size())];
      auto name = std::to_string(i);
      name.insert(0, 1, 'n');
      const auto below = path + "/" + name;
      if (random.one_in(6)) {
        directories.emplace_back(make_directory(name, directory), below);
      } else if (random.one_in(8)) {
        unwrap(volume->symlink(directory, name, "target" + name, kCaller));
        expected[below] = "target" + name;
      } else {
        const auto contents = random.bytes(random.one_in(4) ? random.below(30'000) : 300);
        const auto ino = make_file(name, contents, directory);
        expected[below] = contents;
        if (random.one_in(3)) REQUIRE_OK(volume->setxattr(ino, "user.a", "value", 0));
        if (random.one_in(6)) {
          make_link(ino, name + "-link", directory);
          expected[below + "-link"] = contents;
        }
      }
    }
    REQUIRE_OK(volume->close());
  }
};

struct Repaired {
  bool opened = false;
  bool troubles = false;  // known when it was opened
  RepairReport report;
  std::shared_ptr<SimulatedEnvironment> environment = SimulatedEnvironment::make();
  std::unique_ptr<Volume> volume;
};

Repaired repair(const Image& image) {
  Repaired out;
  auto options = small_segments();
  options.read_only = true;
  bool opening = true;
  options.logger = [&](Severity severity, std::string_view) {
    out.troubles |= opening && severity >= Severity::kError;
  };
  const auto from = Store::open(SimulatedEnvironment::make(image), options);
  opening = false;
  if (!from.has_value()) return out;
  out.opened = true;
  auto to = unwrap(Store::open(out.environment, small_segments()));
  out.report = unwrap(repair_volume(*from.value(), *to, kCaller));
  REQUIRE_OK(to->close());
  to = unwrap(Store::open(out.environment, small_segments()));
  BOOST_TEST(unwrap(to->verify()).clean());
  out.volume = unwrap(Volume::open(std::move(to), kCaller));
  return out;
}

/// Every file is as it was, but for what was told.
void check(Repaired& repaired, const Tree& expected) {
  const auto found = tree_of(*repaired.volume);
  std::set<std::string> gone;
  std::map<std::string, std::vector<std::pair<uint64_t, uint64_t>>> ranges;
  for (const auto& loss : repaired.report.losses) {
    if (loss.what == memoria::Loss::What::kFile || loss.what == memoria::Loss::What::kName)
      gone.insert(loss.path);
    if (loss.what == memoria::Loss::What::kRange)
      ranges[loss.path].push_back({loss.offset, loss.length});
  }
  const auto is_told = [&](const std::string& path) {
    for (auto above = path; !above.empty(); above.resize(above.rfind('/'))) {
      if (gone.contains(above)) return true;
    }
    return repaired.troubles;
  };
  for (const auto& [path, contents] : expected) {
    const auto it = found.find(path);
    if (it == found.end()) {
      BOOST_TEST(is_told(path), path << " is missing");
      continue;
    }
    auto wanted = contents;
    // A file with two names is told by one of them.
    for (const auto& name : {path, path.substr(0, path.rfind("-link"))}) {
      for (const auto& [offset, length] : ranges[name]) {
        BOOST_REQUIRE(offset + length <= wanted.size());
        wanted.replace(offset, length, length, '\0');
      }
    }
    BOOST_TEST((it->second == wanted || repaired.troubles), path << " differs");
  }
  BOOST_TEST(repaired.volume->files() == repaired.report.files);
  // And it goes on.
  const auto made = repaired.volume->mknod(kRootInode, "afterwards", S_IFREG | 0644, 0, kCaller);
  REQUIRE_OK(made);
  repaired.volume->forget(made.value().ino, 1);
  REQUIRE_OK(repaired.volume->close());
}

/// Without hints, segments keep their first and last bytes: otherwise their hints are not believed.
void damage(Image& image, bool hints_too, Random& random) {
  std::vector<std::string> victims;
  for (const auto& [name, bytes] : image) {
    const bool data = name.ends_with(".data");
    if ((data || (hints_too && name.ends_with(".hint"))) && bytes.size() > 100) {
      victims.push_back(name);
    }
  }
  for (uint64_t n = random.between(1, 6); n > 0; --n) {
    auto& bytes = image[victims[random.below(victims.size())]];
    if (bytes.size() < 200) continue;
    const size_t head = hints_too ? 0 : 50;
    const auto at = head + random.below(bytes.size() - 2 * head);
    const auto most = bytes.size() - head - at;
    switch (random.below(hints_too ? 4 : 3)) {
      case 0:
        bytes[at] = char(bytes[at] ^ (1 << random.below(8)));
        break;
      case 1: {
        const auto length = std::min<size_t>(most, random.below(3000));
        bytes.replace(at, length, length, '\0');
        break;
      }
      case 2: {
        const auto length = std::min<size_t>(most, random.below(600));
        bytes.replace(at, length, random.bytes(length));
        break;
      }
      default:
        bytes.resize(at);
        break;
    }
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(repair_of_volumes)

BOOST_AUTO_TEST_CASE(an_intact_volume_is_copied) {
  const Subject subject(base_seed());
  auto repaired = repair(subject.environment->image());
  BOOST_TEST(repaired.report.losses.empty());
  BOOST_TEST((tree_of(*repaired.volume) == subject.expected));
  check(repaired, subject.expected);
}

BOOST_AUTO_TEST_CASE(with_hints_exactly_what_was_hit_is_told) {
  for (uint64_t seed = base_seed(); seed < base_seed() + rounds(60); ++seed) {
    WITH_SEED(seed) {
      Random random(seed);
      const Subject subject(seed % 4);
      auto image = subject.environment->image();
      damage(image, false, random);
      auto repaired = repair(image);
      BOOST_REQUIRE(repaired.opened);
      repaired.troubles = false;  // the hints know everything
      check(repaired, subject.expected);
    }
  }
}

BOOST_AUTO_TEST_CASE(whatever_is_damaged_the_new_one_is_sound) {
  uint64_t opened = 0;
  for (uint64_t seed = base_seed(); seed < base_seed() + rounds(60); ++seed) {
    WITH_SEED(seed) {
      Random random(seed);
      const Subject subject(seed % 4);
      auto image = subject.environment->image();
      if (random.one_in(2)) {
        std::erase_if(image, [](const auto& file) { return file.first.ends_with(".hint"); });
      }
      damage(image, true, random);
      auto repaired = repair(image);
      if (!repaired.opened) continue;
      ++opened;
      check(repaired, subject.expected);
    }
  }
  BOOST_TEST(opened > rounds(60) / 2);
}

/// Keys are taken away one after the other, as damage that leaves no trace would.
BOOST_AUTO_TEST_CASE(what_lost_its_name_or_its_inode_is_found) {
  const Subject subject(1);
  std::vector<std::string> keys;
  {
    const auto store = unwrap(
        Store::open(SimulatedEnvironment::make(subject.environment->image()), small_segments()));
    REQUIRE_OK(store->scan({}, {}, [&](const KeyInfo& info) {
      keys.emplace_back(info.key);
      return true;
    }));
  }
  uint64_t found = 0, made_up = 0;
  for (const auto& key : keys) {
    BOOST_TEST_CONTEXT("without key " << key.front() << " of inode " << inode_in_key(key)) {
      const auto place = SimulatedEnvironment::make(subject.environment->image());
      {
        const auto store = unwrap(Store::open(place, small_segments()));
        REQUIRE_OK(store->erase(key));
        REQUIRE_OK(store->close());
      }
      auto repaired = repair(place->image());
      BOOST_REQUIRE(repaired.opened);
      for (const auto& loss : repaired.report.losses) {
        found += loss.what == memoria::Loss::What::kFound;
        made_up += loss.what == memoria::Loss::What::kAttributes;
      }
      if (key.front() == 'I' || key.front() == 'N') BOOST_TEST(!repaired.report.losses.empty());
      const auto tree = tree_of(*repaired.volume);
      std::multiset<std::string> contents, wanted;
      for (const auto& [path, bytes] : tree) contents.insert(bytes);
      for (const auto& [path, bytes] : subject.expected) wanted.insert(bytes);
      // At most what that one key held is gone.
      size_t missing = 0;
      for (const auto& bytes : std::set<std::string>(wanted.begin(), wanted.end())) {
        missing += contents.count(bytes) == 0;
      }
      BOOST_TEST(missing <= 1u);
    }
  }
  BOOST_TEST(found > 0u);
  BOOST_TEST(made_up > 0u);
}

BOOST_AUTO_TEST_CASE(an_old_name_of_a_directory_gives_way_to_the_right_one) {
  for (const bool right_one_is_there : {true, false}) {
    VolumeUse use;
    const auto place = SimulatedEnvironment::make();
    use.volume = open_volume(place, small_segments());
    const auto above = use.make_directory("z");
    const auto directory = use.make_directory("directory", above);
    use.make_file("file", "contents", directory);
    const auto old = encode(Dentry{directory, S_IFDIR, kFirstCookie});
    auto& store = use.volume->store();
    REQUIRE_OK(store.put(Key(Table::kNames, kRoot, "old"), old));
    if (!right_one_is_there) REQUIRE_OK(store.erase(Key(Table::kNames, above, "directory")));
    REQUIRE_OK(use.volume->close());
    auto repaired = repair(place->image());
    BOOST_REQUIRE(repaired.opened);
    const std::string path = right_one_is_there ? "/z/directory/file" : "/old/file";
    BOOST_TEST((tree_of(*repaired.volume) == Tree{{path, "contents"}}));
    BOOST_TEST(!repaired.report.losses.empty());
  }
}

// What had no name yet, and whose name is in a segment that is gone together with the manifest, is
// kept by every opening, and saved by repair; what comes after that is certain again.
BOOST_AUTO_TEST_CASE(what_may_have_got_a_name_is_kept_when_nobody_knows_what_is_missing) {
  const auto environment = SimulatedEnvironment::make();
  const auto options = small_segments();
  VolumeUse use;
  use.volume = open_volume(environment, options);
  const auto file = unwrap(use.volume->make_unnamed(kRoot, 0644, kCaller)).ino;
  REQUIRE_OK(use.volume->write(file, 0, "contents", false));
  const auto top = unwrap(use.volume->grow(kRoot, kCaller));
  use.make_file("inside", "contents", top);
  const auto rotate = [&] {
    unwrap(use.volume->store().create_snapshot("moment"));
    REQUIRE_OK(use.volume->store().remove_snapshot("moment"));
  };
  rotate();
  const auto before = environment->files(".data");
  unwrap(use.volume->link(file, kRoot, "name"));
  REQUIRE_OK(use.volume->place(top, "/tree"));
  rotate();
  const auto after = environment->files(".data");
  use.make_file("later", "contents");
  REQUIRE_OK(use.volume->close());
  for (const auto& name : after) {
    if (std::count(before.begin(), before.end(), name) == 0) environment->delete_file(name);
  }
  for (const auto& hint : environment->files(".hint")) environment->delete_file(hint);
  environment->delete_file("manifest");

  for (int opening = 0; opening < 3; ++opening) {
    use.volume = open_volume(environment, options);
    BOOST_TEST(use.contents(file) == "contents");
    BOOST_TEST(use.contents(use.find("inside", top).ino) == "contents");
    // Whoever is killed now leaves an orphan and a tree that the next opening knows.
    const auto sure = unwrap(use.volume->make_unnamed(kRoot, 0644, kCaller)).ino;
    const auto growing = unwrap(use.volume->grow(kRoot, kCaller));
    use.volume = open_volume(SimulatedEnvironment::make(environment->image()), options);
    BOOST_TEST(!use.volume->getattr(sure).has_value());
    BOOST_TEST(!use.volume->getattr(growing).has_value());
    BOOST_TEST(use.contents(file) == "contents");
    REQUIRE_OK(use.volume->close());
    use.volume.reset();
  }
  auto repaired = repair(environment->image());
  BOOST_REQUIRE(repaired.opened);
  const auto tree = tree_of(*repaired.volume);
  BOOST_TEST(tree.at("/later") == "contents");
  BOOST_TEST(tree.at("/lost+found/#" + std::to_string(file)) == "contents");
  BOOST_TEST(tree.at("/lost+found/#" + std::to_string(top) + "/inside") == "contents");
}

BOOST_AUTO_TEST_SUITE_END()
