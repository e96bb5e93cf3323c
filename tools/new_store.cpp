// SPDX-License-Identifier: MIT
#include "tools/new_store.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/filesystem/operations.hpp>
#include <cerrno>
#include <cstdio>

#include "core/base/unique_fd.hpp"
#include "core/io/whole_file.hpp"
#include "core/store/settings_file_name.hpp"
#include "fs/volume/volume.hpp"

namespace memoria::ctl {
namespace {

namespace fs = boost::filesystem;

Status sync_parent(const std::string& path) {
  const auto parent = fs::absolute(path).parent_path().string();
  const UniqueFd directory(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory || ::fsync(directory.get()) != 0) return Error::from_errno(errno, "sync", parent);
  return ok();
}

Result<std::unique_ptr<Store>> open_quietly(const std::string& path, Logger logger) {
  MEMORIA_TRY(auto place, open_directory(path, false));
  auto options = Volume::store_options();
  options.segment.merge_check_interval = std::chrono::milliseconds(0);
  options.logger = std::move(logger);
  return Store::open(std::move(place), options);
}

/// The whole name of an empty directory that is there, whose place the new one can take.
Result<std::string> place_of(const std::string& path, const std::string& given) {
  boost::system::error_code error;
  if (!fs::exists(path, error)) return path;
  const auto whole = fs::canonical(path, error);
  if (error) return Error(Errc::kIo, error.value(), fmt::format("{}: {}", given, error.message()));
  struct stat own {};
  struct stat above {};
  const bool known =
      ::stat(whole.c_str(), &own) == 0 && ::stat(whole.parent_path().c_str(), &above) == 0;
  if (known && whole.has_relative_path() && own.st_dev == above.st_dev) return whole.string();
  return Error(Errc::kInvalidArgument,
               fmt::format("{} is a mount point: name a new directory in it", given));
}

}  // namespace

Result<NewStore> NewStore::make(const std::string& path, Logger logger) {
  boost::system::error_code error;
  NewStore made;
  made.path_ = path;
  while (made.path_.size() > 1 && made.path_.back() == '/') made.path_.pop_back();
  if (fs::exists(made.path_, error) &&
      (!fs::is_directory(made.path_, error) || !fs::is_empty(made.path_, error))) {
    return Error(Errc::kExists,
                 fmt::format("{} is there already: name a new or an empty directory", path));
  }
  MEMORIA_TRY(made.path_, place_of(made.path_, path));
  const auto unfinished = made.path_ + ".unfinished";
  if (::mkdir(unfinished.c_str(), 0700) != 0) {
    if (errno != EEXIST) return Error::from_errno(errno, "make directory", unfinished);
    return Error(Errc::kExists,
                 fmt::format("{} is there, left by a run that was killed or belonging "
                             "to one that goes on: remove it",
                             unfinished));
  }
  made.unfinished_ = unfinished;
  MEMORIA_TRY(made.store_, open_quietly(unfinished, std::move(logger)));
  return made;
}

NewStore::~NewStore() {
  if (unfinished_.empty()) return;
  store_.reset();
  boost::system::error_code error;
  fs::remove_all(unfinished_, error);
}

Status NewStore::add_settings(std::string_view text) {
  MEMORIA_TRY(const auto place, open_directory(unfinished_, false));
  return replace_file(*place, kSettingsFile, text);
}

Status NewStore::finish(const ProgressFn& progress) {
  MEMORIA_TRY(store_->close());
  const auto logger = store_->options().logger;
  store_.reset();
  MEMORIA_TRY(store_, open_quietly(unfinished_, logger));
  MEMORIA_TRY(const auto report, store_->verify(progress));
  if (!report.clean()) {
    return Error(Errc::kCorrupt,
                 fmt::format("what was written to {} comes back damaged: the disk or "
                             "the memory is failing",
                             unfinished_));
  }
  MEMORIA_TRY(store_->close());
  store_.reset();
  // rename(2) takes the place of an empty directory.
  if (::rename(unfinished_.c_str(), path_.c_str()) != 0) {
    return Error::from_errno(errno, "make", path_);
  }
  unfinished_.clear();
  return sync_parent(path_);
}

}  // namespace memoria::ctl
