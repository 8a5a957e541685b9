#include "codecs.h"

#include "cleanup.h"

#include <archive_entry.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#ifdef SLIPWAY_ISAL
#include <isa-l/igzip_lib.h>
#endif

int codecs_enable(struct archive *archive)
{
    if (archive_read_support_filter_gzip(archive) == ARCHIVE_OK && archive_read_support_filter_zstd(archive) == ARCHIVE_OK &&
        archive_read_support_filter_xz(archive) == ARCHIVE_OK && archive_read_support_filter_bzip2(archive) == ARCHIVE_OK)
        return ARCHIVE_OK;
    archive_set_error(archive, ENOSYS, "libarchive was built without one of gzip, zstd, xz and bzip2");
    return ARCHIVE_FATAL;
}

#define INPUT_SIZE (256 * 1024)
#define LONGEST_MAGIC 6

enum coding { PLAIN, GZIP, OTHER };

struct decoder {
    struct compressed source;
    enum coding coding;
    struct error read_error; /* why the source stopped */
    bool over;               /* the source has no more */
    unsigned char *next;     /* of `input`, what is not used yet */
    size_t left;
    struct archive *archive; /* OTHER */
#ifdef SLIPWAY_ISAL
    struct inflate_state inflate; /* GZIP */
    bool finished;                /* no member follows the last one */
#endif
    unsigned char input[INPUT_SIZE];
};

/* More from the source, behind what is not used yet. 0: there is none. */
static ssize_t refill(struct decoder *decoder, struct error *err)
{
    if (decoder->left == 0)
        decoder->next = decoder->input;
    size_t used = (size_t)(decoder->next - decoder->input) + decoder->left;
    ssize_t count = decoder->over ? 0 : decoder->source.read(decoder->source.context, decoder->input + used, INPUT_SIZE - used, err);
    TRY(count);
    decoder->over = count == 0;
    decoder->left += (size_t)count;
    return count;
}

/* ---- told by the content ---- */

static bool starts(const unsigned char *bytes, size_t size, const char *magic, size_t length)
{
    return size >= length && memcmp(bytes, magic, length) == 0;
}

static enum coding coding_of(const unsigned char *bytes, size_t size)
{
    if (starts(bytes, size, "\x1f\x8b", 2))
        return GZIP;
    /* A skippable frame may come first: a tar never begins so. */
    bool zstd = starts(bytes, size, "\x28\xb5\x2f\xfd", 4) || (size >= 4 && (bytes[0] & 0xf0) == 0x50 && starts(bytes + 1, size - 1, "\x2a\x4d\x18", 3));
    return zstd || starts(bytes, size, "\xfd" "7zXZ", 6) || starts(bytes, size, "BZh", 3) ? OTHER : PLAIN;
}

/* ---- plain ---- */

static ssize_t read_plain(struct decoder *decoder, unsigned char *bytes, size_t size, struct error *err)
{
    size_t done = decoder->left < size ? decoder->left : size;
    memcpy(bytes, decoder->next, done); /* what the coding was told by; all else goes where it is wanted at once */
    decoder->next += done;
    decoder->left -= done;
    while (done < size && !decoder->over) {
        ssize_t count = decoder->source.read(decoder->source.context, bytes + done, size - done, err);
        TRY(count);
        decoder->over = count == 0;
        done += (size_t)count;
    }
    return (ssize_t)done;
}

/* ---- gzip ---- */

#ifdef SLIPWAY_ISAL

static void next_member(struct decoder *decoder)
{
    isal_inflate_init(&decoder->inflate);
    decoder->inflate.crc_flag = ISAL_GZIP;
}

static int damaged(int status, struct error *err)
{
    const char *why = status == ISAL_INCORRECT_CHECKSUM    ? "its checksum is another"
                      : status == ISAL_UNSUPPORTED_METHOD  ? "it is of a kind of gzip that nobody uses"
                      : status == ISAL_INVALID_WRAPPER     ? "its header makes no sense"
                                                           : "the compressed bytes make no sense";
    return fail_kind(err, "invalid", 0, "gzip: %s", why);
}

