// SPDX-License-Identifier: MIT
// Group `put`: microseconds for an unsynced put, keys in order and in no order.
#include "tools/bench/engine_field.hpp"
#include "tools/bench/engine_measure.hpp"

namespace memoria::bench {
namespace {

constexpr double kLongest = 4;  // seconds; engines that need longer put less
constexpr uint64_t kChecked = 100;

struct Shape {
  const char* name;
  size_t value_bytes;
  uint64_t count;
};

Result<Figure> put(Engine& engine, const std::string& directory, const Shape& shape, bool in_order,
                   double longest) {
  const Values values(shape.value_bytes);
  const auto key = [&](uint64_t i) { return in_order ? ordered_key(i) : spread_key(i, 1); };
  MEMORIA_TRY(engine.open({directory, shape.count, /*background_merge=*/false}));
  uint64_t there = 0;
  MEMORIA_TRY(const double us, us_per_call(shape.count, longest, [&](uint64_t i) {
                there = i + 1;
                return engine.put(view(key(i)), values.at(i, shape.value_bytes));
              }));
  std::string scratch;
  for (uint64_t i = 0; i < kChecked; ++i) {
    const uint64_t which = scatter(i) % there;
    MEMORIA_TRY(
        expect_value(engine, view(key(which)), values.at(which, shape.value_bytes), scratch));
  }
  MEMORIA_TRY(engine.close());
  return Figure{
      std::string("put, ") + shape.name + (in_order ? ", keys in order" : ", random keys"), "us",
      us, false};
}

}  // namespace

std::vector<Contest> put_contests(const Field& field) {
  const uint64_t part = field.quick ? 200 : 1;
  const double longest = field.seconds(kLongest);
  std::vector<Contest> contests;
  for (const Shape& shape :
       {Shape{"100 B", 100, 600'000 / part}, Shape{"16 KiB", 16 << 10, 65'536 / part},
        Shape{"256 KiB", 256 << 10, 4'096 / part}}) {
    for (const bool in_order : {true, false}) {
      contests.push_back(engine_contest(
          field, std::string("Put, ") + shape.name + (in_order ? ", in order" : ", random"),
          Ceiling::kIncluded, [=](Engine& engine, const std::string& directory) -> Result<Figures> {
            MEMORIA_TRY(auto figure, put(engine, directory, shape, in_order, longest));
            return Figures{figure};
          }));
    }
  }
  return contests;
}

}  // namespace memoria::bench
