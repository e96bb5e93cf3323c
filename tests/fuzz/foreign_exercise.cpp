// SPDX-License-Identifier: MIT
#include "tests/fuzz/foreign_exercise.hpp"

#include <algorithm>
#include <memory>

#include "core/base/coding.hpp"
#include "tests/fuzz/require.hpp"
#include "tests/support/memory_source.hpp"

namespace memoria::test {
namespace {

constexpr int kMostMended = 20;

std::string read_value(foreign::Log& log, const foreign::Log::Entry& entry) {
  FUZZ_REQUIRE(log.open_value(entry).has_value());
  std::string out;
  for (;;) {
    const auto part = log.next_part();
    FUZZ_REQUIRE(part.has_value());
    if (part.value().empty()) return out;
    out += part.value();
  }
}

/// Returns how many entries are live.
size_t read_log(const ForeignExercise& with, MemoryFiles& source, bool keep_older) {
  auto opened = foreign::Log::open(std::make_unique<MemorySourceDirectory>(source),
                                   {.engine = with.engine, .keep_older = keep_older});
  FUZZ_REQUIRE(opened.has_value());
  auto& log = *opened.value();
  uint64_t losses = 0;
  const auto scanned = log.scan({}, [&](const foreign::Remark& remark) {
    losses += remark.is_loss ? 1 : 0;
    if (remark.length > 0) {
      const auto size = source.files[remark.file].bytes.size();
      FUZZ_REQUIRE(remark.offset < size && remark.length <= size - remark.offset);
    }
    return ok();
  });
  const auto& totals = log.totals();
  FUZZ_REQUIRE(scanned.has_value() || scanned.error().code == Errc::kCorrupt);
  FUZZ_REQUIRE(totals.damaged + totals.torn == 0 || losses > 0);
  FUZZ_REQUIRE(log.live().size() <= totals.records);
  uint64_t bytes = 0;
  for (const auto* entry : log.live()) {
    const auto value = read_value(log, *entry);
    bytes += value.size();
    const auto& version = entry->second;
    const auto file = std::to_string(version.segment + 1) + with.suffix;
    FUZZ_REQUIRE(with.is_record(std::string_view(source.files[file].bytes).substr(version.offset),
                                version.head, entry->first, value));
  }
  FUZZ_REQUIRE(bytes == log.live_bytes());
  FUZZ_REQUIRE(source.largest_read <= foreign::Window::kCapacity);
  return log.live().size();
}

}  // namespace

void exercise_foreign(const ForeignExercise& with, std::string_view input) {
  std::string front(2, '\0');
  input.copy(front.data(), 2);
  input.remove_prefix(std::min<size_t>(2, input.size()));
  const size_t first = std::min<size_t>(load_le<uint16_t>(front.data()), input.size());
  MemoryFiles source;
  auto& one = source.files["1" + with.suffix].bytes;
  auto& two = source.files["2" + with.suffix].bytes;
  one = input.substr(0, first);
  two = input.substr(first);
  for (int round = 0; round < 2; ++round) {
    FUZZ_REQUIRE(read_log(with, source, false) <= read_log(with, source, true));
    for (auto* bytes : {&one, &two}) {
      size_t at = 0;
      for (int n = 0; n < kMostMended && at < bytes->size(); ++n) {
        const auto size = with.mend(*bytes, at);
        if (size == 0) break;
        at += size;
      }
    }
  }
}

}  // namespace memoria::test
