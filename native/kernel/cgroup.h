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
    bool io_weights;       /* the kernel's I/O scheduler knows weights: without BFQ (v2: or iocost) there is no file for them */
    bool swap;             /* swap is counted, so it can be limited: v1 does so only where the kernel was told to */
    char controllers[256]; /* separated by spaces */
};

/* What this process can do with cgroups here. */
void cgroup_probe(struct cgroup_support *support);

#define HIERARCHIES_MAX 24

/* The way into the groups, opened by the parent for its child to take. */
struct cgroup_door {
    int leaf; /* for CLONE_INTO_CGROUP; -1 where there is no v2 group */
    int leaf_list;
    int lists[HIERARCHIES_MAX];
    size_t count;
};
#define CGROUP_DOOR_INIT {.leaf = -1, .leaf_list = -1}

/* Makes the groups, sets the limits and opens the way in. Where nothing may be made (an ordinary user on v1) this succeeds unless a limit was asked for. */
int cgroup_create(const char *path, const struct spec_resources *resources, struct cgroup_door *door, struct error *err);
int cgroup_update(const char *path, const struct spec_resources *resources, struct error *err);
/* The way into groups that are there. */
int cgroup_open(const char *path, struct cgroup_door *door, struct error *err);
/* The calling process, which has one thread, goes in; into the v2 leaf too unless it was born there. Moving oneself is quick: moving another process
 * makes the kernel wait for all processors (some 10 ms). */
int cgroup_enter(const struct cgroup_door *door, bool born_in_leaf, struct error *err);
void cgroup_door_close(struct cgroup_door *door);
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
