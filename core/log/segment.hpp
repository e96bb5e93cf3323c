// SPDX-License-Identifier: MIT
// A segment's file names and its header. Layout: core/FORMAT.md, "Segment".
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/base/result.hpp"

namespace memoria {

enum class Origin : uint8_t { kLog = 1, kMerge = 2 };

using StoreUuid = std::array<char, 16>;

struct SegmentHeader {
  uint64_t id = 0;
  Origin origin = Origin::kLog;
  StoreUuid uuid{};

  /// What the checksums of its records start from; see Place.
  uint32_t seed() const;
};

inline constexpr size_t kSegmentHeaderSize = 44;
inline constexpr uint32_t kFormatVersion = 1;
inline constexpr uint64_t kMaxSegmentSize = 0xffff'ffff;

std::string encode_segment_header(const SegmentHeader& header);
/// kCorrupt, or kNewerFormat. `subject` names the file in messages.
Result<SegmentHeader> decode_segment_header(std::string_view bytes, std::string_view subject);

inline constexpr std::string_view kDataSuffix = ".data";
inline constexpr std::string_view kHintSuffix = ".hint";
inline constexpr std::string_view kMergeSuffix = ".merge";

/// `<id><suffix>`, the id with at least 19 digits so that names sort by age.
std::string segment_file(uint64_t id, std::string_view suffix);
/// "<id>.data, <id>.data, <id>.data and 5 others": as many names as fit on a line.
std::string name_segments(std::span<const uint64_t> ids);
/// The id when `name` is exactly an id and `suffix`.
std::optional<uint64_t> segment_id(std::string_view name, std::string_view suffix);

}  // namespace memoria
