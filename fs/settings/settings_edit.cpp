// SPDX-License-Identifier: MIT
#include "fs/settings/settings_edit.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <thread>

#include "core/base/mutex.hpp"
#include "core/base/unique_fd.hpp"
#include "core/io/whole_file.hpp"
#include "core/store/settings_file_name.hpp"
#include "fs/settings/toml_entries.hpp"

namespace memoria {
namespace {

constexpr std::string_view kHeading =
    "# Settings of this Memoria store, read when it is mounted; see memoria-fs(8).\n";

/// As TOML. What get() gives needs no escapes.
std::string toml_value(const StoreSetting& setting, std::string_view value) {
  Options options;
  setting.set(value, options);
  const auto text = setting.get(options);
  const bool is_number = text.find_first_not_of("0123456789.") == std::string::npos;
  const bool bare = setting.form == StoreSetting::Form::kSwitch ||
                    (is_number && setting.form != StoreSetting::Form::kText);
  return bare ? text : fmt::format("\"{}\"", text);
}

/// "#key = ..."
bool is_comment_of(std::string_view line, std::string_view key) {
  if (!line.starts_with('#')) return false;
  line.remove_prefix(std::min(line.find_first_not_of("# \t"), line.size()));
  if (!line.starts_with(key)) return false;
  line.remove_prefix(key.size());
  line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
  return line.starts_with('=');
}

/// Where a line for the key belongs: behind its comment, or at the end.
size_t place_for(std::string_view text, std::string_view key) {
  for (size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    if (is_comment_of(text.substr(at, end - at), key)) return std::min(end + 1, text.size());
    at = end + 1;
  }
  return text.size();
}

std::string edited(std::string_view text, const std::vector<TomlEntry>& entries,
                   const StoreSetting& setting, std::string_view value) {
  std::string out(text);
  const auto there = std::ranges::find(entries, setting.key, &TomlEntry::key);
  if (there != entries.end()) {
    return out.replace(there->begin, there->end - there->begin, toml_value(setting, value));
  }
  const auto place = place_for(text, setting.key);
  const bool after_open_line = place > 0 && out[place - 1] != '\n';
  return out.insert(place, fmt::format("{}{} = {}\n", after_open_line ? "\n" : "", setting.key,
                                       toml_value(setting, value)));
}

constexpr auto kLongestTurn = std::chrono::seconds(5);
constexpr auto kTurnPoll = std::chrono::milliseconds(20);

/// One at a time for a data directory: a later one must see what an earlier one wrote. Whoever may
/// read the directory can take the lock, too, and keep it.
Result<UniqueFd> take_turn(const std::string& data_directory) {
  UniqueFd directory(::open(data_directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return Error::from_errno(errno, "open", data_directory);
  const auto until = std::chrono::steady_clock::now() + kLongestTurn;
  while (::flock(directory.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) {
      return Error::from_errno(errno, "lock", data_directory);
    }
    if (std::chrono::steady_clock::now() > until) {
      return Error(
          Errc::kLocked,
          fmt::format("{}: another program holds a lock on the directory (flock): try again "
                      "when it has ended",
                      data_directory));
    }
    std::this_thread::sleep_for(kTurnPoll);
  }
  return directory;
}

}  // namespace

Result<std::string> with_setting(std::string_view text, std::string_view path,
                                 const StoreSetting& setting, std::string_view value) {
  MEMORIA_TRY(const auto entries, read_toml(text, path));
  auto out = edited(text, entries, setting, value);
  MEMORIA_TRY(parse_settings(out, path));
  return out;
}

Status save_setting(const std::string& data_directory, const StoreSetting& setting,
                    std::string_view value) {
  static Mutex saving;  // threads of one process wait for each other however long that takes
  const Lock one(saving);
  MEMORIA_TRY(const auto turn, take_turn(data_directory));
  MEMORIA_TRY(const auto text, read_settings_file(data_directory));
  const auto path = settings_path(data_directory);
  MEMORIA_TRY(const auto changed,
              with_setting(text.value_or(std::string(kHeading)), path, setting, value));
  if (changed.size() > kMaxSettingsFile) {
    return Error(
        Errc::kInvalidArgument,
        fmt::format("{}: would get longer than {} bytes; shorten it", path, kMaxSettingsFile));
  }
  MEMORIA_TRY(const auto place, open_directory(data_directory, false));
  MEMORIA_TRY(replace_file(*place, kSettingsFile, changed));
  return place->sync_directory();
}

}  // namespace memoria
