// SPDX-License-Identifier: MIT
#include "core/store/snapshots.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <tuple>

namespace memoria {
namespace {

constexpr size_t kMaxName = 200;

/// Under construction, or being removed: a name that no snapshot has.
std::string hidden(std::string_view name) {
  return fmt::format(".{}", name);
}

/// Where a snapshot waits for the one that is to take its place, where names cannot be exchanged: a
/// name that none can have, hidden or not.
constexpr std::string_view kBefore = "..before.";

Error no_such(std::string_view name) {
  return {Errc::kNotFound, fmt::format("there is no snapshot \"{}\"", name)};
}

/// Removes a directory of `parent` with the files in it.
Status remove_tree(Environment& parent, const std::string& name) {
  MEMORIA_TRY(const auto directory, parent.directory(name));
  MEMORIA_TRY(const auto files, directory->list());
  for (const auto& file : files) MEMORIA_TRY(directory->remove(file));
  return parent.remove(name);
}

SnapshotInfo describe(std::string_view name, const Manifest& manifest) {
  SnapshotInfo info;
  info.name = name;
  info.created_ns = manifest.written_ns;
  info.segments = manifest.segments.size();
  for (const auto& segment : manifest.segments) info.bytes += segment.length;
  return info;
}

}  // namespace

Status Snapshots::check_name(std::string_view name) {
  const bool plain = std::none_of(
      name.begin(), name.end(), [](char c) { return c == '/' || uint8_t(c) < 0x20 || c == 0x7f; });
  if (!name.empty() && name.size() <= kMaxName && name.front() != '.' && plain) return ok();
  return Error{Errc::kInvalidArgument,
               fmt::format("a snapshot's name has 1 to {} bytes, no '/' and no control characters, "
                           "and does not begin with '.'",
                           kMaxName)};
}

/// Nothing, when no snapshot was ever made.
Result<std::shared_ptr<Environment>> Snapshots::root() const {
  auto root = environment_.directory(kSnapshotsDirectory);
  if (!root.has_value() && root.error().code == Errc::kNotFound) {
    return std::shared_ptr<Environment>();
  }
  return root;
}

Result<std::shared_ptr<Environment>> Snapshots::directory(std::string_view name) const {
  if (!check_name(name).has_value()) return no_such(name);
  MEMORIA_TRY(const auto root, this->root());
  if (!root) return no_such(name);
  auto found = root->directory(name);
  if (!found.has_value() && found.error().code == Errc::kNotFound) return no_such(name);
  return found;
}

Result<SnapshotInfo> Snapshots::create(std::string_view name, const StoreUuid& uuid,
                                       uint64_t unsure_until,
                                       const std::vector<std::shared_ptr<Segment>>& segments) {
  MEMORIA_TRY(check_name(name));
  MEMORIA_TRY(environment_.make_directory(kSnapshotsDirectory));
  MEMORIA_TRY(environment_.sync_directory());
  MEMORIA_TRY(const auto root, environment_.directory(kSnapshotsDirectory));
  if (root->directory(name).has_value()) {
    return Error{Errc::kExists, fmt::format("there is a snapshot \"{}\" already", name)};
  }
  const auto temporary = hidden(name);
  if (root->directory(temporary).has_value()) MEMORIA_TRY(remove_tree(*root, temporary));
  MEMORIA_TRY(root->make_directory(temporary));

  Manifest manifest;
  manifest.uuid = uuid;
  manifest.snapshot = true;
  manifest.written_ns = environment_.now_ns();
  manifest.unsure_until = unsure_until;
  for (const auto& segment : segments) {
    manifest.segments.push_back({segment->header.id, segment->file_bytes});
  }
  auto made = link_segments(fmt::format("{}/{}/", kSnapshotsDirectory, temporary), segments);
  if (made.has_value()) {
    MEMORIA_TRY(const auto directory, root->directory(temporary));
    made = write_manifest(*directory, manifest);
  }
  if (made.has_value()) made = root->rename(temporary, name);
  if (made.has_value()) made = root->sync_directory();
  if (!made.has_value()) {
    (void)remove_tree(*root, temporary);  // else the next opening does it
    return std::move(made).error();
  }
  return describe(name, manifest);
}

Status Snapshots::link_segments(std::string_view path,
                                const std::vector<std::shared_ptr<Segment>>& segments) {
  for (const auto& segment : segments) {
    for (const auto suffix : {kDataSuffix, kHintSuffix}) {
      if (suffix == kHintSuffix && !segment->has_hint) continue;
      const auto file = segment_file(segment->id(), suffix);
      auto linked = environment_.link(file, fmt::format("{}{}", path, file));
      if (linked.has_value()) continue;
      // What is missing here is missing there, and both manifests say so; and a hint is a courtesy.
      const bool missing =
          linked.error().code == Errc::kNotFound && (segment->damaged || suffix == kHintSuffix);
      if (!missing) return linked;
    }
  }
  return ok();
}

Status Snapshots::visit(
    const std::function<void(const std::string& name, const Manifest* manifest)>& visit) const {
  MEMORIA_TRY(const auto root, this->root());
  if (!root) return ok();
  MEMORIA_TRY(const auto names, root->list());
  for (const auto& name : names) {
    if (!check_name(name).has_value()) continue;
    const auto directory = root->directory(name);
    if (!directory.has_value()) {
      const auto& error = directory.error();
      const bool none = error.code == Errc::kNotFound || error.system == ENOTDIR;
      if (!none) visit(name, nullptr);  // else a stray file, or removed meanwhile
      continue;
    }
    const auto manifest = read_manifest(*directory.value());
    const bool readable = manifest.has_value() && manifest.value();
    visit(name, readable ? &*manifest.value() : nullptr);
  }
  return ok();
}

Result<std::vector<SnapshotInfo>> Snapshots::list(
    const std::vector<std::shared_ptr<Segment>>& live) const {
  std::vector<SnapshotInfo> out;
  std::map<uint64_t, int> holders;  // by segment id: how many snapshots, and the store, have it
  for (const auto& segment : live) ++holders[segment->header.id];
  std::vector<Manifest> manifests;
  MEMORIA_TRY(visit([&](const std::string& name, const Manifest* manifest) {
    manifests.push_back(manifest != nullptr ? *manifest : Manifest{});
    out.push_back(describe(name, manifests.back()));
    out.back().damaged = manifest == nullptr;
    for (const auto& segment : manifests.back().segments) ++holders[segment.id];
  }));
  for (size_t i = 0; i < out.size(); ++i) {
    for (const auto& segment : manifests[i].segments) {
      if (holders[segment.id] == 1) out[i].own_bytes += segment.length;
    }
  }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) {
    return std::tie(a.created_ns, a.name) < std::tie(b.created_ns, b.name);
  });
  return out;
}

