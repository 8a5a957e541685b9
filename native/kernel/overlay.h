/* kernel/overlay.h: a container's layers, stacked. */
#ifndef SLIPWAY_KERNEL_OVERLAY_H
#define SLIPWAY_KERNEL_OVERLAY_H

#include "../base/error.h"
#include "../base/spec.h"

#include <stdbool.h>

/* Mounts what the annotation dev.slipway.overlay says (`{"lower":[top first],"upper":DIR,"work":DIR,"driver":…}`; no upper: read-only) on `target`,
 * in the caller's mount namespace. Without a driver the kernel stacks the layers; "fuse-overlayfs" is the program of that name; with "vfs" the upper
 * directory has everything already. */
int overlay_mount(const char *target, const char *annotation, bool userxattr, struct error *err);
/* The same for a container, with the layers id-mapped where it has a user namespace of its own. */
int overlay_mount_for(const struct spec *spec, const char *target, const char *annotation, bool userxattr, struct error *err);

/* Whether overlay can be mounted here at all, tried in a mount namespace of a child; userxattr as a user namespace needs it. With `idmapped`:
 * whether it can be over id-mapped layers, and what is written arrives with plain ids. */
bool overlay_works(const char *scratch_directory, bool userxattr, bool idmapped);

#endif
