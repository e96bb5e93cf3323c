// SPDX-License-Identifier: MIT
#include "tests/support/simulated_environment.hpp"

#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace memoria::test {

using Guard = std::lock_guard<std::mutex>;
using Type = Operation::Type;

Status SimulatedEnvironment::State::enter(Call call, std::string_view name, bool* partial) {
  ++call_counts[std::countr_zero(uint32_t(call))];
  if (suspended) return ok();
  for (auto& fault : faults) {
    if ((fault.calls & call) == 0) continue;
    if (name.find(fault.name_part) == std::string_view::npos) continue;
    if (fault.nth > 1) {
      --fault.nth;
      continue;
    }
    if (fault.times == 1) fault.calls = 0;
    if (fault.times > 1) --fault.times;
    ++faults_hit;
    last_fault = std::to_string(call) + " " + std::string(name);
    if (partial != nullptr) *partial = fault.partial;
    return Error::from_errno(fault.error, "simulated failure of", name);
  }
  return ok();
}

void SimulatedEnvironment::State::apply(Operation operation) {
  disk.apply(operation);
  if (tracing) trace.push_back(std::move(operation));
}

uint64_t SimulatedEnvironment::State::free_files() const {
  if (max_files == 0) return 900'000;
  const uint64_t used = disk.used_files();
  return max_files > used ? max_files - used : 0;
}

class SimulatedEnvironment::OpenFile final : public File {
 public:
  OpenFile(std::shared_ptr<State> state, uint64_t inode, std::string name, Access access)
      : state_(std::move(state)), inode_(inode), name_(std::move(name)), access_(access) {}

  Result<size_t> read(uint64_t offset, std::span<char> out) const override {
    const Guard guard(state_->mutex);
    MEMORIA_TRY(state_->enter(kCallRead, name_));
    const auto& bytes = state_->disk.bytes(inode_);
    if (offset >= bytes.size()) return size_t{0};
    const size_t n = std::min<size_t>(out.size(), bytes.size() - offset);
    if (n > 0) std::memcpy(out.data(), bytes.data() + offset, n);
    return n;
  }

  Status write(uint64_t offset, std::span<const iovec> parts) override {
    std::string bytes;
    for (const auto& part : parts) {
      if (part.iov_len > 0) bytes.append(static_cast<const char*>(part.iov_base), part.iov_len);
    }
    const Guard guard(state_->mutex);
    if (access_ == Access::kRead) return Error::from_errno(EBADF, "write", name_);
    bool partial = false;
    const auto allowed = state_->enter(kCallWrite, name_, &partial);
    if (!allowed) {
      if (partial) put(offset, bytes.substr(0, bytes.size() / 2));
      return allowed.error();
    }
    const uint64_t growth = state_->disk.growth(inode_, offset, bytes.size());
    if (state_->capacity != 0 && state_->disk.used_bytes() + growth > state_->capacity) {
      return Error::from_errno(ENOSPC, "write", name_);
    }
    put(offset, std::move(bytes));
    return ok();
  }

  Status sync() override {
    std::unique_lock guard(state_->mutex);
    state_->wait_while_held(guard, name_);
    auto allowed = state_->enter(kCallSync, name_);
    state_->apply({.type = allowed ? Type::kSync : Type::kFailedSync, .inode = inode_});
    return allowed;
  }

  Status truncate(uint64_t size) override {
    const Guard guard(state_->mutex);
    if (access_ == Access::kRead) return Error::from_errno(EINVAL, "truncate", name_);
    MEMORIA_TRY(state_->enter(kCallTruncate, name_));
    state_->apply({.type = Type::kTruncate, .inode = inode_, .offset = size});
    return ok();
  }

  Result<uint64_t> size() const override {
    const Guard guard(state_->mutex);
    MEMORIA_TRY(state_->enter(kCallSize, name_));
    return uint64_t(state_->disk.bytes(inode_).size());
  }

 private:
  void put(uint64_t offset, std::string bytes) {
    state_->apply(
        {.type = Type::kWrite, .inode = inode_, .offset = offset, .bytes = std::move(bytes)});
  }

  std::shared_ptr<State> state_;
  uint64_t inode_;
  std::string name_;
  Access access_;
};

void SimulatedEnvironment::hold_syncs(std::string name_part, std::chrono::milliseconds longest) {
  const Guard guard(state_->mutex);
  state_->held = std::move(name_part);
  state_->longest_hold = longest;
}

