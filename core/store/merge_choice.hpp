// SPDX-License-Identifier: MIT
// What a merge has to copy of its inputs. Rules: core/FORMAT.md, "What a merge may drop".
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"
#include "core/io/environment.hpp"
#include "core/log/selective_scan.hpp"
#include "core/store/key_directory.hpp"
#include "core/store/options.hpp"
#include "core/store/segments.hpp"

namespace memoria {

/// Asks the key directory, beside readers and writers: by a walk through all of it, or, when it is
/// large for the records of the inputs (Options::Merge::walked_keys_per_record), record by record.
/// What dies meanwhile may be among what is chosen; what is live in an input when it was asked, and
/// still is, is. Takes 16 bytes for each record that is chosen, and 12 for what it gives.
class MergeChoice {
 public:
  using Inputs = std::span<const std::shared_ptr<Segment>>;

  /// A record that is to be copied, if it still is when its turn comes.
  struct Choice {
    SelectiveScanner::Place place;
    bool whole = false;  ///< so it was when it was chosen: there is no need to ask again
  };
  /// Of one input, in the order of the file. Nothing: all of it must be read, as there is no hint
  /// that can be trusted.
  using Choices = std::optional<std::vector<Choice>>;
  /// Told of a value whose size is loose and of its generation.
  using LooseFn = std::function<Status(std::string_view key, uint64_t generation)>;

  /// `takes_all`: erasers are needed only where they give a value its size. All must outlive it.
  MergeChoice(Environment& environment, const KeyDirectory& directory, const Options& options,
              bool takes_all)
      : environment_(environment),
        directory_(directory),
        options_(options),
        takes_all_(takes_all) {}

  /// For each of `inputs`. Records that are dead but give a value its size are either chosen, or
  /// `on_loose` is told of the value, outside of any lock. Errors: those of `on_loose`.
  Result<std::vector<Choices>> choose(Inputs inputs, const LooseFn& on_loose) const;

 private:
  Result<std::vector<Choices>> walk(Inputs inputs, const LooseFn& on_loose) const;
  Choices with_erasers(const Segment& input, std::vector<Choice> choices) const;
  Choices ask(const Segment& input) const;

  Environment& environment_;
  const KeyDirectory& directory_;
  const Options& options_;
  const bool takes_all_;
};

/// Those of `inputs`, from the first on, that should be chosen together: one, or several with a
/// million live records at most.
MergeChoice::Inputs chosen_together(MergeChoice::Inputs inputs);

}  // namespace memoria
