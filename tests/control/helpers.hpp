// SPDX-License-Identifier: MIT
// Volumes to control, and memoria-ctl run in process.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "fs/control/executor.hpp"
#include "fs/control/server.hpp"
#include "fs/volume/volume.hpp"
#include "tests/support/temporary_directory.hpp"
#include "tools/streams.hpp"

namespace memoria::test {

std::unique_ptr<Store> open_plain_store(const std::string& directory);
std::unique_ptr<Volume> open_volume(const std::string& directory, Logger logger = {});

/// Makes or replaces a file.
void put_file(Volume& volume, const std::string& path, const std::string& contents);
void make_directory(Volume& volume, const std::string& name);
std::string file_contents(Volume& volume, const std::string& path);

/// A data directory with a volume of a few files: /hello ("hello, world"), /directory/inner
/// (300,000 bytes), /link -> hello, /empty. Either served by a control server, as when it is
/// mounted, or closed.
class SampleStore {
 public:
  explicit SampleStore(bool served, const ControlServerOptions& options = {});

  const std::string& path() const { return directory_.path(); }
  /// Runs something on the open volume, whether it is served or not.
  template <class F>
  void with_volume(F&& f) {
    if (volume_) return f(*volume_);
    const auto volume = open_volume(path());
    f(*volume);
  }
  Volume& volume() { return *volume_; }
  void stop_server() { server_.reset(); }

  static std::string inner();  ///< what is in /directory/inner

 private:
  TemporaryDirectory directory_;
  std::unique_ptr<Volume> volume_;
  std::unique_ptr<ControlServer> server_;
};

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
  std::function<void(std::string_view)> on_out;  ///< told of what is written, if there is one

  Ran run(const std::vector<std::string>& arguments);
};

/// Runs it without a terminal.
Ran run_ctl(const std::vector<std::string>& arguments, const std::string& in = {});

/// Records what a command gives.
struct RecordingSink : Sink {
  bool cancelled() override { return stop; }
  void progress(const Progress&) override { ++progresses; }
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

/// Changes one byte of a file.
void flip_byte(const std::string& path, uint64_t offset);

}  // namespace memoria::test
