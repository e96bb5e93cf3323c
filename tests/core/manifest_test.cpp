// SPDX-License-Identifier: MIT
// Segments that are deleted, cut or exchanged are noticed.
#include "core/log/manifest.hpp"
#include "core/base/coding.hpp"
#include "core/base/crc32c.hpp"

#include <algorithm>
#include <cerrno>
#include <map>

#include "core/store/backup.hpp"
#include "tests/core/store_helpers.hpp"

namespace memoria::test {
namespace {

BOOST_AUTO_TEST_SUITE(manifest)

/// A closed store of several segments; every key has an older value in the first of them.
struct Fixture {
  std::shared_ptr<SimulatedEnvironment> environment = SimulatedEnvironment::make();
  Options options = quiet_options(2 << 10);
  Contents old_values, expected;
  std::vector<std::string> log;

  Fixture() {
    options.logger = [this](Severity, std::string_view text) { log.emplace_back(text); };
    Random random(base_seed());
    auto store = open_store(environment, options);
    for (auto* values : {&old_values, &expected}) {
      for (int i = 0; i < 12; ++i) {
        const auto key = numbered("key", i);
        (*values)[key] = random.bytes(400);
        REQUIRE_OK(store->put(key, (*values)[key]));
      }
    }
    REQUIRE_OK(store->close());
  }

  bool logged(std::string_view part) const {
    return std::any_of(log.begin(), log.end(), [&](const std::string& line) {
      return line.find(part) != std::string::npos;
    });
  }

  void remove_hints() {
    for (const auto& hint : environment->files(".hint")) environment->delete_file(hint);
  }

