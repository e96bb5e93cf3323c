// SPDX-License-Identifier: MIT
#include <iostream>

#include "fs/binding/run.hpp"

int main(int argc, char** argv) {
  return memoria::run(argc, argv, std::cout, std::cerr);
}
