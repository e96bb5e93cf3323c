// SPDX-License-Identifier: MIT
#include "core/store/hint_builder.hpp"

#include "core/io/whole_file.hpp"
#include "core/log/hint.hpp"
#include "core/log/scan.hpp"
#include "core/store/entries.hpp"

namespace memoria {

Status build_hint(Environment& environment, FileCache& files, Segment& segment,
                  size_t inline_limit) {
  MEMORIA_TRY(const auto file, files.open(segment));
  SegmentScanner scanner(*file, segment.header.seed(), kSegmentHeaderSize, segment.file_bytes,
                         SegmentScanner::Mode::kSealed);
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
  MEMORIA_TRY(replace_file(environment, segment_file(segment.id(), kHintSuffix),
                           std::move(hint).finish(segment.file_bytes)));
  segment.has_hint = true;
  return ok();
}

ReadHint read_hint_file(Environment& environment, const Segment& segment) {
  const auto name = segment_file(segment.id(), kHintSuffix);
  return [&environment, name](uint64_t offset, std::span<char> out) -> Result<size_t> {
    MEMORIA_TRY(const auto file, environment.open(name, Environment::Access::kRead));
    return file->read(offset, out);
  };
}

Result<uint64_t> hint_file_size(Environment& environment, const Segment& segment) {
  MEMORIA_TRY(const auto file, environment.open(segment_file(segment.id(), kHintSuffix),
                                                Environment::Access::kRead));
  MEMORIA_TRY(const uint64_t size, file->size());
  return size <= max_hint_size(segment.file_bytes) ? size : 0;
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
