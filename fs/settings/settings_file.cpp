// SPDX-License-Identifier: MIT
#include "fs/settings/settings_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "core/base/unique_fd.hpp"
#include "core/store/settings_file_name.hpp"
#include "fs/settings/toml_entries.hpp"

namespace memoria {
namespace {

using Kind = TomlEntry::Kind;

Error refused(std::string_view path, std::string_view why) {
  return Error(Errc::kInvalidArgument, fmt::format("{}: {}", path, why));
}

std::string all_keys() {
  std::string keys;
  for (const auto& setting : store_settings()) {
    keys += fmt::format("{}{}", keys.empty() ? "" : ", ", setting.key);
  }
  return keys;
}

/// What is said of a key that is none.
std::string unknown(const TomlEntry& entry) {
  if (entry.kind == Kind::kOther) {
    return "there is no such setting; settings stand by themselves, in no [section]";
  }
  if (const auto* const nearest = nearest_store_setting(entry.key)) {
    return fmt::format("there is no such setting; did you mean '{}' ({})?", nearest->key,
                       nearest->range);
  }
  return fmt::format(
      "there is no such setting; there are {}; what else can follow -o of "
      "memoria-fs belongs there",
      all_keys());
}

/// Text is always right: it is what would follow -o.
bool fits(Kind kind, StoreSetting::Form form) {
  using Form = StoreSetting::Form;
  switch (kind) {
    case Kind::kString:
      return true;
    case Kind::kInteger:
      return form == Form::kInteger || form == Form::kReal;
    case Kind::kReal:
      return form == Form::kReal;
    case Kind::kBoolean:
      return form == Form::kSwitch;
    case Kind::kOther:
      break;
  }
  return false;
}

std::string_view form_words(StoreSetting::Form form) {
  switch (form) {
    case StoreSetting::Form::kInteger:
      return "a whole number, or in quotes with a unit where it is a size";
    case StoreSetting::Form::kReal:
      return "a number";
    case StoreSetting::Form::kSwitch:
      return "true or false, without quotes";
    case StoreSetting::Form::kText:
      break;
  }
  return "in quotes";
}

/// Who may write to the file decides how the store behaves.
Status check_owner(const std::string& path, const struct stat& file, const struct stat& directory) {
  if (file.st_uid != 0 && file.st_uid != ::geteuid() && file.st_uid != directory.st_uid) {
    return refused(path, fmt::format("belongs to user {}, who is neither you nor the owner of the "
                                     "data directory; run: chown {} {}",
                                     file.st_uid, directory.st_uid, path));
  }
  if ((file.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return refused(path, fmt::format("others may write to it (mode {:04o}); run: chmod go-w {}",
                                     file.st_mode & 07777, path));
  }
  return ok();
}

Status check_file(const std::string& path, int fd, int directory_fd) {
  struct stat file {
  }, directory{};
  if (::fstat(fd, &file) != 0 || ::fstat(directory_fd, &directory) != 0) {
    return Error::from_errno(errno, "stat", path);
  }
  MEMORIA_TRY(check_owner(path, file, directory));
  if (uint64_t(file.st_size) <= kMaxSettingsFile) return ok();
  return refused(path, fmt::format("is {} bytes long, and {} are allowed; shorten or remove it",
                                   file.st_size, kMaxSettingsFile));
}

Result<std::string> read_all(const std::string& path, int fd) {
  std::string text(kMaxSettingsFile + 1, '\0');
  size_t size = 0;
  while (size < text.size()) {
    const auto n = ::read(fd, text.data() + size, text.size() - size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Error::from_errno(errno, "read", path);
    if (n == 0) break;
    size += size_t(n);
  }
  if (size > kMaxSettingsFile) return refused(path, "grows while it is read; try again");
  text.resize(size);
  return text;
}

}  // namespace

std::string settings_path(const std::string& data_directory) {
  return fmt::format("{}/{}", data_directory, kSettingsFile);
}

Result<std::vector<SavedSetting>> parse_settings(std::string_view text, std::string_view path) {
  MEMORIA_TRY(const auto entries, read_toml(text, path));
  std::vector<SavedSetting> settings;
  Options tried;
  for (const auto& entry : entries) {
    const auto wrong = [&](std::string_view why) {
      return Error(Errc::kInvalidArgument, fmt::format("{}, line {}: {}: {}", path, entry.line,
                                                       shown_line(text, entry.line), why));
    };
    const auto* const setting = find_store_setting(entry.key);
    if (setting == nullptr) return wrong(unknown(entry));
    const bool right_type = fits(entry.kind, setting->form);
    if (!right_type || !setting->set(entry.value, tried)) {
      return wrong(
          fmt::format("the value of '{}' must be {}; correct it, or remove the line for "
                      "the default, {}",
                      setting->key,
                      right_type ? describe_values(*setting)
                                 : fmt::format("{}, {}", setting->range, form_words(setting->form)),
                      setting->get(Options())));
    }
    settings.push_back({setting, entry.value});
  }
  return settings;
}

Result<std::optional<std::string>> read_settings_file(const std::string& data_directory) {
  const auto path = settings_path(data_directory);
  const std::string name(kSettingsFile);
  const UniqueFd directory(::open(data_directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  struct stat found {};
  if (!directory || ::fstatat(directory.get(), name.c_str(), &found, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return std::optional<std::string>();
    return Error::from_errno(errno, "look for", path);
  }
  // Before it is opened: that would wait for who writes to a FIFO, or wind a tape back.
  if (!S_ISREG(found.st_mode)) {
    return refused(path, "is no regular file; put the settings themselves there, or remove it");
  }
  const UniqueFd fd(
      ::openat(directory.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd) return Error::from_errno(errno, "open", path);
  MEMORIA_TRY(check_file(path, fd.get(), directory.get()));
  MEMORIA_TRY(auto text, read_all(path, fd.get()));
  return std::optional(std::move(text));
}

Result<std::vector<SavedSetting>> saved_settings(const std::string& data_directory) {
  MEMORIA_TRY(const auto text, read_settings_file(data_directory));
  if (!text) return std::vector<SavedSetting>();
  return parse_settings(*text, settings_path(data_directory));
}

Status load_settings(const std::string& data_directory, Options& options) {
  MEMORIA_TRY(const auto saved, saved_settings(data_directory));
  for (const auto& [setting, value] : saved) setting->set(value, options);
  return ok();
}

}  // namespace memoria
