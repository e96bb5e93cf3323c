// SPDX-License-Identifier: MIT
#include "core/store/run_merge.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "core/base/key_order.hpp"
#include "core/base/mutex.hpp"
#include "core/base/signals.hpp"
#include "core/store/key_loader.hpp"

namespace memoria {
namespace {

constexpr size_t kBufferBytes = 16 << 20;  // of all runs together
constexpr size_t kLeastChunk = 16 << 10, kMostChunk = 1 << 20;
// Below this many entries a second thread costs more than it brings.
constexpr uint64_t kEntriesPerThread = 20'000;
// How often is told how many were loaded.
constexpr uint64_t kToldAtOnce = 50'000;

/// Keys from `from` on and below `to`; no `to`: to the end.
struct KeyRange {
  std::string from;
  std::optional<std::string> to;
};

/// A run and its entry at hand.
class Source {
 public:
  Source(const std::vector<Run>& runs, size_t number, size_t chunk)
      : number_(number),
        slot_(runs[number].slot),
        cursor_(runs[number].index, runs[number].read, chunk) {}

  /// Goes to the first key of the range; false: there is none.
  Result<bool> start(const std::string& from) {
    cursor_.seek(from);
    do {
      MEMORIA_TRY(const bool more, next());
      if (!more) return false;
    } while (key() < from);
    return true;
  }
  Result<bool> next() {
    MEMORIA_TRY(const bool more, cursor_.next(entry_));
    if (!more) return false;
    head_ = head_behind(key(), 0);
    return true;
  }

  std::string_view key() const { return entry_.record.key; }
  const Entry& entry() const { return entry_; }
  Slot slot() const { return slot_; }
  size_t number() const { return number_; }
  bool operator<(const Source& other) const {
    return head_ != other.head_ ? head_ < other.head_ : key() < other.key();
  }

 private:
  const size_t number_;  // of the run
  const Slot slot_;
  HintCursor cursor_;
  Entry entry_;
  uint64_t head_ = 0;  // the key's first bytes: most comparisons need no more
};

/// The records of one key, copied from the sources, which go on. Keeps its memory.
class Group {
 public:
  void clear() { size_ = 0; }
  void add(const Source& source, size_t inline_limit) {
    if (size_ == records_.size()) {
      records_.emplace_back();
      values_.emplace_back();
    }
    auto& loaded = records_[size_];
    auto& value = values_[size_];
    loaded.entry = source.entry();
    loaded.slot = source.slot();
    // The limit may have been lowered since the hint was written.
    loaded.entry.is_inline =
        loaded.entry.is_inline && loaded.entry.record.value_size <= inline_limit;
    if (loaded.entry.is_inline) value.assign(loaded.entry.value);
    ++size_;
  }
  std::span<const LoadedRecord> records() {
    for (size_t i = 0; i < size_; ++i) {
      auto& entry = records_[i].entry;
      entry.value = entry.is_inline ? std::string_view(values_[i]) : std::string_view();
    }
    return std::span(records_).first(size_);
  }

 private:
  size_t size_ = 0;
  std::vector<LoadedRecord> records_;
  std::vector<std::string> values_;
};

/// A heap of sources with the least key on top.
class Merger {
 public:
  Merger(const std::vector<Run>& runs, const KeyRange& range) : range_(range) {
    const size_t chunk =
        std::clamp(kBufferBytes / std::max<size_t>(runs.size(), 1), kLeastChunk, kMostChunk);
    for (size_t i = 0; i < runs.size(); ++i) {
      sources_.push_back(std::make_unique<Source>(runs, i, chunk));
    }
  }

  /// Returns a run that is damaged or cannot be read.
  std::optional<BadRun> run(KeyDirectory::Loader& loader, size_t inline_limit,
                            const std::function<void(uint64_t)>& on_loaded) {
    for (auto& source : sources_) {
      const auto there = source->start(range_.from);
      if (!there.has_value()) return BadRun{source->number(), there.error()};
      if (there.value()) heap_.push_back(source.get());
    }
    for (size_t i = heap_.size() / 2; i-- > 0;) sift_down(i);
    std::string key;
    Group group;
    uint64_t untold = 0;
    while (!heap_.empty() && !beyond(heap_.front()->key())) {
      key = heap_.front()->key();
      group.clear();
      do {
        group.add(*heap_.front(), inline_limit);
        const auto advanced = advance();
        if (!advanced.has_value()) return BadRun{heap_.front()->number(), advanced.error()};
      } while (!heap_.empty() && heap_.front()->key() == key);
      const auto records = group.records();
      loader.add(key, records);
      untold += records.size();
      if (untold >= kToldAtOnce) on_loaded(std::exchange(untold, 0));
    }
    on_loaded(untold);
    return std::nullopt;
  }

 private:
  bool beyond(std::string_view key) const { return range_.to && key >= *range_.to; }

  Status advance() {
    MEMORIA_TRY(const bool more, heap_.front()->next());
    if (!more) {
      heap_.front() = heap_.back();
      heap_.pop_back();
    }
    if (!heap_.empty()) sift_down(0);
    return ok();
  }

  void sift_down(size_t at) {
    while (true) {
      size_t least = 2 * at + 1;
      if (least >= heap_.size()) return;
      if (least + 1 < heap_.size() && *heap_[least + 1] < *heap_[least]) ++least;
      if (!(*heap_[least] < *heap_[at])) return;
      std::swap(heap_[at], heap_[least]);
      at = least;
    }
  }

  const KeyRange& range_;
  std::vector<std::unique_ptr<Source>> sources_;
  std::vector<Source*> heap_;
};

/// Ranges with about as many entries each: blocks of all runs have about as many.
std::vector<KeyRange> split(const std::vector<Run>& runs, unsigned threads) {
  uint64_t entries = 0;
  std::vector<std::string_view> separators;
  for (const auto& run : runs) {
    entries += run.index.entries();
    for (const auto& block : run.index.blocks()) separators.push_back(block.separator);
  }
  std::sort(separators.begin(), separators.end());
  const size_t parts =
      std::clamp<size_t>(size_t(entries / kEntriesPerThread), 1, std::max(threads, 1u));
  std::vector<KeyRange> ranges(1);
  for (size_t i = 1; i < parts; ++i) {
    const auto border = separators[separators.size() * i / parts];
    if (border <= ranges.back().from) continue;
    ranges.back().to = border;
    ranges.push_back({std::string(border), std::nullopt});
  }
  return ranges;
}

}  // namespace

std::optional<BadRun> load_runs(const std::vector<Run>& runs, KeyDirectory& directory,
                                size_t inline_limit, unsigned threads,
                                const std::function<void(uint64_t records)>& on_loaded) {
  const auto ranges = split(runs, threads);
  std::vector<KeyDirectory::Loader> loaders;
  for (size_t i = 0; i < ranges.size(); ++i) loaders.emplace_back(directory);
  Mutex mutex;
  std::optional<BadRun> bad;
  const auto work = [&](size_t i) {
    auto failed = Merger(runs, ranges[i]).run(loaders[i], inline_limit, on_loaded);
    if (!failed) return;
    Lock lock(mutex);
    bad = std::move(failed);
  };
  std::vector<std::thread> helpers;
  size_t unhelped = 1;
  while (unhelped < ranges.size() && add_helper(helpers, [&work, i = unhelped] { work(i); })) {
    ++unhelped;
  }
  work(0);
  for (; unhelped < ranges.size(); ++unhelped) work(unhelped);
  for (auto& helper : helpers) helper.join();
  if (bad) return bad;
  for (auto& loader : loaders) std::move(loader).join();
  return std::nullopt;
}

}  // namespace memoria
