// SPDX-License-Identifier: MIT
#include "core/log/manifest.hpp"

#include <fmt/format.h>

#include "core/base/coding.hpp"
#include "core/base/crc32c.hpp"

namespace memoria {
namespace {

constexpr std::string_view kMagic = "MEMOMAN1";
constexpr uint32_t kManifestVersion = 1;
constexpr uint32_t kFlagSnapshot = 1;
constexpr size_t kHeadSize = 8 + 4 + 4 + 8 + sizeof(StoreUuid) + 8, kEntrySize = 16, kCrcSize = 4;
constexpr uint64_t kMaxManifestSize = 256 << 20;

}  // namespace

std::string encode_manifest(const Manifest& manifest) {
  std::string out(kMagic);
  append_le<uint32_t>(out, kManifestVersion);
  append_le<uint32_t>(out, manifest.snapshot ? kFlagSnapshot : 0);
  append_le<uint64_t>(out, manifest.written_ns);
  out.append(manifest.uuid.data(), manifest.uuid.size());
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
  Decoder in(bytes.substr(kMagic.size()));
  if (const auto version = in.le<uint32_t>(); version > kManifestVersion) {
    return Error{Errc::kNewerFormat,
                 fmt::format("{}: version {}, written by a newer Memoria: upgrade this one",
                             subject, version)};
  }
  Manifest manifest;
  manifest.snapshot = (in.le<uint32_t>() & kFlagSnapshot) != 0;
  manifest.written_ns = in.le<uint64_t>();
  in.bytes(manifest.uuid.size()).copy(manifest.uuid.data(), manifest.uuid.size());
  const auto count = in.le<uint64_t>();
  const auto body = bytes.substr(0, bytes.size() - kCrcSize);
  if (count != (body.size() - kHeadSize) / kEntrySize ||
      body.size() != kHeadSize + count * kEntrySize ||
      load_le<uint32_t>(bytes.data() + body.size()) != crc32c(body)) {
    return Error{Errc::kCorrupt, fmt::format("{}: the manifest is damaged", subject)};
  }
  manifest.segments.reserve(count);
  for (uint64_t i = 0; i < count; ++i) {
    const auto id = in.le<uint64_t>();
    manifest.segments.push_back({id, in.le<uint64_t>()});
  }
  return manifest;
}

Result<std::optional<Manifest>> read_manifest(Environment& environment) {
  const auto subject = fmt::format("{}/{}", environment.describe(), kManifestFile);
  const auto file = environment.open(kManifestFile, Environment::Access::kRead);
  if (!file.has_value() && file.error().code == Errc::kNotFound) return std::optional<Manifest>();
  if (!file.has_value()) return file.error();
  MEMORIA_TRY(const uint64_t size, file.value()->size());
  if (size > kMaxManifestSize) {
    return Error{Errc::kCorrupt, fmt::format("{}: not a manifest", subject)};
  }
  std::string bytes(size, '\0');
  MEMORIA_TRY(const size_t got, file.value()->read(0, bytes));
  MEMORIA_TRY(auto manifest, decode_manifest(std::string_view(bytes).substr(0, got), subject));
  return std::optional<Manifest>(std::move(manifest));
}

Status write_manifest(Environment& environment, const Manifest& manifest) {
  const auto name = std::string(kManifestFile);
  const auto temporary = name + std::string(kTemporarySuffix);
  (void)environment.remove(temporary);  // of an attempt that failed
  auto bytes = encode_manifest(manifest);
  MEMORIA_TRY(const auto file, environment.create(temporary));
  const iovec parts[] = {{bytes.data(), bytes.size()}};
  MEMORIA_TRY(file->write(0, parts));
  MEMORIA_TRY(file->sync());
  MEMORIA_TRY(environment.rename(temporary, name));
  return environment.sync_directory();
}

}  // namespace memoria
