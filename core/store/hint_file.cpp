// SPDX-License-Identifier: MIT
#include "core/store/hint_file.hpp"

#include "core/io/whole_file.hpp"
#include "core/log/hint.hpp"
#include "core/store/entries.hpp"
#include "core/store/key_payload.hpp"

namespace memoria {

// An inline value is there and checked also when only heads are.
static_assert(KeyPayload::kMaxInline <= kWholeChecksumLimit);

Status build_hint(Environment& environment, FileCache& files, Segment& segment, size_t inline_limit,
                  SegmentScanner::Mode mode) {
  MEMORIA_TRY(const auto file, files.open(segment));
  SegmentScanner scanner(*file, segment.header.seed(), kSegmentHeaderSize, segment.file_bytes,
                         mode);
  HintWriter hint(segment.header.id);
  while (true) {
    MEMORIA_TRY(const auto* scanned, scanner.next());
    if (scanned == nullptr) break;
    if (describes_a_key(scanned->record.kind)) hint.add(entry_of(*scanned, inline_limit));
  }
  if (!scanner.damages().empty() || !scanner.sealed()) {
    segment.damaged = true;
    return Error{Errc::kCorrupt, segment_file(segment.id(), kDataSuffix) + " is damaged"};
  }
  MEMORIA_TRY(replace_file(
      environment, segment_file(segment.id(), kHintSuffix),
      [&](const AppendPart& append) { return std::move(hint).write(segment.file_bytes, append); }));
  segment.has_hint = true;
  return ok();
}

Result<std::optional<HintFile>> open_hint(Environment& environment, const Segment& segment) {
  const auto name = segment_file(segment.id(), kHintSuffix);
  const auto opened = environment.open(name, Environment::Access::kRead);
  if (!opened.has_value() && opened.error().lacks_descriptors()) return opened.error();
  if (!opened.has_value()) return std::optional<HintFile>();
  const File& file = *opened.value();
  const auto size = file.size();
  if (!size.has_value() || size.value() > max_hint_size(segment.file_bytes)) {
    return std::optional<HintFile>();
  }
  const ReadHint read = [&file](uint64_t offset, std::span<char> out) {
    return file.read(offset, out);
  };
  auto index = HintIndex::read(read, size.value(), segment.header.id, segment.file_bytes);
  if (!index) return std::optional<HintFile>();
  const auto read_later = [&environment, name](uint64_t offset,
                                               std::span<char> out) -> Result<size_t> {
    MEMORIA_TRY(const auto again, environment.open(name, Environment::Access::kRead));
    return again->read(offset, out);
  };
  return std::optional(HintFile{std::move(*index), read_later});
}

bool for_each_in_hint(Environment& environment, const Segment& segment,
                      const std::function<void(const Entry&)>& visit) {
  constexpr size_t kReadAtOnce = 1 << 20;
  const auto hint = open_hint(environment, segment);
  if (!hint.has_value() || !hint.value()) return false;
  HintCursor cursor(hint.value()->index, hint.value()->read, kReadAtOnce);
  for (Entry entry;;) {
    const auto more = cursor.next(entry);
    if (!more.has_value()) return false;
    if (!more.value()) return true;
    visit(entry);
  }
}

Result<std::string> read_hint(Environment& environment, const Segment& segment) {
  return read_file(environment, segment_file(segment.id(), kHintSuffix),
                   max_hint_size(segment.file_bytes));
}

std::string load_hint(Environment& environment, const Segment& segment) {
  auto bytes = read_hint(environment, segment);
  return bytes.has_value() ? std::move(bytes).value() : std::string();
}

bool check_hint(Environment& environment, const Segment& segment) {
  const auto bytes = load_hint(environment, segment);
  return HintReader::open(bytes, segment.header.id, segment.file_bytes).has_value();
}

}  // namespace memoria
