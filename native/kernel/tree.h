/* kernel/tree.h: whole directory trees, by descriptors, never through a symbolic link. */
#ifndef SLIPWAY_KERNEL_TREE_H
#define SLIPWAY_KERNEL_TREE_H

#include "../base/error.h"

/* Removes `name` in `dir` and everything below it, however deep. Nothing there: fine. Other file systems mounted inside stay. */
int tree_remove(int dir, const char *name, struct error *err);

/* The same for what nobody has any more: what is protected there (chattr's +i and +a) goes like the rest. */
int tree_discard(int dir, const char *name, struct error *err);

#endif
