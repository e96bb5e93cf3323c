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

/// In no order, but each only once.
class Timestamps {
 public:
  uint64_t next(Input& input) { return (input.number() % (uint64_t{1} << 40)) << 12 | ++count_; }
  /// Some that were given out, mostly.
  uint64_t generation(Input& input, uint64_t timestamp) {
    if (!starts_.empty() && input.byte() < 230) {
      const uint64_t start = starts_[input.byte() % starts_.size()];
      if (start <= timestamp) return start;
    }
    starts_.push_back(timestamp);
    return timestamp;
  }

 private:
  uint64_t count_ = 0;
  std::vector<uint64_t> starts_;
};

std::pair<Record, std::string> record_from(Input& input, Timestamps& timestamps,
                                           uint64_t timestamp) {
  Record r;
  r.kind = Kind(input.byte() % 5 + 1);
  r.timestamp = timestamp;
  static const std::string kKeys[] = {"a", "b", std::string(300, 'c'), ""};
  r.key = kKeys[std::min(input.byte() % 8, 3)];
  if (arguments_size(r.kind) >= 16) {
    r.generation = timestamps.generation(input, timestamp);
    r.offset = input.number();
  }
  if (r.kind == Kind::kPunch) r.length = input.number();
  std::string value;
  if (r.kind == Kind::kPut || r.kind == Kind::kPiece) {
    value.assign(size_t(std::min<uint64_t>(input.number(), 20000)), char('A' + r.timestamp % 26));
  }
  return {r, value};
}

void add_record(RawSegmentWriter& writer, Input& input, Timestamps& timestamps) {
  const auto choice = input.byte();
  if (choice < 200) {
    const auto [r, value] = record_from(input, timestamps, timestamps.next(input));
    writer.raw(encode(r, value, writer.place()));
  } else if (choice < 225) {
    std::vector<std::pair<Record, std::string>> records;
    const uint64_t begin = timestamps.next(input) << 8;  // leaves room for those of its records
    for (uint64_t n = input.byte() % 5, i = 1; i <= n; ++i) {
      records.push_back(record_from(input, timestamps, begin + i));
    }
    writer.batch(begin, records);
  } else if (choice < 245) {
    std::vector<uint64_t> ids;
    for (int n = input.byte() % 4; n > 0; --n) ids.push_back(input.number());
    writer.replaces(ids, timestamps.next(input));
  } else {
    writer.raw(std::string(input.byte() % 64, char(input.byte())));
  }
}

void run(std::string_view bytes) {
  Input input(bytes);
  Timestamps timestamps;
  std::vector<RawSegmentWriter> writers;
  for (uint64_t n = 0; n < 3 && (n == 0 || !input.empty()); ++n) {
    RawSegmentWriter writer(1'500'000'000'000'000'000 + n * 1000,
                            input.byte() % 4 == 1 ? Origin::kMerge : Origin::kLog);
    for (int i = 0; i < 30 && !input.empty(); ++i) {
      if (input.byte() % 16 == 15) break;
      add_record(writer, input, timestamps);
    }
    if (writer.bytes().size() > kSegmentHeaderSize) writers.push_back(std::move(writer));
  }
  Image image;
  for (auto& writer : writers) {
    // Only the newest may be without a seal.
    if (&writer != &writers.back() || input.byte() % 2 == 0) writer.seal(timestamps.next(input));
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
