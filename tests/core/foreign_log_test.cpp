// SPDX-License-Identifier: MIT
// A foreign store as a whole: the newest version of each key or none, and everything that is in
// doubt is told.
#include <map>

#include "core/foreign/log.hpp"
#include "tests/support/check.hpp"
#include "tests/support/foreign_records.hpp"
#include "tests/support/memory_source.hpp"

namespace memoria::test {
namespace {

using namespace foreign;
using namespace std::string_literals;

struct Fixture {
  MemoryFiles source;
  std::vector<Remark> remarks;
  std::unique_ptr<Log> log;
  LogTotals totals;

  void add(int number, const std::string& bytes) {
    source.files[std::to_string(number) + ".bitcask.data"].bytes += bytes;
  }
  void add_original(int number, const std::string& bytes) {
    source.files[std::to_string(number) + ".data"].bytes += bytes;
  }

  Status scan(const LogOptions& options = {}, const ProgressFn& progress = {}) {
    remarks.clear();
    MEMORIA_TRY(log, Log::open(std::make_unique<MemorySourceDirectory>(source), options));
    const auto scanned = log->scan(progress, [&](const Remark& remark) {
      remarks.push_back(remark);
      return ok();
    });
    totals = log->totals();
    return scanned;
  }

  Result<std::string> value(const Log::Entry& entry) const {
    MEMORIA_TRY(log->open_value(entry));
    std::string out;
    for (;;) {
      MEMORIA_TRY(const auto part, log->next_part());
      if (part.empty()) return out;
      out += part;
    }
  }

  /// All that is to be taken.
  std::map<std::string, std::string> contents(const LogOptions& options = {}) {
    REQUIRE_OK(scan(options));
    std::map<std::string, std::string> out;
    uint64_t bytes = 0;
    for (const auto* entry : log->live()) {
      out[entry->first] = unwrap(value(*entry));
      bytes += out[entry->first].size();
    }
    BOOST_TEST(bytes == log->live_bytes());
    return out;
  }

