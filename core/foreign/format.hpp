// SPDX-License-Identifier: MIT
// What the scan of a foreign log must know of its format: how a record begins, what its checksum
// covers, what it means. A format is a few lines; all that is careful is in segment_scan.cpp.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace memoria::foreign {

/// The fixed part at the front of a record: [head][key][value].
struct RecordHead {
  uint32_t checksum = 0;
  uint64_t key_size = 0, value_size = 0;  ///< bytes; may be any number, as read
  int64_t time_ns = 0;                    ///< since the epoch
  uint8_t type = 0;                       ///< where the format has one
};

enum class Meaning { kValue, kErased, kUnknown };

/// So much of the beginning of a value decides what it means.
inline constexpr size_t kMeaningBytes = 32;

/// Without state: any thread.
class LogFormat {
 public:
  virtual ~LogFormat() = default;

  /// The number of a log file by its name; nothing for all other files.
  virtual std::optional<uint64_t> segment_number(std::string_view file_name) const = 0;
  /// A merge has marked this file for removal: what is in it must not come back.
  virtual bool is_discarded(mode_t mode) const = 0;

  virtual size_t head_size() const = 0;
  /// `head` has head_size() bytes. Nothing when they contradict themselves.
  virtual std::optional<RecordHead> parse(std::string_view head) const = 0;
  /// The head with other sizes and the same checksum; nothing when a head that has only one of its
  /// sizes damaged contradicts itself anyway.
  virtual std::optional<std::string> with_sizes(std::string_view head, uint64_t key_size,
                                                uint64_t value_size) const = 0;
  /// The checksum of what it covers of the head; the key and the value continue it.
  virtual uint32_t begin_checksum(std::string_view head) const = 0;
  virtual uint32_t continue_checksum(uint32_t checksum, std::string_view bytes) const = 0;

  /// `beginning`: the first kMeaningBytes of the value, or all of a shorter one.
  virtual Meaning meaning(const RecordHead& head, std::string_view beginning) const = 0;
  /// Which of two versions is newer: by time, then by place; or by place alone (file number, then
  /// offset).
  virtual bool orders_by_time() const = 0;
};

/// "12" of "12.data" for the suffix ".data": only digits, no sign.
std::optional<uint64_t> number_before(std::string_view file_name, std::string_view suffix);

/// CRC-32 of IEEE 802.3 as zlib and gzip compute it; `previous` continues.
/// crc32("123456789") == 0xcbf43926.
uint32_t crc32(std::string_view data, uint32_t previous = 0);

}  // namespace memoria::foreign
