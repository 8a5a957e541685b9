/* kernel/tree.h: whole directory trees, by descriptors, never through a symbolic link. */
#ifndef SLIPWAY_KERNEL_TREE_H
#define SLIPWAY_KERNEL_TREE_H

#include "../base/error.h"

/* Removes `name` in `dir` and everything below it, however deep. Nothing there: fine. Other file systems mounted inside stay. */
int tree_remove(int dir, const char *name, struct error *err);

#endif