void SimulatedEnvironment::State::wait_while_held(std::unique_lock<std::mutex>& lock,
                                                  std::string_view name) {
  released.wait_for(lock, longest_hold,
                    [&] { return held.empty() || name.find(held) == std::string::npos; });
}

void SimulatedEnvironment::release_syncs() {
  {
    const Guard guard(state_->mutex);
    state_->held.clear();
  }
  state_->released.notify_all();
}

std::shared_ptr<SimulatedEnvironment> SimulatedEnvironment::make(const Image& image) {
  std::shared_ptr<SimulatedEnvironment> out(new SimulatedEnvironment);
  out->state_->disk = SimulatedDisk(image);
  return out;
}

std::shared_ptr<SimulatedEnvironment> SimulatedEnvironment::restart(const SimulatedDisk& disk) {
  std::shared_ptr<SimulatedEnvironment> out(new SimulatedEnvironment);
  out->state_->disk = disk;
  return out;
}

Result<std::unique_ptr<File>> SimulatedEnvironment::create(std::string_view plain) {
  const auto name = path(plain);
  const Guard guard(state_->mutex);
  MEMORIA_TRY(state_->enter(kCallCreate, name));
  if (state_->disk.find(name) != 0) return Error::from_errno(EEXIST, "create", name);
  if (state_->free_files() == 0) return Error::from_errno(ENOSPC, "create", name);
  const uint64_t inode = state_->disk.next_inode();
  state_->apply({.type = Type::kCreate, .inode = inode, .name = name});
  return std::unique_ptr<File>(std::make_unique<OpenFile>(state_, inode, name, Access::kWrite));
}

Result<std::unique_ptr<File>> SimulatedEnvironment::open(std::string_view plain, Access access) {
  const auto name = path(plain);
  const Guard guard(state_->mutex);
  MEMORIA_TRY(state_->enter(kCallOpen, name));
  const uint64_t inode = state_->disk.find(name);
  if (inode == 0) return Error::from_errno(ENOENT, "open", name);
  return std::unique_ptr<File>(std::make_unique<OpenFile>(state_, inode, name, access));
}

Result<std::vector<std::string>> SimulatedEnvironment::list() {
  const Guard guard(state_->mutex);
  MEMORIA_TRY(state_->enter(kCallList, ""));
  std::vector<std::string> out;
  for (const auto& [path, inode] : state_->disk.names()) {
    if (!path.starts_with(prefix_) || path == prefix_) continue;
    const auto name = path.substr(prefix_.size());
    const auto slash = name.find('/');
    if (slash == std::string::npos) out.push_back(name);
    if (slash == name.size() - 1) out.push_back(name.substr(0, slash));
  }
  return out;
}

Status SimulatedEnvironment::rename(std::string_view plain_from, std::string_view plain_to) {
  auto from = path(plain_from), to = path(plain_to);
  const Guard guard(state_->mutex);
  MEMORIA_TRY(state_->enter(kCallRename, from));
  if (state_->disk.find(from + '/') != 0) {
    from += '/';
    to += '/';
    if (state_->disk.find(to) != 0) return Error::from_errno(ENOTEMPTY, "rename", from);
  }
  if (state_->disk.find(from) == 0) return Error::from_errno(ENOENT, "rename", from);
  state_->apply({.type = Type::kRename, .name = from, .to = to});
  return ok();
}

Status SimulatedEnvironment::exchange(std::string_view plain_name, std::string_view plain_other) {
  const auto name = path(plain_name) + '/', other = path(plain_other) + '/';
  const Guard guard(state_->mutex);
  MEMORIA_TRY(state_->enter(kCallRename, name));
  if (!state_->can_exchange) return Error{Errc::kUnsupported};
  for (const auto& one : {name, other}) {
    if (state_->disk.find(one) == 0) return Error::from_errno(ENOENT, "exchange", one);
  }
  state_->apply({.type = Type::kExchange, .name = name, .to = other});
  return ok();
}

void SimulatedEnvironment::refuse_exchange() {
  const Guard guard(state_->mutex);
  state_->can_exchange = false;
}

Status SimulatedEnvironment::link(std::string_view plain_from, std::string_view plain_to) {
  const auto from = path(plain_from), to = path(plain_to);
  const Guard guard(state_->mutex);
  MEMORIA_TRY(state_->enter(kCallLink, from));
  if (state_->disk.find(from) == 0) return Error::from_errno(ENOENT, "link", from);
  if (state_->disk.find(to) != 0) return Error::from_errno(EEXIST, "link", to);
  state_->apply({.type = Type::kLink, .name = from, .to = to});
  return ok();
}

