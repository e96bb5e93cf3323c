// SPDX-License-Identifier: MIT
#include "core/store/group_encoder.hpp"

#include <algorithm>

#include "core/store/entries.hpp"

namespace memoria {
namespace {

// Below this a copy is cheaper than another iovec.
constexpr size_t kCopyLimit = 4 << 10;

/// A truncate to nothing is a put of nothing: it ends a generation instead of adding to it.
Kind kind_of(const Batch::Change& change) {
  return change.kind == Kind::kTruncate && change.offset == 0 ? Kind::kPut : change.kind;
}

uint64_t size_of(const Batch::Change& change) {
  return record_size(kind_of(change), change.key_size, change.value.size());
}

}  // namespace

uint64_t GroupEncoder::encoded_size(const Batch& batch) {
  uint64_t size = batch.size() > 1 ? prefix_size(Kind::kBatch, 0, 0) : 0;
  for (const auto& change : batch.changes()) size += size_of(change);
  return size;
}

bool GroupEncoder::patches(const Batch& batch) {
  return std::any_of(batch.changes().begin(), batch.changes().end(), [](const auto& change) {
    const Kind kind = kind_of(change);
    return kind == Kind::kPiece || kind == Kind::kTruncate || kind == Kind::kPunch;
  });
}

void GroupEncoder::begin(uint64_t offset, uint32_t seed, bool track) {
  begin_ = offset;
  seed_ = seed;
  track_ = track;
  size_ = 0;
  overhead_ = 0;
  heads_.clear();
  parts_.clear();
  entries_.clear();
  states_.clear();
}

/// The key's state behind all changes of the group so far.
KeyDirectory::State& GroupEncoder::state(std::string_view key) {
  if (!track_) return only_state_ = directory_.state(key);
  auto [it, is_new] = states_.try_emplace(std::string(key));
  if (is_new) it->second = directory_.state(key);
  return it->second;
}

Record GroupEncoder::record_of(const Batch& batch, const Batch::Change& change,
                               uint64_t timestamp) {
  Record r;
  r.kind = kind_of(change);
  r.timestamp = timestamp;
  r.key = batch.key(change);
  r.value_size = uint32_t(change.value.size());
  r.offset = r.kind == Kind::kPut ? 0 : change.offset;
  r.length = change.length;
  const bool replaces = r.kind == Kind::kPut || r.kind == Kind::kErase;
  if (track_ || !replaces) follow(r);
  return r;
}

/// Gives a patch its generation, and remembers what the record makes of its key.
void GroupEncoder::follow(Record& r) {
  KeyDirectory::State& s = state(r.key);
  switch (r.kind) {
    case Kind::kPut:
      s = {true, r.value_size, r.timestamp, r.timestamp};
      break;
    case Kind::kErase:
      s = {};
      break;
    case Kind::kPunch:
      r.generation = s.present ? s.generation : 0;
      break;
    case Kind::kPiece:
    case Kind::kTruncate:
      // An empty value has nothing worth keeping: its successor is a generation of its own, which
      // one record can hold whole.
      if (!s.present || s.size == 0) s = {true, 0, r.timestamp, r.timestamp};
      r.generation = s.generation;
      s.size = r.kind == Kind::kTruncate ? r.offset : std::max(s.size, r.offset + r.value_size);
      break;
    case Kind::kBatch:
    case Kind::kSeal:
    case Kind::kReplaces:
    case Kind::kEnd:
      break;
  }
  s.newest = r.timestamp;
}

void GroupEncoder::append_external(std::string_view bytes) {
  parts_.push_back({bytes.data(), 0, bytes.size()});
}

void GroupEncoder::encode(const Record& r, std::string_view value, bool is_inline) {
  const size_t at = heads_.size();
  const uint64_t offset = begin_ + size_;
  encode_prefix(r, value, {seed_, offset}, heads_);
  const bool copied = value.size() <= kCopyLimit;
  if (copied) heads_.append(value);
  if (!parts_.empty() && parts_.back().external == nullptr) {
    parts_.back().size += heads_.size() - at;
  } else {
    parts_.push_back({nullptr, at, heads_.size() - at});
  }
  if (!copied) append_external(value);
  size_ += r.kind == Kind::kBatch ? r.prefix() : r.size();
  if (r.kind == Kind::kBatch) {
    overhead_ += r.prefix();
  } else {
    entries_.push_back({r, uint32_t(offset), is_inline, value});
  }
}

void GroupEncoder::add(const Batch& batch) {
  const auto& changes = batch.changes();
  uint64_t timestamp = timeline_.take(changes.size() + (changes.size() > 1 ? 1 : 0));
  if (changes.size() > 1) {
    Record outer;
    outer.kind = Kind::kBatch;
    outer.timestamp = timestamp++;
    outer.offset = changes.size();
    outer.value_size = uint32_t(encoded_size(batch) - outer.prefix());
    encode(outer, {}, false);
  }
  for (const auto& change : changes) {
    const Record r = record_of(batch, change, timestamp++);
    encode(r, change.value, begins_a_value(r) && r.value_size <= inline_limit_);
  }
}

bool GroupEncoder::add(const RawRecord& raw) {
  const auto& s = state(raw.record.key);
  if (!s.present || s.generation != raw.record.generation || s.newest != raw.record.timestamp) {
    return false;
  }
  encode(raw.record, raw.value, false);
  return true;
}

std::vector<iovec>& GroupEncoder::parts() {
  vectors_.clear();
  for (const auto& part : parts_) {
    const char* data = part.external != nullptr ? part.external : heads_.data() + part.offset;
    vectors_.push_back({const_cast<char*>(data), part.size});
  }
  return vectors_;
}

}  // namespace memoria
