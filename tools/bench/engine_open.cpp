// SPDX-License-Identifier: MIT
// Group `open`: seconds from opening a store to the answer of the first get, after the process
// before closed it, and after that process was killed.
#include <algorithm>

#include "tools/bench/engine_field.hpp"
#include "tools/bench/engine_measure.hpp"

namespace memoria::bench {
namespace {

constexpr size_t kValueBytes = 100;
constexpr uint64_t kChecked = 1000;

/// Loads a new store in a process of its own. The calling process must not have used an engine.
Status load_elsewhere(Engine& engine, const Setup& setup, const Values& values, Ending ending) {
  MEMORIA_TRY(in_child(
      [&]() -> Result<Figures> {
        MEMORIA_TRY(engine.open(setup));
        MEMORIA_TRY(load(engine, values, setup.expected_keys, kValueBytes));
        if (ending == Ending::kExit) MEMORIA_TRY(engine.close());
        return Figures{};
      },
      ending));
  return ok();
}

Result<Figures> open(Engine& engine, const std::string& directory, uint64_t keys, Ending ending) {
  const Values values(kValueBytes);
  const Setup setup{directory, keys, /*background_merge=*/false};
  MEMORIA_TRY(load_elsewhere(engine, setup, values, ending));
  std::string scratch;
  const auto check = [&](uint64_t i) {
    return expect_value(engine, view(spread_key(i)), values.at(i, kValueBytes), scratch);
  };
  Timer watch;
  MEMORIA_TRY(engine.open(setup));
  MEMORIA_TRY(check(keys / 2));
  const double seconds = watch.seconds();
  for (uint64_t i = 0; i < std::min(keys, kChecked); ++i) MEMORIA_TRY(check(keys - 1 - i));
  MEMORIA_TRY(engine.close());
  return Figures{{std::string("open, ") + (ending == Ending::kExit ? "closed" : "killed"), "s",
                  seconds, false}};
}

}  // namespace

std::vector<Contest> open_contests(const Field& field) {
  const std::string keys = std::to_string(field.keys) + " keys, ";
  std::vector<Contest> contests;
  for (const auto ending : {Ending::kExit, Ending::kKilled}) {
    contests.push_back(engine_contest(
        field,
        "Open, " + keys +
            (ending == Ending::kExit ? "after a clean close" : "after the process was killed"),
        Ceiling::kExcluded,
        [ending, count = field.keys](Engine& engine, const std::string& directory) {
          return open(engine, directory, count, ending);
        }));
  }
  return contests;
}

}  // namespace memoria::bench
