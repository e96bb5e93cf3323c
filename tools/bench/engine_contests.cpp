// SPDX-License-Identifier: MIT
#include "tools/bench/engine_contests.hpp"

#include <algorithm>
#include <array>

#include "tools/bench/engine_field.hpp"

namespace memoria::bench {
namespace {

constexpr uint64_t kQuickKeys = 2'000;

struct Group {
  const char* name;
  std::vector<Contest> (*contests)(const Field&);
};
constexpr std::array<Group, 8> kGroups{{{"put", put_contests},
                                        {"get", get_contests},
                                        {"mixed", mixed_contests},
                                        {"sync", sync_contests},
                                        {"open", open_contests},
                                        {"memory", memory_contests},
                                        {"space", space_contests},
                                        {"merge", merge_contests}}};

bool chosen(const std::vector<std::string>& choice, const std::string& name) {
  return choice.empty() || std::find(choice.begin(), choice.end(), name) != choice.end();
}

Status check_choice(const char* what, const std::vector<std::string>& choice,
                    const std::vector<std::string>& all) {
  for (const auto& name : choice) {
    if (std::find(all.begin(), all.end(), name) != all.end()) continue;
    std::string message = "no " + std::string(what) + " \"" + name + "\" in this build; there are:";
    for (const auto& other : all) message += " " + other;
    return Error(Errc::kInvalidArgument, message);
  }
  return ok();
}

}  // namespace

std::vector<std::string> engine_group_names() {
  std::vector<std::string> names;
  names.reserve(kGroups.size());
  for (const auto& group : kGroups) names.emplace_back(group.name);
  return names;
}

std::vector<std::string> engine_names() {
  std::vector<std::string> names;
  names.reserve(engine_kinds().size());
  for (const auto& kind : engine_kinds()) names.push_back(kind.name);
  return names;
}

Result<std::vector<Contest>> engine_contests(const EngineOptions& options) {
  MEMORIA_TRY(check_choice("engine", options.engines, engine_names()));
  MEMORIA_TRY(check_choice("group", options.groups, engine_group_names()));
  if (options.keys == 0) return Error(Errc::kInvalidArgument, "the number of keys must not be 0");
  Field field;
  field.directory = options.directory;
  field.quick = options.quick;
  field.keys = options.quick ? std::min(options.keys, kQuickKeys) : options.keys;
  for (const auto& kind : engine_kinds()) {
    if (field.kinds.empty() || chosen(options.engines, kind.name)) field.kinds.push_back(kind);
  }
  std::vector<Contest> contests;
  for (const auto& group : kGroups) {
    if (!chosen(options.groups, group.name)) continue;
    for (auto& contest : group.contests(field)) contests.push_back(std::move(contest));
  }
  return contests;
}

}  // namespace memoria::bench
