// SPDX-License-Identifier: MIT
#include "fs/binding/logging.hpp"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/sinks/syslog_sink.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include <array>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "fs/binding/fuse.hpp"
#include "fs/binding/rate_limited_sink.hpp"

namespace memoria {
namespace {

constexpr const char* kName = "memoria-fs";
constexpr unsigned kBurst = 200;  // more of one severity than anybody reads in ...
constexpr auto kInterval = std::chrono::seconds(30);

int priority(spdlog::level::level_enum severity) {
  switch (severity) {
    case spdlog::level::critical:
      return LOG_CRIT;
    case spdlog::level::err:
      return LOG_ERR;
    case spdlog::level::warn:
      return LOG_WARNING;
    case spdlog::level::info:
      return LOG_INFO;
    default:
      return LOG_DEBUG;
  }
}

/// "%P": the priority in digits.
class PriorityFlag final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& event, const std::tm&,
              spdlog::memory_buf_t& out) override {
    fmt::format_to(std::back_inserter(out), "{}", priority(event.level));
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<PriorityFlag>();
  }
};

/// "%*": the event. Names of files are in it, and whoever names files must not write lines here.
class OneLineFlag final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& event, const std::tm&,
              spdlog::memory_buf_t& out) override {
    for (const char c : event.payload) {
      if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') {
        fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned char>(c));
      } else {
        out.push_back(c);
      }
    }
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<OneLineFlag>();
  }
};

std::unique_ptr<spdlog::formatter> formatter(const std::string& pattern) {
  auto made = std::make_unique<spdlog::pattern_formatter>();
  made->add_flag<PriorityFlag>('P').add_flag<OneLineFlag>('*').set_pattern(pattern);
  return made;
}

std::pair<spdlog::sink_ptr, std::string> sink_and_pattern(LogTarget target) {
  switch (target) {
    case LogTarget::kSyslog:
      return {std::make_shared<spdlog::sinks::syslog_sink_mt>(kName, LOG_PID, LOG_DAEMON, true),
              "%*"};
    case LogTarget::kJournal:
      return {std::make_shared<spdlog::sinks::stderr_sink_mt>(), "<%P>%*"};
    case LogTarget::kStandardError:
      break;
  }
  return {std::make_shared<spdlog::sinks::stderr_color_sink_mt>(),
          "%Y-%m-%dT%H:%M:%S.%e %n: %^%l%$: %*"};
}

void log_fuse_message(fuse_log_level level, const char* format, va_list arguments) {
  std::array<char, 1024> line{};
  const int length = std::vsnprintf(line.data(), line.size(), format, arguments);
  if (length <= 0) return;
  std::string_view text(line.data());
  while (text.ends_with('\n')) text.remove_suffix(1);
  const auto severity = level <= FUSE_LOG_ERR       ? spdlog::level::err
                        : level == FUSE_LOG_WARNING ? spdlog::level::warn
                                                    : spdlog::level::info;
  spdlog::log(severity, "{}", text);
}

}  // namespace

LogTarget standard_error() {
  const char* const stream = std::getenv("JOURNAL_STREAM");  // "device:inode", systemd.exec(5)
  struct stat st {};
  if (stream == nullptr || ::fstat(STDERR_FILENO, &st) != 0) return LogTarget::kStandardError;
  return fmt::format("{}:{}", st.st_dev, st.st_ino) == stream ? LogTarget::kJournal
                                                              : LogTarget::kStandardError;
}

void log_to(LogTarget target) {
  auto [sink, pattern] = sink_and_pattern(target);
  auto limited = std::make_shared<RateLimitedSink>(std::move(sink), kBurst, kInterval);
  auto logger = std::make_shared<spdlog::logger>(kName, std::move(limited));
  logger->set_formatter(formatter(pattern));
  spdlog::set_default_logger(std::move(logger));
}

void finish_log() {
  spdlog::default_logger()->flush();
}

void log_libfuse_messages() {
  fuse_set_log_func(log_fuse_message);
}

Logger store_logger() {
  return [](Severity severity, std::string_view event) {
    switch (severity) {
      case Severity::kDebug:
        spdlog::debug("{}", event);
        break;
      case Severity::kInfo:
        spdlog::info("{}", event);
        break;
      case Severity::kWarning:
        spdlog::warn("{}", event);
        break;
      case Severity::kError:
        spdlog::error("{}", event);
        break;
    }
  };
}

}  // namespace memoria
