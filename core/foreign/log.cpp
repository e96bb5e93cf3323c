// SPDX-License-Identifier: MIT
#include "core/foreign/log.hpp"

#include <absl/strings/string_view.h>
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <tuple>

#include "core/foreign/bitcask_format.hpp"
#include "core/foreign/dialect.hpp"
#include "core/foreign/original_format.hpp"

namespace memoria::foreign {
namespace {

std::string_view words(DamagedPlace::Kind kind) {
  switch (kind) {
    case DamagedPlace::Kind::kRecord:
      return "a damaged record: its checksum is wrong";
    case DamagedPlace::Kind::kRange:
      return "damaged: no intact record is to be found here";
    case DamagedPlace::Kind::kTornTail:
      return "the file ends within a record, as a crash leaves it";
  }
  return "";
}

/// Debian's build of Abseil has a string_view of its own.
absl::string_view as_absl(std::string_view text) {
  return {text.data(), text.size()};
}

std::string_view files_of(Engine engine) {
  return engine == Engine::kBitcask ? "<number>.bitcask.data" : "<number>.data";
}

}  // namespace

/// Keeps the newest versions of one segment's records.
class Log::Collector final : public ScanVisitor {
 public:
  Collector(Log& log, uint32_t segment, const ProgressFn& progress, uint64_t done, uint64_t total,
            const Remarks& remarks)
      : log_(log),
        segment_(segment),
        progress_(progress),
        done_(done),
        total_(total),
        remarks_(remarks) {}

  Status record(const IntactRecord& record) override {
    ++log_.totals_.records;
    note_type(record);
    if (record.head.key_size > kMostKeyBytes) return refuse_key(record);
    auto state = Version::State::kValue;
    if (record.meaning == Meaning::kErased) state = Version::State::kErased;
    if (record.meaning == Meaning::kUnknown) state = Version::State::kUnknown;
    const Version version{segment_, state, record.offset, record.head};
    const auto [there, is_first] = log_.newest_.try_emplace(as_absl(record.key), version);
    if (!is_first && log_.is_newer(version, there->second)) there->second = version;
    return ok();
  }

  Status damage(const DamagedPlace& place) override {
    const Place here{segment_, place.offset};
    if (place.kind == DamagedPlace::Kind::kTornTail) {
      ++log_.totals_.torn;
    } else {
      ++log_.totals_.damaged;
      log_.last_damage_ = here;
    }
    Remark remark{std::string(words(place.kind)), name(), place.offset, place.size, {}, true};
    if (place.key) {
      remark.key = *place.key;
      auto& damaged = log_.damaged_[as_absl(*place.key)];
      damaged.place = std::max(damaged.place, here);
      damaged.time_ns = std::max(damaged.time_ns, place.time_ns);
    }
    return remarks_(remark);
  }

  Status progress(uint64_t bytes) override {
    if (progress_ && !progress_({"scan", done_ + bytes, total_})) return Error(Errc::kCancelled);
    return ok();
  }

 private:
  const std::string& name() const { return log_.segments_[segment_].name; }

  void note_type(const IntactRecord& record) {
    auto& types = record.head.value_size > 0 ? log_.types_with_value_ : log_.types_without_;
    if (record.head.type < 64) types |= uint64_t{1} << record.head.type;
  }

  Status refuse_key(const IntactRecord& record) {
    if (record.meaning == Meaning::kErased) return ok();
    ++log_.totals_.skipped;
    return remarks_(
        {fmt::format("a key of {} bytes is left out: no path is so long", record.head.key_size),
         name(), record.offset, record.size, std::string(record.key.substr(0, kMeaningBytes)),
         true});
  }

