// SPDX-License-Identifier: MIT
#include "fs/binding/handlers.hpp"

#include "fs/binding/negotiate.hpp"

namespace memoria {
namespace {

void init(void* user_data, fuse_conn_info* connection) {
  auto& binding = *static_cast<Binding*>(user_data);
  negotiate(*connection, binding);
  if (binding.on_ready) binding.on_ready();
}

}  // namespace

fuse_lowlevel_ops make_operations() {
  fuse_lowlevel_ops operations{};
  operations.init = init;
  add_name_handlers(operations);
  add_attribute_handlers(operations);
  add_content_handlers(operations);
  add_directory_handlers(operations);
  add_xattr_handlers(operations);
  return operations;
}

}  // namespace memoria
