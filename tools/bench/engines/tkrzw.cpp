// SPDX-License-Identifier: MIT
#include <tkrzw_dbm_hash.h>

#include <algorithm>

#include "tools/bench/engines/engine.hpp"

namespace memoria::bench {
namespace {

constexpr uint64_t kLeastBuckets = 1 << 20;  // about its own default

Status checked(const tkrzw::Status& status) {
  if (status.IsOK()) return ok();
  return Error(status == tkrzw::Status::BROKEN_DATA_ERROR ? Errc::kCorrupt : Errc::kIo,
               "tkrzw: " + tkrzw::ToString(status));
}

class TkrzwEngine final : public Engine {
 public:
  Status open(const Setup& setup) override {
    tkrzw::HashDBM::TuningParameters tuning;
    tuning.record_crc_mode = tkrzw::HashDBM::RECORD_CRC_32;
    tuning.num_buckets = int64_t(std::max(2 * setup.expected_keys, kLeastBuckets));
    // After a crash, opening restores what it can, by itself.
    return checked(
        db_.OpenAdvanced(setup.directory + "/table.tkh", true, tkrzw::File::OPEN_DEFAULT, tuning));
  }

  Status close() override { return checked(db_.Close()); }

  Status put(std::string_view key, std::string_view value) override {
    return checked(db_.Set(key, value));
  }

  Status put_synced(std::string_view key, std::string_view value) override {
    MEMORIA_TRY(put(key, value));
    return checked(db_.Synchronize(/*hard=*/true));
  }

  Result<bool> get(std::string_view key, std::string& out) override {
    const auto status = db_.Get(key, &out);
    if (status == tkrzw::Status::NOT_FOUND_ERROR) return false;
    MEMORIA_TRY(checked(status));
    return true;
  }

  Status erase(std::string_view key) override {
    const auto status = db_.Remove(key);
    if (status == tkrzw::Status::NOT_FOUND_ERROR) return ok();
    return checked(status);
  }

  Status compact() override { return checked(db_.Rebuild()); }

 private:
  tkrzw::HashDBM db_;
};

}  // namespace

std::unique_ptr<Engine> make_tkrzw() {
  return std::make_unique<TkrzwEngine>();
}

}  // namespace memoria::bench
