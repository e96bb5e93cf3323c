// SPDX-License-Identifier: MIT
#include "tools/run.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <ctime>
#include <exception>
#include <optional>
#include <thread>
#include <vector>

#include "fs/control/byte_text.hpp"
#include "fs/control/key_text.hpp"
#include "tools/carry.hpp"
#include "tools/command_line.hpp"
#include "tools/moment.hpp"
#include "tools/progress_display.hpp"
#include "tools/report.hpp"
#include "tools/session.hpp"
#include "tools/target.hpp"
#include "tools/value_files.hpp"
#include "tools/warnings.hpp"

namespace memoria::ctl {
namespace {

constexpr auto kPausePiece = std::chrono::milliseconds(20);

/// An error and how the program ends because of it.
struct Failure {
  Error error;
  ExitCode exit;
};

/// Failing to reach the store is another exit code than failing in it.
ExitCode exit_code_of_opening(const Error& error) {
  if (error.code == Errc::kInvalidArgument) return exit_code_of(error);
  switch (error.to_errno()) {
    case ENOENT:
    case ENOTDIR:
    case EACCES:
    case EPERM:
    case ENOTCONN:
      return ExitCode::kTarget;
    default:
      return exit_code_of(error);
  }
}

ProgressDisplay::Style progress_style(const CommandLine& line, const Streams& streams) {
  using Style = ProgressDisplay::Style;
  if (line.json) return line.json_progress ? Style::kJson : Style::kNone;
  // What `get` prints must not be mixed with progress.
  const bool prints_value =
      (line.verb == Verb::kGet || line.verb == Verb::kExport) && line.output.empty();
  if (prints_value && streams.out_is_terminal) return Style::kNone;
  return streams.err_is_terminal ? Style::kTerminal : Style::kLines;
}

/// Passes on what the command gives.
class ToolSink : public Sink {
 public:
  ToolSink(const Streams& streams, ProgressDisplay& progress, Warnings& warnings, Report& report,
           ValueOutput& output)
      : streams_(streams),
        progress_(progress),
        warnings_(warnings),
        report_(report),
        output_(output) {}

  bool cancelled() override { return streams_.interrupted && streams_.interrupted(); }
  void progress(const Progress& progress) override { progress_.update(progress); }
  Status item(Json item) override {
    if (const auto detail = item.find("detail"); detail != item.end() && detail->is_string()) {
      warnings_.told(detail->get_ref<const std::string&>());
    }
    if (streams_.out_is_terminal) progress_.erase();  // it may be printed at once, and there
    return report_.item(item);
  }
  Status data(std::string_view bytes) override { return output_.write(bytes); }
  Status hole(uint64_t length) override { return output_.leave_hole(length); }

 private:
  const Streams& streams_;
  ProgressDisplay& progress_;
  Warnings& warnings_;
  Report& report_;
  ValueOutput& output_;
};

Need need_of(const CommandLine& line) {
  if (line.is_key) return Need::kStore;
  switch (line.verb) {
    case Verb::kStats:
    case Verb::kMap:
    case Verb::kDump:
    case Verb::kConfigShow:
    case Verb::kConfigSet:
    case Verb::kMerge:
    case Verb::kHintsRebuild:
    case Verb::kHintsCheck:
    case Verb::kSnapshotCreate:
    case Verb::kSnapshotList:
    case Verb::kSnapshotDelete:
    case Verb::kSnapshotDiff:
    case Verb::kSnapshotRollback:
      return Need::kStore;
    case Verb::kVerify:
    case Verb::kScrub:
      return Need::kVolumeIfSound;
    case Verb::kPut:
      return Need::kNewVolume;
    case Verb::kList:
    case Verb::kFind:
    case Verb::kCount:
    case Verb::kGet:
    case Verb::kRemove:
    case Verb::kLocate:
    case Verb::kHistory:
    case Verb::kBackup:  // and the others that carry() runs
    case Verb::kRestore:
    case Verb::kRepair:
    case Verb::kExport:
    case Verb::kImport:
      break;
  }
  return Need::kVolume;
}

bool takes_name(Verb verb) {
  return verb == Verb::kList || verb == Verb::kGet || verb == Verb::kPut || verb == Verb::kRemove ||
         verb == Verb::kLocate || verb == Verb::kHistory || verb == Verb::kFind ||
         verb == Verb::kCount;
}

bool names_snapshot(Verb verb) {
  return verb == Verb::kSnapshotCreate || verb == Verb::kSnapshotDelete ||
         verb == Verb::kSnapshotDiff || verb == Verb::kSnapshotRollback;
}

mode_t current_umask() {
  const mode_t mask = ::umask(077);
  ::umask(mask);
  return mask;
}

class Program {
 public:
  Program(const CommandLine& line, const Streams& streams)
      : line_(line),
        streams_(streams),
        progress_(streams, progress_style(line, streams)),
        warnings_(streams),
        report_(make_report()) {}

