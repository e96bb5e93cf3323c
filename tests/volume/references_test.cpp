// SPDX-License-Identifier: MIT
#include "fs/volume/references.hpp"

#include <boost/test/unit_test.hpp>
#include <thread>
#include <vector>

namespace memoria {

BOOST_AUTO_TEST_SUITE(references)

BOOST_AUTO_TEST_CASE(an_inode_is_held_until_all_holds_are_given_back) {
  References references;
  BOOST_TEST(!references.is_held(5));
  references.hold(5);
  references.hold(5);
  BOOST_TEST(!references.forget(5, 1));
  BOOST_TEST(references.is_held(5));
  BOOST_TEST(!references.forget(5, 1));
  BOOST_TEST(!references.is_held(5));
}

BOOST_AUTO_TEST_CASE(forgetting_more_than_was_held_is_harmless) {
  References references;
  BOOST_TEST(!references.forget(5, 3));
  references.hold(5);
  BOOST_TEST(!references.forget(5, 1000));
  BOOST_TEST(!references.is_held(5));
}

BOOST_AUTO_TEST_CASE(an_unnamed_inode_goes_with_its_last_hold) {
  References references;
  references.hold(5);
  references.hold(5);
  references.set_unnamed(5, true);
  BOOST_TEST(references.is_linkable(5));
  BOOST_TEST(!references.forget(5, 1));
  BOOST_TEST(references.forget(5, 1));
  BOOST_TEST(references.is_unnamed(5));
  BOOST_TEST(references.unnamed() == std::vector<InodeNumber>{5}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_named_inode_is_not_to_be_removed) {
  References references;
  references.hold(5);
  references.set_unnamed(5, true);
  references.set_named(5);
  BOOST_TEST(!references.is_linkable(5));
  BOOST_TEST(!references.forget(5, 1));
  BOOST_TEST(references.unnamed().empty());
}

BOOST_AUTO_TEST_CASE(a_ghost_stays_while_it_is_held) {
  References references;
  references.hold(5);
  Attributes last;
  last.ino = 5;
  last.size = 77;
  references.leave_ghost(last);
  BOOST_REQUIRE(references.ghost(5).has_value());
  BOOST_TEST(references.ghost(5)->size == 77u);
  references.forget(5, 1);
  BOOST_TEST(!references.ghost(5).has_value());
}

BOOST_AUTO_TEST_CASE(nobody_sees_a_ghost_that_nobody_held) {
  References references;
  Attributes last;
  last.ino = 5;
  references.leave_ghost(last);
  BOOST_TEST(!references.ghost(5).has_value());
}

BOOST_AUTO_TEST_CASE(counts_are_exact_with_many_threads) {
  References references;
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      for (InodeNumber i = 0; i < 5000; ++i) {
        references.hold(i % 70);
        references.hold(i % 70);
        references.forget(i % 70, 1);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  for (InodeNumber i = 0; i < 70; ++i) {
    const uint64_t holds = 8 * (5000 / 70 + (i < 5000 % 70 ? 1 : 0));
    references.forget(i, holds - 1);
    BOOST_TEST(references.is_held(i));
    references.forget(i, 1);
    BOOST_TEST(!references.is_held(i));
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace memoria
