// SPDX-License-Identifier: MIT
// Snapshots: the store as it was, whatever happens to it later.
#include <atomic>
#include <cerrno>
#include <map>
#include <set>
#include <thread>

#include "core/log/manifest.hpp"
#include "core/store/store.hpp"
#include "tests/core/store_helpers.hpp"
#include "tests/support/temporary_directory.hpp"

namespace memoria::test {
namespace {

BOOST_AUTO_TEST_SUITE(snapshots)

struct Fixture {
  std::shared_ptr<SimulatedEnvironment> environment = SimulatedEnvironment::make();
  Options options = quiet_options(4 << 10);
  StorePtr store = open_store(environment, options);
  Contents expected;

  void put(std::string_view key, std::string_view value) {
    REQUIRE_OK(store->put(key, value));
    expected[std::string(key)] = value;
  }
  void fill(Random& random) {
    for (int i = 0; i < 40; ++i) put(numbered("key", i), random.bytes(random.below(600)));
  }
  std::vector<std::string> names() const {
    std::vector<std::string> out;
    for (const auto& info : unwrap(store->snapshots())) out.push_back(info.name);
    return out;
  }
};

void check_snapshot(const Store& store, std::string_view name, const Contents& expected) {
  BOOST_TEST_CONTEXT("snapshot " << name) {
    check_contents(*unwrap(store.open_snapshot(name)), expected);
  }
}

BOOST_FIXTURE_TEST_CASE(a_snapshot_stays_as_it_was, Fixture) {
  Random random(base_seed());
  std::map<std::string, Contents> taken;
  for (const auto* name : {"first", "second", "with spaces and \xc3\xa4"}) {
    fill(random);
    put("only in", name);
    unwrap(store->create_snapshot(name));
    taken[name] = expected;
    REQUIRE_OK(store->write_at("key00001", 100, "overwritten"));
    REQUIRE_OK(store->erase("key00002"));
    expected = contents_of(*store);
    unwrap(store->merge({.all = true}));
  }
  for (const auto& [name, contents] : taken) check_snapshot(*store, name, contents);
  check_contents(*store, expected);
  reopen(store, environment, options);
  for (const auto& [name, contents] : taken) check_snapshot(*store, name, contents);
  check_contents(*store, expected);
}

BOOST_FIXTURE_TEST_CASE(it_is_read_only_and_may_outlive_the_store, Fixture) {
  put("key", "value");
  unwrap(store->create_snapshot("s"));
  reopen(store, environment, options);  // all hints are written, and none will be
  const auto snapshot = unwrap(store->open_snapshot("s"));
  CHECK_FAILS(Errc::kReadOnly, snapshot->put("key", "other"));
  CHECK_FAILS(Errc::kReadOnly, snapshot->create_snapshot("t"));
  CHECK_FAILS(Errc::kReadOnly, snapshot->remove_snapshot("s"));
  const auto before = environment->calls(kCallsThatChange);
  BOOST_TEST(unwrap(store->open_snapshot("s"))->count() == 1u);
  BOOST_TEST(environment->calls(kCallsThatChange) == before);
  store.reset();
  check_contents(*snapshot, expected);
}

BOOST_FIXTURE_TEST_CASE(whoever_opens_its_directory_cannot_change_it, Fixture) {
  put("key", "value");
  unwrap(store->create_snapshot("s"));
  const auto directory = unwrap(unwrap(environment->directory("snapshots"))->directory("s"));
  REQUIRE_OK(store->close());  // nothing is written in the background
  const auto before = environment->calls(kCallsThatChange);
  const auto opened = open_store(directory, options);
  BOOST_TEST(opened->options().read_only);
  CHECK_FAILS(Errc::kReadOnly, opened->put("key", "other"));
  check_contents(*opened, expected);
  REQUIRE_OK(opened->close());
  BOOST_TEST(environment->calls(kCallsThatChange) == before);
}

BOOST_FIXTURE_TEST_CASE(it_takes_no_space_but_its_manifest, Fixture) {
  Random random(base_seed());
  fill(random);
  unwrap(store->merge({.all = true}));
  put("one more", "record");
  const auto before = environment->used_bytes();
  unwrap(store->create_snapshot("s"));
  BOOST_TEST(environment->used_bytes() - before <= 2 * 4096u);
}

BOOST_FIXTURE_TEST_CASE(they_are_listed_by_age_with_what_only_they_hold, Fixture) {
  BOOST_TEST(names().empty());
  Random random(base_seed());
  fill(random);
  const auto made = unwrap(store->create_snapshot("z"));
  BOOST_TEST(made.name == "z");
  BOOST_TEST(made.bytes > 0u);
  unwrap(store->create_snapshot("a"));
  auto list = unwrap(store->snapshots());
  BOOST_TEST(list.size() == 2u);
  BOOST_TEST(list[0].name == "z");
  BOOST_TEST(list[1].name == "a");
  BOOST_TEST(list[0].bytes == made.bytes);
  BOOST_TEST(list[0].created_ns == made.created_ns);
  BOOST_TEST(list[0].own_bytes == 0u);
  unwrap(store->merge({.all = true}));
  BOOST_TEST(unwrap(store->snapshots())[0].own_bytes == 0u);  // "a" has the same
  REQUIRE_OK(store->remove_snapshot("a"));
  BOOST_TEST(unwrap(store->snapshots())[0].own_bytes == made.bytes);
}

BOOST_FIXTURE_TEST_CASE(removing_one_frees_its_space_and_leaves_the_others, Fixture) {
  Random random(base_seed());
  fill(random);
  unwrap(store->create_snapshot("a"));
  const auto in_a = expected;
  fill(random);
  unwrap(store->create_snapshot("b"));
  const auto in_b = expected;
  unwrap(store->merge({.all = true}));
  const auto before = environment->used_bytes();
  REQUIRE_OK(store->remove_snapshot("b"));
  BOOST_TEST(environment->used_bytes() < before);
  CHECK_FAILS(Errc::kNotFound, store->open_snapshot("b"));
  CHECK_FAILS(Errc::kNotFound, store->remove_snapshot("b"));
  check_snapshot(*store, "a", in_a);
  REQUIRE_OK(store->remove_snapshot("a"));
  BOOST_TEST(names().empty());
  check_contents(*store, expected);
}

BOOST_FIXTURE_TEST_CASE(what_one_keeps_comes_free_with_it, Fixture) {
  Random random(base_seed());
  fill(random);
  unwrap(store->create_snapshot("a"));
  const auto in_a = expected;
  fill(random);
  const auto planned = unwrap(store->merge({.all = true, .dry_run = true}));
  BOOST_TEST(planned.bytes_freed < unwrap(store->snapshots())[0].bytes / 4);
  reopen(store, environment, options);  // which learns what is held from the snapshots
  BOOST_TEST(store->stats().mergeable_bytes_all <= planned.bytes_freed);
  const auto before = environment->used_bytes();
  BOOST_TEST(unwrap(store->merge({.all = true})).bytes_freed < planned.bytes_freed + 1024);
  REQUIRE_OK(store->remove_snapshot("a"));
  BOOST_TEST(environment->used_bytes() < before);
  check_contents(*store, expected);
}

/// Each is made before the last one is removed.
BOOST_FIXTURE_TEST_CASE(rolling_ones_do_not_keep_what_is_dead_for_ever, Fixture) {
  Random random(base_seed());
  options.segment.fragmentation_threshold = 0.5;
  reopen(store, environment, options);
  uint64_t early = 0;
  for (int i = 0; i < 20; ++i) {
    fill(random);
    unwrap(store->merge({}));
    unwrap(store->create_snapshot(std::to_string(i)));
    if (i > 1) REQUIRE_OK(store->remove_snapshot(std::to_string(i - 2)));
    if (i == 4) early = environment->used_bytes();
  }
  BOOST_TEST(environment->used_bytes() < 2 * early);
}

BOOST_FIXTURE_TEST_CASE(names_have_rules, Fixture) {
  for (const std::string_view bad : {"", ".", "..", ".hidden", "a/b", "line\nend", "../x"}) {
    CHECK_FAILS(Errc::kInvalidArgument, store->create_snapshot(bad));
    CHECK_FAILS(Errc::kNotFound, store->remove_snapshot(bad));
    CHECK_FAILS(Errc::kNotFound, store->open_snapshot(bad));
  }
  CHECK_FAILS(Errc::kInvalidArgument, store->create_snapshot(std::string(201, 'n')));
  unwrap(store->create_snapshot(std::string(200, 'n')));
  CHECK_FAILS(Errc::kExists, store->create_snapshot(std::string(200, 'n')));
}

BOOST_FIXTURE_TEST_CASE(an_empty_store_has_empty_snapshots, Fixture) {
  unwrap(store->create_snapshot("nothing"));
  put("key", "value");
  BOOST_TEST(unwrap(store->open_snapshot("nothing"))->count() == 0u);
}

BOOST_FIXTURE_TEST_CASE(one_has_the_segments_that_its_manifest_names_while_others_are_sealed,
                        Fixture) {
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    Random random(base_seed());
    while (!stop) (void)store->put("key", random.bytes(3000));
  });
  std::vector<std::string> wrong;
  for (int i = 0; i < 100; ++i) {
    unwrap(store->create_snapshot("now"));
    const auto place = unwrap(unwrap(environment->directory("snapshots"))->directory("now"));
    std::set<std::string> named, there;
    const auto manifest = unwrap(read_manifest(*place)).value();
    for (const auto& segment : manifest.segments) {
      named.insert(segment_file(segment.id, kDataSuffix));
    }
    for (const auto& file : unwrap(place->list())) {
      if (file.ends_with(kDataSuffix)) there.insert(file);
    }
    if (named != there) wrong.push_back("snapshot " + std::to_string(i));
    REQUIRE_OK(store->remove_snapshot("now"));
  }
  stop = true;
  writer.join();
  BOOST_TEST(wrong == std::vector<std::string>());
}

