// SPDX-License-Identifier: MIT
// A file whose sync, once it has failed, never succeeds again.
#pragma once

#include <functional>
#include <memory>

#include "core/base/mutex.hpp"
#include "core/io/environment.hpp"

namespace memoria {

/// The kernel tells of a failed write-back once, to one of those who sync the descriptor, and the
/// next success would be a lie. Here each hears of it: those who sync at the same time do it one
/// after the other, and after a failure all get that.
class StickySyncFile final : public File {
 public:
  explicit StickySyncFile(std::unique_ptr<File> file) : file_(std::move(file)) {}

  /// What the first sync has to do besides, once the file itself is durable. Set before anybody
  /// else has the file; called at most once, and let go of afterwards. May not sync the file.
  void on_first_sync(std::function<Status()> f);

  Result<size_t> read(uint64_t offset, std::span<char> out) const override {
    return file_->read(offset, out);
  }
  Status write(uint64_t offset, std::span<const iovec> parts) override {
    return file_->write(offset, parts);
  }
  Status sync() override;
  void start_writeback(uint64_t offset, uint64_t length) override {
    file_->start_writeback(offset, length);
  }
  Status truncate(uint64_t size) override { return file_->truncate(size); }
  Result<uint64_t> size() const override { return file_->size(); }

 private:
  const std::unique_ptr<File> file_;
  Mutex mutex_;  // held during a sync: nobody else needs it
  Status synced_ GUARDED_BY(mutex_) = ok();
  std::function<Status()> first_ GUARDED_BY(mutex_);
};

}  // namespace memoria
