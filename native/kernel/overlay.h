/* kernel/overlay.h: a container's layers, stacked. */
#ifndef SLIPWAY_KERNEL_OVERLAY_H
#define SLIPWAY_KERNEL_OVERLAY_H

#include "../base/error.h"

#include <stdbool.h>

/* Mounts what the annotation dev.slipway.overlay says (`{"lower":[top first],"upper":DIR,"work":DIR}`; no upper: read-only) on `target`,
 * in the caller's mount namespace. */
int overlay_mount(const char *target, const char *annotation, bool userxattr, struct error *err);

/* Whether overlay can be mounted here at all, tried in a mount namespace of a child; userxattr as a user namespace needs it. */
bool overlay_works(const char *scratch_directory, bool userxattr);

#endif
