// SPDX-License-Identifier: MIT
// What a contest asks of a key-value engine.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"

namespace memoria::bench {

/// How a store is opened.
struct Setup {
  std::string directory;         ///< exists; empty at the first opening
  uint64_t expected_keys = 0;    ///< for engines that size a table up front
  bool background_merge = true;  ///< false: none may disturb the measured part
};

/// One store. put(), put_synced(), get() and erase() may be called by any number of threads at
/// once, except where `EngineKind::ceiling` says otherwise; get() also during compact().
/// No compression, and checksums are verified where the engine has any.
class Engine {
 public:
  virtual ~Engine() = default;

  virtual Status open(const Setup& setup) = 0;
  virtual Status close() = 0;

  /// Survives the death of the process when it returns, but not a loss of power.
  virtual Status put(std::string_view key, std::string_view value) = 0;
  /// Durable when it returns.
  virtual Status put_synced(std::string_view key, std::string_view value) = 0;
  /// The value in `out`, or false when there is no such key.
  virtual Result<bool> get(std::string_view key, std::string& out) = 0;
  /// No error when there is no such key.
  virtual Status erase(std::string_view key) = 0;
  /// Gives back the space of all that is dead, by what the engine has for it.
  virtual Status compact() = 0;
};

struct EngineKind {
  std::string name;
  /// Not an engine but the bound of what a log can do: put and get only, one writer, and no reader
  /// beside it.
  bool ceiling = false;
  std::unique_ptr<Engine> (*make)() = nullptr;
};

/// Those of this build; "memoria" is the first, the ceiling the last.
const std::vector<EngineKind>& engine_kinds();

std::unique_ptr<Engine> make_memoria();
std::unique_ptr<Engine> make_leveldb();
std::unique_ptr<Engine> make_rocksdb();
std::unique_ptr<Engine> make_lmdb();
std::unique_ptr<Engine> make_tkrzw();
std::unique_ptr<Engine> make_raw();

}  // namespace memoria::bench