  ExitCode run() {
    auto failure = run_command();
    while (line_.watch && !failure) {
      if (!pause()) return ExitCode::kInterrupted;  // nothing to say: it ends in no other way
      report_ = make_report();
      failure = run_command();
    }
    progress_.erase();
    if (failure) warnings_.told(failure->error.describe());
    warnings_.flush();
    if (!failure) return exit_;
    if (failure->exit == ExitCode::kOutputClosed) return failure->exit;  // nobody to tell
    (void)report_->failed(failure->error, failure->exit, about());
    say(failure->error);
    return failure->exit;
  }

 private:
  std::optional<Failure> run_command() {
    if (is_carrying(line_.verb)) return run_carrying();
    if (line_.verb == Verb::kPut) {
      // Before there may be a new store.
      const auto there = check_input(line_.input);
      if (!there) return Failure{there.error(), exit_code_of(there.error())};
    }
    auto target = find();
    if (!target) return Failure{target.error(), exit_code_of_opening(target.error())};
    auto request = make_request(target.value());
    if (!request) return Failure{request.error(), exit_code_of(request.error())};
    if (line_.verb == Verb::kSnapshotDelete) {
      const auto free = check_not_mounted(target.value().data_directory, *line_.name);
      if (!free) return Failure{free.error(), exit_code_of(free.error())};
    }
    auto session = Session::open(target.value().data_directory, need_of(line_), warnings_.logger(),
                                 progress_of_opening());
    if (!session) return Failure{session.error(), exit_code_of_opening(session.error())};
    if (session.value().is_served()) flush(target.value());
    if (session.value().is_new()) tell_of_new_store(streams_, target.value().data_directory);
    const auto done = execute(session.value(), std::move(request.value()));
    const auto closed = session.value().close();
    if (!done) return Failure{done.error(), exit_code_of(done.error())};
    if (!closed) return Failure{closed.error(), exit_code_of(closed.error())};
    return std::nullopt;
  }

  ProgressFn progress_of_opening() {
    return late([this](const Progress& progress) {
      progress_.update(progress);
      return !streams_.interrupted || !streams_.interrupted();
    });
  }

  std::unique_ptr<Report> make_report() const {
    return line_.json ? make_json_report(line_, streams_) : make_human_report(line_, streams_);
  }

  /// Until the next round of --watch; false: the user wants it to end.
  bool pause() const {
    const auto until = streams_.now() + std::chrono::duration<double>(*line_.watch);
    while (streams_.now() < until) {
      if (streams_.interrupted && streams_.interrupted()) return false;
      std::this_thread::sleep_for(kPausePiece);
    }
    return true;
  }

  std::optional<Failure> run_carrying() {
    auto output = ValueOutput::open({}, streams_);  // nothing comes: an archive is not for sinks
    if (!output) return Failure{output.error(), exit_code_of(output.error())};
    ToolSink sink(streams_, progress_, warnings_, *report_, output.value());
    bool reached = false;
    const Carrying context{line_, streams_, sink, warnings_.logger(), reached};
    auto done = carry(context);
    if (!done) {
      const auto& error = done.error();
      return Failure{error, reached ? exit_code_of(error) : exit_code_of_opening(error)};
    }
    const auto told = tell(done.value());
    if (!told) return Failure{told.error(), exit_code_of(told.error())};
    return std::nullopt;
  }

