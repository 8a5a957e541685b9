/* kernel/idmap.h: the ids of a user namespace: its maps, and mounts seen through them. What is root's on disk is the container's root's inside. */
#ifndef SLIPWAY_KERNEL_IDMAP_H
#define SLIPWAY_KERNEL_IDMAP_H

#include "../base/error.h"
#include "../base/spec.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* uid_map and gid_map of a child in a new user namespace. */
int idmap_write(pid_t child, const struct spec_idmap *uids, size_t uid_count, const struct spec_idmap *gids, size_t gid_count, struct error *err);

/* A user namespace with these maps and nobody in it, for mounts to be seen through. */
int idmap_make(const struct spec_idmap *uids, size_t uid_count, const struct spec_idmap *gids, size_t gid_count, struct error *err);
/* The same with the container's own maps, made at the first call and kept: the descriptor is not the caller's to close. */
int idmap_of(const struct spec *spec, struct error *err);

/* The detached mount at `tree` shows its ids as that namespace has them. -1 sets errno: EINVAL where the file system cannot. */
int idmap_mount(int tree, int userns, bool recursive);

/* Who writes to an id-mapped mount must have ids that it maps. For a while our file system ids are those of the container's root, with all of our
 * capabilities kept. */
struct idmap_guise {
    bool worn;
    int securebits;
};
int idmap_disguise(struct idmap_guise *guise, const struct spec *spec, struct error *err);
void idmap_undisguise(struct idmap_guise *guise);

#endif
