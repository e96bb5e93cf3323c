// SPDX-License-Identifier: MIT
#include "tools/bench/machine.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <ctime>
#include <fstream>

namespace memoria::bench {
namespace {

std::string cpu_model() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("model name")) continue;
    const auto begin = line.find_first_not_of(" \t", line.find(':') + 1);
    return begin == std::string::npos ? "" : line.substr(begin);
  }
  return "";
}

}  // namespace

Machine this_machine() {
  Machine machine;
  machine.cpu = cpu_model();
  if (const long cores = ::sysconf(_SC_NPROCESSORS_ONLN); cores > 0)
    machine.cores = unsigned(cores);
  if (utsname names{}; ::uname(&names) == 0) {
    machine.kernel = fmt::format("{} {}", names.sysname, names.release);
  }
  const long pages = ::sysconf(_SC_PHYS_PAGES), page_size = ::sysconf(_SC_PAGESIZE);
  if (pages > 0 && page_size > 0) machine.memory_bytes = uint64_t(pages) * uint64_t(page_size);
  return machine;
}

std::string describe(const Machine& machine) {
  return fmt::format("{} x {}, {:.1f} GiB of memory, {}", machine.cores,
                     machine.cpu.empty() ? "unknown CPU" : machine.cpu,
                     double(machine.memory_bytes) / double(1 << 30), machine.kernel);
}

std::string date_text() {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
}

}  // namespace memoria::bench
