// SPDX-License-Identifier: MIT
// The ceiling: one file, one pwrite for each record, a checksum, and a hash table from the hash of
// the key to the place of its record. No rotation, no locks, no free space to watch, no merge.
#include <absl/container/flat_hash_map.h>
#include <absl/hash/hash.h>
#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "core/base/crc32c.hpp"
#include "tools/bench/engines/engine.hpp"

namespace memoria::bench {
namespace {

constexpr uint32_t kErased = ~0u;      // as the size of the value
constexpr size_t kCopiedBytes = 4096;  // up to here, copying is cheaper than a second buffer

struct Header {
  uint32_t checksum = 0;  ///< of all that follows
  uint32_t key_bytes = 0;
  uint32_t value_bytes = 0;
};
static_assert(sizeof(Header) == 12);

struct Place {
  uint64_t offset = 0;
  uint32_t value_bytes = 0;
};

class RawLog final : public Engine {
 public:
  ~RawLog() override {
    if (fd_ >= 0) ::close(fd_);
  }

  Status open(const Setup& setup) override {
    path_ = setup.directory + "/log";
    fd_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd_ < 0) return failed("open");
    places_.reserve(setup.expected_keys);
    return recover();
  }

  Status close() override {
    places_.clear();
    end_ = 0;
    const int fd = std::exchange(fd_, -1);
    return ::close(fd) == 0 ? ok() : Status(failed("close"));
  }

  Status put(std::string_view key, std::string_view value) override {
    MEMORIA_TRY(append(key, value, uint32_t(value.size())));
    places_[hash(key)] = {end_, uint32_t(value.size())};
    end_ += sizeof(Header) + key.size() + value.size();
    return ok();
  }

  Status put_synced(std::string_view key, std::string_view value) override {
    MEMORIA_TRY(put(key, value));
    return ::fdatasync(fd_) == 0 ? ok() : Status(failed("fdatasync"));
  }

  Status erase(std::string_view key) override {
    MEMORIA_TRY(append(key, {}, kErased));
    places_.erase(hash(key));
    end_ += sizeof(Header) + key.size();
    return ok();
  }

  Result<bool> get(std::string_view key, std::string& out) override {
    const auto found = places_.find(hash(key));
    if (found == places_.end()) return false;
    const auto [offset, value_bytes] = found->second;
    thread_local std::string head;
    head.resize(sizeof(Header) + key.size());
    out.resize(value_bytes);
    const std::array<iovec, 2> parts{{{head.data(), head.size()}, {out.data(), out.size()}}};
    if (::preadv(fd_, parts.data(), 2, off_t(offset)) != ssize_t(head.size() + out.size())) {
      return failed("preadv");
    }
    if (!intact(head, out)) return Error(Errc::kCorrupt, "raw: a checksum is wrong");
    return std::string_view(head).substr(sizeof(Header)) == key;
  }

  Status compact() override { return Error(Errc::kUnsupported, "raw: has no merge"); }

 private:
  static uint64_t hash(std::string_view key) { return absl::Hash<std::string_view>()(key); }

  Error failed(const char* what) const { return Error::from_errno(errno, what, path_); }

  static bool intact(std::string_view head, std::string_view value) {
    uint32_t checksum = 0;
    std::memcpy(&checksum, head.data(), sizeof checksum);
    return crc32c(value, crc32c(head.substr(sizeof checksum))) == checksum;
  }

  Status append(std::string_view key, std::string_view value, uint32_t value_bytes) {
    Header header{0, uint32_t(key.size()), value_bytes};
    std::string& head = buffer_;
    head.assign(reinterpret_cast<const char*>(&header), sizeof header);
    head += key;
    if (value.size() <= kCopiedBytes) {
      head += value;
      value = {};
    }
    const uint32_t checksum =
        crc32c(value, crc32c(std::string_view(head).substr(sizeof header.checksum)));
    std::memcpy(head.data(), &checksum, sizeof checksum);
    const std::array<iovec, 2> parts{
        {{head.data(), head.size()}, {const_cast<char*>(value.data()), value.size()}}};
    const auto written = value.empty()
                             ? ::pwrite(fd_, head.data(), head.size(), off_t(end_))
                             : ::pwritev(fd_, parts.data(), int(parts.size()), off_t(end_));
    return written == ssize_t(head.size() + value.size()) ? Status(ok()) : failed("pwrite");
  }

  /// Fills the table from the file.
  Status recover() {
    Header header;
    std::string key;
    while (::pread(fd_, &header, sizeof header, off_t(end_)) == ssize_t(sizeof header)) {
      key.resize(header.key_bytes);
      if (::pread(fd_, key.data(), key.size(), off_t(end_ + sizeof header)) !=
          ssize_t(key.size())) {
        return failed("pread");
      }
      const bool erased = header.value_bytes == kErased;
      if (erased) places_.erase(hash(key));
      if (!erased) places_[hash(key)] = {end_, header.value_bytes};
      end_ += sizeof header + key.size() + (erased ? 0 : header.value_bytes);
    }
    return ok();
  }

  std::string path_;
  int fd_ = -1;
  uint64_t end_ = 0;
  std::string buffer_;
  absl::flat_hash_map<uint64_t, Place> places_;
};

}  // namespace

std::unique_ptr<Engine> make_raw() {
  return std::make_unique<RawLog>();
}

}  // namespace memoria::bench
