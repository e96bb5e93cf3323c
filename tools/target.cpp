// SPDX-License-Identifier: MIT
#include "tools/target.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/algorithm/string/split.hpp>
#include <boost/filesystem/operations.hpp>
#include <boost/filesystem/path.hpp>
#include <boost/system/error_code.hpp>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>

#include "core/base/unique_fd.hpp"
#include "core/io/permission.hpp"
#include "core/store/snapshots.hpp"
#include "fs/control/key_text.hpp"

namespace memoria::ctl {
namespace {

namespace fs = boost::filesystem;

constexpr std::string_view kType = "fuse.memoria";
constexpr std::string_view kWantedTarget =
    "a data directory, a mount point, or a path in a mount is wanted";

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  boost::algorithm::split(parts, text, [=](char c) { return c == separator; });
  return parts;
}

bool is_octal(char c) {
  return c >= '0' && c <= '7';
}

/// The kernel writes blanks, line breaks and backslashes as \ooo.
std::string unescape(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size() && is_octal(text[i + 1]) && is_octal(text[i + 2]) &&
        is_octal(text[i + 3])) {
      out += char((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

/// Of FUSE's "rw,user_id=1000,group_id=1000".
uid_t user_in(std::string_view options) {
  constexpr std::string_view kUser = "user_id=";
  uid_t user = 0;
  for (const auto& option : split(options, ',')) {
    if (!option.starts_with(kUser)) continue;
    std::from_chars(option.data() + kUser.size(), option.data() + option.size(), user);
  }
  return user;
}

/// Looks at the directory that the mount names: only to be asked of one that matters, since others
/// may name what never answers.
bool is_trusted(const Mount& mount) {
  if (mount.user == 0 || mount.user == ::geteuid()) return true;
  struct stat source {};
  return ::stat(mount.source.c_str(), &source) == 0 && source.st_uid == mount.user;
}

/// id, parent, device, root, mount point, options, optional fields ..., "-", type, source, ...
std::optional<Mount> parse_line(std::string_view line) {
  const auto fields = split(line, ' ');
  for (size_t dash = 6; dash + 2 < fields.size(); ++dash) {
    if (fields[dash] != "-") continue;
    Mount out{unescape(fields[3]), unescape(fields[4]), unescape(fields[dash + 1]),
              unescape(fields[dash + 2])};
    if (dash + 3 < fields.size()) out.user = user_in(fields[dash + 3]);
    return out;
  }
  return std::nullopt;
}

/// The rest of `path` below `directory`, with a leading "/"; "/" when they are the same.
std::optional<std::string> below(std::string_view path, std::string_view directory) {
  if (directory == "/") return std::string(path);
  if (!path.starts_with(directory)) return std::nullopt;
  path.remove_prefix(directory.size());
  if (path.empty()) return "/";
  if (path.front() != '/') return std::nullopt;
  return std::string(path);
}

std::string joined(const std::string& a, const std::string& b) {
  return a == "/" ? b : b == "/" ? a : a + b;
}

/// The mount that decides what is at `path`: the longest mount point, of those the last one made.
const Mount* mount_over(const std::string& path, const std::vector<Mount>& mounts) {
  const Mount* best = nullptr;
  for (const auto& mount : mounts) {
    if (!below(path, mount.mount_point)) continue;
    if (best == nullptr || mount.mount_point.size() >= best->mount_point.size()) best = &mount;
  }
  return best;
}

/// What a path in the volume names where a mount shows the snapshots.
struct Shown {
  std::string snapshot;
  std::string inside;  ///< the path in it
};

/// Nothing: the path is not below /.snapshots.
std::optional<Shown> shown_at(const std::string& path) {
  const auto rest = below(path, "/.snapshots");
  if (!rest || *rest == "/") return std::nullopt;
  const auto end = std::min(rest->find('/', 1), rest->size());
  return Shown{rest->substr(1, end - 1), end == rest->size() ? "/" : rest->substr(end)};
}

std::string snapshot_directory(const std::string& data_directory, const std::string& snapshot) {
  return fmt::format("{}/{}/{}", data_directory, kSnapshotsDirectory, snapshot);
}

/// In /.snapshots a mount shows nothing but snapshots: what is not one is not there, and not
/// something of the present. The errno is not ENOENT, which would be that of the whole target.
Status check_snapshot(const Target& target) {
  const auto shown = shown_at(target.inside);
  if (!shown) return ok();
  const auto& name = shown->snapshot;
  if (Snapshots::check_name(name)) {
    const auto directory = snapshot_directory(target.data_directory, name);
    boost::system::error_code error;
    const auto found = fs::status(directory, error).type();
    if (found == fs::directory_file) return ok();
    if (found == fs::status_error) return failed_access(error.value(), "look for", directory);
  }
  return Error(Errc::kNotFound, ENODATA,
               fmt::format("there is no snapshot \"{}\"; `memoria-ctl snapshot list {}` lists them",
                           printable(name), target.data_directory));
}

/// Nothing: it is in no mount of Memoria. kIo: in one that is not to be trusted. Also the errors of
/// check_snapshot().
Result<std::optional<Target>> in_mount(const std::string& path, const std::vector<Mount>& mounts) {
  const auto* mount = mount_over(path, mounts);
  if (mount == nullptr || mount->type != kType) return std::optional<Target>();
  if (!is_trusted(*mount)) {
    return Error(Errc::kIo, EACCES,
                 fmt::format("{} was mounted by the user {}, who says that it is {}, which is not "
                             "theirs: name the data directory itself",
                             mount->mount_point, mount->user, mount->source));
  }
  Target target{mount->source, joined(mount->root, *below(path, mount->mount_point)), true};
  MEMORIA_TRY(check_snapshot(target));
  return std::optional(through_snapshots(std::move(target)));
}

/// Of an absolute path: with links followed as far as there is something; a path through a mount
/// whose daemon is gone stays as it is. (weakly_canonical() of Boost.Filesystem needs a current
/// directory also for this.)
std::string resolved(const fs::path& path) {
  const std::unique_ptr<char, decltype(&std::free)> real(::realpath(path.c_str(), nullptr),
                                                         &std::free);
  if (real) return real.get();
  const auto last = path.filename();
  const bool is_root = !path.has_relative_path();
  if (is_root || errno != ENOENT || last == "." || last == "..") {
    return path.lexically_normal().string();
  }
  return joined(resolved(path.parent_path()), "/" + last.string());
}

/// Errors: kNotFound when the path is relative and the current directory is gone.
Result<fs::path> absolute(const std::string& path) {
  if (path.starts_with('/')) return fs::path(path);
  boost::system::error_code error;
  const auto here = fs::current_path(error);
  if (error) {
    return Error(
        Errc::kNotFound, error.value(),
        fmt::format("{}: the current directory: {}; give an absolute path, or go elsewhere", path,
                    error.message()));
  }
  return here / path;
}

}  // namespace

Status check_not_mounted(const std::string& data_directory, const std::string& snapshot) {
  MEMORIA_TRY(const auto mounts, read_mounts());
  const auto source = snapshot_directory(data_directory, snapshot);
  for (const auto& mount : mounts) {
    if (mount.type != kType || mount.source != source || !is_trusted(mount)) continue;
    return Error(Errc::kLocked,
                 fmt::format("the snapshot \"{}\" is mounted at {}: unmount it first: "
                             "fusermount3 -u {}",
                             snapshot, mount.mount_point, mount.mount_point));
  }
  return ok();
}

std::vector<Mount> parse_mountinfo(std::string_view text) {
  std::vector<Mount> mounts;
  for (const auto& line : split(text, '\n')) {
    if (auto mount = parse_line(line)) mounts.push_back(std::move(*mount));
  }
  return mounts;
}

Result<std::vector<Mount>> read_mounts() {
  std::ifstream file("/proc/self/mountinfo");
  if (!file) return Error(Errc::kIo, "cannot read /proc/self/mountinfo");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  return parse_mountinfo(text);
}

Target through_snapshots(Target target) {
  auto shown = shown_at(target.inside);
  if (!shown || !Snapshots::check_name(shown->snapshot)) return target;
  auto directory = snapshot_directory(target.data_directory, shown->snapshot);
  boost::system::error_code error;
  if (!fs::is_directory(directory, error)) return target;
  target.data_directory = std::move(directory);
  target.inside = std::move(shown->inside);
  return target;
}

Result<Target> find_target(const std::string& path, const std::vector<Mount>& mounts,
                           bool may_be_new) {
  if (path.empty()) {
    return Error(Errc::kInvalidArgument, fmt::format("the target has no name: {}", kWantedTarget));
  }
  // Without a trailing slash, so that the last name is a name.
  std::string plain = path;
  while (plain.size() > 1 && plain.back() == '/') plain.pop_back();
  MEMORIA_TRY(const auto whole, absolute(plain));
  // The last name is not followed: in the volume it may be a link that is meant itself.
  const auto last = whole.filename();
  if (whole.has_relative_path() && last != "." && last != "..") {
    const auto parent = resolved(whole.parent_path());
    const auto unfollowed = joined(parent, "/" + last.string());
    MEMORIA_TRY(const auto found, in_mount(unfollowed, mounts));
    if (found) return *found;
  }
  const auto followed = resolved(whole);
  MEMORIA_TRY(const auto found, in_mount(followed, mounts));
  if (found) return *found;
  boost::system::error_code error;
  const auto status = fs::status(followed, error);
  if (status.type() == fs::file_not_found) {
    if (may_be_new) return Target{followed, "/", false};
    return Error(Errc::kNotFound, fmt::format("{}: no such file or directory; check the name: {}",
                                              path, kWantedTarget));
  }
  if (status.type() == fs::status_error) {
    return Error(Errc::kIo, error.value(), fmt::format("{}: {}", path, error.message()));
  }
  if (status.type() != fs::directory_file) {
    return Error(
        Errc::kNotAStore,
        fmt::format("{} is neither a data directory nor in a mount of one: name one", path));
  }
  return Target{followed, "/", false};
}

std::optional<std::string> path_in_volume(const Target& target,
                                          const std::optional<std::string>& path) {
  if (!path) {
    if (target.inside == "/") return std::nullopt;
    return target.inside;
  }
  const auto whole = path->starts_with('/') ? fs::path(*path) : fs::path(target.inside) / *path;
  auto normal = whole.lexically_normal().string();
  if (normal.ends_with("/.")) normal.pop_back();
  while (normal.size() > 1 && normal.back() == '/') normal.pop_back();
  return normal;
}

std::string prefix_in_volume(const Target& target, const std::string& prefix) {
  const auto slash = prefix.rfind('/');
  const auto directory = slash == prefix.npos ? "." : prefix.substr(0, slash + 1);
  auto out = path_in_volume(target, directory).value_or("/");
  if (!out.ends_with('/')) out += '/';
  return out.append(prefix, slash == prefix.npos ? 0 : slash + 1);
}

std::optional<std::string> path_through_mount(const Target& target, const std::string& path,
                                              const std::vector<Mount>& mounts) {
  for (const auto& mount : mounts) {
    const bool is_it = mount.type == kType && mount.source == target.data_directory;
    if (!is_it || !is_trusted(mount)) continue;
    const auto inside = below(path, mount.root);
    if (!inside) continue;
    const auto shown = joined(mount.mount_point, *inside);
    if (mount_over(shown, mounts) == &mount) return shown;
  }
  return std::nullopt;
}

void flush_written(const std::string& path) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0 || !S_ISREG(found.st_mode)) return;
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (file) ::fsync(file.get());
}

void flush_all_written(const std::string& path) {
  const UniqueFd root(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (root) ::syncfs(root.get());
}

}  // namespace memoria::ctl
