// SPDX-License-Identifier: MIT
// What most tests of the store begin with.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "core/store/store.hpp"
#include "tests/support/check.hpp"
#include "tests/support/raw_log.hpp"
#include "tests/support/simulated_environment.hpp"

namespace memoria::test {

/// Small segments, no background work, no reserve: everything happens when the test asks for it.
Options quiet_options(uint64_t segment_size = 1 << 20);

using StorePtr = std::unique_ptr<Store>;

/// Fails the test when it does not open.
StorePtr open_store(const std::shared_ptr<Environment>& environment,
                    const Options& options = quiet_options());
/// Closes and opens again.
void reopen(StorePtr& store, const std::shared_ptr<Environment>& environment,
            const Options& options = quiet_options());

/// From here on the background thread reads no segment to write its hint, until one more is sealed.
void finish_hints(Store& store);

/// All keys by scan(), all values by get(). Also checks that count() agrees with the scan.
Contents contents_of(const Store& store);

/// Compares everything, and says which key differs and how.
void check_contents(const Store& store, const Contents& expected);

/// `length` bytes of the value from `offset`, by read_at().
std::string read_range(const Store& store, std::string_view key, uint64_t offset, size_t length);

/// "key00042"
std::string numbered(std::string_view stem, uint64_t number, int digits = 5);

/// A short readable form of a value, for messages.
std::string brief(std::string_view value);

}  // namespace memoria::test
