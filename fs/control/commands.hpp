// SPDX-License-Identifier: MIT
// Inside the control service: one function per command.
#pragma once

#include <optional>
#include <string>

#include "fs/control/service.hpp"
#include "fs/volume/superblock.hpp"

namespace memoria::control {

/// One execution of one command.
struct Call {
  Store& store;
  Volume* volume = nullptr;
  ControlService::Context context;
  const Json& request;
  Sink& sink;
  Source& source;

  // Arguments: missing ones get the default; of the wrong type they are kInvalidArgument.
  Result<bool> flag(const std::string& name) const;
  Result<double> number(const std::string& name, double otherwise) const;
  std::optional<std::string> path() const { return get_argument("path"); }
  std::optional<std::string> key() const { return get_argument("key"); }
  std::optional<std::string> name() const { return get_argument("name"); }

  bool is_mounted() const { return context.served || !context.read_only_mount.empty(); }
  /// As "mount_point", if this is known here.
  void tell_mount_point(Json& result) const;

  /// For the long calls of the store: tells the sink and asks it whether to go on.
  ProgressFn progress() const;
  /// The same, once.
  Status report(std::string_view phase, uint64_t done, uint64_t total,
                Progress::Unit unit = Progress::Unit::kBytes) const;

 private:
  std::optional<std::string> get_argument(const std::string& name) const;
};

/// Bytes moved at once by get and put.
inline constexpr size_t kPieceSize = 256 << 10;

/// The file of a segment.
std::string segment_file(uint64_t segment);
/// "file", "directory", "symlink" ... of S_IFMT bits.
std::string_view type_word(mode_t mode);
/// A part of a value and where it lies, as a list item; `of` tells of which value.
Json extent_item(const Extent& extent, std::string_view of);

Result<Json> stats(const Call& call);
Result<Json> map_segments(const Call& call);
Result<Json> dump_segment(const Call& call);
Result<Json> show_settings(const Call& call);
Result<Json> change_setting(const Call& call);
Result<Json> merge(const Call& call);
Result<Json> rebuild_hints(const Call& call);
Result<Json> check_hints(const Call& call);
Result<Json> verify(const Call& call);
Result<Json> create_snapshot(const Call& call);
Result<Json> list_snapshots(const Call& call);
Result<Json> remove_snapshot(const Call& call);
Result<Json> diff_snapshots(const Call& call);
Result<Json> refuse_rollback(const Call& call);
Result<Json> import_tree(const Call& call);

// Of files in the volume.
Result<Json> list_directory(const Call& call, const std::string& path);
Result<Json> get_file(const Call& call, const std::string& path);
Result<Json> put_file(const Call& call, const std::string& path);
Result<Json> remove_file(const Call& call, const std::string& path);
Result<Json> locate_file(const Call& call, const std::string& path);
Result<Json> file_history(const Call& call, const std::string& path);

Result<Json> find_files(const Call& call, const std::string& prefix);
Result<Json> count_files(const Call& call, const std::string& prefix);

// Of keys in the store.
Result<Json> list_keys(const Call& call, const std::string& prefix);
Result<Json> count_keys(const Call& call, const std::string& prefix);
Result<Json> get_key(const Call& call, const std::string& key);
Result<Json> put_key(const Call& call, const std::string& key);
Result<Json> remove_key(const Call& call, const std::string& key);
Result<Json> locate_key(const Call& call, const std::string& key);

}  // namespace memoria::control