/// One thread writes and takes snapshots, one merges all the time.
BOOST_FIXTURE_TEST_CASE(merges_beside_it_do_not_show, Fixture) {
  for (uint64_t seed = base_seed(); seed < base_seed() + 4; ++seed) {
    WITH_SEED(seed) {
      environment = SimulatedEnvironment::make();
      store = open_store(environment, options);
      expected.clear();
      std::atomic<bool> stop{false};
      std::thread merger([&] {
        while (!stop) (void)store->merge({.min_dead = 0.01});
      });
      Random random(seed);
      std::map<std::string, Contents> taken;
      for (int i = 0; i < 2000; ++i) {
        const auto key = numbered("key", random.below(30));
        switch (random.below(6)) {
          case 0:
            (void)store->erase(key);
            break;
          case 1:
            (void)store->truncate(key, random.below(900));
            break;
          case 2:
            (void)store->write_at(key, random.below(500), random.bytes(200));
            break;
          case 3:
            (void)store->punch(key, random.below(300), 150);
            break;
          default:
            (void)store->put(key, random.bytes(random.below(400)));
            break;
        }
        if (i % 40 != 7) continue;
        const auto name = numbered("s", uint64_t(i));
        if (!store->create_snapshot(name).has_value()) continue;
        taken[name] = contents_of(*store);
      }
      stop = true;
      merger.join();
      BOOST_TEST(taken.size() == 50u);
      for (const auto& [name, contents] : taken) check_snapshot(*store, name, contents);
      for (const auto& [name, contents] : taken) REQUIRE_OK(store->remove_snapshot(name));
      BOOST_TEST(unwrap(store->verify()).clean());
    }
  }
}

