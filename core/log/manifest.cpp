// SPDX-License-Identifier: MIT
#include "core/log/manifest.hpp"

#include <fmt/format.h>

#include "core/base/coding.hpp"
#include "core/base/crc32c.hpp"
#include "core/io/whole_file.hpp"

namespace memoria {
namespace {

constexpr std::string_view kMagic = "MEMOMAN1";
constexpr uint32_t kManifestVersion = 2;
constexpr uint32_t kPlainVersion = 1;  // without unsure_until, so that older readers take it
constexpr uint32_t kFlagSnapshot = 1, kFlagBackup = 2, kFlagUnfinished = 4;
constexpr size_t kHeadSize = 8 + 4 + 4 + 8 + sizeof(StoreUuid) + 8, kEntrySize = 16, kCrcSize = 4;
constexpr uint64_t kMaxManifestSize = 256 << 20;

}  // namespace

std::string encode_manifest(const Manifest& manifest) {
  std::string out(kMagic);
  append_le<uint32_t>(out, manifest.unsure_until != 0 ? kManifestVersion : kPlainVersion);
  append_le<uint32_t>(out, (manifest.snapshot ? kFlagSnapshot : 0) |
                               (manifest.backup ? kFlagBackup : 0) |
                               (manifest.unfinished ? kFlagUnfinished : 0));
  append_le<uint64_t>(out, manifest.written_ns);
  out.append(manifest.uuid.data(), manifest.uuid.size());
  if (manifest.unsure_until != 0) append_le<uint64_t>(out, manifest.unsure_until);
  append_le<uint64_t>(out, manifest.segments.size());
  for (const auto& segment : manifest.segments) {
    append_le<uint64_t>(out, segment.id);
    append_le<uint64_t>(out, segment.length);
  }
  append_le<uint32_t>(out, crc32c(out));
  return out;
}

Result<Manifest> decode_manifest(std::string_view bytes, std::string_view subject) {
  if (bytes.size() < kHeadSize + kCrcSize || !bytes.starts_with(kMagic)) {
    return Error{Errc::kCorrupt, fmt::format("{}: not a manifest", subject)};
  }
  const Error damaged{Errc::kCorrupt, fmt::format("{}: the manifest is damaged", subject)};
  // Only an intact one is believed when it says that it is of another version.
  const auto body = bytes.substr(0, bytes.size() - kCrcSize);
  if (load_le<uint32_t>(bytes.data() + body.size()) != crc32c(body)) return damaged;
  Decoder in(body.substr(kMagic.size()));
  const auto version = in.le<uint32_t>();
  if (version > kManifestVersion) {
    return Error{Errc::kNewerFormat,
                 fmt::format("{}: version {}, written by a newer Memoria: upgrade this one",
                             subject, version)};
  }
  Manifest manifest;
  const auto flags = in.le<uint32_t>();
  manifest.snapshot = (flags & kFlagSnapshot) != 0;
  manifest.backup = (flags & kFlagBackup) != 0;
  manifest.unfinished = (flags & kFlagUnfinished) != 0;
  manifest.written_ns = in.le<uint64_t>();
  in.bytes(manifest.uuid.size()).copy(manifest.uuid.data(), manifest.uuid.size());
  if (version > kPlainVersion) manifest.unsure_until = in.le<uint64_t>();
  const auto count = in.le<uint64_t>();
  const auto size = in.rest().size();
  if (!in.ok() || size % kEntrySize != 0 || count != size / kEntrySize) return damaged;
  manifest.segments.reserve(count);
  for (uint64_t i = 0; i < count; ++i) {
    const auto id = in.le<uint64_t>();
    manifest.segments.push_back({id, in.le<uint64_t>()});
  }
  return manifest;
}

Result<std::optional<Manifest>> read_manifest(Environment& environment) {
  const auto subject = fmt::format("{}/{}", environment.describe(), kManifestFile);
  const auto bytes = read_file(environment, kManifestFile, kMaxManifestSize);
  if (!bytes.has_value() && bytes.error().code == Errc::kNotFound) return std::optional<Manifest>();
  if (!bytes.has_value() && bytes.error().code == Errc::kTooLarge) {
    return Error{Errc::kCorrupt, fmt::format("{}: not a manifest", subject)};
  }
  if (!bytes.has_value()) return bytes.error();
  MEMORIA_TRY(auto manifest, decode_manifest(bytes.value(), subject));
  return std::optional<Manifest>(std::move(manifest));
}

Status write_manifest(Environment& environment, const Manifest& manifest) {
  MEMORIA_TRY(replace_file(environment, kManifestFile, encode_manifest(manifest)));
  return environment.sync_directory();
}

}  // namespace memoria
