/* kernel/rootfs.h: making a tree the root, by descriptors. */
#ifndef SLIPWAY_KERNEL_ROOTFS_H
#define SLIPWAY_KERNEL_ROOTFS_H

#include "../base/error.h"
#include "../base/spec.h"

/* In a new mount namespace: cuts propagation to the host and mounts the detached tree, whose descriptor then names the mount's root. */
int rootfs_attach(const struct spec *spec, int tree, struct error *err);
/* Makes it the root of this mount namespace and lets go of the old one; read-only where the spec says so. */
int rootfs_pivot(const struct spec *spec, int root, struct error *err);

#endif