  /// The result, and how the program ends.
  Status tell(const Json& result) {
    progress_.erase();
    if (result.contains("clean") && result["clean"] == false) exit_ = ExitCode::kDamage;
    return report_->result(result);
  }

  Result<Target> find() {
    MEMORIA_TRY(mounts_, read_mounts());
    return find_target(line_.target, mounts_, need_of(line_) == Need::kNewVolume);
  }

  /// What was written through the mount shall be there, also when it still is in the kernel's
  /// cache.
  void flush(const Target& target) {
    const bool all =
        line_.verb == Verb::kSnapshotCreate || (line_.verb == Verb::kSnapshotDiff && !line_.other);
    if (all) {
      if (const auto root = path_through_mount(target, "/", mounts_)) flush_all_written(*root);
      return;
    }
    const bool one =
        line_.verb == Verb::kGet || line_.verb == Verb::kLocate || line_.verb == Verb::kHistory;
    if (line_.is_key || !one) return;
    if (const auto path = path_through_mount(target, subject_, mounts_)) flush_written(*path);
  }

  /// A path into a snapshot moves the target there.
  Result<Json> make_request(Target& target) {
    Json request = {{"command", request_word(line_.verb)}};
    if (line_.all) request["all"] = true;
    if (line_.dry_run) request["dry_run"] = true;
    if (line_.verb == Verb::kPut) request["umask"] = current_umask();
    if (line_.min_dead) request["min_dead"] = *line_.min_dead;
    if (line_.rate) request["rate"] = *line_.rate;
    if (line_.verb == Verb::kList && (line_.long_format || line_.json)) request["long"] = true;
    if (!line_.segment.empty()) set_bytes(request, "segment", line_.segment);
    if (line_.verb == Verb::kConfigSet) {
      set_bytes(request, "setting", line_.setting);
      set_bytes(request, "value", line_.value);
      if (line_.save) request["save"] = true;
    }
    const auto& new_name = line_.verb == Verb::kSnapshotCreate ? line_.name : line_.keep;
    if (new_name && new_name->starts_with(kMomentPrefix)) {
      return Error(Errc::kInvalidArgument,
                   fmt::format("snapshots called {}... are those of commands that run, which the "
                               "next one removes: take another name",
                               kMomentPrefix));
    }
    if (names_snapshot(line_.verb)) {
      snapshot_ = line_.name.value_or("");
      set_bytes(request, "name", snapshot_);
      if (line_.other) set_bytes(request, "other", *line_.other);
    }
    if (!takes_name(line_.verb)) return request;
    if (line_.is_key) {
      subject_ = line_.name.value_or("");
      set_bytes(request, "key", subject_);
      return request;
    }
    const bool prefix = line_.verb == Verb::kFind || line_.verb == Verb::kCount;
    auto path = prefix && line_.name && !line_.name->empty() ? prefix_in_volume(target, *line_.name)
                                                             : path_in_volume(target, line_.name);
    if (!path && (prefix || line_.verb == Verb::kList || line_.verb == Verb::kLocate)) path = "/";
    if (path) {
      auto there = through_snapshots({target.data_directory, *path, target.in_mount});
      target.data_directory = std::move(there.data_directory);
      path = std::move(there.inside);
    }
    // "a/" is a directory, and so is "a/."; of prefixes "a/" means what is below, and "a" also what
    // only begins so.
    const auto& named = line_.name ? *line_.name : line_.target;
    const bool one_file =
        line_.verb == Verb::kGet || line_.verb == Verb::kPut || line_.verb == Verb::kRemove;
    const bool is_directory = named.ends_with('/') || (one_file && named.ends_with("/."));
    if (path && (prefix || one_file) && is_directory && !path->ends_with('/')) *path += '/';
    if (!path) {
      return Error(
          Errc::kInvalidArgument,
          fmt::format("which file? {} is the whole volume: name a path in it", line_.target));
    }
    subject_ = *path;
    set_bytes(request, "path", subject_);
    return request;
  }

