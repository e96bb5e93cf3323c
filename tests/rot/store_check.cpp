// SPDX-License-Identifier: MIT
#include "tests/rot/store_check.hpp"

#include <algorithm>

#include "fs/control/key_text.hpp"
#include "fs/volume/repair.hpp"
#include "tests/support/simulated_environment.hpp"

namespace memoria::test {
namespace {

using StorePtr = std::unique_ptr<Store>;

/// A head that is taken for one of a key may make it too large to be read whole.
bool is_damage(const Error& error) {
  return error.code == Errc::kCorrupt || error.code == Errc::kIo || error.code == Errc::kTooLarge;
}

/// Nothing: an error that damage explains.
using Shown = std::optional<std::optional<std::string>>;

Shown shown(const Store& store, const std::string& key) {
  auto got = store.get(key);
  if (got.has_value()) return std::optional(std::move(got).value());
  if (got.error().code == Errc::kNotFound) return std::optional<std::string>();
  if (!is_damage(got.error()))
    throw Broken("reading " + printable(key) + ": " + got.error().describe());
  return std::nullopt;
}

/// Part by part: what was not hit is right, what was is right or an error.
void check_parts(const Store& store, const std::string& key, const Bounds::Value& value) {
  for (const auto& part : value.parts) {
    std::string bytes(part.end - part.begin, '\xee');
    const auto got = store.read_at(key, part.begin, bytes);
    const auto where =
        printable(key) + " from " + std::to_string(part.begin) + " to " + std::to_string(part.end);
    if (!got.has_value()) {
      if (!part.touched) throw Broken(where + " was not hit: " + got.error().describe());
      if (!is_damage(got.error())) throw Broken(where + ": " + got.error().describe());
      continue;
    }
    if (got.value() != bytes.size() || value.bytes.compare(part.begin, bytes.size(), bytes) != 0) {
      throw Broken(where + " has wrong bytes");
    }
  }
}

void check_known(const Store& store, const std::string& key,
                 const std::optional<Bounds::Value>& value, const Shown& is) {
  if (!value) {
    if (is != Shown(std::in_place)) throw Broken(printable(key) + " was erased and is there");
    return;
  }
  if (!is) {
    if (!value->touched) throw Broken(printable(key) + " was not hit and cannot be read");
  } else if (!*is) {
    throw Broken(printable(key) + " is gone");
  } else if (**is != value->bytes) {
    throw Broken(printable(key) + " has another value");
  }
  if (store.size(key) != value->bytes.size()) throw Broken(printable(key) + " has another size");
  check_parts(store, key, *value);
}

std::set<std::string> listed_keys(const Store& store) {
  std::set<std::string> out;
  expect(store.scan("", "",
                    [&](const KeyInfo& info) {
                      out.insert(std::string(info.key));
                      return true;
                    }),
         "listing");
  if (out.size() != store.count()) throw Broken("the count is wrong");
  return out;
}

bool covers(const Damage& damage, uint64_t begin, uint64_t end) {
  return damage.value_offset <= begin && end <= damage.value_offset + damage.value_length;
}

/// What cannot be read is named as live, and what is named as live cannot be read.
void check_live(const Store& store, const Bounds& bounds, const VerifyReport& report,
                uint64_t inline_limit) {
  for (const auto& key : bounds.keys()) {
    const auto value = bounds.value(key);
    if (!value || !bounds.is_known(key) || bounds.is_phantom(key)) continue;
    for (const auto& part : value->parts) {
      std::string bytes(part.end - part.begin, '\0');
      if (store.read_at(key, part.begin, bytes).has_value()) continue;
      // Parts that two records hold alike may be named in pieces.
      uint64_t at = part.begin;
      for (bool more = true; more && at < part.end;) {
        more = false;
        for (const auto& damage : report.damages) {
          if (!damage.live || damage.key != key || !covers(damage, at, at + 1)) continue;
          at = damage.value_offset + damage.value_length;
          more = true;
        }
      }
      if (at < part.end) {
        throw Broken("verify does not say that " + printable(key) + " cannot be read at " +
                     std::to_string(at));
      }
    }
  }
  for (const auto& damage : report.damages) {
    if (!damage.live || damage.key.empty() || damage.value_length == 0) continue;
    if (store.size(damage.key).value_or(0) <= inline_limit) continue;  // it is in memory
    std::string bytes(damage.value_length, '\0');
    if (store.read_at(damage.key, damage.value_offset, bytes).has_value()) {
      throw Broken("verify says that " + printable(damage.key) + " cannot be read at " +
                   std::to_string(damage.value_offset) + ", and it can: " + damage.reason);
    }
  }
}

void check_repair(const Store& from, const Options& options) {
  const auto place = SimulatedEnvironment::make();
  auto to = expect(Store::open(place, options), "a new store");
  const auto report = expect(repair_keys(from, *to), "repair");
  expect(to->close(), "closing the repaired store");
  to = expect(Store::open(place, options), "the repaired store does not open");
  if (!expect(to->verify(), "verify").clean()) throw Broken("the repaired store is damaged");
  std::set<std::string> lost;
  for (const auto& loss : report.losses) lost.insert(loss.path);
  const auto keys = listed_keys(from);
  for (const auto& key : keys) {
    const auto was = shown(from, key);
    const auto is = shown(*to, key);
    if (!is) throw Broken("the repaired " + printable(key) + " cannot be read");
    if (was ? is != was : is->has_value())
      throw Broken("the repaired " + printable(key) + " is another");
    if (lost.contains(key) == was.has_value()) {
      throw Broken("repair says " + std::string(was ? "wrongly" : "nothing") + " of " +
                   printable(key));
    }
  }
  if (listed_keys(*to).size() != keys.size() - lost.size() || report.files != to->count()) {
    throw Broken("the repaired store has other keys");
  }
}

/// Writes, merges and reopens: what was written is there, and the rest stays what it was.
void go_on(const std::shared_ptr<SimulatedEnvironment>& environment, StorePtr store,
           const Bounds& bounds, const Options& options, Random& random) {
  std::map<std::string, Shown> expected;
  const auto keys = bounds.keys();
  for (const auto& key : keys) expected[key] = shown(*store, key);
  for (int i = 0; i < 8; ++i) {
    const auto& key = random.one_in(4) ? "new" : keys[random.below(keys.size())];
    if (random.one_in(4)) {
      expect(store->erase(key), "an erase after the damage");
      expected[key].emplace();
    } else {
      const auto value = random.bytes(random.below(800));
      expect(store->put(key, value), "a put after the damage");
      expected[key].emplace(value);
    }
  }
  if (random.one_in(2)) {
    const auto merged = store->merge({.all = random.one_in(2)});
    if (!merged.has_value() && !is_damage(merged.error())) {
      throw Broken("a merge after the damage: " + merged.error().describe());
    }
  }
  const auto compare = [&](const char* when) {
    for (const auto& [key, was] : expected) {
      const auto is = shown(*store, key);
      if (is == was) continue;
      // What is not known may become an error; what gave an error may be known from a hint now.
      const bool right = !is || (!was && bounds.may_be(key, *is));
      if (!right || (!is && bounds.is_known(key) && !bounds.is_phantom(key))) {
        throw Broken(std::string(when) + " " + printable(key) + " is another");
      }
    }
  };
  compare("after going on,");
  if (random.one_in(2)) {
    expect(store->close(), "closing after the damage");
  } else {
    expect(store->sync(), "a sync after the damage");
  }
  auto image = environment->after_crash(Loss::kUnsynced, random);
  store.reset();
  store = expect(Store::open(SimulatedEnvironment::make(image), options), "it does not open again");
  compare("after opening again,");
}

}  // namespace

StorePtr open_or_explain(const std::shared_ptr<Environment>& environment, const Bounds& bounds,
                         const Options& options) {
  auto opened = Store::open(environment, options);
  if (opened.has_value()) return std::move(opened).value();
  const auto& error = opened.error();
  if (error.code != Errc::kCorrupt || !bounds.may_be_refused()) {
    throw Broken("it does not open: " + std::string(name(error.code)) + ": " + error.describe());
  }
  return nullptr;
}

void check_values(const Store& store, const Bounds& bounds, RotTally& tally) {
  const auto listed = listed_keys(store);
  const auto keys = bounds.keys();
  for (const auto& key : listed) {
    const bool was = std::binary_search(keys.begin(), keys.end(), key);
    if (!was && !bounds.is_phantom(key)) throw Broken(printable(key) + " never was and is listed");
  }
  for (const auto& key : keys) {
    const auto is = shown(store, key);
    ++tally.values;
    tally.unreadable += !is;
    if (bounds.is_known(key) && !bounds.is_phantom(key)) {
      const auto value = bounds.value(key);
      check_known(store, key, value, is);
      if (listed.contains(key) != value.has_value())
        throw Broken(printable(key) + " is listed wrongly");
    } else if (is && !bounds.may_be(key, *is)) {
      throw Broken(printable(key) + " has a value that damage does not explain");
    }
  }
}

void check_damages(const Bounds& bounds, const std::vector<Damage>& damages) {
  for (const auto& hit : bounds.hits()) {
    const bool named = std::any_of(damages.begin(), damages.end(), [&](const Damage& damage) {
      return damage.segment == hit.segment && damage.offset < hit.offset + hit.length &&
             hit.offset < damage.offset + damage.length;
    });
    if (!named) {
      throw Broken("verify does not name " + std::to_string(hit.segment) + " at " +
                   std::to_string(hit.offset) + ", " + printable(hit.key));
    }
  }
  for (const auto& damage : damages) {
    if (!bounds.is_hit(damage.segment, damage.offset, damage.length)) {
      throw Broken("verify names " + std::to_string(damage.segment) + " at " +
                   std::to_string(damage.offset) + ", which was not hit: " + damage.reason);
    }
  }
}

void check_verify(Store& store, const Bounds& bounds, uint64_t inline_limit, RotTally& tally) {
  const auto report = expect(store.verify(), "verify");
  tally.listed += report.damages.size();
  check_damages(bounds, report.damages);
  check_live(store, bounds, report, inline_limit);
}

bool check_store(const Image& before, const Image& after, const Options& options, Random& random,
                 RotTally& tally) {
  const Bounds bounds(before, after);
  auto reader_options = options;
  reader_options.read_only = true;
  {
    const auto reader = open_or_explain(SimulatedEnvironment::make(after), bounds, reader_options);
    if (reader) {
      check_values(*reader, bounds, tally);
      if (!bounds.has_tail()) check_verify(*reader, bounds, options.inline_limit, tally);
      check_repair(*reader, options);
    }
  }
  const auto environment = SimulatedEnvironment::make(after);
  auto store = open_or_explain(environment, bounds, options);
  if (!store) return false;
  check_values(*store, bounds, tally);
  if (!bounds.has_tail()) check_verify(*store, bounds, options.inline_limit, tally);
  go_on(environment, std::move(store), bounds, options, random);
  return true;
}

void check_snapshot(const Image& before, const Image& after, Options options, RotTally& tally) {
  const Bounds bounds(before, after);
  options.read_only = true;
  const auto snapshot = open_or_explain(SimulatedEnvironment::make(after), bounds, options);
  if (!snapshot) return;
  check_values(*snapshot, bounds, tally);
  if (!bounds.has_tail()) check_verify(*snapshot, bounds, options.inline_limit, tally);
}

}  // namespace memoria::test
