// SPDX-License-Identifier: MIT
#include "tests/support/random_operations.hpp"

#include <algorithm>

namespace memoria::test {
namespace {

Status perform_one(Store& store, const RandomOperation::Change& c, const WriteOptions& write) {
  switch (c.kind) {
    case Kind::kPut:
      return store.put(c.key, c.bytes, write);
    case Kind::kErase:
      return store.erase(c.key, write);
    case Kind::kPiece:
      return store.write_at(c.key, c.offset, c.bytes, write);
    case Kind::kTruncate:
      return store.truncate(c.key, c.offset, write);
    default:
      return store.punch(c.key, c.offset, c.length, write);
  }
}

void add(Batch& batch, const RandomOperation::Change& c) {
  switch (c.kind) {
    case Kind::kPut:
      batch.put(c.key, c.bytes);
      break;
    case Kind::kErase:
      batch.erase(c.key);
      break;
    case Kind::kPiece:
      batch.write_at(c.key, c.offset, c.bytes);
      break;
    case Kind::kTruncate:
      batch.truncate(c.key, c.offset);
      break;
    default:
      batch.punch(c.key, c.offset, c.length);
      break;
  }
}

void perform_one(Contents& model, const RandomOperation::Change& c) {
  switch (c.kind) {
    case Kind::kPut:
      model[c.key] = c.bytes;
      break;
    case Kind::kErase:
      model.erase(c.key);
      break;
    case Kind::kTruncate:
      model[c.key].resize(c.offset, '\0');
      break;
    case Kind::kPiece: {
      auto& value = model[c.key];
      value.resize(std::max<size_t>(value.size(), c.offset + c.bytes.size()), '\0');
      value.replace(c.offset, c.bytes.size(), c.bytes);
      break;
    }
    default: {
      auto& value = model.at(c.key);
      for (uint64_t i = c.offset; i < value.size() && i < c.offset + c.length; ++i) value[i] = '\0';
    }
  }
}

}  // namespace

Status RandomOperation::perform(Store& store, const WriteOptions& write) const {
  if (!batch_) return perform_one(store, changes_.front(), write);
  Batch batch;
  for (const auto& c : changes_) add(batch, c);
  return store.apply(batch, write);
}

void RandomOperation::perform(Contents& model) const {
  for (const auto& c : changes_) perform_one(model, c);
}

std::string RandomOperation::describe() const {
  static const char* const kNames[] = {"", "put", "erase", "write_at", "truncate", "punch"};
  std::string out = batch_ ? "batch:" : "";
  for (const auto& c : changes_) {
    out += std::string(" ") + kNames[int(c.kind)] + " " + c.key + " at " +
           std::to_string(c.offset) + " length " +
           std::to_string(std::max<uint64_t>(c.length, c.bytes.size()));
  }
  return out;
}

std::string RandomOperations::key() {
  const auto n = random_.below(keys_);
  return std::string(1, char('a' + n % 3)) + (n < 10 ? "0" : "") + std::to_string(n);
}

RandomOperation::Change RandomOperations::change(const Contents& model) {
  RandomOperation::Change c;
  c.key = key();
  const auto known = model.find(c.key);
  const uint64_t size = known == model.end() ? 0 : known->second.size();
  c.offset = random_.one_in(3) ? size : random_.below(1500);
  c.length = random_.below(random_.one_in(8) ? 1000 : 120);
  switch (random_.below(10)) {
    case 0:
    case 1:
    case 2:
      c.kind = Kind::kPut;
      c.offset = 0;
      c.bytes = random_.bytes(c.length);
      break;
    case 3:
      c.kind = Kind::kErase;
      break;
    case 4:
      c.kind = Kind::kTruncate;
      break;
    case 5:
      c.kind = known == model.end() ? Kind::kErase : Kind::kPunch;
      if (random_.one_in(3)) c.offset = random_.below(size + 1);
      break;
    default:
      c.kind = Kind::kPiece;
      c.bytes = random_.bytes(c.length + 1);
      break;
  }
  return c;
}

RandomOperation RandomOperations::next(const Contents& model) {
  RandomOperation operation;
  operation.batch_ = random_.one_in(5);
  const uint64_t count = operation.batch_ ? random_.between(1, 6) : 1;
  Contents state = operation.batch_ ? model : Contents{};
  for (uint64_t i = 0; i < count; ++i) {
    operation.changes_.push_back(change(operation.batch_ ? state : model));
    if (operation.batch_) perform_one(state, operation.changes_.back());
  }
  return operation;
}

}  // namespace memoria::test
