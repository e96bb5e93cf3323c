// SPDX-License-Identifier: MIT
// A volume after operations of every kind, large files, rotation, merges and snapshots.
#include <sys/stat.h>

#include "tests/crash/volume_operations.hpp"
#include "tests/rot/bounds.hpp"
#include "tests/rot/subject.hpp"
#include "tests/rot/volume_check.hpp"
#include "tests/support/simulated_environment.hpp"

namespace memoria::test {
namespace {

class VolumeSubject final : public RotSubject {
 public:
  explicit VolumeSubject(uint64_t seed) : random_(seed) {
    options_ = Volume::store_options();
    options_.segment.max_size = random_.between(2 << 10, 32 << 10);
    options_.segment.merge_check_interval = std::chrono::milliseconds(0);
    options_.sync_policy = SyncPolicy::kNever;
    options_.reserve_bytes = 0;
    options_.recovery_threads = 1;
    options_.inline_limit *= random_.below(4) != 0;  // a mount's, or one that somebody set
    const auto environment = SimulatedEnvironment::make();
    auto volume = open(environment);
    work(*volume, seed);
    expect(volume->close(), "close");
    volume = open(environment);  // which removes what was still growing
    tree_ = tree_of(*volume);
    if (tree_.files != tree_.nodes.size()) throw Broken("the number of files is wrong");
    expect(volume->close(), "close");
    image_ = environment->image();
  }

  const Image& image() const override { return image_; }

  void check(const Image& after, Random& random, RotTally& tally) const override {
    const auto before = files_below(image_, "");
    tally.refused += !check_volume(before, files_below(after, ""), tree_, options_, random, tally);
    for (const auto& [name, tree] : snapshots_) {
      const auto directory = "snapshots/" + name + "/";
      check_volume_snapshot(files_below(image_, directory), files_below(after, directory), tree,
                            options_, tally);
    }
  }

 private:
  std::unique_ptr<Volume> open(const std::shared_ptr<SimulatedEnvironment>& environment) const {
    return expect(Volume::open(expect(Store::open(environment, options_), "a new store"), kWorker),
                  "a new volume");
  }

  void work(Volume& volume, uint64_t seed) {
    VolumeOperations operations(seed + 1);
    for (uint64_t i = random_.between(30, 200); i > 0; --i) {
      operations.step(volume);
      if (random_.one_in(12)) put_large(volume);
      auto& store = volume.store();
      if (random_.one_in(30)) {
        expect(store.merge({.min_dead = double(random_.below(8)) / 10}), "merge");
      }
      if (random_.one_in(70)) expect(store.merge({.all = true}), "merge");
      if (random_.one_in(60)) {
        const auto name = "s" + std::to_string(snapshots_.size());
        expect(volume.create_snapshot(name), "making a snapshot");
        snapshots_[name] = tree_of(*expect(volume.open_snapshot(name), "a snapshot"));
      }
    }
    operations.release_all(volume);
  }

  /// Of several blocks, so that a part of it can be hit; written in pieces now and then.
  void put_large(Volume& volume) {
    const auto path = std::string(random_.one_in(2) ? "/a" : "/") + "/" +
                      std::string(1, char('a' + random_.below(5)));
    auto writer = volume.replace(path, kWorker);
    if (!writer.has_value()) return;  // no such directory, or it is one
    expect(writer.value()->write(random_.bytes(random_.between(200, 60'000))), "writing");
    if (!writer.value()->commit().has_value()) return;
    const auto ino = expect(volume.resolve(path), "a new file").ino;
    for (uint64_t n = random_.below(3); n > 0; --n) {
      expect(volume.write(ino, random_.below(70'000), random_.bytes(random_.between(1, 20'000)),
                          false),
             "a patch");
    }
  }

  Random random_;
  Options options_;
  Image image_;
  VolumeTree tree_;
  std::map<std::string, VolumeTree> snapshots_;
};

}  // namespace

const char* const kSubjects = "volumes";

std::unique_ptr<RotSubject> make_subject(uint64_t seed) {
  return std::make_unique<VolumeSubject>(seed);
}

}  // namespace memoria::test
