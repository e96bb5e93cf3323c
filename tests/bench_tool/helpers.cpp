// SPDX-License-Identifier: MIT
#include "tests/bench_tool/helpers.hpp"

#include <memory>
#include <sstream>

#include "tools/bench/run.hpp"

namespace memoria::test {

bench::Contestant scripted(const std::string& name, const std::vector<double>& values,
                           bool more_is_better) {
  const auto round = std::make_shared<size_t>(0);
  return {name, [=]() -> Result<std::vector<bench::Figure>> {
            return std::vector<bench::Figure>{
                {"work", more_is_better ? "op/s" : "s", values.at((*round)++), more_is_better}};
          }};
}

std::vector<bench::Outcome> sample_outcomes() {
  const std::string plain = "plain", odd = "<odd> & \"quoted\"";
  bench::Row speed{{"speed < light", "op/s", 0, true}, {}};
  speed.samples = {{plain, {1000, 2000, 3000}}, {odd, {2000, 8000, 6000}}};
  bench::Row time{{"time", "s", 0, false}, {}};
  time.samples = {{plain, {1, 1, 1}}, {odd, {4, 4, 2}}};
  bench::Row missing{{"only the first", "MB/s", 0, true}, {}};
  missing.samples = {{plain, {12345.6, 12345.6, 12345.6}}};
  return {{"this & that", {plain, odd}, {speed, time, missing}}};
}

bench::Conditions sample_conditions() {
  return {"2024-05-31T12:00:00Z", "memoria-bench --rounds 3", 3, bench::this_machine()};
}

BenchRan run_bench(const std::vector<std::string>& arguments, const std::function<bool()>& stop) {
  std::vector<const char*> words = {"memoria-bench"};
  for (const auto& argument : arguments) words.push_back(argument.c_str());
  std::ostringstream out, err;
  const int code = bench::run(int(words.size()), words.data(), out, err, stop);
  return {code, out.str(), err.str()};
}

}  // namespace memoria::test
