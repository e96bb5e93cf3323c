// SPDX-License-Identifier: MIT
#include "fs/settings/store_settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

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
  if (!from || !until) return false;
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

constexpr auto kSettings = std::to_array<StoreSetting>({
    {"sync", "always, interval or never", "when what is written becomes durable without fsync",
     Form::kText, false, set_sync, get_sync},
    {"sync_interval", "0.01 to 3600 seconds", "how old unsynced data may get", Form::kReal, true,
     [](std::string_view v, Options& o) {
       return store_if(parse_seconds(v, 0.01, 3600), o.sync_interval);
     },
     [](const Options& o) { return seconds_text(o.sync_interval); }},
    {"segment_size", "1M to 4095M", "a segment file ends at this size", Form::kInteger, false,
     [](std::string_view v, Options& o) {
       return store_if(parse_bytes(v, kMiB, 4095 * kMiB), o.segment.max_size);
     },
     [](const Options& o) { return bytes_text(o.segment.max_size); }},
    {"merge_check_interval", "0 to 86400 seconds", "how often a merge is considered; 0: never",
     Form::kReal, true,
     [](std::string_view v, Options& o) {
       return store_if(parse_seconds(v, 0, 86400), o.segment.merge_check_interval);
     },
     [](const Options& o) { return seconds_text(o.segment.merge_check_interval); }},
    {"fragmentation_threshold", "0.01 to 1",
     "share of dead bytes that makes a segment worth merging", Form::kReal, true,
     [](std::string_view v, Options& o) {
       return store_if(parse_real(v, 0.01, 1), o.segment.fragmentation_threshold);
     },
     [](const Options& o) { return fmt::format("{}", o.segment.fragmentation_threshold); }},
    {"dead_bytes_threshold", "1M to 1024T", "dead bytes in all that start a merge", Form::kInteger,
     true,
     [](std::string_view v, Options& o) {
       return store_if(parse_bytes(v, kMiB, kMiB << 30), o.segment.dead_bytes_threshold);
     },
     [](const Options& o) { return bytes_text(o.segment.dead_bytes_threshold); }},
    {"merge_rate", "0 to 1T bytes per second", "a merge reads and writes no faster; 0: unlimited",
     Form::kInteger, true,
     [](std::string_view v, Options& o) {
       return store_if(parse_bytes(v, 0, kMiB << 20), o.merge.rate_bytes_per_second);
     },
     [](const Options& o) { return bytes_text(o.merge.rate_bytes_per_second); }},
    {"merge_hours", "FROM-UNTIL, hours from 0 to 24",
     "when background merges may start, local time", Form::kText, true, set_merge_hours,
     [](const Options& o) { return fmt::format("{}-{}", o.merge.from_hour, o.merge.until_hour); }},
    {"file_cache", "1 to 100000", "segment files kept open", Form::kInteger, true,
     [](std::string_view v, Options& o) {
       return store_if(parse_number(v, 1, 100000), o.file_cache.max_size);
     },
     [](const Options& o) { return std::to_string(o.file_cache.max_size); }},
    {"memory_limit", "0 to 1024T",
     "with more memory for keys, changes that free nothing are refused; 0: none", Form::kInteger,
     true,
     [](std::string_view v, Options& o) {
       return store_if(parse_bytes(v, 0, kMiB << 30), o.memory_limit);
     },
     [](const Options& o) { return bytes_text(o.memory_limit); }},
    {"verify_reads", "true or false", "check checksums on every read", Form::kSwitch, false,
     set_verify_reads,
     [](const Options& o) { return std::string(o.verify_reads ? "true" : "false"); }},
});

std::string keys(bool live_only) {
  std::string keys;
  for (const auto& setting : kSettings) {
    if (live_only && !setting.live) continue;
    keys += fmt::format("{}{}", keys.empty() ? "" : ", ", setting.key);
  }
  return keys;
}

Error no_setting(std::string_view key, bool live_only) {
  return Error(Errc::kInvalidArgument,
               fmt::format("there is no setting '{}'; {} {}", key,
                           live_only ? "what can be changed is" : "there are", keys(live_only)));
}

}  // namespace

std::span<const StoreSetting> store_settings() {
  return kSettings;
}

const StoreSetting* find_store_setting(std::string_view key) {
  const auto* const found = std::ranges::find(kSettings, key, &StoreSetting::key);
  return found == kSettings.end() ? nullptr : found;
}

Result<const StoreSetting*> change_option(std::string_view key, std::string_view value,
                                          Options& options) {
  const auto* const setting = find_store_setting(key);
  if (setting == nullptr) return no_setting(key, false);
  if (setting->set(value, options)) return setting;
  return Error(Errc::kInvalidArgument,
               fmt::format("{}={}: the value of '{}' must be {}", key, value, key, setting->range));
}

Status change_live_setting(std::string_view key, std::string_view value, Options& options) {
  const auto* const setting = find_store_setting(key);
  if (setting == nullptr) return no_setting(key, true);
  if (!setting->live) {
    return Error(Errc::kInvalidArgument,
                 fmt::format("'{}' can only be given when the store is mounted (-o {}={}), or be "
                             "saved for the next time (config set --save)",
                             key, key, value));
  }
  MEMORIA_TRY(change_option(key, value, options));
  return ok();
}

}  // namespace memoria
