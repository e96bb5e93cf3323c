// SPDX-License-Identifier: MIT
#include "fs/settings/store_settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "fs/settings/option_values.hpp"

namespace memoria {
namespace {

constexpr uint64_t kMiB = 1 << 20;

template <class T, class Target>
bool store_if(const std::optional<T>& value, Target& target) {
  if (value) target = static_cast<Target>(*value);
  return value.has_value();
}

bool set_sync(std::string_view value, Options& o) {
  if (value == "always") {
    o.sync_policy = SyncPolicy::kAlways;
  } else if (value == "interval") {
    o.sync_policy = SyncPolicy::kInterval;
  } else if (value == "never") {
    o.sync_policy = SyncPolicy::kNever;
  } else {
    return false;
  }
  return true;
}

std::string get_sync(const Options& o) {
  switch (o.sync_policy) {
    case SyncPolicy::kAlways:
      return "always";
    case SyncPolicy::kNever:
      return "never";
    case SyncPolicy::kInterval:
      break;
  }
  return "interval";
}

bool set_merge_hours(std::string_view value, Options& o) {
  const auto dash = value.find('-');
  if (dash == std::string_view::npos) return false;
  const auto from = parse_number(value.substr(0, dash), 0, 23);
  const auto until = parse_number(value.substr(dash + 1), 1, 24);
  if (!from || !until || *from == *until) return false;  // no hour at all, or every one?
  o.merge.from_hour = int(*from);
  o.merge.until_hour = int(*until);
  return true;
}

bool set_verify_reads(std::string_view value, Options& o) {
  if (value != "true" && value != "false") return false;
  o.verify_reads = value == "true";
  return true;
}

/// "64M": as large a unit as leaves no rest.
std::string bytes_text(uint64_t bytes) {
  constexpr std::string_view kUnits = "KMGT";
  size_t unit = 0;
  while (bytes != 0 && bytes % 1024 == 0 && unit < kUnits.size()) {
    bytes /= 1024;
    ++unit;
  }
  return unit == 0 ? std::to_string(bytes) : fmt::format("{}{}", bytes, kUnits[unit - 1]);
}

std::string seconds_text(std::chrono::milliseconds time) {
  return fmt::format("{}", double(time.count()) / 1000);
}

using Form = StoreSetting::Form;

constexpr std::string_view kAsItSays;
constexpr std::string_view kCount = "a whole number";
constexpr std::string_view kReal = "a number without a unit, as 0.5";
constexpr std::string_view kSize = "a whole number, with K, M, G or T for powers of 1024";

constexpr auto kSettings = std::to_array<StoreSetting>({
    {"sync", "always, interval or never", kAsItSays,
     "when what is written becomes durable without fsync", Form::kText, false, set_sync, get_sync},
    {"sync_interval", "0.01 to 3600 seconds", kReal, "how old unsynced data may get", Form::kReal,
     true,
     [](std::string_view v, Options& o) {
       return store_if(parse_seconds(v, 0.01, 3600), o.sync_interval);
     },
     [](const Options& o) { return seconds_text(o.sync_interval); }},
    {"segment_size", "1M to 4095M", kSize, "a segment file ends at this size", Form::kInteger,
     false,
     [](std::string_view v, Options& o) {
       return store_if(parse_bytes(v, kMiB, 4095 * kMiB), o.segment.max_size);
     },
     [](const Options& o) { return bytes_text(o.segment.max_size); }},
    {"merge_check_interval", "0 to 86400 seconds", kReal,
     "how often a merge is considered; 0: never", Form::kReal, true,
     [](std::string_view v, Options& o) {
       return store_if(parse_seconds(v, 0, 86400), o.segment.merge_check_interval);
     },
     [](const Options& o) { return seconds_text(o.segment.merge_check_interval); }},
    {"fragmentation_threshold", "0.01 to 1", kReal,
     "share of dead bytes that makes a segment worth merging", Form::kReal, true,
     [](std::string_view v, Options& o) {
       return store_if(parse_real(v, 0.01, 1), o.segment.fragmentation_threshold);
     },
     [](const Options& o) { return fmt::format("{}", o.segment.fragmentation_threshold); }},
    {"dead_bytes_threshold", "1M to 1024T", kSize, "dead bytes in all that start a merge",
     Form::kInteger, true,
     [](std::string_view v, Options& o) {
       return store_if(parse_bytes(v, kMiB, kMiB << 30), o.segment.dead_bytes_threshold);
     },
     [](const Options& o) { return bytes_text(o.segment.dead_bytes_threshold); }},
    {"merge_rate", "0 to 1T bytes per second", kSize,
     "a merge reads and writes no faster; 0: unlimited", Form::kInteger, true,
     [](std::string_view v, Options& o) {
       return store_if(parse_bytes(v, 0, kMiB << 20), o.merge.rate_bytes_per_second);
     },
     [](const Options& o) { return bytes_text(o.merge.rate_bytes_per_second); }},
    {"merge_hours", "FROM-UNTIL, two different hours, 0 to 23 and 1 to 24", "22-6, say",
     "when background merges may start, local time", Form::kText, true, set_merge_hours,
     [](const Options& o) { return fmt::format("{}-{}", o.merge.from_hour, o.merge.until_hour); }},
    {"file_cache", "1 to 100000", kCount, "segment files kept open", Form::kInteger, true,
     [](std::string_view v, Options& o) {
       return store_if(parse_number(v, 1, 100000), o.file_cache.max_size);
     },
     [](const Options& o) { return std::to_string(o.file_cache.max_size); }},
    {"memory_limit", "0, or 1M to 1024T", kSize,
     "with more memory for keys, changes that free nothing are refused; 0: none", Form::kInteger,
     true,
     [](std::string_view v, Options& o) {
       // Less than a store needs for itself would only make it full.
       const auto limit = parse_bytes(v, 0, kMiB << 30);
       return (limit == uint64_t{0} || limit >= kMiB) && store_if(limit, o.memory_limit);
     },
     [](const Options& o) { return bytes_text(o.memory_limit); }},
    {"verify_reads", "true or false", kAsItSays, "check checksums on every read", Form::kSwitch,
     false, set_verify_reads,
     [](const Options& o) { return std::string(o.verify_reads ? "true" : "false"); }},
});

std::string keys(bool live) {
  std::string keys;
  for (const auto& setting : kSettings) {
    if (setting.live != live) continue;
    keys += fmt::format("{}{}", keys.empty() ? "" : ", ", setting.key);
  }
  return keys;
}

Error no_setting(std::string_view key) {
  if (const auto* const nearest = nearest_store_setting(key)) {
    return Error(Errc::kInvalidArgument,
                 fmt::format("there is no setting '{}'; did you mean '{}' ({})?", key, nearest->key,
                             nearest->range));
  }
  return Error(
      Errc::kInvalidArgument,
      fmt::format("there is no setting '{}'; there are {}, and what can only be given at a "
                  "mount or saved for one: {}",
                  key, keys(true), keys(false)));
}

}  // namespace

std::span<const StoreSetting> store_settings() {
  return kSettings;
}

const StoreSetting* find_store_setting(std::string_view key) {
  const auto* const found = std::ranges::find(kSettings, key, &StoreSetting::key);
  return found == kSettings.end() ? nullptr : found;
}

const StoreSetting* nearest_store_setting(std::string_view key) {
  std::string plain(key);
  for (auto& c : plain) c = c == '-' ? '_' : char(std::tolower(static_cast<unsigned char>(c)));
  const StoreSetting* nearest = nullptr;
  size_t distance = 0;
  for (const auto& setting : kSettings) {
    const auto d = edit_distance(plain, setting.key);
    if (!is_slip(d, plain) || (nearest != nullptr && d >= distance)) continue;
    distance = d;
    nearest = &setting;
  }
  return nearest;
}

std::string describe_values(const StoreSetting& setting) {
  if (setting.written.empty()) return std::string(setting.range);
  return fmt::format("{}, written as {}", setting.range, setting.written);
}

Result<const StoreSetting*> change_option(std::string_view key, std::string_view value,
                                          Options& options) {
  const auto* const setting = find_store_setting(key);
  if (setting == nullptr) return no_setting(key);
  if (setting->set(value, options)) return setting;
  return Error(Errc::kInvalidArgument, fmt::format("{}={}: the value of '{}' must be {}", key,
                                                   value, key, describe_values(*setting)));
}

Status change_live_setting(std::string_view key, std::string_view value, Options& options) {
  Options changed = options;
  MEMORIA_TRY(const auto* const setting, change_option(key, value, changed));
  if (!setting->live) {
    return Error(Errc::kInvalidArgument,
                 fmt::format("'{}' can only be given when the store is mounted (-o {}={}), or be "
                             "saved for the next time (config set --save)",
                             key, key, value));
  }
  options = changed;
  return ok();
}

}  // namespace memoria
