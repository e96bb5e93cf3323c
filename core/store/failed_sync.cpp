// SPDX-License-Identifier: MIT
#include "core/store/failed_sync.hpp"

#include <algorithm>
#include <span>
#include <string>

namespace memoria {

void note_failed_sync(Environment& environment) {
  (void)environment.create(kFailedSyncFile);
}

bool has_failed_sync(Environment& environment) {
  const auto file = environment.open(kFailedSyncFile, Environment::Access::kRead);
  return file.has_value() || file.error().code != Errc::kNotFound;
}

void forget_failed_sync(Environment& environment) {
  (void)environment.remove(kFailedSyncFile);  // else the next opening writes once more
}

Status write_again(File& file, uint64_t size) {
  constexpr uint64_t kAtOnce = 1 << 20;
  std::string bytes(std::min(kAtOnce, size), '\0');
  for (uint64_t at = 0; at < size; at += kAtOnce) {
    const auto part = std::span(bytes).first(size_t(std::min(kAtOnce, size - at)));
    const auto got = file.read(at, part);
    if (!got.has_value()) continue;
    const iovec parts[] = {{part.data(), got.value()}};
    MEMORIA_TRY(file.write(at, parts));
  }
  return ok();
}

}  // namespace memoria
