/* kernel/procfs.h: what may be mounted over the container's /proc, which tells and decides too much to be anybody's invention (CVE-2019-16884). */
#ifndef SLIPWAY_KERNEL_PROCFS_H
#define SLIPWAY_KERNEL_PROCFS_H

#include "../base/error.h"

/* `mount` is about to be attached to `target`, which `destination` led to. */
int procfs_check_mount(int mount, int target, const char *destination, struct error *err);

#endif
