// SPDX-License-Identifier: MIT
#include "core/foreign/segment_scan.hpp"

#include <algorithm>
#include <utility>

namespace memoria::foreign {
namespace {

/// Bytes between two words of progress while nothing is found.
constexpr uint64_t kTellEvery = 1 << 20;
/// Damaged records in a row whose sizes are still believed when an intact one follows.
constexpr int kLongestChain = 16;
/// While the next record is searched for: one of this size is verified at once, a larger one only
/// when heads of others seem to follow it.
constexpr uint64_t kSmallRecord = 64 << 10;
constexpr int kHeadsBehindLarge = 3;
/// How many heads are followed to see whether a large one leads to the end or to an intact record.
constexpr int kLongestLead = 16;
constexpr size_t kLookSize = 4 << 10;
/// The least that verifying one record counts for, and how much may be verified in vain.
constexpr uint64_t kLeastWork = 4 << 10;
constexpr uint64_t kWorkOfSmallFiles = 64 << 20;
constexpr uint64_t kWorkPerByte = 4;

/// Whether the checksum of a head, continued by the `size` bytes from `offset`, is the wanted one.
Result<bool> verify_body(Window& window, const LogFormat& format, uint64_t offset, uint64_t size,
                         uint32_t checksum, uint32_t wanted) {
  while (size > 0) {
    MEMORIA_TRY(const auto part, window.some(offset, size));
    if (part.empty()) return false;  // the file has become shorter
    checksum = format.continue_checksum(checksum, part);
    offset += part.size();
    size -= part.size();
  }
  return checksum == wanted;
}

/// What may still be verified in vain, in bytes: of small records, of large ones that lead
/// somewhere, and of others.
struct Work {
  explicit Work(uint64_t each) : small(each), leading(each), other(each) {}
  uint64_t small, leading, other;
};

class Scan {
 public:
  Scan(const SourceFile& file, uint64_t size, const LogFormat& format, ScanVisitor& visitor)
      : format_(format),
        visitor_(visitor),
        window_(file, size),
        ahead_(file, size),
        heads_(file, size, kLookSize),
        work_(kWorkOfSmallFiles + kWorkPerByte * std::min(size, uint64_t{1} << 50)),
        work_inside_(work_) {}

  Status run() {
    uint64_t at = 0;
    while (at < window_.size()) {
      MEMORIA_TRY(const bool intact, take_record(at));
      if (!intact) MEMORIA_TRY(take_damage(at));
      MEMORIA_TRY(visitor_.progress(at));
    }
    return ok();
  }

 private:
  uint64_t size_of(const RecordHead& head) const {
    return format_.head_size() + head.key_size + head.value_size;
  }

  /// Tells of the record at `at` and goes behind it, if it is intact.
  Result<bool> take_record(uint64_t& at) {
    MEMORIA_TRY(const auto head, head_at(window_, format_, at));
    if (!head) return false;
    MEMORIA_TRY(read_beginning(at, *head));  // verifying a large value moves the window on
    MEMORIA_TRY(const bool right, verify_record(window_, format_, at, *head));
    if (!right) return false;
    const IntactRecord record{.offset = at,
                              .size = size_of(*head),
                              .head = *head,
                              .key = key_,
                              .meaning = format_.meaning(*head, beginning_)};
    MEMORIA_TRY(visitor_.record(record));
    at += record.size;
    return true;
  }

  /// The beginnings of key and value.
  Status read_beginning(uint64_t at, const RecordHead& head) {
    at += format_.head_size();
    const auto most = [](uint64_t size, size_t limit) {
      return size_t(std::min<uint64_t>(size, limit));
    };
    MEMORIA_TRY(key_, window_.view(at, most(head.key_size, kMostKeyBytes)));
    MEMORIA_TRY(beginning_, heads_.view(at + head.key_size, most(head.value_size, kMeaningBytes)));
    return ok();
  }

