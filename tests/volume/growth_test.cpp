// SPDX-License-Identifier: MIT
// Trees that grow without a name: nobody sees them until they are whole, and whatever happens
// before, nothing of them is left.
#include <algorithm>

#include "core/log/segment.hpp"
#include "fs/volume/dentry.hpp"
#include "fs/volume/keys.hpp"
#include "fs/volume/path_finder.hpp"
#include "fs/volume/repair.hpp"
#include "tests/support/simulated_environment.hpp"
#include "tests/volume/fixture.hpp"

namespace memoria::test {
namespace {

/// More than come in one batch.
constexpr int kMany = 5000;

struct Growth : VolumeFixture {
  InodeNumber grow(InodeNumber parent = kRoot) { return unwrap(volume->grow(parent, kCaller)); }

  /// A tree of everything: files with contents and attributes, links, directories.
  void fill(InodeNumber top) {
    const auto file = make_file("file", std::string(100'000, 'f'), top);
    REQUIRE_OK(volume->setxattr(file, "user.a", "1", 0));
    const auto directory = make_directory("directory", top);
    make_link(file, "link", directory);
    make_directory("deep", make_directory("empty", directory));
    volume->forget(unwrap(volume->symlink(directory, "symlink", "target", kCaller)).ino, 1);
  }
  void check_filled(InodeNumber top) {
    BOOST_TEST(contents(find("file", top).ino).size() == 100'000u);
    const auto directory = find("directory", top);
    BOOST_TEST(directory.links == 3u);
    BOOST_TEST(find("link", directory.ino).ino == find("file", top).ino);
    BOOST_TEST(unwrap(volume->parent(directory.ino)) == top);
    BOOST_TEST(names(directory.ino).size() == 3u);
  }
  /// The keys of an empty volume.
  void check_nothing_is_left() {
    BOOST_TEST(names().empty());
    BOOST_TEST(volume->store().count() == 2u);
    BOOST_TEST(volume->files() == 1u);
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(growth, Growth)

BOOST_AUTO_TEST_CASE(a_growing_tree_is_nowhere_until_it_is_placed) {
  const auto top = grow();
  fill(top);
  BOOST_TEST(names().empty());
  BOOST_TEST(stat(kRoot).links == 2u);
  BOOST_TEST(unwrap(PathFinder::read(volume->store(), {top})).path_of(top).empty());
  REQUIRE_OK(volume->place(top, "/new"));
  BOOST_TEST(find("new").ino == top);
  BOOST_TEST(stat(kRoot).links == 3u);
  BOOST_TEST(unwrap(volume->parent(top)) == kRoot);
  check_filled(top);
  BOOST_TEST(keys('G') == 0u);
  REQUIRE_OK(volume->uproot(top));  // it is none any more
  reopen();
  check_filled(find("new").ino);
  BOOST_TEST(volume->files() == keys('I'));
}

BOOST_AUTO_TEST_CASE(it_takes_the_place_of_an_empty_directory_and_of_nothing_else) {
  make_file("file");
  const auto full = make_directory("full");
  make_file("inner", "", full);
  const auto empty = make_directory("empty", full);
  const auto top = grow(full);
  fill(top);
  BOOST_TEST(errno_of(volume->place(top, "/file")) == EEXIST);
  BOOST_TEST(errno_of(volume->place(top, "/full")) == ENOTEMPTY);
  BOOST_TEST(errno_of(volume->place(top, "/")) == ENOTEMPTY);
  BOOST_TEST(errno_of(volume->place(top, "/none/new")) == ENOENT);
  BOOST_TEST(errno_of(volume->place(top, "/file/new")) == ENOTDIR);
  BOOST_TEST(errno_of(volume->place(top, "/..")) == EINVAL);
  REQUIRE_OK(volume->place(top, "/full/empty"));
  BOOST_TEST(find("empty", full).ino == top);
  BOOST_TEST(errno_of(volume->getattr(empty)) == ENOENT);
  BOOST_TEST(stat(full).links == 3u);
  BOOST_TEST(errno_of(volume->place(top, "/twice")) == EINVAL);
  check_filled(top);
}

BOOST_AUTO_TEST_CASE(it_inherits_as_a_directory_of_its_place) {
  AttributeChanges changes;
  changes.mode = 02775;
  changes.gid = 4711;
  (void)unwrap(volume->setattr(make_directory("shared"), changes));
  const auto top = grow(find("shared").ino);
  BOOST_TEST(stat(top).gid == 4711u);
  BOOST_TEST((stat(top).mode & S_ISGID) != 0u);
  BOOST_TEST(errno_of(volume->grow(make_file("file"), kCaller)) == ENOTDIR);
}

BOOST_AUTO_TEST_CASE(an_uprooted_tree_leaves_nothing) {
  const auto top = grow();
  fill(top);
  REQUIRE_OK(volume->uproot(top));
  check_nothing_is_left();
  BOOST_TEST(errno_of(volume->getattr(top)) == ENOENT);
  reopen();
  check_nothing_is_left();
}

BOOST_AUTO_TEST_CASE(a_tree_deeper_than_a_stack_goes_as_well) {
  const auto top = grow();
  auto at = top;
  for (int i = 0; i < 50'000; ++i) at = make_directory("d", at);
  REQUIRE_OK(volume->uproot(top));
  check_nothing_is_left();
}

BOOST_AUTO_TEST_CASE(what_a_killed_process_left_goes_at_the_next_open) {
  const auto top = grow();
  fill(top);
  for (int i = 0; i < kMany; ++i) make_file(std::to_string(i), "x", top);
  crash();
  check_nothing_is_left();
}

BOOST_AUTO_TEST_CASE(a_read_only_volume_leaves_it_alone) {
  fill(grow());
  options.read_only = true;
  reopen();
  BOOST_TEST(names().empty());
  BOOST_TEST(keys('G') == 1u);
}

BOOST_AUTO_TEST_CASE(a_record_for_a_named_directory_costs_it_nothing) {
  const auto directory = make_directory("directory");
  make_file("file", "contents", directory);
  for (const auto ino : {directory, kRoot, find("file", directory).ino, InodeNumber{999}}) {
    REQUIRE_OK(volume->store().put(Key(Table::kGrowing, ino), ""));
  }
  reopen();
  BOOST_TEST(contents(find("file", find("directory").ino).ino) == "contents");
  BOOST_TEST(keys('G') == 0u);
}

BOOST_AUTO_TEST_CASE(a_name_that_leads_out_of_the_tree_takes_nothing_with_it) {
  const auto directory = make_directory("directory");
  make_file("file", "contents", directory);
  const auto top = grow();
  REQUIRE_OK(volume->store().put(Key(Table::kNames, top, "wrong"),
                                 encode(Dentry{directory, S_IFDIR, 1000})));
  REQUIRE_OK(volume->store().put(Key(Table::kNames, top, "damaged"), "?"));
  REQUIRE_OK(volume->uproot(top));
  BOOST_TEST(contents(find("file", directory).ino) == "contents");
  BOOST_TEST(keys('N') == 2u);
}

BOOST_AUTO_TEST_CASE(into_the_root_come_all_names_and_the_caches_hear_of_each) {
  std::vector<std::string> told;
  volume->set_caches({.entry_changed = [&](InodeNumber parent, std::string_view name) {
    if (parent == kRoot) told.emplace_back(name);
  }});
  BOOST_TEST(names().empty());  // from here on the listing is kept in memory
  const auto top = grow();
  fill(top);
  for (int i = 0; i < kMany; ++i) make_file(std::to_string(i), std::to_string(i), top);
  REQUIRE_OK(volume->place(top, "/"));
  BOOST_TEST(told.size() == size_t(kMany + 2));
  for (int times = 0; times < 2; ++times, reopen()) {
    BOOST_TEST(names().size() == size_t(kMany + 2));
    BOOST_TEST(names().front() == "file");  // in the order of their making
    BOOST_TEST(names().back() == std::to_string(kMany - 1));
    BOOST_TEST(contents(find("1234").ino) == "1234");
    BOOST_TEST(stat(kRoot).links == 3u);
    check_filled(kRoot);
    BOOST_TEST(volume->files() == keys('I'));
    BOOST_TEST(keys('G') == 0u);
  }
}

BOOST_AUTO_TEST_CASE(the_root_fills_with_one_sync) {
  const auto disk = SimulatedEnvironment::make();
  VolumeUse use{open_volume(disk)};
  const auto top = unwrap(use.volume->grow(kRoot, kCaller));
  for (int i = 0; i < 1000; ++i) use.make_file(std::to_string(i), "", top);
  const auto before = disk->calls(kCallSync);
  REQUIRE_OK(use.volume->place(top, "/"));
  BOOST_TEST(disk->calls(kCallSync) - before == 1u);
}

BOOST_AUTO_TEST_CASE(repair_leaves_it_out) {
  make_file("kept", "contents");
  fill(grow());
  auto to = unwrap(Store::open(SimulatedEnvironment::make(), options));
  const auto report = unwrap(repair_volume(volume->store(), *to, kCaller));
  BOOST_TEST(report.losses.empty());
  VolumeUse repaired{unwrap(Volume::open(std::move(to), kCaller))};
  BOOST_TEST(repaired.names() == std::vector<std::string>{"kept"});
}

/// What gave the tree its name is lost without a trace, and so it seems to be unfinished.
BOOST_AUTO_TEST_CASE(repair_of_a_damaged_volume_leaves_nothing_out) {
  const auto disk = SimulatedEnvironment::make();
  {
    VolumeUse use{open_volume(disk)};
    const auto top = unwrap(use.volume->grow(kRoot, kCaller));
    use.make_file("file", "contents", top);
    REQUIRE_OK(use.volume->create_snapshot("then"));  // what follows is in another segment
    REQUIRE_OK(use.volume->place(top, "/tree"));
    REQUIRE_OK(use.volume->close());
  }
  REQUIRE_OK(unwrap(Store::open(disk, options))->remove_snapshot("then"));
  const auto newest = disk->files(".data").back();
  auto bytes = disk->contents(newest);
  std::fill(bytes.begin() + kSegmentHeaderSize, bytes.end(), '\0');
  disk->set_contents(newest, bytes);
  disk->delete_file(disk->files(".hint").back());
  auto to = unwrap(Store::open(SimulatedEnvironment::make(), options));
  (void)unwrap(repair_volume(*unwrap(Store::open(disk, options)), *to, kCaller));
  VolumeUse repaired{unwrap(Volume::open(std::move(to), kCaller))};
  const auto found = repaired.find("lost+found").ino;
  BOOST_REQUIRE(repaired.names(found).size() == 1u);
  const auto top = repaired.find(repaired.names(found)[0], found).ino;
  BOOST_TEST(repaired.contents(repaired.find("file", top).ino) == "contents");
}

/// By somebody else: directories that hold themselves, and names that no directory can hold.
BOOST_AUTO_TEST_CASE(a_tree_that_somebody_has_made_up_does_not_keep_the_volume_from_being_opened) {
  const auto top = grow();
  const auto inner = make_directory("inner", top);
  auto inode = unwrap(load_inode(volume->store(), top));
  inode.place = kFirstCookie + 1'000'000;  // of an entry that leads to itself
  const auto top_bytes = encode(inode);
  Batch batch;
  const std::string empty_name(std::string_view(Key(Table::kNames, inner)));
  const auto long_name = empty_name + std::string(kMaxName + 50, 'x');
  const auto around = encode(Dentry{top, S_IFDIR, inode.place});
  batch.put(Key(Table::kInodes, top), top_bytes);
  batch.put(Key(Table::kNames, top, "itself"), around);
  batch.put(empty_name, around);
  batch.put(long_name, around);
  REQUIRE_OK(volume->store().apply(batch));
  reopen();
  BOOST_TEST(names().empty());
  BOOST_TEST(keys('G') == 0u);
  BOOST_TEST(keys('I') == 1u);
}

BOOST_AUTO_TEST_CASE(a_name_that_somebody_made_while_the_root_was_half_full_stays) {
  const auto top = grow();
  for (const auto* name : {"taken", "taken.imported-1", "free"}) make_file(name, "import", top);
  // As a move that a full disk has interrupted leaves it.
  REQUIRE_OK(volume->store().put(Key(Table::kGrowing, top), "M"));
  const auto mine = make_file("taken", "mine");
  reopen();
  BOOST_TEST(contents(mine) == "mine");
  BOOST_TEST(find("taken").ino == mine);
  BOOST_TEST(names().size() == 4u);
  BOOST_TEST(contents(find("free").ino) == "import");
  BOOST_TEST(contents(find("taken.imported-1").ino) == "import");
  BOOST_TEST(contents(find("taken.imported-2").ino) == "import");
  BOOST_TEST(keys('G') == 0u);
  BOOST_TEST(volume->files() == keys('I'));
}

BOOST_AUTO_TEST_CASE(what_was_grown_gets_its_names_although_only_the_reserve_is_left) {
  options.reserve_bytes = 4 << 20;
  for (const std::string path : {"/", "/new"}) {
    const auto disk = SimulatedEnvironment::make();
    // Near enough to the reserve that the space is looked at before each write.
    disk->set_capacity(options.reserve_bytes + (3900 << 10));
    VolumeUse use{open_volume(disk, options)};
    const auto top = unwrap(use.volume->grow(kRoot, kCaller));
    for (int i = 0; i < kMany; ++i) use.make_file(std::to_string(i), "", top);
    disk->set_capacity(disk->used_bytes() + options.reserve_bytes - 1000);
    BOOST_TEST(errno_of(use.volume->mknod(kRoot, "other", S_IFREG | 0644, 0, kCaller)) == ENOSPC);
    REQUIRE_OK(use.volume->place(top, path));
    BOOST_TEST(use.names(path == "/" ? kRoot : top).size() == size_t(kMany));
  }
}

BOOST_AUTO_TEST_CASE(a_full_disk_does_not_keep_a_volume_with_leftovers_from_being_opened) {
  const auto disk = SimulatedEnvironment::make();
  {
    VolumeUse use{open_volume(disk, options)};
    use.make_file("file", "contents");
    use.make_file("grown", "contents", unwrap(use.volume->grow(kRoot, kCaller)));
    use.make_file("orphan");
    (void)unwrap(use.volume->lookup(kRoot, "orphan"));
    REQUIRE_OK(use.volume->unlink(kRoot, "orphan"));
    REQUIRE_OK(use.volume->sync());
  }
  const auto killed = SimulatedEnvironment::make(disk->image());
  killed->set_capacity(killed->used_bytes());
  {
    VolumeUse use{open_volume(killed, options)};
    BOOST_TEST(use.contents(use.find("file").ino) == "contents");
  }
  killed->set_capacity(UINT64_MAX);
  VolumeUse use{open_volume(killed, options)};
  BOOST_TEST(use.keys('G') == 0u);
  BOOST_TEST(use.keys('O') == 0u);
  BOOST_TEST(use.keys('I') == 2u);
}

/// Grows a tree of files, half of them in a directory in it, and places it.
struct Placed {
  std::shared_ptr<SimulatedEnvironment> disk = SimulatedEnvironment::make();
  Options options = volume_options();
  size_t before_placing = 0;  // changes of the disk

  Placed(const std::string& path, int files) {
    options.segment.max_size = 256 << 10;
    REQUIRE_OK(open_volume(disk, options)->close());
    disk->start_trace();
    VolumeUse use{open_volume(disk, options)};
    const auto top = unwrap(use.volume->grow(kRoot, kCaller));
    const auto inner = use.make_directory("inner", top);
    for (int i = 0; i < files; ++i) {
      use.make_file(std::to_string(i), std::to_string(i), top);
      if (i % 100 == 0) use.make_file(std::to_string(i), std::to_string(i), inner);
    }
    before_placing = disk->trace_size();
    REQUIRE_OK(use.volume->place(top, path));
    REQUIRE_OK(use.volume->close());
  }

  /// Whether all of it is there; nothing else may be but nothing.
  bool is_whole_after(const Image& crashed, bool in_root, int files) const {
    VolumeUse use{open_volume(SimulatedEnvironment::make(crashed), options)};
    BOOST_REQUIRE_EQUAL(use.volume->files(), use.keys('I'));
    BOOST_REQUIRE_EQUAL(use.keys('G'), 0u);
    if (use.names().empty()) {
      BOOST_REQUIRE_EQUAL(use.volume->store().count(), 2u);
      return false;
    }
    const auto top = in_root ? kRoot : use.find("new").ino;
    BOOST_REQUIRE_EQUAL(use.names(top).size(), size_t(files + 1));
    BOOST_REQUIRE_EQUAL(use.stat(kRoot).links, 3u);
    BOOST_REQUIRE_EQUAL(use.contents(use.find(std::to_string(files - 1), top).ino),
                        std::to_string(files - 1));
    const auto inner = use.find("inner", top).ino;
    BOOST_REQUIRE_EQUAL(unwrap(use.volume->parent(inner)), top);
    BOOST_REQUIRE_EQUAL(use.names(inner).size(), size_t(files / 100));
    return true;
  }
};

void check_crashes(const std::string& path, int files) {
  const Placed placed(path, files);
  const auto& trace = placed.disk->trace();
  Random random(base_seed());
  SimulatedDisk disk(placed.disk->trace_begin());
  int whole = 0, nothing = 0;
  for (size_t i = 0; i < trace.size(); ++i) {
    disk.apply(trace[i]);
    if (i + 1 < placed.before_placing && !random.one_in(placed.before_placing / 10)) continue;
    const Loss losses[] = {Loss::kNothing, Loss::kUnsynced, Loss::kLatestOnly, Loss::kRandom};
    for (const auto loss : losses) {
      BOOST_TEST_CONTEXT(path << ", change " << i << ", loss " << int(loss)) {
        const auto crashed = disk.after_crash(loss, random);
        ++(placed.is_whole_after(crashed, path == "/", files) ? whole : nothing);
      }
    }
  }
  BOOST_TEST(whole > 4);
  BOOST_TEST(nothing > 4);
}

BOOST_AUTO_TEST_CASE(a_crash_at_any_moment_leaves_a_named_tree_whole_or_nothing_of_it) {
  check_crashes("/new", 200);
}

BOOST_AUTO_TEST_CASE(a_crash_at_any_moment_leaves_the_root_full_or_empty) {
  check_crashes("/", 200);    // in one batch
  check_crashes("/", kMany);  // in several
}

BOOST_AUTO_TEST_CASE(a_disk_that_fails_while_the_root_fills_takes_nothing_away) {
  for (uint64_t nth = 1; nth <= 8; ++nth) {
    BOOST_TEST_CONTEXT("the call that fails: " << nth) {
      const auto disk = SimulatedEnvironment::make();
      VolumeUse use{open_volume(disk, options)};
      const auto top = unwrap(use.volume->grow(kRoot, kCaller));
      for (int i = 0; i < kMany; ++i) use.make_file(std::to_string(i), "", top);
      disk->inject({.calls = kCallWrite | kCallSync, .nth = nth, .times = 0, .name_part = {}});
      const auto placed = use.volume->place(top, "/");
      (void)use.volume->uproot(top);
      disk->clear_faults();
      (void)use.volume->close();
      use.volume = open_volume(SimulatedEnvironment::make(disk->image()), options);
      const auto count = use.names().size();
      BOOST_TEST((count == 0 || count == size_t(kMany)));
      if (placed.has_value()) BOOST_TEST(count == size_t(kMany));
      BOOST_TEST(use.volume->files() == count + 1);
      BOOST_TEST(use.keys('G') == 0u);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace memoria::test
