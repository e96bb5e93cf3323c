// SPDX-License-Identifier: MIT
// `import`: an archive, or another program's store, becomes a directory of a volume.
#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "core/foreign/source_directory.hpp"
#include "core/log/segment.hpp"
#include "fs/control/byte_text.hpp"
#include "tools/carry.hpp"
#include "tools/foreign_source.hpp"
#include "tools/session.hpp"
#include "tools/tar_source.hpp"
#include "tools/target.hpp"
#include "tools/value_files.hpp"

namespace memoria::ctl {
namespace {

using foreign::Engine;
using foreign::Log;
using foreign::LogOptions;

/// Shows how much of the archive was read, whose size is known, in place of how much was written,
/// where the whole is not.
class ArchiveProgress final : public Sink {
 public:
  ArchiveProgress(Sink& sink, const ValueInput& archive) : sink_(sink), archive_(archive) {}

  bool cancelled() override { return sink_.cancelled(); }
  void progress(const Progress& progress) override {
    const bool known = archive_.expected() > 0;
    sink_.progress(known ? Progress{progress.phase, archive_.taken(), archive_.expected()}
                         : progress);
  }
  Status item(Json item) override { return sink_.item(std::move(item)); }
  Status data(std::string_view bytes) override { return sink_.data(bytes); }

 private:
  Sink& sink_;
  const ValueInput& archive_;
};

/// A store of this Memoria has files of the same names as one of the original engine, and nothing
/// in them would be found.
Status refuse_memoria(const foreign::SourceDirectory& directory, const std::string& path) {
  MEMORIA_TRY(const auto names, directory.list());
  for (const auto& name : names) {
    if (!segment_id(name, kDataSuffix)) continue;
    const auto file = directory.open(name);
    if (!file) continue;
    std::string head(kSegmentHeaderSize, '\0');
    const auto size = file.value()->read(0, head);
    if (!size || size.value() != head.size()) continue;
    const auto header = decode_segment_header(head, name);
    if (!header && header.error().code != Errc::kNewerFormat) continue;
    return Error(
        Errc::kInvalidArgument,
        fmt::format(
            "{0} is a store of Memoria itself, not one of the original engine: `memoria-ctl "
            "export {0} | memoria-ctl import TARGET PATH` takes its files, `memoria-ctl "
            "restore {0} NEWDIR` makes a store out of a backup",
            path));
  }
  return ok();
}

std::string archive_name(const CommandLine& line) {
  return line.input == "-" ? "the standard input" : line.input;
}

Result<Json> import_archive(const Carrying& context, Session& session, const Json& request) {
  MEMORIA_TRY(auto input, ValueInput::open(context.line.input, context.streams));
  bool is_whole = true;
  const auto tell = [&](const std::string& path, const std::string& detail) {
    is_whole = false;
    Json item = {{"detail", detail}};
    set_bytes(item, "path", path);
    return context.sink.item(std::move(item));
  };
  MEMORIA_TRY(const auto archive, TarSource::open(input, archive_name(context.line), tell));
  ArchiveProgress sink(context.sink, input);
  MEMORIA_TRY(auto result, session.executor().execute(request, sink, *archive));
  if (!is_whole) result["clean"] = false;
  return result;
}

LogOptions options_of(const CommandLine& line) {
  LogOptions options;
  options.engine = line.from_bitcask.empty() ? Engine::kOriginal : Engine::kBitcask;
  options.keep_older = line.keep_older;
  if (line.expiry_seconds) {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const auto limit = now - std::chrono::seconds(*line.expiry_seconds);
    options.expiry = std::chrono::duration_cast<std::chrono::nanoseconds>(limit).count();
  }
  return options;
}

/// What the result says of the source, beside what the service says of the files.
void add_totals(const Log& log, const ForeignSource& source, const RemarkTeller& remarks,
                Json& result) {
  const auto& totals = log.totals();
  result.update({{"source_files", totals.files},
                 {"source_bytes", totals.bytes},
                 {"records", totals.records},
                 {"erased", totals.erased},
                 {"expired", totals.expired},
                 {"damaged", totals.damaged},
                 {"torn", totals.torn},
                 {"skipped", totals.skipped},
                 {"refused", source.refused()},
                 {"in_doubt", totals.in_doubt}});
  if (remarks.losses() > 0) result["clean"] = false;
}

/// The data directory of another engine. Null when it is an archive that is imported.
Result<std::unique_ptr<foreign::SourceDirectory>> open_source(const CommandLine& line) {
  const auto& path = line.from_bitcask.empty() ? line.from_memoria : line.from_bitcask;
  if (path.empty()) {
    MEMORIA_TRY(check_input(line.input));
    return std::unique_ptr<foreign::SourceDirectory>();
  }
  auto opened = foreign::open_source_directory(path);
  if (!opened) return local_file_error(opened.error());
  MEMORIA_TRY(refuse_memoria(*opened.value(), path));
  return opened;
}

Result<Json> import_log(const Carrying& context, Session& session, Json request,
                        std::unique_ptr<foreign::SourceDirectory> directory) {
  const auto& line = context.line;
  MEMORIA_TRY(const auto log, Log::open(std::move(directory), options_of(line)));
  RemarkTeller remarks(context.sink);
  MEMORIA_TRY(log->scan(progress_of(context.sink),
                        [&](const foreign::Remark& remark) { return remarks.tell(remark); }));
  ForeignSource source(*log, context.sink);
  MEMORIA_TRY(source.plan(remarks));
  request["size"] = log->live_bytes();
  MEMORIA_TRY(auto result, session.executor().execute(request, context.sink, source));
  add_totals(*log, source, remarks, result);
  return result;
}

}  // namespace

Result<Json> run_import(const Carrying& context) {
  const auto& line = context.line;
  auto source = open_source(line);  // before there may be a new store
  if (!source) {
    context.reached = true;
    return source.error();
  }
  MEMORIA_TRY(const auto mounts, read_mounts());
  MEMORIA_TRY(const auto target, find_target(line.target, mounts, true));
  MEMORIA_TRY(auto session, Session::open(target.data_directory, Need::kNewVolume, context.logger,
                                          late(progress_of(context.sink))));
  context.reached = true;
  if (session.is_new()) tell_of_new_store(context.streams, target.data_directory);
  MEMORIA_TRY(session.check_writable());
  Json request = {{"command", "import"}};
  set_bytes(request, "path", path_in_volume(target, line.name).value_or("/"));
  auto done = source.value() ? import_log(context, session, request, std::move(source).value())
                             : import_archive(context, session, request);
  const auto closed = session.close();
  if (done && !closed) return closed.error();
  return done;
}

}  // namespace memoria::ctl