  Status take_damage(uint64_t& at) {
    DamagedPlace place{.kind = DamagedPlace::Kind::kRange, .offset = at};
    MEMORIA_TRY(const auto head, head_at(window_, format_, at));
    uint64_t next = window_.size();
    if (head) {
      MEMORIA_TRY(const bool leads_on, chain_leads_on(at + size_of(*head)));
      if (leads_on) {
        place.kind = DamagedPlace::Kind::kRecord;
        next = at + size_of(*head);
        MEMORIA_TRY(const auto end, end_by_other_sizes(at, *head));
        if (end) next = *end;
      }
    }
    if (place.kind == DamagedPlace::Kind::kRange) {
      MEMORIA_TRY(next, search(at + 1, window_.size(), work_));
      if (next == window_.size()) {
        MEMORIA_TRY(const bool torn, is_torn(at, head.has_value()));
        if (torn) place.kind = DamagedPlace::Kind::kTornTail;
      }
    }
    place.size = next - at;
    MEMORIA_TRY(name_key(place));
    MEMORIA_TRY(visitor_.damage(place));
    at = next;
    return ok();
  }

  /// A damaged size may lead over intact records to the beginning of one. Where the first of those
  /// begins, when with a size that ends there the checksum is right.
  Result<std::optional<uint64_t>> end_by_other_sizes(uint64_t at, const RecordHead& head) {
    const auto none = std::optional<uint64_t>();
    const uint64_t body = at + format_.head_size(), end = at + size_of(head);
    MEMORIA_TRY(const uint64_t found, search(body, end, work_inside_));
    if (found == end) return none;
    const uint64_t sizes = found - body;
    const std::pair<uint64_t, uint64_t> others[] = {
        {head.key_size, sizes - std::min(sizes, head.key_size)},
        {sizes - std::min(sizes, head.value_size), head.value_size}};
    for (const auto& [key_size, value_size] : others) {
      if (key_size + value_size != sizes) continue;
      MEMORIA_TRY(const auto stored, ahead_.view(at, format_.head_size()));
      const auto changed = format_.with_sizes(stored, key_size, value_size);
      if (!changed) return none;
      MEMORIA_TRY(const bool right, verify_body(ahead_, format_, body, sizes,
                                                format_.begin_checksum(*changed), head.checksum));
      if (right) return std::optional(found);
    }
    return none;
  }

  /// The key that stands in the damaged place, if all of it is there.
  Status name_key(DamagedPlace& place) {
    MEMORIA_TRY(const auto bytes, window_.view(place.offset, format_.head_size()));
    if (bytes.size() < format_.head_size()) return ok();
    const auto head = format_.parse(bytes);
    if (!head || head->key_size == 0 || head->key_size > kMostKeyBytes) return ok();
    if (head->key_size > place.size - std::min(place.size, uint64_t(format_.head_size())))
      return ok();
    place.time_ns = head->time_ns;
    MEMORIA_TRY(key_, window_.view(place.offset + format_.head_size(), size_t(head->key_size)));
    place.key = key_;
    return ok();
  }

  /// From record to record by their sizes alone, until one is intact or the file is at its end.
  Result<bool> chain_leads_on(uint64_t at) {
    for (int n = 0; n < kLongestChain; ++n) {
      if (at == window_.size()) return true;
      MEMORIA_TRY(const auto head, head_at(ahead_, format_, at));
      if (!head) return false;
      MEMORIA_TRY(const bool right, verify_ahead(at, *head, work_.other));
      if (right) return true;
      at += size_of(*head);
    }
    return false;
  }

  /// False, too, when too much has been verified in vain.
  Result<bool> verify_ahead(uint64_t at, const RecordHead& head, uint64_t& work_left) {
    const auto work = std::max(kLeastWork, size_of(head));
    if (work > work_left) return false;
    work_left -= work;
    return verify_record(ahead_, format_, at, head);
  }

