// SPDX-License-Identifier: MIT
#include "core/store/store.hpp"
#include "tools/bench/engines/engine.hpp"

namespace memoria::bench {
namespace {

class MemoriaEngine final : public Engine {
 public:
  Status open(const Setup& setup) override {
    Options options;
    // The default interval is longer than a run: with it the background merge would never take
    // part.
    options.segment.merge_check_interval =
        std::chrono::milliseconds(setup.background_merge ? 500 : 0);
    MEMORIA_TRY(auto place, open_directory(setup.directory, true));
    MEMORIA_TRY(store_, Store::open(place, options));
    return ok();
  }

  Status close() override {
    auto status = store_->close();
    store_.reset();
    return status;
  }

  Status put(std::string_view key, std::string_view value) override {
    return store_->put(key, value);
  }

  Status put_synced(std::string_view key, std::string_view value) override {
    return store_->put(key, value, {.sync = true});
  }

  Result<bool> get(std::string_view key, std::string& out) override {
    auto value = store_->get(key);
    if (!value.has_value()) {
      if (value.error().code == Errc::kNotFound) return false;
      return std::move(value).error();
    }
    out = std::move(value).value();
    return true;
  }

  Status erase(std::string_view key) override { return store_->erase(key); }

  Status compact() override {
    MEMORIA_TRY(store_->merge({.all = true}));
    return ok();
  }

 private:
  std::unique_ptr<Store> store_;
};

}  // namespace

std::unique_ptr<Engine> make_memoria() {
  return std::make_unique<MemoriaEngine>();
}

}  // namespace memoria::bench
