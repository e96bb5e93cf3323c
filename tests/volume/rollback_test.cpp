// SPDX-License-Identifier: MIT
// A volume that goes back to a snapshot.
#include "fs/volume/rollback.hpp"

#include "tests/volume/fixture.hpp"

namespace memoria::test {
namespace {

struct RollbackFixture : VolumeFixture {
  OpenStore opener() {
    return [this] { return Store::open(unwrap(open_directory(place.path(), true)), options); };
  }
  Status back(std::string_view snapshot, const std::optional<std::string>& keep = {}) {
    close();
    auto done = roll_back(opener(), snapshot, keep);
    open();
    return done;
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(rolling_back, RollbackFixture)

BOOST_AUTO_TEST_CASE(files_are_what_they_were_and_the_present_is_kept) {
  const auto file = make_file("file", "then");
  make_file("gone", "x");
  unwrap(volume->create_snapshot("s"));
  REQUIRE_OK(volume->write(file, 0, "later", false));
  REQUIRE_OK(volume->remove("/gone"));
  make_file("new", "x");
  REQUIRE_OK(back("s", "kept"));
  BOOST_TEST(contents(find("file").ino) == "then");
  BOOST_TEST(lookup_errno("gone") == 0);
  BOOST_TEST(lookup_errno("new") == ENOENT);
  BOOST_TEST(volume->files() == 3u);
  REQUIRE_OK(back("kept"));
  BOOST_TEST(contents(find("file").ino) == "later");
  BOOST_TEST(lookup_errno("gone") == ENOENT);
  BOOST_TEST(lookup_errno("new") == 0);
}

BOOST_AUTO_TEST_CASE(numbers_that_were_given_out_are_not_given_out_again) {
  unwrap(volume->create_snapshot("s"));
  InodeNumber last = 0;
  for (int i = 0; i < 3000; ++i) last = make_file("f" + std::to_string(i));
  REQUIRE_OK(back("s"));
  BOOST_TEST(make_file("after") > last);
}

BOOST_AUTO_TEST_CASE(on_a_disk_without_room_for_ordinary_writes_it_is_done) {
  unwrap(volume->create_snapshot("s"));
  const auto last = make_file("file");
  close();
  const auto reserve = std::exchange(options.reserve_bytes, uint64_t{1} << 60);
  REQUIRE_OK(roll_back(opener(), "s", "kept"));
  options.reserve_bytes = reserve;
  open();
  BOOST_TEST(lookup_errno("file") == ENOENT);
  BOOST_TEST(make_file("after") > last);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_done_changes_nothing) {
  make_file("file", "now");
  unwrap(volume->create_snapshot("s"));
  make_file("other", "now");
  CHECK_FAILS(Errc::kNotFound, back("missing"));
  CHECK_FAILS(Errc::kExists, back("s", "s"));
  CHECK_FAILS(Errc::kInvalidArgument, back("s", ".hidden"));
  BOOST_TEST(lookup_errno("other") == 0);
  BOOST_TEST(unwrap(volume->store().snapshots()).size() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace memoria::test
