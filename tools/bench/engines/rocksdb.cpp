// SPDX-License-Identifier: MIT
#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>

#include <thread>

#include "tools/bench/engines/engine.hpp"

namespace memoria::bench {
namespace {

constexpr size_t kCacheBytes = 128 << 20;
constexpr double kFilterBitsPerKey = 10;

rocksdb::Slice slice(std::string_view bytes) {
  return {bytes.data(), bytes.size()};
}

Status checked(const rocksdb::Status& status) {
  if (status.ok()) return ok();
  return Error(status.IsCorruption() ? Errc::kCorrupt : Errc::kIo, "rocksdb: " + status.ToString());
}

class RocksDbEngine final : public Engine {
 public:
  RocksDbEngine() { synced_.sync = true; }

  Status open(const Setup& setup) override {
    rocksdb::BlockBasedTableOptions table;
    table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(kFilterBitsPerKey));
    table.block_cache = rocksdb::NewLRUCache(kCacheBytes);
    rocksdb::Options options;
    options.create_if_missing = true;
    options.compression = rocksdb::kNoCompression;
    options.IncreaseParallelism(int(std::thread::hardware_concurrency()));
    options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
    rocksdb::DB* db = nullptr;
    MEMORIA_TRY(checked(rocksdb::DB::Open(options, setup.directory, &db)));
    db_.reset(db);
    return ok();
  }

  Status close() override {
    auto status = checked(db_->Close());
    db_.reset();
    return status;
  }

  Status put(std::string_view key, std::string_view value) override {
    return checked(db_->Put({}, slice(key), slice(value)));
  }

  Status put_synced(std::string_view key, std::string_view value) override {
    return checked(db_->Put(synced_, slice(key), slice(value)));
  }

  Result<bool> get(std::string_view key, std::string& out) override {
    const auto status = db_->Get({}, slice(key), &out);  // verifies checksums by default
    if (status.IsNotFound()) return false;
    MEMORIA_TRY(checked(status));
    return true;
  }

  Status erase(std::string_view key) override { return checked(db_->Delete({}, slice(key))); }

  Status compact() override {
    rocksdb::CompactRangeOptions options;
    options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForceOptimized;
    return checked(db_->CompactRange(options, nullptr, nullptr));
  }

 private:
  rocksdb::WriteOptions synced_;
  std::unique_ptr<rocksdb::DB> db_;
};

}  // namespace

std::unique_ptr<Engine> make_rocksdb() {
  return std::make_unique<RocksDbEngine>();
}

}  // namespace memoria::bench
