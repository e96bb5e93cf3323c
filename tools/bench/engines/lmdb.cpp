// SPDX-License-Identifier: MIT
#include <lmdb.h>

#include <atomic>
#include <filesystem>
#include <mutex>

#include "tools/bench/engines/engine.hpp"

namespace memoria::bench {
namespace {

constexpr size_t kMapBytes = 64ull << 30;
constexpr unsigned kMaxReaders = 512;

enum class Durable { kNo, kYes };

MDB_val value_of(std::string_view bytes) {
  return {bytes.size(), const_cast<char*>(bytes.data())};
}

Status checked(int code) {
  if (code == MDB_SUCCESS) return ok();
  return Error(code == MDB_CORRUPTED ? Errc::kCorrupt : Errc::kIo,
               std::string("lmdb: ") + mdb_strerror(code));
}

/// One database file, in a directory of its own, with the read transactions of all threads.
class Generation {
 public:
  Generation() {
    static std::atomic<uint64_t> last{0};
    id = ++last;
  }
  ~Generation() {
    for (auto* txn : readers_) mdb_txn_abort(txn);
    if (env != nullptr) mdb_env_close(env);
  }
  Generation(const Generation&) = delete;
  Generation& operator=(const Generation&) = delete;

  Status open(const std::string& directory) {
    std::filesystem::create_directories(directory);
    MEMORIA_TRY(checked(mdb_env_create(&env)));
    MEMORIA_TRY(checked(mdb_env_set_mapsize(env, kMapBytes)));
    MEMORIA_TRY(checked(mdb_env_set_maxreaders(env, kMaxReaders)));
    MEMORIA_TRY(checked(mdb_env_open(env, directory.c_str(), MDB_NOTLS, 0600)));
    MDB_txn* txn = nullptr;
    MEMORIA_TRY(checked(mdb_txn_begin(env, nullptr, 0, &txn)));
    MEMORIA_TRY(checked(mdb_dbi_open(txn, nullptr, 0, &table)));
    return checked(mdb_txn_commit(txn));
  }

  /// For the commits from now on. Not beside a commit.
  Status set_durable(Durable durable) {
    if (durable == durable_) return ok();
    durable_ = durable;
    return checked(mdb_env_set_flags(env, MDB_NOSYNC, durable == Durable::kNo ? 1 : 0));
  }

  /// A fresh view of the database for this thread, to be reset after use. Renewing a thread's
  /// transaction is cheaper than beginning another.
  Result<MDB_txn*> reader() {
    thread_local uint64_t owner = 0;
    thread_local MDB_txn* txn = nullptr;
    if (owner == id) {
      MEMORIA_TRY(checked(mdb_txn_renew(txn)));
      return txn;
    }
    MEMORIA_TRY(checked(mdb_txn_begin(env, nullptr, MDB_RDONLY, &txn)));
    owner = id;
    std::lock_guard lock(mutex_);
    readers_.push_back(txn);
    return txn;
  }

  uint64_t id = 0;  ///< of no other generation of this process
  MDB_env* env = nullptr;
  MDB_dbi table = 0;

 private:
  Durable durable_ = Durable::kYes;
  std::mutex mutex_;               ///< guards readers_
  std::vector<MDB_txn*> readers_;  ///< one for each thread that ever read
};

/// LMDB reuses the pages of what is dead, but gives none back: compact() copies what lives into
/// the next generation, and goes on there. Readers of the former one are not disturbed.
class LmdbEngine final : public Engine {
 public:
  Status open(const Setup& setup) override {
    directory_ = setup.directory;
    while (std::filesystem::exists(path(number_ + 1))) ++number_;
    return add_generation();
  }

  Status close() override {
    current_ = nullptr;
    generations_.clear();
    return ok();
  }

  Status put(std::string_view key, std::string_view value) override {
    return change(Durable::kNo, key, &value);
  }
  Status put_synced(std::string_view key, std::string_view value) override {
    return change(Durable::kYes, key, &value);
  }
  Status erase(std::string_view key) override { return change(Durable::kNo, key, nullptr); }

  Result<bool> get(std::string_view key, std::string& out) override {
    auto& in = *current_.load(std::memory_order_acquire);
    MEMORIA_TRY(MDB_txn * txn, in.reader());
    MDB_val name = value_of(key), found{};
    const int code = mdb_get(txn, in.table, &name, &found);
    if (code == MDB_SUCCESS) out.assign(static_cast<const char*>(found.mv_data), found.mv_size);
    mdb_txn_reset(txn);
    if (code == MDB_NOTFOUND) return false;
    MEMORIA_TRY(checked(code));
    return true;
  }

  Status compact() override {
    std::lock_guard lock(writing_);
    const std::string next = path(number_ + 1);
    std::filesystem::create_directories(next);
    MEMORIA_TRY(checked(mdb_env_copy2(current_.load()->env, next.c_str(), MDB_CP_COMPACT)));
    const std::string former = path(number_);
    ++number_;
    MEMORIA_TRY(add_generation());
    std::filesystem::remove_all(former);
    return ok();
  }

 private:
  std::string path(uint64_t number) const { return directory_ + "/" + std::to_string(number); }

  Status add_generation() {
    auto made = std::make_unique<Generation>();
    MEMORIA_TRY(made->open(path(number_)));
    current_.store(made.get(), std::memory_order_release);
    generations_.push_back(std::move(made));
    return ok();
  }

  /// One transaction; no value: erases.
  Status change(Durable durable, std::string_view key, const std::string_view* value) {
    std::lock_guard lock(writing_);  // LMDB has such a lock, too: nothing is lost
    auto& in = *current_.load();
    MEMORIA_TRY(in.set_durable(durable));
    MDB_txn* txn = nullptr;
    MEMORIA_TRY(checked(mdb_txn_begin(in.env, nullptr, 0, &txn)));
    MDB_val name = value_of(key);
    MDB_val bytes = value_of(value != nullptr ? *value : std::string_view());
    const int code = value != nullptr ? mdb_put(txn, in.table, &name, &bytes, 0)
                                      : mdb_del(txn, in.table, &name, nullptr);
    if (code == MDB_SUCCESS) return checked(mdb_txn_commit(txn));
    mdb_txn_abort(txn);
    return code == MDB_NOTFOUND ? ok() : checked(code);
  }

  std::string directory_;
  uint64_t number_ = 1;  ///< of the newest generation
  std::mutex writing_;
  std::atomic<Generation*> current_{nullptr};
  std::vector<std::unique_ptr<Generation>> generations_;  ///< former ones live until close()
};

}  // namespace

std::unique_ptr<Engine> make_lmdb() {
  return std::make_unique<LmdbEngine>();
}

}  // namespace memoria::bench
