// SPDX-License-Identifier: MIT
// Random operations on a volume and on a plain tree: both must answer the same and be the same,
// also after reopening, merging, losing the hints, and the death of the owner.
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <sys/xattr.h>

#include "tests/volume/fixture.hpp"
#include "tests/volume/tree_model.hpp"

namespace memoria::test {
namespace {

struct Run : VolumeFixture {
  explicit Run(uint64_t seed) : random(seed), model(stat(kRoot)) {}

  // ---- What to do it with

  /// Mostly an inode that is there, of any type; sometimes one that was.
  InodeNumber any() {
    if (random.one_in(20)) return random.between(2, 500);
    auto it = model.nodes().begin();
    std::advance(it, ptrdiff_t(random.below(model.nodes().size())));
    return it->first;
  }
  /// Mostly a directory.
  InodeNumber folder() {
    for (int i = 0; i < 10; ++i) {
      const auto ino = any();
      const auto it = model.nodes().find(ino);
      if (it != model.nodes().end() && S_ISDIR(it->second.mode)) return ino;
    }
    return any();
  }
  std::string name() { return std::string(1, char('a' + random.below(6))); }
  uint64_t offset() { return random.below(random.one_in(5) ? 200'000 : 500); }
  std::string bytes() { return random.bytes(random.below(random.one_in(10) ? 40'000 : 300)); }
  Caller caller() { return {.uid = uid_t(random.below(3)), .gid = gid_t(random.below(3))}; }
  mode_t permissions() { return mode_t(random.below(010000)); }

  // ---- One step

  template <class T>
  void same(const Result<T>& got, int expected, std::string_view what) {
    BOOST_REQUIRE_MESSAGE(errno_of(got) == expected, "step " << step << ", " << what << ": errno "
                                                             << errno_of(got) << ", expected "
                                                             << expected);
  }
  void made(const Result<Attributes>& got, InodeNumber parent, const std::string& n, mode_t mode,
            const std::string& target, const Caller& c) {
    const InodeNumber ino = got.has_value() ? got.value().ino : 0;
    if (ino != 0) volume->forget(ino, 1);
    same(got, model.make(parent, n, mode, target, c, ino), "make");
  }

  void change_names() {
    const auto parent = folder();
    const auto n = name();
    switch (random.below(9)) {
      case 0:
      case 1: {
        const auto mode = S_IFREG | permissions();
        const auto c = caller();
        return made(volume->mknod(parent, n, mode, 0, c), parent, n, mode, {}, c);
      }
      case 2:
      case 3: {
        const auto mode = S_IFDIR | permissions();
        const auto c = caller();
        return made(volume->mkdir(parent, n, mode, c), parent, n, mode, {}, c);
      }
      case 4: {
        const auto c = caller();
        if (random.one_in(2)) {
          const auto mode = S_IFIFO | permissions();
          return made(volume->mknod(parent, n, mode, 0, c), parent, n, mode, {}, c);
        }
        const auto target = "to " + name();
        return made(volume->symlink(parent, n, target, c), parent, n, S_IFLNK | 0777, target, c);
      }
      case 5: {
        const auto ino = any();
        const auto got = volume->link(ino, parent, n);
        if (got.has_value()) volume->forget(ino, 1);
        return same(got, model.link(ino, parent, n), "link");
      }
      case 6:
        return same(volume->unlink(parent, n), model.unlink(parent, n), "unlink");
      case 7:
        return same(volume->rmdir(parent, n), model.rmdir(parent, n), "rmdir");
      default: {
        const unsigned all[] = {0,
                                0,
                                0,
                                RENAME_NOREPLACE,
                                RENAME_EXCHANGE,
                                RENAME_EXCHANGE,
                                RENAME_WHITEOUT,
                                RENAME_WHITEOUT | RENAME_NOREPLACE,
                                RENAME_WHITEOUT | RENAME_EXCHANGE,
                                8};
        const auto flags = all[random.below(std::size(all))];
        const auto to = random.one_in(2) ? parent : folder();
        const auto new_name = name();
        const auto c = caller();
        const auto got = volume->rename(parent, n, to, new_name, flags, c);
        const bool whiteout = got.has_value() && (flags & RENAME_WHITEOUT) != 0;
        const auto left = whiteout ? find(n, parent).ino : 0;
        return same(got, model.rename(parent, n, to, new_name, flags, c, left), "rename");
      }
    }
  }

  void change_contents() {
    const auto ino = any();
    switch (random.below(5)) {
      case 0:
      case 1: {
        const auto at = offset();
        const auto b = bytes();
        return same(volume->write(ino, at, b, random.one_in(2)), model.write(ino, at, b), "write");
      }
      case 2: {
        const auto b = bytes();
        return same(volume->append(ino, b), model.append(ino, b), "append");
      }
      case 3: {
        const int modes[] = {FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                             FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, FALLOC_FL_ZERO_RANGE};
        const auto mode = modes[random.below(3)];
        const auto at = offset(), length = 1 + offset();
        return same(volume->fallocate(ino, mode, at, length),
                    model.zero(ino, at, length, (mode & FALLOC_FL_KEEP_SIZE) == 0), "fallocate");
      }
      default: {
        AttributeChanges c;
        c.size = offset();
        if (random.one_in(3)) c.size = 0;
        return same(volume->setattr(ino, c), model.set_attributes(ino, c), "truncate");
      }
    }
  }

  void change_attributes() {
    const auto ino = any();
    if (random.one_in(2)) {
      AttributeChanges c;
      if (random.one_in(2)) c.mode = permissions();
      if (random.one_in(2)) c.uid = uid_t(random.below(3));
      if (random.one_in(2)) c.gid = gid_t(random.below(3));
      return same(volume->setattr(ino, c), model.set_attributes(ino, c), "setattr");
    }
    const auto n = "user." + name();
    if (random.one_in(3)) {
      return same(volume->removexattr(ino, n), model.remove_xattr(ino, n), "removexattr");
    }
    const auto value = bytes();
    const int flags = int(random.below(3));
    same(volume->setxattr(ino, n, value, flags), model.set_xattr(ino, n, value, flags), "setxattr");
  }

  void use() {
    if (random.one_in(3)) {
      const auto ino = any();
      if (model.hold(ino) != 0) return;
      volume->hold(ino);
      held.push_back(ino);
    } else if (!held.empty() && random.one_in(2)) {
      const auto i = random.below(held.size());
      volume->forget(held[i], 1);
      model.forget(held[i]);
      held.erase(held.begin() + ptrdiff_t(i));
    } else {
      const auto parent = folder();
      const auto n = name();
      InodeNumber expected = 0;
      const int error = model.lookup(parent, n, expected);
      const auto got = volume->lookup(parent, n);
      same(got, error, "lookup");
      if (error != 0) return;
      BOOST_REQUIRE_EQUAL(got.value().ino, expected);
      volume->forget(expected, 1);
    }
  }

  void disturb() {
    switch (random.below(4)) {
      case 0: {
        MergeRequest request;
        request.all = random.one_in(2);
        REQUIRE_OK(volume->store().merge(request));
        return;
      }
      case 1:
        reopen();
        break;
      case 2:
        close();
        delete_hints();
        open();
        break;
      default:
        crash();
        break;
    }
    held.clear();
    model.drop_holds();
  }

  // ---- Comparing

  void compare_node(InodeNumber ino, const TreeModel::Node& expected) {
    const auto got = stat(ino);
    BOOST_REQUIRE_EQUAL(got.mode, expected.mode);
    BOOST_REQUIRE_EQUAL(got.uid, expected.uid);
    BOOST_REQUIRE_EQUAL(got.gid, expected.gid);
    BOOST_REQUIRE_EQUAL(got.links, expected.links);
    if (S_ISREG(got.mode)) {
      BOOST_REQUIRE_EQUAL(got.size, expected.contents.size());
      BOOST_REQUIRE_MESSAGE(contents(ino) == expected.contents, "contents of inode " << ino);
    } else if (S_ISLNK(got.mode)) {
      BOOST_REQUIRE_EQUAL(unwrap(volume->readlink(ino)), expected.contents);
    } else if (S_ISDIR(got.mode)) {
      BOOST_REQUIRE_EQUAL(unwrap(volume->parent(ino)), expected.parent);
      BOOST_REQUIRE(names(ino) == model.listing(ino));
      for (const auto& entry : entries(ino)) {
        BOOST_REQUIRE_EQUAL(entry.ino, expected.children.at(entry.name).ino);
        BOOST_REQUIRE_EQUAL(entry.type, model.nodes().at(entry.ino).mode & S_IFMT);
      }
    }
    BOOST_REQUIRE_EQUAL(unwrap(volume->listxattr(ino)).size(), expected.xattrs.size());
    for (const auto& [n, value] : expected.xattrs) {
      BOOST_REQUIRE(unwrap(volume->getxattr(ino, n)) == value);
    }
  }
  void compare() {
    BOOST_REQUIRE_EQUAL(volume->files(), model.nodes().size());
    for (const auto& [ino, node] : model.nodes()) compare_node(ino, node);
    BOOST_REQUIRE_EQUAL(keys('I'), model.nodes().size());
  }

  void go(uint64_t steps) {
    for (step = 0; step < steps; ++step) {
      const auto what = random.below(100);
      if (what < 50) {
        change_names();
      } else if (what < 75) {
        change_contents();
      } else if (what < 88) {
        change_attributes();
      } else {
        use();
      }
      if (random.one_in(150)) disturb();
      if (random.one_in(100)) compare();
    }
    compare();
  }

  Random random;
  TreeModel model;
  std::vector<InodeNumber> held;
  uint64_t step = 0;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(volume_against_a_tree)

BOOST_AUTO_TEST_CASE(random_operations_give_the_same_tree_and_the_same_errors) {
  for (uint64_t round = 0; round < rounds(6); ++round) {
    const auto seed = base_seed() + round;
    WITH_SEED(seed) {
      Run(seed).go(2500);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace memoria::test
