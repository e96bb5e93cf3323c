// SPDX-License-Identifier: MIT
// A store that becomes what one of its snapshots is, whatever happens meanwhile.
#include "core/store/rollback.hpp"

#include <cerrno>

#include "core/store/store.hpp"
#include "tests/core/store_helpers.hpp"

namespace memoria::test {
namespace {

BOOST_AUTO_TEST_SUITE(rollback)

/// A store with a snapshot "then" whose segments the store itself has merged away in part.
struct Fixture {
  std::shared_ptr<SimulatedEnvironment> environment = SimulatedEnvironment::make();
  Options options = quiet_options(4 << 10);
  StorePtr store = open_store(environment, options);
  Contents then, present;

  Fixture() {
    Random random(base_seed());
    for (int i = 0; i < 40; ++i) {
      REQUIRE_OK(store->put(numbered("key", uint64_t(i)), random.bytes(random.below(600))));
    }
    REQUIRE_OK(store->write_at("key00003", 700, "patched"));
    REQUIRE_OK(store->erase("key00004"));
    unwrap(store->create_snapshot("then"));
    then = contents_of(*store);
    // What comes back must not be hidden by tombstones of later, nor what is gone come back.
    for (int i = 0; i < 20; ++i) REQUIRE_OK(store->erase(numbered("key", uint64_t(i))));
    unwrap(store->merge({.all = true}));
    for (int i = 10; i < 15; ++i) REQUIRE_OK(store->put(numbered("key", uint64_t(i)), "of later"));
    REQUIRE_OK(store->write_at("key00030", 5, "of later"));
    REQUIRE_OK(store->put("new", "of later"));
    present = contents_of(*store);
  }

