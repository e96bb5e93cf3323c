// SPDX-License-Identifier: MIT
#include "fs/control/service.hpp"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <string>

#include "fs/control/byte_text.hpp"
#include "fs/control/commands.hpp"
#include "fs/volume/keys.hpp"

namespace memoria {
namespace {

using control::Call;

struct WholeCommand {
  std::string_view name;
  Result<Json> (*run)(const Call&);
  bool changes_files = false;
};
/// Says that somebody is there to answer.
Result<Json> ping(const Call&) {
  return Json::object();
}

constexpr std::array kWholeCommands{
    WholeCommand{"ping", ping},
    WholeCommand{"stats", control::stats},
    WholeCommand{"map", control::map_segments},
    WholeCommand{"dump", control::dump_segment},
    WholeCommand{"config-show", control::show_settings},
    WholeCommand{"config-set", control::change_setting},
    WholeCommand{"merge", control::merge},
    WholeCommand{"hints-rebuild", control::rebuild_hints},
    WholeCommand{"hints-check", control::check_hints},
    WholeCommand{"verify", control::verify},
    WholeCommand{"snapshot-create", control::create_snapshot},
    WholeCommand{"snapshot-list", control::list_snapshots},
    WholeCommand{"snapshot-delete", control::remove_snapshot},
    WholeCommand{"snapshot-diff", control::diff_snapshots},
    WholeCommand{"snapshot-rollback", control::refuse_rollback},
    WholeCommand{"import", control::import_tree, true},
};

struct NamedCommand {
  std::string_view name;
  Result<Json> (*of_file)(const Call&, const std::string& path);
  Result<Json> (*of_key)(const Call&, const std::string& key);
  bool changes_files = false;
};
constexpr std::array kNamedCommands{
    NamedCommand{"ls", control::list_directory, control::list_keys},
    NamedCommand{"find", control::find_files, control::list_keys},
    NamedCommand{"count", control::count_files, control::count_keys},
    NamedCommand{"get", control::get_file, control::get_key},
    NamedCommand{"put", control::put_file, control::put_key, true},
    NamedCommand{"rm", control::remove_file, control::remove_key, true},
    NamedCommand{"locate", control::locate_file, control::locate_key},
    NamedCommand{"history", control::file_history, nullptr},
};

/// Merges and snapshots leave the files as they are.
Status check_may_change(const Call& call) {
  const auto& mount_point = call.context.read_only_mount;
  if (!call.context.served || mount_point.empty()) return ok();
  return Error(Errc::kReadOnly, EROFS,
               fmt::format("{} is mounted read-only at {}: to change files, mount it without -o ro",
                           call.store.describe(), mount_point));
}

Result<Json> run_named(const NamedCommand& command, const Call& call) {
  if (command.changes_files) MEMORIA_TRY(check_may_change(call));
  if (const auto key = call.key()) {
    if (command.of_key != nullptr) return command.of_key(call, *key);
    return Error(Errc::kInvalidArgument, fmt::format("{} needs a path", command.name));
  }
  const auto path = call.path();
  if (!path) {
    return Error(Errc::kInvalidArgument, fmt::format("{} needs a path or a key", command.name));
  }
  if (call.volume == nullptr) {
    return Error(Errc::kNotAStore,
                 fmt::format("{} holds plain keys, not a volume with files: use --key",
                             call.store.describe()));
  }
  return command.of_file(call, *path);
}

}  // namespace

Result<Json> ControlService::execute(const Json& request, Sink& sink, Source& source) {
  if (!request.is_object()) return Error(Errc::kInvalidArgument, "the request is not an object");
  const auto name = request.find("command");
  if (name == request.end() || !name->is_string()) {
    return Error(Errc::kInvalidArgument, "the request names no command");
  }
  if (sink.cancelled()) return Error(Errc::kCancelled);
  const Call call{store_, volume_, context_, request, sink, source};
  for (const auto& command : kWholeCommands) {
    if (*name != command.name) continue;
    if (command.changes_files) MEMORIA_TRY(check_may_change(call));
    return command.run(call);
  }
  for (const auto& command : kNamedCommands) {
    if (*name == command.name) return run_named(command, call);
  }
  return Error(Errc::kUnsupported, fmt::format("there is no command {}", to_text(*name)));
}

namespace control {

Result<bool> Call::flag(const std::string& name) const {
  const auto value = request.find(name);
  if (value == request.end()) return false;
  if (value->is_boolean()) return value->get<bool>();
  return Error(Errc::kInvalidArgument, fmt::format("\"{}\" must be true or false", name));
}

Result<double> Call::number(const std::string& name, double otherwise) const {
  const auto value = request.find(name);
  if (value == request.end()) return otherwise;
  if (value->is_number()) return value->get<double>();
  return Error(Errc::kInvalidArgument, fmt::format("\"{}\" must be a number", name));
}

void Call::tell_mount_point(Json& result) const {
  if (!context.read_only_mount.empty()) set_bytes(result, "mount_point", context.read_only_mount);
}

ProgressFn Call::progress() const {
  return [&to = sink](const Progress& progress) {
    to.progress(progress);
    return !to.cancelled();
  };
}

Status Call::report(std::string_view phase, uint64_t done, uint64_t total,
                    Progress::Unit unit) const {
  sink.progress({phase, done, total, unit});
  if (sink.cancelled()) return Error(Errc::kCancelled);
  return ok();
}

std::optional<std::string> Call::get_argument(const std::string& name) const {
  return get_bytes(request, name);
}

std::string segment_file(uint64_t segment) {
  return fmt::format("{}.data", segment);
}

Json extent_item(const Extent& extent, std::string_view of) {
  return {{"of", of},
          {"offset", extent.offset},
          {"length", extent.length},
          {"segment", std::to_string(extent.segment)},
          {"file", segment_file(extent.segment)},
          {"record_offset", extent.record_offset},
          {"record_length", extent.record_length},
          {"time", iso_time(int64_t(extent.timestamp))},
          {"readable", extent.readable}};
}

}  // namespace control
}  // namespace memoria
