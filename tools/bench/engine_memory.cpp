// SPDX-License-Identifier: MIT
// Group `memory`: bytes of memory for each key, beyond the key itself, with small values. Counted
// is what a process has for itself: neither the page cache nor mapped files.
#include <malloc.h>

#include <algorithm>
#include <fstream>

#include "tools/bench/engine_field.hpp"
#include "tools/bench/engine_measure.hpp"

namespace memoria::bench {
namespace {

constexpr size_t kLargestValue = 16;

/// Resident anonymous memory of this process, in bytes.
Result<uint64_t> own_memory() {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word) {
    uint64_t kib = 0;
    if (word == "RssAnon:" && status >> kib) return kib * 1024;
  }
  return Error(Errc::kUnsupported, "/proc/self/status tells no RssAnon");
}

Result<Figures> memory(Engine& engine, const std::string& directory, uint64_t keys) {
  const Values values(kLargestValue);
  ::malloc_trim(0);  // what an earlier contest left free would hide what this one takes
  MEMORIA_TRY(const uint64_t before, own_memory());
  MEMORIA_TRY(engine.open({directory, keys, /*background_merge=*/false}));
  const auto value = [&](uint64_t i) { return values.at(i, i % (kLargestValue + 1)); };
  for (uint64_t i = 0; i < keys; ++i) MEMORIA_TRY(engine.put(view(spread_key(i)), value(i)));
  MEMORIA_TRY(const uint64_t after, own_memory());
  std::string scratch;
  MEMORIA_TRY(expect_value(engine, view(spread_key(keys / 2)), value(keys / 2), scratch));
  MEMORIA_TRY(engine.close());
  const double per_key = (double(after) - double(before)) / double(keys) - double(kKeyBytes);
  // An engine that keeps no keys in memory has less than the keys themselves.
  return Figures{{"memory beyond the key", "B/key", std::max(per_key, 0.0), false}};
}

}  // namespace

std::vector<Contest> memory_contests(const Field& field) {
  return {engine_contest(field, "Memory, " + std::to_string(field.keys) + " keys",
                         Ceiling::kExcluded,
                         [keys = field.keys](Engine& engine, const std::string& directory) {
                           return memory(engine, directory, keys);
                         })};
}

}  // namespace memoria::bench
