// SPDX-License-Identifier: MIT
#include "tools/bench/directories/small_files.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <memory>

#include "tools/bench/directories/fresh_directory.hpp"
#include "tools/bench/directories/open_file.hpp"

namespace memoria::bench {
namespace {

Result<size_t> count_entries(const std::string& directory) {
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::opendir(directory.c_str()), ::closedir);
  if (!stream) return Error::from_errno(errno, "opendir", directory);
  size_t count = 0;
  errno = 0;
  while (const dirent* entry = ::readdir(stream.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") ++count;
  }
  if (errno != 0) return Error::from_errno(errno, "readdir", directory);
  return count;
}

}  // namespace

SmallFiles::SmallFiles(std::string directory, uint64_t count, size_t size, const Contents& contents)
    : directory_(std::move(directory)),
      size_(size),
      contents_(contents),
      buffer_(size + kAppended + 1, '\0') {
  for (uint64_t i = 0; i < count; ++i) {
    paths_.push_back(fmt::format("{}/file-{:08}", directory_, i));
    new_paths_.push_back(fmt::format("{}/renamed-{:08}", directory_, i));
  }
}

Status SmallFiles::create() {
  for (size_t i = 0; i < paths_.size(); ++i) {
    MEMORIA_TRY(auto file, OpenFile::open(paths_[i], O_WRONLY | O_CREAT | O_EXCL));
    MEMORIA_TRY(file.write(original(i)));
    MEMORIA_TRY(file.close());
  }
  return ok();
}

Status SmallFiles::stat() {
  for (const auto& path : paths_) {
    struct stat attributes;
    if (::stat(path.c_str(), &attributes) != 0) return Error::from_errno(errno, "stat", path);
    if (size_t(attributes.st_size) != size_) {
      return Error(Errc::kCorrupt,
                   fmt::format("{}: {} bytes instead of {}", path, attributes.st_size, size_));
    }
  }
  return ok();
}

Status SmallFiles::read() {
  for (size_t i = 0; i < paths_.size(); ++i) {
    MEMORIA_TRY(auto file, OpenFile::open(paths_[i], O_RDONLY));
    MEMORIA_TRY(const auto bytes, file.read(buffer_));
    MEMORIA_TRY(file.close());
    MEMORIA_TRY(expect_bytes(bytes, original(i), paths_[i]));
  }
  return ok();
}

Status SmallFiles::rename() {
  for (size_t i = 0; i < paths_.size(); ++i) {
    if (std::rename(paths_[i].c_str(), new_paths_[i].c_str()) != 0) {
      return Error::from_errno(errno, "rename", paths_[i]);
    }
  }
  return ok();
}

Status SmallFiles::overwrite() {
  for (size_t i = 0; i < new_paths_.size(); ++i) {
    MEMORIA_TRY(auto file, OpenFile::open(new_paths_[i], O_WRONLY));
    MEMORIA_TRY(file.write(changed(i)));
    MEMORIA_TRY(file.close());
  }
  return ok();
}

Status SmallFiles::append() {
  for (size_t i = 0; i < new_paths_.size(); ++i) {
    MEMORIA_TRY(auto file, OpenFile::open(new_paths_[i], O_WRONLY | O_APPEND));
    MEMORIA_TRY(file.write(original(i).substr(0, kAppended)));
    MEMORIA_TRY(file.close());
  }
  return ok();
}

Status SmallFiles::verify_changed() {
  for (size_t i = 0; i < new_paths_.size(); ++i) {
    const auto expected = std::string(changed(i)).append(original(i).substr(0, kAppended));
    MEMORIA_TRY(auto file, OpenFile::open(new_paths_[i], O_RDONLY));
    MEMORIA_TRY(const auto bytes, file.read(buffer_));
    MEMORIA_TRY(expect_bytes(bytes, expected, new_paths_[i]));
  }
  return ok();
}

Status SmallFiles::list() {
  MEMORIA_TRY(const size_t count, count_entries(directory_));
  if (count == new_paths_.size()) return ok();
  return Error(Errc::kCorrupt, fmt::format("{}: {} names listed instead of {}", directory_, count,
                                           new_paths_.size()));
}

Status SmallFiles::unlink() {
  for (const auto& path : new_paths_) {
    if (::unlink(path.c_str()) != 0) return Error::from_errno(errno, "unlink", path);
  }
  return ok();
}

Status SmallFiles::make_directories() {
  for (const auto& path : paths_) MEMORIA_TRY(make_directory(path));
  return ok();
}

Status SmallFiles::remove_directories() {
  for (const auto& path : paths_) {
    if (::rmdir(path.c_str()) != 0) return Error::from_errno(errno, "rmdir", path);
  }
  return ok();
}

}  // namespace memoria::bench
