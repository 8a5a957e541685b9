/* kernel/fuse-overlay.h: layers stacked by the program fuse-overlayfs, where the kernel's own overlay cannot be mounted. */
#ifndef SLIPWAY_KERNEL_FUSE_OVERLAY_H
#define SLIPWAY_KERNEL_FUSE_OVERLAY_H

#include "../base/error.h"

#include <stdbool.h>

/* Whether the program is there, and a file system of its kind may be opened. */
bool fuse_overlay_works(void);

/* Mounts on `target` what the program makes of `options` ("lowerdir=…,upperdir=…"). The program lives in a mount namespace of its own, so that it
 * keeps nothing mounted, and ends with the last mount of the stack. */
int fuse_overlay_mount(int target, const char *options, bool readonly, struct error *err);

#endif
