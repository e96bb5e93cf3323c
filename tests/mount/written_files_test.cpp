// SPDX-License-Identifier: MIT
#include "fs/binding/written_files.hpp"

#include <boost/test/unit_test.hpp>

namespace memoria {

BOOST_AUTO_TEST_SUITE(written_files)

BOOST_AUTO_TEST_CASE(the_first_announcement_is_news_to_the_kernel) {
  WrittenFiles files;
  BOOST_TEST(!files.has(7));
  BOOST_TEST(files.begin(7));
  BOOST_TEST(!files.begin(7));
  BOOST_TEST(files.has(7));
  BOOST_TEST(files.may_have_more(7));
  BOOST_TEST(files.all() == std::vector<InodeNumber>{7}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_created_file_has_a_block_until_the_kernel_is_told_otherwise) {
  WrittenFiles files;
  files.created(7);
  BOOST_TEST(!files.has(7));
  BOOST_TEST(files.all().empty());
  BOOST_TEST(!files.begin(7));
  BOOST_TEST(files.has(7));

  files.created(8);
  BOOST_TEST(!files.may_have_more(8));
  BOOST_TEST(files.begin(8));
}

BOOST_AUTO_TEST_CASE(an_announcement_and_a_new_size_may_be_of_bytes_or_of_the_size) {
  WrittenFiles files;
  files.begin(7);
  files.resized(7, false);
  BOOST_TEST(files.is_unsure(7));
  BOOST_TEST(files.has(7));
  BOOST_TEST(files.may_have_more(7));
  BOOST_TEST(files.all() == std::vector<InodeNumber>{7}, boost::test_tools::per_element());
  files.settle(7, files.last_announced(7));
  BOOST_TEST(!files.is_unsure(7));
  BOOST_TEST(!files.has(7));
}

BOOST_AUTO_TEST_CASE(an_announcement_may_be_of_a_new_owner) {
  WrittenFiles files;
  files.created(7);
  files.begin(7);
  files.owner_changed(7);
  BOOST_TEST(files.is_unsure(7));
  BOOST_TEST(files.has(7));

  files.created(8);  // written to before
  files.begin(8);
  files.begin(8);
  files.owner_changed(8);
  BOOST_TEST(!files.is_unsure(8));
  BOOST_TEST(files.may_have_more(8));
}

BOOST_AUTO_TEST_CASE(what_is_announced_while_it_is_settled_counts) {
  WrittenFiles files;
  files.created(7);
  files.begin(7);
  files.resized(7, false);
  const auto announced = files.last_announced(7);
  BOOST_TEST(!files.begin(7));
  files.settle(7, announced);
  BOOST_TEST(!files.is_unsure(7));
  BOOST_TEST(files.has(7));

  // Emptied, written and cut anew: unsure again, but of other bytes.
  files.resized(7, true);
  files.begin(7);
  files.resized(7, false);
  files.settle(7, announced);
  BOOST_TEST(files.is_unsure(7));
}

BOOST_AUTO_TEST_CASE(a_new_size_of_a_file_that_was_written_to_leaves_bytes_with_the_kernel) {
  WrittenFiles files;
  files.begin(7);  // write
  files.begin(7);  // truncate
  files.resized(7, false);
  BOOST_TEST(files.has(7));
  BOOST_TEST(!files.is_unsure(7));
  files.begin(7);
  files.resized(7, true);
  BOOST_TEST(!files.has(7));
}

BOOST_AUTO_TEST_CASE(a_new_size_alone_leaves_nothing) {
  WrittenFiles files;
  files.created(7);
  files.resized(7, false);
  files.resized(8, false);
  BOOST_TEST(!files.may_have_more(7));
  BOOST_TEST(!files.has(8));
}

BOOST_AUTO_TEST_CASE(what_the_kernel_has_let_go_of_is_forgotten) {
  WrittenFiles files;
  files.begin(7);
  files.forget(7, files.last_announced(7));
  files.forget(8, files.last_announced(8));
  BOOST_TEST(!files.has(7));
  BOOST_TEST(files.begin(7));
}

BOOST_AUTO_TEST_CASE(what_is_announced_while_the_kernel_lets_go_stays) {
  WrittenFiles files;
  files.begin(7);
  const auto announced = files.last_announced(7);
  files.begin(7);
  files.forget(7, announced);
  BOOST_TEST(files.has(7));
  const auto nothing = files.last_announced(8);
  files.begin(8);
  files.forget(8, nothing);
  BOOST_TEST(files.has(8));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace memoria