Result<Snapshots::HeldSegments> Snapshots::segments() const {
  HeldSegments out;
  MEMORIA_TRY(visit([&](const std::string&, const Manifest* manifest) {
    if (manifest == nullptr) {
      out.complete = false;
      return;
    }
    for (const auto& segment : manifest->segments) out.ids.insert(segment.id);
  }));
  return out;
}

Status Snapshots::remove(std::string_view name) {
  MEMORIA_TRY(directory(name));
  MEMORIA_TRY(const auto root, this->root());
  const auto doomed = hidden(name);
  if (root->directory(doomed).has_value()) MEMORIA_TRY(remove_tree(*root, doomed));
  MEMORIA_TRY(root->rename(name, doomed));
  MEMORIA_TRY(root->sync_directory());
  return remove_tree(*root, doomed);
}

Status Snapshots::put_in_place(const std::string& built, const std::string& name) {
  MEMORIA_TRY(const auto root, this->root());
  if (!root->directory(name).has_value()) {
    MEMORIA_TRY(root->rename(built, name));
    return root->sync_directory();
  }
  auto before = built;
  const auto exchanged = root->exchange(built, name);
  if (!exchanged.has_value() && exchanged.error().code != Errc::kUnsupported) return exchanged;
  if (!exchanged.has_value()) {
    before = fmt::format("{}{}", kBefore, name);
    MEMORIA_TRY(root->rename(name, before));
    MEMORIA_TRY(root->rename(built, name));
  }
  MEMORIA_TRY(root->sync_directory());
  return remove_tree(*root, before);
}

Status Snapshots::remove_leftovers() {
  MEMORIA_TRY(const auto root, this->root());
  if (!root) return ok();
  MEMORIA_TRY(const auto names, root->list());
  for (const auto& name : names) {
    if (!name.starts_with('.') || !root->directory(name).has_value()) continue;
    const auto was = name.starts_with(kBefore) ? name.substr(kBefore.size()) : std::string();
    const bool has_no_successor = check_name(was).has_value() && !root->directory(was).has_value();
    MEMORIA_TRY(has_no_successor ? root->rename(name, was) : remove_tree(*root, name));
  }
  return ok();
}

}  // namespace memoria
