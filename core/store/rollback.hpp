// SPDX-License-Identifier: MIT
// Makes a store what one of its snapshots is: the file `rollback` is the decision, and whoever
// opens the store next carries it out. Rules and layout: core/FORMAT.md, "Rollback".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/io/environment.hpp"
#include "core/log/segment.hpp"

namespace memoria {

inline constexpr std::string_view kRollbackFile = "rollback";

struct Rollback {
  StoreUuid uuid{};
  uint64_t timestamp = 0;  ///< newer than everything that the store gave out before
  std::string snapshot;    ///< its name

  bool operator==(const Rollback&) const = default;
};

std::string encode_rollback(const Rollback& rollback);
/// kCorrupt or kNewerFormat; `subject` names the file in messages.
Result<Rollback> decode_rollback(std::string_view bytes, std::string_view subject);

/// Success: the snapshot has a manifest of this store and all files that it names. kNotFound,
/// kCorrupt.
Status check_rollback(Environment& environment, const Rollback& rollback);
/// Decides it, durably: from now on the store is what the snapshot is. Everything that the store
/// holds must be durable, and nothing may be written to it any more.
Status begin_rollback(Environment& environment, const Rollback& rollback);

/// What was decided and not yet carried out, if anything.
Result<std::optional<Rollback>> pending_rollback(Environment& environment);
/// Carries it out; nothing is lost when it is interrupted and begun again. kCorrupt: the snapshot
/// is not what check_rollback() saw.
Status finish_rollback(Environment& environment, const Rollback& rollback);

}  // namespace memoria
