// SPDX-License-Identifier: MIT
// Random changes that can be made to a store and to a std::map alike.
#pragma once

#include <string>
#include <vector>

#include "core/store/store.hpp"
#include "tests/support/random.hpp"
#include "tests/support/raw_log.hpp"

namespace memoria::test {

/// One call of the store: a single change, or several as a batch.
class RandomOperation {
 public:
  struct Change {
    Kind kind;
    std::string key;
    uint64_t offset = 0;  ///< truncate: the size
    uint64_t length = 0;
    std::string bytes;
  };

  Status perform(Store& store, const WriteOptions& write = {}) const;
  void perform(Contents& model) const;
  std::string describe() const;

 private:
  friend class RandomOperations;
  std::vector<Change> changes_;
  bool batch_ = false;
};

class RandomOperations {
 public:
  RandomOperations(uint64_t seed, uint64_t keys) : random_(seed), keys_(keys) {}

  /// What may follow in this state: punches only what is there.
  RandomOperation next(const Contents& model);
  /// A key that operations use.
  std::string key();

 private:
  RandomOperation::Change change(const Contents& model);

  Random random_;
  uint64_t keys_;
};

}  // namespace memoria::test
