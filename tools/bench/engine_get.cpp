// SPDX-License-Identifier: MIT
// Group `get`: microseconds for a get in random order, of keys that are there and of keys that are
// not; then gets in a second by two threads.
#include <algorithm>

#include "tools/bench/engine_field.hpp"
#include "tools/bench/engine_measure.hpp"

namespace memoria::bench {
namespace {

constexpr double kLongest = 1.5;  // seconds
constexpr uint64_t kMostCalls = 10'000'000;
constexpr uint64_t kWarmCalls = 20'000;
constexpr uint64_t kNeverPut = 2;  // family of keys

struct Shape {
  std::string name;
  size_t value_bytes;
  uint64_t keys;
};

Result<Figures> get(Engine& engine, const std::string& directory, const Shape& shape,
                    double longest) {
  const Values values(shape.value_bytes);
  MEMORIA_TRY(engine.open({directory, shape.keys, /*background_merge=*/false}));
  MEMORIA_TRY(load(engine, values, shape.keys, shape.value_bytes));
  const auto hit = [&](uint64_t turn) {
    thread_local std::string scratch;
    const uint64_t i = scatter(turn) % shape.keys;
    return expect_value(engine, view(spread_key(i)), values.at(i, shape.value_bytes), scratch);
  };
  std::string scratch;
  const auto miss = [&](uint64_t turn) -> Status {
    const uint64_t i = scatter(turn) % shape.keys;
    MEMORIA_TRY(const bool found, engine.get(view(spread_key(i, kNeverPut)), scratch));
    if (found) return Error(Errc::kCorrupt, "a key that was never put is there");
    return ok();
  };
  MEMORIA_TRY(us_per_call(kWarmCalls, longest, hit));
  MEMORIA_TRY(const double hit_us, us_per_call(kMostCalls, longest, hit));
  MEMORIA_TRY(const double miss_us, us_per_call(kMostCalls, longest / 2, miss));
  MEMORIA_TRY(const double both, calls_per_second(2, longest, hit));
  MEMORIA_TRY(engine.close());
  return Figures{{"get, " + shape.name, "us", hit_us, false},
                 {"get, " + shape.name + ", no such key", "us", miss_us, false},
                 {"get, " + shape.name + ", 2 threads", "op/s", both, true}};
}

}  // namespace

std::vector<Contest> get_contests(const Field& field) {
  const double longest = field.seconds(kLongest);
  std::vector<Contest> contests;
  for (const Shape& shape : {Shape{"100 B", 100, field.keys},
                             Shape{"16 KiB", 16 << 10, std::max<uint64_t>(field.keys / 50, 100)}}) {
    contests.push_back(engine_contest(field, "Get, " + shape.name, Ceiling::kIncluded,
                                      [=](Engine& engine, const std::string& directory) {
                                        return get(engine, directory, shape, longest);
                                      }));
  }
  return contests;
}

}  // namespace memoria::bench
