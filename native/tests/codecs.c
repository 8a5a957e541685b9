/* tests/codecs.c: what a decoder makes of gzip, whole, in pieces, cut and damaged. */
#include "../base/codecs.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static int failures;

static void expect(bool holds, const char *what, size_t number)
{
    if (holds)
        return;
    failures++;
    fprintf(stderr, "%s (%zu)\n", what, number);
}

/* Bytes that come in pieces of at most `most`. */
struct pieces {
    const unsigned char *bytes;
    size_t left, most;
};

static ssize_t next_piece(void *context, void *bytes, size_t size, struct error *err)
{
    struct pieces *pieces = context;
    (void)err;
    if (size > pieces->most)
        size = pieces->most;
    if (size > pieces->left)
        size = pieces->left;
    memcpy(bytes, pieces->bytes, size);
    pieces->bytes += size;
    pieces->left -= size;
    return (ssize_t)size;
}

/* -1: refused. Reads `step` bytes at a time, into blocks of exactly that size. */
static ssize_t decode(const unsigned char *bytes, size_t length, size_t most, size_t step, unsigned char *out, size_t room)
{
    struct error err = {0};
    struct decoder *decoder;
    struct pieces pieces = {bytes, length, most};
    size_t done = 0;
    if (decoder_open((struct compressed){next_piece, &pieces}, &decoder, &err) < 0) {
        expect(strcmp(err.kind, "invalid") == 0 && err.message[0], "a refusal has a kind and a reason", length);
        return -1;
    }
    unsigned char *block = malloc(step);
    ssize_t count;
    while ((count = decoder_read(decoder, block, step, &err)) > 0 && done + (size_t)count <= room) {
        memcpy(out + done, block, (size_t)count);
        done += (size_t)count;
    }
    expect(count >= 0 || (strcmp(err.kind, "invalid") == 0 && err.message[0]), "a refusal has a kind and a reason", length);
    expect(count != 0 || decoder_read(decoder, block, step, &err) == 0, "after the end comes nothing", length);
    free(block);
    decoder_close(decoder);
    return count < 0 ? -1 : (ssize_t)done;
}

static size_t compressed_by(int level, int strategy, const unsigned char *bytes, size_t length, unsigned char *out, size_t room)
{
    z_stream stream = {.next_in = (unsigned char *)bytes, .avail_in = (unsigned)length, .next_out = out, .avail_out = (unsigned)room};
    deflateInit2(&stream, level, Z_DEFLATED, 15 + 16, 9, strategy);
    deflate(&stream, Z_FINISH);
    deflateEnd(&stream);
    return room - stream.avail_out;
}

static uint32_t seed = 1;
static uint32_t dice(void)
{
    return seed = seed * 1664525 + 1013904223;
}

#define PLAIN_SIZE 300000
static unsigned char plain[PLAIN_SIZE], gzip[PLAIN_SIZE + 4096], out[2 * PLAIN_SIZE];

/* Runs, text-like bytes and noise. */
static void make_plain(void)
{
    for (size_t i = 0; i < PLAIN_SIZE; i++)
        plain[i] = (i >> 12) % 3 == 0 ? 'x' : (i >> 12) % 3 == 1 ? (unsigned char)("the quick brown fox"[dice() % 19]) : (unsigned char)(dice() >> 24);
}

static void whole(void)
{
    static const int strategies[] = {Z_DEFAULT_STRATEGY, Z_HUFFMAN_ONLY, Z_FIXED, Z_RLE};
    static const size_t sizes[] = {1, 7, 4096, 262144}, lengths[] = {0, 1, 5, 511, 65536, PLAIN_SIZE};
    /* The first two sizes are for what is short: a byte at a time takes its time. */
    for (int level = 0; level <= 9; level += 3)
        for (size_t s = 0; s < sizeof strategies / sizeof *strategies; s++)
            for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++)
                for (size_t i = lengths[l] > 1000 ? 2 : 0; i < sizeof sizes / sizeof *sizes; i++) {
                    size_t size = compressed_by(level, strategies[s], plain, lengths[l], gzip, sizeof gzip);
                    ssize_t got = decode(gzip, size, sizes[i], sizes[lengths[l] > 1000 ? 5 - i : 3 - i] + 3, out, sizeof out);
                    expect(got == (ssize_t)lengths[l] && memcmp(out, plain, lengths[l]) == 0, "gzip comes out as it went in", size);
                }
}

static void members(void)
{
    size_t one = compressed_by(6, Z_DEFAULT_STRATEGY, plain, 100000, gzip, sizeof gzip);
    size_t none = compressed_by(6, Z_DEFAULT_STRATEGY, plain, 0, gzip + one, sizeof gzip - one);
    size_t two = compressed_by(1, Z_DEFAULT_STRATEGY, plain + 100000, 50000, gzip + one + none, sizeof gzip - one - none);
    size_t all = one + none + two;
    for (size_t most = 11; most < 300000; most = most * 5 + 1)
        expect(decode(gzip, all, most, 4096, out, sizeof out) == 150000 && memcmp(out, plain, 150000) == 0, "members follow one another", most);
    memset(gzip + all, 0, 512);
    expect(decode(gzip, all + 512, 4096, 4096, out, sizeof out) == 150000, "zeros after the last member are nothing", 512);
}

static void cut(void)
{
    size_t size = compressed_by(6, Z_DEFAULT_STRATEGY, plain + 4096, 1000, gzip, sizeof gzip);
    for (size_t length = 2; length < size; length++)
        expect(decode(gzip, length, 4096, 4096, out, sizeof out) < 0, "what is cut is refused", length);
}

/* No byte of it may be another; where the header's do not matter, the content is still the same. */
static void damaged(void)
{
    unsigned char copy[8192];
    size_t size = compressed_by(6, Z_DEFAULT_STRATEGY, plain + 4096, 1000, gzip, sizeof gzip);
    for (size_t i = 2; i < size; i++)
        for (unsigned bit = 0; bit < 8; bit++) {
            memcpy(copy, gzip, size);
            copy[i] ^= (unsigned char)(1 << bit);
            ssize_t got = decode(copy, size, 4096, 4096, out, sizeof out);
            expect(got < 0 || (got == 1000 && memcmp(out, plain + 4096, 1000) == 0), "what is damaged is refused", i * 8 + bit);
        }
}

static void noise(void)
{
    for (size_t round = 0; round < 500; round++) {
        size_t size = 20 + dice() % 4000;
        for (size_t i = 0; i < size; i++)
            gzip[i] = (unsigned char)(dice() >> 24);
        memcpy(gzip, "\x1f\x8b\x08\0\0\0\0\0\0\x03", 10);
        decode(gzip, size, 1 + dice() % 4096, 1 + dice() % 65536, out, sizeof out);
    }
}

static void plain_ones(void)
{
    for (size_t length = 0; length < 20; length++)
        for (size_t most = 1; most < 8; most++)
            expect(decode(plain, length, most, 3, out, sizeof out) == (ssize_t)length && memcmp(out, plain, length) == 0, "what is not compressed stays as it is", length);
}

int main(void)
{
    make_plain();
    whole();
    members();
    cut();
    damaged();
    noise();
    plain_ones();
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
