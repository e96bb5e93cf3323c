// SPDX-License-Identifier: MIT
// Chooses the key directory's structure: bytes of the process for each key beyond the key itself,
// and nanoseconds to insert, find and miss, for the packed tree and for the maps that could stand
// in its place. And how long a merge takes for each key to ask whether its record is live, in the
// order of the keys as a hint has them, and to walk past it
// (Options::Merge::walked_keys_per_record).
//
//   key_directory_bench [KEYS] [ROUNDS]
//
// Each round builds every structure anew, one after the other; the table shows medians.
#include <absl/container/btree_map.h>
#include <absl/container/flat_hash_map.h>
#include <absl/hash/hash.h>
#include <fmt/format.h>
#include <malloc.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "core/store/key_directory.hpp"
#include "core/store/key_tree.hpp"

namespace {

using Payload = std::array<char, 17>;  // what a value in one record takes
constexpr size_t kKeySize = 28;
constexpr size_t kShards = 64;

struct Row {
  double bytes = 0, insert_ns = 0, hit_ns = 0, miss_ns = 0;
};

std::string key_of(uint64_t i, bool present) {
  const uint64_t mixed = i * 0x9e3779b97f4a7c15u;
  auto key = fmt::format("{:016x}{:012}", mixed, present ? 1 : 2);
  key.resize(kKeySize);
  return key;
}

double seconds(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

/// Memory of the process in bytes, without what the allocator only keeps.
size_t memory() {
  ::malloc_trim(0);
  std::ifstream status("/proc/self/status");
  std::string word;
  size_t kib = 0;
  while (status >> word) {
    if (word == "RssAnon:" && status >> kib) return kib * 1024;
  }
  std::abort();
}

/// `make` returns a fresh structure with insert(key) and find(key).
template <class Make>
Row measure(size_t n, Make make) {
  std::vector<std::string> present, absent;
  for (size_t i = 0; i < n; ++i) present.push_back(key_of(i, true));
  for (size_t i = 0; i < n; ++i) absent.push_back(key_of(i, false));
  Row row;
  const size_t before = memory();
  auto map = make();
  row.insert_ns = 1e9 / double(n) * seconds([&] {
                    for (const auto& key : present) map.insert(key);
                  });
  row.bytes = double(memory() - before) / double(n) - double(kKeySize);
  size_t found = 0;
  const auto look = [&](const std::vector<std::string>& keys) {
    return 1e9 / double(n) * seconds([&] {
             for (size_t i = 0; i < n; ++i) found += map.find(keys[i * 7919 % n]);
           });
  };
  row.hit_ns = look(present);
  row.miss_ns = look(absent);
  if (found != n) std::abort();
  return row;
}

struct PackedTree {
  PackedTree() {
    for (size_t i = 0; i < kShards; ++i) shards.emplace_back(*arena);
  }
  std::unique_ptr<memoria::KeyArena> arena = std::make_unique<memoria::KeyArena>();
  std::vector<memoria::KeyTree> shards;
  static auto fingerprint(size_t hash) { return memoria::KeyLeaf::fingerprint_of(hash >> 24); }
  void insert(const std::string& key) {
    const size_t hash = absl::HashOf(key);
    const Payload payload{};
    shards[hash % kShards].set(key, fingerprint(hash), {payload.data(), payload.size()});
  }
  bool find(const std::string& key) const {
    const size_t hash = absl::HashOf(key);
    return shards[hash % kShards].find(key, fingerprint(hash)).index != memoria::KeyLeaf::kNone;
  }
};

template <class Map>
struct Plain {
  Map map;
  void insert(const std::string& key) { map.emplace(key, Payload{}); }
  bool find(const std::string& key) const { return map.find(key) != map.end(); }
};

struct Questions {
  double ask_ns = 0, walk_ns = 0;
};

Questions questions(size_t n) {
  using namespace memoria;
  Segments segments;
  const Slot slot = segments.add(SegmentHeader{})->slot;
  KeyDirectory directory(segments, 0);
  std::vector<std::string> keys;
  for (size_t i = 0; i < n; ++i) keys.push_back(key_of(i, true));
  const auto record_of = [](const std::string& key) {
    Record r;
    r.timestamp = 1;
    r.key = key;
    r.value_size = 100;
    return r;
  };
  for (uint32_t i = 0; i < n; ++i) directory.install({record_of(keys[i]), i, false, {}}, slot);
  std::vector<uint32_t> order(n);
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(), [&](auto a, auto b) { return keys[a] < keys[b]; });
  std::vector<std::string> sorted;
  for (const uint32_t i : order) sorted.push_back(keys[i]);
  size_t live = 0;
  Questions out;
  out.ask_ns = 1e9 / double(n) * seconds([&] {
                 for (size_t i = 0; i < n; ++i) {
                   live += directory.live(record_of(sorted[i]), {slot, order[i]}).whole;
                 }
               });
  KeyDirectory::LivePlaces places;
  out.walk_ns = 1e9 / double(n) * seconds([&] {
                  const std::vector<bool> slots(slot + 1, true);
                  for (KeyDirectory::Walk walk; !walk.done;) {
                    directory.walk_on(walk, slots, places);
                  }
                });
  if (live != n || places.records.size() != n) std::abort();
  return out;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  const size_t n = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1'000'000;
  const size_t rounds = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 3;
  const std::vector<std::pair<std::string, std::function<Row()>>> contenders = {
      {"packed tree", [&] { return measure(n, [] { return PackedTree(); }); }},
      {"absl::btree_map",
       [&] { return measure(n, [] { return Plain<absl::btree_map<std::string, Payload>>(); }); }},
      {"absl::flat_hash_map",
       [&] {
         return measure(n, [] { return Plain<absl::flat_hash_map<std::string, Payload>>(); });
       }},
      {"std::map",
       [&] { return measure(n, [] { return Plain<std::map<std::string, Payload>>(); }); }},
  };
  std::vector<std::vector<Row>> rows(contenders.size());
  for (size_t round = 0; round < rounds; ++round) {
    for (size_t c = 0; c < contenders.size(); ++c) rows[c].push_back(contenders[c].second());
  }
  fmt::print("{} keys of {} bytes, {} payload, medians of {}\n", n, kKeySize, sizeof(Payload),
             rounds);
  fmt::print("{:<22}{:>12}{:>12}{:>12}{:>12}\n", "", "bytes/key", "insert ns", "hit ns", "miss ns");
  for (size_t c = 0; c < contenders.size(); ++c) {
    const auto column = [&](double Row::*member) {
      std::vector<double> values;
      for (const auto& row : rows[c]) values.push_back(row.*member);
      return median(values);
    };
    fmt::print("{:<22}{:>12.1f}{:>12.0f}{:>12.0f}{:>12.0f}\n", contenders[c].first,
               column(&Row::bytes), column(&Row::insert_ns), column(&Row::hit_ns),
               column(&Row::miss_ns));
  }
  std::vector<double> ask, walk;
  for (size_t round = 0; round < rounds; ++round) {
    const auto each = questions(n);
    ask.push_back(each.ask_ns);
    walk.push_back(each.walk_ns);
  }
  fmt::print("to ask whether a record is live {:.0f} ns, to walk past its key {:.0f} ns\n",
             median(ask), median(walk));
}
