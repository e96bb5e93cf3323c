// SPDX-License-Identifier: MIT
// From names to locked inodes.
#include <boost/container/static_vector.hpp>

#include "fs/volume/errors.hpp"
#include "fs/volume/volume_impl.hpp"

namespace memoria {
namespace {

Result<std::optional<Dentry>> look(const Store& store, InodeNumber directory,
                                   std::string_view name) {
  auto found = load_dentry(store, directory, name);
  if (found.has_value()) return std::optional(found.value());
  if (found.error().code == Errc::kNotFound) return std::optional<Dentry>();
  return found.error();
}

}  // namespace

Status check_name(std::string_view name, int dots) {
  if (name.empty()) return posix(ENOENT);
  if (name.size() > kMaxName) return posix(ENAMETOOLONG);
  if (name == "." || name == "..") return posix(dots);
  if (!is_usable_name(name)) return posix(EINVAL);
  return ok();
}

/// What to lock is known only by looking, and true only when looked at under the locks: so look,
/// lock, look again, and start over when somebody was faster.
Result<VolumeState::Located> VolumeState::locate(std::span<const NameRef> names, InodeNumber also) {
  Located out;
  const auto look_all = [&]() -> Status {
    for (size_t i = 0; i < names.size(); ++i) {
      MEMORIA_TRY(out.entries[i], look(*store, names[i].directory, names[i].name));
    }
    return ok();
  };
  MEMORIA_TRY(look_all());
  for (;;) {
    const auto before = out.entries;
    boost::container::static_vector<InodeNumber, Stripes::kMaxLocked> inodes;
    for (size_t i = 0; i < names.size(); ++i) {
      inodes.push_back(names[i].directory);
      if (before[i]) inodes.push_back(before[i]->ino);
    }
    if (also != 0) inodes.push_back(also);
    out.guard = stripes.lock(std::span(inodes.data(), inodes.size()));
    MEMORIA_TRY(look_all());
    if (out.entries == before) return out;
    out.guard.unlock();
  }
}

Result<VolumeState::Located> VolumeState::locate_existing(InodeNumber directory,
                                                          std::string_view name) {
  const NameRef ref{directory, name};
  MEMORIA_TRY(auto out, locate(std::span(&ref, 1)));
  if (out.entries[0]) return out;
  MEMORIA_TRY(const auto inode, load_inode(*store, directory));
  return posix(inode.is_directory() ? ENOENT : ENOTDIR);
}

}  // namespace memoria