BOOST_FIXTURE_TEST_CASE(a_crash_leaves_all_of_a_snapshot_or_nothing, Fixture) {
  Random random(base_seed());
  fill(random);
  unwrap(store->create_snapshot("old"));
  const auto in_old = expected;
  put("new", "value");
  REQUIRE_OK(store->close());
  environment->start_trace();
  store = open_store(environment, options);
  unwrap(store->create_snapshot("made"));
  const auto made_at = environment->trace_size();
  REQUIRE_OK(store->remove_snapshot("old"));
  const auto removed_at = environment->trace_size();
  store.reset();

  SimulatedDisk disk(environment->trace_begin());
  for (size_t n = 0; n <= environment->trace().size(); ++n) {
    for (const auto loss : {Loss::kNothing, Loss::kUnsynced, Loss::kLatestOnly, Loss::kRandom}) {
      const auto crashed = SimulatedEnvironment::make(disk.after_crash(loss, random));
      store = open_store(crashed, options);
      check_contents(*store, expected);
      const auto there = names();
      const auto has = [&](std::string_view name) {
        return std::find(there.begin(), there.end(), name) != there.end();
      };
      if (has("made")) check_snapshot(*store, "made", expected);
      if (has("old")) check_snapshot(*store, "old", in_old);
      if (n >= made_at) BOOST_TEST(has("made"));
      if (n < made_at) BOOST_TEST(has("old"));
      if (n >= removed_at) BOOST_TEST(!has("old"));
      for (const auto& [name, bytes] : crashed->image()) {
        BOOST_TEST(!name.starts_with("snapshots/."), name << " is left");
      }
      // And it goes on.
      unwrap(store->create_snapshot("later"));
      check_snapshot(*store, "later", expected);
      store.reset();
    }
    if (n < environment->trace().size()) disk.apply(environment->trace()[n]);
  }
}

