// SPDX-License-Identifier: MIT
#include "tests/support/simulated_disk.hpp"

#include <algorithm>
#include <set>

namespace memoria::test {

SimulatedDisk::SimulatedDisk(const Image& image) {
  for (const auto& [name, bytes] : image) {
    auto& file = files_[next_inode_];
    file.seen = file.durable = bytes;
    file.pages.assign((bytes.size() + kPageSize - 1) / kPageSize, true);
    names_[name] = next_inode_++;
  }
  durable_names_ = names_;
}

void SimulatedDisk::apply(const Operation& operation) {
  using Type = Operation::Type;
  switch (operation.type) {
    case Type::kWrite:
    case Type::kTruncate:
      change_data(operation);
      return;
    case Type::kSync:
      sync(files_.at(operation.inode));
      return;
    case Type::kFailedSync:
      for (auto& change : files_.at(operation.inode).pending) change.dropped = true;
      return;
    case Type::kSyncDirectory:
      durable_names_ = names_;
      pending_names_.clear();
      forget_unreachable();
      return;
    case Type::kCreate:
      files_[operation.inode];
      next_inode_ = std::max(next_inode_, operation.inode + 1);
      break;
    default:
      break;
  }
  perform(names_, operation);
  pending_names_.push_back(operation);
}

void SimulatedDisk::change_data(const Operation& operation) {
  auto& file = files_.at(operation.inode);
  Pending change;
  change.truncation = operation.type == Operation::Type::kTruncate;
  change.offset = operation.offset;
  change.bytes = operation.bytes;
  perform(file.seen, change);
  const size_t end = (file.seen.size() + kPageSize - 1) / kPageSize;
  file.pages.resize(end, false);
  if (!change.truncation && !change.bytes.empty()) {
    const size_t last = (change.offset + change.bytes.size() - 1) / kPageSize;
    for (size_t page = change.offset / kPageSize; page <= last; ++page) file.pages[page] = true;
  }
  file.pending.push_back(std::move(change));
}

void SimulatedDisk::sync(File& file) {
  std::vector<Pending> dropped;
  for (auto& change : file.pending) {
    if (change.dropped) {
      dropped.push_back(std::move(change));
    } else {
      perform(file.durable, change);
    }
  }
  file.pending = std::move(dropped);
}

void SimulatedDisk::perform(std::string& bytes, const Pending& change) {
  if (change.truncation) {
    bytes.resize(change.offset, '\0');
    return;
  }
  if (bytes.size() < change.offset + change.bytes.size()) {
    bytes.resize(change.offset + change.bytes.size(), '\0');
  }
  bytes.replace(change.offset, change.bytes.size(), change.bytes);
}

void SimulatedDisk::rename_directory(Names& names, const Operation& change) {
  Names moved;
  for (auto it = names.lower_bound(change.name);
       it != names.end() && it->first.starts_with(change.name); it = names.erase(it)) {
    moved[change.to + it->first.substr(change.name.size())] = it->second;
  }
  names.merge(moved);
}

void SimulatedDisk::perform(Names& names, const Operation& change) {
  using Type = Operation::Type;
  switch (change.type) {
    case Type::kCreate:
    case Type::kMakeDirectory:
      names[change.name] = change.inode;
      break;
    case Type::kRename:
      if (change.name.ends_with('/')) {
        rename_directory(names, change);
        break;
      }
      names[change.to] = names.at(change.name);
      if (change.to != change.name) names.erase(change.name);
      break;
    case Type::kExchange: {
      const std::string between = "exchanged/";  // a name that nobody has
      rename_directory(names, {.type = change.type, .name = change.to, .to = between});
      rename_directory(names, {.type = change.type, .name = change.name, .to = change.to});
      rename_directory(names, {.type = change.type, .name = between, .to = change.name});
      break;
    }
    case Type::kLink:
      names[change.to] = names.at(change.name);
      break;
    case Type::kRemove:
      names.erase(change.name);
      break;
    default:
      break;
  }
}

/// Files without any name stay while the durable names lead to them; open handles of removed files
/// keep theirs through the environment, which never syncs the directory in between two uses.
void SimulatedDisk::forget_unreachable() {
  std::set<uint64_t> reachable;
  for (const auto& [name, inode] : names_) reachable.insert(inode);
  for (auto& [inode, file] : files_) {
    if (reachable.contains(inode)) continue;
    file.durable.clear();
    file.pending.clear();
  }
}

uint64_t SimulatedDisk::find(std::string_view name) const {
  const auto it = names_.find(std::string(name));
  return it == names_.end() ? 0 : it->second;
}

Image SimulatedDisk::image() const {
  Image out;
  for (const auto& [name, inode] : names_) {
    out[name] = name.ends_with('/') ? std::string() : files_.at(inode).seen;
  }
  return out;
}

uint64_t SimulatedDisk::used_bytes() const {
  uint64_t pages = 0;
  std::set<uint64_t> counted;
  for (const auto& [name, inode] : names_) {
    const auto it = files_.find(inode);
    if (it == files_.end() || !counted.insert(inode).second) continue;
    pages += uint64_t(std::count(it->second.pages.begin(), it->second.pages.end(), true));
  }
  return pages * kPageSize;
}

uint64_t SimulatedDisk::used_files() const {
  uint64_t directories = 0;
  std::set<uint64_t> files;
  for (const auto& [name, inode] : names_) {
    if (name.ends_with('/')) {
      ++directories;
    } else {
      files.insert(inode);
    }
  }
  return directories + files.size();
}

uint64_t SimulatedDisk::growth(uint64_t inode, uint64_t offset, uint64_t size) const {
  if (size == 0) return 0;
  const auto& pages = files_.at(inode).pages;
  uint64_t count = 0;
  for (size_t page = offset / kPageSize; page <= (offset + size - 1) / kPageSize; ++page) {
    if (page >= pages.size() || !pages[page]) ++count;
  }
  return count * kPageSize;
}

Remains SimulatedDisk::remains(Loss loss, Random& random) const {
  Names names = loss == Loss::kNothing ? names_ : durable_names_;
  if (loss == Loss::kRandom || loss == Loss::kLatestOnly) {
    const size_t kept = random.below(pending_names_.size() + 1);
    for (size_t i = 0; i < kept; ++i) perform(names, pending_names_[i]);
  }
  Remains out;
  for (const auto& [name, inode] : names) {
    if (name.ends_with('/') || out.files.contains(inode)) continue;
    out.files[inode] = survivor(files_.at(inode), loss, random);
  }
  out.names = std::move(names);
  return out;
}

Image SimulatedDisk::after_crash(Loss loss, Random& random) const {
  const auto remains = this->remains(loss, random);
  Image out;
  for (const auto& [name, inode] : remains.names) {
    out[name] = name.ends_with('/') ? std::string() : remains.files.at(inode);
  }
  return out;
}

std::string SimulatedDisk::survivor(const File& file, Loss loss, Random& random) {
  if (loss == Loss::kNothing) return file.seen;
  std::string bytes = file.durable;
  if (loss == Loss::kUnsynced) return bytes;
  // Write-back goes file by file, so that often one is there whole and another not at all.
  if (loss == Loss::kRandom && random.one_in(3)) return random.one_in(2) ? file.seen : bytes;
  const bool prefix_only = loss == Loss::kLatestOnly || random.one_in(2);
  const size_t prefix = random.below(file.pending.size() + 1);
  for (size_t i = 0; i < file.pending.size(); ++i) {
    const auto& change = file.pending[i];
    const uint64_t fate = prefix_only ? (i < prefix ? 0 : i == prefix ? 1 : 2) : random.below(3);
    if (fate == 0) perform(bytes, change);
    if (fate == 1 && !change.truncation) tear(bytes, change, random);
  }
  // Sizes are metadata and may be ahead of the data.
  if (random.one_in(4) && bytes.size() < file.seen.size()) bytes.resize(file.seen.size(), '\0');
  return bytes;
}

void SimulatedDisk::tear(std::string& bytes, const Pending& write, Random& random) {
  const bool front_only = random.one_in(2);
  const uint64_t end = write.offset + write.bytes.size();
  const uint64_t stop = write.offset + random.below(write.bytes.size() + 1);
  for (uint64_t at = write.offset; at < end;) {
    const uint64_t next = std::min<uint64_t>(end, (at / kSectorSize + 1) * kSectorSize);
    if (front_only ? at < stop : random.one_in(2)) {
      perform(bytes, {false, false, at, write.bytes.substr(at - write.offset, next - at)});
    }
    at = next;
  }
}

}  // namespace memoria::test
