// SPDX-License-Identifier: MIT
#include "tests/core/store_helpers.hpp"

#include <algorithm>
#include <cctype>

namespace memoria::test {

Options quiet_options(uint64_t segment_size) {
  Options options;
  options.segment.max_size = segment_size;
  options.segment.merge_check_interval = std::chrono::milliseconds(0);
  options.sync_policy = SyncPolicy::kNever;
  options.reserve_bytes = 0;
  options.recovery_threads = 1;
  return options;
}

StorePtr open_store(const std::shared_ptr<Environment>& environment, const Options& options) {
  return unwrap(Store::open(environment, options));
}

void reopen(StorePtr& store, const std::shared_ptr<Environment>& environment,
            const Options& options) {
  REQUIRE_OK(store->close());
  store.reset();
  store = open_store(environment, options);
}

void finish_hints(Store& store) {
  unwrap(store.rebuild_hints(false));
}

Contents contents_of(const Store& store) {
  Contents out;
  std::string previous;
  const auto scanned = store.scan("", "", [&](const KeyInfo& info) {
    BOOST_REQUIRE_MESSAGE(out.empty() || info.key > previous, "scan is out of order");
    previous = std::string(info.key);
    out[previous] = unwrap(store.get(info.key));
    BOOST_REQUIRE_EQUAL(out[previous].size(), info.size);
    return true;
  });
  REQUIRE_OK(scanned);
  BOOST_REQUIRE_EQUAL(store.count(), out.size());
  return out;
}

void check_contents(const Store& store, const Contents& expected) {
  const auto actual = contents_of(store);
  for (const auto& [key, value] : expected) {
    const auto it = actual.find(key);
    BOOST_REQUIRE_MESSAGE(it != actual.end(), "key " + brief(key) + " is missing");
    BOOST_REQUIRE_MESSAGE(it->second == value, "key " + brief(key) + " is " + brief(it->second) +
                                                   ", expected " + brief(value));
  }
  for (const auto& [key, value] : actual) {
    BOOST_REQUIRE_MESSAGE(expected.contains(key), "key " + brief(key) + " should not be there");
  }
}

std::string read_range(const Store& store, std::string_view key, uint64_t offset, size_t length) {
  std::string out(length, '\xee');
  out.resize(unwrap(store.read_at(key, offset, std::span<char>(out))));
  return out;
}

std::string numbered(std::string_view stem, uint64_t number, int digits) {
  auto text = std::to_string(number);
  const auto width = size_t(digits);
  if (text.size() < width) text.insert(0, width - text.size(), '0');
  return std::string(stem) + text;
}

std::string brief(std::string_view value) {
  std::string out = std::to_string(value.size()) + " bytes \"";
  for (const char c : value.substr(0, 24)) out += std::isprint(uint8_t(c)) != 0 ? c : '.';
  return out + '"';
}

}  // namespace memoria::test
