// SPDX-License-Identifier: MIT
#include "core/log/scan.hpp"

#include <algorithm>

#include "core/base/coding.hpp"

namespace memoria {
namespace {

constexpr uint64_t kReadAhead = 1 << 20, kReadAheadOfHeads = 4 << 10;
constexpr uint64_t kTimestampAt = 8;
// So often as many bytes as the segment has are checked in vain. Where somebody has made up heads
// that each claim all that is behind them, it would be so often as there are heads.
constexpr uint64_t kMostInVain = 64;

bool all_zero(std::string_view bytes) {
  return bytes.find_first_not_of('\0') == std::string_view::npos;
}

}  // namespace

SegmentScanner::SegmentScanner(const File& file, uint32_t seed, uint64_t begin, uint64_t end,
                               Mode mode)
    : file_(file), seed_(seed), end_(end), mode_(mode), at_(begin), good_end_(begin) {}

/// At least `size` bytes at `offset` where the segment has them; fewer only at its end. Invalidates
/// earlier windows.
Result<std::string_view> SegmentScanner::window(uint64_t offset, uint64_t size) {
  if (offset >= end_) return std::string_view();
  size = std::min(size, end_ - offset);
  const bool held = offset >= buffer_at_ && offset + size <= buffer_at_ + buffer_.size();
  if (!held) {
    // Behind a value that was skipped there is likely another one.
    const bool skipped = mode_ == Mode::kHeads && offset > buffer_at_ + buffer_.size();
    const uint64_t ahead = skipped ? kReadAheadOfHeads : kReadAhead;
    const uint64_t want = std::min(std::max(size, ahead), end_ - offset);
    buffer_.resize(want);
    MEMORIA_TRY(const size_t got, file_.read(offset, std::span(buffer_)));
    buffer_.resize(got);
    buffer_at_ = offset;
    if (got < want) end_ = offset + got;  // the file was cut
  }
  return std::string_view(buffer_).substr(offset - buffer_at_);
}

Result<const ScannedRecord*> SegmentScanner::next() {
  while (next_pending_ == pending_.size()) {
    pending_.clear();
    next_pending_ = 0;
    MEMORIA_TRY(const bool more, load_record());
    if (!more && pending_.empty()) return nullptr;
  }
  return &pending_[next_pending_++];
}

/// Fills pending_ from the record at at_ and moves on. False: the end.
Result<bool> SegmentScanner::load_record() {
  // Behind a seal may lie what an earlier recovery cut off, when only its cut was lost.
  if (sealed_ && mode_ == Mode::kTail) return false;
  MEMORIA_TRY(auto bytes, window(at_, kHeadSize));
  if (bytes.empty()) return false;
  if (all_zero(bytes.substr(0, kHeadSize))) {
    // Prepared space. In a sealed segment there is none, so zeros are damage.
    if (mode_ == Mode::kTail) return false;
    MEMORIA_TRY(step_over_damage("zeros in place of a record"));
    return at_ < end_ || !pending_.empty();
  }
  auto head = decode_head(bytes);
  if (!head.has_value() && head.error().code == Errc::kUnsupported) {
    MEMORIA_TRY(const bool skipped, skip_unknown());
    if (skipped) return true;
    MEMORIA_TRY(bytes, window(at_, kHeadSize));
  }
  if (head.has_value()) {
    const uint64_t needed =
        mode_ == Mode::kHeads ? uint64_t{head.value().verified} : head.value().size;
    MEMORIA_TRY(bytes, window(at_, needed));
    if (bytes.size() < needed || head.value().size > end_ - at_) {
      head = Error{Errc::kCorrupt, "record: cut off by the end of the segment"};
    }
  }
  auto decoded =
      head.has_value() ? decode_record(bytes, {seed_, at_}) : Result<Record>(head.error());
  if (!decoded.has_value()) {
    if (mode_ == Mode::kTail) return false;
    MEMORIA_TRY(step_over_damage(decoded.error().message));
    return at_ < end_ || !pending_.empty();
  }
  const Record& r = decoded.value();
  const uint64_t offset = at_;
  const auto record_bytes = bytes.substr(0, r.size());
  uint64_t behind = offset + r.size();
  if (mode_ == Mode::kHeads) {
    if (r.kind == Kind::kBatch) {
      batch_overhead_ += r.prefix();
      behind = offset + r.prefix();  // its records are seen like others
    } else {
      emit(r, record_bytes, offset, true, false);
    }
  } else if (r.kind == Kind::kBatch) {
    MEMORIA_TRY(const auto batch_end, load_batch(r, record_bytes, offset));
    if (!batch_end) return false;
    behind = *batch_end;
  } else {
    const bool intact =
        verify_blocks(r, record_bytes, 0, record_bytes.substr(r.prefix(), r.value_size));
    if (!intact && mode_ == Mode::kTail) return false;
    emit(r, record_bytes, offset, intact, false);
  }
  at_ = behind;
  good_end_ = at_;
  newest_ = std::max(newest_, r.timestamp);
  ended_ = ended_ || r.kind == Kind::kEnd;
  sealed_ = r.kind == Kind::kSeal;
  if (sealed_) sealed_records_ = r.offset;
  return true;
}

/// The size of an intact record of a later version at `place`, if it may be ignored (else
/// kNewerFormat); 0: it is no record.
Result<uint64_t> SegmentScanner::size_of_unknown(std::string_view bytes, Place place) {
  const auto unknown = decode_unknown_record(bytes, place);
  if (!unknown) return uint64_t{0};
  if (!unknown->ignorable) {
    return Error{Errc::kNewerFormat,
                 "the record at offset " + std::to_string(place.offset) +
                     " is of a kind that only a newer Memoria knows: upgrade this one"};
  }
  newest_ = std::max(newest_, load_le<uint64_t>(bytes.data() + kTimestampAt));
  return unknown->size;
}

/// Steps over an intact record of a later version, if that is allowed. False: it is no record.
Result<bool> SegmentScanner::skip_unknown() {
  MEMORIA_TRY(auto bytes, window(at_, kHeadSize));
  const auto size_told = load_le<uint32_t>(bytes.data());
  if (size_told > kMaxRecordSize || in_vain_ / kMostInVain > end_) return false;
  MEMORIA_TRY(bytes, window(at_, size_told));
  MEMORIA_TRY(const auto size, size_of_unknown(bytes, {seed_, at_}));
  if (size == 0) {
    in_vain_ += std::min<uint64_t>(size_told, end_ - at_);
    return false;
  }
  at_ += size;
  good_end_ = at_;
  return true;
}

void SegmentScanner::emit(const Record& r, std::string_view bytes, uint64_t offset, bool intact,
                          bool suspect) {
  if (!intact && !suspect) {
    note_damage(offset, r.size(), "checksum of a value does not match");
  }
  pending_.push_back(
      {r, offset, bytes, bytes.substr(std::min(r.prefix(), bytes.size())), intact, suspect});
}

/// Emits a batch's records; returns where to go on, or nothing when it is torn (kTail only).
Result<std::optional<uint64_t>> SegmentScanner::load_batch(const Record& batch,
                                                           std::string_view bytes,
                                                           uint64_t offset) {
  size_t at = batch.prefix();
  uint64_t count = 0;
  while (at < bytes.size()) {
    const auto rest = bytes.substr(at);
    const auto head = decode_head(rest);
    if (!head.has_value() && head.error().code == Errc::kUnsupported) {
      MEMORIA_TRY(const auto size, size_of_unknown(rest, {seed_, offset + at}));
      if (size == 0) break;
      at += size;
      ++count;
      continue;
    }
    if (!head.has_value() || head.value().size > rest.size()) break;
    const auto r = decode_record(rest, {seed_, offset + at});
    if (!r.has_value() || r.value().timestamp != batch.timestamp + 1 + count ||
        r.value().kind > Kind::kPunch) {
      break;
    }
    const auto inner = rest.substr(0, r.value().size());
    const bool intact =
        verify_blocks(r.value(), inner, 0, inner.substr(r.value().prefix(), r.value().value_size));
    if (!intact && mode_ == Mode::kTail) break;
    emit(r.value(), inner, offset + at, intact, false);
    newest_ = std::max(newest_, r.value().timestamp);
    at += inner.size();
    ++count;
  }
  if (at == bytes.size() && count == batch.offset) {
    batch_overhead_ += batch.prefix();
    return std::optional(offset + batch.size());
  }
  pending_.clear();
  if (mode_ == Mode::kTail) return std::optional<uint64_t>();
  // The batch was acknowledged long ago and rotted since. What is intact in it counts; what is not
  // is stepped over like any damage, by scanning its records one by one.
  note_damage(offset, batch.prefix(), "a batch holds damaged records");
  batch_overhead_ += batch.prefix();
  return std::optional(offset + batch.prefix());
}

void SegmentScanner::note_damage(uint64_t offset, uint64_t length, std::string reason) {
  damages_.push_back({offset, length, std::move(reason)});
}

/// The offset of the next thing behind `from` that is a record beyond doubt, or the end.
Result<uint64_t> SegmentScanner::find_next_record(uint64_t from) {
  for (uint64_t at = from; at + kHeadSize <= end_; ++at) {
    MEMORIA_TRY(auto bytes, window(at, kHeadSize));
    const auto head = decode_head(bytes);
    if (!head.has_value()) continue;
    MEMORIA_TRY(bytes, window(at, head.value().verified));
    if (bytes.size() >= head.value().verified && decode_record(bytes, {seed_, at}).has_value())
      return at;
    searched_in_vain_ += std::min<uint64_t>(head.value().verified, end_ - at);
    if (searched_in_vain_ / kMostInVain > end_) break;
  }
  return end_;
}

/// at_ is a bad record: report it, and go on at the next good one.
Status SegmentScanner::step_over_damage(std::string reason) {
  const uint64_t begin = at_;
  MEMORIA_TRY(const uint64_t next, find_next_record(begin + 1));
  note_damage(begin, next - begin, std::move(reason));
  MEMORIA_TRY(emit_suspect(next));
  at_ = next;
  return ok();
}

/// A time that rotted must not hide what was written later. (A consolidation has the time of the
/// last piece in it.)
bool SegmentScanner::time_is_possible(uint64_t timestamp, uint64_t next_timestamp) const {
  if (timestamp > kLatestTimestamp) return false;
  if (latest_in_any_order_ != 0) return timestamp < latest_in_any_order_;
  return timestamp >= newest_ && timestamp < next_timestamp;
}

/// When the bad record's lengths lead exactly to `next` and its time fits, it is emitted as a
/// suspect.
Result<bool> SegmentScanner::emit_suspect(uint64_t next) {
  uint64_t next_timestamp = ~uint64_t{0};
  if (next + kHeadSize <= end_) {
    MEMORIA_TRY(const auto bytes, window(next, kHeadSize));
    if (bytes.size() < kHeadSize) return false;
    next_timestamp = load_le<uint64_t>(bytes.data() + kTimestampAt);
  }
  MEMORIA_TRY(const auto bytes, window(at_, next - at_));
  const auto head = decode_head(bytes);
  if (!head.has_value() || head.value().size != next - at_ || bytes.size() < head.value().prefix) {
    return false;
  }
  Record r;
  r.kind = Kind(uint8_t(bytes[16]) & kKindMask);
  r.timestamp = load_le<uint64_t>(bytes.data() + kTimestampAt);
  r.key = bytes.substr(kHeadSize, load_le<uint32_t>(bytes.data() + 17));
  r.value_size = load_le<uint32_t>(bytes.data() + 21);
  if (r.kind > Kind::kPunch || r.key.empty() || !time_is_possible(r.timestamp, next_timestamp)) {
    return false;
  }
  Decoder arguments(bytes.substr(kHeadSize + r.key.size(), arguments_size(r.kind)));
  if (r.kind == Kind::kPiece) {
    r.generation = arguments.le<uint64_t>();
    r.offset = arguments.le<uint64_t>();
    if (r.offset > kMaxSize - r.value_size) return false;
  }
  emit(r, bytes.substr(0, next - at_), at_, false, true);
  return true;
}

}  // namespace memoria
