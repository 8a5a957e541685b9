/* kernel/cgroup-backends.h: what cgroup.c asks of the two versions. A `group` is a descriptor of the container's own directory. */
#ifndef SLIPWAY_KERNEL_CGROUP_BACKENDS_H
#define SLIPWAY_KERNEL_CGROUP_BACKENDS_H

#include "../base/error.h"
#include "../base/spec.h"

#include <stdbool.h>

/* One write of `format`ted text to a file of the group. */
int cgroup_write(int group, const char *file, struct error *err, const char *format, ...) __attribute__((format(printf, 4, 5)));
/* The file's first bytes, NUL-terminated; false where it cannot be read. */
bool cgroup_read(int group, const char *file, char *out, size_t size);

/* Limits of one v1 hierarchy, by controller name. `fresh`: the group was just made, so device rules are set too. */
int cgroup_v1_apply(int group, const char *controller, const struct spec_resources *resources, bool fresh, struct error *err);
/* A new cpuset group is unusable until it has cpus and memory nodes: takes over its parent's. */
int cgroup_v1_inherit_cpuset(int parent, int group, struct error *err);

int cgroup_v2_apply(int group, const struct spec_resources *resources, bool fresh, struct error *err);
/* Hands the controllers that this group has on to its children, as far as it may. */
void cgroup_v2_enable(int group);
/* Attaches a program that decides which devices may be made, read and written. */
int cgroup_v2_set_devices(int group, const struct spec_resources *resources, struct error *err);

/* What every container may use, whatever its rules: making nodes, null, zero, full, random, urandom, tty, console, ptmx and terminals. */
extern const struct spec_device_rule cgroup_default_devices[];
extern const size_t cgroup_default_device_count;

#endif
