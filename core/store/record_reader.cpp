// SPDX-License-Identifier: MIT
#include "core/store/record_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace memoria {
namespace {

// Records up to this size are read in one piece: a second read costs more than the bytes saved.
constexpr uint64_t kReadWholeLimit = 32 << 10;

Error damaged(const Piece& piece, uint64_t segment, std::string_view why) {
  return {Errc::kCorrupt,
          fmt::format("damaged record at offset {} of {}: {}", piece.location.offset,
                      segment_file(segment, kDataSuffix), why)};
}

/// One growing buffer for each thread: reads allocate nothing in the long run.
std::vector<char>& scratch(size_t size) {
  thread_local std::vector<char> buffer;
  if (buffer.size() < size) buffer.resize(size);
  return buffer;
}

std::string_view view(std::span<const char> bytes) {
  return {bytes.data(), bytes.size()};
}

/// The record is the one that the key directory means.
Status check_identity(const Result<Record>& decoded, std::string_view key, const Piece& piece) {
  if (!decoded.has_value()) return decoded.error();
  const Record& r = decoded.value();
  if (r.key != key || r.value_size != piece.value_size || r.kind != piece.kind) {
    return Error{Errc::kCorrupt, "it is not the record that was written there"};
  }
  return ok();
}

}  // namespace

Result<FileCache::Use> RecordReader::open(const Segment& segment) const {
  auto file = files_.use(segment);
  if (file.has_value()) return file;
  // Removed by a merge between the look-up and here, or really lost.
  if (file.error().code != Errc::kNotFound) return file.error();
  if (!segments_.find(segment.slot)) return Error{Errc::kConflict};
  return Error{Errc::kCorrupt,
               segment_file(segment.id(), kDataSuffix) + " is missing, and this value with it"};
}

Result<uint64_t> RecordReader::timestamp(std::string_view key, const Piece& piece) const {
  const auto* const segment = segments_.find(piece.location.slot);
  if (!segment) return Error{Errc::kConflict};
  MEMORIA_TRY(const auto file, open(*segment));
  const size_t size = has_blocks(piece.kind, piece.value_size)
                          ? prefix_size(piece.kind, key.size(), piece.value_size)
                          : record_size(piece.kind, key.size(), piece.value_size);
  const auto buffer = std::span(scratch(size)).first(size);
  MEMORIA_TRY(const size_t got, file->read(piece.location.offset, buffer));
  if (got < size) return damaged(piece, segment->id(), "cut off by the end of the file");
  const auto decoded = decode_record(view(buffer), {segment->header.seed(), piece.location.offset});
  const auto checked = check_identity(decoded, key, piece);
  if (!checked.has_value()) return damaged(piece, segment->id(), checked.error().message);
  return decoded.value().timestamp;
}

Status RecordReader::read(std::string_view key, const Piece& piece, std::span<char> out) const {
  const auto* const segment = segments_.find(piece.location.slot);
  if (!segment) return Error{Errc::kConflict};
  MEMORIA_TRY(const auto file, open(*segment));
  // Without a block table nothing can be verified but the whole.
  const bool blocks = has_blocks(piece.kind, piece.value_size);
  const bool small =
      !blocks || record_size(piece.kind, key.size(), piece.value_size) <= kReadWholeLimit;
  const auto seed = segment->header.seed();
  auto done =
      small ? read_whole(*file, seed, key, piece, out) : read_blocks(*file, seed, key, piece, out);
  // Damage may be in another block than those that were asked for.
  if (small && blocks && !done.has_value() && done.error().code == Errc::kCorrupt && verify_) {
    done = read_blocks(*file, seed, key, piece, out);
  }
  // A type that is not known is damage, too: it was known when the key directory was loaded.
  if (!done.has_value() &&
      (done.error().code == Errc::kCorrupt || done.error().code == Errc::kUnsupported)) {
    return damaged(piece, segment->id(), done.error().message);
  }
  return done;
}

Status RecordReader::read_whole(const File& file, uint32_t seed, std::string_view key,
                                const Piece& piece, std::span<char> out) const {
  const size_t size = record_size(piece.kind, key.size(), piece.value_size);
  const auto buffer = std::span(scratch(size)).first(size);
  MEMORIA_TRY(const size_t got, file.read(piece.location.offset, buffer));
  if (got < size) return Error{Errc::kCorrupt, "cut off by the end of the file"};
  if (verify_) {
    const auto decoded = decode_whole_record(view(buffer), {seed, piece.location.offset});
    MEMORIA_TRY(check_identity(decoded, key, piece));
  }
  const size_t prefix = prefix_size(piece.kind, key.size(), piece.value_size);
  std::copy_n(buffer.data() + prefix + piece.skip, out.size(), out.data());
  return ok();
}

Status RecordReader::read_blocks(const File& file, uint32_t seed, std::string_view key,
                                 const Piece& piece, std::span<char> out) const {
  const size_t prefix = prefix_size(piece.kind, key.size(), piece.value_size);
  const uint64_t value_at = piece.location.offset + prefix;
  if (!verify_) {
    MEMORIA_TRY(const size_t got, file.read(value_at + piece.skip, out));
    if (got < out.size()) return Error{Errc::kCorrupt, "cut off by the end of the file"};
    return ok();
  }
  // All blocks that the range touches, and in front of them the head with its table of checksums.
  const size_t first_block = piece.skip / kBlockSize;
  const uint64_t begin = first_block * kBlockSize;
  const uint64_t end = std::min<uint64_t>(
      (piece.skip + out.size() + kBlockSize - 1) / kBlockSize * kBlockSize, piece.value_size);
  const bool aligned = begin == piece.skip && end - begin == out.size();
  auto& buffer = scratch(prefix + (aligned ? 0 : end - begin));
  const auto head = std::span(buffer).first(prefix);
  MEMORIA_TRY(const size_t head_got, file.read(piece.location.offset, head));
  if (head_got < prefix) return Error{Errc::kCorrupt, "cut off by the end of the file"};
  const auto decoded = decode_record(view(head), {seed, piece.location.offset});
  MEMORIA_TRY(check_identity(decoded, key, piece));

  const auto blocks = aligned ? out : std::span(buffer).subspan(prefix, end - begin);
  MEMORIA_TRY(const size_t got, file.read(value_at + begin, blocks));
  if (got < blocks.size()) return Error{Errc::kCorrupt, "cut off by the end of the file"};
  if (!verify_blocks(decoded.value(), view(head), first_block, view(blocks))) {
    return Error{Errc::kCorrupt, "the checksum of a block does not match"};
  }
  if (!aligned) std::copy_n(blocks.data() + (piece.skip - begin), out.size(), out.data());
  return ok();
}

}  // namespace memoria
