// SPDX-License-Identifier: MIT
// What runs commands: the service itself (in the daemon, or in memoria-ctl on an unmounted store),
// or a client that asks a daemon to. Whoever asks sees no difference.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "core/base/result.hpp"
#include "core/store/reports.hpp"
#include "fs/control/protocol.hpp"

namespace memoria {

/// Takes what a command gives while it runs; called from the thread that runs the command. An error
/// from item() or data() ends the command with that error.
class Sink {
 public:
  virtual ~Sink() = default;
  /// True: nobody waits for the result any more; the command ends with kCancelled.
  virtual bool cancelled() = 0;
  /// May be called often; the receiver thins out.
  virtual void progress(const Progress& progress) = 0;
  /// One element of the result's list.
  virtual Status item(Json item) = 0;
  /// The next bytes of the value that `get` delivers.
  virtual Status data(std::string_view bytes) = 0;
  /// So many zeros come next, in place of data(): only to those who asked for "holes".
  virtual Status hole(uint64_t) { return Error(Errc::kUnsupported, "holes were not asked for"); }
};

/// Gives `put` its data.
class Source {
 public:
  virtual ~Source() = default;
  /// Fills a part of `out`; 0 at the end.
  virtual Result<size_t> read(std::span<char> out) = 0;
};

/// Requests are objects with "command" and the arguments of that command; service.hpp lists them.
class Executor {
 public:
  virtual ~Executor() = default;
  virtual Result<Json> execute(const Json& request, Sink& sink, Source& source) = 0;
};

}  // namespace memoria