BOOST_FIXTURE_TEST_CASE(one_that_cannot_be_made_leaves_nothing, Fixture) {
  Random random(base_seed());
  fill(random);
  for (const int error : {ENOSPC, EIO, EMLINK}) {
    for (uint64_t nth = 1; nth < 12; ++nth) {
      environment->inject({.calls = kCallLink | kCallRename | kCallMakeDirectory | kCallCreate,
                           .nth = nth,
                           .error = error,
                           .name_part = "snapshots"});
      const auto made = store->create_snapshot("s");
      environment->clear_faults();
      if (made.has_value()) {
        check_snapshot(*store, "s", expected);
        REQUIRE_OK(store->remove_snapshot("s"));
      }
      BOOST_TEST(names().empty());
      BOOST_TEST(!store->stats().read_only);
    }
  }
  put("and", "on it goes");
}

BOOST_FIXTURE_TEST_CASE(one_with_a_missing_file_is_refused_by_name, Fixture) {
  Random random(base_seed());
  fill(random);
  unwrap(store->create_snapshot("s"));
  for (const auto& file : environment->files(".hint")) {
    if (file.starts_with("snapshots/")) environment->delete_file(file);
  }
  for (const auto& file : environment->files(".data")) {
    if (!file.starts_with("snapshots/")) continue;
    environment->delete_file(file);
    break;
  }
  CHECK_FAILS(Errc::kCorrupt, store->open_snapshot("s"));
  environment->delete_file("snapshots/s/manifest");
  BOOST_TEST(unwrap(store->snapshots())[0].damaged);
  REQUIRE_OK(store->remove_snapshot("s"));
}

BOOST_AUTO_TEST_CASE(they_are_hard_links_on_a_real_directory) {
  const TemporaryDirectory directory;
  const auto environment = unwrap(open_directory(directory.path(), false));
  auto store = open_store(environment);
  REQUIRE_OK(store->put("key", "value"));
  unwrap(store->create_snapshot("s"));
  REQUIRE_OK(store->put("key", "other"));
  unwrap(store->merge({.all = true}));
  BOOST_TEST(unwrap(unwrap(store->open_snapshot("s"))->get("key")) == "value");
  BOOST_TEST(unwrap(unwrap(environment->directory("snapshots"))->list()).size() == 1u);
  CHECK_FAILS(Errc::kNotFound, environment->directory("nothing"));
  reopen(store, environment);
  REQUIRE_OK(store->remove_snapshot("s"));
  BOOST_TEST(unwrap(unwrap(environment->directory("snapshots"))->list()).empty());
  BOOST_TEST(unwrap(store->get("key")) == "other");
}

BOOST_AUTO_TEST_CASE(closing_waits_until_a_snapshot_is_there) {
  const auto environment = SimulatedEnvironment::make();
  auto store = open_store(environment);
  REQUIRE_OK(store->put("a", "1"));
  const auto calls = environment->calls(kCallSyncDirectory | kCallSync);
  environment->hold_syncs(std::string(SimulatedEnvironment::kDirectory));
  bool was_made = false, was_closed = false;
  std::thread maker([&] { was_made = store->create_snapshot("s").has_value(); });
  while (environment->calls(kCallSyncDirectory | kCallSync) == calls) std::this_thread::yield();
  std::atomic<bool> closed = false;
  std::thread closer([&] {
    was_closed = store->close().has_value();
    closed = true;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  BOOST_TEST(!closed);
  environment->release_syncs();
  maker.join();
  closer.join();
  BOOST_TEST((was_made && was_closed));
  store = open_store(environment);
  check_contents(*unwrap(store->open_snapshot("s")), {{"a", "1"}});
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace memoria::test
