// SPDX-License-Identifier: MIT
// A store that comes into being whole: under another name until it is complete.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "core/base/result.hpp"
#include "core/store/store.hpp"

namespace memoria::ctl {

/// Made as `PATH.unfinished` and renamed at the end; without finish() it goes again.
class NewStore {
 public:
  /// `path` must not be there, or be an empty directory. kExists, kIo ...
  static Result<NewStore> make(const std::string& path, Logger logger);
  NewStore(NewStore&& other) noexcept
      : path_(std::move(other.path_)),
        unfinished_(std::exchange(other.unfinished_, {})),
        store_(std::move(other.store_)) {}
  NewStore& operator=(NewStore&&) = delete;
  ~NewStore();

  Store& store() { return *store_; }
  /// Gives it a file memoria.toml.
  Status add_settings(std::string_view text);
  /// Makes it durable, reads all of it again (kCorrupt: the disk does not keep what it is given),
  /// and gives it its name.
  Status finish(const ProgressFn& progress);

 private:
  NewStore() = default;

  std::string path_, unfinished_;
  std::unique_ptr<Store> store_;
};

}  // namespace memoria::ctl
