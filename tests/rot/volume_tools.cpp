// SPDX-License-Identifier: MIT
#include "tests/rot/volume_tools.hpp"

#include <boost/filesystem.hpp>

#include "tests/control/console.hpp"
#include "tests/crash/recording.hpp"
#include "tests/rot/store_check.hpp"
#include "tests/rot/volume_verify.hpp"
#include "tests/support/save_image.hpp"
#include "tests/support/temporary_directory.hpp"

namespace memoria::test {
namespace {

constexpr int kDone = 0, kDamage = 6;  // README, "Exit codes"

/// Runs it; what it tells.
Json tell(const std::vector<std::string>& arguments, std::vector<int> allowed) {
  const auto ran = run_ctl(arguments);
  if (std::find(allowed.begin(), allowed.end(), ran.code) == allowed.end()) {
    throw Broken("memoria-ctl " + arguments[1] + " ends with " + std::to_string(ran.code) + ": " +
                 ran.err);
  }
  return ran.out.empty() ? Json() : Json::parse(ran.out);
}

/// Nothing was changed below `directory`, and nothing was added.
void check_unchanged(const Image& image, const std::string& directory) {
  namespace fs = boost::filesystem;
  for (const auto& [name, bytes] : image) {
    if (!name.ends_with('/') && read_whole_file(directory + "/" + name) != bytes) {
      throw Broken("memoria-ctl repair has changed " + name);
    }
  }
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    const auto name = entry.path().string().substr(directory.size() + 1);
    if (fs::is_regular_file(entry) && name != "lock" && !image.contains(name)) {
      throw Broken("memoria-ctl repair has made " + name);
    }
  }
}

std::vector<Damage> damages_of(const Json& items) {
  std::vector<Damage> out;
  for (const auto& item : items) {
    Damage damage;
    damage.segment = std::stoull(item["segment"].get<std::string>());
    damage.offset = item["offset"];
    damage.length = item["length"];
    damage.reason = item["reason"];
    out.push_back(damage);
  }
  return out;
}

}  // namespace

void check_tools(const Image& after, const VolumeBounds& bounds, bool opens) {
  const TemporaryDirectory place;
  const auto data = place.path("data"), repaired = place.path("repaired");
  save_image(after, data);
  const auto saved = tell({"--json", "repair", data, repaired}, {kDone, kDamage});
  check_unchanged(after, data);
  if (!opens) {
    if (boost::filesystem::exists(repaired)) throw Broken("a store that is refused is repaired");
    tell({"--json", "verify", data}, {kDamage});
    return;
  }
  const int code = saved["clean"] ? kDone : kDamage;
  boost::filesystem::remove_all(repaired);
  tell({"--json", "repair", data, repaired}, {code});
  tell({"--json", "verify", repaired}, {kDone});

  const auto hits = bounds.bounds().hits();
  const auto found = tell({"--json", "verify", data}, {kDone, kDamage});
  if (bounds.bounds().has_tail()) return;
  check_damages(bounds.bounds(), damages_of(found["damages"]));
  check_paths(found["damages"], bounds);
  // A damaged hint is told once: opening has had it written anew.
  tell({"--json", "verify", data}, {found["damages"].empty() ? kDone : kDamage});
  if (!hits.empty() && found["clean"]) throw Broken("memoria-ctl verify finds nothing");
}

}  // namespace memoria::test
