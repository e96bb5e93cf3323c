// SPDX-License-Identifier: MIT
// Questions for extended attributes, of which there are none.
#include "tests/bench/ceiling/handlers.hpp"

namespace memoria::ceiling {
namespace {

void getxattr(fuse_req_t request, fuse_ino_t, const char*, size_t) {
  fuse_reply_err(request, ENODATA);
}

void listxattr(fuse_req_t request, fuse_ino_t, size_t size) {
  if (size == 0) {
    fuse_reply_xattr(request, 0);
  } else {
    fuse_reply_buf(request, nullptr, 0);
  }
}

}  // namespace

void add_xattr_handlers(fuse_lowlevel_ops& operations) {
  operations.getxattr = getxattr;
  operations.listxattr = listxattr;
}

}  // namespace memoria::ceiling
