// SPDX-License-Identifier: MIT
#include "tools/bench/engine_field.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace memoria::bench {
namespace {

namespace files = std::filesystem;

/// A new directory, removed with all it holds at the end of the scope.
class FreshDirectory {
 public:
  ~FreshDirectory() {
    std::error_code ignored;
    if (!path_.empty()) files::remove_all(path_, ignored);
  }

  Status make(const std::string& parent, const std::string& name) {
    std::error_code error;
    files::create_directories(parent, error);
    std::string path = parent + "/" + name + "-XXXXXX";
    if (::mkdtemp(path.data()) == nullptr) return Error::from_errno(errno, "mkdtemp", path);
    path_ = path;
    return ok();
  }

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// Waits for what earlier runs left for the kernel to write.
void quiet_disk(const std::string& directory) {
  const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  ::syncfs(fd);
  ::close(fd);
}

Result<Figures> run_once(const EngineKind& kind, const std::string& parent,
                         const EngineWork& work) {
  FreshDirectory directory;
  MEMORIA_TRY(directory.make(parent, kind.name));
  quiet_disk(directory.path());
  // Not destroyed in the child: what is still open after an error dies with the process.
  const auto engine = kind.make();
  return in_child([&] { return work(*engine, directory.path()); });
}

}  // namespace

Contest engine_contest(const Field& field, std::string title, Ceiling ceiling,
                       const EngineWork& work) {
  Contest contest{std::move(title), {}};
  for (const auto& kind : field.kinds) {
    if (kind.ceiling && ceiling == Ceiling::kExcluded) continue;
    contest.contestants.push_back({kind.name, [kind, parent = field.directory, work] {
                                     return run_once(kind, parent, work);
                                   }});
  }
  return contest;
}

Result<uint64_t> disk_bytes(const std::string& directory) {
  uint64_t bytes = 0;
  std::error_code error;
  for (files::recursive_directory_iterator it(directory, error), end; it != end;
       it.increment(error)) {
    struct stat info {};
    // A file may be gone since it was listed: an engine at work removes some.
    if (::lstat(it->path().c_str(), &info) != 0 || !S_ISREG(info.st_mode)) continue;
    bytes += uint64_t(info.st_blocks) * 512;
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    return Error::from_errno(error.value(), "read directory", directory);
  }
  return bytes;
}

}  // namespace memoria::bench
