// SPDX-License-Identifier: MIT
#include "tools/bench/engine_child.hpp"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <exception>
#include <nlohmann/json.hpp>
#include <string>

namespace memoria::bench {
namespace {

using Json = nlohmann::json;

std::string encode(const Result<Figures>& result) {
  Json out;
  if (result.has_value()) {
    out["figures"] = Json::array();
    for (const auto& f : result.value()) {
      out["figures"].push_back({f.name, f.unit, f.value, f.more_is_better});
    }
  } else {
    const auto& error = result.error();
    out["error"] = {int(error.code), error.system, error.describe()};
  }
  return out.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<Figures> decode(const std::string& text) {
  const auto in = Json::parse(text);
  if (in.contains("error")) {
    const auto& error = in["error"];
    return Error(Errc(error[0].get<int>()), error[1].get<int>(), error[2].get<std::string>());
  }
  Figures figures;
  for (const auto& f : in["figures"]) {
    figures.push_back(
        {f[0].get<std::string>(), f[1].get<std::string>(), f[2].get<double>(), f[3].get<bool>()});
  }
  return figures;
}

/// Signals do here what they do in a new program, whatever the parent made of them.
void reset_signals() {
  for (int signal = 1; signal < NSIG; ++signal) std::signal(signal, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

Result<Figures> guarded(const Work& work) {
  try {
    return work();
  } catch (const std::exception& e) {
    return Error(Errc::kIo, std::string("an exception: ") + e.what());
  }
}

[[noreturn]] void run_child(const Work& work, Ending ending, int out) {
  reset_signals();
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const auto result = guarded(work);
  const std::string text = encode(result);
  const bool told = ::write(out, text.data(), text.size()) == ssize_t(text.size());
  if (ending == Ending::kKilled && result.has_value()) ::kill(::getpid(), SIGKILL);
  ::_exit(told ? 0 : 1);
}

std::string read_all(int in) {
  std::string text;
  std::array<char, 4096> buffer{};
  while (true) {
    const auto n = ::read(in, buffer.data(), buffer.size());
    if (n > 0) text.append(buffer.data(), size_t(n));
    if (n == 0 || (n < 0 && errno != EINTR)) return text;
  }
}

int wait_for(pid_t child) {
  int state = 0;
  while (::waitpid(child, &state, 0) < 0 && errno == EINTR) {
  }
  return state;
}

}  // namespace

Result<Figures> in_child(const Work& work, Ending ending) {
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0) return Error::from_errno(errno, "pipe", "a run");
  const pid_t child = ::fork();
  if (child < 0) return Error::from_errno(errno, "fork", "a run");
  if (child == 0) {
    ::close(ends[0]);
    run_child(work, ending, ends[1]);
  }
  ::close(ends[1]);
  const std::string text = read_all(ends[0]);
  ::close(ends[0]);
  const int state = wait_for(child);
  if (WIFSIGNALED(state) && (WTERMSIG(state) == SIGINT || WTERMSIG(state) == SIGTERM)) {
    return Error(Errc::kCancelled, "interrupted");
  }
  const bool as_planned = ending == Ending::kKilled && WIFSIGNALED(state);
  if (text.empty() || (!WIFEXITED(state) && !as_planned)) {
    const std::string how = WIFSIGNALED(state) ? "signal " + std::to_string(WTERMSIG(state))
                                               : "code " + std::to_string(WEXITSTATUS(state));
    return Error(Errc::kIo, "the process of a run ended with " + how);
  }
  return decode(text);
}

}  // namespace memoria::bench
