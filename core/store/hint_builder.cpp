// SPDX-License-Identifier: MIT
#include "core/store/hint_builder.hpp"

#include "core/log/hint.hpp"
#include "core/log/scan.hpp"
#include "core/store/entries.hpp"

namespace memoria {

Status write_hint_file(Environment& environment, uint64_t id, std::string_view contents) {
  const auto name = segment_file(id, kHintSuffix);
  const auto temporary = name + std::string(kTemporarySuffix);
  (void)environment.remove(temporary);  // of an attempt that failed
  MEMORIA_TRY(const auto file, environment.create(temporary));
  const iovec parts[] = {{const_cast<char*>(contents.data()), contents.size()}};
  MEMORIA_TRY(file->write(0, parts));
  MEMORIA_TRY(file->sync());
  return environment.rename(temporary, name);
}

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
  MEMORIA_TRY(
      write_hint_file(environment, segment.id(), std::move(hint).finish(segment.file_bytes)));
  segment.has_hint = true;
  return ok();
}

std::string load_hint(Environment& environment, const Segment& segment) {
  const auto file =
      environment.open(segment_file(segment.id(), kHintSuffix), Environment::Access::kRead);
  if (!file.has_value()) return {};
  const auto size = file.value()->size();
  if (!size.has_value()) return {};
  std::string bytes(size.value(), '\0');
  const auto got = file.value()->read(0, bytes);
  return got.has_value() && got.value() == bytes.size() ? bytes : std::string();
}

bool check_hint(Environment& environment, const Segment& segment) {
  const auto bytes = load_hint(environment, segment);
  return HintReader::open(bytes, segment.header.id, segment.file_bytes).has_value();
}

}  // namespace memoria
