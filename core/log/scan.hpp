// SPDX-License-Identifier: MIT
// Reads a segment from its beginning to its end, checking what it reads.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/io/environment.hpp"
#include "core/log/record.hpp"

namespace memoria {

/// One record of a segment; batches are dissolved. The views live until the next call of next().
struct ScannedRecord {
  Record record;
  uint64_t offset = 0;     ///< in the file
  std::string_view bytes;  ///< the whole record, but see Mode::kHeads
  std::string_view value;
  /// False: the value, or for a suspect everything, fails its checksum. Reading it will fail, too.
  /// (Mode::kHeads does not look at all values.)
  bool intact = true;
  /// The head itself is damaged, but its lengths lead to an intact neighbour and its timestamp fits
  /// between the neighbours': this key is what the record most likely held. It must be made
  /// unreadable rather than show an older version.
  bool suspect = false;
};

struct DamagedRange {
  uint64_t offset = 0, length = 0;
  std::string reason;
};

/// Not thread-safe; the file must outlive it.
class SegmentScanner {
 public:
  enum class Mode {
    kSealed,  ///< damage is stepped over: the next intact record is searched for
    kHeads,   ///< the same, but a batch is taken for whole, and values that have a block table are
              ///< not checked: of these `bytes` and `value` may be cut short
    kTail,    ///< the first bad byte ends the segment; an incomplete batch does not count
  };

  /// Scans [begin, end) of `file`, whose SegmentHeader::seed() is `seed`.
  SegmentScanner(const File& file, uint32_t seed, uint64_t begin, uint64_t end, Mode mode);

  /// To be called before the first next(): records can be in any order of their times, which are
  /// all before `limit`, as in the output of a merge; else a suspect's time has to fit between
  /// those of its neighbours.
  void expect_any_order(uint64_t limit) { latest_in_any_order_ = limit; }

  /// The next record, or nullptr at the end. Errors: those of reading, and kNewerFormat for records
  /// that this version must not ignore.
  Result<const ScannedRecord*> next();

  /// Behind the last good record (Mode::kTail: where to truncate).
  uint64_t good_end() const { return good_end_; }
  /// A seal was the last thing seen; `sealed_records` is what it says.
  bool sealed() const { return sealed_; }
  /// There was a record that says that the log goes on in the next segment.
  bool ended() const { return ended_; }
  uint64_t sealed_records() const { return sealed_records_; }
  /// Bytes of batch heads, which belong to no record.
  uint64_t batch_overhead() const { return batch_overhead_; }
  const std::vector<DamagedRange>& damages() const { return damages_; }
  /// The newest timestamp of an intact record so far.
  uint64_t newest() const { return newest_; }

 private:
  Result<std::string_view> window(uint64_t offset, uint64_t size);
  Result<bool> load_record();
  Result<uint64_t> size_of_unknown(std::string_view bytes, Place place);
  Result<bool> skip_unknown();
  Result<std::optional<uint64_t>> load_batch(const Record& batch, std::string_view bytes,
                                             uint64_t offset);
  void emit(const Record& r, std::string_view bytes, uint64_t offset, bool intact, bool suspect);
  Status step_over_damage(std::string reason);
  Result<uint64_t> find_next_record(uint64_t from);
  Result<bool> emit_suspect(uint64_t next);
  bool time_is_possible(uint64_t timestamp, uint64_t next_timestamp) const;
  void note_damage(uint64_t offset, uint64_t length, std::string reason);

  const File& file_;
  const uint32_t seed_;
  uint64_t end_;  // an earlier end of the file is found on the way
  const Mode mode_;
  uint64_t at_;
  uint64_t good_end_;
  bool sealed_ = false, ended_ = false;
  uint64_t sealed_records_ = 0;
  uint64_t batch_overhead_ = 0;
  uint64_t in_vain_ = 0, searched_in_vain_ = 0;  // bytes of records of later kinds, and of others
  uint64_t newest_ = 0;
  uint64_t latest_in_any_order_ = 0;  // 0: they are in order
  std::vector<DamagedRange> damages_;

  std::string buffer_;  // file bytes from buffer_at_
  uint64_t buffer_at_ = 0;
  std::vector<ScannedRecord> pending_;  // of the record at hand; several for a batch
  size_t next_pending_ = 0;
};

}  // namespace memoria
