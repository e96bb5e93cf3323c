// SPDX-License-Identifier: MIT
// The command `dump`: the records of one segment.
#include <fmt/format.h>

#include <optional>

#include "core/log/segment.hpp"
#include "fs/control/byte_text.hpp"
#include "fs/control/commands.hpp"
#include "fs/control/key_text.hpp"

namespace memoria::control {
namespace {

std::string_view kind_word(Kind kind) {
  switch (kind) {
    case Kind::kPut:
      return "put";
    case Kind::kErase:
      return "erase";
    case Kind::kPiece:
      return "piece";
    case Kind::kTruncate:
      return "truncate";
    case Kind::kPunch:
      return "punch";
    case Kind::kBatch:
    case Kind::kSeal:
    case Kind::kReplaces:
    case Kind::kEnd:
      break;  // say nothing of a key
  }
  return "other";
}

std::string_view checksum_word(const RecordInfo& record) {
  if (record.intact) return "ok";
  return record.head_intact ? "bad value" : "bad";
}

Json record_item(const RecordInfo& record, bool in_volume) {
  Json item = {{"offset", record.offset},
               {"length", record.length},
               {"kind", kind_word(record.kind)},
               {"time", iso_time(int64_t(record.timestamp))},
               {"key", in_volume ? describe_volume_key(record.key) : printable(record.key)},
               {"key_hex", to_hex(record.key)},
               {"value_length", record.value_size},
               {"live", record.live},
               {"checksum", checksum_word(record)}};
  if (record.kind == Kind::kPiece || record.kind == Kind::kPunch) {
    item["value_offset"] = record.value_offset;
  }
  if (record.kind == Kind::kPunch) item["punched"] = record.punched;
  if (record.kind == Kind::kTruncate) item["size"] = record.value_offset;
  if (record.generation != 0) item["generation"] = iso_time(int64_t(record.generation));
  return item;
}

/// "123" or "123.data".
std::optional<uint64_t> segment_of(const std::string& name) {
  if (const auto id = segment_id(name, kDataSuffix)) return id;
  return segment_id(name + std::string(kDataSuffix), kDataSuffix);
}

}  // namespace

Result<Json> dump_segment(const Call& call) {
  const auto name = get_bytes(call.request, "segment");
  const auto id = name ? segment_of(*name) : std::nullopt;
  if (!id) {
    return Error(Errc::kInvalidArgument,
                 fmt::format("a segment is named by its 19 digits or its file, as memoria-ctl map "
                             "shows it, not \"{}\"",
                             printable(name.value_or(""))));
  }
  const bool in_volume = holds_volume(call.store);
  uint64_t records = 0, bad = 0;
  Status delivered = ok();
  MEMORIA_TRY(const auto report, call.store.read_segment(*id, [&](const RecordInfo& record) {
    ++records;
    bad += !record.intact;
    delivered = call.sink.item(record_item(record, in_volume));
    if (delivered.has_value() && call.sink.cancelled()) delivered = Error(Errc::kCancelled);
    return delivered.has_value();
  }));
  MEMORIA_TRY(delivered);
  auto damages = Json::array();
  for (const auto& damage : report.damages) {
    damages.push_back(
        {{"offset", damage.offset}, {"length", damage.length}, {"reason", damage.reason}});
  }
  return Json{{"file", segment_file(*id)},
              {"count", records},
              {"bad", bad},
              {"damages", damages},
              {"bytes", report.bytes},
              {"sealed", report.sealed},
              {"clean", bad == 0 && report.damages.empty()}};
}

}  // namespace memoria::control
