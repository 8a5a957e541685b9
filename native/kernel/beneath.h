/* kernel/beneath.h: paths inside a rootfs, never followed out of it. Symlinks are the container's word and resolve against its root. */
#ifndef SLIPWAY_KERNEL_BENEATH_H
#define SLIPWAY_KERNEL_BENEATH_H

#include "../base/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* openat2 with a set of RESOLVE_ flags; sets errno. */
int open_how(int directory, const char *path, int flags, mode_t mode, uint64_t resolve);

/* Opens beneath `root` (RESOLVE_IN_ROOT, no magic links); sets errno. */
int open_in_root(int root, const char *path, int flags);

/* The path itself, made where missing: directories all the way, or directories and an empty file at the end. Existing symlinks are followed
 * inside the root, dangling ones too. Returns an O_PATH descriptor. */
int make_in_root(int root, const char *path, bool directory, struct error *err);
/* The same, and how many of the path's last components it had to make. What it is under is `*made` names up, however it goes. */
int make_in_root_counting(int root, const char *path, bool directory, unsigned *made, struct error *err);

/* The directory that holds the path's last component, made where missing; the component is written to `name` (NAME_MAX + 1 bytes). */
int make_parent_in_root(int root, const char *path, char *name, struct error *err);

/* Reads a small regular file beneath root, at most `limit` bytes; NUL-terminated. FIFOs, devices and larger files are refused. NULL with
 * errno ENOENT where it does not exist. */
char *read_in_root(int root, const char *path, size_t limit, struct error *err);

#endif