  Log& log_;
  const uint32_t segment_;
  const ProgressFn& progress_;
  const uint64_t done_, total_;
  const Remarks& remarks_;
};

Result<std::unique_ptr<Log>> Log::open(std::unique_ptr<SourceDirectory> directory,
                                       const LogOptions& options) {
  std::unique_ptr<Log> log(new Log(std::move(directory), options));
  if (options.engine == Engine::kBitcask) {
    log->format_ = std::make_unique<BitcaskFormat>();
  } else {
    log->format_ = std::make_unique<OriginalFormat>();
  }
  MEMORIA_TRY(log->find_segments());
  return log;
}

Status Log::find_segments() {
  MEMORIA_TRY(const auto names, directory_->list());
  size_t discarded = 0;
  for (const auto& name : names) {
    const auto number = format_->segment_number(name);
    if (!number) continue;
    MEMORIA_TRY(const auto file, directory_->open(name));
    if (format_->is_discarded(file->mode())) {
      ++discarded;
      found_.push_back(
          {"left out: its mode says that a merge has replaced it", name, 0, 0, {}, false});
      continue;
    }
    MEMORIA_TRY(const uint64_t size, file->size());
    segments_.push_back({name, *number, size});
    totals_.bytes += size;
  }
  if (segments_.empty()) {
    return Error(Errc::kNotFound,
                 discarded > 0
                     ? fmt::format("all data files in {} are marked by their mode as replaced by a "
                                   "merge (set-user-id, or execution by others); if they are not, "
                                   "copy them to where `chmod o-x` can be said",
                                   directory_->describe())
                     : fmt::format("{} holds no files {}", directory_->describe(),
                                   files_of(options_.engine)));
  }
  totals_.files = segments_.size();
  std::sort(segments_.begin(), segments_.end(), [](const Segment& a, const Segment& b) {
    return std::tie(a.number, a.name) < std::tie(b.number, b.name);
  });
  return ok();
}

Status Log::scan(const ProgressFn& progress, const Remarks& remarks) {
  for (const auto& remark : found_) MEMORIA_TRY(remarks(remark));
  if (options_.engine == Engine::kOriginal) MEMORIA_TRY(find_dialect(progress));
  MEMORIA_TRY(scan_segments(progress, remarks));
  if (totals_.records == 0 && totals_.damaged + totals_.torn > 0) {
    return Error(Errc::kCorrupt,
                 fmt::format("no record in {} is intact: it is the data directory of something "
                             "else, or all of it is damaged; nothing was imported",
                             directory_->describe()));
  }
  return choose(remarks);
}

Status Log::find_dialect(const ProgressFn& progress) {
  for (const auto& segment : segments_) {
    MEMORIA_TRY(const auto file, directory_->open(segment.name));
    const auto go_on = [&](uint64_t bytes) -> Status {
      if (progress && !progress({"look", bytes, segment.size})) return Error(Errc::kCancelled);
      return ok();
    };
    MEMORIA_TRY(const auto dialect, foreign::find_dialect(*file, segment.size, go_on));
    if (!dialect) continue;
    format_ = std::make_unique<OriginalFormat>(*dialect);
    break;
  }
  return ok();
}

Status Log::scan_segments(const ProgressFn& progress, const Remarks& remarks) {
  uint64_t done = 0;
  for (uint32_t i = 0; i < segments_.size(); ++i) {
    MEMORIA_TRY(const auto file, directory_->open(segments_[i].name));
    Collector collector(*this, i, progress, done, totals_.bytes, remarks);
    MEMORIA_TRY(scan_segment(*file, segments_[i].size, *format_, collector));
    done += segments_[i].size;
  }
  return ok();
}

bool Log::is_newer(const Version& a, const Version& b) const {
  const auto place = [](const Version& v) { return Place{v.segment, v.offset}; };
  if (format_->orders_by_time() && a.head.time_ns != b.head.time_ns) {
    return a.head.time_ns > b.head.time_ns;
  }
  return place(a) > place(b);
}

Status Log::choose(const Remarks& remarks) {
  if (options_.engine == Engine::kOriginal &&
      (std::popcount(types_with_value_) > 1 || (types_with_value_ & types_without_) != 0)) {
    MEMORIA_TRY(
        remarks({"records with and without values are of other types than was expected: "
                 "those with a value were taken, those without erase"}));
  }
  for (const auto& entry : newest_) {
    const auto& version = entry.second;
    if (version.state == Version::State::kErased) {
      ++totals_.erased;
      continue;
    }
    MEMORIA_TRY(const bool certain, is_certain(entry, remarks));
    if (!certain) {
      ++totals_.skipped;
    } else if (options_.expiry && version.head.time_ns < *options_.expiry) {
      ++totals_.expired;
    } else {
      live_.push_back(&entry);
      live_bytes_ += version.head.value_size;
      // What is newer by its time may be anywhere.
      if (last_damage_ &&
          (format_->orders_by_time() || Place{version.segment, version.offset} < *last_damage_)) {
        ++totals_.in_doubt;
      }
    }
  }
  std::sort(live_.begin(), live_.end(), [](const Entry* a, const Entry* b) {
    return std::tie(a->second.segment, a->second.offset) <
           std::tie(b->second.segment, b->second.offset);
  });
  return ok();
}

Result<bool> Log::is_certain(const Entry& entry, const Remarks& remarks) {
  const auto& [key, version] = entry;
  Remark remark{{}, segments_[version.segment].name, version.offset, 0, key, true};
  if (version.state == Version::State::kUnknown) {
    remark.detail = fmt::format("left out: a record of the unknown type {}", version.head.type);
    MEMORIA_TRY(remarks(remark));
    return false;
  }
  const auto found = damaged_.find(key);
  if (found == damaged_.end()) return true;
  const auto& damaged = found->second;
  const bool is_later = Place{version.segment, version.offset} > damaged.place &&
                        (!format_->orders_by_time() || version.head.time_ns >= damaged.time_ns);
  if (is_later) return true;
  remark.detail = options_.keep_older
                      ? "this older version was taken: the newest one is damaged"
                      : "left out: the newest version is damaged (--keep-older takes this one)";
  MEMORIA_TRY(remarks(remark));
  return options_.keep_older;
}

Error Log::changed() const {
  return {Errc::kCorrupt,
          fmt::format("{}/{} changed while it was read: end the program that uses it, or import a "
                      "copy; nothing was imported",
                      directory_->describe(), segments_[open_segment_].name)};
}

Status Log::open_value(const Entry& entry) {
  const auto& [key, version] = entry;
  const auto& segment = segments_[version.segment];
  if (!open_ || open_segment_ != version.segment) {
    window_.reset();
    MEMORIA_TRY(open_, directory_->open(segment.name));
    window_ = std::make_unique<Window>(*open_, segment.size);
    open_segment_ = version.segment;
  }
  const auto& head = version.head;
  MEMORIA_TRY(const auto front, window_->view(version.offset, format_->head_size() + key.size()));
  const auto stored_head = front.substr(0, format_->head_size());
  if (front.size() < format_->head_size() || front.substr(format_->head_size()) != key) {
    return changed();
  }
  const auto now = format_->parse(stored_head);
  if (!now || now->checksum != head.checksum || now->value_size != head.value_size) {
    return changed();
  }
  checksum_ = format_->continue_checksum(format_->begin_checksum(stored_head), key);
  wanted_checksum_ = head.checksum;
  value_at_ = version.offset + front.size();
  value_end_ = value_at_ + head.value_size;
  return ok();
}

Result<std::string_view> Log::next_part() {
  if (value_at_ == value_end_) {
    if (checksum_ != wanted_checksum_) return changed();
    return std::string_view();
  }
  MEMORIA_TRY(const auto part, window_->some(value_at_, value_end_ - value_at_));
  if (part.empty()) return changed();
  checksum_ = format_->continue_checksum(checksum_, part);
  value_at_ += part.size();
  return part;
}

}  // namespace memoria::foreign
