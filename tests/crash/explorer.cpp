// SPDX-License-Identifier: MIT
#include "tests/crash/explorer.hpp"

#include <functional>
#include <string_view>
#include <unordered_set>

namespace memoria::test {
namespace {

/// At every point: the two extremes once, and the random ones with several outcomes each.
constexpr Loss kLosses[] = {Loss::kNothing, Loss::kUnsynced, Loss::kLatestOnly, Loss::kLatestOnly,
                            Loss::kRandom,  Loss::kRandom,   Loss::kRandom,     Loss::kRandom};
/// The recovery from one in so many states is itself crashed at every point.
constexpr uint64_t kCrashRecoveryOf = 40;

uint64_t fingerprint(const Image& image, const Promise& promise, bool power_lost) {
  uint64_t hash = promise.least * 2 + uint64_t(power_lost);
  const auto add = [&](std::string_view bytes) {
    hash = hash * 0x9e3779b97f4a7c15u + std::hash<std::string_view>{}(bytes);
    hash ^= hash >> 29;
  };
  for (const auto& [name, bytes] : image) {
    add(name);
    add(bytes);
  }
  return hash * 31 + promise.most;
}

class Explorer {
 public:
  Explorer(const Recording& recording, uint64_t seed, uint64_t most)
      : recording_(recording), random_(seed), most_(most) {}

  Explored run() {
    const auto& trace = recording_.history().trace();
    out_.operations = trace.size();
    SimulatedDisk disk(recording_.history().begin());
    for (size_t length = 0; length <= trace.size() && !done(); ++length) {
      if (length > 0) disk.apply(trace[length - 1]);
      where_ =
          "crash after operation " + std::to_string(length) + " of " + std::to_string(trace.size());
      for (const auto loss : kLosses) {
        if (!done()) crash(disk, length, loss);
      }
    }
    return std::move(out_);
  }

 private:
  bool done() const { return out_.states >= most_ || out_.finding; }

  void crash(const SimulatedDisk& disk, size_t length, Loss loss) {
    const bool power_lost = loss != Loss::kNothing;
    const auto promise = recording_.history().at(length, power_lost);
    auto image = disk.after_crash(loss, random_);
    if (!seen_.insert(fingerprint(image, promise, power_lost)).second) return;
    // A process that was killed leaves what it wrote in the page cache, unsynced.
    const auto environment =
        power_lost ? SimulatedEnvironment::make(image) : SimulatedEnvironment::restart(disk);
    check(image, environment, promise, power_lost, ", loss " + std::to_string(int(loss)));
    if (!random_.one_in(kCrashRecoveryOf)) return;
    crash_recovery(power_lost ? SimulatedDisk(image) : disk, recording_.history().at(length, true));
  }

  /// The power goes while a crash, or a kill, is recovered from: nothing promised is lost, either.
  void crash_recovery(SimulatedDisk disk, const Promise& promise) {
    const auto environment = SimulatedEnvironment::restart(disk);
    environment->continue_trace();
    recording_.recover(environment);
    for (size_t n = 0; n < environment->trace().size() && !done(); ++n) {
      disk.apply(environment->trace()[n]);
      for (const auto loss : {Loss::kUnsynced, Loss::kLatestOnly, Loss::kRandom, Loss::kRandom}) {
        auto after = disk.after_crash(loss, random_);
        if (done() || !seen_.insert(fingerprint(after, promise, true)).second) continue;
        check(after, SimulatedEnvironment::make(after), promise, true,
              ", again after operation " + std::to_string(n + 1) + " of the recovery");
      }
    }
  }

  void check(Image& image, const std::shared_ptr<SimulatedEnvironment>& environment,
             const Promise& promise, bool power_lost, const std::string& how) {
    try {
      out_.again += recording_.check(environment, promise, power_lost, random_) - 1;
      ++out_.states;
    } catch (const Broken& broken) {
      out_.finding = std::make_unique<Finding>();
      out_.finding->what = where_ + how + ": " + broken.what();
      out_.finding->image = std::move(image);
    }
  }

  const Recording& recording_;
  Random random_;
  const uint64_t most_;
  std::unordered_set<uint64_t> seen_;
  std::string where_;
  Explored out_;
};

}  // namespace

Explored explore(const Recording& recording, uint64_t seed, uint64_t most) {
  return Explorer(recording, seed, most).run();
}

}  // namespace memoria::test
