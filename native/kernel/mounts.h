/* kernel/mounts.h: a container's mounts. Each is made detached, then attached to a descriptor opened beneath the rootfs: no path is looked up twice. */
#ifndef SLIPWAY_KERNEL_MOUNTS_H
#define SLIPWAY_KERNEL_MOUNTS_H

#include "../base/error.h"
#include "../base/spec.h"

#include <stdbool.h>
#include <stdint.h>

/* Detached trees: the rootfs, and one for each bind mount in the order of spec->mounts, -1 elsewhere. The caller makes them: a container in a user
 * namespace of its own may not walk to their sources. */
struct mount_sources {
    int root;
    int *binds;
    size_t count;
};

#define MOUNT_SOURCES_INIT {.root = -1}

int mount_sources_open(const struct spec *spec, struct mount_sources *sources, struct error *err);
void mount_sources_close(struct mount_sources *sources);

/* In the container's own mount namespace: everything in spec->mounts, onto the tree at `root`. */
int mounts_apply(const struct spec *spec, int root, const struct mount_sources *sources, struct error *err);

/* linux.maskedPaths and linux.readonlyPaths. `null` is the host's null device, in this mount namespace. */
int mounts_mask(const struct spec *spec, int root, int null, struct error *err);

/* A clone of what `fd` names, by itself, detached. -1 sets errno. */
int mount_clone(int fd, bool recursive);
/* Attaches a detached mount over what `target` (an O_PATH descriptor) names. */
int mount_attach(int mount, int target);
/* MOUNT_ATTR_… on the mount at `fd`. */
int mount_set(int fd, uint64_t set, uint64_t clear, bool recursive);
int mount_propagation(int fd, uint64_t propagation, bool recursive);
/* A new file system of this kind, detached; `options` NULL-terminated "key" or "key=value". */
int mount_make(const char *type, const char *source, const char *const *options, uint64_t attributes, struct error *err);
/* The same of a mount's own words ("ro", "size=1m"), detached: where it goes is the caller's business. */
int mount_filesystem(const struct spec_mount *mount, struct error *err);

#endif
