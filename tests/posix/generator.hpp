// SPDX-License-Identifier: MIT
// Random operations. Few names and few open files, so that operations meet each other.
#pragma once

#include <array>
#include <random>

#include "tests/posix/operation.hpp"

namespace memoria::test {

inline constexpr auto kAttributeNames =
    std::to_array<const char*>({"user.a", "user.b", "trusted.c", "security.d",
                                "system.posix_acl_access", "system.posix_acl_default"});

class Generator {
 public:
  explicit Generator(uint64_t seed) : random_(seed) {}

  Operation next();

 private:
  uint64_t below(uint64_t limit) { return random_() % limit; }
  bool one_in(uint64_t n) { return below(n) == 0; }
  std::string name();
  std::string path();
  uint64_t offset();
  uint64_t length();
  std::string acl();
  void choose_bytes(Operation& op);
  void choose_xattr(Operation& op);

  std::mt19937_64 random_;
};

}  // namespace memoria::test
