// SPDX-License-Identifier: MIT
#include "core/store/rollback.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "core/base/coding.hpp"
#include "core/base/crc32c.hpp"
#include "core/io/whole_file.hpp"
#include "core/log/manifest.hpp"
#include "core/store/segment_copy.hpp"
#include "core/store/snapshots.hpp"

namespace memoria {
namespace {

constexpr std::string_view kMagic = "MEMOROL1";
constexpr uint32_t kRollbackVersion = 1;
constexpr size_t kFixedSize = 8 + 4 + sizeof(StoreUuid) + 8 + 4, kCrcSize = 4;
constexpr uint64_t kMaxRollbackSize = 4096;

Error damaged(const Environment& environment, const Rollback& rollback, std::string_view why) {
  return {Errc::kCorrupt,
          fmt::format("{}: a rollback to the snapshot \"{}\" was begun and cannot be finished: {}; "
                      "put the snapshot's files back (a backup may have them)",
                      environment.describe(), rollback.snapshot, why)};
}

/// The snapshot's manifest; kCorrupt when it is none of this store.
Result<Manifest> manifest_of(Environment& directory, const Rollback& rollback) {
  MEMORIA_TRY(auto manifest, read_manifest(directory));
  if (!manifest) {
    return Error{Errc::kCorrupt, fmt::format("{} has no manifest", directory.describe())};
  }
  if (manifest->uuid != rollback.uuid) {
    return Error{Errc::kCorrupt, fmt::format("{} is of another store", directory.describe())};
  }
  return std::move(*manifest);
}

std::optional<uint64_t> id_of(std::string_view file) {
  const auto data = segment_id(file, kDataSuffix);
  return data ? data : segment_id(file, kHintSuffix);
}

/// Gives the store those of the snapshot's files that it keeps and lacks.
Status link_files(Environment& environment, const Rollback& rollback,
                  const std::vector<std::string>& then, const std::vector<std::string>& now,
                  const std::set<uint64_t>& kept) {
  const std::set<std::string> there(now.begin(), now.end());
  for (const auto& file : then) {
    const auto id = id_of(file);
    if (!id || !kept.contains(*id) || there.contains(file)) continue;
    MEMORIA_TRY(environment.link(
        fmt::format("{}/{}/{}", kSnapshotsDirectory, rollback.snapshot, file), file));
  }
  return environment.sync_directory();
}

/// Removes the segments that are not among `kept`.
Status remove_others(Environment& environment, const std::vector<std::string>& now,
                     const std::set<uint64_t>& kept) {
  for (const auto& file : now) {
    const auto id = id_of(file);
    if (id && !kept.contains(*id)) MEMORIA_TRY(environment.remove(file));
  }
  return environment.sync_directory();
}

}  // namespace

std::string encode_rollback(const Rollback& rollback) {
  std::string out(kMagic);
  append_le<uint32_t>(out, kRollbackVersion);
  out.append(rollback.uuid.data(), rollback.uuid.size());
  append_le<uint64_t>(out, rollback.timestamp);
  append_le<uint32_t>(out, uint32_t(rollback.snapshot.size()));
  out.append(rollback.snapshot);
  append_le<uint32_t>(out, crc32c(out));
  return out;
}

Result<Rollback> decode_rollback(std::string_view bytes, std::string_view subject) {
  const auto bad = [&] {
    return Error{Errc::kCorrupt,
                 fmt::format("{} is damaged, so it is not known which snapshot the store was to "
                             "become; copy the files of the right one here, and remove it",
                             subject)};
  };
  if (bytes.size() < kFixedSize + kCrcSize || !bytes.starts_with(kMagic)) return bad();
  // Only an intact one is believed when it says that it is of another version.
  const auto body = bytes.substr(0, bytes.size() - kCrcSize);
  if (load_le<uint32_t>(bytes.data() + body.size()) != crc32c(body)) return bad();
  Decoder in(bytes.substr(kMagic.size()));
  if (const auto version = in.le<uint32_t>(); version > kRollbackVersion) {
    return Error{Errc::kNewerFormat,
                 fmt::format("{}: version {}, written by a newer Memoria: upgrade this one",
                             subject, version)};
  }
  Rollback out;
  in.bytes(out.uuid.size()).copy(out.uuid.data(), out.uuid.size());
  out.timestamp = in.le<uint64_t>();
  const auto size = in.le<uint32_t>();
  if (body.size() != kFixedSize + size) return bad();
  out.snapshot = in.bytes(size);
  if (!Snapshots::check_name(out.snapshot).has_value()) return bad();
  return out;
}

Status check_rollback(Environment& environment, const Rollback& rollback) {
  MEMORIA_TRY(const auto directory, Snapshots(environment).directory(rollback.snapshot));
  MEMORIA_TRY(const auto manifest, manifest_of(*directory, rollback));
  MEMORIA_TRY(const auto names, names_of_segments(*directory, manifest));
  const size_t missing = manifest.segments.size() - names.size();
  if (missing == 0) return ok();
  return Error{Errc::kCorrupt, fmt::format("{} lacks {} of its {} segments", directory->describe(),
                                           missing, manifest.segments.size())};
}

Status begin_rollback(Environment& environment, const Rollback& rollback) {
  auto begun = replace_file(environment, kRollbackFile, encode_rollback(rollback));
  if (begun.has_value()) begun = environment.sync_directory();
  if (begun.has_value()) return ok();
  // Who reports a failure must not see it happen later.
  auto withdrawn = environment.remove(kRollbackFile);
  const bool was_none = !withdrawn.has_value() && withdrawn.error().code == Errc::kNotFound;
  if (was_none) withdrawn = ok();
  if (withdrawn.has_value()) withdrawn = environment.sync_directory();
  if (withdrawn.has_value()) return begun;
  Error unsure = std::move(begun).error();
  unsure.message = fmt::format(
      "{}; the next opening may carry it out all the same, unless {}/{} is "
      "removed before",
      unsure.describe(), environment.describe(), kRollbackFile);
  return unsure;
}

Result<std::optional<Rollback>> pending_rollback(Environment& environment) {
  const auto bytes = read_file(environment, kRollbackFile, kMaxRollbackSize);
  if (!bytes.has_value() && bytes.error().code == Errc::kNotFound) return std::optional<Rollback>();
  MEMORIA_TRY(auto content, bytes);
  MEMORIA_TRY(auto rollback, decode_rollback(content, fmt::format("{}/{}", environment.describe(),
                                                                  kRollbackFile)));
  return std::optional(std::move(rollback));
}

Status finish_rollback(Environment& environment, const Rollback& rollback) {
  const auto directory = Snapshots(environment).directory(rollback.snapshot);
  if (!directory.has_value()) {
    return damaged(environment, rollback, directory.error().describe());
  }
  auto manifest = manifest_of(*directory.value(), rollback);
  if (!manifest.has_value()) return damaged(environment, rollback, manifest.error().describe());

  MEMORIA_TRY(const auto then, directory.value()->list());
  MEMORIA_TRY(const auto now, environment.list());
  // Nothing that the manifest does not name: it would count in a store.
  MEMORIA_TRY(const auto names, names_of_segments(*directory.value(), manifest.value()));
  std::set<uint64_t> kept;
  for (const auto& [id, name_id] : names) kept.insert(name_id);
  // One that the snapshot has lost may still be here.
  for (const auto& segment : manifest.value().segments) kept.insert(segment.id);
  MEMORIA_TRY(link_files(environment, rollback, then, now, kept));
  MEMORIA_TRY(remove_others(environment, now, kept));

  manifest.value().snapshot = false;
  manifest.value().written_ns = std::max(environment.now_ns(), rollback.timestamp);
  MEMORIA_TRY(write_manifest(environment, manifest.value()));
  MEMORIA_TRY(environment.remove(kRollbackFile));
  // Were it there again after a crash, what is written from now on would be taken away.
  return environment.sync_directory();
}

}  // namespace memoria
