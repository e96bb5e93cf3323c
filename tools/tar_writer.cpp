// SPDX-License-Identifier: MIT
#include "tools/tar_writer.hpp"

#include <fmt/format.h>

#include <sys/mman.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <new>
#include <span>
#include <system_error>

namespace memoria::ctl {
namespace {

constexpr size_t kWaiting = 64 << 10;
constexpr size_t kTarBlock = 512;
constexpr size_t kTarRecord = 20 * kTarBlock;  // the length of an archive is a multiple of it

constexpr size_t kMostZeros = size_t{1} << 31;  // libarchive takes a byte less at once
constexpr size_t kLeastZeros = 64 << 10;
constexpr size_t kCallsUntold = 4096;  // some tens of microseconds

// The fields of a header: where they begin, and their bytes.
constexpr size_t kModeAt = 100, kModeSize = 8;
constexpr size_t kSizeAt = 124, kSizeSize = 12;
constexpr size_t kChecksumAt = 148, kChecksumSize = 8;
constexpr size_t kTypeAt = 156;

size_t rounded_up(size_t size, size_t unit) {
  return (size + unit - 1) / unit * unit;
}

/// Where the header of the file itself is in what libarchive wrote for it: behind its pax records,
/// whose headers have types of their own. npos: there is none.
size_t file_header(std::string_view blocks) {
  for (size_t at = 0; at + kTarBlock <= blocks.size();) {
    const char type = blocks[at + kTypeAt];
    if (type != 'x' && type != 'g') return at;
    const auto digits = blocks.substr(at + kSizeAt, kSizeSize);
    size_t size = 0;
    if (std::from_chars(digits.begin(), digits.end(), size, 8).ec != std::errc()) break;
    at += kTarBlock + rounded_up(size, kTarBlock);
  }
  return std::string_view::npos;
}

void set_mode(std::span<char> header, mode_t mode) {
  fmt::format_to_n(header.data() + kModeAt, kModeSize, "{:06o} {}", mode & 07777, '\0');
  const auto checksum = header.subspan(kChecksumAt, kChecksumSize);
  std::fill(checksum.begin(), checksum.end(), ' ');  // as it counts in its own sum
  uint32_t sum = 0;
  for (const char byte : header.first(kTarBlock)) sum += uint8_t(byte);
  fmt::format_to_n(checksum.data(), kChecksumSize, "{:06o}{} ", sum, '\0');
}

}  // namespace

ZeroPages::ZeroPages() : at_(MAP_FAILED), size_(kMostZeros) {
  for (; size_ >= kLeastZeros; size_ /= 2) {
    at_ = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at_ != MAP_FAILED) return;
  }
  throw std::bad_alloc();
}

ZeroPages::~ZeroPages() {
  ::munmap(at_, size_);
}

la_ssize_t TarWriter::take(archive*, void* self, const void* bytes, size_t size) {
  static_cast<TarWriter*>(self)->waiting_.append(static_cast<const char*>(bytes), size);
  return la_ssize_t(size);
}

Result<std::unique_ptr<TarWriter>> TarWriter::open(Output output) {
  std::unique_ptr<TarWriter> out(new TarWriter(std::move(output)));
  auto* writer = archive_write_new();
  out->writer_.reset(writer);
  // Libarchive writes attributes in a way of its own as well, of which GNU tar complains; and it
  // must keep nothing back, so that begin() finds the header.
  if (archive_write_set_format_pax(writer) != ARCHIVE_OK ||
      archive_write_set_format_option(writer, "pax", "xattrheader", "SCHILY") != ARCHIVE_OK ||
      archive_write_set_bytes_per_block(writer, 0) != ARCHIVE_OK ||
      archive_write_open2(writer, out.get(), nullptr, take, nullptr, nullptr) != ARCHIVE_OK) {
    return out->failure();
  }
  return out;
}

Error TarWriter::failure() {
  const char* text = archive_error_string(writer_.get());
  return {Errc::kIo, fmt::format("libarchive: {}", text != nullptr ? text : "no reason given")};
}

Status TarWriter::pass_on() {
  MEMORIA_TRY(output_(waiting_));
  passed_on_ += waiting_.size();
  waiting_.clear();
  return ok();
}

Status TarWriter::begin(archive_entry* e, mode_t mode) {
  // The end of the file before, so that what comes then is all of this one.
  if (archive_write_finish_entry(writer_.get()) < ARCHIVE_WARN) return failure();
  const size_t begin = waiting_.size();
  // A warning: a name that is not UTF-8 is written as the bytes that it is.
  if (archive_write_header(writer_.get(), e) < ARCHIVE_WARN) return failure();
  const auto at = file_header(std::string_view(waiting_).substr(begin));
  if (at == std::string_view::npos) return Error(Errc::kIo, "libarchive wrote no tar header");
  set_mode(std::span(waiting_).subspan(begin + at, kTarBlock), mode);
  return waiting_.size() < kWaiting ? ok() : pass_on();
}

Status TarWriter::data(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto n = archive_write_data(writer_.get(), bytes.data(), bytes.size());
    if (n <= 0) return failure();
    bytes.remove_prefix(size_t(n));
  }
  return waiting_.size() < kWaiting ? ok() : pass_on();
}

Status TarWriter::hole(uint64_t length, const std::function<Status(uint64_t)>& passed) {
  uint64_t untold = 0;
  for (size_t calls = 1; length > 0; ++calls) {
    const auto piece = zeros_.view().substr(0, size_t(std::min<uint64_t>(length, kMostZeros)));
    const auto n = archive_write_data(writer_.get(), piece.data(), piece.size());
    if (n <= 0) return failure();
    length -= uint64_t(n);
    untold += uint64_t(n);
    if (length > 0 && calls % kCallsUntold != 0) continue;
    MEMORIA_TRY(passed(untold));
    untold = 0;
  }
  return waiting_.size() < kWaiting ? ok() : pass_on();
}

Status TarWriter::finish() {
  if (archive_write_close(writer_.get()) != ARCHIVE_OK) return failure();
  const uint64_t size = passed_on_ + waiting_.size();
  waiting_.resize(waiting_.size() + (rounded_up(size, kTarRecord) - size));
  return pass_on();
}

}  // namespace memoria::ctl
