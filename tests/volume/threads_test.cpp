// SPDX-License-Identifier: MIT
// Many threads on one volume. The thread sanitizer runs these, too.
#include <linux/fs.h>

#include <atomic>
#include <map>
#include <set>
#include <thread>

#include "tests/volume/fixture.hpp"

namespace memoria::test {
namespace {

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr int kScale = 1;
#else
constexpr int kScale = 4;
#endif

/// Checks of Boost.Test are not for several threads: failures are counted.
struct ThreadsFixture : VolumeFixture {
  template <class T>
  void expect(const Result<T>& r, std::initializer_list<int> allowed = {0}) {
    const int got = errno_of(r);
    if (std::find(allowed.begin(), allowed.end(), got) == allowed.end()) {
      unexpected = got;
      ++failures;
    }
  }
  /// Runs `work(thread number)` in `count` threads.
  template <class Work>
  void run(int count, Work work) {
    std::vector<std::thread> threads;
    for (int t = 0; t < count; ++t) threads.emplace_back([&work, t] { work(t); });
    for (auto& thread : threads) thread.join();
    BOOST_TEST(failures == 0, failures << " unexpected answers, one of them errno " << unexpected);
  }

  std::atomic<int> failures = 0, unexpected = 0;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(many_threads, ThreadsFixture)

BOOST_AUTO_TEST_CASE(one_directory_takes_names_from_many_threads) {
  constexpr int kThreads = 8, kEach = 100 * kScale;
  run(kThreads, [&](int t) {
    for (int i = 0; i < kEach; ++i) {
      const auto name = std::to_string(t) + "-" + std::to_string(i);
      const auto made = volume->mknod(kRoot, name, S_IFREG | 0644, 0, kCaller);
      expect(made);
      if (!made.has_value()) continue;
      expect(volume->write(made.value().ino, 0, name, i % 2 == 0));
      volume->forget(made.value().ino, 1);
      if (i % 3 == 0) expect(volume->unlink(kRoot, name));
      if (i % 3 == 1) expect(volume->rename(kRoot, name, kRoot, "moved-" + name, 0));
    }
  });
  const auto all = entries();
  BOOST_TEST(all.size() == size_t(kThreads * (kEach - (kEach + 2) / 3)));
  BOOST_TEST(volume->files() == all.size() + 1);
  for (const auto& entry : all) {
    const auto text = contents(entry.ino);
    BOOST_TEST((entry.name == text || entry.name == "moved-" + text));
  }
  reopen();
  BOOST_TEST(entries().size() == all.size());
}

BOOST_AUTO_TEST_CASE(what_the_kernel_writes_back_meanwhile_outlives_an_allocation) {
  constexpr uint64_t kAt = 1 << 20;
  const std::string bytes(256 << 10, 'w');
  for (int i = 0; i < 50 * kScale; ++i) {
    const auto file = unwrap(volume->mknod(kRoot, "file", S_IFREG | 0644, 0, kCaller)).ino;
    REQUIRE_OK(volume->write(file, 0, "x", true));
    run(2, [&](int t) {
      expect(t == 0 ? volume->write(file, kAt, bytes, true) : volume->fallocate(file, 0, 0, 4096));
    });
    BOOST_REQUIRE_EQUAL(stat(file).size, kAt + bytes.size());
    REQUIRE_OK(volume->unlink(kRoot, "file"));
    volume->forget(file, 1);
  }
}

BOOST_AUTO_TEST_CASE(a_name_is_taken_once_only) {
  std::atomic<int> made = 0;
  run(8, [&](int) {
    for (int i = 0; i < 50 * kScale; ++i) {
      const auto result = volume->mkdir(kRoot, std::to_string(i), 0755, kCaller);
      expect(result, {0, EEXIST});
      made += result.has_value() ? 1 : 0;
    }
  });
  BOOST_TEST(made == 50 * kScale);
  BOOST_TEST(stat(kRoot).links == 2u + 50 * kScale);
}

BOOST_AUTO_TEST_CASE(what_stays_is_listed_once_while_everything_else_moves) {
  std::set<std::string> stays;
  for (int i = 0; i < 500; ++i) {
    stays.insert("stay-" + std::to_string(i));
    make_file("stay-" + std::to_string(i));
    for (int t = 0; t < 3; ++t) make_file(std::to_string(t) + "-go-" + std::to_string(i));
  }
  std::atomic<int> working = 3;
  run(5, [&](int t) {
    if (t >= 3) {
      do {
        std::map<std::string, int> seen;
        uint64_t cookie = 0;
        for (bool more = true; more;) {
          more = false;
          int left = 20;
          expect(volume->list(kRoot, cookie, [&](const DirectoryEntry& entry) {
            if (left-- == 0) return false;
            more = true;
            ++seen[entry.name];
            cookie = entry.cookie;
            return true;
          }));
        }
        for (const auto& name : stays) failures += seen[name] == 1 ? 0 : 1;
      } while (working > 0);
      return;
    }
    for (int i = 0; i < 500; ++i) {
      const auto name = std::to_string(t) + "-go-" + std::to_string(i);
      if (i % 2 == 0) expect(volume->unlink(kRoot, name));
      if (i % 2 == 1) expect(volume->rename(kRoot, name, kRoot, "new-" + name, 0));
      const auto made = volume->mknod(kRoot, "more-" + name, S_IFREG | 0644, 0, kCaller);
      expect(made);
      if (made.has_value()) volume->forget(made.value().ino, 1);
      // Replaces a name that stays: the name never goes away.
      expect(volume->rename(kRoot, "more-" + name, kRoot, "stay-" + std::to_string(i), 0));
    }
    --working;
  });
  BOOST_TEST(entries().size() == 500u + 3 * 250);
}

BOOST_AUTO_TEST_CASE(a_replaced_name_is_always_found) {
  make_file("name");
  std::atomic<bool> stop = false;
  run(4, [&](int t) {
    if (t == 0) {
      for (int i = 0; i < 300 * kScale; ++i) {
        const auto made = volume->mknod(kRoot, "next", S_IFREG | 0644, 0, kCaller);
        expect(made);
        if (made.has_value()) volume->forget(made.value().ino, 1);
        expect(volume->rename(kRoot, "next", kRoot, "name", 0));
      }
      stop = true;
    }
    while (!stop) {
      const auto found = volume->lookup(kRoot, "name");
      expect(found);
      if (found.has_value()) {
        expect(volume->getattr(found.value().ino));  // held: it is known until it is forgotten
        volume->forget(found.value().ino, 1);
      }
    }
  });
  BOOST_TEST(volume->files() == 2u);
}

BOOST_AUTO_TEST_CASE(a_file_that_is_put_in_place_is_never_seen_half_done) {
  make_file("name", "0");
  std::atomic<bool> stop = false;
  run(3, [&](int t) {
    if (t == 0) {
      for (int i = 0; i < 200 * kScale; ++i) {
        auto writer = volume->replace("/name", kCaller);
        expect(writer);
        if (!writer.has_value()) continue;
        expect(writer.value()->write(std::to_string(i)));
        expect(writer.value()->commit());
      }
      stop = true;
    }
    while (!stop) {
      const auto found = volume->resolve("/name");
      expect(found);
      if (found.has_value()) {
        failures += found.value().links == 1 && found.value().size > 0 ? 0 : 1;
      }
    }
  });
  BOOST_TEST(volume->files() == 2u);
  BOOST_TEST(keys('O') == 0u);
}

BOOST_AUTO_TEST_CASE(directories_move_into_each_other_without_a_loop) {
  std::vector<InodeNumber> directories{kRoot};
  for (int i = 0; i < 6; ++i) directories.push_back(make_directory(std::to_string(i)));
  run(4, [&](int t) {
    Random random(base_seed() + uint64_t(t));
    for (int i = 0; i < 300 * kScale; ++i) {
      const auto from = directories[random.below(directories.size())];
      const auto to = directories[random.below(directories.size())];
      const auto name = std::to_string(random.below(6)), new_name = std::to_string(random.below(6));
      const unsigned flags = random.one_in(4) ? RENAME_EXCHANGE : 0;
      expect(volume->rename(from, name, to, new_name, flags), {0, ENOENT, EINVAL, ENOTEMPTY});
    }
  });
  // Replaced ones are gone; all that are left hang together, with the right links.
  uint64_t reached = 0;
  std::vector<InodeNumber> todo{kRoot};
  while (!todo.empty()) {
    const auto directory = todo.back();
    todo.pop_back();
    ++reached;
    const auto inside = entries(directory);
    BOOST_TEST(stat(directory).links == 2 + inside.size());
    for (const auto& entry : inside) {
      BOOST_TEST(unwrap(volume->parent(entry.ino)) == directory);
      todo.push_back(entry.ino);
    }
    BOOST_REQUIRE(reached <= 7u);
  }
  BOOST_TEST(volume->files() == reached);
}

BOOST_AUTO_TEST_CASE(appends_do_not_overwrite_each_other) {
  const auto file = make_file("file");
  constexpr int kThreads = 4, kEach = 200 * kScale;
  run(kThreads, [&](int t) {
    for (int i = 0; i < kEach; ++i) expect(volume->append(file, std::string(10, char('a' + t))));
  });
  const auto all = contents(file);
  BOOST_REQUIRE(all.size() == size_t(10 * kThreads * kEach));
  for (size_t i = 0; i < all.size(); i += 10) {
    BOOST_REQUIRE(all.substr(i, 10) == std::string(10, all[i]));
  }
}

BOOST_AUTO_TEST_CASE(first_writes_of_a_held_file_do_not_replace_each_other) {
  for (int round = 0; round < 50 * kScale; ++round) {
    const auto file = make_file("file");
    volume->hold(file);
    run(4, [&](int t) {
      expect(volume->write(file, uint64_t(t) * 1000, std::string(1000, char('a' + t)), true));
    });
    const auto all = contents(file);
    BOOST_REQUIRE(all.size() == 4000u);
    for (size_t i = 0; i < 4000; ++i) BOOST_REQUIRE(all[i] == char('a' + i / 1000));
    volume->forget(file, 1);
    REQUIRE_OK(volume->unlink(kRoot, "file"));
  }
}

BOOST_AUTO_TEST_CASE(a_file_is_unlinked_while_it_is_held_read_and_written) {
  std::atomic<bool> stop = false;
  run(5, [&](int t) {
    if (t == 0) {
      for (int i = 0; i < 200 * kScale; ++i) {
        const auto made = volume->mknod(kRoot, "file", S_IFREG | 0644, 0, kCaller);
        expect(made);
        if (!made.has_value()) break;
        expect(volume->write(made.value().ino, 0, "0123456789", false));
        expect(volume->setxattr(made.value().ino, "user.a", "1", 0));
        volume->forget(made.value().ino, 1);
        expect(volume->unlink(kRoot, "file"));
      }
      stop = true;
      return;
    }
    while (!stop) {
      const auto found = volume->lookup(kRoot, "file");
      expect(found, {0, ENOENT});
      if (!found.has_value()) continue;
      const auto ino = found.value().ino;
      std::string buffer(20, '\0');
      expect(volume->read(ino, 0, buffer));
      expect(volume->write(ino, 10, "more", t % 2 == 0));
      const auto attributes = volume->getattr(ino);
      expect(attributes);
      if (attributes.has_value()) failures += attributes.value().size >= 14 ? 0 : 1;
      volume->forget(ino, 1);
    }
  });
  BOOST_TEST(keys('C') + keys('O') + keys('X') + keys('N') == 0u);
  BOOST_TEST(keys('I') == 1u);
  BOOST_TEST(volume->files() == 1u);
}

BOOST_AUTO_TEST_CASE(links_come_and_go_from_both_ends) {
  const auto file = make_file("anchor");
  run(4, [&](int t) {
    for (int i = 0; i < 100 * kScale; ++i) {
      const auto name = std::to_string(t);
      const auto made = volume->link(file, kRoot, name);
      expect(made);
      if (made.has_value()) volume->forget(file, 1);
      expect(volume->rename(kRoot, name, kRoot, "x" + name, 0));
      expect(volume->unlink(kRoot, "x" + name));
    }
  });
  BOOST_TEST(stat(file).links == 1u);
  BOOST_TEST(names().size() == 1u);
}

BOOST_AUTO_TEST_CASE(the_store_is_merged_and_synced_under_all_that) {
  std::atomic<int> working = 3;
  run(4, [&](int t) {
    if (t == 3) {
      while (working > 0) {
        MergeRequest all;
        all.all = true;
        expect(volume->store().merge(all));
        expect(volume->sync());
      }
      return;
    }
    Random random(base_seed() + uint64_t(t));
    for (int i = 0; i < 300 * kScale; ++i) {
      const auto name = std::to_string(t) + "-" + std::to_string(random.below(40));
      const auto made = volume->mknod(kRoot, name, S_IFREG | 0644, 0, kCaller);
      expect(made, {0, EEXIST});
      if (!made.has_value()) {
        expect(volume->unlink(kRoot, name));
        continue;
      }
      const auto text = name + std::string(random.below(5000), 'x');
      expect(volume->write(made.value().ino, 0, text, true));
      volume->forget(made.value().ino, 1);
    }
    --working;
  });
  for (const auto& entry : entries()) BOOST_TEST(contents(entry.ino).starts_with(entry.name));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace memoria::test
