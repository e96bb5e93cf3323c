// SPDX-License-Identifier: MIT
#include "tests/crash/recording.hpp"

#include <algorithm>

namespace memoria::test {

void History::end_change(bool synced) {
  ++returned_;
  if (synced) synced_ = returned_;
  note();
}

void History::synced() {
  synced_ = returned_;
  note();
}

void History::begin_snapshot(const std::string& name, bool create) {
  auto& snapshot = snapshots_[name];
  (create ? snapshot.making : snapshot.removing) = environment_->trace_size();
  snapshot.state = create ? returned_ : snapshot.state;
}

void History::end_snapshot(const std::string& name, bool create) {
  auto& snapshot = snapshots_[name];
  (create ? snapshot.made : snapshot.removed) = environment_->trace_size();
  if (create) synced();
}

Promise History::at(size_t length, bool power_lost) const {
  const auto next =
      std::upper_bound(said_.begin(), said_.end(), length,
                       [](size_t size, const Said& said) { return size < said.trace_size; });
  const Said said = next == said_.begin() ? Said{0, 0, 0} : *std::prev(next);
  Promise promise;
  promise.least = power_lost ? said.synced : said.returned;
  promise.most = said.returned + 1;  // the one under way may be there completely
  for (const auto& [name, snapshot] : snapshots_) {
    if (length >= snapshot.made && length <= snapshot.removing) {
      promise.snapshots[name] = snapshot.state;
    } else if (length > snapshot.making && length < snapshot.removed) {
      promise.possible_snapshots[name] = snapshot.state;
    }
  }
  return promise;
}

size_t find_state(const History& history, const View& view, const Promise& promise) {
  const auto& states = history.states();
  const auto promised = "promised were states " + std::to_string(promise.least) + " to " +
                        std::to_string(promise.most);
  for (size_t i = promise.least; i <= promise.most && i < states.size(); ++i) {
    if (states[i] == view) return i;
  }
  for (size_t i = 0; i < states.size(); ++i) {
    if (states[i] == view) throw Broken("this is state " + std::to_string(i) + ", " + promised);
  }
  const View& least = states.at(promise.least);
  const auto differs = std::mismatch(least.begin(), least.end(), view.begin(), view.end());
  throw Broken("this is no state that there ever was, " + promised +
               "; from the first of them it "
               "differs at byte " +
               std::to_string(differs.first - least.begin()) + " of its view");
}

}  // namespace memoria::test
