// SPDX-License-Identifier: MIT
// Any bytes as the files of another program's store.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "core/foreign/log.hpp"

namespace memoria::test {

struct ForeignExercise {
  foreign::Engine engine;
  std::string suffix;  ///< of the data files' names
  /// Gives the record at the front of these bytes the checksum that belongs to it, so that what
  /// lies behind checksums is reached. Returns its size; 0: there is none.
  std::function<size_t(std::string& bytes, size_t at)> mend;
  /// Whether the front of `bytes` is this record, by an encoder of its own.
  std::function<bool(std::string_view bytes, const foreign::RecordHead& head, std::string_view key,
                     std::string_view value)>
      is_record;
};

/// The first two bytes of the input are the size of the first of two files. Never a crash; what is
/// taken stands in the files as an encoder would have written it; an older version only when it was
/// asked for.
void exercise_foreign(const ForeignExercise& with, std::string_view input);

}  // namespace memoria::test
