// SPDX-License-Identifier: MIT
// A volume that becomes what one of its snapshots is.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "core/store/store.hpp"

namespace memoria {

/// Opens the store anew, each time it is called, with nobody else using it.
using OpenStore = std::function<Result<std::unique_ptr<Store>>()>;

/// Makes the volume (or the plain keys) in a store what the snapshot is, see
/// Store::close_and_roll_back(). With `keep` the present becomes a snapshot of that name first.
/// Closes the store in any case. kNotFound, kExists, kInvalidArgument, kCorrupt: nothing changed.
///
/// Inode numbers and cookies that the present gave out are not given out again, unless the power
/// fails between the rollback and the note of them, a moment later.
Status roll_back(const OpenStore& open, std::string_view snapshot,
                 const std::optional<std::string>& keep);

}  // namespace memoria
