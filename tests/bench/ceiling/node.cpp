// SPDX-License-Identifier: MIT
#include "tests/bench/ceiling/node.hpp"

#include <ctime>

namespace memoria::ceiling {

void Node::release(uint64_t count) {
  if (references_.fetch_sub(count, std::memory_order_acq_rel) == count) delete this;
}

timespec now() {
  timespec time{};
  ::clock_gettime(CLOCK_REALTIME_COARSE, &time);
  return time;
}

struct stat attributes_of(Node& node) {
  const ReadLock lock(node.mutex);
  auto attributes = node.attributes;
  if (S_ISREG(attributes.st_mode)) {
    attributes.st_size = static_cast<off_t>(node.contents.size());
    // Never 0: what was written may still be with the kernel, and `tar --sparse` reads no file that
    // has no blocks.
    attributes.st_blocks = 1 + attributes.st_size / 512;
  }
  return attributes;
}

}  // namespace memoria::ceiling
