/* base/codecs.h: which compressed archives are read: by libarchive's built-in decompressors only, for it would otherwise look for programs to run. */
#ifndef SLIPWAY_BASE_CODECS_H
#define SLIPWAY_BASE_CODECS_H

#include <archive.h>

/* gzip, zstd, xz, bzip2, or nothing of them, told by the content. ARCHIVE_OK, or the archive says what it lacks. */
int codecs_enable(struct archive *archive);

#endif
