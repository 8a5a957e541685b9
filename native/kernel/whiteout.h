/* kernel/whiteout.h: how overlay marks, in one layer, what is gone from the layers below it. */
#ifndef SLIPWAY_KERNEL_WHITEOUT_H
#define SLIPWAY_KERNEL_WHITEOUT_H

#include "../base/error.h"

#include <stdbool.h>
#include <sys/stat.h>

/* Whether this process lives in a user namespace of its own, where `trusted.*` attributes and device nodes are out of reach. */
bool in_user_namespace(void);
/* Whether that namespace knows a single id, so that nothing can be given to anybody else. */
bool in_single_id_namespace(void);

/* A file is hidden by a character device 0:0 of its name. */
int whiteout_make(int dir, const char *name, struct error *err);
bool whiteout_is(const struct stat *stat);

/* An opaque directory hides whatever lower layers have in it. */
int opaque_make(int dir, struct error *err);
bool opaque_is(int dir);

/* Overlay's own attributes: never taken from an image, never given to one. */
bool is_overlay_attribute(const char *name);
/* What fuse-overlayfs leaves in a directory that it has made opaque: no file of anybody's. */
bool is_overlay_file(const char *name);

#endif
