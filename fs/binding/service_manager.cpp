// SPDX-License-Identifier: MIT
#include "fs/binding/service_manager.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "fs/settings/option_values.hpp"

namespace memoria {
namespace {

std::optional<std::string> take(const char* variable) {
  const char* const value = std::getenv(variable);
  if (value == nullptr) return std::nullopt;
  std::string taken = value;
  ::unsetenv(variable);
  return taken;
}

std::string socket_address(std::string name) {
  if (name.size() < 2 || name.size() >= sizeof(sockaddr_un::sun_path)) return {};
  if (name.front() == '@') {
    name.front() = '\0';
    return name;
  }
  return name.front() == '/' ? name : std::string();
}

}  // namespace

ServiceManager ServiceManager::from_environment() {
  ServiceManager manager;
  const auto socket = take("NOTIFY_SOCKET");
  const auto interval = take("WATCHDOG_USEC");
  const auto pid = take("WATCHDOG_PID");
  if (!socket) return manager;
  manager.address_ = socket_address(*socket);
  const bool for_us = !pid || *pid == std::to_string(::getpid());
  if (interval && for_us) {
    manager.watchdog_ =
        std::chrono::microseconds(parse_number(*interval, 1, INT64_MAX).value_or(0));
  }
  return manager;
}

void ServiceManager::notify(std::string_view lines) const {
  if (!listens()) return;
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return;
  // A manager that does not read must not hold up the filesystem.
  const timeval patience{.tv_sec = 1, .tv_usec = 0};
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, address_.data(), address_.size());
  const auto length = socklen_t(offsetof(sockaddr_un, sun_path) + address_.size());
  ::sendto(fd, lines.data(), lines.size(), MSG_NOSIGNAL,
           reinterpret_cast<const sockaddr*>(&address), length);
  ::close(fd);
}

}  // namespace memoria
