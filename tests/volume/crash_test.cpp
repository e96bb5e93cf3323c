// SPDX-License-Identifier: MIT
// Crashes and failing disks, on a simulated one: a volume is always a prefix of what was done to
// it.
#include <fcntl.h>
#include <linux/falloc.h>

#include <set>

#include "tests/support/simulated_environment.hpp"
#include "tests/volume/fixture.hpp"

namespace memoria::test {
namespace {

struct SimulatedVolume : VolumeUse {
  explicit SimulatedVolume(const Image& image = {}, Options with = volume_options())
      : disk(SimulatedEnvironment::make(image)), options(std::move(with)) {
    volume = open_volume(disk, options);
  }

  /// Everything that a program can see of it, times included.
  std::string describe(InodeNumber directory = kRoot, const std::string& path = {}) {
    std::string out;
    const auto add = [&](const std::string& where, const Attributes& a) {
      for (const uint64_t v : {uint64_t{a.ino}, uint64_t{a.mode}, uint64_t{a.links}, a.size,
                               uint64_t(a.mtime), uint64_t(a.ctime)}) {
        out += std::to_string(v) + " ";
      }
      for (const auto& name : unwrap(volume->listxattr(a.ino))) {
        out += name + "=" + unwrap(volume->getxattr(a.ino, name)) + " ";
      }
      out += where + "\n";
    };
    if (path.empty()) add("/", stat(directory));
    for (const auto& entry : entries(directory)) {
      const auto where = path + "/" + entry.name;
      const auto attributes = find(entry.name, directory);
      add(where, attributes);
      if (S_ISREG(attributes.mode)) out += contents(entry.ino) + "\n";
      if (S_ISDIR(attributes.mode)) out += describe(entry.ino, where);
    }
    return out;
  }

  /// One random operation; what it answers does not matter.
  void step(Random& random) {
    const auto some = [&] {
      const auto found = volume->lookup(kRoot, std::string(1, char('a' + random.below(4))));
      if (!found.has_value()) return kRoot;
      volume->forget(found.value().ino, 1);
      return found.value().ino;
    };
    const auto a = some(), b = some();
    const auto name = std::string(1, char('a' + random.below(4)));
    const auto forget = [&](const Result<Attributes>& made) {
      if (made.has_value()) volume->forget(made.value().ino, 1);
    };
    switch (random.below(9)) {
      case 0:
        forget(volume->mknod(a, name, S_IFREG | 0644, 0, kCaller));
        break;
      case 1:
        forget(volume->mkdir(a, name, 0755, kCaller));
        break;
      case 2:
        (void)volume->write(a, random.below(3000), random.bytes(random.below(6000)), false);
        break;
      case 3:
        (void)volume->rename(a, name, b, std::string(1, char('a' + random.below(4))), 0);
        break;
      case 4:
        (void)volume->unlink(a, name);
        break;
      case 5:
        (void)volume->rmdir(a, name);
        break;
      case 6:
        forget(volume->link(b, a, name));
        break;
      case 7:
        (void)volume->setxattr(a, "user.x", random.bytes(5), 0);
        break;
      default: {
        AttributeChanges changes;
        changes.size = random.below(2000);
        (void)volume->setattr(a, changes);
      }
    }
  }

