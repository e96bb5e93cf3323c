// SPDX-License-Identifier: MIT
// Group `mixed`: a reader beside a writer that puts as fast as it can. The reader's 99th
// percentile, and what the writer gets done, alone and beside the reader.
#include <algorithm>

#include "core/base/cache_line.hpp"
#include "tools/bench/engine_field.hpp"
#include "tools/bench/engine_measure.hpp"

namespace memoria::bench {
namespace {

constexpr double kDuration = 1.5;  // seconds
constexpr size_t kValueBytes = 100;
constexpr uint64_t kMostKeys = 200'000;
constexpr uint64_t kWritten = 3;  // family of the keys that the writer puts

Result<Figures> mixed(Engine& engine, const std::string& directory, uint64_t keys,
                      double duration) {
  const Values values(kValueBytes);
  MEMORIA_TRY(engine.open({directory, 20 * keys, /*background_merge=*/true}));
  MEMORIA_TRY(load(engine, values, keys, kValueBytes));
  // Apart, lest the reader and the writer of them wait for each other rather than for the engine.
  alignas(kApart) uint64_t written = 0;
  alignas(kApart) std::string scratch;
  const auto write = [&](uint64_t) {
    ++written;
    return engine.put(view(spread_key(written, kWritten)), values.at(written, kValueBytes));
  };
  MEMORIA_TRY(const double alone, calls_per_second(1, duration, write));

  const auto read = [&](uint64_t turn) {
    const uint64_t i = scatter(turn) % keys;
    return expect_value(engine, view(spread_key(i)), values.at(i, kValueBytes), scratch);
  };
  double beside = 0;
  const auto write_for_a_while = [&]() -> Status {
    MEMORIA_TRY(beside, calls_per_second(1, duration, write));
    return ok();
  };
  MEMORIA_TRY(auto reads, latencies_beside(write_for_a_while, read));
  MEMORIA_TRY(engine.close());
  return Figures{{"get beside a writer, p99", "us", reads.percentile_us(0.99), false},
                 {"put beside a reader", "op/s", beside, true},
                 {"put alone", "op/s", alone, true}};
}

}  // namespace

std::vector<Contest> mixed_contests(const Field& field) {
  const uint64_t keys = std::min(field.keys, kMostKeys);
  const double duration = field.seconds(kDuration);
  return {engine_contest(field, "A reader and a writer, 100 B", Ceiling::kExcluded,
                         [=](Engine& engine, const std::string& directory) {
                           return mixed(engine, directory, keys, duration);
                         })};
}

}  // namespace memoria::bench
