// SPDX-License-Identifier: MIT
// What this filesystem and the kernel agree on, in one place.
#pragma once

#include "fs/binding/binding.hpp"
#include "fs/binding/fuse.hpp"

namespace memoria {

/// Answers the kernel's INIT: asks for what the binding wants and the kernel offers, and notes in
/// `binding` what came of it.
void negotiate(fuse_conn_info& connection, Binding& binding);

}  // namespace memoria
