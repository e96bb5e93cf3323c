// SPDX-License-Identifier: MIT
#include "fs/binding/mount_options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>

#include "fs/settings/option_values.hpp"
#include "fs/settings/store_settings.hpp"

namespace memoria {
namespace {

constexpr double kYear = 365.0 * 86400;

/// An option of ours that is none of the store's. `set` is given the value and tells whether it is
/// allowed.
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

bool set_snapshot(std::string_view value, MountOptions& o) {
  if (value.empty() || value.front() == '.' || value.find('/') != value.npos) return false;
  o.snapshot = value;
  return true;
}

constexpr auto kOurs = std::to_array<Known>({
    {"snapshot", "the name of a snapshot", "show the volume as it was then, read-only",
     set_snapshot},
    {"create", "", "make the data directory's store when there is none (the default)",
     [](std::string_view, MountOptions& o) { return o.store.create_if_missing = true; }},
    {"no_create", "", "refuse a data directory without a store",
     [](std::string_view, MountOptions& o) { return !(o.store.create_if_missing = false); }},
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
    {"io_uring", "", "take requests through io_uring where that is possible",
     [](std::string_view, MountOptions& o) { return o.io_uring = true; }},
    {"no_io_uring", "", "take requests through /dev/fuse (the default)",
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
  size_t distance = 0;
  const auto consider = [&](std::string_view candidate) {
    const auto d = edit_distance(key, candidate);
    if (!is_slip(d, key) || (!nearest.empty() && d >= distance)) return;
    distance = d;
    nearest = candidate;
  };
  for (const auto& known : kOurs) consider(known.key);
  if (const auto* const setting = nearest_store_setting(key)) consider(setting->key);
  for (const auto known : kKernel) consider(known);
  return {MountExit::kUsage,
          nearest.empty()
              ? fmt::format("unknown mount option '{}': memoria-fs --help lists them", option)
              : fmt::format("unknown mount option '{}': did you mean '{}'?", option, nearest)};
}

/// `set` takes the value and tells whether it is allowed; an empty `range`: there is none.
template <class Set>
Checked<void> add_ours(std::string_view key, std::string_view range, std::string_view option,
                       Set&& set) {
  const auto equals = option.find('=');
  const bool has_value = equals != std::string_view::npos;
  if (has_value && range.empty()) {
    return Failure(MountExit::kUsage,
                   fmt::format("mount option '{}': '{}' takes no value", option, key));
  }
  const auto value = has_value ? option.substr(equals + 1) : std::string_view{};
  if ((has_value || range.empty()) && set(value)) return ok();
  return Failure(MountExit::kUsage, fmt::format("mount option '{}': the value of '{}' must be {}",
                                                option, key, range));
}

}  // namespace

Checked<void> add_mount_option(std::string_view option, MountOptions& options) {
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
  if (const auto* const setting = find_store_setting(key)) {
    return add_ours(key, describe_values(*setting), option,
                    [&](auto value) { return setting->set(value, options.store); });
  }
  const auto* const known = std::ranges::find(kOurs, key, &Known::key);
  if (known == kOurs.end()) return unknown(option);
  return add_ours(key, known->range, option,
                  [&](auto value) { return known->set(value, options); });
}

std::vector<std::string> split_mount_options(std::string_view list) {
  std::vector<std::string> out(1);
  for (size_t i = 0; i < list.size(); ++i) {
    if (list[i] == ',') {
      out.emplace_back();
    } else {
      if (list[i] == '\\' && i + 1 < list.size()) ++i;
      out.back().push_back(list[i]);
    }
  }
  return out;
}

Checked<void> add_mount_options(std::string_view list, MountOptions& options) {
  for (const auto& option : split_mount_options(list)) {
    MEMORIA_TRY(add_mount_option(option, options));
  }
  return ok();
}

std::string describe_mount_options() {
  std::string text = "Mount options (-o), sizes with K, M, G or T:\n";
  const auto add = [&](std::string_view key, std::string_view range, std::string_view meaning) {
    const auto head = fmt::format("{}{}", key, range.empty() ? "" : "=");
    text += fmt::format("  {:26}{}{}\n", head, meaning,
                        range.empty() ? "" : fmt::format(" ({})", range));
  };
  for (const auto& setting : store_settings()) add(setting.key, setting.range, setting.meaning);
  for (const auto& known : kOurs) add(known.key, known.range, known.meaning);
  text += "  ro, rw, allow_other, allow_root, suid, dev, noexec, sync ...: as in mount(8);\n";
  text += "                            nosuid and nodev unless suid and dev are given\n";
  return text;
}

}  // namespace memoria
