// SPDX-License-Identifier: MIT
// The command `config`: the store's options while it is open.
#include "fs/settings/store_settings.hpp"

#include <fmt/format.h>

#include "fs/control/byte_text.hpp"
#include "fs/control/commands.hpp"

namespace memoria::control {

Result<Json> show_settings(const Call& call) {
  const auto options = call.store.settings();
  for (const auto& setting : store_settings()) {
    MEMORIA_TRY(call.sink.item({{"setting", setting.key},
                                {"value", setting.get(options)},
                                {"range", setting.range},
                                {"meaning", setting.meaning},
                                {"live", setting.live}}));
  }
  return Json{{"count", store_settings().size()}, {"mounted", call.context.served}};
}

Result<Json> change_setting(const Call& call) {
  const auto key = get_bytes(call.request, "setting"), value = get_bytes(call.request, "value");
  if (!key || !value) return Error(Errc::kInvalidArgument, "config set needs a key and a value");
  auto options = call.store.settings();
  const auto* const setting = find_store_setting(*key);
  const auto was = setting != nullptr ? setting->get(options) : std::string();
  MEMORIA_TRY(change_live_setting(*key, *value, options));
  if (!call.context.served) {
    return Error(Errc::kUnsupported,
                 fmt::format("{} is not mounted, so there is nothing to change: give -o {}={} when "
                             "it is",
                             call.store.describe(), *key, *value));
  }
  MEMORIA_TRY(call.store.change_settings(options));
  if (const auto& logger = call.store.options().logger) {
    logger(Severity::kInfo, fmt::format("{} changed from {} to {}", *key, was, *value));
  }
  return Json{{"setting", *key}, {"was", was}, {"is", setting->get(options)}};
}

}  // namespace memoria::control