  std::vector<std::string> names() const {
    std::vector<std::string> out;
    for (const auto& info : unwrap(store->snapshots())) out.push_back(info.name);
    return out;
  }
};

BOOST_FIXTURE_TEST_CASE(the_store_is_what_the_snapshot_is, Fixture) {
  unwrap(store->create_snapshot("before"));
  const auto newest = store->last_timestamp();
  REQUIRE_OK(store->close_and_roll_back("then"));
  CHECK_FAILS(Errc::kClosed, store->put("key", "value"));
  store = open_store(environment, options);
  check_contents(*store, then);
  BOOST_TEST(unwrap(store->verify()).clean());
  BOOST_TEST(environment->files("rollback").empty());
  BOOST_TEST(store->last_timestamp() >= newest);
  // It goes on from there, and what it was stays where it was put.
  REQUIRE_OK(store->put("after", "it"));
  then["after"] = "it";
  unwrap(store->merge({.all = true}));
  reopen(store, environment, options);
  check_contents(*store, then);
  check_contents(*unwrap(store->open_snapshot("before")), present);
  // And back again.
  REQUIRE_OK(store->close_and_roll_back("before"));
  store = open_store(environment, options);
  check_contents(*store, present);
  BOOST_TEST(unwrap(store->verify()).clean());
}

BOOST_FIXTURE_TEST_CASE(what_the_snapshot_s_manifest_does_not_name_goes, Fixture) {
  std::string last;  // has puts of later
  for (const auto& file : environment->files(".data")) {
    if (file.find('/') == std::string::npos) last = file;
  }
  reopen(store, environment, options);
  REQUIRE_OK(environment->link(last, "snapshots/then/" + last));
  REQUIRE_OK(store->close_and_roll_back("then"));
  store = open_store(environment, options);
  check_contents(*store, then);
  BOOST_TEST(!environment->exists(last));
}

BOOST_FIXTURE_TEST_CASE(one_to_an_empty_snapshot_leaves_nothing, Fixture) {
  const auto empty = SimulatedEnvironment::make();
  auto other = open_store(empty, options);
  unwrap(other->create_snapshot("nothing"));
  REQUIRE_OK(other->put("key", "value"));
  REQUIRE_OK(other->close_and_roll_back("nothing"));
  other = open_store(empty, options);
  BOOST_TEST(other->count() == 0u);
  REQUIRE_OK(other->put("key", "again"));
  reopen(other, empty, options);
  BOOST_TEST(unwrap(other->get("key")) == "again");
}

BOOST_FIXTURE_TEST_CASE(segments_are_named_after_all_that_were_even_when_the_clock_goes_back,
                        Fixture) {
  unwrap(store->create_snapshot("before"));
  const auto newest = store->last_timestamp();
  REQUIRE_OK(store->close_and_roll_back("then"));
  environment->set_clock(1);
  store = open_store(environment, options);
  reopen(store, environment, options);
  REQUIRE_OK(store->put("after", "it"));
  BOOST_TEST(store->last_timestamp() > newest);
  for (const auto& segment : store->stats().segments) {
    if (!segment.sealed) BOOST_TEST(segment.id > newest);
  }
}

BOOST_FIXTURE_TEST_CASE(what_cannot_be_rolled_back_to_changes_nothing, Fixture) {
  CHECK_FAILS(Errc::kNotFound, store->close_and_roll_back("never made"));
  CHECK_FAILS(Errc::kNotFound, store->close_and_roll_back("../x"));
  unwrap(store->create_snapshot("damaged"));
  const auto files = environment->files(".data");
  for (const auto& file : files) {
    if (!file.starts_with("snapshots/damaged/")) continue;
    environment->delete_file(file);
    break;
  }
  CHECK_FAILS(Errc::kCorrupt, store->close_and_roll_back("damaged"));
  environment->delete_file("snapshots/then/manifest");
  CHECK_FAILS(Errc::kCorrupt, store->close_and_roll_back("then"));
  check_contents(*store, present);
  reopen(store, environment, options);
  check_contents(*store, present);
}

BOOST_FIXTURE_TEST_CASE(without_room_to_finish_it_none_is_begun, Fixture) {
  for (const bool bytes : {true, false}) {
    if (bytes) environment->set_capacity(environment->used_bytes() + (100 << 10));
    if (!bytes) environment->claim_files(1000, 3);
    CHECK_FAILS(Errc::kNoSpace, store->close_and_roll_back("then"));
    environment->set_capacity(0);
    environment->claim_files(0, 0);
    check_contents(*store, present);
  }
  BOOST_TEST(!environment->exists("rollback"));
  REQUIRE_OK(store->close_and_roll_back("then"));
  reopen(store, environment, options);
  check_contents(*store, then);
}

BOOST_FIXTURE_TEST_CASE(a_damaged_decision_is_refused_and_nothing_is_touched, Fixture) {
  REQUIRE_OK(store->close_and_roll_back("then"));
  store.reset();
  environment->flip_bit("rollback", 240);
  const auto before = environment->image();
  CHECK_FAILS(Errc::kCorrupt, Store::open(environment, options));
  BOOST_TEST((environment->image() == before));
  environment->delete_file("rollback");  // the other way out: what it was is still there
  store = open_store(environment, options);
  check_contents(*store, present);
}

BOOST_FIXTURE_TEST_CASE(whoever_only_reads_does_not_carry_it_out, Fixture) {
  REQUIRE_OK(store->close_and_roll_back("then"));
  auto reading = options;
  reading.read_only = true;
  CHECK_FAILS(Errc::kReadOnly, Store::open(environment, reading));
  store = open_store(environment, options);
  check_contents(*store, then);
}

BOOST_FIXTURE_TEST_CASE(a_crash_leaves_the_present_or_the_snapshot, Fixture) {
  Random random(base_seed());
  REQUIRE_OK(store->close());
  environment->start_trace();
  store = open_store(environment, options);
  unwrap(store->create_snapshot("before"));
  REQUIRE_OK(store->close_and_roll_back("then"));
  const auto decided_at = environment->trace_size();
  store = open_store(environment, options);
  const auto opened_at = environment->trace_size();
  REQUIRE_OK(store->put("after", "it"));
  REQUIRE_OK(store->sync());
  const auto written_at = environment->trace_size();
  REQUIRE_OK(store->close());
  auto after = then;
  after["after"] = "it";

  size_t olds = 0, news = 0;
  SimulatedDisk disk(environment->trace_begin());
  for (size_t n = 0; n <= environment->trace().size(); ++n) {
    for (const auto loss : {Loss::kNothing, Loss::kUnsynced, Loss::kLatestOnly, Loss::kRandom}) {
      BOOST_TEST_CONTEXT("crash after " << n << " operations, loss " << int(loss)) {
        const auto crashed = SimulatedEnvironment::make(disk.after_crash(loss, random));
        store = open_store(crashed, options);
        const auto found = contents_of(*store);
        BOOST_TEST((found == present || found == then || found == after));
        (found == present ? olds : news)++;
        if (n >= decided_at) BOOST_TEST((found != present));
        if (n >= written_at) BOOST_TEST((found == after));
        if (n < opened_at) BOOST_TEST((found != after));
        if (found != present) check_contents(*unwrap(store->open_snapshot("before")), present);
        check_contents(*unwrap(store->open_snapshot("then")), then);
        // And it goes on.
        REQUIRE_OK(store->put("later", "too"));
        unwrap(store->merge({.all = true}));
        reopen(store, crashed, options);
        auto expected = found;
        expected["later"] = "too";
        check_contents(*store, expected);
        BOOST_REQUIRE(unwrap(store->verify()).clean());
        store.reset();
      }
    }
    if (n < environment->trace().size()) disk.apply(environment->trace()[n]);
  }
  BOOST_TEST(olds > 0u);
  BOOST_TEST(news > 0u);
}

/// The second crash hits the opening that carries it out.
BOOST_FIXTURE_TEST_CASE(a_crash_while_it_is_carried_out_is_no_matter, Fixture) {
  Random random(base_seed());
  REQUIRE_OK(store->close_and_roll_back("then"));
  store.reset();
  environment->start_trace();
  store = open_store(environment, options);
  store.reset();
  SimulatedDisk disk(environment->trace_begin());
  for (size_t n = 0; n <= environment->trace().size(); ++n) {
    for (const auto loss : {Loss::kNothing, Loss::kUnsynced, Loss::kLatestOnly, Loss::kRandom}) {
      const auto crashed = SimulatedEnvironment::make(disk.after_crash(loss, random));
      store = open_store(crashed, options);
      check_contents(*store, then);
      store.reset();
    }
    if (n < environment->trace().size()) disk.apply(environment->trace()[n]);
  }
}

BOOST_FIXTURE_TEST_CASE(a_call_that_fails_leaves_one_or_the_other, Fixture) {
  REQUIRE_OK(store->close());
  const auto image = environment->image();
  for (const int error : {EIO, ENOSPC}) {
    bool hit = true;
    for (uint64_t nth = 1; hit; ++nth) {
      BOOST_TEST_CONTEXT("call " << nth << ", errno " << error) {
        const auto failing = SimulatedEnvironment::make(image);
        store = open_store(failing, options);
        failing->inject({.calls = kCallsThatChange, .nth = nth, .error = error});
        const auto decided = store->close_and_roll_back("then");
        auto opened = Store::open(failing, options);
        hit = failing->faults_hit() > 0;
        failing->clear_faults();
        if (opened.has_value()) REQUIRE_OK(opened.value()->close());
        store = open_store(failing, options);
        check_contents(*store, decided.has_value() ? then : present);
        store.reset();
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(the_file_is_read_back_and_checked) {
  Rollback made;
  made.uuid[3] = 'u';
  made.timestamp = 77;
  made.snapshot = "with spaces";
  const auto bytes = encode_rollback(made);
  BOOST_TEST((unwrap(decode_rollback(bytes, "x")) == made));
  for (size_t i = 0; i < bytes.size(); ++i) {
    BOOST_TEST(!decode_rollback(std::string_view(bytes).substr(0, i), "x").has_value());
    auto changed = bytes;
    changed[i] = char(changed[i] ^ 1);
    BOOST_TEST(!decode_rollback(changed, "x").has_value());
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace memoria::test
