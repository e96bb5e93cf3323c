// SPDX-License-Identifier: MIT
#include "core/store/files_left.hpp"

#include <string>

#include "core/io/whole_file.hpp"

namespace memoria {

Result<std::optional<uint64_t>> files_left(Environment& environment) {
  MEMORIA_TRY(const Space space, environment.space());
  if (space.total_files == 0) return std::optional<uint64_t>();
  if (space.free_files > 0) return std::optional(space.free_files);
  // Some filesystems say that none is left, and make one all the same.
  const auto probe = "probe" + std::string(kTemporarySuffix);
  (void)environment.remove(probe);
  const auto made = environment.create(probe);
  // Another thread may have made it.
  if (!made.has_value() && made.error().code != Errc::kExists) return std::optional<uint64_t>(0);
  (void)environment.remove(probe);
  return std::optional<uint64_t>();
}

}  // namespace memoria
