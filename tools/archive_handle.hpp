// SPDX-License-Identifier: MIT
// libarchive's objects as owned values, and the locale in which it takes names as bytes.
#pragma once

#include <archive.h>
#include <archive_entry.h>

#include <locale.h>
#include <memory>

namespace memoria::ctl {

struct ArchiveFree {
  void operator()(archive_entry* entry) const { archive_entry_free(entry); }
};
using ArchiveEntry = std::unique_ptr<archive_entry, ArchiveFree>;

struct WriterFree {
  void operator()(archive* writer) const { archive_write_free(writer); }
};
using ArchiveWriter = std::unique_ptr<archive, WriterFree>;

struct ReaderFree {
  void operator()(archive* reader) const { archive_read_free(reader); }
};
using ArchiveReader = std::unique_ptr<archive, ReaderFree>;

/// Names are UTF-8 for this thread, whatever the user's locale: libarchive asks.
class Utf8Locale {
 public:
  Utf8Locale()
      : ours_(::newlocale(LC_CTYPE_MASK, "C.UTF-8", locale_t{})),
        before_(ours_ != locale_t{} ? ::uselocale(ours_) : locale_t{}) {}
  ~Utf8Locale() {
    if (ours_ == locale_t{}) return;
    ::uselocale(before_);
    ::freelocale(ours_);
  }
  Utf8Locale(const Utf8Locale&) = delete;
  Utf8Locale& operator=(const Utf8Locale&) = delete;

 private:
  locale_t ours_, before_;
};

}  // namespace memoria::ctl
