/* kernel/resolve.h: what a path means inside a rootfs, without opening or making anything. */
#ifndef SLIPWAY_KERNEL_RESOLVE_H
#define SLIPWAY_KERNEL_RESOLVE_H

#include <limits.h>

/*
 * Follows every symbolic link of `path`, the last one too, as it leads inside `root`; from where nothing is there, the rest is kept as it is. `out` is
 * absolute and free of links at this moment: open it with RESOLVE_NO_SYMLINKS. -1 sets errno (ENOTDIR, ELOOP, ENAMETOOLONG, …).
 */
int resolve_in_root(int root, const char *path, char out[PATH_MAX]);

#endif