Status SimulatedEnvironment::remove(std::string_view name) {
  const Guard guard(state_->mutex);
  MEMORIA_TRY(state_->enter(kCallRemove, name));
  auto path = this->path(name);
  if (state_->disk.find(path) == 0) path += '/';
  if (state_->disk.find(path) == 0) return Error::from_errno(ENOENT, "remove", name);
  const auto& names = state_->disk.names();
  const auto next = names.upper_bound(path);
  if (path.ends_with('/') && next != names.end() && next->first.starts_with(path)) {
    return Error::from_errno(ENOTEMPTY, "remove", name);
  }
  state_->apply({.type = Type::kRemove, .name = path});
  return ok();
}

Status SimulatedEnvironment::make_directory(std::string_view name) {
  const Guard guard(state_->mutex);
  MEMORIA_TRY(state_->enter(kCallMakeDirectory, name));
  const auto path = this->path(name) + '/';
  if (state_->disk.find(path) != 0) return ok();
  if (state_->free_files() == 0) return Error::from_errno(ENOSPC, "make directory", name);
  state_->apply({.type = Type::kMakeDirectory, .inode = ~uint64_t{0} >> 1, .name = path});
  return ok();
}

Result<std::shared_ptr<Environment>> SimulatedEnvironment::directory(std::string_view name) {
  const auto path = this->path(name) + '/';
  const Guard guard(state_->mutex);
  MEMORIA_TRY(state_->enter(kCallOpen, path));
  if (state_->disk.find(path) == 0) return Error::from_errno(ENOENT, "open directory", name);
  std::shared_ptr<SimulatedEnvironment> out(new SimulatedEnvironment);
  out->state_ = state_;
  out->prefix_ = path;
  return std::shared_ptr<Environment>(std::move(out));
}

std::string SimulatedEnvironment::path(std::string_view name) const {
  return prefix_ + std::string(name);
}

Status SimulatedEnvironment::sync_directory() {
  std::unique_lock guard(state_->mutex);
  state_->wait_while_held(guard, kDirectory);
  MEMORIA_TRY(state_->enter(kCallSyncDirectory, ""));
  state_->apply({.type = Type::kSyncDirectory});
  return ok();
}

Result<Space> SimulatedEnvironment::space() {
  const Guard guard(state_->mutex);
  MEMORIA_TRY(state_->enter(kCallSpace, ""));
  const uint64_t total = state_->capacity == 0 ? uint64_t{1} << 40 : state_->capacity;
  const uint64_t used = state_->disk.used_bytes();
  const auto files = state_->claimed_files.value_or(
      std::pair(state_->max_files == 0 ? 1'000'000 : state_->max_files, state_->free_files()));
  return Space{total, total > used ? total - used : 0, files.first, files.second};
}

Result<std::shared_ptr<void>> SimulatedEnvironment::lock(LockMode mode) {
  const Guard guard(state_->mutex);
  MEMORIA_TRY(state_->enter(kCallLock, ""));
  const bool exclusive = mode == LockMode::kExclusive;
  auto readers = state_->readers.lock();
  if (!state_->owner.expired() || (exclusive && readers)) {
    return Error{Errc::kLocked, EBUSY,
                 "simulated is in use by process " + std::to_string(getpid())};
  }
  if (!exclusive && readers) return readers;
  std::shared_ptr<void> held = std::make_shared<int>(0);
  (exclusive ? state_->owner : state_->readers) = held;
  return held;
}

uint64_t SimulatedEnvironment::now_ns() {
  const Guard guard(state_->mutex);
  return state_->clock_ns += 1000;
}

void SimulatedEnvironment::set_clock(uint64_t ns) {
  const Guard guard(state_->mutex);
  state_->clock_ns = ns;
}

Image SimulatedEnvironment::after_crash(Loss loss, Random& random) const {
  const Guard guard(state_->mutex);
  return state_->disk.after_crash(loss, random);
}

void SimulatedEnvironment::start_trace() {
  const Guard guard(state_->mutex);
  state_->trace_begin = state_->disk.image();
  state_->disk = SimulatedDisk(state_->trace_begin);  // so that inodes have the trace's numbers
  state_->trace.clear();
  state_->tracing = true;
}

void SimulatedEnvironment::continue_trace() {
  const Guard guard(state_->mutex);
  state_->trace.clear();
  state_->tracing = true;
}

