/* base/feed.h: a compressed stream, decompressed and hashed by a thread of its own, so that the files are written meanwhile. */
#ifndef SLIPWAY_BASE_FEED_H
#define SLIPWAY_BASE_FEED_H

#include "error.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct feed;

/*
 * A body, or a file. One that is still growing has `news`, -1 otherwise: there come lines, each a number of bytes that are in the file by now,
 * and at last "end". Should they end without it, so does the feed, with an error.
 */
struct feed_source {
    int bytes, news;
    const char *what; /* for messages; "layer" where NULL */
    bool unhashed;    /* nobody asks for the digest */
};

/* Starts reading: gzip, zstd, xz, bzip2 or nothing of them, told by the content. */
int feed_open(struct feed_source source, struct feed **feed, struct error *err);
/* The next piece of decompressed bytes, valid until the next call; 0 at the end. */
ssize_t feed_next(struct feed *feed, const void **bytes, struct error *err);
/* How much of the source was taken so far. */
uint64_t feed_taken(const struct feed *feed);
/* After the end: "sha256:<hex>" of all that was decompressed. */
void feed_digest(const struct feed *feed, char digest[72]);
/* Stops the thread, wherever it is. */
void feed_close(struct feed *feed);

#endif
