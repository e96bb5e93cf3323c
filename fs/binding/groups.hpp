// SPDX-License-Identifier: MIT
// Groups of callers, which requests do not carry.
#pragma once

#include <sys/types.h>

#include "core/base/result.hpp"

namespace memoria {

class Request;

/// Whether the caller is in the group. Of whom the kernel would let keep a set-group-id bit in any
/// group (CAP_FSETID), root is all that can be seen here.
bool is_in_group(const Request& request, gid_t group);

/// Whether a change of the inode by the caller takes set-group-id also without group-execute: see
/// AttributeChanges::outside_group.
Result<bool> is_outside_group(const Request& request);

}  // namespace memoria
