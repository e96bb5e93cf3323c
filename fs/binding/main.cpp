// SPDX-License-Identifier: MIT
#include <iostream>

#include "core/base/standard_descriptors.hpp"
#include "fs/binding/run.hpp"

int main(int argc, char** argv) {
  memoria::occupy_standard_descriptors();
  return memoria::run(argc, argv, std::cout, std::cerr);
}
