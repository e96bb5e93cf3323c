// SPDX-License-Identifier: MIT
// The list of a store's segments, so that one that is deleted or cut does not go unnoticed.
// Layout: core/FORMAT.md, "Manifest". (LevelDB's file of this name is a log of such lists; ours is
// written whole, since it changes once for each segment.)
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/io/environment.hpp"
#include "core/log/segment.hpp"

namespace memoria {

inline constexpr std::string_view kManifestFile = "manifest";

struct ManifestEntry {
  uint64_t id = 0;      ///< of its header
  uint64_t length = 0;  ///< of the sealed file, bytes; 0: it was still written to
  bool operator==(const ManifestEntry&) const = default;
};

struct Manifest {
  StoreUuid uuid{};
  uint64_t written_ns = 0;  ///< when, since the epoch
  /// Not 0: the store once lost its manifest, and records with timestamps up to this one may be
  /// missing that nobody knows. Passed on for ever.
  uint64_t unsure_until = 0;
  bool snapshot = false;    ///< of a snapshot, which is only ever read
  bool backup = false;      ///< of a backup, which only the next backup changes
  bool unfinished = false;  ///< of a backup or a restored store that is not all there yet
  std::vector<ManifestEntry> segments;
};

std::string encode_manifest(const Manifest& manifest);
/// kCorrupt or kNewerFormat; `subject` names the file in messages.
Result<Manifest> decode_manifest(std::string_view bytes, std::string_view subject);

/// Nothing: there is none. kCorrupt, kNewerFormat, or the errors of reading.
Result<std::optional<Manifest>> read_manifest(Environment& environment);
/// Replaces it atomically and durably. One writer at a time.
Status write_manifest(Environment& environment, const Manifest& manifest);

}  // namespace memoria
