// SPDX-License-Identifier: MIT
#include "tests/support/seeded_run.hpp"

#include <cstdlib>
#include <iostream>

#include "tests/support/save_image.hpp"

namespace memoria::test {

uint64_t SeededRun::seconds() const {
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  return uint64_t(took.count());
}

void SeededRun::keep(const Image& image) const {
  if (save.empty()) return;
  save_image(image, save);
  std::cerr << "the state is in " << save << '\n';
}

std::optional<SeededRun> parse_seeded_run(std::span<char* const> arguments,
                                          std::string_view count_name, uint64_t short_form) {
  SeededRun out;
  out.count = rounds(short_form);
  if (arguments.size() % 2 != 0) return std::nullopt;
  for (size_t i = 0; i < arguments.size(); i += 2) {
    const std::string_view name = arguments[i];
    const uint64_t number = std::strtoull(arguments[i + 1], nullptr, 0);
    if (name == "--seed") {
      out.seed = number;
    } else if (name == count_name && number > 0) {
      out.count = number;
    } else if (name == "--save") {
      out.save = arguments[i + 1];
    } else {
      return std::nullopt;
    }
  }
  return out;
}

}  // namespace memoria::test
