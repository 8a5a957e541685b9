/* kernel/neighbour.h: mounts of another container, which live in a mount namespace that only its visitors can take from. */
#ifndef SLIPWAY_KERNEL_NEIGHBOUR_H
#define SLIPWAY_KERNEL_NEIGHBOUR_H

#include "../base/error.h"

#include <stdbool.h>
#include <sys/types.h>

/* "/proc/PID/root/PATH": whose it is, and where there; false for every other path. */
bool neighbour_path(const char *source, pid_t *pid, const char **path);
/* A detached clone of what is mounted on `path` for that process. No symlink of its is followed. */
int neighbour_clone(pid_t pid, const char *path, bool recursive, struct error *err);

#endif
