// SPDX-License-Identifier: MIT
// What carrying a store somewhere came to, for people.
#include <fmt/format.h>

#include "fs/control/byte_text.hpp"
#include "fs/control/key_text.hpp"
#include "tools/human_report.hpp"
#include "tools/units.hpp"

namespace memoria::ctl {
namespace {

std::string copied_text(Verb verb, const Json& r) {
  auto out = fmt::format("{} of {} in {}: {} copied, {}",
                         verb == Verb::kBackup ? "backup" : "restored store",
                         format_bytes(double(number(r, "bytes"))),
                         format_many(number(r, "segments"), "segment", "segments"),
                         format_many(number(r, "copied_segments"), "segment", "segments"),
                         format_bytes(double(number(r, "copied_bytes"))));
  if (const auto removed = number(r, "removed_segments"); removed > 0) {
    out += fmt::format(", {} removed", format_count(removed));
  }
  if (const auto snapshots = number(r, "snapshots"); snapshots > 0) {
    out += fmt::format(", {}", format_many(snapshots, "snapshot", "snapshots"));
  }
  return out + "\n";
}

/// "  /a/b, bytes 0 to 4095: cannot be read; it is zeros now"
std::string loss_line(const Json& loss) {
  const auto path = get_bytes(loss, "path");
  const auto what = path ? printable(*path) : text(loss, "key");
  auto out = fmt::format("  {}", what);
  if (const auto length = number(loss, "length"); length > 0) {
    const auto offset = number(loss, "offset");
    out += fmt::format(", bytes {} to {}", offset, offset + length - 1);
  }
  const auto detail = printable(text(loss, "detail"));
  return fmt::format("{}{}{}\n", out, what.empty() ? "" : ": ", detail);
}

std::string repaired_text(const Json& r, const Items& losses) {
  auto out =
      fmt::format("saved {}, {}: ",
                  text(r, "kind") == "volume" ? format_many(number(r, "files"), "file", "files")
                                              : format_many(number(r, "files"), "key", "keys"),
                  format_bytes(double(number(r, "bytes"))));
  if (losses.empty()) return out + "everything was intact\n";
  out += format_many(losses.size(), "thing could not be saved as it was",
                     "things could not be saved as they were") +
         "\n";
  for (const auto& loss : losses) out += loss_line(loss);
  return out;
}

std::string archive_text(std::string_view done, const Json& r, const Items& remarks) {
  if (flag(r, "to_stdout") && remarks.empty()) return {};  // silent, as tar
  std::string out =
      fmt::format("{} {}, {}\n", done, format_many(number(r, "files"), "file", "files"),
                  format_bytes(double(number(r, "bytes"))));
  for (const auto& remark : remarks) out += loss_line(remark);
  return out;
}

/// "  3.bitcask.data, bytes 100 to 199, key "k": damaged"
std::string remark_line(const Json& remark) {
  std::string where;
  const auto add = [&](const std::string& what) { where += (where.empty() ? "" : ", ") + what; };
  if (const auto file = get_bytes(remark, "file")) add(printable(*file));
  const auto offset = number(remark, "offset");
  if (const auto length = number(remark, "length"); length > 0) {
    add(fmt::format("bytes {} to {}", offset, offset + length - 1));
  } else if (remark.contains("offset") && remark.contains("key")) {
    add(fmt::format("byte {}", offset));
  }
  if (const auto key = get_bytes(remark, "key")) add(fmt::format("key {}", printable(*key)));
  if (const auto path = get_bytes(remark, "path")) add(printable(*path));
  return fmt::format("  {}{}{}\n", where, where.empty() ? "" : ": ",
                     printable(text(remark, "detail")));
}

/// Of another program's store.
std::string imported_log_text(const Json& r, const Items& remarks) {
  auto out = fmt::format("imported {}, {}, out of {} in {}\n",
                         format_many(number(r, "files"), "file", "files"),
                         format_bytes(double(number(r, "bytes"))),
                         format_many(number(r, "records"), "record", "records"),
                         format_many(number(r, "source_files"), "file", "files"));
  if (const auto expired = number(r, "expired"); expired > 0) {
    out += format_many(expired, "key has", "keys have") + " expired\n";
  }
  if (const auto left = number(r, "skipped") + number(r, "refused"); left > 0) {
    out += format_many(left, "key was", "keys were") + " left out\n";
  }
  if (const auto doubtful = number(r, "in_doubt"); doubtful > 0) {
    out +=
        fmt::format("{} in doubt: newer versions of any of them may have been in a damaged place\n",
                    format_many(doubtful, "file is", "files are"));
  }
  for (const auto& remark : remarks) out += remark_line(remark);
  return out;
}

}  // namespace

std::string carried_text(Verb verb, const Json& result, const Items& items) {
  if (verb == Verb::kRepair) return repaired_text(result, items);
  if (verb == Verb::kExport) return archive_text("exported", result, items);
  if (verb == Verb::kImport && result.contains("records")) return imported_log_text(result, items);
  if (verb == Verb::kImport) return archive_text("imported", result, items);
  auto out = copied_text(verb, result);
  if (items.empty()) return out;
  out += fmt::format("{}; the copy cannot read this either:\n",
                     format_many(items.size(), "damaged place", "damaged places"));
  for (const auto& damage : items) out += damage_line(damage);
  return out;
}

}  // namespace memoria::ctl
