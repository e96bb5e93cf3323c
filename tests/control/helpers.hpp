// SPDX-License-Identifier: MIT
// Volumes to control.
#pragma once

#include <boost/test/data/monomorphic.hpp>
#include <memory>
#include <string>

#include "fs/control/server.hpp"
#include "fs/volume/volume.hpp"
#include "tests/control/console.hpp"
#include "tests/support/temporary_directory.hpp"

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

/// For SampleStore's `served`: what is true of commands is so either way.
inline const auto kBothWays = boost::unit_test::data::make({false, true});

/// What was written to standard output, which must be one JSON document.
Json document(const Ran& ran);

/// Changes one byte of a file.
void flip_byte(const std::string& path, uint64_t offset);

}  // namespace memoria::test
