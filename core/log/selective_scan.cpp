// SPDX-License-Identifier: MIT
#include "core/log/selective_scan.hpp"

#include <fmt/format.h>

namespace memoria {
namespace {

constexpr uint64_t kWindow = 1 << 20;
// Reading over a gap of this size costs about as much as one more call.
constexpr uint64_t kGap = 16 << 10;

Error damaged(const SelectiveScanner::Place& place, std::string_view why) {
  return {Errc::kCorrupt, fmt::format("damaged record at offset {}: {}", place.offset, why)};
}

}  // namespace

SelectiveScanner::SelectiveScanner(const File& file, uint32_t seed, std::vector<Place> places)
    : file_(file), seed_(seed), places_(std::move(places)) {}

/// The bytes of the place before next_.
Result<std::string_view> SelectiveScanner::window(const Place& place) {
  if (place.offset < buffer_at_ ||
      uint64_t{place.offset} + place.size > buffer_at_ + buffer_.size()) {
    uint64_t end = uint64_t{place.offset} + place.size;
    for (size_t i = next_; i < places_.size(); ++i) {
      const uint64_t further = uint64_t{places_[i].offset} + places_[i].size;
      if (places_[i].offset - end > kGap || further - place.offset > kWindow) break;
      end = further;
    }
    buffer_at_ = place.offset;
    buffer_.resize(end - place.offset);
    MEMORIA_TRY(const size_t got, file_.read(buffer_at_, buffer_));
    buffer_.resize(got);
    bytes_read_ += got;
    if (got < place.size) return damaged(place, "cut off by the end of the file");
  }
  return std::string_view(buffer_).substr(place.offset - buffer_at_, place.size);
}

Result<const ScannedRecord*> SelectiveScanner::next() {
  if (next_ == places_.size()) return nullptr;
  const Place& place = places_[next_++];
  MEMORIA_TRY(const auto bytes, window(place));
  const auto decoded = decode_whole_record(bytes, {seed_, place.offset});
  if (!decoded.has_value()) return damaged(place, decoded.error().message);
  if (decoded.value().size() != bytes.size()) return damaged(place, "it has another length");
  scanned_ = {};
  scanned_.record = decoded.value();
  scanned_.offset = place.offset;
  scanned_.bytes = bytes;
  scanned_.value = bytes.substr(bytes.size() - scanned_.record.value_size);
  return &scanned_;
}

}  // namespace memoria
