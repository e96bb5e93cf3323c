// SPDX-License-Identifier: MIT
// Any bytes as memoria.toml: settings in their ranges, or a refusal that says where. A file that is
// valid stays so with any one setting changed.
#include <algorithm>
#include <string_view>

#include "fs/settings/settings_edit.hpp"
#include "tests/fuzz/require.hpp"

namespace {

using namespace memoria;

constexpr std::string_view kPath = "memoria.toml";

void require_settings(const std::vector<SavedSetting>& saved) {
  Options options;
  for (const auto& one : saved) FUZZ_REQUIRE(one.setting->set(one.value, options));
}

/// All but this one, as text.
std::string others(const std::vector<SavedSetting>& saved, const StoreSetting& but) {
  std::vector<std::string> lines;
  for (const auto& one : saved) {
    if (one.setting != &but) lines.push_back(std::string(one.setting->key) + "=" + one.value);
  }
  std::ranges::sort(lines);
  std::string out;
  for (const auto& line : lines) out += line + "\n";
  return out;
}

void require_edit(std::string_view text, const std::vector<SavedSetting>& saved,
                  const StoreSetting& setting) {
  const auto wanted = setting.get(Options());
  const auto edited = with_setting(text, kPath, setting, wanted);
  FUZZ_REQUIRE(edited.has_value());
  const auto after = parse_settings(edited.value(), kPath);
  FUZZ_REQUIRE(after.has_value());
  FUZZ_REQUIRE(others(after.value(), setting) == others(saved, setting));
  const auto found = std::ranges::find(after.value(), &setting, &SavedSetting::setting);
  FUZZ_REQUIRE(found != after.value().end() && found->value == wanted);
  FUZZ_REQUIRE(with_setting(edited.value(), kPath, setting, wanted).value() == edited.value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto saved = parse_settings(text, kPath);
  if (!saved) {
    FUZZ_REQUIRE(saved.error().code == Errc::kInvalidArgument);
    FUZZ_REQUIRE(saved.error().message.starts_with("memoria.toml, line "));
    FUZZ_REQUIRE(std::ranges::none_of(saved.error().message,
                                      [](unsigned char c) { return c < 0x20 || c >= 0x7f; }));
    return 0;
  }
  require_settings(saved.value());
  for (const auto& setting : store_settings()) require_edit(text, saved.value(), setting);
  return 0;
}
