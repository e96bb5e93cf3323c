// SPDX-License-Identifier: MIT
#include "fs/control/tree_stream.hpp"

#include <algorithm>

#include "core/base/coding.hpp"
#include "fs/control/byte_text.hpp"

namespace memoria {
namespace {

constexpr size_t kHead = 5;
constexpr size_t kReadAtOnce = 256 << 10;

std::string frame(char type, std::string_view payload) {
  std::string out(1, type);
  append_le<uint32_t>(out, uint32_t(payload.size()));
  out += payload;
  return out;
}

Error wrong(std::string what) {
  return {Errc::kInvalidArgument, "not a tree of files: " + std::move(what)};
}

template <class T>
std::optional<T> number(const Json& json, const char* field) {
  const auto value = json.find(field);
  if (value == json.end() || !value->is_number_integer()) return std::nullopt;
  return value->get<T>();
}

Result<TreeEntry> decode_entry(std::string_view bytes) {
  const auto json = Json::parse(bytes, nullptr, false);
  if (!json.is_object()) return wrong("an entry that is no JSON object");
  TreeEntry entry;
  const auto path = get_bytes(json, "path");
  if (!path) return wrong("an entry without a path");
  entry.path = *path;
  entry.mode = number<mode_t>(json, "mode").value_or(0);
  entry.uid = number<uid_t>(json, "uid");
  entry.gid = number<gid_t>(json, "gid");
  entry.rdev = number<uint64_t>(json, "rdev").value_or(0);
  entry.size = number<uint64_t>(json, "size").value_or(0);
  entry.mtime = number<TimeNs>(json, "mtime");
  entry.atime = number<TimeNs>(json, "atime");
  entry.target = get_bytes(json, "target").value_or("");
  entry.hard_link = get_bytes(json, "hard_link").value_or("");
  const auto xattrs = json.find("xattrs");
  if (xattrs == json.end() || !xattrs->is_array()) return entry;
  for (const auto& xattr : *xattrs) {
    if (!xattr.is_object()) return wrong("an attribute that is no JSON object");
    const auto name = get_bytes(xattr, "name"), value = get_bytes(xattr, "value");
    if (!name || !value) return wrong("an attribute without name or value");
    entry.xattrs.emplace_back(*name, *value);
  }
  return entry;
}

}  // namespace

std::string encode(const TreeEntry& entry) {
  Json json = {{"mode", entry.mode}, {"rdev", entry.rdev}, {"size", entry.size}};
  set_bytes(json, "path", entry.path);
  if (entry.uid) json["uid"] = *entry.uid;
  if (entry.gid) json["gid"] = *entry.gid;
  if (entry.mtime) json["mtime"] = *entry.mtime;
  if (entry.atime) json["atime"] = *entry.atime;
  if (!entry.target.empty()) set_bytes(json, "target", entry.target);
  if (!entry.hard_link.empty()) set_bytes(json, "hard_link", entry.hard_link);
  for (const auto& [name, value] : entry.xattrs) {
    Json xattr;
    set_bytes(xattr, "name", name);
    set_bytes(xattr, "value", value);
    json["xattrs"].push_back(std::move(xattr));
  }
  return frame('E', to_text(json));
}

std::string encode_tree_data(uint64_t offset, std::string_view bytes) {
  std::string payload;
  append_le<uint64_t>(payload, offset);
  payload += bytes;
  return frame('D', payload);
}

std::string encode_tree_end() {
  return frame('Z', {});
}

Status TreeReader::fill(size_t size) {
  payload_.clear();
  while (payload_.size() < size) {  // memory is taken as the bytes come
    const size_t had = payload_.size();
    payload_.resize(had + std::min(kReadAtOnce, size - had));
    MEMORIA_TRY(const size_t got, source_.read(std::span(payload_).subspan(had)));
    payload_.resize(had + got);
    if (got == 0) return wrong("it ends too early");
  }
  return ok();
}

Result<std::optional<TreeFrame>> TreeReader::next() {
  MEMORIA_TRY(fill(kHead));
  const char type = payload_[0];
  const auto length = load_le<uint32_t>(payload_.data() + 1);
  if (length > kMaxTreeFrame) return wrong("a frame that is too long");
  MEMORIA_TRY(fill(length));
  TreeFrame out;
  switch (type) {
    case 'E': {
      MEMORIA_TRY(out.entry, decode_entry(payload_));
      return std::optional(std::move(out));
    }
    case 'D':
      if (length < 8) return wrong("data without an offset");
      out.offset = load_le<uint64_t>(payload_.data());
      out.bytes = std::string_view(payload_).substr(8);
      return std::optional(std::move(out));
    case 'Z': {
      // Whoever sends may give up until the source has ended, too.
      char more = 0;
      MEMORIA_TRY(const size_t got, source_.read({&more, 1}));
      if (got != 0) return wrong("data behind its end");
      return std::optional<TreeFrame>();
    }
    default:
      return wrong("a frame of an unknown type");
  }
}

}  // namespace memoria
