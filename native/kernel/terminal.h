/* kernel/terminal.h: a pty on the container's own devpts, so that its name means something inside. */
#ifndef SLIPWAY_KERNEL_TERMINAL_H
#define SLIPWAY_KERNEL_TERMINAL_H

#include "../base/error.h"

/* Opens a pty at /dev/pts of the tree at `root`; proves that it is one. */
int terminal_open(int root, int *master, int *slave, struct error *err);
/* Binds the slave on the tree's /dev/console. */
int terminal_bind_console(int root, int slave, struct error *err);
int terminal_resize(int terminal, unsigned short rows, unsigned short cols, struct error *err);
/* A session of our own with this as its controlling terminal and as fds 0, 1 and 2. */
int terminal_become(int slave, struct error *err);

#endif