size_t SimulatedEnvironment::trace_size() const {
  const Guard guard(state_->mutex);
  return state_->trace.size();
}

void SimulatedEnvironment::inject(Fault fault) {
  const Guard guard(state_->mutex);
  state_->faults.push_back(std::move(fault));
}

void SimulatedEnvironment::clear_faults() {
  const Guard guard(state_->mutex);
  state_->faults.clear();
}

void SimulatedEnvironment::suspend_faults(bool suspended) {
  const Guard guard(state_->mutex);
  state_->suspended = suspended;
}

uint64_t SimulatedEnvironment::faults_hit() const {
  const Guard guard(state_->mutex);
  return state_->faults_hit;
}

std::string SimulatedEnvironment::last_fault() const {
  const Guard guard(state_->mutex);
  return state_->last_fault;
}

uint64_t SimulatedEnvironment::calls(uint32_t kinds) const {
  const Guard guard(state_->mutex);
  uint64_t sum = 0;
  for (int bit = 0; bit < 15; ++bit) {
    if ((kinds >> bit & 1) != 0) sum += state_->call_counts[bit];
  }
  return sum;
}

void SimulatedEnvironment::set_capacity(uint64_t bytes) {
  const Guard guard(state_->mutex);
  state_->capacity = bytes;
}

void SimulatedEnvironment::set_max_files(uint64_t files) {
  const Guard guard(state_->mutex);
  state_->max_files = files;
}

void SimulatedEnvironment::claim_files(uint64_t total, uint64_t free) {
  const Guard guard(state_->mutex);
  state_->claimed_files = {total, free};
}

uint64_t SimulatedEnvironment::free_files() const {
  const Guard guard(state_->mutex);
  return state_->free_files();
}

uint64_t SimulatedEnvironment::used_bytes() const {
  const Guard guard(state_->mutex);
  return state_->disk.used_bytes();
}

Image SimulatedEnvironment::image() const {
  const Guard guard(state_->mutex);
  return state_->disk.image();
}

std::vector<std::string> SimulatedEnvironment::files(std::string_view suffix) const {
  const Guard guard(state_->mutex);
  std::vector<std::string> out;
  for (const auto& [name, inode] : state_->disk.names()) {
    if (name.ends_with(suffix)) out.push_back(name);
  }
  return out;
}

bool SimulatedEnvironment::exists(std::string_view name) const {
  const Guard guard(state_->mutex);
  return state_->disk.find(name) != 0;
}

std::string SimulatedEnvironment::contents(std::string_view name) const {
  const Guard guard(state_->mutex);
  const uint64_t inode = state_->disk.find(name);
  if (inode == 0) throw std::runtime_error("no file " + std::string(name));
  return state_->disk.bytes(inode);
}

void SimulatedEnvironment::set_contents(std::string_view name, std::string bytes) {
  const Guard guard(state_->mutex);
  uint64_t inode = state_->disk.find(name);
  if (inode == 0) {
    inode = state_->disk.next_inode();
    state_->apply({.type = Type::kCreate, .inode = inode, .name = std::string(name)});
  }
  state_->apply({.type = Type::kTruncate, .inode = inode, .offset = 0});
  state_->apply({.type = Type::kWrite, .inode = inode, .bytes = std::move(bytes)});
  state_->apply({.type = Type::kSync, .inode = inode});
  state_->apply({.type = Type::kSyncDirectory});
}

void SimulatedEnvironment::flip_bit(std::string_view name, uint64_t bit) {
  auto bytes = contents(name);
  bytes.at(bit / 8) = char(bytes.at(bit / 8) ^ (1 << bit % 8));
  set_contents(name, std::move(bytes));
}

void SimulatedEnvironment::zero(std::string_view name, uint64_t offset, uint64_t length) {
  auto bytes = contents(name);
  bytes.replace(offset, length, std::string(std::min(length, bytes.size() - offset), '\0'));
  set_contents(name, std::move(bytes));
}

void SimulatedEnvironment::cut(std::string_view name, uint64_t size) {
  set_contents(name, contents(name).substr(0, size));
}

void SimulatedEnvironment::copy_file(std::string_view from, std::string_view to) {
  set_contents(to, contents(from));
}

void SimulatedEnvironment::delete_file(std::string_view name) {
  const Guard guard(state_->mutex);
  state_->apply({.type = Type::kRemove, .name = std::string(name)});
  state_->apply({.type = Type::kSyncDirectory});
}

}  // namespace memoria::test
