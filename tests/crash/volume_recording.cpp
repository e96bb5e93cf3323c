// SPDX-License-Identifier: MIT
// The volume: every operation, rotation, merge, snapshots, reopening.
#include "tests/crash/recording.hpp"
#include "tests/crash/volume_operations.hpp"

namespace memoria::test {
namespace {

using VolumePtr = std::unique_ptr<Volume>;
constexpr int kSteps = 70;

class VolumeRecording final : public Recording {
 public:
  explicit VolumeRecording(uint64_t seed) : random_(seed) {
    options_ = Volume::store_options();
    options_.segment.max_size = random_.between(4 << 10, 16 << 10);
    options_.segment.merge_check_interval = std::chrono::milliseconds(0);
    options_.sync_policy = random_.one_in(4) ? SyncPolicy::kAlways : SyncPolicy::kNever;
    options_.reserve_bytes = 0;
    options_.recovery_threads = 1;
    if (seed % 2 != 0) options_.merge.walked_keys_per_record = 0;
    record(seed);
  }

  const History& history() const override { return history_; }

  void recover(const std::shared_ptr<SimulatedEnvironment>& environment) const override {
    expect(open(environment)->close(), "close");
  }

  uint64_t check(const std::shared_ptr<SimulatedEnvironment>& environment, const Promise& promise,
                 bool power_lost, Random& random) const override {
    auto volume = open(environment);
    auto view = view_of(*volume);
    find_state(history_, view, promise);
    check_inodes(*volume);
    check_snapshots(*volume, promise, random);
    if (power_lost) {
      VolumeOperations operations(random.next());
      for (int i = 0; i < 3; ++i) operations.step(*volume);
      if (random.one_in(4)) expect(volume->store().merge({.all = true}), "a merge after the crash");
      view = view_of(*volume);
    }
    // What a killed process wrote is as durable as what this one syncs.
    expect(volume->sync(), "sync");
    if (power_lost && random.one_in(2)) expect(volume->close(), "close");
    const auto lost = environment->after_crash(Loss::kUnsynced, random);
    const auto again = open(SimulatedEnvironment::make(lost));
    if (view_of(*again) != view) throw Broken("after going on, something else is there");
    check_inodes(*again);
    if (random.one_in(8) && !expect(again->store().verify(), "verify").clean()) {
      throw Broken("verify finds damage");
    }
    return 2;
  }

 private:
  VolumePtr open(const std::shared_ptr<SimulatedEnvironment>& environment) const {
    auto store = expect(Store::open(environment, options_), "the store does not open");
    return expect(Volume::open(std::move(store), kWorker), "the volume does not open");
  }

  void record(uint64_t seed) {
    expect(open(environment_)->close(), "close");
    environment_->start_trace();
    volume_ = open(environment_);
    history_.begin_change(view_of(*volume_));
    VolumeOperations operations(seed + 1);
    for (int i = 0; i < kSteps; ++i) {
      history_.begin_change({});
      const bool durable = operations.step(*volume_);
      history_.amend_change(view_of(*volume_));
      history_.end_change(durable || options_.sync_policy == SyncPolicy::kAlways);
      upkeep(operations);
    }
    operations.release_all(*volume_);
    expect(volume_->close(), "close");
    history_.synced();
    volume_.reset();
  }

  void upkeep(VolumeOperations& operations) {
    if (random_.one_in(7)) {
      expect(volume_->sync(), "sync");
      history_.synced();
    }
    if (random_.one_in(20)) {
      expect(volume_->store().merge({.min_dead = double(random_.below(8)) / 10}), "merge");
    }
    if (random_.one_in(25)) snapshots_.change(*volume_, history_, random_);
    if (random_.one_in(35)) {
      operations.release_all(*volume_);
      expect(volume_->close(), "close");
      history_.synced();
      volume_.reset();
      volume_ = open(environment_);
    }
  }

  void check_snapshots(const Volume& volume, const Promise& promise, Random& random) const {
    for (const auto& [name, state] : promise.snapshots) {
      if (!random.one_in(4)) continue;
      const auto snapshot = expect(volume.open_snapshot(name), "opening a snapshot");
      if (view_of(*snapshot) != history_.states().at(state)) {
        throw Broken("snapshot " + name + " is not state " + std::to_string(state));
      }
    }
  }

  Random random_;
  Options options_;
  std::shared_ptr<SimulatedEnvironment> environment_ = SimulatedEnvironment::make();
  History history_{environment_};
  VolumePtr volume_;
  RecordedSnapshots snapshots_;
};

}  // namespace

std::unique_ptr<Recording> record_volume(uint64_t seed) {
  return std::make_unique<VolumeRecording>(seed);
}

}  // namespace memoria::test
