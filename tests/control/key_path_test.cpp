// SPDX-License-Identifier: MIT
// Keys of another program's store as paths: reversible, no two alike, and none in another's way.
#include "tools/key_path.hpp"

#include <map>
#include <set>
#include <vector>

#include "fs/volume/keys.hpp"
#include "tests/support/check.hpp"

using namespace memoria;
using memoria::ctl::KeyPaths;
using memoria::test::base_seed;
using memoria::test::Random;
using memoria::test::rounds;
using namespace std::string_literals;

namespace {

using Paths = std::map<std::string, std::optional<std::string>>;

Paths paths_of(const std::vector<std::string>& keys) {
  KeyPaths paths;
  for (const auto& key : keys) paths.add(key);
  Paths out;
  for (const auto& key : keys) out[key] = paths.path_of(key);
  return out;
}

std::string path_of(const std::string& key) {
  return paths_of({key})[key].value();
}

/// The key again, by the rules that are told to users.
std::string key_of(std::string_view path) {
  std::string key;
  for (size_t i = 0; i < path.size(); ++i) {
    if (path[i] != '%') {
      key += path[i];
      continue;
    }
    const char form = path[++i];
    if (form == '-') ++i;  // and the slash behind it
    if (form == '-' || form == '_' || form == '=') continue;
    key += char(std::stoi(std::string(path.substr(i, 2)), nullptr, 16));
    ++i;
  }
  return key;
}

/// Each is a path that a volume can have, leads back to its key, and is in no other's way.
void check(const std::vector<std::string>& keys) {
  std::set<std::string> files, directories;
  for (const auto& [key, path] : paths_of(keys)) {
    if (!path) continue;
    BOOST_REQUIRE_EQUAL(key_of(*path), key);
    BOOST_REQUIRE(files.insert(*path).second);
    for (size_t at = 0; at != path->npos + 1;) {
      const auto slash = path->find('/', at);
      const auto end = std::min(slash, path->size());
      BOOST_REQUIRE_MESSAGE(is_usable_name(path->substr(at, end - at)), *path);
      if (slash != path->npos) directories.insert(path->substr(0, slash));
      at = slash + 1;
    }
  }
  for (const auto& file : files) BOOST_REQUIRE_MESSAGE(!directories.contains(file), file);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(key_path)

BOOST_AUTO_TEST_CASE(ordinary_keys_are_their_own_paths) {
  for (const auto& key :
       {"a"s, "a/b/c"s, "with blank"s, "caf\xc3\xa9"s, "..."s, ".hidden"s, "\xff"s, "a:b=c_d-e"s}) {
    BOOST_TEST(path_of(key) == key);
  }
}

BOOST_AUTO_TEST_CASE(what_no_name_can_hold_is_written_with_a_percent) {
  BOOST_TEST(path_of("") == "%_");
  BOOST_TEST(path_of("/") == "%_/%_");
  BOOST_TEST(path_of("/etc//x/") == "%_/etc/%_/x/%_");
  BOOST_TEST(path_of(".") == "%2E");
  BOOST_TEST(path_of("../../etc/passwd") == "%2E%2E/%2E%2E/etc/passwd");
  BOOST_TEST(path_of("a\0b"s) == "a%00b");
  BOOST_TEST(path_of("100%") == "100%25");
  BOOST_TEST(path_of("%2E") == "%252E");
}

BOOST_AUTO_TEST_CASE(a_long_name_goes_on_in_the_next) {
  const std::string name(250, 'n');
  BOOST_TEST(path_of(name) == name);
  BOOST_TEST(path_of(name + "x") == name + "%-/x");
  BOOST_TEST(path_of(std::string(249, 'n') + "%") == std::string(249, 'n') + "%-/%25");
}

BOOST_AUTO_TEST_CASE(a_file_beside_a_directory_of_its_name_is_marked) {
  const std::string name(250, 'n');
  const auto paths = paths_of({"a", "a/b", "a/b/c", "a%=", "a/", name, name + "x", "", "/x"});
  BOOST_TEST(paths.at("a").value() == "a%=");
  BOOST_TEST(paths.at("a/b").value() == "a/b%=");
  BOOST_TEST(paths.at("a/b/c").value() == "a/b/c");
  BOOST_TEST(paths.at("a%=").value() == "a%25=");
  BOOST_TEST(paths.at("a/").value() == "a/%_");
  BOOST_TEST(paths.at(name).value() == name);  // beside the directory "nnn%-"
  BOOST_TEST(paths.at("").value() == "%_%=");
}

BOOST_AUTO_TEST_CASE(a_path_that_nobody_could_open_is_none) {
  const auto deep = [](size_t bytes) {
    std::string key;
    while (key.size() + 2 <= bytes) key += "d/";
    return key + std::string(bytes - key.size(), 'f');
  };
  BOOST_TEST(path_of(deep(ctl::kMostPathBytes - 1)).size() == ctl::kMostPathBytes - 1);
  const std::vector<std::string> keys = {deep(ctl::kMostPathBytes + 1), std::string(65536, 'k'),
                                         std::string(2000, '\0')};
  for (const auto& [key, path] : paths_of(keys)) BOOST_TEST(!path.has_value());
}

BOOST_AUTO_TEST_CASE(random_keys_lead_back_and_never_collide) {
  Random random(base_seed());
  WITH_SEED(base_seed()) {
    const std::string letters = "aab//..%%-_=25E\0\xff"s;
    for (uint64_t round = 0; round < rounds(50); ++round) {
      std::vector<std::string> keys;
      for (int i = 0; i < 400; ++i) {
        std::string key;
        const auto size = random.one_in(20) ? random.below(1200) : random.below(7);
        while (key.size() < size) key += letters[random.below(letters.size())];
        keys.push_back(key);
        if (random.one_in(3)) keys.push_back(key + "/" + letters[random.below(letters.size())]);
      }
      check(keys);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
