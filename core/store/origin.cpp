// SPDX-License-Identifier: MIT
#include "core/store/origin.hpp"

#include <fmt/format.h>

#include "core/store/snapshots.hpp"

namespace memoria {

StoreOrigin origin_of(const Environment& environment, const Manifest& manifest) {
  StoreOrigin origin;
  if (!manifest.snapshot) return origin;
  origin.kind = manifest.backup ? StoreOrigin::Kind::kBackup : StoreOrigin::Kind::kSnapshot;
  origin.taken_ns = manifest.written_ns;
  const auto path = environment.describe();
  const auto name = path.rfind('/');
  if (manifest.backup || name == std::string::npos) return origin;
  const auto among = fmt::format("/{}", kSnapshotsDirectory);
  const auto parent = path.substr(0, name);
  if (!parent.ends_with(among)) return origin;
  origin.snapshot = path.substr(name + 1);
  origin.store = parent.substr(0, parent.size() - among.size());
  return origin;
}

Error only_read(Environment& environment, const StoreOrigin& origin) {
  const auto place = environment.describe();
  switch (origin.kind) {
    case StoreOrigin::Kind::kSnapshot:
      return {Errc::kReadOnly,
              fmt::format("{} is a snapshot, which never changes; {}", place,
                          origin.store.empty()
                              ? fmt::format("`memoria-ctl restore {} NEWDIR` makes a store to go "
                                            "on with",
                                            place)
                              : fmt::format("change the store that it is of, {}", origin.store))};
    case StoreOrigin::Kind::kBackup:
      return {Errc::kReadOnly,
              fmt::format("{0} is a backup, which only the next backup changes; `memoria-ctl "
                          "restore {0} NEWDIR` makes a store to go on with",
                          place)};
    case StoreOrigin::Kind::kStore:
      break;
  }
  const auto space = environment.space();
  if (space.has_value() && space.value().read_only) {
    return {Errc::kReadOnly,
            fmt::format("{} is on a read-only disk, on which nothing can be changed; have the disk "
                        "mounted for writing",
                        place)};
  }
  return {Errc::kReadOnly, fmt::format("{} was opened read-only; open it for writing", place)};
}

}  // namespace memoria
