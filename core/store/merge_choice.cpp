// SPDX-License-Identifier: MIT
#include "core/store/merge_choice.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "core/store/entries.hpp"
#include "core/store/hint_file.hpp"

namespace memoria {
namespace {

constexpr uint64_t kTogether = 1'000'000;

/// In the order of the file. What is there twice is an eraser that also gives a size.
void sort_by_place(std::vector<MergeChoice::Choice>& choices) {
  std::sort(choices.begin(), choices.end(),
            [](const auto& a, const auto& b) { return a.place.offset < b.place.offset; });
  const auto twice = std::unique(choices.begin(), choices.end(), [](const auto& a, const auto& b) {
    return a.place.offset == b.place.offset;
  });
  choices.erase(twice, choices.end());
}

}  // namespace

MergeChoice::Inputs chosen_together(MergeChoice::Inputs inputs) {
  uint64_t records = 0;
  const auto end = std::find_if(inputs.begin(), inputs.end(), [&](const auto& input) {
    records += input->counts.live_records;
    return records > kTogether;
  });
  return inputs.first(std::max<size_t>(size_t(end - inputs.begin()), 1));
}

Result<std::vector<MergeChoice::Choices>> MergeChoice::choose(Inputs inputs,
                                                              const LooseFn& on_loose) const {
  uint64_t records = 0;
  for (const auto& input : inputs) records += input->counts.total_records;
  if (records * options_.merge.walked_keys_per_record > directory_.count()) {
    return walk(inputs, on_loose);
  }
  std::vector<Choices> chosen;
  for (const auto& input : inputs) chosen.push_back(ask(*input));
  return chosen;
}

/// Goes through the whole key directory.
Result<std::vector<MergeChoice::Choices>> MergeChoice::walk(Inputs inputs,
                                                            const LooseFn& on_loose) const {
  std::vector<bool> slots;
  for (const auto& input : inputs) {
    slots.resize(std::max<size_t>(slots.size(), input->slot + 1));
    slots[input->slot] = true;
  }
  KeyDirectory::LivePlaces live;
  for (KeyDirectory::Walk walk; !walk.done;) {
    directory_.walk_on(walk, slots, live);
    for (const auto& [key, generation] : std::exchange(live.loose, {})) {
      MEMORIA_TRY(on_loose(key, generation));
    }
  }
  // What came twice is asked for again if it was no whole value once.
  std::sort(live.records.begin(), live.records.end(), [](const auto& a, const auto& b) {
    return std::tuple(a.location.slot, a.location.offset, a.whole) <
           std::tuple(b.location.slot, b.location.offset, b.whole);
  });
  const auto twice =
      std::unique(live.records.begin(), live.records.end(),
                  [](const auto& a, const auto& b) { return a.location == b.location; });
  live.records.erase(twice, live.records.end());
  std::vector<Choices> chosen;
  for (const auto& input : inputs) {
    std::vector<Choice> choices;
    auto record =
        std::partition_point(live.records.begin(), live.records.end(),
                             [&](const auto& place) { return place.location.slot < input->slot; });
    for (; record != live.records.end() && record->location.slot == input->slot; ++record) {
      choices.push_back({{record->location.offset, record->size}, record->whole});
    }
    chosen.push_back(with_erasers(*input, std::move(choices)));
  }
  return chosen;
}

/// Adds the erasers that may have to be copied.
MergeChoice::Choices MergeChoice::with_erasers(const Segment& input,
                                               std::vector<Choice> choices) const {
  if (takes_all_ || input.counts.eraser_records == 0) return choices;
  if (!input.has_hint) return std::nullopt;
  const bool known = for_each_in_hint(environment_, input, [&](const Entry& entry) {
    if (!is_eraser(entry.record.kind)) return;
    choices.push_back({{entry.record_offset, uint32_t(entry.record.size())}, false});
  });
  if (!known) return std::nullopt;
  sort_by_place(choices);
  return choices;
}

/// Asks for all that the input's hint names, which is in the order of the keys: neighbours in the
/// hint are neighbours in the key directory.
MergeChoice::Choices MergeChoice::ask(const Segment& input) const {
  if (!input.has_hint) return std::nullopt;
  std::vector<Choice> choices;
  const bool known = for_each_in_hint(environment_, input, [&](const Entry& entry) {
    const Record& r = entry.record;
    const LiveRecord live = directory_.live(r, {input.slot, entry.record_offset});
    const bool eraser = is_eraser(r.kind);
    if (!eraser && !live.whole && live.fragments.empty() && !live.loose_size) return;
    choices.push_back(
        {{entry.record_offset, uint32_t(r.size())}, live.whole && !eraser && !live.loose_size});
  });
  if (!known) return std::nullopt;
  sort_by_place(choices);
  return choices;
}

}  // namespace memoria
