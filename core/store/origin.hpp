// SPDX-License-Identifier: MIT
// Why a store is only read, for whoever wants to change it all the same.
#pragma once

#include "core/io/environment.hpp"
#include "core/log/manifest.hpp"
#include "core/store/reports.hpp"

namespace memoria {

/// By its manifest and by where it lies.
StoreOrigin origin_of(const Environment& environment, const Manifest& manifest);

/// What refuses a change of a store that was opened read-only: kReadOnly, with the reason and what
/// to do instead.
Error only_read(Environment& environment, const StoreOrigin& origin);

}  // namespace memoria
