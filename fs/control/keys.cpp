// SPDX-License-Identifier: MIT
// ls, get, put, rm and locate of raw keys.
#include <fmt/format.h>

#include <functional>

#include "core/log/record.hpp"
#include "fs/control/byte_text.hpp"
#include "fs/control/commands.hpp"
#include "fs/control/key_text.hpp"

namespace memoria::control {
namespace {

Error no_such_key(const Call& call) {
  return {Errc::kNotFound, fmt::format("no such key in the store {}; `memoria-ctl ls --key` "
                                       "lists those that there are",
                                       call.store.describe())};
}

/// What a volume consists of is not to be edited piecemeal.
Status may_change_keys(const Call& call) {
  if (!holds_volume(call.store)) return ok();
  return Error(Errc::kUnsupported,
               fmt::format("{} holds a volume: changing single keys would break it; name a path",
                           call.store.describe()));
}

Result<std::string> read_value(const Call& call) {
  std::string value;
  for (;;) {
    const size_t before = value.size();
    value.resize(before + kPieceSize);
    MEMORIA_TRY(const size_t got, call.source.read(std::span(value).subspan(before)));
    value.resize(before + got);
    if (value.size() > kMaxValueSize) {
      return Error(Errc::kTooLarge, "the value is longer than the 64 MiB of one put");
    }
    if (got == 0) return value;
    MEMORIA_TRY(call.report("put", value.size(), 0));
  }
}

Json key_item(const KeyInfo& key, bool in_volume) {
  Json item = {{"size", key.size}, {"time", iso_time(int64_t(key.timestamp))}};
  set_bytes(item, "key", key.key);
  if (in_volume) item["what"] = describe_volume_key(key.key);
  return item;
}

/// Shows the keys that begin with `prefix`, and tells how far it is; an error of `visit` ends it.
Status scan(const Call& call, const std::string& prefix, std::string_view phase,
            const std::function<Status(const KeyInfo&)>& visit) {
  const uint64_t total = prefix.empty() ? call.store.count() : 0;
  uint64_t done = 0;
  Status visited = ok();
  MEMORIA_TRY(call.store.scan(prefix, "", [&](const KeyInfo& key) {
    visited = visit(key);
    if (visited) visited = call.report(phase, ++done, total, Progress::Unit::kEntries);
    return visited.has_value();
  }));
  return visited;
}

}  // namespace

Result<Json> list_keys(const Call& call, const std::string& prefix) {
  const bool in_volume = holds_volume(call.store);
  uint64_t count = 0;
  MEMORIA_TRY(scan(call, prefix, "find", [&](const KeyInfo& key) {
    ++count;
    return call.sink.item(key_item(key, in_volume));
  }));
  return Json{{"count", count}};
}

Result<Json> count_keys(const Call& call, const std::string& prefix) {
  uint64_t count = 0, bytes = 0;
  MEMORIA_TRY(scan(call, prefix, "count", [&](const KeyInfo& key) {
    ++count;
    bytes += key.size;
    return ok();
  }));
  return Json{{"count", count}, {"bytes", bytes}};
}

Result<Json> get_key(const Call& call, const std::string& key) {
  const auto size = call.store.size(key);
  if (!size) return no_such_key(call);
  std::string piece(kPieceSize, '\0');
  uint64_t offset = 0;
  for (;;) {
    MEMORIA_TRY(const size_t got, call.store.read_at(key, offset, piece));
    if (got == 0) break;
    MEMORIA_TRY(call.sink.data(std::string_view(piece).substr(0, got)));
    offset += got;
    MEMORIA_TRY(call.report("get", offset, *size));
  }
  return Json{{"size", offset}};
}

Result<Json> put_key(const Call& call, const std::string& key) {
  MEMORIA_TRY(may_change_keys(call));
  MEMORIA_TRY(const auto value, read_value(call));
  MEMORIA_TRY(call.store.put(key, value));
  MEMORIA_TRY(call.store.sync());
  return Json{{"size", value.size()}};
}

Result<Json> remove_key(const Call& call, const std::string& key) {
  MEMORIA_TRY(may_change_keys(call));
  if (!call.store.contains(key)) return no_such_key(call);
  MEMORIA_TRY(call.store.erase(key));
  MEMORIA_TRY(call.store.sync());
  return Json::object();
}

Result<Json> locate_key(const Call& call, const std::string& key) {
  const auto info = call.store.info(key);
  if (!info) return no_such_key(call);
  MEMORIA_TRY(const auto extents, call.store.locate(key));
  for (const auto& extent : extents) MEMORIA_TRY(call.sink.item(extent_item(extent, "key")));
  Json found = {{"of", "key"},
                {"key_hex", to_hex(key)},
                {"size", info->size},
                {"allocated", info->allocated},
                {"time", iso_time(int64_t(info->timestamp))}};
  found["key"] = holds_volume(call.store) ? describe_volume_key(key) : printable(key);
  return Json{{"size", info->size}, {"keys", Json::array({found})}};
}

}  // namespace memoria::control
