// SPDX-License-Identifier: MIT
#include "tests/rot/rot.hpp"

#include <algorithm>

#include "core/log/segment.hpp"

namespace memoria::test {
namespace {

constexpr size_t kHeaderBytes = 64;  // of every format here
constexpr size_t kEndBytes = 40;

class Rotter {
 public:
  Rotter(Image& image, Random& random) : image_(image), random_(random) {}

  std::string once() {
    victim_ = choose();
    if (victim_.empty()) return "nothing";
    switch (random_.below(16)) {
      case 0:
        return remove();
      case 1:
        return exchange();
      case 2:
        return copy();
      case 3:
      case 4:
        return cut();
      case 5:
        return append();
      case 6:
      case 7:
        return zero();
      case 8:
        return overwrite();
      default:
        return flip();
    }
  }

 private:
  /// Mostly segments; now and then a hint, the manifest or the lock.
  std::string choose() {
    const auto kind = random_.below(10);
    return choose(kind < 6 ? kDataSuffix : kind < 8 ? kHintSuffix : "");
  }

  std::string choose(std::string_view suffix) {
    std::vector<std::string> names;
    for (const auto& [name, bytes] : image_) {
      if (name.ends_with(suffix) && !name.ends_with('/')) names.push_back(name);
    }
    return names.empty() ? std::string() : names[random_.below(names.size())];
  }

  /// Headers and ends are hit more often than their share of the bytes.
  size_t place() {
    const size_t size = image_[victim_].size();
    switch (random_.below(6)) {
      case 0:
        return random_.below(std::min(size, kHeaderBytes));
      case 1:
        return size - std::min(size, size_t(1 + random_.below(kEndBytes)));
      default:
        return random_.below(size);
    }
  }

  static std::string directory_of(const std::string& name) {
    const auto slash = name.rfind('/');
    return slash == std::string::npos ? std::string() : name.substr(0, slash + 1);
  }

  /// A name of the same directory and, mostly, of the same kind. (What a snapshot still has of the
  /// past counts in its store: nothing but its name tells that it was removed.)
  std::string other() {
    const auto dot = victim_.rfind('.');
    const bool any = dot == std::string::npos || random_.one_in(10);
    std::vector<std::string> names;
    for (const auto& [name, bytes] : image_) {
      if (!name.ends_with('/') && directory_of(name) == directory_of(victim_) &&
          (any || name.ends_with(std::string_view(victim_).substr(dot)))) {
        names.push_back(name);
      }
    }
    return names[random_.below(names.size())];
  }

  std::string remove() {
    image_.erase(victim_);
    return victim_ + " deleted";
  }

  std::string exchange() {
    const auto with = other();
    std::swap(image_[victim_], image_[with]);
    return victim_ + " and " + with + " exchanged";
  }

  std::string copy() {
    const bool new_name = victim_.ends_with(kDataSuffix) && random_.one_in(2);
    const auto to =
        new_name ? directory_of(victim_) + segment_file(1'000 + random_.below(1'000), kDataSuffix)
                 : other();
    image_[to] = image_[victim_];
    return victim_ + " copied to " + to;
  }

  std::string cut() {
    auto& bytes = image_[victim_];
    bytes.resize(bytes.size() - std::min(bytes.size(), random_.one_in(3)
                                                           ? random_.below(50)
                                                           : random_.below(bytes.size() + 1)));
    return victim_ + " cut to " + std::to_string(bytes.size());
  }

  std::string append() {
    const auto length = 1 + random_.below(random_.one_in(2) ? 40 : 5'000);
    image_[victim_] += random_.one_in(2) ? std::string(length, '\0') : random_.bytes(length);
    return victim_ + " longer by " + std::to_string(length);
  }

  std::string zero() {
    auto& bytes = image_[victim_];
    const bool blocks = random_.one_in(2);
    size_t at = place(), length = 1 + random_.below(600);
    if (blocks) {
      at -= at % 512;
      length = size_t(512) << random_.below(4);
    }
    length = std::min(length, bytes.size() - std::min(at, bytes.size()));
    bytes.replace(std::min(at, bytes.size()), length, length, '\0');
    return victim_ + " zero from " + std::to_string(at) + ", " + std::to_string(length) + " bytes";
  }

  std::string overwrite() {
    auto& bytes = image_[victim_];
    const size_t at = std::min(place(), bytes.size());
    const size_t length = std::min<size_t>(1 + random_.below(600), bytes.size() - at);
    bytes.replace(at, length, random_.bytes(length));
    return victim_ + " overwritten at " + std::to_string(at) + ", " + std::to_string(length) +
           " bytes";
  }

  std::string flip() {
    auto& bytes = image_[victim_];
    if (bytes.empty()) return victim_ + " is empty";
    const size_t at = place(), bit = random_.below(8);
    bytes[at] = char(bytes[at] ^ (1 << bit));
    return victim_ + " bit " + std::to_string(bit) + " of byte " + std::to_string(at);
  }

  Image& image_;
  Random& random_;
  std::string victim_;
};

}  // namespace

std::vector<std::string> rot(Image& image, Random& random) {
  Rotter rotter(image, random);
  std::vector<std::string> done;
  for (uint64_t n = random.one_in(2) ? 1 : random.between(2, 4); n > 0; --n) {
    done.push_back(rotter.once());
  }
  return done;
}

}  // namespace memoria::test
