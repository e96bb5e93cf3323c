// SPDX-License-Identifier: MIT
// Files that are replaced as a whole: the old contents or the new ones, and nothing beside them.
#include "core/io/whole_file.hpp"

#include <cerrno>

#include "tests/core/store_helpers.hpp"

namespace memoria::test {
namespace {

BOOST_AUTO_TEST_SUITE(whole_file)

/// Two parts, as a long hint has.
Status replace(Environment& environment, const std::string& part) {
  return replace_file(environment, "name", [&](const AppendPart& append) -> Status {
    MEMORIA_TRY(append(part));
    return append(part);
  });
}

BOOST_AUTO_TEST_CASE(parts_come_one_behind_the_other) {
  const auto environment = SimulatedEnvironment::make();
  REQUIRE_OK(replace(*environment, "part"));
  BOOST_TEST(unwrap(read_file(*environment, "name", 100)) == "partpart");
}

BOOST_AUTO_TEST_CASE(a_call_that_fails_leaves_the_old_contents_and_no_other_file) {
  const auto environment = SimulatedEnvironment::make();
  REQUIRE_OK(replace_file(*environment, "name", "old"));
  for (uint64_t n = 1;; ++n) {
    environment->inject({.calls = kCallCreate | kCallWrite | kCallSync | kCallRename,
                         .nth = n,
                         .error = ENOSPC,
                         .partial = true});
    const auto replaced = replace(*environment, "new");
    environment->clear_faults();
    if (replaced.has_value()) {
      BOOST_TEST(n == 6u);  // making it, two parts, syncing it, giving it the name
      break;
    }
    BOOST_TEST(!environment->exists("name.tmp"));
    BOOST_TEST(unwrap(read_file(*environment, "name", 100)) == "old");
  }
}

BOOST_AUTO_TEST_CASE(contents_that_cannot_be_made_replace_nothing) {
  const auto environment = SimulatedEnvironment::make();
  REQUIRE_OK(replace_file(*environment, "name", "old"));
  CHECK_FAILS(Errc::kCancelled,
              replace_file(*environment, "name", [](const AppendPart& append) -> Status {
                MEMORIA_TRY(append("half"));
                return Error{Errc::kCancelled};
              }));
  BOOST_TEST(!environment->exists("name.tmp"));
  BOOST_TEST(unwrap(read_file(*environment, "name", 100)) == "old");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace memoria::test
