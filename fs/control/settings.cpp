// SPDX-License-Identifier: MIT
// The command `config`: the store's options while it is open, and those saved in memoria.toml.
#include <fmt/format.h>

#include <algorithm>

#include "fs/control/byte_text.hpp"
#include "fs/control/commands.hpp"
#include "fs/control/key_text.hpp"
#include "fs/settings/settings_edit.hpp"

namespace memoria::control {
namespace {

Json saved_value(const std::vector<SavedSetting>& saved, const StoreSetting& setting) {
  const auto found = std::ranges::find(saved, &setting, &SavedSetting::setting);
  return found == saved.end() ? Json() : Json(found->value);
}

void log(const Call& call, const std::string& message) {
  if (const auto& logger = call.store.options().logger) logger(Severity::kInfo, message);
}

std::string_view what_is_only_read(const Store& store) {
  switch (store.origin().kind) {
    case StoreOrigin::Kind::kSnapshot:
      return "a snapshot";
    case StoreOrigin::Kind::kBackup:
      return "a backup";
    case StoreOrigin::Kind::kStore:
      break;
  }
  return "on a read-only disk";
}

Status check_has_settings(const Call& call) {
  if (!call.store.options().read_only) return ok();
  const auto& mount = call.context.read_only_mount;
  const auto how = mount.empty() ? fmt::format("only read: it is {}", what_is_only_read(call.store))
                                 : fmt::format("mounted read-only at {}", printable(mount));
  return Error(Errc::kReadOnly,
               fmt::format("{} is {}, and what is only read has no settings to change",
                           call.store.describe(), how));
}

Status save(const Call& call, const StoreSetting& setting, const std::string& value) {
  const auto directory = call.store.describe();
  MEMORIA_TRY(save_setting(directory, setting, value));
  if (call.context.served) {
    log(call, fmt::format("{} saved as {} in {}", setting.key, value, settings_path(directory)));
  }
  return ok();
}

Json changed(const StoreSetting& setting, Json was, Json is) {
  return {{"setting", setting.key}, {"was", std::move(was)}, {"is", std::move(is)}};
}

/// For the next time, and in a store that is mounted at once where that is possible.
Result<Json> save_and_change(const Call& call, const std::string& key, const std::string& value) {
  const auto before = call.store.settings();
  auto options = before;
  MEMORIA_TRY(const auto* const setting, change_option(key, value, options));
  MEMORIA_TRY(save(call, *setting, setting->get(options)));
  const bool at_once = call.context.served && setting->live;
  if (at_once) MEMORIA_TRY(call.store.change_settings(options));
  auto result = call.context.served ? changed(*setting, setting->get(before),
                                              setting->get(at_once ? options : before))
                                    : changed(*setting, nullptr, nullptr);
  result["saved"] = setting->get(options);
  set_bytes(result, "file", settings_path(call.store.describe()));
  return result;
}

Result<Json> change_now(const Call& call, const std::string& key, const std::string& value) {
  const auto before = call.store.settings();
  auto options = before;
  MEMORIA_TRY(change_live_setting(key, value, options));
  if (!call.context.served) {
    return Error(Errc::kUnsupported,
                 fmt::format("{} is not mounted, so there is nothing to change: --save it for the "
                             "next time, or give -o {}={} then",
                             call.store.describe(), key, value));
  }
  MEMORIA_TRY(call.store.change_settings(options));
  const auto& setting = *find_store_setting(key);
  log(call, fmt::format("{} changed from {} to {}", key, setting.get(before), value));
  return changed(setting, setting.get(before), setting.get(options));
}

}  // namespace

Result<Json> show_settings(const Call& call) {
  const auto saved = saved_settings(call.store.describe());
  const auto in_file = saved ? saved.value() : std::vector<SavedSetting>();
  // Of a store that is not mounted: what it will have when it is.
  auto options = call.context.served ? call.store.settings() : Options();
  for (const auto& one : in_file) {
    if (!call.context.served) one.setting->set(one.value, options);
  }
  for (const auto& setting : store_settings()) {
    MEMORIA_TRY(call.sink.item({{"setting", setting.key},
                                {"value", setting.get(options)},
                                {"saved", saved_value(in_file, setting)},
                                {"range", setting.range},
                                {"meaning", setting.meaning},
                                {"live", setting.live}}));
  }
  Json result = {{"count", store_settings().size()}, {"mounted", call.is_mounted()}};
  call.tell_mount_point(result);
  if (!saved) set_bytes(result, "problem", saved.error().describe());
  return result;
}

Result<Json> change_setting(const Call& call) {
  const auto key = get_bytes(call.request, "setting"), value = get_bytes(call.request, "value");
  if (!key || !value) return Error(Errc::kInvalidArgument, "config set needs a key and a value");
  MEMORIA_TRY(const bool save, call.flag("save"));
  MEMORIA_TRY(check_has_settings(call));
  return save ? save_and_change(call, *key, *value) : change_now(call, *key, *value);
}

}  // namespace memoria::control
