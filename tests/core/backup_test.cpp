// SPDX-License-Identifier: MIT
// Backups and what is restored from them: complete, checked, and never half.
#include "core/store/backup.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "core/log/manifest.hpp"
#include "tests/core/store_helpers.hpp"
#include "tests/support/temporary_directory.hpp"

namespace memoria::test {
namespace {

BOOST_AUTO_TEST_SUITE(backup)

constexpr const char* kMoment = "memoria-ctl.1";

struct Fixture {
  std::shared_ptr<SimulatedEnvironment> environment = SimulatedEnvironment::make();
  std::shared_ptr<SimulatedEnvironment> backup = SimulatedEnvironment::make();
  Options options = quiet_options(4 << 10);
  StorePtr store = open_store(environment, options);
  Contents expected;
  Random random{base_seed()};

  void change(int count = 30) {
    for (int i = 0; i < count; ++i) {
      const auto key = numbered("key", random.below(40));
      if (random.one_in(5)) {
        REQUIRE_OK(store->erase(key));
        expected.erase(key);
      } else {
        expected[key] = random.bytes(random.below(900));
        REQUIRE_OK(store->put(key, expected[key]));
      }
    }
  }
  /// A backup of this moment.
  Result<CopyReport> run(const CopyOptions& given = {}, const ProgressFn& progress = {}) {
    unwrap(store->create_snapshot(kMoment));
    const CopySource source{snapshot(kMoment), environment};
    auto with = given;
    with.skipped_snapshots = "memoria-ctl.";
    auto report = back_up(source, *backup, with, progress);
    REQUIRE_OK(store->remove_snapshot(kMoment));
    return report;
  }
  std::shared_ptr<Environment> snapshot(std::string_view name) {
    return unwrap(unwrap(environment->directory("snapshots"))->directory(name));
  }
  /// What comes next begins a segment: a snapshot seals the one before.
  void begin_segment() {
    unwrap(store->create_snapshot("sealing"));
    REQUIRE_OK(store->remove_snapshot("sealing"));
  }
  /// The disk refuses the beginning of a file the next time.
  void refuse(const std::string& file) {
    environment->inject({.calls = kCallRead, .nth = 1, .times = 2, .name_part = file});
  }
  /// Of the snapshot "s", which alone has them. The damage is of the disk and goes. Returns what
  /// the snapshot has.
  Contents carry_a_segment_with_damage_and_lose_another() {
    change(100);
    auto then = expected;
    const auto healing = environment->files(".data").front(),
               lost = environment->files(".data").at(1);
    unwrap(store->create_snapshot("s"));
    unwrap(store->merge({.all = true}));
    refuse(healing);
    BOOST_TEST(!unwrap(run()).damages.empty());
    environment->clear_faults();
    REQUIRE_OK(environment->remove("snapshots/s/" + lost));
    return then;
  }
  void check_carried(std::string_view snapshot, const Contents& contents) {
    const auto opened = unwrap(open_store(backup, options)->open_snapshot(snapshot));
    BOOST_TEST(unwrap(opened->verify()).clean());
    check_contents(*opened, contents);
  }
  void check_backup(const Contents& contents) {
    const auto opened = open_store(backup, options);
    BOOST_TEST(opened->options().read_only);
    check_contents(*opened, contents);
    BOOST_TEST(unwrap(opened->verify()).clean());
  }
};

BOOST_FIXTURE_TEST_CASE(the_first_one_is_full_and_later_ones_bring_what_is_new, Fixture) {
  change(200);
  const auto first = unwrap(run());
  BOOST_TEST(first.copied_segments == first.segments);
  BOOST_TEST(first.damages.empty());
  check_backup(expected);

  change(5);
  const auto second = unwrap(run());
  BOOST_TEST(second.copied_segments <= 3u);
  BOOST_TEST(second.segments >= first.segments);
  BOOST_TEST(second.removed_segments == 0u);
  check_backup(expected);

  const auto nothing = unwrap(run());
  BOOST_TEST(nothing.copied_segments == 0u);
  check_backup(expected);

  unwrap(store->merge({.all = true}));
  const auto merged = unwrap(run());
  BOOST_TEST(merged.removed_segments == second.segments);
  BOOST_TEST(backup->files(".data").size() == merged.segments);
  check_backup(expected);
}

BOOST_FIXTURE_TEST_CASE(the_source_goes_on_meanwhile, Fixture) {
  change(200);
  const auto then = expected;
  unwrap(run({}, [&](const Progress&) {
    change(1);
    if (random.one_in(4)) unwrap(store->merge({.all = true}));
    return true;
  }));
  check_backup(then);
  check_contents(*store, expected);
}

BOOST_FIXTURE_TEST_CASE(it_cannot_be_written_to, Fixture) {
  change();
  unwrap(run());
  const auto opened = open_store(backup, options);
  CHECK_FAILS(Errc::kReadOnly, opened->put("key", "value"));
  CHECK_FAILS(Errc::kReadOnly, opened->create_snapshot("s"));
}

BOOST_FIXTURE_TEST_CASE(a_restored_store_goes_on, Fixture) {
  change(100);
  unwrap(store->create_snapshot("kept"));
  const auto in_kept = expected;
  change(100);
  unwrap(run());
  const auto restored = SimulatedEnvironment::make();
  unwrap(restore({backup, backup}, *restored, {}));
  auto opened = open_store(restored, options);
  check_contents(*opened, expected);
  check_contents(*unwrap(opened->open_snapshot("kept")), in_kept);
  REQUIRE_OK(opened->put("new", "value"));
  reopen(opened, restored, options);
  BOOST_TEST(unwrap(opened->get("new")) == "value");
  // It is the same store, so the backup can follow it.
  unwrap(opened->create_snapshot(kMoment));
  const auto moment = unwrap(unwrap(restored->directory("snapshots"))->directory(kMoment));
  unwrap(back_up({moment, nullptr}, *backup, {}));
  expected["new"] = "value";
  check_backup(expected);
}

BOOST_FIXTURE_TEST_CASE(snapshots_are_carried_and_share_space, Fixture) {
  change(100);
  unwrap(store->create_snapshot("a"));
  const auto in_a = expected;
  change(50);
  unwrap(store->create_snapshot("b"));
  const auto in_b = expected;
  unwrap(store->merge({.all = true}));
  BOOST_TEST(unwrap(run()).snapshots == 2u);
  const auto check = [&](std::string_view name, const Contents& contents) {
    const auto opened = open_store(backup, options);
    check_contents(*unwrap(opened->open_snapshot(name)), contents);
  };
  check("a", in_a);
  check("b", in_b);
  const auto space = backup->used_bytes();
  BOOST_TEST(space <= environment->used_bytes() + 4 * 4096);  // nothing is there twice
  BOOST_TEST(unwrap(run()).copied_segments == 0u);

  REQUIRE_OK(store->remove_snapshot("a"));
  REQUIRE_OK(store->remove_snapshot("b"));
  change(10);
  unwrap(store->create_snapshot("b"));  // another one of that name
  BOOST_TEST(unwrap(run()).snapshots == 1u);
  check("b", expected);
  CHECK_FAILS(Errc::kNotFound, open_store(backup, options)->open_snapshot("a"));
}

BOOST_FIXTURE_TEST_CASE(progress_knows_of_the_snapshots_from_the_beginning, Fixture) {
  change(100);
  unwrap(store->create_snapshot("a"));
  change(100);
  unwrap(store->create_snapshot("b"));
  unwrap(store->merge({.all = true}));
  for (int time = 0; time < 2; ++time) {
    uint64_t done = 0;
    std::set<uint64_t> totals;
    unwrap(run({}, [&](const Progress& progress) {
      BOOST_TEST(progress.done >= done);
      done = progress.done;
      totals.insert(progress.total);
      return true;
    }));
    BOOST_REQUIRE(totals.size() == 1u);
    BOOST_TEST(done == *totals.begin());
    change(20);
    unwrap(store->create_snapshot(numbered("c", uint64_t(time))));
  }
}

BOOST_FIXTURE_TEST_CASE(nothing_is_written_where_something_else_is, Fixture) {
  change();
  const auto refuses = [&](Errc code, const Image& image) {
    backup = SimulatedEnvironment::make(image);
    const auto before = backup->calls(kCallsThatChange | kCallLock);
    CHECK_FAILS(code, run());
    BOOST_TEST(backup->calls(kCallsThatChange | kCallLock) == before);
    BOOST_TEST((backup->image() == image));
  };
  refuses(Errc::kNotAStore, {{"letter.txt", "dear"}});
  refuses(Errc::kNotAStore, environment->image());  // the store itself, or a copy
  refuses(Errc::kNotAStore, {{"notes", "x"}, {"lost+found/", ""}});
  refuses(Errc::kCorrupt, {{"manifest", "this is none"}});
  {  // somebody else's backup
    Fixture other;
    other.change();
    unwrap(other.run());
    refuses(Errc::kExists, other.backup->image());
  }
  {  // a snapshot of the very store
    unwrap(store->create_snapshot("s"));
    Image image;
    for (const auto& [name, bytes] : environment->image()) {
      if (name.starts_with("snapshots/s/") && name != "snapshots/s/")
        image[name.substr(12)] = bytes;
    }
    refuses(Errc::kNotAStore, image);
  }
  backup = SimulatedEnvironment::make(Image{{"lost+found/", ""}});
  unwrap(run());
}

BOOST_FIXTURE_TEST_CASE(restoring_needs_a_place_of_its_own, Fixture) {
  change();
  unwrap(run());
  CHECK_FAILS(Errc::kNotAStore, restore({backup, backup}, *environment, {}));
  CHECK_FAILS(Errc::kNotAStore,
              restore({environment, environment}, *SimulatedEnvironment::make(), {}));
  const auto copy = SimulatedEnvironment::make(backup->image());
  CHECK_FAILS(Errc::kNotAStore, restore({backup, backup}, *copy, {}));
}

BOOST_FIXTURE_TEST_CASE(one_backup_at_a_time, Fixture) {
  change();
  const auto lock = unwrap(backup->lock(LockMode::kExclusive));
  CHECK_FAILS(Errc::kLocked, run());
}

BOOST_FIXTURE_TEST_CASE(one_that_is_open_is_restored_and_stays_as_it_is, Fixture) {
  change();
  unwrap(run());
  change(10);
  {
    const auto reader = open_store(backup, options), another = open_store(backup, options);
    const auto image = backup->image();
    CHECK_FAILS(Errc::kLocked, run());
    BOOST_TEST((backup->image() == image));
    unwrap(restore({backup, backup}, *SimulatedEnvironment::make(), {}));
    REQUIRE_OK(reader->close());
    CHECK_FAILS(Errc::kLocked, run());
    REQUIRE_OK(another->close());
    unwrap(run());
  }
  const auto lock = unwrap(backup->lock(LockMode::kExclusive));
  CHECK_FAILS(Errc::kLocked, Store::open(backup, options));
}

BOOST_FIXTURE_TEST_CASE(one_that_cannot_be_locked_is_read_all_the_same, Fixture) {
  change();
  unwrap(run());
  backup->inject({.calls = kCallLock, .error = EROFS});
  unwrap(Store::open(backup, options));
  backup->inject({.calls = kCallLock, .error = EROFS});
  unwrap(restore({backup, backup}, *SimulatedEnvironment::make(), {}));
}

BOOST_FIXTURE_TEST_CASE(a_stopped_one_goes_on_where_it_was, Fixture) {
  change(300);
  uint64_t total = 0;
  int calls = 0;
  CHECK_FAILS(Errc::kCancelled, run({}, [&](const Progress& p) {
                total = p.total;
                return ++calls < 6;
              }));
  CHECK_FAILS(Errc::kNotAStore, Store::open(backup, options));  // not yet one
  for (const auto& [name, bytes] : backup->image()) BOOST_TEST(!name.ends_with(".tmp"), name);
  const auto rest = unwrap(run());
  BOOST_TEST(rest.copied_bytes < total);
  BOOST_TEST(rest.copied_segments + 5u == rest.segments);
  check_backup(expected);
}

BOOST_FIXTURE_TEST_CASE(damage_is_reported_each_time_and_stays_damage, Fixture) {
  change(100);
  expected["long"] = std::string(3000, 'x');
  REQUIRE_OK(store->put("long", expected["long"]));
  change(20);
  REQUIRE_OK(store->close());
  const auto place = store->stats();
  const auto extents = unwrap(open_store(environment, options)->locate("long"));
  const auto file = segment_file(extents.at(0).segment, kDataSuffix);
  environment->flip_bit(file, 8 * (extents.at(0).record_offset + 2000));
  store = open_store(environment, options);
  for (int time = 0; time < 2; ++time) {
    const auto report = unwrap(run());
    BOOST_REQUIRE(report.damages.size() == 1u);
    BOOST_TEST(report.damages[0].key == "long");
    const auto opened = open_store(backup, options);
    BOOST_TEST(!opened->get("long").has_value());
    BOOST_TEST(unwrap(opened->get(expected.begin()->first)) == expected.begin()->second);
  }
  environment->flip_bit(file, 8 * (extents.at(0).record_offset + 2000));  // it is put right
  BOOST_TEST(unwrap(run()).damages.empty());
  check_backup(expected);
  BOOST_TEST(!backup->exists(".damaged"));
}

BOOST_FIXTURE_TEST_CASE(damage_that_comes_later_does_not_reach_the_backup, Fixture) {
  change(100);
  REQUIRE_OK(store->close());
  store = open_store(environment, options);
  unwrap(run());
  for (const auto& file : environment->files(".data")) {
    if (environment->contents(file).size() > 600) environment->flip_bit(file, 8 * 500);
  }
  BOOST_TEST(unwrap(run()).damages.empty());
  check_backup(expected);
}

BOOST_FIXTURE_TEST_CASE(rechecking_finds_and_replaces_what_rotted, Fixture) {
  change(100);
  unwrap(run());
  const auto file = backup->files(".data").front();
  backup->flip_bit(file, 8 * 500);
  BOOST_TEST(unwrap(run()).copied_segments == 0u);
  const auto report = unwrap(run({.recheck = true}));
  BOOST_TEST(report.copied_segments == 1u);
  BOOST_TEST(report.damages.empty());
  check_backup(expected);
}

BOOST_FIXTURE_TEST_CASE(what_the_disk_refuses_is_damage, Fixture) {
  change(100);
  finish_hints(*store);
  const auto file = environment->files(".data").front();
  refuse(file);
  const auto report = unwrap(run());
  environment->clear_faults();
  BOOST_TEST(!report.damages.empty());
  BOOST_TEST(unwrap(run()).damages.empty());  // the disk reads it again
  check_backup(expected);
}

/// A disk that refuses the middle of a segment for a while, and a run that ends behind that
/// segment.
BOOST_FIXTURE_TEST_CASE(a_stopped_one_remembers_what_it_copied_with_damage, Fixture) {
  options = quiet_options(2 << 20);
  reopen(store, environment, options);
  for (int i = 0; i < 50; ++i) {
    const auto key = numbered("long", i);
    expected[key] = random.bytes(100 << 10);
    REQUIRE_OK(store->put(key, expected[key]));
  }
  finish_hints(*store);
  const auto stop_behind_the_first = [](const Progress& p) { return p.done < 5 << 19; };
  // A copy reads a megabyte at once, and what it cannot get so in small parts.
  const auto refuse = [](SimulatedEnvironment& from) {
    from.inject(
        {.calls = kCallRead, .nth = 2, .times = 2, .name_part = from.files(".data").front()});
  };
  refuse(*environment);
  CHECK_FAILS(Errc::kCancelled, run({}, stop_behind_the_first));
  BOOST_TEST(environment->faults_hit() == 2u);
  environment->clear_faults();
  BOOST_TEST(unwrap(run()).damages.empty());  // the disk reads it again
  check_backup(expected);

  const auto place = SimulatedEnvironment::make();
  refuse(*backup);
  CHECK_FAILS(Errc::kCancelled, restore({backup, backup}, *place, {}, stop_behind_the_first));
  BOOST_TEST(backup->faults_hit() == 2u);
  backup->clear_faults();
  BOOST_TEST(unwrap(restore({backup, backup}, *place, {})).damages.empty());
  BOOST_TEST(!place->exists(".damaged"));
  const auto restored = open_store(place, options);
  BOOST_TEST(unwrap(restored->verify()).clean());
  check_contents(*restored, expected);
}

BOOST_FIXTURE_TEST_CASE(snapshots_heal_with_the_present, Fixture) {
  change(100);
  const auto then = expected;
  for (const auto* name : {"a", "b"}) unwrap(store->create_snapshot(name));
  finish_hints(*store);
  const auto file = environment->files(".data").front();
  refuse(file);
  BOOST_TEST(!unwrap(run()).damages.empty());
  environment->clear_faults();
  BOOST_TEST(unwrap(run()).damages.empty());
  for (const auto* name : {"a", "b"}) {
    check_carried(name, then);
  }
}

/// What is made anew for one segment takes the others from where they are sound.
BOOST_FIXTURE_TEST_CASE(a_snapshot_that_is_carried_again_keeps_what_the_source_has_lost, Fixture) {
  const auto then = carry_a_segment_with_damage_and_lose_another();
  for (int time = 0; time < 2; ++time) {
    unwrap(run());
    check_carried("s", then);
  }
}

BOOST_FIXTURE_TEST_CASE(one_that_ends_early_remembers_what_only_snapshots_have_damaged, Fixture) {
  change(100);
  const auto then = expected;
  unwrap(store->create_snapshot("s"));
  finish_hints(*store);
  const auto first = environment->files(".data").front();
  refuse(first);
  BOOST_TEST(!unwrap(run()).damages.empty());
  environment->clear_faults();
  change(100);
  finish_hints(*store);
  // The first one is found sound, for the present; then comes a new one with damage, and the end.
  std::string later;
  for (const auto& file : environment->files(".data")) {
    if (file.find('/') == std::string::npos && !backup->exists(file)) later = file;
    if (!later.empty()) break;
  }
  refuse(later);
  const auto id = later.substr(0, later.find('.'));
  CHECK_FAILS(Errc::kCancelled, run({}, [&](const Progress&) {
                return backup->contents(".damaged").find(id.substr(id.find_first_not_of('0'))) ==
                       std::string::npos;
              }));
  environment->clear_faults();
  BOOST_TEST(unwrap(run()).damages.empty());
  check_carried("s", then);
}

/// A segment that only the snapshots have, or not even one of them.
BOOST_FIXTURE_TEST_CASE(what_the_present_has_lost_is_carried_with_a_snapshot_that_has_it, Fixture) {
  change(100);
  const auto then = expected;
  for (const auto* name : {"a", "b"}) unwrap(store->create_snapshot(name));
  finish_hints(*store);
  REQUIRE_OK(store->close());
  const auto file = environment->files(".data").front();
  const auto bytes = environment->contents(file);
  REQUIRE_OK(environment->remove(file));
  REQUIRE_OK(environment->remove("snapshots/b/" + file));
  store = open_store(environment, options);
  BOOST_TEST(!unwrap(run()).damages.empty());
  check_contents(*unwrap(open_store(backup, options)->open_snapshot("a")), then);

  // It is found again.
  environment->set_contents("snapshots/b/" + file, bytes);
  unwrap(run());
  check_contents(*unwrap(open_store(backup, options)->open_snapshot("b")), then);
}

BOOST_FIXTURE_TEST_CASE(a_snapshot_that_rots_in_the_store_stays_in_the_backup, Fixture) {
  change(100);
  const auto then = expected;
  unwrap(store->create_snapshot("s"));
  unwrap(run());
  change(100);
  environment->flip_bit("snapshots/s/manifest", 8 * 20);
  for (int time = 0; time < 2; ++time) {
    const auto report = unwrap(run());
    BOOST_REQUIRE(report.damages.size() == 1u);
    BOOST_TEST(report.damages[0].reason.find("snapshot s") == 0u);
  }
  check_backup(expected);
  check_contents(*unwrap(open_store(backup, options)->open_snapshot("s")), then);
  REQUIRE_OK(store->remove_snapshot("s"));
  BOOST_TEST(unwrap(run()).damages.empty());
  BOOST_TEST(unwrap(open_store(backup, options)->snapshots()).empty());
}

/// The name of the hint of this segment file.
std::string hint_of(std::string data) {
  data.replace(data.size() - kDataSuffix.size(), kDataSuffix.size(), kHintSuffix);
  return data;
}

BOOST_FIXTURE_TEST_CASE(a_hint_that_knows_what_is_lost_outlives_that_of_the_store, Fixture) {
  REQUIRE_OK(store->put("x", "old"));
  begin_segment();
  REQUIRE_OK(store->put("before", random.bytes(500)));
  REQUIRE_OK(store->put("x", "new"));
  REQUIRE_OK(store->put("behind", random.bytes(500)));
  begin_segment();
  finish_hints(*store);
  REQUIRE_OK(store->close());
  const auto file = environment->files(".data").at(1);
  const auto at = environment->contents(file).find("xnew");
  BOOST_REQUIRE(at != std::string::npos);
  environment->zero(file, at - 25, 29);  // the whole record: only the hint knows that it was there
  store = open_store(environment, options);
  BOOST_TEST(!unwrap(run()).damages.empty());
  CHECK_FAILS(Errc::kCorrupt, open_store(backup, options)->get("x"));
  environment->delete_file(hint_of(file));
  BOOST_TEST(!unwrap(run()).damages.empty());
  CHECK_FAILS(Errc::kCorrupt, open_store(backup, options)->get("x"));
}

BOOST_FIXTURE_TEST_CASE(a_damaged_copy_gets_no_worse, Fixture) {
  REQUIRE_OK(store->put("p", std::string(600, 'p')));
  REQUIRE_OK(store->put("q", std::string(600, 'q')));
  begin_segment();
  finish_hints(*store);
  const auto file = environment->files(".data").front();
  const auto bytes = environment->contents(file);
  environment->zero(file, bytes.find("pppppp") + 10, 20);
  BOOST_TEST(!unwrap(run()).damages.empty());
  BOOST_TEST(open_store(backup, options)->get("q").has_value());
  environment->zero(file, bytes.find("qqqqqq") + 10, 20);
  BOOST_TEST(!unwrap(run()).damages.empty());
  BOOST_TEST(open_store(backup, options)->get("q").has_value());
  environment->set_contents(file, bytes);
  BOOST_TEST(unwrap(run()).damages.empty());  // and a better one takes its place
  BOOST_TEST(open_store(backup, options)->get("p").has_value());
}

BOOST_FIXTURE_TEST_CASE(a_recheck_heals_what_snapshots_have_too, Fixture) {
  change(100);
  const auto then = expected;
  unwrap(store->create_snapshot("s"));
  unwrap(run());
  check_carried("s", then);
  backup->flip_bit(backup->files(".data").front(), 8 * 500);
  BOOST_TEST(unwrap(run({.recheck = true})).copied_segments == 1u);
  check_backup(expected);
  check_carried("s", then);
}

BOOST_FIXTURE_TEST_CASE(a_recheck_reads_what_only_snapshots_have, Fixture) {
  change(100);
  const auto then = expected;
  unwrap(store->create_snapshot("s"));
  unwrap(store->merge({.all = true}));
  unwrap(run());
  const auto files = backup->files(".data");
  const auto rotten = std::find_if(files.begin(), files.end(), [](const std::string& file) {
    return file.starts_with("snapshots/s/");
  });
  BOOST_REQUIRE(rotten != files.end());
  backup->flip_bit(*rotten, 8 * 500);
  unwrap(run({.recheck = true}));
  check_carried("s", then);
}

BOOST_FIXTURE_TEST_CASE(a_snapshot_that_is_carried_again_is_there_whenever_it_ends_early, Fixture) {
  const auto then = carry_a_segment_with_damage_and_lose_another();
  const auto image = backup->image();
  for (const bool can_exchange : {true, false}) {
    bool was_hit = true;
    for (uint64_t n = 1; was_hit; ++n) {
      BOOST_TEST_CONTEXT("it ends at change " << n << ", exchange " << can_exchange) {
        backup = SimulatedEnvironment::make(image);
        if (!can_exchange) backup->refuse_exchange();
        backup->inject({.nth = n, .times = 0});
        (void)run();
        was_hit = backup->faults_hit() > 0;
        backup->clear_faults();
        if (can_exchange) BOOST_TEST(backup->exists("snapshots/s/manifest"));
        unwrap(run());
        check_carried("s", then);
      }
    }
  }
}

BOOST_FIXTURE_TEST_CASE(a_snapshot_that_goes_while_it_is_carried_is_no_damage, Fixture) {
  change(200);
  for (const auto* name : {"a", "b"}) {
    unwrap(store->create_snapshot(name));
    change(100);
  }
  unwrap(store->merge({.all = true}));
  REQUIRE_OK(store->close());
  const auto image = environment->image();
  bool was_removed = true;
  for (uint64_t n = 1; was_removed; n += 3) {
    for (const auto* name : {"a", "b"}) {
      BOOST_TEST_CONTEXT(name << " goes at step " << n) {
        (void)store->close();
        environment = SimulatedEnvironment::make(image);
        backup = SimulatedEnvironment::make();
        store = open_store(environment, options);
        uint64_t steps = 0;
        const auto report = unwrap(run({}, [&](const Progress&) {
          if (++steps == n) REQUIRE_OK(store->remove_snapshot(name));
          return true;
        }));
        was_removed = steps >= n;
        BOOST_TEST(report.damages.empty());
        for (const auto& carried : unwrap(open_store(backup, options)->snapshots())) {
          BOOST_TEST(
              unwrap(unwrap(open_store(backup, options)->open_snapshot(carried.name))->verify())
                  .clean());
        }
      }
    }
  }
}

BOOST_FIXTURE_TEST_CASE(when_what_is_copied_goes_the_backup_is_what_it_was, Fixture) {
  change(200);
  unwrap(run());
  const auto before = expected;
  change(200);
  unwrap(store->create_snapshot(kMoment));
  unwrap(store->merge({.all = true}));
  uint64_t steps = 0;
  CHECK_FAILS(Errc::kConflict, back_up({snapshot(kMoment), environment}, *backup,
                                       {.skipped_snapshots = "memoria-ctl."}, [&](const Progress&) {
                                         if (++steps == 12)
                                           REQUIRE_OK(store->remove_snapshot(kMoment));
                                         return true;
                                       }));
  check_backup(before);
}

BOOST_FIXTURE_TEST_CASE(what_nobody_could_open_takes_no_backup_s_place, Fixture) {
  change(200);
  unwrap(run());
  const auto before = expected;
  change(200);
  unwrap(store->create_snapshot("t"));
  const auto files = environment->files(".data");
  const auto& lost = *std::max_element(files.begin(), files.end());  // one of the snapshot's
  BOOST_REQUIRE(lost.starts_with("snapshots/t/"));
  environment->delete_file(lost);
  if (environment->exists(hint_of(lost))) environment->delete_file(hint_of(lost));
  CHECK_FAILS(Errc::kCorrupt, Store::open(snapshot("t"), options));
  CHECK_FAILS(Errc::kCorrupt, back_up({snapshot("t"), nullptr}, *backup, {}));
  check_backup(before);
}

BOOST_FIXTURE_TEST_CASE(any_call_may_fail, Fixture) {
  change(60);
  unwrap(run());
  const auto before = expected;
  const auto image = backup->image();
  change(60);
  for (const int error : {EIO, ENOSPC}) {
    for (uint64_t n = 1;; ++n) {
      backup = SimulatedEnvironment::make(image);
      backup->inject({.calls = kAllCalls, .nth = n, .error = error, .partial = true});
      const auto report = run();
      const bool hit = backup->faults_hit() > 0;
      backup->clear_faults();
      BOOST_TEST_CONTEXT("call " << n << " fails with " << error) {
        const auto found = contents_of(*open_store(backup, options));
        BOOST_TEST((found == expected || (found == before && !report.has_value())));
        BOOST_TEST(unwrap(run()).damages.empty());
        check_backup(expected);
      }
      if (!hit) break;
    }
  }
}

BOOST_FIXTURE_TEST_CASE(a_backup_leaves_what_is_kept_for_removing, Fixture) {
  constexpr uint64_t kReserve = 256 << 10;
  change(60);
  unwrap(run());
  const auto before = expected;
  change(300);
  backup->set_capacity(backup->used_bytes() + kReserve + (20 << 10));
  CHECK_FAILS(Errc::kNoSpace, run({.reserve_bytes = kReserve}));
  BOOST_TEST(unwrap(backup->space()).free_bytes >= kReserve);
  check_backup(before);
  backup->set_capacity(0);
  backup->set_max_files(1000);
  backup->set_max_files(1000 - backup->free_files() + 10);
  CHECK_FAILS(Errc::kNoSpace, run({.reserve_bytes = kReserve, .reserve_files = 5}));
  BOOST_TEST(backup->free_files() >= 3u);  // a segment and its hint were begun with 5
  check_backup(before);
  backup->set_max_files(0);
  REQUIRE_OK(run({.reserve_bytes = kReserve}));
  check_backup(expected);
}

/// At every moment of a first backup, and of one that adds and removes.
BOOST_FIXTURE_TEST_CASE(a_crash_leaves_the_old_or_the_new_one, Fixture) {
  change(40);
  unwrap(store->create_snapshot("s"));
  const auto in_s = expected;
  const Contents nothing{{"", ""}};  // does not open
  Contents before = nothing;
  for (int round = 0; round < 2; ++round) {
    backup->start_trace();
    unwrap(run());
    SimulatedDisk disk(backup->trace_begin());
    const auto trace = backup->trace();
    for (size_t n = 0; n <= trace.size(); ++n) {
      for (const auto loss : {Loss::kNothing, Loss::kUnsynced, Loss::kLatestOnly, Loss::kRandom}) {
        BOOST_TEST_CONTEXT("round " << round << ", after " << n << " of " << trace.size()) {
          backup = SimulatedEnvironment::make(disk.after_crash(loss, random));
          // Looked at in a copy: an empty directory would become a store.
          const auto opened = Store::open(SimulatedEnvironment::make(backup->image()), options);
          if (!opened.has_value()) {
            BOOST_TEST((before == nothing && n < trace.size()));
          } else if (!backup->files(".data").empty() || before != nothing) {
            const auto found = contents_of(*opened.value());
            BOOST_TEST((found == expected || (found == before && n < trace.size())));
            BOOST_TEST(unwrap(opened.value()->verify()).clean());
            const auto held = opened.value()->open_snapshot("s");
            if (held.has_value()) check_contents(*held.value(), in_s);
          }
          BOOST_TEST(unwrap(run()).damages.empty());
          check_backup(expected);
          check_contents(*unwrap(open_store(backup, options)->open_snapshot("s")), in_s);
        }
      }
      if (n < trace.size()) disk.apply(trace[n]);
    }
    before = expected;
    change(20);
    unwrap(store->merge({.min_dead = 0.3}));
    backup = SimulatedEnvironment::make(backup->image());
  }
}

BOOST_FIXTURE_TEST_CASE(a_crash_while_restoring_leaves_nothing_that_opens, Fixture) {
  change(60);
  unwrap(store->create_snapshot("s"));
  unwrap(run());
  auto place = SimulatedEnvironment::make();
  place->start_trace();
  unwrap(restore({backup, backup}, *place, {}));
  SimulatedDisk disk;
  const auto trace = place->trace();
  for (size_t n = 0; n <= trace.size(); ++n) {
    for (const auto loss : {Loss::kNothing, Loss::kUnsynced, Loss::kLatestOnly, Loss::kRandom}) {
      place = SimulatedEnvironment::make(disk.after_crash(loss, random));
      if (auto opened = Store::open(place, options); opened.has_value()) {
        // Before the first byte is durable it is an empty directory, which makes a new store.
        if (!place->files(".data").empty()) check_contents(*opened.value(), expected);
        continue;
      }
      BOOST_TEST(n < trace.size());
      unwrap(restore({backup, backup}, *place, {}));
      check_contents(*open_store(place, options), expected);
    }
    if (n < trace.size()) disk.apply(trace[n]);
  }
}

BOOST_AUTO_TEST_CASE(they_work_on_real_directories) {
  const TemporaryDirectory directory;
  const auto environment = unwrap(open_directory(directory.path("data"), true));
  const auto to = unwrap(open_directory(directory.path("backup"), true));
  auto store = open_store(environment);
  REQUIRE_OK(store->put("key", "value"));
  unwrap(store->create_snapshot("s"));
  const auto snapshot = unwrap(unwrap(environment->directory("snapshots"))->directory("s"));
  BOOST_TEST(unwrap(back_up({snapshot, environment}, *to, {})).snapshots == 1u);
  BOOST_TEST(unwrap(back_up({snapshot, environment}, *to, {})).copied_segments == 0u);
  BOOST_TEST(unwrap(open_store(to)->get("key")) == "value");
  const auto again = unwrap(open_directory(directory.path("again"), true));
  unwrap(restore({to, to}, *again, {}));
  BOOST_TEST(unwrap(open_store(again)->get("key")) == "value");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace memoria::test
