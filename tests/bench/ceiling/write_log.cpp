// SPDX-License-Identifier: MIT
#include "tests/bench/ceiling/write_log.hpp"

#include <fcntl.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>
#include <utility>

namespace memoria::ceiling {
namespace {

constexpr size_t kUnit = 64 << 10;
constexpr uint64_t kWritebackBytes = 4 << 20;

}  // namespace

Result<std::unique_ptr<WriteLog>> WriteLog::create(const std::string& path) {
  UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!file) return Error::posix(errno);
  return std::unique_ptr<WriteLog>(new WriteLog(std::move(file)));
}

Status WriteLog::append(std::string_view bytes) {
  static const std::array<char, kUnit> zeros{};
  const Lock lock(mutex_);
  const uint64_t end = end_ + bytes.size();
  const uint64_t prepared = end > prepared_ ? (end + kUnit - 1) / kUnit * kUnit : prepared_;
  const size_t more = end > prepared_ ? prepared - end : 0;
  const std::array<iovec, 2> parts{
      {{const_cast<char*>(bytes.data()), bytes.size()}, {const_cast<char*>(zeros.data()), more}}};
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

}  // namespace memoria::ceiling