  /// Every key has its newest value or none; returns how many have none.
  int lost_of(const Store& store) const {
    int lost = 0;
    for (const auto& [key, value] : expected) {
      const auto got = store.get(key);
      if (got.has_value()) {
        BOOST_TEST((got.value() == value), key << " has an older value");
      } else {
        CHECK_FAILS(Errc::kCorrupt, got);
        ++lost;
      }
    }
    return lost;
  }
};

BOOST_AUTO_TEST_CASE(it_comes_back_as_it_was_written) {
  Manifest manifest;
  manifest.uuid[3] = 'u';
  manifest.written_ns = 77;
  manifest.snapshot = true;
  manifest.segments = {{1, 0}, {uint64_t{1} << 63, 4711}};
  for (const uint64_t unsure_until : {0, 78}) {
    manifest.unsure_until = unsure_until;
    const auto back = unwrap(decode_manifest(encode_manifest(manifest), "m"));
    BOOST_TEST((back.uuid == manifest.uuid));
    BOOST_TEST(back.written_ns == 77u);
    BOOST_TEST(back.unsure_until == unsure_until);
    BOOST_TEST(back.snapshot);
    BOOST_TEST((back.segments == manifest.segments));
  }
}

/// Any change of it is damage, and a later version is refused.
void check_changes(const std::string& bytes) {
  for (size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    auto changed = bytes;
    changed[bit / 8] = char(changed[bit / 8] ^ (1 << bit % 8));
    BOOST_TEST(!decode_manifest(changed, "m").has_value());
  }
  for (size_t size = 0; size < bytes.size(); ++size) {
    CHECK_FAILS(Errc::kCorrupt, decode_manifest(std::string_view(bytes).substr(0, size), "m"));
  }
  CHECK_FAILS(Errc::kCorrupt, decode_manifest(bytes + "x", "m"));
  auto newer = bytes;
  newer[8] = 3;
  CHECK_FAILS(Errc::kCorrupt, decode_manifest(newer, "m"));
  newer.resize(newer.size() - 4);
  append_le<uint32_t>(newer, crc32c(newer));
  CHECK_FAILS(Errc::kNewerFormat, decode_manifest(newer, "m"));
}

BOOST_AUTO_TEST_CASE(any_change_of_it_is_damage_and_a_later_version_is_refused) {
  check_changes(encode_manifest({.segments = {{1, 2}, {3, 4}}}));
  check_changes(encode_manifest({.unsure_until = 5, .segments = {{1, 2}, {3, 4}}}));
}

BOOST_FIXTURE_TEST_CASE(that_a_store_lost_it_is_remembered_wherever_the_store_goes, Fixture) {
  auto store = open_store(environment, options);
  BOOST_TEST(store->stats().unsure_until == 0u);
  REQUIRE_OK(store->close());
  for (const bool is_damaged : {false, true}) {
    const auto lost = SimulatedEnvironment::make(environment->image());
    if (is_damaged) {
      lost->set_contents("manifest", "no manifest");
    } else {
      lost->delete_file("manifest");
    }
    auto read_only = options;
    read_only.read_only = true;
    BOOST_TEST(open_store(lost, read_only)->stats().unsure_until != 0u);

    reopen(store, lost, options);
    const auto since = store->stats().unsure_until;
    const auto last_change = [&](std::string_view key) { return store->info(key)->timestamp; };
    for (const auto& [key, value] : expected) BOOST_TEST(last_change(key) <= since);
    REQUIRE_OK(store->put("new", "value"));
    BOOST_TEST(last_change("new") > since);
    reopen(store, lost, options);
    unwrap(store->merge({.all = true}));
    BOOST_TEST(store->stats().unsure_until == since);

    unwrap(store->create_snapshot("then"));
    const auto snapshot = unwrap(unwrap(lost->directory("snapshots"))->directory("then"));
    BOOST_TEST(open_store(snapshot, options)->stats().unsure_until == since);
    const auto backup = SimulatedEnvironment::make(), restored = SimulatedEnvironment::make();
    unwrap(back_up({snapshot, lost}, *backup, {}, {}));
    BOOST_TEST(open_store(backup, options)->stats().unsure_until == since);
    unwrap(restore({backup, backup}, *restored, {}, {}));
    BOOST_TEST(open_store(restored, options)->stats().unsure_until == since);
    REQUIRE_OK(store->close_and_roll_back("then"));
    reopen(store, lost, options);
    BOOST_TEST(store->stats().unsure_until == since);
  }
}

BOOST_AUTO_TEST_CASE(a_snapshot_of_a_store_without_records_is_no_sign_of_a_lost_one) {
  const auto environment = SimulatedEnvironment::make();
  auto store = open_store(environment);
  unwrap(store->create_snapshot("empty"));
  Random random(base_seed());
  for (const auto loss : {Loss::kNothing, Loss::kUnsynced}) {
    const auto crashed = SimulatedEnvironment::make(environment->after_crash(loss, random));
    BOOST_TEST(open_store(crashed)->count() == 0u);
  }
}

BOOST_AUTO_TEST_CASE(a_store_without_records_has_lost_no_manifest) {
  const auto environment = SimulatedEnvironment::make();
  auto store = open_store(environment);
  BOOST_TEST(store->stats().unsure_until == 0u);
  REQUIRE_OK(store->close());
  reopen(store, environment);
  BOOST_TEST(store->stats().unsure_until == 0u);
}

BOOST_FIXTURE_TEST_CASE(a_missing_segment_without_a_hint_is_named_and_the_store_refused, Fixture) {
  remove_hints();
  const auto intact = environment->image();
  for (const auto& file : environment->files(".data")) {
    const auto damaged = SimulatedEnvironment::make(intact);
    damaged->delete_file(file);
    const auto opened = Store::open(damaged, options);
    CHECK_FAILS(Errc::kCorrupt, opened);
    BOOST_TEST(explain(opened).find(file) != std::string::npos);
    BOOST_TEST(explain(opened).find("manifest") != std::string::npos);
    // Refusing changed nothing: with the file put back, all is well.
    damaged->set_contents(file, intact.at(file));
    check_contents(*open_store(damaged, options), expected);
    // And whoever accepts the loss may go on.
    damaged->delete_file(file);
    damaged->delete_file("manifest");
    auto store = open_store(damaged, options);
    REQUIRE_OK(store->put("new", "value"));
    reopen(store, damaged, options);
    BOOST_TEST(unwrap(store->get("new")) == "value");
  }
}

BOOST_FIXTURE_TEST_CASE(a_missing_segment_with_a_hint_costs_exactly_what_it_held, Fixture) {
  const auto intact = environment->image();
  int lost_in_all = 0;
  for (const auto& file : environment->files(".data")) {
    const auto damaged = SimulatedEnvironment::make(intact);
    damaged->delete_file(file);
    auto store = open_store(damaged, options);
    const int lost = lost_of(*store);
    lost_in_all += lost;
    const auto report = unwrap(store->verify());
    const auto live = std::count_if(report.damages.begin(), report.damages.end(),
                                    [](const auto& d) { return d.live && !d.key.empty(); });
    BOOST_TEST(live == lost);
    BOOST_TEST(!report.clean());
    // Neither a merge nor new hints nor more openings forget it.
    unwrap(store->merge({.all = true}));
    BOOST_TEST(unwrap(store->rebuild_hints(true)).damaged == 1u);
    REQUIRE_OK(store->put("more", "later"));
    reopen(store, damaged, options);
    BOOST_TEST(lost_of(*store) == lost);
    REQUIRE_OK(store->close());
    damaged->set_contents(file, intact.at(file));
    store = open_store(damaged, options);
    BOOST_TEST(lost_of(*store) == 0);
  }
  BOOST_TEST(lost_in_all == int(expected.size()));
}

BOOST_FIXTURE_TEST_CASE(the_newest_segment_cannot_be_deleted_unnoticed_after_a_crash, Fixture) {
  auto store = open_store(environment, options);
  REQUIRE_OK(store->put("synced", "value"));
  REQUIRE_OK(store->sync());
  Random random(base_seed());
  const auto crashed = SimulatedEnvironment::make(environment->after_crash(Loss::kNothing, random));
  crashed->delete_file(crashed->files(".data").back());
  CHECK_FAILS(Errc::kCorrupt, Store::open(crashed, options));
}

BOOST_FIXTURE_TEST_CASE(a_cut_segment_shows_no_older_value_under_its_hint, Fixture) {
  const auto intact = environment->image();
  const auto files = environment->files(".data");
  for (const auto& file : {files[files.size() - 2], files.back()}) {
    const uint64_t keys_end = read_segment(intact.at(file)).keys_end;
    for (size_t size = 0; size < intact.at(file).size(); size += 97) {
      for (const bool with_manifest : {true, false}) {  // the hint has the length, too
        const auto damaged = SimulatedEnvironment::make(intact);
        damaged->cut(file, size);
        if (!with_manifest) damaged->delete_file("manifest");
        auto store = open_store(damaged, options);
        const int lost = lost_of(*store);
        BOOST_TEST((lost > 0) == (size < keys_end));
        BOOST_TEST(!unwrap(store->verify()).clean());
        BOOST_TEST(unwrap(store->rebuild_hints(true)).damaged == 1u);
        REQUIRE_OK(store->put("new", "value"));
        reopen(store, damaged, options);
        BOOST_TEST(lost_of(*store) == lost);
        BOOST_TEST(unwrap(store->get("new")) == "value");
      }
    }
  }
}

/// Its hint tells that it is not what a crash leaves of a store that is just made.
BOOST_AUTO_TEST_CASE(the_last_bytes_of_a_store_are_not_removed) {
  const auto environment = SimulatedEnvironment::make();
  auto store = open_store(environment);
  REQUIRE_OK(store->put("key", "value"));
  REQUIRE_OK(store->close());
  environment->delete_file("manifest");
  environment->cut(environment->files(".data").front(), 5);
  const auto left = environment->image();
  BOOST_TEST(left.size() == 2u);
  CHECK_FAILS(Errc::kCorrupt, Store::open(environment, quiet_options()));
  BOOST_TEST((environment->image() == left));
}

/// Its length is known, so it is not taken for what a crash left unsealed.
BOOST_FIXTURE_TEST_CASE(a_rotten_end_of_the_newest_segment_cuts_nothing_off, Fixture) {
  const auto newest = environment->files(".data").back();
  const auto size = environment->contents(newest).size();
  const auto whole = environment->image();
  for (const bool with_hints : {true, false}) {
    environment = SimulatedEnvironment::make(whole);
    if (!with_hints) remove_hints();
    environment->zero(newest, size - 20, 20);  // the seal
    environment->flip_bit(newest, 8 * 300);    // and a value in front of intact ones
    for (int opening = 0; opening < 2; ++opening) {
      auto store = open_store(environment, options);
      BOOST_TEST(lost_of(*store) == 1);
      BOOST_TEST(!unwrap(store->verify()).clean());
      REQUIRE_OK(store->close());
      BOOST_TEST(environment->contents(newest).size() == size);
    }
  }
  environment = SimulatedEnvironment::make(whole);
  environment->zero(newest, size - 300, 300);  // its hint knows what that was
  BOOST_TEST(lost_of(*open_store(environment, options)) == 1);
}

BOOST_FIXTURE_TEST_CASE(what_stands_behind_a_sealed_segment_is_ignored, Fixture) {
  const auto file = environment->files(".data").front();
  environment->set_contents(file, environment->contents(file) + "something behind it");
  check_contents(*open_store(environment, options), expected);
}

BOOST_FIXTURE_TEST_CASE(without_it_or_with_a_damaged_or_foreign_one_a_store_opens, Fixture) {
  const auto right = environment->contents("manifest");
  for (int kind = 0; kind < 3; ++kind) {
    if (kind == 0) environment->delete_file("manifest");
    if (kind == 1) environment->flip_bit("manifest", 100);
    if (kind == 2) environment->set_contents("manifest", encode_manifest({.segments = {{1, 2}}}));
    log.clear();
    auto store = open_store(environment, options);
    BOOST_TEST(logged("written anew") == (kind != 0));
    check_contents(*store, expected);
    REQUIRE_OK(store->close());
    const auto written = unwrap(decode_manifest(environment->contents("manifest"), "m"));
    BOOST_TEST((written.segments == unwrap(decode_manifest(right, "m")).segments));
  }
}

BOOST_FIXTURE_TEST_CASE(what_is_left_of_a_store_is_no_new_one, Fixture) {
  {
    auto store = open_store(environment, options);
    REQUIRE_OK(store->create_snapshot("before"));
    REQUIRE_OK(store->close());
  }
  const auto segments = environment->files(".data");
  for (const auto& file : segments) {
    if (!file.starts_with("snapshots/")) environment->delete_file(file);
  }
  CHECK_FAILS(Errc::kCorrupt, Store::open(environment, options));  // the manifest names them
  environment->flip_bit("manifest", 100);
  const auto refused = [&] {
    const auto before = environment->image();
    const auto opened = Store::open(environment, options);
    CHECK_FAILS(Errc::kCorrupt, opened);
    BOOST_TEST(opened.error().describe().find("all segments (*.data) are missing") !=
               std::string::npos);
    BOOST_TEST((environment->image() == before), "something was changed");
  };
  refused();  // hints, a damaged manifest, a snapshot
  environment->delete_file("manifest");
  refused();
  for (const auto& file : environment->files(".hint")) {
    if (!file.starts_with("snapshots/")) environment->delete_file(file);
  }
  refused();  // the snapshot alone
}

BOOST_AUTO_TEST_CASE(a_store_that_was_emptied_is_still_the_same_one) {
  const auto environment = SimulatedEnvironment::make();
  auto store = open_store(environment, quiet_options());
  REQUIRE_OK(store->put("key", "value"));
  REQUIRE_OK(store->erase("key"));
  REQUIRE_OK(store->close());
  const auto uuid = [&] {
    return unwrap(decode_manifest(environment->contents("manifest"), "m")).uuid;
  };
  const auto before = uuid();
  store = open_store(environment, quiet_options());
  REQUIRE_OK(store->merge({.all = true}));
  REQUIRE_OK(store->close());
  BOOST_TEST(environment->files(".data").empty());
  environment->set_contents("letter.txt", "dear");  // beside a store there may be anything
  store = open_store(environment, quiet_options());
  REQUIRE_OK(store->put("key", "value"));
  REQUIRE_OK(store->close());
  BOOST_TEST((uuid() == before));
}

BOOST_FIXTURE_TEST_CASE(a_store_that_did_not_change_does_not_write_it, Fixture) {
  const auto before = environment->calls(kCallsThatChange);
  auto store = open_store(environment, options);
  REQUIRE_OK(store->close());
  // Syncing names, once at each end, and nothing else.
  BOOST_TEST(environment->calls(kCallsThatChange) - before <= 2u);
}

/// The manifest cannot be written while a merge removes its inputs: why they are gone must still be
/// known at the next opening.
BOOST_FIXTURE_TEST_CASE(a_merge_without_room_for_it_leaves_an_explanation, Fixture) {
  auto store = open_store(environment, options);
  environment->inject({.calls = kCallCreate, .error = ENOSPC, .times = 0, .name_part = "manifest"});
  unwrap(store->merge({.all = true}));
  Random random(base_seed());
  const auto crashed = SimulatedEnvironment::make(environment->after_crash(Loss::kNothing, random));
  store.reset();
  check_contents(*open_store(crashed, options), expected);
  environment->clear_faults();
  check_contents(*open_store(environment, options), expected);
}

BOOST_FIXTURE_TEST_CASE(when_it_cannot_be_written_for_another_reason_the_store_latches, Fixture) {
  auto store = open_store(environment, options);
  environment->inject({.calls = kCallSync, .error = EIO, .times = 0, .name_part = "manifest"});
  REQUIRE_OK(store->put("key", "value"));  // the manifest is written beside it
  BOOST_TEST(!store->sync().has_value());
  BOOST_TEST(store->stats().read_only);
  environment->clear_faults();
  CHECK_FAILS(Errc::kReadOnly, store->put("key", "value"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace memoria::test
