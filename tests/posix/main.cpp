// SPDX-License-Identifier: MIT
// posix_model REFERENCE mount DIRECTORY SEED OPERATIONS
// posix_model REFERENCE volume DATA-DIRECTORY SEED OPERATIONS
// Carries out the same random operations on a directory of the host's filesystem and on a mount or
// a volume, and compares what each of them came to, and every so often the whole tree. Both may
// hold what an earlier run left. Ends with code 1 at the first difference. A volume is closed,
// robbed of its hints, merged and opened again in between; a mount is for the caller to disturb. As
// root.
#include <dirent.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/filesystem.hpp>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <sstream>
#include <stdexcept>

#include "tests/posix/generator.hpp"
#include "tests/posix/subject.hpp"

namespace memoria::test {
namespace {

constexpr uint64_t kCompareEvery = 5000, kReopenEvery = 25000;
/// Renamed directories sink below what paths of a few names reach, and would only ever become more.
constexpr uint64_t kSweepEvery = 1000;
constexpr uint64_t kLongest = 1 << 21;  ///< what is compared of one file at its beginning

template <class T>
T expect(Result<T> result) {
  if (!result.has_value()) throw std::runtime_error(result.error().describe());
  return std::move(result).value();
}
void expect(const Status& status) {
  if (!status.has_value()) throw std::runtime_error(status.error().describe());
}

struct Difference : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class Comparison {
 public:
  Comparison(Subject& reference, Subject& subject) : reference_(reference), subject_(subject) {}

  std::string both(const Operation& op) {
    const auto expected = reference_.apply(op), found = subject_.apply(op);
    if (expected == found) return expected.error == 0 ? expected.result : "";
    throw Difference(fmt::format("{}\n  reference: {}\n  subject:   {}", op.describe(),
                                 expected.describe(), found.describe()));
  }

  /// Everything below `path`, which is a directory.
  void tree(const std::string& path) {
    std::istringstream names(look(Kind::kList, path));
    for (std::string entry; names >> entry;) {
      const auto below = path + "/" + entry.substr(0, entry.rfind(':'));
      const auto attributes = look(Kind::kStat, below);
      look(Kind::kListXattr, below);
      for (const char* name : kAttributeNames) look(Kind::kGetXattr, below, name);
      look(Kind::kReadlink, below);
      look(Kind::kRead, below);
      if (attributes.starts_with("4")) tree(below);
    }
  }

  /// rm -rf of what is below `path`, if anything.
  void sweep(const std::string& path) {
    std::istringstream names(look(Kind::kList, path));
    for (std::string entry; names >> entry;) {
      const auto colon = entry.rfind(':');
      const auto below = path + "/" + entry.substr(0, colon);
      const bool is_directory = entry.substr(colon + 1) == std::to_string(DT_DIR);
      if (is_directory) sweep(below);
      look(is_directory ? Kind::kRmdir : Kind::kUnlink, below);
    }
  }

 private:
  std::string look(Kind kind, const std::string& path, const std::string& name = {}) {
    Operation op;
    op.kind = kind;
    op.path = path;
    op.name = name;
    op.length = kLongest;
    return both(op);
  }

  Subject& reference_;
  Subject& subject_;
};

/// Everything happens below one directory, which also the comparison of trees can name.
constexpr const char* kTop = "top";

void run(Subject& reference, Subject& subject, Generator& generator, uint64_t from,
         uint64_t until) {
  Comparison comparison(reference, subject);
  Operation make;
  make.kind = Kind::kMkdir;
  make.path = kTop;
  make.mode = 0755;
  comparison.both(make);
  comparison.tree(kTop);
  for (uint64_t i = from; i < until; ++i) {
    auto op = generator.next();
    op.path = std::string(kTop) + "/" + op.path;
    if (op.kind != Kind::kSymlink) op.other = std::string(kTop) + "/" + op.other;
    try {
      comparison.both(op);
      if ((i + 1) % kSweepEvery == 0) comparison.sweep(op.path.substr(0, std::strlen(kTop) + 2));
      if ((i + 1) % kCompareEvery == 0) comparison.tree(kTop);
    } catch (const Difference& difference) {
      throw Difference(fmt::format("operation {}: {}", i, difference.what()));
    }
  }
  reference.close_files();
  subject.close_files();
  comparison.tree(kTop);
}

std::unique_ptr<Volume> open_volume(const std::string& data) {
  auto options = Volume::store_options();
  options.segment.max_size = 4 << 20;
  auto store = expect(Store::open(expect(open_directory(data, true)), options));
  return expect(Volume::open(std::move(store), {}));
}

void remove_hints(const std::string& data) {
  for (const auto& entry : boost::filesystem::directory_iterator(data)) {
    if (entry.path().extension() == ".hint") boost::filesystem::remove(entry.path());
  }
}

void run_volume(Subject& reference, const std::string& data, Generator& generator, uint64_t count) {
  uint64_t round = 0;
  for (uint64_t i = 0; i < count; i += kReopenEvery, ++round) {
    const auto volume = open_volume(data);
    {
      const auto subject = volume_subject(*volume);
      run(reference, *subject, generator, i, std::min(count, i + kReopenEvery));
    }
    if (round % 2 == 0) {
      MergeRequest everything;
      everything.all = true;
      expect(volume->store().merge(everything));
      Comparison(reference, *volume_subject(*volume)).tree(kTop);
    }
    expect(volume->close());
    if (round % 3 == 0) remove_hints(data);
  }
}

int main(int argc, char** argv) {
  if (argc != 6) {
    std::cerr << "usage: posix_model REFERENCE mount|volume DIRECTORY SEED OPERATIONS\n";
    return 2;
  }
  const std::string kind = argv[2], where = argv[3];
  const uint64_t seed = std::strtoull(argv[4], nullptr, 10),
                 count = std::strtoull(argv[5], nullptr, 10);
  ::umask(0);
  Generator generator(seed);
  try {
    const auto reference = directory_subject(argv[1]);
    if (kind == "volume") {
      run_volume(*reference, where, generator, count);
    } else {
      run(*reference, *directory_subject(where), generator, 0, count);
    }
  } catch (const std::exception& e) {
    std::cerr << "seed " << seed << ": " << e.what() << '\n';
    return 1;
  }
  std::cout << count << " operations, seed " << seed << ": no difference\n";
  return 0;
}

}  // namespace
}  // namespace memoria::test

int main(int argc, char** argv) {
  return memoria::test::main(argc, argv);
}
