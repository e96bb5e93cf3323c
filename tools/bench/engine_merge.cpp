// SPDX-License-Identifier: MIT
// Group `merge`: every key put twice and then half of the keys erased, so that a quarter of the
// values that were put lives; seconds to compact that, and the 99th percentile of gets meanwhile.
#include <algorithm>

#include "tools/bench/engine_field.hpp"
#include "tools/bench/engine_measure.hpp"

namespace memoria::bench {
namespace {

constexpr size_t kValueBytes = 100;
constexpr uint64_t kQuickKeys = 10'000;

/// Index of the n-th key that lives: every second one.
constexpr uint64_t living(uint64_t n) {
  return 2 * n;
}

Status prepare(Engine& engine, const Values& values, uint64_t keys) {
  MEMORIA_TRY(load(engine, values, keys, kValueBytes, 0));
  MEMORIA_TRY(load(engine, values, keys, kValueBytes, 1));
  for (uint64_t i = 1; i < keys; i += 2) MEMORIA_TRY(engine.erase(view(spread_key(i))));
  return ok();
}

Status get_living(Engine& engine, const Values& values, uint64_t n, std::string& scratch) {
  const uint64_t i = living(n);
  return expect_value(engine, view(spread_key(i)), values.at(i, kValueBytes, 1), scratch);
}

/// Afterwards, what lives is there, and what was erased is not.
Status check(Engine& engine, const Values& values, uint64_t keys) {
  std::string scratch;
  for (uint64_t n = 0; n < keys / 2; n += 101) {
    MEMORIA_TRY(get_living(engine, values, n, scratch));
    MEMORIA_TRY(const bool found, engine.get(view(spread_key(living(n) + 1)), scratch));
    if (found) return Error(Errc::kCorrupt, "a key that was erased is there");
  }
  return ok();
}

Result<Figures> merge(Engine& engine, const std::string& directory, uint64_t keys) {
  const Values values(kValueBytes);
  MEMORIA_TRY(engine.open({directory, keys, /*background_merge=*/false}));
  MEMORIA_TRY(prepare(engine, values, keys));
  std::string scratch;
  const auto read = [&](uint64_t turn) {
    return get_living(engine, values, scatter(turn) % (keys / 2), scratch);
  };
  double seconds = 0;
  const auto compact = [&]() -> Status {
    Timer watch;
    MEMORIA_TRY(engine.compact());
    seconds = watch.seconds();
    return ok();
  };
  MEMORIA_TRY(auto reads, latencies_beside(compact, read));
  MEMORIA_TRY(check(engine, values, keys));
  MEMORIA_TRY(engine.close());
  return Figures{{"merge", "s", seconds, false},
                 {"get during the merge, p99", "us", reads.percentile_us(0.99), false}};
}

}  // namespace

std::vector<Contest> merge_contests(const Field& field) {
  const uint64_t keys = field.quick ? kQuickKeys : std::max<uint64_t>(field.keys, 2);
  return {engine_contest(field,
                         "Merge of " + std::to_string(2 * keys) + " records, a quarter lives",
                         Ceiling::kExcluded, [keys](Engine& engine, const std::string& directory) {
                           return merge(engine, directory, keys);
                         })};
}

}  // namespace memoria::bench
