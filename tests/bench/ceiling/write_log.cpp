// SPDX-License-Identifier: MIT
#include "tests/bench/ceiling/write_log.hpp"

#include <fcntl.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>
#include <utility>

namespace memoria::ceiling {
namespace {

constexpr uint64_t kWritebackBytes = 4 << 20;

}  // namespace

Result<std::unique_ptr<WriteLog>> WriteLog::create(const std::string& path, uint64_t ahead) {
  UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!file) return Error::posix(errno);
  return std::unique_ptr<WriteLog>(new WriteLog(std::move(file), ahead));
}

Status WriteLog::append(std::string_view bytes) {
  const Lock lock(mutex_);
  const uint64_t end = end_ + bytes.size();
  const uint64_t prepared =
      end > prepared_ ? (end + ahead_ + kUnit - 1) / kUnit * kUnit : prepared_;
  const size_t more = end > prepared_ ? prepared - end : 0;
  const std::array<iovec, 2> parts{
      {{const_cast<char*>(bytes.data()), bytes.size()}, {const_cast<char*>(zeros_.data()), more}}};
  const ssize_t written = ::pwritev(file_.get(), parts.data(), more > 0 ? 2 : 1, off_t(end_));
  if (written != ssize_t(bytes.size() + more)) return Error::posix(written < 0 ? errno : ENOSPC);
  end_ = end;
  prepared_ = prepared;
  // So the kernel need not slow writers down because too much waits for the disk.
  const uint64_t whole = end / kUnit * kUnit;
  if (whole - begun_ >= kWritebackBytes) {
    ::sync_file_range(file_.get(), off_t(begun_), off_t(whole - begun_), SYNC_FILE_RANGE_WRITE);
    begun_ = whole;
  }
  return ok();
}

Status WriteLog::sync() {
  const auto end = [this] {
    const Lock lock(mutex_);
    return end_;
  };
  const uint64_t wanted = end();
  const Lock lock(sync_mutex_);
  if (durable_ >= wanted) return ok();
  const uint64_t reached = end();
  if (::fdatasync(file_.get()) != 0) return Error::posix(errno);
  durable_ = reached;
  return ok();
}

}  // namespace memoria::ceiling
