// SPDX-License-Identifier: MIT
#include "tools/carry.hpp"

#include <unistd.h>

namespace memoria::ctl {

bool is_carrying(Verb verb) {
  switch (verb) {
    case Verb::kBackup:
    case Verb::kRestore:
    case Verb::kRepair:
    case Verb::kExport:
    case Verb::kImport:
      return true;
    default:
      return false;
  }
}

Result<Json> carry(const Carrying& context) {
  switch (context.line.verb) {
    case Verb::kBackup:
      return run_backup(context);
    case Verb::kRestore:
      return run_restore(context);
    case Verb::kRepair:
      return run_repair(context);
    case Verb::kExport:
      return run_export(context);
    case Verb::kImport:
      return run_import(context);
    default:
      return Error(Errc::kUnsupported, "not a command that carries a store");
  }
}

ProgressFn progress_of(Sink& sink) {
  return [&sink](const Progress& progress) {
    sink.progress(progress);
    return !sink.cancelled();
  };
}

Caller this_user() {
  return {::getuid(), ::getgid()};
}

}  // namespace memoria::ctl
