/* kernel/copy-up.h: what lies under a mount, into it. */
#ifndef SLIPWAY_KERNEL_COPY_UP_H
#define SLIPWAY_KERNEL_COPY_UP_H

#include "../base/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* Copies the directory `from` with all that is in it to the empty directory `to`: owners, modes, times, extended attributes and hard links too;
 * devices and sockets stay behind. Both are O_PATH descriptors or others; nothing is followed out of them. */
int copy_up(int from, int to, struct error *err);

/* The same with devices and pipes, over what layers below have come to in `to`: whiteouts remove, opaque directories hide, files replace. */
int copy_layer(int from, int to, struct error *err);

/* How far a copy is. */
struct copy_progress {
    int (*told)(void *context, const struct copy_progress *progress, struct error *err); /* at most every 100 ms; -1 stops */
    void *context;
    uint64_t files, bytes; /* what is no directory; content, of files with several names once */
    bool reflink;          /* in: try; out: nothing had to be copied */
    struct timespec last;
};

/* All of a volume: devices, sockets, holes and overlay's own attributes too. What goes away meanwhile is left out. */
int copy_volume(int from, int to, struct copy_progress *progress, struct error *err);

/* Gives the directory `to` the owner, mode, times and extended attributes of `from`. */
int copy_up_attributes(int from, int to, struct error *err);

#endif
