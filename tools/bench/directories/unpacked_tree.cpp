// SPDX-License-Identifier: MIT
#include "tools/bench/directories/unpacked_tree.hpp"

#include <fcntl.h>

#include <boost/filesystem/operations.hpp>
#include <functional>
#include <vector>

#include "core/base/crc32c.hpp"
#include "tools/bench/directories/contents.hpp"
#include "tools/bench/directories/open_file.hpp"
#include "tools/bench/directories/program.hpp"

namespace memoria::bench {
namespace {

namespace files = boost::filesystem;

using Visit = std::function<Status(const std::string& path)>;

/// Calls `visit` for every regular file below `directory`, in the order of listing.
Status walk(const std::string& directory, const Visit& visit) {
  boost::system::error_code error;
  files::recursive_directory_iterator place(directory, error);
  while (!error && place != files::recursive_directory_iterator()) {
    if (place->path().filename() == ".git") place.disable_recursion_pending();
    const auto type = place->symlink_status(error).type();
    if (error) break;
    if (type == files::regular_file) MEMORIA_TRY(visit(place->path().string()));
    place.increment(error);
  }
  if (error) return Error::from_errno(error.value(), "list", directory);
  return ok();
}

}  // namespace

Status unpack(const std::string& tar, const std::string& directory) {
  return run_program({"tar", "-xf", tar}, directory);
}

Status expect_unpacked(const std::string& tar, const std::string& directory) {
  // tar tells differences on its output, and grep is content when it has nothing to pass on.
  return run_script(R"(! tar -df "$1" 2>&1 | grep -Ev ': (Uid|Gid|Mode|Mod time) differs?$' >&2)",
                    {tar}, directory);
}

Status remove_half(const std::string& directory) {
  std::vector<std::string> half;
  bool take = false;
  MEMORIA_TRY(walk(directory, [&](const std::string& path) -> Status {
    if ((take = !take)) half.push_back(path);
    return ok();
  }));
  for (const auto& path : half) {
    boost::system::error_code error;
    files::remove(path, error);
    if (error) return Error::from_errno(error.value(), "remove", path);
  }
  return ok();
}

Result<Reading> read_tree(const std::string& directory) {
  Reading reading;
  std::string buffer(1 << 20, '\0');
  MEMORIA_TRY(walk(directory, [&](const std::string& path) -> Status {
    MEMORIA_TRY(auto file, OpenFile::open(path, O_RDONLY));
    uint32_t checksum = crc32c(std::string_view(path).substr(directory.size()));
    for (;;) {
      MEMORIA_TRY(const auto read, file.read(buffer));
      checksum = crc32c(read, checksum);
      reading.bytes += read.size();
      if (read.size() < buffer.size()) break;
    }
    ++reading.files;
    reading.checksum += mixed(checksum);
    return ok();
  }));
  return reading;
}

}  // namespace memoria::bench
