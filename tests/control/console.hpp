// SPDX-License-Identifier: MIT
// memoria-ctl run in process, and what its commands give; without Boost.Test.
#pragma once

#include <atomic>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "fs/control/executor.hpp"
#include "tools/streams.hpp"

namespace memoria::test {

/// How a run of memoria-ctl ended.
struct Ran {
  int code = 0;
  std::string out, err;
};

/// What the program sees; change it before run().
struct Console {
  std::string in;
  bool out_is_terminal = false, err_is_terminal = false;
  std::atomic<bool> interrupted = false;
  std::atomic<int> interrupted_at = 0;  ///< the n-th question whether it is; 0: see above
  bool out_closed = false;
  std::function<void(std::string_view)> on_out, on_err;  ///< told of what is written

  Ran run(const std::vector<std::string>& arguments);
};

/// Runs it without a terminal.
Ran run_ctl(const std::vector<std::string>& arguments, const std::string& in = {});

/// Records what a command gives.
struct RecordingSink : Sink {
  bool cancelled() override { return stop; }
  void progress(const Progress& progress) override {
    ++progresses;
    latest = progress;
    latest.phase = *phases.emplace(progress.phase).first;
  }
  Status item(Json item) override {
    items.push_back(std::move(item));
    return ok();
  }
  Status data(std::string_view bytes) override {
    received += bytes;
    return ok();
  }

  std::atomic<bool> stop = false;
  int progresses = 0;
  std::set<std::string> phases;
  Progress latest;  ///< lives as long as the sink
  std::vector<Json> items;
  std::string received;
};

struct TextSource : Source {
  explicit TextSource(std::string t = {}) : text(std::move(t)) {}
  Result<size_t> read(std::span<char> out) override {
    const size_t n = text.copy(out.data(), out.size());
    text.erase(0, n);
    return n;
  }
  std::string text;
};

}  // namespace memoria::test
