// SPDX-License-Identifier: MIT
// failing_calls store|volume [SEED]
// A seeded workload of every operation, once for every call that it makes of the disk, and each
// time that call fails: with an I/O error, a full disk, no more descriptors, half a write; once, or
// from then on. Nothing may crash or hang, a change that fails has changed nothing that can be
// seen, the caller or the log hears of it, and what is found afterwards, also after a loss of
// power, is what was promised. Ends with code 1 at the first that is not so.
#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <mutex>

#include "tests/crash/recording.hpp"
#include "tests/crash/volume_operations.hpp"
#include "tests/support/random_operations.hpp"

namespace memoria::test {
namespace {

struct Kind {
  const char* what;
  Fault fault;
};

/// What can fail, and how. `nth` is filled in.
const Kind kKinds[] = {
    {"changes fail", {.calls = kCallsThatChange}},
    {"changes fail from then on", {.calls = kCallsThatChange, .times = 0}},
    {"half a write, then an I/O error", {.calls = kCallWrite, .partial = true}},
    {"a sync fails once", {.calls = kCallSync | kCallSyncDirectory}},
    {"the disk is full", {.calls = kCallsThatChange, .error = ENOSPC, .partial = true}},
    {"the disk is full from then on",
     {.calls = kCallWrite | kCallCreate | kCallLink | kCallMakeDirectory,
      .error = ENOSPC,
      .times = 0,
      .partial = true}},
    {"the quota is used up", {.calls = kCallWrite | kCallCreate, .error = EDQUOT}},
    {"no more descriptors", {.calls = kCallCreate | kCallOpen | kCallList, .error = EMFILE}},
    {"no more descriptors from then on",
     {.calls = kCallCreate | kCallOpen | kCallList, .error = EMFILE, .times = 0}},
    {"interrupted", {.calls = kCallsThatChange, .error = EINTR}},
    {"no permission", {.calls = kCallRename | kCallLink | kCallRemove, .error = EACCES}},
    {"reading fails", {.calls = kCallRead | kCallSize | kCallSpace}},
    {"reading fails from then on", {.calls = kCallRead | kCallSize, .times = 0}},
};

Options test_options(Options options, uint64_t seed) {
  options.segment.max_size = 4 << 10;
  options.segment.merge_check_interval = std::chrono::milliseconds(0);
  options.sync_policy = seed % 3 == 0 ? SyncPolicy::kAlways : SyncPolicy::kNever;
  options.reserve_bytes = 0;
  options.recovery_threads = 1;
  if (seed % 2 != 0) options.merge.walked_keys_per_record = 0;
  return options;
}

/// A store or a volume as this test sees it.
class Subject {
 public:
  virtual ~Subject() = default;
  virtual Status open(const std::shared_ptr<SimulatedEnvironment>& environment) = 0;
  /// One operation of the workload. That POSIX refuses it is no error.
  virtual Status step() = 0;
  virtual Store& store() = 0;
  virtual View view() = 0;
  virtual Status close() = 0;
  Logger logger;
  /// What there would be if a change that failed had been done all the same.
  std::vector<View> ahead;
};

class StoreSubject final : public Subject {
 public:
  explicit StoreSubject(uint64_t seed) : seed_(seed), operations_(seed, 8) {}

  Status open(const std::shared_ptr<SimulatedEnvironment>& environment) override {
    auto options = test_options({}, seed_);
    options.inline_limit = seed_ % 2 * 80;
    options.logger = logger;
    MEMORIA_TRY(store_, Store::open(environment, options));
    return ok();
  }
  Status step() override {
    const auto operation = operations_.next(model_);
    const bool refuses = store_->stats().read_only;
    const auto done = operation.perform(*store_);
    auto changed = model_;
    operation.perform(changed);
    if (done.has_value()) {
      model_ = std::move(changed);
    } else if (!refuses) {
      View view;
      for (const auto& [key, value] : changed) view += key + " " + value + "\n";
      ahead.push_back(std::move(view));
    }
    return done;
  }
  Store& store() override { return *store_; }
  View view() override {
    View out;
    expect(store_->scan("", "",
                        [&](const KeyInfo& info) {
                          out += std::string(info.key) + " " +
                                 expect(store_->get(info.key), "a key cannot be read") + "\n";
                          return true;
                        }),
           "scan");
    return out;
  }
  Status close() override { return store_->close(); }

