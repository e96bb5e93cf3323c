// SPDX-License-Identifier: MIT
// What the user asked for.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <variant>

#include "fs/control/exit_code.hpp"

namespace memoria::ctl {

enum class Verb {
  kStats,
  kMap,
  kMerge,
  kHintsRebuild,
  kHintsCheck,
  kVerify,
  kScrub,
  kDump,
  kConfigShow,
  kConfigSet,
  kSnapshotCreate,
  kSnapshotList,
  kSnapshotDelete,
  kSnapshotDiff,
  kSnapshotRollback,
  kHistory,
  kList,
  kFind,
  kCount,
  kGet,
  kPut,
  kRemove,
  kLocate,
  kBackup,
  kRestore,
  kRepair,
  kExport,
  kImport,
};

/// The word in requests (service.hpp).
std::string_view request_word(Verb verb);
/// The words on the command line.
std::string_view typed_words(Verb verb);

struct CommandLine {
  Verb verb = Verb::kStats;
  std::string target;
  std::optional<std::string> name;  ///< PATH, or KEY as bytes, or a snapshot's
  bool is_key = false;
  std::string segment;          ///< dump
  std::string setting, value;   ///< config set
  bool save = false;            ///< config set
  std::optional<double> watch;  ///< stats: seconds from one to the next
  bool prometheus = false;      ///< stats
  bool json = false;
  bool json_progress = false;
  bool all = false;                  ///< merge, hints rebuild
  bool dry_run = false;              ///< merge
  std::optional<double> min_dead;    ///< merge: 0 to 1
  std::optional<double> rate;        ///< merge, scrub: bytes a second
  bool long_format = false;          ///< ls
  bool segments = false;             ///< stats
  std::optional<std::string> other;  ///< snapshot diff: the later snapshot; nothing: the present
  std::optional<std::string> keep;   ///< snapshot rollback: the present's name
  bool discard = false;              ///< snapshot rollback: the present is not kept
  std::string output;                ///< get, export: a file; empty: standard output
  std::string input = "-";           ///< put, import: a file; "-": standard input
  std::string from_memoria;          ///< import: a directory of the original engine
  std::string from_bitcask;          ///< import: one of Basho's Bitcask
  bool keep_older = false;           ///< import, of those two
  std::optional<uint64_t> expiry_seconds;  ///< import, of Bitcask
  std::string destination;                 ///< backup, restore, repair: a directory
  bool recheck = false;                    ///< backup
  std::string snapshot;                    ///< export: of this one instead of the present
};

/// There is nothing to do but to print: help, the version, or what is wrong.
struct Message {
  ExitCode code = ExitCode::kOk;
  std::string text;   ///< help as it is printed; what is wrong on one line without its end
  bool json = false;  ///< --json was given
};

/// `arguments` are those behind the program's name.
std::variant<CommandLine, Message> parse_command_line(std::span<const std::string> arguments);

}  // namespace memoria::ctl
