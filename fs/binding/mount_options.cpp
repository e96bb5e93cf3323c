// SPDX-License-Identifier: MIT
#include "fs/binding/mount_options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>

#include "fs/binding/option_values.hpp"

namespace memoria {
namespace {

constexpr uint64_t kMiB = 1 << 20;
constexpr double kYear = 365.0 * 86400;

/// An option of ours. `set` is given the value and tells whether it is allowed.
struct Known {
  std::string_view key;
  std::string_view range;  ///< of the value, in words; empty: takes none
  std::string_view meaning;
  bool (*set)(std::string_view value, MountOptions& options);
};

template <class T, class Target>
bool store_if(const std::optional<T>& value, Target& target) {
  if (value) target = static_cast<Target>(*value);
  return value.has_value();
}

bool set_sync(std::string_view value, MountOptions& o) {
  if (value == "always") {
    o.store.sync_policy = SyncPolicy::kAlways;
  } else if (value == "interval") {
    o.store.sync_policy = SyncPolicy::kInterval;
  } else if (value == "never") {
    o.store.sync_policy = SyncPolicy::kNever;
  } else {
    return false;
  }
  return true;
}

bool set_merge_hours(std::string_view value, MountOptions& o) {
  const auto dash = value.find('-');
  if (dash == std::string_view::npos) return false;
  const auto from = parse_number(value.substr(0, dash), 0, 23);
  const auto until = parse_number(value.substr(dash + 1), 1, 24);
  return store_if(from, o.store.merge.from_hour) && store_if(until, o.store.merge.until_hour);
}

bool set_snapshot(std::string_view value, MountOptions& o) {
  if (value.empty() || value.front() == '.' || value.find('/') != value.npos) return false;
  o.snapshot = value;
  return true;
}

constexpr auto kOurs = std::to_array<Known>({
    {"snapshot", "the name of a snapshot", "show the volume as it was then, read-only",
     set_snapshot},
    {"sync", "always, interval or never", "when what is written becomes durable without fsync",
     set_sync},
    {"sync_interval", "0.01 to 3600 seconds", "how old unsynced data may get",
     [](std::string_view v, MountOptions& o) {
       return store_if(parse_seconds(v, 0.01, 3600), o.store.sync_interval);
     }},
    {"segment_size", "1M to 4095M", "a segment file ends at this size",
     [](std::string_view v, MountOptions& o) {
       return store_if(parse_bytes(v, kMiB, 4095 * kMiB), o.store.segment.max_size);
     }},
    {"merge_check_interval", "0 to 86400 seconds", "how often a merge is considered; 0: never",
     [](std::string_view v, MountOptions& o) {
       return store_if(parse_seconds(v, 0, 86400), o.store.segment.merge_check_interval);
     }},
    {"fragmentation_threshold", "0.01 to 1",
     "share of dead bytes that makes a segment worth merging",
     [](std::string_view v, MountOptions& o) {
       return store_if(parse_real(v, 0.01, 1), o.store.segment.fragmentation_threshold);
     }},
    {"dead_bytes_threshold", "1M to 1024T", "dead bytes in all that start a merge",
     [](std::string_view v, MountOptions& o) {
       return store_if(parse_bytes(v, kMiB, kMiB << 30), o.store.segment.dead_bytes_threshold);
     }},
    {"merge_rate", "0 to 1T bytes per second", "a merge reads and writes no faster; 0: unlimited",
     [](std::string_view v, MountOptions& o) {
       return store_if(parse_bytes(v, 0, kMiB << 20), o.store.merge.rate_bytes_per_second);
     }},
    {"merge_hours", "FROM-UNTIL, hours from 0 to 24",
     "when background merges may start, local time", set_merge_hours},
    {"file_cache", "1 to 100000", "segment files kept open",
     [](std::string_view v, MountOptions& o) {
       return store_if(parse_number(v, 1, 100000), o.store.file_cache.max_size);
     }},
    {"entry_timeout", "0 to 31536000 seconds", "how long the kernel may remember names",
     [](std::string_view v, MountOptions& o) {
       return store_if(parse_real(v, 0, kYear), o.cache_times.entry);
     }},
    {"attr_timeout", "0 to 31536000 seconds", "how long the kernel may remember attributes",
     [](std::string_view v, MountOptions& o) {
       return store_if(parse_real(v, 0, kYear), o.cache_times.attributes);
     }},
    {"negative_timeout", "0 to 31536000 seconds",
     "how long the kernel may remember that a name is not there",
     [](std::string_view v, MountOptions& o) {
       return store_if(parse_real(v, 0, kYear), o.cache_times.negative);
     }},
    {"max_threads", "1 to 1000", "threads that serve requests",
     [](std::string_view v, MountOptions& o) {
       return store_if(parse_number(v, 1, 1000), o.max_threads);
     }},
    {"writeback", "", "the kernel collects small writes (the default)",
     [](std::string_view, MountOptions& o) { return o.writeback = true; }},
    {"no_writeback", "", "every write goes to the log at once",
     [](std::string_view, MountOptions& o) { return !(o.writeback = false); }},
    {"io_uring", "", "take requests through io_uring where that is possible (the default)",
     [](std::string_view, MountOptions& o) { return o.io_uring = true; }},
    {"no_io_uring", "", "take requests through /dev/fuse",
     [](std::string_view, MountOptions& o) { return !(o.io_uring = false); }},
    {"no_verify_reads", "", "do not check checksums on reads",
     [](std::string_view, MountOptions& o) { return !(o.store.verify_reads = false); }},
    {"default_permissions", "", "always on: the kernel checks permissions",
     [](std::string_view, MountOptions&) { return true; }},
});

/// For the kernel or libfuse, which get them as they are.
constexpr auto kKernel = std::to_array<std::string_view>(
    {"allow_other", "allow_root", "auto_unmount", "debug", "suid", "nosuid", "dev", "nodev", "exec",
     "noexec", "dirsync", "noatime", "sync", "async"});
constexpr auto kKernelPrefixes =
    std::to_array<std::string_view>({"context=", "fscontext=", "defcontext=", "rootcontext="});

/// For other programs that read fstab, or without a meaning here (access times are not kept).
constexpr auto kIgnored = std::to_array<std::string_view>(
    {"defaults",   "auto",        "noauto",        "user",     "nouser",     "users",    "owner",
     "group",      "nofail",      "_netdev",       "atime",    "nodiratime", "diratime", "relatime",
     "norelatime", "strictatime", "nostrictatime", "lazytime", "nolazytime", "loud",     "silent"});
constexpr auto kIgnoredPrefixes =
    std::to_array<std::string_view>({"x-", "X-", "comment=", "uhelper=", "helper="});

bool contains(std::span<const std::string_view> list, std::string_view option) {
  return std::ranges::find(list, option) != list.end();
}

bool has_prefix(std::span<const std::string_view> prefixes, std::string_view option) {
  return std::ranges::any_of(prefixes, [&](auto prefix) { return option.starts_with(prefix); });
}

Failure unknown(std::string_view option) {
  const auto key = option.substr(0, option.find('='));
  std::string_view nearest;
  auto distance = key.size() / 2 + 1;  // what differs more is no slip of the finger
  const auto consider = [&](std::string_view candidate) {
    if (const auto d = edit_distance(key, candidate); d < distance) {
      distance = d;
      nearest = candidate;
    }
  };
  for (const auto& known : kOurs) consider(known.key);
  for (const auto known : kKernel) consider(known);
  return {MountExit::kUsage,
          nearest.empty()
              ? fmt::format("unknown mount option '{}': memoria-fs --help lists them", option)
              : fmt::format("unknown mount option '{}': did you mean '{}'?", option, nearest)};
}

Checked<void> add_ours(const Known& known, std::string_view option, MountOptions& options) {
  const auto equals = option.find('=');
  const bool has_value = equals != std::string_view::npos;
  if (has_value && known.range.empty()) {
    return Failure(MountExit::kUsage,
                   fmt::format("mount option '{}': '{}' takes no value", option, known.key));
  }
  const auto value = has_value ? option.substr(equals + 1) : std::string_view{};
  if ((has_value || known.range.empty()) && known.set(value, options)) return ok();
  return Failure(MountExit::kUsage, fmt::format("mount option '{}': the value of '{}' must be {}",
                                                option, known.key, known.range));
}

Checked<void> add_one(std::string_view option, MountOptions& options) {
  if (option.empty() || contains(kIgnored, option) || has_prefix(kIgnoredPrefixes, option)) {
    return ok();
  }
  if (option == "ro" || option == "rw") {
    options.read_only = option == "ro";
    return ok();
  }
  // Before our own, since "sync" without a value is the kernel's.
  if (contains(kKernel, option) || has_prefix(kKernelPrefixes, option)) {
    options.kernel.emplace_back(option);
    return ok();
  }
  const auto key = option.substr(0, option.find('='));
  const auto* const known = std::ranges::find(kOurs, key, &Known::key);
  return known == kOurs.end() ? Checked<void>(unknown(option)) : add_ours(*known, option, options);
}

}  // namespace

Checked<void> add_mount_options(std::string_view list, MountOptions& options) {
  std::string option;
  for (size_t i = 0; i <= list.size(); ++i) {
    if (i == list.size() || list[i] == ',') {
      MEMORIA_TRY(add_one(option, options));
      option.clear();
    } else {
      if (list[i] == '\\' && i + 1 < list.size()) ++i;
      option.push_back(list[i]);
    }
  }
  return ok();
}

std::string describe_mount_options() {
  std::string text = "Mount options (-o), sizes with K, M, G or T:\n";
  for (const auto& known : kOurs) {
    const auto head = fmt::format("{}{}", known.key, known.range.empty() ? "" : "=");
    text += fmt::format("  {:26}{}{}\n", head, known.meaning,
                        known.range.empty() ? "" : fmt::format(" ({})", known.range));
  }
  text += "  ro, rw, allow_other, allow_root, suid, dev, noexec, sync ...: as in mount(8);\n";
  text += "                            nosuid and nodev unless suid and dev are given\n";
  return text;
}

}  // namespace memoria
