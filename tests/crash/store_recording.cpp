// SPDX-License-Identifier: MIT
// The store: puts, patches, batches, rotation, consolidation, merge, snapshots, reopening.
#include <atomic>
#include <chrono>
#include <thread>

#include "core/log/segment.hpp"
#include "core/store/sealer.hpp"
#include "core/store/store.hpp"
#include "tests/crash/recording.hpp"
#include "tests/support/random_operations.hpp"

namespace memoria::test {
namespace {

using StorePtr = std::unique_ptr<Store>;
constexpr uint64_t kKeys = 8;
constexpr int kChanges = 60;
constexpr int kSlowChanges = 3;
constexpr std::chrono::milliseconds kSlowest{100};
// A change may fill two segments, and no more than Sealer::kMost may wait.
constexpr size_t kSlowSegments = Sealer::kMost - 2;

View view_of(const Contents& contents) {
  View out;
  for (const auto& [key, value] : contents) {
    out += key + " " + std::to_string(value.size()) + " " + value + "\n";
  }
  return out;
}

Contents contents_of(const Store& store) {
  Contents out;
  expect(store.scan("", "",
                    [&](const KeyInfo& info) {
                      const auto value = expect(store.get(info.key), "a key cannot be read");
                      if (value.size() != info.size) throw Broken("a size is wrong");
                      out.emplace(info.key, value);
                      return true;
                    }),
         "scan");
  if (out.size() != store.count()) throw Broken("the count is wrong");
  return out;
}

class StoreRecording final : public Recording {
 public:
  explicit StoreRecording(uint64_t seed) : random_(seed) {
    options_.segment.max_size = random_.between(2 << 10, 8 << 10);
    options_.segment.merge_check_interval = std::chrono::milliseconds(0);
    options_.sync_policy = random_.one_in(3) ? SyncPolicy::kAlways : SyncPolicy::kNever;
    options_.reserve_bytes = 0;
    options_.recovery_threads = 1;
    options_.inline_limit = random_.below(2) * 80;
    if (seed % 2 != 0) options_.merge.walked_keys_per_record = 0;
    merges_beside_ = random_.one_in(4);
    record(seed);
  }

  const History& history() const override { return history_; }

  void recover(const std::shared_ptr<SimulatedEnvironment>& environment) const override {
    expect(open(environment)->close(), "close");
  }

  uint64_t check(const std::shared_ptr<SimulatedEnvironment>& environment, const Promise& promise,
                 bool power_lost, Random& random) const override {
    auto store = open(environment);
    auto contents = contents_of(*store);
    find_state(history_, view_of(contents), promise);
    check_snapshots(*store, promise, random);
    if (!power_lost) {
      // What the killed process wrote is as durable as what this one syncs.
      expect(store->sync(), "sync");
    } else {
      go_on(*store, contents, random);
    }
    const bool closes = power_lost && random.one_in(2);
    if (closes) expect(store->close(), "close");
    const auto lost = environment->after_crash(Loss::kUnsynced, random);
    const auto again_in = SimulatedEnvironment::make(lost);
    const auto again = open(again_in);
    if (contents_of(*again) != contents) throw Broken("after going on, something else is there");
    if (random.one_in(8) && !expect(again->verify(), "verify").clean()) {
      throw Broken("verify finds damage");
    }
    expect(again->close(), "close");
    check_leftovers(*again_in);
    return 2;
  }

 private:
  StorePtr open(const std::shared_ptr<SimulatedEnvironment>& environment) const {
    return expect(Store::open(environment, options_), "the store does not open");
  }

  // ---- Recording

  void record(uint64_t seed) {
    environment_->start_trace();
    history_.begin_change("");
    RandomOperations operations(seed + 1, kKeys);
    store_ = open(environment_);
    for (int i = 0; i < kChanges; ++i) {
      const auto operation = operations.next(model_);
      operation.perform(model_);
      history_.begin_change(view_of(model_));
      const WriteOptions write{.sync = random_.one_in(10)};
      const bool durable = write.sync || options_.sync_policy == SyncPolicy::kAlways;
      slow_down(durable);
      expect(operation.perform(*store_, write), "a change");
      history_.end_change(durable);
      upkeep();
    }
    speed_up();
    end_merge();
    expect(store_->close(), "close");
    history_.synced();
    store_.reset();
  }

