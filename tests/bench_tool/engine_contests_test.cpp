// SPDX-License-Identifier: MIT
#include "tools/bench/engine_contests.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <csignal>

#include "tests/support/check.hpp"
#include "tests/support/temporary_directory.hpp"
#include "tools/bench/engine_child.hpp"
#include "tools/bench/engine_field.hpp"
#include "tools/bench/engine_measure.hpp"

namespace {

using namespace memoria::bench;  // NOLINT(google-build-using-namespace): a test of all of it
using memoria::Errc, memoria::Error, memoria::Result, memoria::Status;
using memoria::test::TemporaryDirectory, memoria::test::unwrap;

constexpr uint64_t kKeys = 500;

/// Puts every key, then half of them again, and erases every fifth.
Status fill(Engine& engine, const Values& values) {
  MEMORIA_TRY(load(engine, values, kKeys, 300, 0));
  for (uint64_t i = 0; i < kKeys; i += 2) {
    MEMORIA_TRY(engine.put(view(spread_key(i)), values.at(i, 5000 + i, 1)));
  }
  for (uint64_t i = 0; i < kKeys; i += 5) MEMORIA_TRY(engine.erase(view(spread_key(i))));
  MEMORIA_TRY(engine.erase(view(spread_key(0, 7))));  // was never there
  MEMORIA_TRY(engine.put_synced("synced", "durable"));
  return engine.put("empty", "");
}

Status check(Engine& engine, const Values& values) {
  std::string found;
  for (uint64_t i = 0; i < kKeys; ++i) {
    if (i % 5 == 0) {
      MEMORIA_TRY(const bool there, engine.get(view(spread_key(i)), found));
      if (there) return Error(Errc::kExists, "an erased key is there");
    } else {
      const auto value = i % 2 == 0 ? values.at(i, 5000 + i, 1) : values.at(i, 300, 0);
      MEMORIA_TRY(expect_value(engine, view(spread_key(i)), value, found));
    }
  }
  MEMORIA_TRY(expect_value(engine, "synced", "durable", found));
  return expect_value(engine, "empty", "", found);
}

Result<Figures> conform(const EngineKind& kind, const std::string& directory) {
  const Values values(8000);
  const auto engine = kind.make();
  const Setup setup{directory, kKeys, true};
  MEMORIA_TRY(engine->open(setup));
  MEMORIA_TRY(fill(*engine, values));
  MEMORIA_TRY(check(*engine, values));
  MEMORIA_TRY(engine->close());
  MEMORIA_TRY(engine->open(setup));
  MEMORIA_TRY(check(*engine, values));
  if (!kind.ceiling) {
    MEMORIA_TRY(engine->compact());
    MEMORIA_TRY(check(*engine, values));
    MEMORIA_TRY(engine->put("after", "compaction"));
    MEMORIA_TRY(engine->close());
    MEMORIA_TRY(engine->open(setup));
    MEMORIA_TRY(check(*engine, values));
    std::string found;
    MEMORIA_TRY(expect_value(*engine, "after", "compaction", found));
  }
  MEMORIA_TRY(engine->close());
  return Figures{};
}

BOOST_AUTO_TEST_SUITE(engine_contests_of_memoria_bench)

BOOST_AUTO_TEST_CASE(every_engine_puts_gets_erases_reopens_and_compacts) {
  for (const auto& kind : engine_kinds()) {
    BOOST_TEST_CONTEXT(kind.name) {
      TemporaryDirectory directory;
      REQUIRE_OK(in_child([&] { return conform(kind, directory.path()); }));
    }
  }
}

BOOST_AUTO_TEST_CASE(every_group_runs_and_its_figures_are_positive) {
  TemporaryDirectory directory;
  for (const auto& group : engine_group_names()) {
    EngineOptions options{directory.path("runs"), {"memoria", "raw"}, {group}, 1000, true};
    const auto contests = unwrap(engine_contests(options));
    BOOST_TEST(!contests.empty());
    for (const auto& contest : contests) {
      BOOST_REQUIRE(!contest.contestants.empty());
      BOOST_TEST(contest.contestants.front().name == "memoria");
      for (const auto& contestant : contest.contestants) {
        BOOST_TEST_CONTEXT(contest.title << ", " << contestant.name) {
          for (const auto& figure : unwrap(contestant.run())) {
            BOOST_TEST(figure.value > 0, figure.name);
          }
        }
      }
    }
  }
  BOOST_TEST(memoria::test::read_whole_file(directory.path("runs/log")).empty());
}

BOOST_AUTO_TEST_CASE(memoria_takes_part_unasked_and_comes_first) {
  const auto contests = unwrap(engine_contests({"unused", {"raw"}, {"put"}, 1000, true}));
  for (const auto& contest : contests) {
    BOOST_REQUIRE(contest.contestants.size() == 2u);
    BOOST_TEST(contest.contestants[0].name == "memoria");
    BOOST_TEST(contest.contestants[1].name == "raw");
  }
}

BOOST_AUTO_TEST_CASE(unknown_engine_or_group_is_refused_and_the_known_ones_are_named) {
  const auto engine = engine_contests({"unused", {"bitcask"}, {}, 1000, true});
  CHECK_FAILS(Errc::kInvalidArgument, engine);
  BOOST_TEST(engine.error().message.find("memoria") != std::string::npos);
  const auto group = engine_contests({"unused", {}, {"delete"}, 1000, true});
  CHECK_FAILS(Errc::kInvalidArgument, group);
  BOOST_TEST(group.error().message.find("merge") != std::string::npos);
  CHECK_FAILS(Errc::kInvalidArgument, engine_contests({"unused", {}, {}, 0, true}));
}

BOOST_AUTO_TEST_CASE(figures_and_errors_come_out_of_a_child_unchanged) {
  const auto figures = unwrap(in_child([]() -> Result<Figures> {
    return Figures{{"a \"name\"", "op/s", 0.1, true}, {"b", "us", 1e-9, false}};
  }));
  BOOST_REQUIRE(figures.size() == 2u);
  BOOST_TEST(figures[0].name == "a \"name\"");
  BOOST_TEST(figures[0].more_is_better);
  BOOST_TEST(figures[1].value == 1e-9);
  BOOST_TEST(!figures[1].more_is_better);
  const auto failed =
      in_child([]() -> Result<Figures> { return Error(Errc::kNoSpace, 28, "the disk is full"); });
  CHECK_FAILS(Errc::kNoSpace, failed);
  BOOST_TEST(failed.error().message == "the disk is full");
}

BOOST_AUTO_TEST_CASE(death_of_a_child_is_an_error_but_when_it_was_asked_for) {
  CHECK_FAILS(Errc::kIo, in_child([]() -> Result<Figures> {
                std::raise(SIGSEGV);
                return Figures{};
              }));
  CHECK_FAILS(Errc::kCancelled, in_child([]() -> Result<Figures> {
                std::raise(SIGINT);
                return Figures{};
              }));
  REQUIRE_OK(in_child([]() -> Result<Figures> { return Figures{}; }, Ending::kKilled));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
