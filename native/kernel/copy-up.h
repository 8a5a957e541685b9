/* kernel/copy-up.h: what lies under a mount, into it. */
#ifndef SLIPWAY_KERNEL_COPY_UP_H
#define SLIPWAY_KERNEL_COPY_UP_H

#include "../base/error.h"

/* Copies the directory `from` with all that is in it to the empty directory `to`: owners, modes, times, extended attributes and hard links too;
 * devices and sockets stay behind. Both are O_PATH descriptors or others; nothing is followed out of them. */
int copy_up(int from, int to, struct error *err);

/* The same with devices and pipes, over what layers below have come to in `to`: whiteouts remove, opaque directories hide, files replace. */
int copy_layer(int from, int to, struct error *err);

/* Gives the directory `to` the owner, mode, times and extended attributes of `from`. */
int copy_up_attributes(int from, int to, struct error *err);

#endif
