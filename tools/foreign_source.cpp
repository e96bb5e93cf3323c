// SPDX-License-Identifier: MIT
#include "tools/foreign_source.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include "fs/control/byte_text.hpp"

namespace memoria::ctl {
namespace {

constexpr size_t kReadyAtOnce = 64 << 10;
constexpr uint64_t kMostTold = 10'000;

}  // namespace

Status RemarkTeller::tell(const foreign::Remark& remark) {
  if (remark.is_loss) ++losses_;
  if (told_ == kMostTold) return ok();
  Json item = {{"detail", ++told_ == kMostTold ? "and more of the like" : remark.detail}};
  if (told_ == kMostTold) return sink_.item(std::move(item));
  if (!remark.file.empty()) {
    set_bytes(item, "file", remark.file);
    if (remark.length > 0) item["length"] = remark.length;
    item["offset"] = remark.offset;
  }
  if (remark.key) set_bytes(item, "key", *remark.key);
  return sink_.item(std::move(item));
}

Status ForeignSource::plan(RemarkTeller& remarks) {
  for (const auto* entry : log_.live()) paths_.add(entry->first);
  for (const auto* entry : log_.live()) {
    if (paths_.path_of(entry->first)) continue;
    ++refused_;
    foreign::Remark remark;
    remark.detail = fmt::format("left out: its path would have more than {} bytes", kMostPathBytes);
    remark.key = entry->first;
    MEMORIA_TRY(remarks.tell(remark));
  }
  return ok();
}

/// The next frame goes to ready_.
Status ForeignSource::produce() {
  if (in_file_) return produce_part();
  if (next_ == log_.live().size()) {
    ready_ += encode_tree_end();
    ended_ = true;
    return ok();
  }
  const auto& [key, version] = *log_.live()[next_++];
  const auto path = paths_.path_of(key);
  if (!path) return ok();
  TreeEntry entry;
  entry.path = *path;
  entry.mode = S_IFREG | 0644;
  entry.size = version.head.value_size;
  entry.mtime = entry.atime = version.head.time_ns;
  MEMORIA_TRY(log_.open_value(*log_.live()[next_ - 1]));
  ready_ += memoria::encode(entry);
  in_file_ = true;
  file_offset_ = 0;
  return ok();
}

Status ForeignSource::produce_part() {
  MEMORIA_TRY(const auto part, log_.next_part());
  if (part.empty()) {
    in_file_ = false;
    return ok();
  }
  ready_ += encode_tree_data(file_offset_, part);
  file_offset_ += part.size();
  bytes_ += part.size();
  sink_.progress({"import", bytes_, log_.live_bytes()});
  return ok();
}

Result<size_t> ForeignSource::read(std::span<char> out) {
  if (taken_ == ready_.size()) {
    ready_.clear();
    taken_ = 0;
    while (!ended_ && ready_.size() < kReadyAtOnce) MEMORIA_TRY(produce());
  }
  const size_t n = ready_.copy(out.data(), out.size(), taken_);
  taken_ += n;
  return n;
}

}  // namespace memoria::ctl
