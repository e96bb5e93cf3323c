// SPDX-License-Identifier: MIT
#include "tests/control/helpers.hpp"

#include <sys/stat.h>

#include "tests/support/check.hpp"

namespace memoria::test {
namespace {

constexpr Caller kRoot{0, 0};

}  // namespace

std::unique_ptr<Store> open_plain_store(const std::string& directory) {
  return unwrap(Store::open(unwrap(open_directory(directory, true)), Options()));
}

std::unique_ptr<Volume> open_volume(const std::string& directory, Logger logger) {
  auto options = Volume::store_options();
  options.segment.merge_check_interval = std::chrono::milliseconds(0);
  options.logger = std::move(logger);
  auto store = unwrap(Store::open(unwrap(open_directory(directory, true)), options));
  return unwrap(Volume::open(std::move(store), kRoot));
}

void put_file(Volume& volume, const std::string& path, const std::string& contents) {
  const auto writer = unwrap(volume.replace(path, kRoot));
  REQUIRE_OK(writer->write(contents));
  REQUIRE_OK(writer->commit());
}

void make_directory(Volume& volume, const std::string& name) {
  const auto made = unwrap(volume.mkdir(kRootInode, name, S_IFDIR | 0755, kRoot));
  volume.forget(made.ino, 1);
}

std::string file_contents(Volume& volume, const std::string& path) {
  const auto file = unwrap(volume.resolve(path));
  std::string contents(file.size, '\0');
  BOOST_REQUIRE(unwrap(volume.read(file.ino, 0, contents)) == contents.size());
  return contents;
}

SampleStore::SampleStore(bool served, const ControlServerOptions& options) {
  volume_ = open_volume(path());
  put_file(*volume_, "/hello", "hello, world");
  put_file(*volume_, "/empty", "");
  make_directory(*volume_, "directory");
  put_file(*volume_, "/directory/inner", inner());
  const auto link = unwrap(volume_->symlink(kRootInode, "link", "hello", kRoot));
  volume_->forget(link.ino, 1);
  if (served) {
    server_ = unwrap(ControlServer::start(*volume_, path() + "/control", options));
  } else {
    REQUIRE_OK(volume_->close());
    volume_.reset();
  }
}

std::string SampleStore::inner() {
  std::string bytes(300'000, '\0');
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = char(i * 31 + i / 251);
  return bytes;
}

Json document(const Ran& ran) {
  BOOST_REQUIRE_MESSAGE(Json::accept(ran.out), "not one JSON document: " + ran.out + ran.err);
  return Json::parse(ran.out);
}

void flip_byte(const std::string& path, uint64_t offset) {
  auto bytes = read_whole_file(path);
  BOOST_REQUIRE(offset < bytes.size());
  bytes[offset] = char(bytes[offset] ^ 0x55);
  write_whole_file(path, bytes);
}

}  // namespace memoria::test
