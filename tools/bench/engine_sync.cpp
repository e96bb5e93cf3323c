// SPDX-License-Identifier: MIT
// Group `sync`: puts that are durable when they return, by 1, 8 and 32 threads.
#include <algorithm>

#include "tools/bench/engine_field.hpp"
#include "tools/bench/engine_measure.hpp"

namespace memoria::bench {
namespace {

constexpr double kDuration = 1;  // seconds
constexpr size_t kValueBytes = 100;
constexpr uint64_t kExpectedKeys = 100'000;

Result<Figures> sync(Engine& engine, const std::string& directory, unsigned threads,
                     double duration) {
  const Values values(kValueBytes);
  MEMORIA_TRY(engine.open({directory, kExpectedKeys, /*background_merge=*/false}));
  MEMORIA_TRY(const double rate, calls_per_second(threads, duration, [&](uint64_t turn) {
                return engine.put_synced(view(spread_key(turn)), values.at(turn, kValueBytes));
              }));
  std::string scratch;
  MEMORIA_TRY(expect_value(engine, view(spread_key(0)), values.at(0, kValueBytes), scratch));
  MEMORIA_TRY(engine.close());
  const std::string who = threads == 1 ? "1 thread" : std::to_string(threads) + " threads";
  return Figures{{"durable put, " + who, "op/s", rate, true}};
}

}  // namespace

std::vector<Contest> sync_contests(const Field& field) {
  const double duration = field.seconds(kDuration);
  std::vector<Contest> contests;
  for (const unsigned threads : {1u, 8u, 32u}) {
    contests.push_back(
        engine_contest(field, "Durable put, 100 B, threads: " + std::to_string(threads),
                       Ceiling::kExcluded, [=](Engine& engine, const std::string& directory) {
                         return sync(engine, directory, threads, duration);
                       }));
  }
  return contests;
}

}  // namespace memoria::bench