  uint64_t losses() const {
    return uint64_t(std::count_if(remarks.begin(), remarks.end(),
                                  [](const Remark& remark) { return remark.is_loss; }));
  }
};

using Contents = std::map<std::string, std::string>;
constexpr LogOptions kOriginal{.engine = Engine::kOriginal};

std::string damaged(std::string record) {
  record.back() = char(record.back() ^ 1);
  return record;
}

BOOST_FIXTURE_TEST_SUITE(foreign_log, Fixture)

BOOST_AUTO_TEST_CASE(the_newest_by_place_wins_in_a_bitcask_whatever_its_time_says) {
  add(9, bitcask_record("a", "old", 100) + bitcask_record("b", "only", 5));
  add(10, bitcask_record("a", "newer", 50) + bitcask_record("a", "newest", 50));
  add(11, bitcask_record("c", std::string(700'000, 'c'), 7));
  BOOST_TEST(
      (contents() == Contents{{"a", "newest"}, {"b", "only"}, {"c", std::string(700'000, 'c')}}));
  BOOST_TEST(remarks.empty());
  BOOST_TEST(totals.files == 3u);
  BOOST_TEST(totals.records == 5u);
  BOOST_TEST(log->live()[0]->first == "b");  // in the order of the log
  BOOST_TEST(source.largest_read <= Window::kCapacity);
}

/// A merge there copies old records into new files.
BOOST_AUTO_TEST_CASE(the_newest_by_time_wins_in_the_original_whatever_its_place) {
  for (const bool big : {false, true}) {
    for (const bool castagnoli : {false, true}) {
      BOOST_TEST_CONTEXT(big << castagnoli) {
        source.files.clear();
        const OriginalStyle style{big, castagnoli, 1};
        add_original(10, original_record(style, "a", "new", 200, 1) +
                             original_record(style, "b", "", 300, 2) +
                             original_record(style, "same", "first", 5, 1));
        add_original(20, original_record(style, "a", "copied by a merge", 100, 1) +
                             original_record(style, "b", "copied, too", 150, 1) +
                             original_record(style, "same", "second", 5, 1));
        BOOST_TEST((contents(kOriginal) == Contents{{"a", "new"}, {"same", "second"}}));
        BOOST_TEST(remarks.empty());
        BOOST_TEST(totals.erased == 1u);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(tombstones_of_every_form_erase_and_what_is_put_again_is_there) {
  for (int form = 0; form < 3; ++form) {
    const auto n = std::to_string(form);
    add(1, bitcask_record("gone" + n, "value") + bitcask_record("back" + n, "value"));
    add(2, bitcask_tombstone("gone" + n, form) + bitcask_tombstone("back" + n, form));
    add(2, bitcask_record("back" + n, "again"));
  }
  BOOST_TEST((contents() == Contents{{"back0", "again"}, {"back1", "again"}, {"back2", "again"}}));
  BOOST_TEST(totals.erased == 3u);
  BOOST_TEST(remarks.empty());
}

BOOST_AUTO_TEST_CASE(hints_locks_and_unfinished_merges_are_not_read) {
  add(1, bitcask_record("a", "value"));
  for (const auto* name : {"1.bitcask.hint", "2.bitcask.hint", "bitcask.write.lock", "x.txt"}) {
    source.files[name].bytes = bitcask_record("a", "wrong") + std::string(100, '\xff');
  }
  BOOST_TEST((contents() == Contents{{"a", "value"}}));
  add_original(1, original_record({}, "a", "original", 1));
  source.files["2.merge"].bytes = original_record({}, "a", "unfinished", 2);
  source.files["1.hint"].bytes = "?";
  BOOST_TEST((contents(kOriginal) == Contents{{"a", "original"}}));
  BOOST_TEST(remarks.empty());
}

BOOST_AUTO_TEST_CASE(files_that_a_merge_replaced_bring_nothing_back) {
  add(1, bitcask_record("erased", "value"));
  add(2, bitcask_record("a", "value"));
  source.files["1.bitcask.data"].mode |= 04000;
  BOOST_TEST((contents() == Contents{{"a", "value"}}));
  BOOST_REQUIRE(remarks.size() == 1u);
  BOOST_TEST(!remarks[0].is_loss);
  BOOST_TEST(remarks[0].file == "1.bitcask.data");
  source.files["2.bitcask.data"].mode |= 0001;
  const auto none = scan();
  CHECK_FAILS(Errc::kNotFound, none);
  BOOST_TEST(none.error().describe().find("chmod") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_directory_of_something_else_is_refused) {
  CHECK_FAILS(Errc::kNotFound, scan());
  source.files["notes.txt"].bytes = "x";
  CHECK_FAILS(Errc::kNotFound, scan());
  add(1, std::string(1000, 'x'));
  CHECK_FAILS(Errc::kCorrupt, scan());
  add_original(1, std::string(1000, 'x'));
  CHECK_FAILS(Errc::kCorrupt, scan(kOriginal));
}

BOOST_AUTO_TEST_CASE(empty_files_are_an_empty_store) {
  add(1, "");
  BOOST_TEST(contents().empty());
  add_original(1, "");
  BOOST_TEST(contents(kOriginal).empty());
  BOOST_TEST(remarks.empty());
}

BOOST_AUTO_TEST_CASE(a_damaged_newest_version_is_never_replaced_by_an_older_one_unasked) {
  add(1, bitcask_record("a", "older") + bitcask_record("b", "value"));
  add(2, damaged(bitcask_record("a", "newest")) + bitcask_record("c", "value"));
  BOOST_TEST((contents() == Contents{{"b", "value"}, {"c", "value"}}));
  BOOST_TEST(totals.damaged == 1u);
  BOOST_TEST(totals.skipped == 1u);
  BOOST_TEST(totals.in_doubt == 1u);  // b: nobody knows that the key in the damaged record is right
  BOOST_REQUIRE(losses() == 2u);      // the place, and what it cost
  BOOST_TEST(remarks[0].file == "2.bitcask.data");
  BOOST_TEST(remarks[0].offset == 0u);
  BOOST_TEST(remarks[0].key.value() == "a");
  BOOST_TEST(remarks[1].key.value() == "a");

  BOOST_TEST(
      (contents({.keep_older = true}) == Contents{{"a", "older"}, {"b", "value"}, {"c", "value"}}));
  BOOST_TEST(losses() == 2u);
  add(3, bitcask_record("a", "written again"));
  BOOST_TEST(contents()["a"] == "written again");
}

/// By time: what is newer may lie in front of what is damaged.
BOOST_AUTO_TEST_CASE(in_the_original_the_time_decides_whether_damage_matters) {
  add_original(1, original_record({}, "a", "newer", 200) + original_record({}, "b", "older", 10));
  add_original(2, damaged(original_record({}, "a", "older", 100)) +
                      damaged(original_record({}, "b", "newest", 300)) +
                      original_record({}, "c", "value", 400));
  // That the damaged one of a is older is only what stands in it: it is left out as well.
  BOOST_TEST((contents(kOriginal) == Contents{{"c", "value"}}));
  BOOST_TEST(totals.skipped == 2u);
  BOOST_TEST(totals.in_doubt == 1u);  // c, although nothing behind it is damaged
}

BOOST_AUTO_TEST_CASE(a_torn_tail_is_told_and_costs_the_key_that_was_being_written) {
  const auto torn = bitcask_record("a", "never finished");
  add(1, bitcask_record("a", "older") + bitcask_record("b", "value") +
             torn.substr(0, torn.size() - 1));
  add(2, bitcask_record("c", "value"));
  BOOST_TEST((contents() == Contents{{"b", "value"}, {"c", "value"}}));
  BOOST_TEST(totals.torn == 1u);
  BOOST_TEST(totals.damaged == 0u);
  BOOST_TEST(totals.in_doubt == 0u);
  BOOST_TEST(losses() == 2u);
  BOOST_TEST(contents({.keep_older = true})["a"] == "older");
}

BOOST_AUTO_TEST_CASE(a_damaged_range_puts_all_that_is_older_in_doubt) {
  add(1, bitcask_record("a", "value") + std::string(50, '?') + bitcask_record("b", "value"));
  BOOST_TEST(contents().size() == 2u);
  BOOST_TEST(totals.damaged == 1u);
  BOOST_TEST(totals.in_doubt == 1u);
  BOOST_TEST(losses() == 1u);
}

BOOST_AUTO_TEST_CASE(what_has_expired_counts_as_erased) {
  add(1, bitcask_record("old", "value", 99) + bitcask_record("new", "value", 100));
  BOOST_TEST((contents({.expiry = 100'000'000'000}) == Contents{{"new", "value"}}));
  BOOST_TEST(totals.expired == 1u);
  BOOST_TEST(remarks.empty());
}

BOOST_AUTO_TEST_CASE(an_unknown_type_is_left_out_and_told) {
  add_original(1, original_record({}, "a", "older", 1, 1) + original_record({}, "a", "?", 2, 7));
  BOOST_TEST(contents(kOriginal).empty());
  BOOST_TEST(totals.skipped == 1u);
  BOOST_REQUIRE(losses() == 2u);  // that there are values of two types, and this
  BOOST_TEST(remarks.back().detail.find("type 7") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(types_that_are_not_what_was_expected_are_told) {
  add_original(1, original_record({}, "a", "x", 1, 1) + original_record({}, "b", "", 2, 1));
  BOOST_TEST((contents(kOriginal) == Contents{{"a", "x"}}));
  BOOST_TEST(losses() == 1u);
}

BOOST_AUTO_TEST_CASE(a_key_that_no_path_can_hold_is_left_out_and_told) {
  const std::string longest(kMostKeyBytes, 'k'), longer(kMostKeyBytes + 1, 'k');
  add_original(1, original_record({}, longest, "x", 1) + original_record({}, longer, "y", 2) +
                      original_record({}, longer + "erased", "", 3, 2));
  BOOST_TEST((contents(kOriginal) == Contents{{longest, "x"}}));
  BOOST_TEST(losses() == 1u);
  BOOST_TEST(totals.skipped == 1u);
}

BOOST_AUTO_TEST_CASE(keys_are_any_bytes) {
  const std::string odd = "\0\xff/../\n"s;
  add(1, bitcask_record(odd, "x") + bitcask_record("", "empty") + bitcask_record("v", ""));
  BOOST_TEST((contents() == Contents{{odd, "x"}, {"", "empty"}, {"v", ""}}));
}

BOOST_AUTO_TEST_CASE(a_store_that_changes_while_it_is_read_is_noticed) {
  for (const std::string value : {"short", "of more bytes than are held at once"}) {
    const std::string large = value + std::string(value.size() > 5 ? 1 << 20 : 0, 'x');
    source.files.clear();
    add(1, bitcask_record("other", "x") + bitcask_record("a", large));
    REQUIRE_OK(scan());
    const auto& entry = *log->live().back();
    BOOST_TEST(unwrap(this->value(entry)) == large);
    const auto good = source.files.begin()->second.bytes;
    auto& bytes = source.files.begin()->second.bytes;
    for (const size_t at :
         {good.size() - 1, good.size() - large.size() - 1, good.size() - large.size() - 15}) {
      REQUIRE_OK(scan());
      bytes[at] = char(bytes[at] ^ 1);
      CHECK_FAILS(Errc::kCorrupt, this->value(*log->live().back()));
      bytes = good;
    }
    REQUIRE_OK(scan());
    bytes.resize(good.size() - 3);
    CHECK_FAILS(Errc::kCorrupt, this->value(*log->live().back()));
  }
}

BOOST_AUTO_TEST_CASE(errors_and_a_stop_end_it) {
  add(1, bitcask_record("a", std::string(3 << 20, 'x')));
  CHECK_FAILS(Errc::kCancelled, scan({}, [](const Progress&) { return false; }));
  uint64_t last = 0, total = 0;
  REQUIRE_OK(scan({}, [&](const Progress& progress) {
    BOOST_REQUIRE(progress.done >= last);
    last = progress.done;
    total = progress.total;
    return true;
  }));
  BOOST_TEST(last == total);
  BOOST_TEST(total == source.files.begin()->second.bytes.size());
  source.failing = "1.bitcask.data";
  CHECK_FAILS(Errc::kIo, scan());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace memoria::test
