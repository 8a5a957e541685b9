/*
 * commands/container.h: make a container's first process, or a further one inside it.
 *
 * The one recipe behind the engine's `run`/`exec` and behind the OCI verbs. It is called in a process that will be the parent of what it
 * makes (the future monitor, or the OCI runtime process); it forks, never execs a helper image inside the container, and returns once the
 * new process is completely set up and waits to be let go.
 */
#ifndef SLIPWAY_COMMANDS_CONTAINER_H
#define SLIPWAY_COMMANDS_CONTAINER_H

#include "../base/error.h"
#include "../base/spec.h"
#include "../kernel/cgroup.h"
#include "../kernel/seccomp.h"
#include "failure.h"

#include <stdbool.h>
#include <sys/types.h>

/* The streams the process gets. With spec->process.terminal the three are ignored: a pty is made on the container's own devpts. */
struct container_gate;
struct container_io {
    int in;  /* read end, or -1 for /dev/null */
    int out; /* write end */
    int err; /* write end */
    unsigned short rows, cols; /* first window size of the pty; 0: leave */
    const struct container_gate *gate; /* NULL: pipes are made and handed back, and the process dies with the caller */
};

/* For an OCI runtime, whose `create` ends long before `start` comes: what the process waits on instead, and where it says why it failed. It then
 * outlives the caller. */
struct container_gate {
    int go;      /* readable: one byte lets go */
    int outcome; /* writable */
};

struct container_child {
    pid_t pid;       /* the first process, in the caller's pid namespace; a child of the caller */
    int pidfd;
    int console;     /* pty master, or -1 */
    int go;          /* write one byte: execve; close without writing: the process ends */
    int outcome;     /* EOF: execve succeeded; otherwise one struct container_failure was written first */
    /* Without a gate, for those that join it later: */
    struct cgroup_door door;
    struct seccomp_filter filter;
};
#define CONTAINER_CHILD_INIT {.pid = -1, .pidfd = -1, .console = -1, .go = -1, .outcome = -1, .door = CGROUP_DOOR_INIT}

/* Set up from the bundle's spec (rootfs already mounted at spec->root.path). On -1, err says the step; nothing is left running. */
int container_create(const struct spec *spec, const struct container_io *io, struct container_child *child, struct error *err);

/* What an exec joins: the container's first process, found by pid and start time so that a reused pid is refused. */
struct container_target {
    pid_t pid;
    unsigned long long start_time; /* field 22 of /proc/PID/stat; 0: do not check */
    const struct spec *spec;       /* the container's own: seccomp, devices, rlimits of its config.json */
    bool privileged;
};

int container_exec(const struct container_target *target, const struct spec_process *process, const struct container_io *io,
                   struct container_child *child, struct error *err);

#endif
