// SPDX-License-Identifier: MIT
// Any sequence of well-formed records as a log: what no store would write, but every checksum is
// right.
#include <algorithm>
#include <string>
#include <vector>

#include "core/base/coding.hpp"
#include "tests/fuzz/store_exercise.hpp"
#include "tests/support/raw_log.hpp"

namespace memoria::test {
namespace {

/// Takes numbers off the input; zeros when it is used up.
class Input {
 public:
  explicit Input(std::string_view bytes) : rest_(bytes) {}
  bool empty() const { return rest_.empty(); }
  uint8_t byte() {
    if (rest_.empty()) return 0;
    const auto b = uint8_t(rest_.front());
    rest_.remove_prefix(1);
    return b;
  }
  /// Mostly small, sometimes near a power of two or the largest.
  uint64_t number() {
    const auto b = byte();
    if (b < 200) return b;
    if (b < 230) return uint64_t(byte()) << (b - 200);
    return (uint64_t{1} << (b - 230 + 38)) - 1 - byte();
  }

 private:
  std::string_view rest_;
};

std::pair<Record, std::string> record_from(Input& input) {
  Record r;
  r.kind = Kind(input.byte() % 5 + 1);
  r.timestamp = input.number() + 1;
  static const std::string kKeys[] = {"a", "b", std::string(300, 'c'), ""};
  r.key = kKeys[std::min(input.byte() % 8, 3)];
  if (arguments_size(r.kind) >= 16) {
    r.generation = input.number();
    r.offset = input.number();
  }
  if (r.kind == Kind::kPunch) r.length = input.number();
  std::string value;
  if (r.kind == Kind::kPut || r.kind == Kind::kPiece) {
    value.assign(size_t(std::min<uint64_t>(input.number(), 20000)), char('A' + r.timestamp % 26));
  }
  return {r, value};
}

void add_record(RawSegmentWriter& writer, Input& input) {
  const auto choice = input.byte();
  if (choice < 200) {
    const auto [r, value] = record_from(input);
    writer.raw(encode(r, value, writer.place()));
  } else if (choice < 225) {
    std::vector<std::pair<Record, std::string>> records;
    for (int n = input.byte() % 5; n > 0; --n) records.push_back(record_from(input));
    writer.batch(input.number() + 1, records);
  } else if (choice < 235) {
    writer.seal(input.number() + 1);
  } else if (choice < 245) {
    std::vector<uint64_t> ids;
    for (int n = input.byte() % 4; n > 0; --n) ids.push_back(input.number());
    writer.replaces(ids, input.number() + 1);
  } else {
    writer.raw(std::string(input.byte() % 64, char(input.byte())));
  }
}

void run(std::string_view bytes) {
  Input input(bytes);
  Image image;
  for (uint64_t n = 0; n < 3 && (n == 0 || !input.empty()); ++n) {
    const auto shape = input.byte();
    RawSegmentWriter writer(1'500'000'000'000'000'000 + n * 1000,
                            shape % 4 == 1 ? Origin::kMerge : Origin::kLog);
    for (int i = 0; i < 30 && !input.empty(); ++i) {
      if (input.byte() % 16 == 15) break;
      add_record(writer, input);
    }
    if (shape % 3 != 0) writer.seal(input.number() + 1'000'000);
    image[writer.file_name()] = writer.bytes();
  }
  exercise_store(image);
}

}  // namespace
}  // namespace memoria::test

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  memoria::test::run({reinterpret_cast<const char*>(data), size});
  return 0;
}