  /// For a few changes the segment that is written to is not synced, so that the next ones are full
  /// before it has its seal. Not for long: a merge beside it, or too many full segments, may keep
  /// this thread waiting, which is the one that ends it.
  void slow_down(bool durable) {
    if (slow_ > 0) {
      const size_t new_segments = environment_->files(kDataSuffix).size() - held_segments_;
      if (--slow_ == 0 || durable || new_segments > kSlowSegments) speed_up();
    } else if (!durable && random_.one_in(5)) {
      const auto files = environment_->files(kDataSuffix);
      if (files.empty()) return;
      slow_ = kSlowChanges;
      held_segments_ = files.size();
      environment_->hold_syncs(files.back(), kSlowest);
    }
  }

  void speed_up() {
    slow_ = 0;
    environment_->release_syncs();
  }

  void upkeep() {
    if (slow_ > 0 && !random_.one_in(3)) return;
    speed_up();
    if (random_.one_in(6)) {
      expect(store_->sync(), "sync");
      history_.synced();
    }
    if (random_.one_in(15)) merge({.min_dead = double(random_.below(8)) / 10});
    if (random_.one_in(30)) merge({.all = true});
    if (random_.one_in(30)) expect(store_->rebuild_hints(true), "rebuilding hints");
    if (random_.one_in(20)) snapshots_.change(*store_, history_, random_);
    if (random_.one_in(30)) {
      end_merge();
      expect(store_->close(), "close");
      history_.synced();
      store_.reset();
      store_ = open(environment_);
    }
  }

  void merge(const MergeRequest& request) {
    end_merge();
    if (!merges_beside_) {
      expect(store_->merge(request), "merge");
      return;
    }
    merging_ = std::thread([this, request] { merge_failed_ = !store_->merge(request); });
  }

  void end_merge() {
    if (merging_.joinable()) merging_.join();
    if (merge_failed_) throw Broken("a merge beside changes failed");
  }

  // ---- Checking

  void check_snapshots(const Store& store, const Promise& promise, Random& random) const {
    auto missing = promise.snapshots;
    for (const auto& info : expect(store.snapshots(), "listing snapshots")) {
      const auto sure = promise.snapshots.find(info.name);
      const auto possible = promise.possible_snapshots.find(info.name);
      if (sure == promise.snapshots.end() && possible == promise.possible_snapshots.end()) {
        throw Broken("snapshot " + info.name + " should not be there");
      }
      missing.erase(info.name);
      if (!random.one_in(4)) continue;
      const auto snapshot = expect(store.open_snapshot(info.name), "opening a snapshot");
      const size_t state = sure != promise.snapshots.end() ? sure->second : possible->second;
      if (view_of(contents_of(*snapshot)) != history_.states().at(state)) {
        throw Broken("snapshot " + info.name + " is not state " + std::to_string(state));
      }
    }
    if (!missing.empty()) throw Broken("snapshot " + missing.begin()->first + " is lost");
  }

  void go_on(Store& store, Contents& contents, Random& random) const {
    RandomOperations operations(random.next(), kKeys);
    for (int i = 0; i < 3; ++i) {
      const auto operation = operations.next(contents);
      expect(operation.perform(store), "a change after the crash");
      operation.perform(contents);
    }
    if (random.one_in(4)) expect(store.merge({.all = true}), "a merge after the crash");
    if (contents_of(store) != contents) throw Broken("changes after the crash went wrong");
    expect(store.sync(), "sync");
  }

  static void check_leftovers(const SimulatedEnvironment& environment) {
    for (const auto* suffix : {".merge", ".tmp"}) {
      for (const auto& name : environment.files(suffix)) {
        // A snapshot's own are removed with its directory.
        if (!name.starts_with("snapshots/")) throw Broken(name + " is left");
      }
    }
  }

  Random random_;
  Options options_;
  std::shared_ptr<SimulatedEnvironment> environment_ = SimulatedEnvironment::make();
  History history_{environment_};
  Contents model_;
  StorePtr store_;
  std::thread merging_;
  std::atomic<bool> merge_failed_{false};
  bool merges_beside_ = false;
  int slow_ = 0;              // changes until the disk is fast again
  size_t held_segments_ = 0;  // that there were when it became slow
  RecordedSnapshots snapshots_;
};

}  // namespace

std::unique_ptr<Recording> record_store(uint64_t seed) {
  return std::make_unique<StoreRecording>(seed);
}

}  // namespace memoria::test
