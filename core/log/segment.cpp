// SPDX-License-Identifier: MIT
#include "core/log/segment.hpp"

#include <fmt/format.h>

#include <charconv>

#include "core/base/coding.hpp"
#include "core/base/crc32c.hpp"

namespace memoria {
namespace {

constexpr std::string_view kMagic = "MEMORIA1";
constexpr size_t kAtCrc = kSegmentHeaderSize - 4;
static_assert(kMagic.size() + 4 + 1 + 3 + 8 + sizeof(StoreUuid) == kAtCrc);

}  // namespace

uint32_t SegmentHeader::seed() const {
  char raw[8];
  store_le<uint64_t>(raw, id);
  return crc32c({raw, sizeof raw}, crc32c({uuid.data(), uuid.size()}));
}

std::string encode_segment_header(const SegmentHeader& header) {
  std::string out(kMagic);
  append_le<uint32_t>(out, kFormatVersion);
  out.push_back(char(header.origin));
  out.append(3, '\0');
  append_le<uint64_t>(out, header.id);
  out.append(header.uuid.data(), header.uuid.size());
  append_le<uint32_t>(out, crc32c(out));
  return out;
}

Result<SegmentHeader> decode_segment_header(std::string_view bytes, std::string_view subject) {
  if (bytes.size() < kSegmentHeaderSize || bytes.substr(0, kMagic.size()) != kMagic) {
    return Error{Errc::kCorrupt, fmt::format("{}: not a segment (no header)", subject)};
  }
  const Error damaged{Errc::kCorrupt, fmt::format("{}: the segment's header is damaged", subject)};
  // Only an intact header is believed when it says that it is of another version.
  if (load_le<uint32_t>(bytes.data() + kAtCrc) != crc32c(bytes.substr(0, kAtCrc))) return damaged;
  Decoder in(bytes.substr(kMagic.size(), kSegmentHeaderSize - kMagic.size()));
  const auto version = in.le<uint32_t>();
  if (version > kFormatVersion) {
    return Error{
        Errc::kNewerFormat,
        fmt::format("{}: written in format {} by a newer Memoria; this one reads up to {}: "
                    "upgrade it",
                    subject, version, kFormatVersion)};
  }
  SegmentHeader header;
  header.origin = Origin(in.bytes(4).front());
  header.id = in.le<uint64_t>();
  in.bytes(header.uuid.size()).copy(header.uuid.data(), header.uuid.size());
  if (version == 0 || (header.origin != Origin::kLog && header.origin != Origin::kMerge)) {
    return damaged;
  }
  return header;
}

std::string segment_file(uint64_t id, std::string_view suffix) {
  return fmt::format("{:019}{}", id, suffix);
}

std::string name_segments(std::span<const uint64_t> ids) {
  constexpr size_t kNamed = 3;
  const size_t named = ids.size() > kNamed + 1 ? kNamed : ids.size();  // one other has a name, too
  std::string out;
  for (const uint64_t id : ids.first(named)) {
    out += (out.empty() ? "" : ", ") + segment_file(id, kDataSuffix);
  }
  return named == ids.size() ? out : fmt::format("{} and {} others", out, ids.size() - named);
}

std::optional<uint64_t> segment_id(std::string_view name, std::string_view suffix) {
  if (!name.ends_with(suffix)) return std::nullopt;
  name.remove_suffix(suffix.size());
  uint64_t id = 0;
  const auto [end, ec] = std::from_chars(name.data(), name.data() + name.size(), id);
  if (ec != std::errc{} || end != name.data() + name.size() || name.size() < 19)
    return std::nullopt;
  return id;
}

}  // namespace memoria
