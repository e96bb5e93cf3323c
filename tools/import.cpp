// SPDX-License-Identifier: MIT
// `import`: an archive becomes a directory of a volume.
#include "fs/control/byte_text.hpp"
#include "tools/carry.hpp"
#include "tools/session.hpp"
#include "tools/tar_source.hpp"
#include "tools/target.hpp"
#include "tools/value_files.hpp"

namespace memoria::ctl {

Result<Json> run_import(const Carrying& context) {
  const auto& line = context.line;
  MEMORIA_TRY(const auto mounts, read_mounts());
  MEMORIA_TRY(const auto target, find_target(line.target, mounts));
  MEMORIA_TRY(auto session, Session::open(target.data_directory, Need::kVolume, context.logger));
  context.reached = true;
  MEMORIA_TRY(auto input, ValueInput::open(line.input, context.streams));
  MEMORIA_TRY(const auto archive, TarSource::open(input));
  Json request = {{"command", "import"}};
  set_bytes(request, "path", path_in_volume(target, line.name).value_or("/"));
  auto done = session.executor().execute(request, context.sink, *archive);
  const auto closed = session.close();
  if (done && !closed) return closed.error();
  return done;
}

}  // namespace memoria::ctl
