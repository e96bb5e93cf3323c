// SPDX-License-Identifier: MIT
// A workload as it was recorded: what it did to the disk, and what it had been promised when.
#pragma once

#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/base/result.hpp"
#include "tests/support/random.hpp"
#include "tests/support/simulated_environment.hpp"

namespace memoria::test {

/// A promise that was not kept; ends the run.
struct Broken : std::runtime_error {
  using std::runtime_error::runtime_error;
};

template <class T>
T expect(Result<T> result, const char* what) {
  if (!result.has_value()) throw Broken(std::string(what) + ": " + result.error().describe());
  return std::move(result).value();
}
inline void expect(const Status& status, const char* what) {
  if (!status.has_value()) throw Broken(std::string(what) + ": " + status.error().describe());
}

/// Everything that can be seen of a store or a volume, in one string.
using View = std::string;

/// What must be there: a state from `least` to `most`, and which snapshots.
struct Promise {
  size_t least = 0, most = 0;
  std::map<std::string, size_t> snapshots{};           ///< of these states, in any case
  std::map<std::string, size_t> possible_snapshots{};  ///< these may be there, too
};

/// The states that a subject went through, and what it said when.
class History {
 public:
  explicit History(std::shared_ptr<SimulatedEnvironment> environment)
      : environment_(std::move(environment)) {}

  /// The state after one more change; noted before it is made, since a crash may leave it although
  /// it has not returned.
  void begin_change(View state) { states_.push_back(std::move(state)); }
  /// Where the state can only be seen afterwards.
  void amend_change(View state) { states_.back() = std::move(state); }
  void end_change(bool synced);
  /// All that has returned is durable.
  void synced();
  void begin_snapshot(const std::string& name, bool create);
  void end_snapshot(const std::string& name, bool create);

  size_t returned() const { return returned_; }
  const std::vector<View>& states() const { return states_; }
  const std::vector<Operation>& trace() const { return environment_->trace(); }
  const Image& begin() const { return environment_->trace_begin(); }
  /// What held when so many operations of the trace had happened. `power_lost`: only what was
  /// synced counts.
  Promise at(size_t length, bool power_lost) const;

 private:
  struct Said {
    size_t trace_size, returned, synced;
  };
  struct Snapshot {
    static constexpr size_t kNever = ~size_t{0};
    size_t state = 0;
    size_t making = kNever, made = kNever, removing = kNever, removed = kNever;  ///< trace sizes
  };
  void note() { said_.push_back({environment_->trace_size(), returned_, synced_}); }

  std::shared_ptr<SimulatedEnvironment> environment_;
  std::vector<View> states_;
  std::vector<Said> said_;
  std::map<std::string, Snapshot> snapshots_;
  size_t returned_ = 0, synced_ = 0;
};

/// The snapshots that a workload makes and removes, the latest first.
class RecordedSnapshots {
 public:
  /// One of a store or a volume comes or goes.
  template <class Subject>
  void change(Subject& subject, History& history, Random& random) {
    const bool create = names_.empty() || random.one_in(2);
    const auto name = create ? "s" + std::to_string(made_++) : names_.back();
    history.begin_snapshot(name, create);
    if (create) {
      expect(subject.create_snapshot(name), "making a snapshot");
      names_.push_back(name);
    } else {
      expect(subject.remove_snapshot(name), "removing a snapshot");
      names_.pop_back();
    }
    history.end_snapshot(name, create);
  }

 private:
  std::vector<std::string> names_;
  int made_ = 0;
};

/// Fails unless `view` is one of the states that the promise allows; says which.
size_t find_state(const History& history, const View& view, const Promise& promise);

/// A store or a volume with its workload.
class Recording {
 public:
  virtual ~Recording() = default;
  virtual const History& history() const = 0;

  /// Opens what is there and closes it.
  virtual void recover(const std::shared_ptr<SimulatedEnvironment>& environment) const = 0;
  /// Opens what is there, compares it with the promise, goes on working, loses it again and
  /// compares again. Returns how many images were opened and checked. Throws Broken.
  virtual uint64_t check(const std::shared_ptr<SimulatedEnvironment>& environment,
                         const Promise& promise, bool power_lost, Random& random) const = 0;
};

std::unique_ptr<Recording> record_store(uint64_t seed);
std::unique_ptr<Recording> record_volume(uint64_t seed);

}  // namespace memoria::test