  /// Whether the heads from `at` on lead to the end of the file or to an intact small record, as
  /// those behind a real record do.
  Result<bool> leads_somewhere(uint64_t at, Work& work) {
    for (int n = 0; n < kLongestLead; ++n) {
      if (at == window_.size()) return true;
      MEMORIA_TRY(const auto head, head_at(heads_, format_, at));
      if (!head) return false;
      if (size_of(*head) <= kSmallRecord) return verify_ahead(at, *head, work.small);
      at += size_of(*head);
    }
    return false;
  }

  /// Verifies what looks like a record. What looks most like one has a share of the work of its
  /// own, which what only begins like one cannot use up: a damaged value may be full of such.
  Result<bool> try_record(uint64_t at, const RecordHead& head, Work& work) {
    if (size_of(head) <= kSmallRecord) return verify_ahead(at, head, work.small);
    MEMORIA_TRY(const bool followed, heads_follow(at + size_of(head)));
    if (!followed) return false;
    MEMORIA_TRY(const bool leads, leads_somewhere(at + size_of(head), work));
    return verify_ahead(at, head, leads ? work.leading : work.other);
  }

  /// The next place with an intact record; `end` when there is none before it.
  Result<uint64_t> search(uint64_t from, uint64_t end, Work& work) {
    for (uint64_t at = from; at < end; ++at) {
      if ((at - from) % kTellEvery == 0) MEMORIA_TRY(visitor_.progress(at));
      MEMORIA_TRY(const auto head, head_at(window_, format_, at));
      if (!head) continue;
      MEMORIA_TRY(const bool right, try_record(at, *head, work));
      if (right) return at;
    }
    return end;
  }

  Result<bool> heads_follow(uint64_t at) {
    for (int n = 0; n < kHeadsBehindLarge && at != window_.size(); ++n) {
      MEMORIA_TRY(const auto head, head_at(heads_, format_, at));
      if (!head) return false;
      at += size_of(*head);
    }
    return true;
  }

  /// Nothing intact follows: a record that is cut off, or nothing but zeros.
  Result<bool> is_torn(uint64_t at, bool fits) {
    if (!fits) {
      MEMORIA_TRY(const auto bytes, window_.view(at, format_.head_size()));
      if (bytes.size() < format_.head_size() || format_.parse(bytes)) return true;
    }
    while (at < window_.size()) {
      MEMORIA_TRY(const auto part, window_.some(at, window_.size() - at));
      if (part.empty() || part.find_first_not_of('\0') != part.npos) return part.empty();
      at += part.size();
    }
    return true;
  }

  const LogFormat& format_;
  ScanVisitor& visitor_;
  Window window_;
  Window ahead_;  // for looks at what may follow, so that window_ need not be read again
  Window heads_;  // the same, for a few bytes here and there
  std::string key_, beginning_;
  Work work_;
  Work work_inside_;  // in damaged records that the next one follows
};

}  // namespace

Result<std::optional<RecordHead>> head_at(Window& window, const LogFormat& format,
                                          uint64_t offset) {
  MEMORIA_TRY(const auto bytes, window.view(offset, format.head_size()));
  if (bytes.size() < format.head_size()) return std::optional<RecordHead>();
  const auto head = format.parse(bytes);
  if (!head) return head;
  const uint64_t left = window.size() - offset - format.head_size();
  if (head->key_size > left || head->value_size > left - head->key_size) {
    return std::optional<RecordHead>();
  }
  return head;
}

Result<bool> verify_record(Window& window, const LogFormat& format, uint64_t offset,
                           const RecordHead& head) {
  MEMORIA_TRY(const auto bytes, window.view(offset, format.head_size()));
  if (bytes.size() < format.head_size()) return false;  // the file has become shorter
  return verify_body(window, format, offset + format.head_size(), head.key_size + head.value_size,
                     format.begin_checksum(bytes), head.checksum);
}

Status scan_segment(const SourceFile& file, uint64_t size, const LogFormat& format,
                    ScanVisitor& visitor) {
  return Scan(file, size, format, visitor).run();
}

}  // namespace memoria::foreign
