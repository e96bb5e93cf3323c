// SPDX-License-Identifier: MIT
#include "tests/control/console.hpp"

#include <cerrno>

#include "tools/run.hpp"

namespace memoria::test {

Ran Console::run(const std::vector<std::string>& arguments) {
  Ran ran;
  ctl::Streams streams;
  streams.in = [this](std::span<char> to) -> Result<size_t> {
    const size_t n = in.copy(to.data(), to.size());
    in.erase(0, n);
    return n;
  };
  streams.out = [&](std::string_view text) -> Status {
    if (out_closed) return Error::from_errno(EPIPE, "write", "standard output");
    ran.out += text;
    if (on_out) on_out(text);
    return ok();
  };
  streams.err = [&](std::string_view text) -> Status {
    ran.err += text;
    if (on_err) on_err(text);
    return ok();
  };
  streams.out_is_terminal = out_is_terminal;
  streams.err_is_terminal = err_is_terminal;
  streams.interrupted = [this] {
    if (interrupted_at > 0 && --interrupted_at == 0) interrupted = true;
    return interrupted.load();
  };
  ran.code = ctl::run(arguments, streams);
  return ran;
}

Ran run_ctl(const std::vector<std::string>& arguments, const std::string& in) {
  Console console;
  console.in = in;
  return console.run(arguments);
}

}  // namespace memoria::test
