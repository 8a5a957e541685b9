/* base/codecs.h: compressed streams: what they are is told by their content, and no program is ever run for them. */
#ifndef SLIPWAY_BASE_CODECS_H
#define SLIPWAY_BASE_CODECS_H

#include "error.h"

#include <archive.h>
#include <sys/types.h>

/* gzip, zstd, xz, bzip2, or nothing of them, for an archive that libarchive reads. ARCHIVE_OK, or the archive says what it lacks. */
int codecs_enable(struct archive *archive);

/* Where compressed bytes come from: at least one and at most `size` of them, 0 at the end, -1 with `err`. */
struct compressed {
    ssize_t (*read)(void *context, void *bytes, size_t size, struct error *err);
    void *context;
};

/* A stream being decompressed: gzip (also of several members) by ISA-L where this machine's Debian has it, the others by libarchive. */
struct decoder;
int decoder_open(struct compressed source, struct decoder **decoder, struct error *err);
/* Fills `bytes`; less than `size` only at the end, 0 after it. What is damaged or cut short is "invalid". */
ssize_t decoder_read(struct decoder *decoder, void *bytes, size_t size, struct error *err);
void decoder_close(struct decoder *decoder);

#endif
