// SPDX-License-Identifier: MIT
#include "core/io/sticky_sync.hpp"

#include <utility>

#include "core/base/mutex.hpp"

namespace memoria {
namespace {

class StickySyncFile final : public File {
 public:
  explicit StickySyncFile(std::unique_ptr<File> file) : file_(std::move(file)) {}

  Result<size_t> read(uint64_t offset, std::span<char> out) const override {
    return file_->read(offset, out);
  }
  Status write(uint64_t offset, std::span<const iovec> parts) override {
    return file_->write(offset, parts);
  }
  Status sync() override {
    const Lock lock(mutex_);
    if (synced_.has_value()) synced_ = file_->sync();
    return synced_;
  }
  void start_writeback(uint64_t offset, uint64_t length) override {
    file_->start_writeback(offset, length);
  }
  Status truncate(uint64_t size) override { return file_->truncate(size); }
  Result<uint64_t> size() const override { return file_->size(); }

 private:
  const std::unique_ptr<File> file_;
  Mutex mutex_;  // held during a sync: nobody else needs it
  Status synced_ GUARDED_BY(mutex_) = ok();
};

}  // namespace

std::unique_ptr<File> with_sticky_sync(std::unique_ptr<File> file) {
  return std::make_unique<StickySyncFile>(std::move(file));
}

}  // namespace memoria
