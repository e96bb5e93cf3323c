// SPDX-License-Identifier: MIT
#include "core/store/key_arena.hpp"

#include <algorithm>
#include <array>
#include <boost/test/unit_test.hpp>
#include <cstring>
#include <set>
#include <thread>
#include <vector>

#include "tests/support/check.hpp"

namespace memoria::test {
namespace {

BOOST_AUTO_TEST_SUITE(key_arena)

constexpr size_t kCells = 20'000;  // some 10 MB

BOOST_AUTO_TEST_CASE(memory_that_nobody_uses_goes_back_to_the_system) {
  KeyArena arena;
  std::vector<char*> cells(kCells);
  arena.take(cells);
  const size_t most = arena.memory();
  BOOST_TEST(most >= kCells * KeyArena::kCell);
  BOOST_TEST(most < kCells * KeyArena::kCell + (4 << 20));
  Random random(base_seed());
  WITH_SEED(base_seed()) {
    for (size_t i = cells.size(); i > 1; --i) std::swap(cells[i - 1], cells[random.below(i)]);
    for (size_t i = 0; i < kCells / 2; ++i) arena.give_back(cells[i]);
    // What waits is taken before there is more.
    arena.take(std::span(cells).first(kCells / 2));
    BOOST_TEST(arena.memory() == most);
    BOOST_TEST(std::set<char*>(cells.begin(), cells.end()).size() == kCells);
    for (char* cell : cells) arena.give_back(cell);
    BOOST_TEST(arena.memory() < size_t{3} << 20);
    arena.take(cells);
    BOOST_TEST(arena.memory() == most);
    for (char* cell : cells) arena.give_back(cell);
  }
}

BOOST_AUTO_TEST_CASE(no_two_have_the_same_cell) {
  KeyArena arena;
  std::vector<std::thread> threads;
  std::array<bool, 4> intact{};
  for (size_t t = 0; t < intact.size(); ++t) {
    threads.emplace_back([&, t] {
      Random random(base_seed() + t);
      std::vector<char*> mine;
      const auto is_mine = [&](const char* cell) {
        return std::all_of(cell, cell + KeyArena::kCell, [&](char c) { return c == char(t); });
      };
      intact[t] = true;
      for (int i = 0; i < 2000; ++i) {
        if (mine.size() > 3000 || (!mine.empty() && random.below(2) == 0)) {
          for (auto left = std::min<uint64_t>(random.below(16), mine.size()); left > 0; --left) {
            std::swap(mine.back(), mine[random.below(mine.size())]);
            intact[t] = intact[t] && is_mine(mine.back());
            arena.give_back(mine.back());
            mine.pop_back();
          }
        } else {
          std::array<char*, 16> some{};
          const auto taken = std::span(some).first(random.below(some.size()));
          arena.take(taken);
          for (char* cell : taken) std::memset(cell, int(t), KeyArena::kCell);
          mine.insert(mine.end(), taken.begin(), taken.end());
        }
      }
      for (char* cell : mine) arena.give_back(cell);
    });
  }
  for (auto& thread : threads) thread.join();
  BOOST_TEST(std::count(intact.begin(), intact.end(), true) == long(intact.size()));
  BOOST_TEST(arena.memory() < size_t{3} << 20);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace memoria::test
