/* kernel/cgroup.h: a container's control groups, by their path below each hierarchy ("slipway/<id>"). v1, v2 and the hybrid of both. */
#ifndef SLIPWAY_KERNEL_CGROUP_H
#define SLIPWAY_KERNEL_CGROUP_H

#include "../base/error.h"
#include "../base/spec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct cgroup_support {
    int version;           /* 1 (also hybrid) or 2 */
    bool limits;           /* we may set limits */
    bool freezer;          /* we may pause */
    char controllers[256]; /* separated by spaces */
};

/* What this process can do with cgroups here. */
void cgroup_probe(struct cgroup_support *support);

/* Makes the groups and sets the limits; `leaf` becomes a descriptor for CLONE_INTO_CGROUP, or -1 where there is none. Where nothing may be made
 * (an ordinary user on v1) this succeeds unless a limit was asked for. */
int cgroup_create(const char *path, const struct spec_resources *resources, int *leaf, struct error *err);
int cgroup_update(const char *path, const struct spec_resources *resources, struct error *err);
/* Moves the process in; into the v2 leaf too unless it was born there. */
int cgroup_join(const char *path, pid_t pid, bool born_in_leaf, struct error *err);
int cgroup_freeze(const char *path, bool frozen, struct error *err);
/* Whether it is frozen now. */
bool cgroup_frozen(const char *path);
/* SIGKILL to everything inside, thawing where that is needed. Succeeds where nothing is there. */
int cgroup_kill_all(const char *path, struct error *err);
/* Kills what is left, removes the groups. Idempotent. */
int cgroup_delete(const char *path, struct error *err);
/* Removes a group that others were made in, where none is left in it. */
void cgroup_tidy(const char *path);
/* Every process inside, in our pid namespace; *pids is the caller's to free. */
int cgroup_processes(const char *path, pid_t **pids, size_t *count, struct error *err);


/* Mounts the groups as the container sees them over `target`, an O_PATH directory. Without a cgroup namespace of its own it sees its own groups only. */
int cgroup_mount(const char *path, bool own_namespace, uint64_t attributes, int target, struct error *err);

#endif
