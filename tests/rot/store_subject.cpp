// SPDX-License-Identifier: MIT
// A store after puts, patches, batches, rotation, consolidation, merges and snapshots.
#include "core/store/store.hpp"
#include "tests/rot/store_check.hpp"
#include "tests/support/random_operations.hpp"
#include "tests/support/simulated_environment.hpp"

namespace memoria::test {
namespace {

constexpr uint64_t kKeys = 24;

class StoreSubject final : public RotSubject {
 public:
  explicit StoreSubject(uint64_t seed);

  const Image& image() const override { return image_; }
  void check(const Image& after, Random& random, RotTally& tally) const override;

 private:
  void work(Store& store, uint64_t seed);
  void put_large(Store& store, Contents& model, const std::string& key);

  Random random_;
  Options options_;
  Image image_;
  std::vector<std::string> snapshots_;
};

StoreSubject::StoreSubject(uint64_t seed) : random_(seed) {
  options_.segment.max_size = random_.between(2 << 10, 32 << 10);
  options_.segment.merge_check_interval = std::chrono::milliseconds(0);
  options_.sync_policy = SyncPolicy::kNever;
  options_.reserve_bytes = 0;
  options_.recovery_threads = 1;
  options_.inline_limit = random_.below(2) * 80;
  const auto environment = SimulatedEnvironment::make();
  const auto store = expect(Store::open(environment, options_), "a new store");
  work(*store, seed);
  expect(store->close(), "close");
  image_ = environment->image();
}

void StoreSubject::work(Store& store, uint64_t seed) {
  RandomOperations operations(seed + 1, kKeys);
  Contents model;
  for (uint64_t i = random_.between(20, 150); i > 0; --i) {
    const auto operation = operations.next(model);
    operation.perform(model);
    expect(operation.perform(store), "a change");
    if (random_.one_in(12)) put_large(store, model, operations.key());
    if (random_.one_in(25)) {
      expect(store.merge({.min_dead = double(random_.below(8)) / 10}), "merge");
    }
    if (random_.one_in(60)) expect(store.merge({.all = true}), "merge");
    if (random_.one_in(50)) {
      snapshots_.push_back("s" + std::to_string(snapshots_.size()));
      expect(store.create_snapshot(snapshots_.back()), "making a snapshot");
    }
  }
}

/// Of several blocks, so that a part of it can be hit.
void StoreSubject::put_large(Store& store, Contents& model, const std::string& key) {
  model[key] = random_.bytes(random_.between(200, 60'000));
  expect(store.put(key, model[key]), "a put");
}

void StoreSubject::check(const Image& after, Random& random, RotTally& tally) const {
  const auto before = files_below(image_, "");
  tally.refused += !check_store(before, files_below(after, ""), options_, random, tally);
  for (const auto& name : snapshots_) {
    const auto directory = "snapshots/" + name + "/";
    check_snapshot(files_below(image_, directory), files_below(after, directory), options_, tally);
  }
}

}  // namespace

const char* const kSubjects = "stores";

std::unique_ptr<RotSubject> make_subject(uint64_t seed) {
  return std::make_unique<StoreSubject>(seed);
}

}  // namespace memoria::test