  std::shared_ptr<SimulatedEnvironment> disk;
  Options options;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(crashes)

BOOST_AUTO_TEST_CASE(after_a_crash_the_volume_is_a_prefix_that_holds_all_that_was_synced) {
  for (uint64_t round = 0; round < rounds(8); ++round) {
    const auto seed = base_seed() + round;
    WITH_SEED(seed) {
      Random random(seed);
      auto options = volume_options();
      options.segment.max_size = 64 << 10;
      SimulatedVolume live({}, options);
      std::vector<std::string> states{live.describe()};
      REQUIRE_OK(live.volume->sync());
      size_t synced = 0;
      for (int i = 0; i < 150; ++i) {
        live.step(random);
        states.push_back(live.describe());
        if (random.one_in(10)) {
          REQUIRE_OK(live.volume->sync());
          synced = states.size() - 1;
        }
        if (!random.one_in(4)) continue;
        const Loss losses[] = {Loss::kNothing, Loss::kUnsynced, Loss::kLatestOnly, Loss::kRandom};
        const auto loss = losses[random.below(4)];
        SimulatedVolume after(live.disk->after_crash(loss, random), options);
        const auto state = after.describe();
        const auto first =
            states.begin() + ptrdiff_t(loss == Loss::kNothing ? states.size() - 1 : synced);
        BOOST_REQUIRE_MESSAGE(std::find(first, states.end(), state) != states.end(),
                              "step " << i << ", loss " << int(loss) << ": not a prefix");
        BOOST_REQUIRE_EQUAL(after.volume->files(), after.keys('I'));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_full_disk_refuses_whole_operations_and_still_lets_one_remove) {
  auto options = volume_options();
  options.reserve_bytes = 2 << 20;
  SimulatedVolume full({}, options);
  full.disk->set_capacity(8 << 20);
  int made = 0, error = 0;
  const std::string contents(100'000, 'x');
  while (error == 0 && made < 1000) {
    const auto name = std::to_string(made);
    const auto file = full.volume->mknod(kRoot, name, S_IFREG | 0644, 0, kCaller);
    error = errno_of(file);
    if (error == 0) error = errno_of(full.volume->write(file.value().ino, 0, contents, false));
    if (error == 0) ++made;
    if (file.has_value()) full.volume->forget(file.value().ino, 1);
  }
  BOOST_TEST(error == ENOSPC);
  BOOST_TEST(made > 20);
  for (int i = 0; i < made; ++i) {
    BOOST_REQUIRE(full.contents(full.find(std::to_string(i)).ino) == contents);
  }
  for (const auto& entry : full.entries()) {
    BOOST_TEST(errno_of(full.volume->unlink(kRoot, entry.name)) == 0);
  }
  MergeRequest all;
  all.all = true;
  REQUIRE_OK(full.volume->store().merge(all));
  full.make_file("again", contents);
  BOOST_TEST(full.contents(full.find("again").ino) == contents);
}

BOOST_AUTO_TEST_CASE(a_nearly_full_disk_allocates_what_is_there_already) {
  auto options = volume_options();
  options.reserve_bytes = 2 << 20;
  SimulatedVolume full({}, options);
  constexpr uint64_t kSize = 6 << 20, kHole = 1 << 20;
  const auto file = full.make_file("file", std::string(kSize, 'x'));
  REQUIRE_OK(full.volume->fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, kHole));
  const uint64_t left = kHole + (64 << 10);
  full.disk->set_capacity(full.disk->used_bytes() + options.reserve_bytes + left);
  const auto allocate = [&](int mode, uint64_t offset, uint64_t length) {
    return errno_of(full.volume->fallocate(file, mode, offset, length));
  };
  const int zero = FALLOC_FL_ZERO_RANGE;
  for (const int keep : {0, FALLOC_FL_KEEP_SIZE}) {
    BOOST_TEST(allocate(keep, 0, kSize) == 0);
    BOOST_TEST(allocate(keep, kHole, kSize - kHole) == 0);
    BOOST_TEST(allocate(keep, 0, kSize + kHole) == ENOSPC);
    BOOST_TEST(allocate(keep, kSize, 2 * kHole) == ENOSPC);
    BOOST_TEST(allocate(keep | zero, kSize - 1, 2 * kHole) == ENOSPC);
  }
  BOOST_TEST(full.stat(file).size == kSize);
  BOOST_TEST(allocate(zero | FALLOC_FL_KEEP_SIZE, 0, kSize) == 0);
  BOOST_TEST(full.stat(file).blocks == 0u);
  BOOST_TEST(allocate(0, 0, kSize) == ENOSPC);
}

BOOST_AUTO_TEST_CASE(a_full_disk_lets_one_remove_also_after_a_clean_close) {
  auto options = volume_options();
  SimulatedVolume first({}, options);
  for (const auto* name : {"held", "loose", "cut"}) first.make_file(name, std::string(9000, 'x'));
  first.make_directory("directory");
  REQUIRE_OK(first.volume->close());
  options.reserve_bytes = 2 << 20;

  const auto removes = [&](const auto& remove) {
    SimulatedVolume full(first.disk->image(), options);
    full.disk->set_capacity(full.disk->used_bytes() + options.reserve_bytes / 2);
    BOOST_TEST(errno_of(full.volume->mknod(kRoot, "new", S_IFREG | 0644, 0, kCaller)) == ENOSPC);
    remove(full);
    BOOST_TEST(full.volume->files() == full.keys('I'));
    REQUIRE_OK(full.volume->close());
    SimulatedVolume after(full.disk->image(), options);
    BOOST_TEST(after.volume->files() == after.keys('I'));
  };
  removes([](SimulatedVolume& full) {
    const auto held = unwrap(full.volume->lookup(kRoot, "held")).ino;
    BOOST_TEST(errno_of(full.volume->unlink(kRoot, "held")) == 0);
    BOOST_TEST(full.keys('O') == 1u);
    full.volume->forget(held, 1);
    BOOST_TEST(full.keys('O') == 0u);
    BOOST_TEST(full.keys('I') == 4u);
  });
  removes([](SimulatedVolume& full) {
    BOOST_TEST(errno_of(full.volume->unlink(kRoot, "loose")) == 0);
    BOOST_TEST(full.keys('I') == 4u);
  });
  removes([](SimulatedVolume& full) {
    BOOST_TEST(errno_of(full.volume->rmdir(kRoot, "directory")) == 0);
  });
  removes([](SimulatedVolume& full) {
    const auto cut = full.find("cut").ino;
    AttributeChanges shorter;
    shorter.size = 100;
    BOOST_TEST(errno_of(full.volume->setattr(cut, shorter)) == 0);
    BOOST_TEST(full.contents(cut) == std::string(100, 'x'));
  });
}

BOOST_AUTO_TEST_CASE(a_disk_that_fails_to_write_makes_the_volume_read_only_and_loses_nothing) {
  for (uint64_t nth = 1; nth <= 40; ++nth) {
    BOOST_TEST_CONTEXT("the call that fails: " << nth) {
      SimulatedVolume bad;
      bad.make_file("before", "contents");
      REQUIRE_OK(bad.volume->sync());
      bad.disk->inject(
          {.calls = kCallWrite | kCallSync | kCallCreate, .nth = nth, .times = 0, .name_part = {}});
      Random random(base_seed() + nth);
      for (int i = 0; i < 60; ++i) {
        bad.step(random);
        if (i % 10 == 9) (void)bad.volume->sync();
      }
      // What can be seen can still be read, and what is promised stays.
      const auto found = bad.volume->lookup(kRoot, "before");
      BOOST_REQUIRE(found.has_value());
      BOOST_TEST(bad.contents(found.value().ino) == "contents");
      if (bad.disk->faults_hit() > 0) {
        const auto refused = bad.volume->mkdir(kRoot, "new", 0755, kCaller);
        BOOST_TEST((errno_of(refused) == EROFS || errno_of(refused) == EIO));
      }
      bad.disk->clear_faults();
      (void)bad.volume->close();
      Random tear(base_seed());
      SimulatedVolume after(bad.disk->after_crash(Loss::kUnsynced, tear));
      BOOST_TEST(after.contents(after.find("before").ino) == "contents");
      BOOST_TEST(after.volume->files() == after.keys('I'));
    }
  }
}

/// With -o sync=always a change is in the log, and to be seen, before its sync fails.
BOOST_AUTO_TEST_CASE(a_listing_agrees_with_lookups_after_a_sync_that_failed) {
  auto options = volume_options();
  options.sync_policy = SyncPolicy::kAlways;
  SimulatedVolume bad({}, options);
  bad.make_directory("a");
  BOOST_TEST(bad.names().size() == 1u);  // from here on the listing is kept in memory
  bad.disk->inject({.calls = kCallSync});
  BOOST_TEST(!bad.volume->rename(kRoot, "a", kRoot, "b", 0).has_value());
  for (const auto& name : bad.names()) BOOST_TEST(bad.lookup_errno(name) == 0);
  BOOST_TEST(bad.names().size() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace memoria::test
