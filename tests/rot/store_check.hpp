// SPDX-License-Identifier: MIT
// Opens a damaged store and compares everything that it says with what was promised.
#pragma once

#include "core/store/store.hpp"
#include "tests/crash/recording.hpp"
#include "tests/rot/bounds.hpp"
#include "tests/rot/subject.hpp"

namespace memoria::test {

/// Opens it. Null: it was refused, and may be.
std::unique_ptr<Store> open_or_explain(const std::shared_ptr<Environment>& environment,
                                       const Bounds& bounds, const Options& options);
/// Reads all of an opened store. Throws Broken.
void check_values(const Store& store, const Bounds& bounds, RotTally& tally);
/// Every record that was hit is in one of the places, and each place was hit.
void check_damages(const Bounds& bounds, const std::vector<Damage>& damages);
/// verify() names what was hit, and nothing else; `inline_limit` is that of the store.
void check_verify(Store& store, const Bounds& bounds, uint64_t inline_limit, RotTally& tally);
/// Everything about the store in `after`: reading, verify, repair, going on. False: it does not
/// open, and need not.
bool check_store(const Image& before, const Image& after, const Options& options, Random& random,
                 RotTally& tally);
/// A snapshot's directory, which is only read.
void check_snapshot(const Image& before, const Image& after, Options options, RotTally& tally);

}  // namespace memoria::test
