// SPDX-License-Identifier: MIT
// Zstandard (RFC 8878), of blocks in memory.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace memoria {

/// Compresses one block after the other, each by itself. Not thread-safe.
class Compressor {
 public:
  Compressor();
  ~Compressor();
  /// `bytes` compressed, which lives until the next call; nothing when that is not smaller.
  std::string_view compress(std::string_view bytes);

 private:
  struct Context;
  std::unique_ptr<Context> context_;
  std::string out_;
};

/// Fills `out` with what was compressed. False: `compressed` is not so many bytes compressed, and
/// `out` holds anything. From any thread, which keeps 160 KB for it from then on.
bool decompress(std::string_view compressed, std::span<char> out);

}  // namespace memoria