 private:
  uint64_t seed_;
  RandomOperations operations_;
  Contents model_;
  std::unique_ptr<Store> store_;
};

class VolumeSubject final : public Subject {
 public:
  explicit VolumeSubject(uint64_t seed) : seed_(seed), operations_(seed) {}

  Status open(const std::shared_ptr<SimulatedEnvironment>& environment) override {
    auto options = test_options(Volume::store_options(), seed_);
    options.logger = logger;
    MEMORIA_TRY(auto store, Store::open(environment, options));
    MEMORIA_TRY(volume_, Volume::open(std::move(store), kWorker));
    return ok();
  }
  Status step() override {
    try {
      operations_.step(*volume_);
      return ok();
    } catch (const Broken& refused) {
      return Error{Errc::kIo, refused.what()};
    }
  }
  Store& store() override { return volume_->store(); }
  View view() override { return view_of(*volume_); }
  Status close() override {
    operations_.release_all(*volume_);
    return volume_->close();
  }

 private:
  uint64_t seed_;
  VolumeOperations operations_;
  std::unique_ptr<Volume> volume_;
};

using Make = std::unique_ptr<Subject> (*)(uint64_t seed);

/// One run of the workload with one failing call.
class Run {
 public:
  Run(Make make, uint64_t seed, Fault fault) : make_(make), seed_(seed), fault_(std::move(fault)) {}

  /// False: the workload makes fewer calls than that.
  bool go() {
    expect(open()->close(), "close");
    subject_ = open();
    states_.push_back(subject_->view());
    expect(subject_->store().sync(), "sync");
    environment_->inject(fault_);
    for (int i = 0; i < 30; ++i) step(i);
    const bool closed = note(subject_->close());
    if (closed) synced_ = states_.size() - 1;
    ahead_ = std::move(subject_->ahead);
    subject_.reset();
    const bool hit = environment_->faults_hit() > 0;
    environment_->clear_faults();
    if (hit && errors_ == 0 && warnings_ == 0 && (fault_.calls & kCallsThatChange) != 0) {
      if (!ignorable())
        throw Broken("a call failed and nobody was told: " + environment_->last_fault());
    }
    afterwards();
    return hit;
  }

 private:
  std::unique_ptr<Subject> open(std::shared_ptr<SimulatedEnvironment> where = nullptr) {
    auto subject = make_(seed_);
    subject->logger = [this](Severity severity, std::string_view) {
      const std::lock_guard guard(mutex_);
      if (severity >= Severity::kWarning) ++warnings_;
    };
    expect(subject->open(where ? where : environment_), "opening");
    return subject;
  }

  bool no_space() const { return fault_.error == ENOSPC || fault_.error == EDQUOT; }
  /// On a full disk the store can often do with less; a leftover that cannot be removed is removed
  /// later; and the hint of a segment that was merged away meanwhile is missed by nobody.
  bool ignorable() const {
    return no_space() || environment_->last_fault().find(".hint") != std::string::npos ||
           (fault_.calls & (kCallRemove | kCallOpen | kCallRead)) != 0;
  }

  bool note(const Status& status) {
    if (status.has_value()) return true;
    if (status.error().describe().empty()) throw Broken("an error without a word");
    ++errors_;
    return false;
  }

  void step(int i) {
    Store& store = subject_->store();
    const bool latched_before = store.stats().read_only;
    const bool changed = note(subject_->step());
    note_state(changed, latched_before);
    if (i % 5 == 4) {
      // What a failed sync leaves is not known: a later one that succeeds would be a lie.
      const bool synced = note(store.sync());
      if (synced && sync_failed_) throw Broken("a sync succeeded after one that had failed");
      sync_failed_ = sync_failed_ || !synced;
      if (synced) synced_ = states_.size() - 1;
    }
    if (i == 12) note(status_of(store.rebuild_hints(true)));
    if (i == 16) note(status_of(store.create_snapshot("s")));
    if (i == 19 || i == 26) note(status_of(store.merge({.all = true})));
    if (i == 22) note(store.remove_snapshot("s"));
    if (store.stats().read_only && store.stats().read_only_reason.empty()) {
      throw Broken("the store is read-only and does not say why");
    }
    look();
  }

  template <class T>
  static Status status_of(const Result<T>& result) {
    if (result.has_value()) return ok();
    return result.error();
  }

