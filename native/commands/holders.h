/* commands/holders.h: who has files open in a mount: in the way of its end. */
#ifndef SLIPWAY_COMMANDS_HOLDERS_H
#define SLIPWAY_COMMANDS_HOLDERS_H

#include "../base/error.h"

#include <json-c/json.h>
#include <stddef.h>
#include <stdint.h>

#define MOUNTS_MOST 4096

/* A mount and all that is mounted in it, by their numbers; the first is the topmost. */
struct mount_family {
    uint64_t ids[MOUNTS_MOST];
    size_t count;
};

/* `table`: a mountinfo file. */
int mount_family_of(int table, uint64_t id, struct mount_family *family, struct error *err);

/*
 * [{"pid","name","paths"}] of the processes in the mount namespace `mounts` whose directories, files or mappings are in there. `proc`: this machine's
 * own /proc, opened before we went elsewhere. `path`: where the mount is, as our root has it.
 */
json_object *holders_of(int proc, int mounts, const struct mount_family *family, const char *path);

#endif
