// SPDX-License-Identifier: MIT
#include "fs/binding/logging.hpp"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/sinks/syslog_sink.h>
#include <spdlog/spdlog.h>
#include <syslog.h>

#include <array>
#include <cstdarg>
#include <cstdio>
#include <memory>
#include <string_view>

#include "fs/binding/fuse.hpp"

namespace memoria {
namespace {

constexpr const char* kName = "memoria-fs";

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

void log_to(LogTarget target) {
  std::shared_ptr<spdlog::logger> logger;
  if (target == LogTarget::kSyslog) {
    auto sink = std::make_shared<spdlog::sinks::syslog_sink_mt>(kName, LOG_PID, LOG_DAEMON, true);
    logger = std::make_shared<spdlog::logger>(kName, std::move(sink));
    logger->set_pattern("%v");
  } else {
    auto sink = std::make_shared<spdlog::sinks::stderr_color_sink_mt>();
    logger = std::make_shared<spdlog::logger>(kName, std::move(sink));
    logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e %n: %^%l%$: %v");
  }
  spdlog::set_default_logger(std::move(logger));
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
