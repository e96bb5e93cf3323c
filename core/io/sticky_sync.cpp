// SPDX-License-Identifier: MIT
#include "core/io/sticky_sync.hpp"

#include <utility>

namespace memoria {

void StickySyncFile::on_first_sync(std::function<Status()> f) {
  const Lock lock(mutex_);
  first_ = std::move(f);
}

Status StickySyncFile::sync() {
  const Lock lock(mutex_);
  if (synced_.has_value()) synced_ = file_->sync();
  if (synced_.has_value() && first_) synced_ = std::exchange(first_, nullptr)();
  return synced_;
}

}  // namespace memoria
