/* commands/unpack.h: a layer's tar becomes a directory that overlay can stack. */
#ifndef SLIPWAY_COMMANDS_UNPACK_H
#define SLIPWAY_COMMANDS_UNPACK_H

#include "../base/feed.h"
#include "implied.h"
#include "serve.h"

#include <stdbool.h>
#include <stdint.h>

struct unpack_result {
    char diff_id[72];  /* "sha256:<hex>" of the tar, uncompressed; "" where nobody asked */
    uint64_t size;     /* bytes of file content */
    uint64_t entries;
    uint64_t files;    /* those that are no directories */
    uint64_t devices;  /* left out: a user namespace makes none */
    json_object *implied; /* directories that the tar put something in and did not name; ".": the topmost */
};

/* Told from time to time how many bytes of `source` were taken; -1 stops the unpacking. */
struct unpack_watcher {
    int (*progress)(void *context, uint64_t bytes, struct error *err);
    void *context;
};

/*
 * Reads a tar, plain or compressed by gzip, zstd, xz or bzip2, from `source` to its end, and extracts it into the new directory `target`, whiteouts
 * in overlay's form. On -1 nothing of `target` is left. The tar is an attacker's: whatever it says happens beneath `target`. `volume`:
 * it is no layer; a name that would be a whiteout's is a file's.
 */
int unpack(struct feed_source source, const char *target, bool volume, const struct unpack_watcher *watcher, struct unpack_result *result, struct error *err);

/* {"op":"unpack","blob":FILE | absent (then the body),"follow":false,"digest":true,"target":DIR below D,"whiteouts":"overlay","sync":true,"volume":false} */
int unpack_op(struct request *request, struct error *err);

/* {"op":"adopt","target":DIR below D,"lower":[DIR top first],"directories":[PATH…]}: what unpack called implied looks as in the layers below. */
int adopt_op(struct request *request, struct error *err);

/* {"op":"sync"}: what was written to D's file system is on disk. */
int sync_op(struct request *request, struct error *err);

#endif
