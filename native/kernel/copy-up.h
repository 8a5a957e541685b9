/* kernel/copy-up.h: what lies under a mount, into it. */
#ifndef SLIPWAY_KERNEL_COPY_UP_H
#define SLIPWAY_KERNEL_COPY_UP_H

#include "../base/error.h"

/* Copies the directory `from` with all that is in it to the empty directory `to`, owners and modes included; devices and sockets stay behind. Both
 * are O_PATH descriptors or others; nothing is followed out of them. */
int copy_up(int from, int to, struct error *err);

#endif