  /// What can be seen now, with reads that do not fail.
  View look() {
    environment_->suspend_faults(true);
    auto view = subject_->view();
    environment_->suspend_faults(false);
    if (view != states_.back()) throw Broken("what is there changed without a change");
    return view;
  }

  void note_state(bool changed, bool latched_before) {
    environment_->suspend_faults(true);
    auto view = subject_->view();
    environment_->suspend_faults(false);
    if (view == states_.back()) return;
    // A volume's operation may have done a part that is whole in itself before it failed.
    if (!changed && latched_before) throw Broken("a change that was refused is there");
    states_.push_back(std::move(view));
  }

  /// The process dies, or the power goes; then everything is as promised, and works.
  void afterwards() {
    Random random(seed_ + fault_.nth);
    std::vector<std::pair<Loss, Image>> images;
    for (const auto loss : {Loss::kNothing, Loss::kUnsynced, Loss::kRandom}) {
      images.emplace_back(loss, environment_->after_crash(loss, random));
    }
    for (const auto& [loss, image] : images) {
      const auto place = SimulatedEnvironment::make(image);
      auto subject = open(place);
      const auto view = subject->view();
      const size_t least = loss == Loss::kNothing ? states_.size() - 1 : synced_;
      bool known = errors_ > 0 && may_be_ahead(view);
      for (size_t i = least; i < states_.size(); ++i) known = known || states_[i] == view;
      if (!known) {
        throw Broken("with loss " + std::to_string(int(loss)) +
                     " something is there that was not promised");
      }
      if (!expect(subject->store().verify(), "verify").clean()) throw Broken("verify: damage");
      expect(subject->store().put("a new key", "value"), "a change afterwards");
      expect(subject->store().merge({.all = true}), "a merge afterwards");
      expect(subject->close(), "close");
    }
  }

  /// The change that met an I/O error may be complete on the disk. Where its view is not known,
  /// then only that it is none of the older states. On a full disk what was written of it is cut
  /// off before the caller hears of it, durably.
  bool may_be_ahead(const View& view) const {
    if (no_space()) return false;
    if (std::find(ahead_.begin(), ahead_.end(), view) != ahead_.end()) return true;
    for (const auto& state : states_) {
      if (state == view) return false;
    }
    return true;
  }

  Make make_;
  uint64_t seed_;
  Fault fault_;
  std::shared_ptr<SimulatedEnvironment> environment_ = SimulatedEnvironment::make();
  std::unique_ptr<Subject> subject_;
  std::vector<View> states_, ahead_;
  size_t synced_ = 0;
  int errors_ = 0;
  bool sync_failed_ = false;
  std::mutex mutex_;
  int warnings_ = 0;
};

int run(const std::string& what, Make make, uint64_t seed) {
  uint64_t runs = 0;
  for (const auto& kind : kKinds) {
    Fault fault = kind.fault;
    for (fault.nth = 1;; ++fault.nth, ++runs) {
      try {
        if (!Run(make, seed, fault).go()) break;
      } catch (const Broken& broken) {
        std::cerr << what << ", seed " << seed << ", " << kind.what << ", call " << fault.nth
                  << ": " << broken.what() << '\n';
        return 1;
      }
    }
    if (fault.nth < 3) {
      std::cerr << kind.what << ": the workload makes no such calls\n";
      return 1;
    }
  }
  std::cout << what << ": " << runs << " failing calls, seed " << seed << ": every promise kept\n";
  return 0;
}

}  // namespace
}  // namespace memoria::test

int main(int argc, char** argv) {
  using namespace memoria::test;
  const std::string what = argc > 1 ? argv[1] : "";
  const uint64_t first = argc > 2 ? std::strtoull(argv[2], nullptr, 0) : base_seed();
  if (argc > 3 || (what != "store" && what != "volume")) {
    std::cerr << "usage: failing_calls store|volume [SEED]\n";
    return 2;
  }
  const Make make = what == "store" ? [](uint64_t seed) -> std::unique_ptr<Subject> {
    return std::make_unique<StoreSubject>(seed);
  }
  : Make([](uint64_t seed) -> std::unique_ptr<Subject> {
      return std::make_unique<VolumeSubject>(seed);
    });
  int code = 0;
  for (uint64_t i = 0; i < rounds(2) && code == 0; ++i) code = run(what, make, first + i);
  return code;
}
