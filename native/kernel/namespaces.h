/* kernel/namespaces.h: a child in namespaces of its own, or in those of others. */
#ifndef SLIPWAY_KERNEL_NAMESPACES_H
#define SLIPWAY_KERNEL_NAMESPACES_H

#include "../base/error.h"
#include "../base/spec.h"

#include <sys/types.h>

/* Namespaces that the spec joins by path, opened and proven by their kind; -1 elsewhere. */
struct namespace_paths {
    int fds[SPEC_NS_KINDS];
};

int namespaces_open(const struct spec *spec, struct namespace_paths *paths, struct error *err);
void namespaces_close(struct namespace_paths *paths);

/* Like fork: 0 in the child. The child is the caller's own, even where another process had to stand in between to enter a pid namespace. `leaf` is
 * the cgroup2 group it is born in, or -1; *born_in_leaf says, in the child, whether it was. */
pid_t namespaces_fork(const struct spec *spec, const struct namespace_paths *paths, int leaf, bool *born_in_leaf, int *pidfd, struct error *err);
/* The same into all the namespaces of the process behind `target`. The child has of our descriptors those in `kept` alone: a container that may trace
 * others looks at whoever enters it, and takes what it finds there (CVE-2016-9962). */
pid_t namespaces_fork_into(pid_t target, int target_pidfd, int leaf, const int *kept, size_t kept_count, bool *born_in_leaf, int *pidfd,
                           struct error *err);

/* The CLONE_NEW… flags of the target's namespaces that are not ours: a process may not enter the user namespace it is in. */
int namespaces_to_enter(pid_t target, struct error *err);

/* In the child: the joined ones that need no fork, and a cgroup namespace, which begins where its maker is at that moment. */
int namespaces_finish(const struct spec *spec, const struct namespace_paths *paths, struct error *err);

/* uid_map and gid_map of a child in a new user namespace. */
int namespaces_map_ids(const struct spec *spec, pid_t child, struct error *err);

/* Brings `lo` up in this network namespace. */
int loopback_up(struct error *err);

#endif