/* One stretch of output; 0: nothing more comes. */
static ssize_t inflate_some(struct decoder *decoder, unsigned char *bytes, size_t size, struct error *err)
{
    struct inflate_state *state = &decoder->inflate;
    for (;;) {
        if (decoder->left == 0) {
            ssize_t count = refill(decoder, err);
            TRY(count);
            if (count == 0 && state->block_state == ISAL_BLOCK_FINISH)
                return 0;
            /* Output that did not fit the last time may still come. */
        }
        if (state->block_state == ISAL_BLOCK_FINISH) {
            if (decoder->next[0] != 0x1f)
                return 0; /* padding after the last member, as tapes have it */
            next_member(decoder);
        }
        state->next_in = decoder->next;
        state->avail_in = (uint32_t)decoder->left;
        state->next_out = bytes;
        state->avail_out = (uint32_t)size;
        uint32_t before = state->avail_in;
        int status = isal_inflate(state);
        if (status < 0 || status > ISAL_OUT_OVERFLOW)
            return damaged(status, err);
        size_t used = before - state->avail_in, made = size - state->avail_out;
        decoder->next += used;
        decoder->left -= used;
        if (made > 0)
            return (ssize_t)made;
        if (used == 0 && decoder->over && state->block_state != ISAL_BLOCK_FINISH)
            return fail_kind(err, "invalid", 0, "gzip: it ends too early");
    }
}

static ssize_t read_gzip(struct decoder *decoder, unsigned char *bytes, size_t size, struct error *err)
{
    size_t done = 0;
    while (done < size && !decoder->finished) {
        size_t part = size - done < UINT32_MAX ? size - done : UINT32_MAX;
        ssize_t count = inflate_some(decoder, bytes + done, part, err);
        TRY(count);
        decoder->finished = count == 0;
        done += (size_t)count;
    }
    return (ssize_t)done;
}

#endif

/* ---- the others ---- */

static la_ssize_t read_for_archive(struct archive *archive, void *context, const void **bytes)
{
    struct decoder *decoder = context;
    ssize_t count = (ssize_t)decoder->left;
    if (count == 0)
        count = refill(decoder, &decoder->read_error);
    if (count < 0)
        archive_set_error(archive, EIO, "%s", decoder->read_error.message);
    *bytes = decoder->next;
    decoder->left = 0;
    return count;
}

static int archive_failure(struct decoder *decoder, struct error *err)
{
    if (decoder->read_error.message[0]) {
        *err = decoder->read_error;
        return -1;
    }
    const char *reason = archive_error_string(decoder->archive);
    return fail_kind(err, "invalid", 0, "%s", reason ? reason : "out of memory");
}

static int open_archive(struct decoder *decoder, struct error *err)
{
    decoder->archive = archive_read_new();
    if (!decoder->archive)
        return fail(err, ENOMEM, "read the layer");
    struct archive_entry *entry;
    archive_read_support_format_raw(decoder->archive);
    archive_read_support_format_empty(decoder->archive);
    if (codecs_enable(decoder->archive) != ARCHIVE_OK || archive_read_open(decoder->archive, decoder, NULL, read_for_archive, NULL) < ARCHIVE_OK)
        return archive_failure(decoder, err);
    int status = archive_read_next_header(decoder->archive, &entry);
    return status < ARCHIVE_OK ? archive_failure(decoder, err) : 0;
}

static ssize_t read_archive(struct decoder *decoder, unsigned char *bytes, size_t size, struct error *err)
{
    size_t done = 0;
    while (done < size) {
        la_ssize_t count = archive_read_data(decoder->archive, bytes + done, size - done);
        if (count < 0)
            return archive_failure(decoder, err);
        if (count == 0)
            break;
        done += (size_t)count;
    }
    return (ssize_t)done;
}

/* ---- all of them ---- */

static int begin(struct decoder *decoder, struct error *err)
{
    while (decoder->left < LONGEST_MAGIC) {
        ssize_t count = refill(decoder, err);
        TRY(count);
        if (count == 0)
            break;
    }
    decoder->coding = coding_of(decoder->next, decoder->left);
#ifdef SLIPWAY_ISAL
    if (decoder->coding == GZIP)
        next_member(decoder);
#else
    if (decoder->coding == GZIP)
        decoder->coding = OTHER;
#endif
    return decoder->coding == OTHER ? open_archive(decoder, err) : 0;
}

int decoder_open(struct compressed source, struct decoder **out, struct error *err)
{
    struct decoder *decoder = calloc(1, sizeof *decoder);
    if (!decoder)
        return fail(err, ENOMEM, "read the layer");
    decoder->source = source;
    decoder->next = decoder->input;
    if (begin(decoder, err) < 0) {
        decoder_close(decoder);
        return -1;
    }
    *out = decoder;
    return 0;
}

ssize_t decoder_read(struct decoder *decoder, void *bytes, size_t size, struct error *err)
{
    switch (decoder->coding) {
#ifdef SLIPWAY_ISAL
    case GZIP:
        return read_gzip(decoder, bytes, size, err);
#endif
    case PLAIN:
        return read_plain(decoder, bytes, size, err);
    default:
        return read_archive(decoder, bytes, size, err);
    }
}

void decoder_close(struct decoder *decoder)
{
    if (!decoder)
        return;
    archive_read_free(decoder->archive);
    free(decoder);
}
