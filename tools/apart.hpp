// SPDX-License-Identifier: MIT
// A store is not to be made inside of another: what is made goes elsewhere.
#pragma once

#include <optional>
#include <string>

#include "core/base/result.hpp"

namespace memoria::ctl {

/// The nearest data directory above `path`, which is absolute and goes through no links; nothing:
/// there is none. What cannot be read is none.
std::optional<std::string> store_above(std::string path);

/// kInvalidArgument, with what to do: the store to be made at `path` would be in that directory.
Error is_inside(const std::string& path, const std::string& store);

/// A copy of what is in `data_directory` can be made at `destination`: that is not in it, not in
/// another store's directory, and not in the volume by way of a mount. kInvalidArgument.
Status check_apart(const std::string& data_directory, const std::string& destination);

}  // namespace memoria::ctl
