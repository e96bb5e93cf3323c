// SPDX-License-Identifier: MIT
#include "core/base/compression.hpp"

#include <zstd.h>

#include <new>

namespace memoria {
namespace {

// Of hints level 3 makes 2 % less in 1.1 to 1.8 times the time.
constexpr int kLevel = 1;

struct FreeDecompression {
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

ZSTD_DCtx* decompression() {
  thread_local const std::unique_ptr<ZSTD_DCtx, FreeDecompression> context(ZSTD_createDCtx());
  if (!context) throw std::bad_alloc();
  return context.get();
}

}  // namespace

struct Compressor::Context {
  ZSTD_CCtx* const zstd = ZSTD_createCCtx();
  ~Context() { ZSTD_freeCCtx(zstd); }
};

Compressor::Compressor() : context_(std::make_unique<Context>()) {
  if (context_->zstd == nullptr) throw std::bad_alloc();
}

Compressor::~Compressor() = default;

std::string_view Compressor::compress(std::string_view bytes) {
  out_.resize(bytes.size());
  const size_t size = ZSTD_compressCCtx(context_->zstd, out_.data(), out_.size(), bytes.data(),
                                        bytes.size(), kLevel);
  // An error is that it is not smaller: of others the documentation knows none but want of memory.
  if (ZSTD_isError(size) != 0 || size >= bytes.size()) return {};
  return std::string_view(out_).substr(0, size);
}

bool decompress(std::string_view compressed, std::span<char> out) {
  return ZSTD_decompressDCtx(decompression(), out.data(), out.size(), compressed.data(),
                             compressed.size()) == out.size();
}

}  // namespace memoria
