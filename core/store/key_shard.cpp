// SPDX-License-Identifier: MIT
#include "core/store/key_shard.hpp"

namespace memoria {
namespace {

using Form = KeyPayload::Form;

Piece whole_piece(const KeyPayload& p) {
  return {p.location, p.value_size, 0, p.value_size, p.kind};
}

KeyPayload simple(const Entry& entry, Location at) {
  KeyPayload p;
  p.kind = entry.record.kind;
  p.location = at;
  p.value_size = entry.record.value_size;
  p.timestamp = entry.record.timestamp;
  p.is_inline = entry.is_inline;
  p.value = entry.value;
  return p;
}

}  // namespace

std::optional<KeyPayload> KeyDirectory::Shard::find(std::string_view key,
                                                    KeyLeaf::Fingerprint fingerprint) const {
  const auto bytes = tree.payload(tree.find(key, fingerprint));
  if (bytes.data() == nullptr) return std::nullopt;
  return KeyPayload::decode(bytes);
}

void KeyDirectory::Shard::set(std::string_view key, KeyLeaf::Fingerprint fingerprint,
                              const KeyPayload& payload) {
  char raw[256];
  tree.set(key, fingerprint, payload.encode(raw));
}

void KeyDirectory::Shard::release(std::string_view key, const std::optional<KeyPayload>& present) {
  if (!present) return;
  if (present->form == Form::kPatched) {
    auto& value = patched[present->patched];
    value->drop();
    value.reset();
    free_patched.push_back(present->patched);
  } else if (present->form == Form::kSimple) {
    segments.remove_live(present->location.slot, record_bytes(key, *present), 1);
    simple_bytes -= present->value_size;
  }
}

KeyPayload KeyDirectory::Shard::keep(PatchedValue value) {
  KeyPayload p;
  p.form = Form::kPatched;
  if (free_patched.empty()) {
    p.patched = uint32_t(patched.size());
    patched.emplace_back();
  } else {
    p.patched = free_patched.back();
    free_patched.pop_back();
  }
  patched[p.patched] = std::make_unique<PatchedValue>(std::move(value));
  return p;
}

PatchedValue& KeyDirectory::Shard::adopt(std::string_view key, KeyLeaf::Fingerprint fingerprint,
                                         PatchedValue value) {
  const auto p = keep(std::move(value));
  set(key, fingerprint, p);
  return *patched[p.patched];
}

PatchedValue& KeyDirectory::Shard::patch(std::string_view key, KeyLeaf::Fingerprint fingerprint,
                                         const std::optional<KeyPayload>& present,
                                         uint64_t generation) {
  if (present && present->form == Form::kPatched) return *patched[present->patched];
  PatchedValue value(segments, key.size(), present ? present->timestamp : generation);
  if (present) {
    segments.remove_live(present->location.slot, record_bytes(key, *present), 1);
    simple_bytes -= present->value_size;
    value.write(0, whole_piece(*present), present->timestamp);
  }
  return adopt(key, fingerprint, std::move(value));
}

void KeyDirectory::Shard::install_put(const Entry& entry, Location at,
                                      KeyLeaf::Fingerprint fingerprint) {
  const Record& r = entry.record;
  const auto position = tree.find(r.key, fingerprint);
  if (const auto bytes = tree.payload(position); bytes.data() != nullptr) {
    release(r.key, KeyPayload::decode(bytes));
  }
  segments.add_live(at.slot, r.size(), 1);
  simple_bytes += r.value_size;
  char raw[256];
  tree.set(position, r.key, fingerprint, simple(entry, at).encode(raw));
}

void KeyDirectory::Shard::install_piece(const Entry& entry, Location at,
                                        KeyLeaf::Fingerprint fingerprint) {
  const Record& r = entry.record;
  auto present = find(r.key, fingerprint);
  if (r.generation == r.timestamp) {  // the first piece of a new generation
    release(r.key, present);
    if (r.offset == 0) {
      segments.add_live(at.slot, r.size(), 1);
      simple_bytes += r.value_size;
      set(r.key, fingerprint, simple(entry, at));
      return;
    }
    present.reset();
  }
  patch(r.key, fingerprint, present, r.generation)
      .write(r.offset, {at, r.value_size, 0, r.value_size, Kind::kPiece}, r.timestamp);
}

void KeyDirectory::Shard::install(const Entry& entry, Slot slot, KeyLeaf::Fingerprint fingerprint) {
  const Record& r = entry.record;
  const Location at{slot, entry.record_offset};
  segments.add_total(slot, r.size(), 1);
  switch (r.kind) {
    case Kind::kPut:
      install_put(entry, at, fingerprint);
      break;
    case Kind::kErase:
      segments.add_eraser(slot, r.size());
      release(r.key, find(r.key, fingerprint));
      tree.erase(r.key, fingerprint);
      break;
    case Kind::kPiece:
      install_piece(entry, at, fingerprint);
      break;
    case Kind::kTruncate: {
      segments.add_eraser(slot, r.size());
      auto present = find(r.key, fingerprint);
      if (r.generation == r.timestamp) {
        release(r.key, present);
        present.reset();
      }
      patch(r.key, fingerprint, present, r.generation).truncate(r.offset, at, r.timestamp);
      break;
    }
    case Kind::kPunch:
      segments.add_eraser(slot, r.size());
      if (r.generation != 0) {
        patch(r.key, fingerprint, find(r.key, fingerprint), r.generation)
            .punch(r.offset, r.length, r.timestamp);
      }
      break;
    case Kind::kBatch:
    case Kind::kSeal:
    case Kind::kReplaces:
    case Kind::kEnd:
      break;
  }
}

}  // namespace memoria
