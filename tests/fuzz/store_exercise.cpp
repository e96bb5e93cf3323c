// SPDX-License-Identifier: MIT
#include "tests/fuzz/store_exercise.hpp"

#include <map>
#include <string>
#include <vector>

#include "core/store/store.hpp"
#include "tests/fuzz/require.hpp"
#include "tests/support/simulated_environment.hpp"

namespace memoria::test {
namespace {

Options fuzz_options() {
  Options options;
  options.segment.max_size = 64 << 10;
  options.segment.merge_check_interval = std::chrono::milliseconds(0);
  options.sync_policy = SyncPolicy::kNever;
  options.reserve_bytes = 0;
  options.recovery_threads = 1;
  options.inline_limit = 16;
  return options;
}

/// What can be seen of a store: of each key its size, and its bytes or that they cannot be read.
using View = std::map<std::string, std::string>;

View look(const Store& store) {
  View view;
  const auto scanned = store.scan("", "", [&](const KeyInfo& info) {
    const std::string key(info.key);
    FUZZ_REQUIRE(store.contains(key));
    FUZZ_REQUIRE(store.size(key) == info.size);
    FUZZ_REQUIRE(view.empty() || view.rbegin()->first < key);
    auto& seen = view[key];
    seen = std::to_string(info.size) + ":";
    for (const uint64_t at : {uint64_t{0}, info.size / 2, info.size > 100 ? info.size - 100 : 0}) {
      std::string out(4096, '\0');
      const auto got = store.read_at(key, at, std::span<char>(out));
      seen += got.has_value() ? out.substr(0, got.value()) : "unreadable";
    }
    uint64_t steps = 0;
    for (auto at = store.seek_data(key, 0); at && ++steps < 1000;) {
      const auto hole = store.seek_hole(key, *at);
      FUZZ_REQUIRE(hole.has_value() && *hole > *at && *hole <= info.size);
      seen += std::to_string(*at) + "-" + std::to_string(*hole) + " ";
      at = store.seek_data(key, *hole);
    }
    if (info.size <= kMaxValueSize) (void)store.get(key);
    (void)store.locate(key);
    return true;
  });
  FUZZ_REQUIRE(scanned.has_value());
  FUZZ_REQUIRE(store.count() == view.size());
  const auto stats = store.stats();
  FUZZ_REQUIRE(stats.keys == view.size());
  return view;
}

std::unique_ptr<Store> reopen(std::unique_ptr<Store> store,
                              const std::shared_ptr<SimulatedEnvironment>& environment) {
  if (store) (void)store->close();
  store.reset();
  auto opened = Store::open(environment, fuzz_options());
  FUZZ_REQUIRE(opened.has_value());
  return std::move(opened).value();
}

}  // namespace

void exercise_store(const Image& image) {
  const auto environment = SimulatedEnvironment::make(image);
  auto opened = Store::open(environment, fuzz_options());
  if (!opened) {
    FUZZ_REQUIRE(!opened.error().describe().empty());
    return;
  }
  auto store = std::move(opened).value();
  const auto first = look(*store);
  (void)store->verify();
  store = reopen(std::move(store), environment);
  FUZZ_REQUIRE(look(*store) == first);
  const bool merged = store->merge({.all = true}).has_value();
  FUZZ_REQUIRE(look(*store) == first);
  FUZZ_REQUIRE(store->put("a new key", "value").has_value());
  FUZZ_REQUIRE(store->erase("a new key").has_value());
  store = reopen(std::move(store), environment);
  FUZZ_REQUIRE(look(*store) == first);
  if (merged) FUZZ_REQUIRE(store->verify().has_value());
}

}  // namespace memoria::test
