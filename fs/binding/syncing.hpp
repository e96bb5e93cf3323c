// SPDX-License-Identifier: MIT
// Requests that end with a sync, without a serving thread that waits for it.
#pragma once

#include <memory>
#include <utility>

#include "fs/binding/request.hpp"

namespace memoria {

/// Takes the request over. `reply(Request&)` is called from the committer when everything written
/// so far is durable; when that failed, the request fails and `reply` is not called.
template <class Reply>
void sync_then(Request&& request, Reply reply) {
  auto& volume = request.volume();
  auto waiting = std::make_shared<Request>(std::move(request));  // std::function must be copyable
  volume.sync_async([waiting, reply](const Status& status) {
    if (status) {
      reply(*waiting);
    } else {
      waiting->fail(status.error());
    }
  });
}

}  // namespace memoria
