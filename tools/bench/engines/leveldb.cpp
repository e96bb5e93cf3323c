// SPDX-License-Identifier: MIT
#include <leveldb/cache.h>
#include <leveldb/db.h>
#include <leveldb/filter_policy.h>

#include "tools/bench/engines/engine.hpp"

namespace memoria::bench {
namespace {

constexpr size_t kWriteBufferBytes = 16 << 20;  // the default of 4 MiB is for small machines
constexpr size_t kCacheBytes = 128 << 20;
constexpr int kFilterBitsPerKey = 10;

leveldb::Slice slice(std::string_view bytes) {
  return {bytes.data(), bytes.size()};
}

Status checked(const leveldb::Status& status) {
  if (status.ok()) return ok();
  return Error(status.IsCorruption() ? Errc::kCorrupt : Errc::kIo, "leveldb: " + status.ToString());
}

class LevelDbEngine final : public Engine {
 public:
  LevelDbEngine() {
    synced_.sync = true;
    verified_.verify_checksums = true;
  }

  Status open(const Setup& setup) override {
    leveldb::Options options;
    options.create_if_missing = true;
    options.compression = leveldb::kNoCompression;
    options.write_buffer_size = kWriteBufferBytes;
    options.block_cache = cache_.get();
    options.filter_policy = filter_.get();
    leveldb::DB* db = nullptr;
    MEMORIA_TRY(checked(leveldb::DB::Open(options, setup.directory, &db)));
    db_.reset(db);
    return ok();
  }

  Status close() override {
    db_.reset();
    return ok();
  }

  Status put(std::string_view key, std::string_view value) override {
    return checked(db_->Put({}, slice(key), slice(value)));
  }

  Status put_synced(std::string_view key, std::string_view value) override {
    return checked(db_->Put(synced_, slice(key), slice(value)));
  }

  Result<bool> get(std::string_view key, std::string& out) override {
    const auto status = db_->Get(verified_, slice(key), &out);
    if (status.IsNotFound()) return false;
    MEMORIA_TRY(checked(status));
    return true;
  }

  Status erase(std::string_view key) override { return checked(db_->Delete({}, slice(key))); }

  Status compact() override {
    db_->CompactRange(nullptr, nullptr);
    return ok();
  }

 private:
  leveldb::WriteOptions synced_;
  leveldb::ReadOptions verified_;
  std::unique_ptr<leveldb::Cache> cache_{leveldb::NewLRUCache(kCacheBytes)};
  std::unique_ptr<const leveldb::FilterPolicy> filter_{
      leveldb::NewBloomFilterPolicy(kFilterBitsPerKey)};
  std::unique_ptr<leveldb::DB> db_;  // before the others in destruction: it uses them
};

}  // namespace

std::unique_ptr<Engine> make_leveldb() {
  return std::make_unique<LevelDbEngine>();
}

}  // namespace memoria::bench
