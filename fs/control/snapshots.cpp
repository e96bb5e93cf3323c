// SPDX-License-Identifier: MIT
// The commands `snapshot create`, `list` and `delete`.
#include "fs/control/byte_text.hpp"
#include "fs/control/commands.hpp"

namespace memoria::control {
namespace {

Json snapshot_item(const SnapshotInfo& snapshot) {
  Json item = {{"damaged", snapshot.damaged}};
  if (!snapshot.damaged) {  // else nobody knows
    item["created"] = iso_time(int64_t(snapshot.created_ns));
    item["segments"] = snapshot.segments;
    item["bytes"] = snapshot.bytes;
    item["own_bytes"] = snapshot.own_bytes;
  }
  set_bytes(item, "name", snapshot.name);
  return item;
}

Result<std::string> name_of(const Call& call) {
  if (auto name = call.name()) return *std::move(name);
  return Error(Errc::kInvalidArgument, "the snapshot needs a name");
}

}  // namespace

Result<Json> create_snapshot(const Call& call) {
  MEMORIA_TRY(const auto name, name_of(call));
  MEMORIA_TRY(const auto made, call.volume != nullptr ? call.volume->create_snapshot(name)
                                                      : call.store.create_snapshot(name));
  return snapshot_item(made);
}

Result<Json> list_snapshots(const Call& call) {
  MEMORIA_TRY(const auto snapshots, call.store.snapshots());
  for (const auto& snapshot : snapshots) MEMORIA_TRY(call.sink.item(snapshot_item(snapshot)));
  return Json{{"count", snapshots.size()}};
}

Result<Json> remove_snapshot(const Call& call) {
  MEMORIA_TRY(const auto name, name_of(call));
  MEMORIA_TRY(call.volume != nullptr ? call.volume->remove_snapshot(name)
                                     : call.store.remove_snapshot(name));
  return Json::object();
}

}  // namespace memoria::control
