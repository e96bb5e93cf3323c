// SPDX-License-Identifier: MIT
// An Environment in memory that can crash, fail, fill up and be damaged. See simulated_disk.hpp for
// what a crash is.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/io/environment.hpp"
#include "tests/support/random.hpp"
#include "tests/support/simulated_disk.hpp"

namespace memoria::test {

/// Calls that can fail, as bits.
enum Call : uint32_t {
  kCallRead = 1 << 0,
  kCallWrite = 1 << 1,
  kCallSync = 1 << 2,
  kCallTruncate = 1 << 3,
  kCallSize = 1 << 4,
  kCallCreate = 1 << 5,
  kCallOpen = 1 << 6,
  kCallList = 1 << 7,
  kCallRename = 1 << 8,
  kCallLink = 1 << 9,
  kCallRemove = 1 << 10,
  kCallMakeDirectory = 1 << 11,
  kCallSyncDirectory = 1 << 12,
  kCallSpace = 1 << 13,
  kCallLock = 1 << 14,
};
inline constexpr uint32_t kCallsThatChange = kCallWrite | kCallSync | kCallTruncate | kCallCreate |
                                             kCallRename | kCallLink | kCallRemove |
                                             kCallMakeDirectory | kCallSyncDirectory;
inline constexpr uint32_t kAllCalls = (1 << 15) - 1;

/// "The n-th call of these kinds from now fails."
struct Fault {
  uint32_t calls = kCallsThatChange;
  uint64_t nth = 1;
  int error = 5;            ///< errno; EIO
  uint64_t times = 1;       ///< how many calls in a row; 0: all from then on
  bool partial = false;     ///< a write fails after half of it was written
  std::string name_part{};  ///< only files and names that contain this
};

/// Thread-safe, as every Environment.
class SimulatedEnvironment final : public Environment {
 public:
  static std::shared_ptr<SimulatedEnvironment> make(const Image& image = {});
  /// A new process on a machine that went on: what was not synced is still not.
  static std::shared_ptr<SimulatedEnvironment> restart(const SimulatedDisk& disk);

  // ---- Environment
  Result<std::unique_ptr<File>> create(std::string_view name) override;
  Result<std::unique_ptr<File>> open(std::string_view name, Access access) override;
  Result<std::vector<std::string>> list() override;
  Status rename(std::string_view from, std::string_view to) override;
  Status exchange(std::string_view name, std::string_view other) override;
  Status link(std::string_view from, std::string_view to) override;
  Status remove(std::string_view name) override;
  Status make_directory(std::string_view name) override;
  Result<std::shared_ptr<Environment>> directory(std::string_view name) override;
  Status sync_directory() override;
  Result<Space> space() override;
  Result<std::shared_ptr<void>> lock(LockMode mode) override;
  uint64_t now_ns() override;
  std::string describe() const override { return "simulated"; }

  // ---- Clock. Each question advances it by a microsecond.
  void set_clock(uint64_t ns);

  // ---- Crashes
  /// What a crash at this moment would leave. The environment itself goes on.
  Image after_crash(Loss loss, Random& random) const;
  /// Remembers every change from now on; the trace begins with the state of this moment, which
  /// counts as durable. No file may be open.
  void start_trace();
  /// The same, and the disk stays as it is: what is not synced is still not. There is no
  /// trace_begin() then.
  void continue_trace();
  /// The recorded changes. Call it when no other thread uses the environment.
  const std::vector<Operation>& trace() const { return state_->trace; }
  size_t trace_size() const;
  const Image& trace_begin() const { return state_->trace_begin; }

  // ---- Faults
  void inject(Fault fault);
  void clear_faults();
  /// While it lasts, calls neither fail nor count for a fault: for a test's own look.
  void suspend_faults(bool suspended);
  uint64_t faults_hit() const;
  /// What failed last: the call's bit and the name.
  std::string last_fault() const;
  /// Calls of these kinds so far, failed ones included.
  uint64_t calls(uint32_t kinds) const;

  // ---- A slow disk
  /// Syncs of files whose names contain this wait until it is over, each no longer than that.
  /// kDirectory: those of the directory.
  static constexpr std::string_view kDirectory = "/";
  void hold_syncs(std::string name_part,
                  std::chrono::milliseconds longest = std::chrono::minutes(10));
  void release_syncs();

  /// exchange() is kUnsupported from now on, as on a network filesystem.
  void refuse_exchange();

  // ---- Space. 0: unlimited.
  void set_capacity(uint64_t bytes);
  /// How many files and directories there can be.
  void set_max_files(uint64_t files);
  uint64_t free_files() const;
  /// What space() says about files, whatever there is.
  void claim_files(uint64_t total, uint64_t free);
  uint64_t used_bytes() const;

  // ---- Files, for tests that damage them. Names must exist; paths from the top.
  Image image() const;
  std::vector<std::string> files(std::string_view suffix) const;  ///< sorted
  bool exists(std::string_view name) const;
  std::string contents(std::string_view name) const;
  void set_contents(std::string_view name, std::string bytes);  ///< makes it when it is not there
  void flip_bit(std::string_view name, uint64_t bit);
  void zero(std::string_view name, uint64_t offset, uint64_t length);
  void cut(std::string_view name, uint64_t size);
  void copy_file(std::string_view from, std::string_view to);
  void delete_file(std::string_view name);

 private:
  struct State {
    mutable std::mutex mutex;
    SimulatedDisk disk;
    bool tracing = false, can_exchange = true;
    std::vector<Operation> trace;
    Image trace_begin;
    std::vector<Fault> faults;
    uint64_t faults_hit = 0;
    std::string last_fault;
    bool suspended = false;
    std::string held;  // names whose syncs wait; empty: none
    std::chrono::milliseconds longest_hold{0};
    std::condition_variable released;
    void wait_while_held(std::unique_lock<std::mutex>& lock, std::string_view name);
    uint64_t call_counts[15] = {};
    uint64_t capacity = 0, max_files = 0;
    std::optional<std::pair<uint64_t, uint64_t>> claimed_files;
    uint64_t clock_ns = 1'600'000'000'000'000'000u;
    std::weak_ptr<void> owner, readers;  // of the exclusive lock, of the shared one

    /// Counts the call; an error when a fault says so. `partial` is then set as the fault wants.
    Status enter(Call call, std::string_view name, bool* partial = nullptr);
    void apply(Operation operation);
    uint64_t free_files() const;
  };
  class OpenFile;

  SimulatedEnvironment() : state_(std::make_shared<State>()) {}

  std::string path(std::string_view name) const;

  std::shared_ptr<State> state_;
  std::string prefix_;  // of a sub-directory, with '/' at its end
};

}  // namespace memoria::test