  Status execute(Session& session, Json request) {
    MEMORIA_TRY(auto input, ValueInput::open(line_.input, streams_));
    MEMORIA_TRY(auto output, ValueOutput::open(line_.output, streams_));
    if (input.expected() > 0) request["size"] = input.expected();
    if (line_.verb == Verb::kGet && output.takes_holes()) request["holes"] = true;
    ToolSink sink(streams_, progress_, warnings_, *report_, output);
    MEMORIA_TRY(auto result, line_.verb == Verb::kSnapshotRollback && !session.is_served()
                                 ? session.roll_back(snapshot_, kept())
                                 : session.executor().execute(request, sink, input));
    MEMORIA_TRY(output.commit());
    if (!subject_.empty()) set_bytes(result, line_.is_key ? "named_key" : "path", subject_);
    return tell(result);
  }

  /// The snapshot that the present becomes before it is rolled back.
  Kept kept() const {
    if (line_.discard) return {};
    if (line_.keep) return {line_.keep, true};
    return {fmt::format("before-rollback-{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)))};
  }

  /// What an error is about, for programs: it is not in the message.
  Json about() const {
    Json out = Json::object();
    if (line_.verb == Verb::kImport) {
      if (line_.name) set_bytes(out, "path", *line_.name);
    } else if (!subject_.empty()) {
      set_bytes(out, line_.is_key ? "key" : "path", subject_);
    } else if (!snapshot_.empty()) {
      set_bytes(out, "snapshot", snapshot_);
    }
    return out;
  }

  /// "memoria-ctl: get /x/y: no such file in the volume /srv/data"
  void say(const Error& error) {
    auto line = fmt::format("memoria-ctl: {}", typed_words(line_.verb));
    const auto about = subject_.empty() ? snapshot_ : subject_;
    if (!about.empty()) line += " " + printable(about);
    // What has something to say about it, like how to go on, says that it was stopped.
    const bool has_words = !error.message.empty() && error.message != name(error.code);
    const auto words =
        error.code == Errc::kCancelled && !has_words ? "interrupted" : error.describe();
    (void)streams_.err(fmt::format("{}: {}\n", line, words));
  }

  const CommandLine& line_;
  const Streams& streams_;
  ProgressDisplay progress_;
  Warnings warnings_;
  std::unique_ptr<Report> report_;
  std::vector<Mount> mounts_;
  std::string subject_;   // the path in the volume or the key
  std::string snapshot_;  // the one that is named
  ExitCode exit_ = ExitCode::kOk;
};

/// What was asked for, as help.
ExitCode print(const std::string& text, const Streams& streams) {
  const auto printed = streams.out(text);
  if (printed) return ExitCode::kOk;
  const auto code = exit_code_of(printed.error());
  if (code == ExitCode::kOutputClosed) return code;  // nobody to tell
  (void)streams.err(fmt::format("memoria-ctl: {}\n", printed.error().describe()));
  return code;
}

/// What is wrong is told as any other error.
int tell(const Message& message, const Streams& streams) {
  if (message.code == ExitCode::kOk) return int(print(message.text, streams));
  if (message.json) {
    const Error error(Errc::kInvalidArgument, message.text);
    (void)streams.out(to_text({{"error", error_to_json(error)}}) + "\n");
  }
  (void)streams.err(fmt::format("memoria-ctl: {}\n", message.text));
  return int(message.code);
}

}  // namespace

int run(std::span<const std::string> arguments, const Streams& streams) {
  try {
    const auto parsed = parse_command_line(arguments);
    if (const auto* message = std::get_if<Message>(&parsed)) return tell(*message, streams);
    return int(Program(std::get<CommandLine>(parsed), streams).run());
  } catch (const std::exception& bug) {
    (void)streams.err(fmt::format("memoria-ctl: internal error: {}\n", bug.what()));
    return int(ExitCode::kInternal);
  }
}

}  // namespace memoria::ctl
