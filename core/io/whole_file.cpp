// SPDX-License-Identifier: MIT
#include "core/io/whole_file.hpp"

#include <utility>

namespace memoria {

Result<std::string> read_file(Environment& environment, std::string_view name, uint64_t limit) {
  MEMORIA_TRY(const auto file, environment.open(name, Environment::Access::kRead));
  MEMORIA_TRY(const uint64_t size, file->size());
  if (size > limit) {
    return Error{Errc::kTooLarge, environment.describe() + "/" + std::string(name) +
                                      " is larger than anything that was written there"};
  }
  std::string bytes(size, '\0');
  MEMORIA_TRY(const size_t got, file->read(0, bytes));
  bytes.resize(got);
  return bytes;
}

namespace {

Status write_durably(Environment& environment, std::string_view name,
                     const std::function<Status(const AppendPart& append)>& produce) {
  MEMORIA_TRY(const auto file, environment.create(name));
  uint64_t end = 0;
  MEMORIA_TRY(produce([&](std::string_view part) {
    const iovec parts[] = {{const_cast<char*>(part.data()), part.size()}};
    return file->write(std::exchange(end, end + part.size()), parts);
  }));
  return file->sync();
}

}  // namespace

Status remove_if_there(Environment& environment, std::string_view name) {
  auto removed = environment.remove(name);
  if (!removed.has_value() && removed.error().code == Errc::kNotFound) return ok();
  return removed;
}

Status replace_file(Environment& environment, std::string_view name,
                    const std::function<Status(const AppendPart& append)>& produce) {
  const auto temporary = std::string(name) + std::string(kTemporarySuffix);
  (void)environment.remove(temporary);  // as a crash leaves it
  auto replaced = write_durably(environment, temporary, produce);
  if (replaced.has_value()) replaced = environment.rename(temporary, name);
  // On a full disk it would take the space that others wait for.
  if (!replaced.has_value()) (void)environment.remove(temporary);
  return replaced;
}

Status replace_file(Environment& environment, std::string_view name, std::string_view contents) {
  return replace_file(environment, name,
                      [contents](const AppendPart& append) { return append(contents); });
}

}  // namespace memoria
