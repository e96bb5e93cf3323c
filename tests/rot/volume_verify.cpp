// SPDX-License-Identifier: MIT
#include "tests/rot/volume_verify.hpp"

#include "fs/control/byte_text.hpp"
#include "fs/control/service.hpp"
#include "tests/control/console.hpp"
#include "tests/crash/recording.hpp"

namespace memoria::test {
namespace {

class Paths {
 public:
  explicit Paths(const VolumeBounds& bounds) : bounds_(bounds) {}

  void check(const std::string& key, const std::optional<std::string>& path) const {
    const auto table = Table(key.front());
    const auto ino = key.size() < Key::kPrefix ? 0 : inode_in_key(key);
    const bool of_name = table == Table::kNames && key.size() > Key::kPrefix;
    if (bounds_.of(key) == Hit::kUnknown || !bounds_.ways().contains(ino)) return;
    std::set<std::string> all;
    bool findable = false;
    for (const auto& way : bounds_.ways().at(ino)) {
      const auto slash = way.path == "/" ? "" : "/";
      all.insert(of_name ? way.path + slash + std::string(name_in_key(key)) : way.path);
      findable |= bounds_.way(way, false) == Hit::kNone;
    }
    if (findable && !path) throw Broken("verify names no path for " + *all.begin());
    if (path && bounds_.worst_name() != Hit::kUnknown && !all.contains(*path)) {
      throw Broken("verify names " + *path + " for " + *all.begin());
    }
  }

 private:
  const VolumeBounds& bounds_;
};

}  // namespace

void check_paths(const Json& items, const VolumeBounds& bounds) {
  const Paths paths(bounds);
  for (const auto& item : items) {
    if (!item.contains("key_hex") || !item["live"]) continue;
    const auto key = from_hex(item["key_hex"].get<std::string>());
    if (!key) throw Broken("verify gives no key");
    paths.check(*key, get_bytes(item, "path"));
  }
}

void check_paths(Volume& volume, const VolumeBounds& bounds) {
  ControlService service(volume.store(), &volume, {});
  RecordingSink sink;
  TextSource nothing;
  const auto result =
      expect(service.execute({{"command", "verify"}}, sink, nothing), "the command verify");
  if (result["damaged"] != sink.items.size()) throw Broken("verify counts wrongly");
  check_paths(Json(sink.items), bounds);
}

}  // namespace memoria::test
