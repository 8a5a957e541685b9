/* commands/launch.h: from a `run` or `exec` request to a monitor beside a process that waits for its start. */
#ifndef SLIPWAY_COMMANDS_LAUNCH_H
#define SLIPWAY_COMMANDS_LAUNCH_H

#include "../base/error.h"
#include "../base/spec.h"
#include "container.h"
#include "serve.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

/* A health check; times in milliseconds. */
struct launch_health {
    json_object *argv; /* NULL: none */
    int64_t interval, timeout, start_period, start_interval, retries;
};

/* A request, read and checked. Strings are the request's. */
struct launch {
    bool exec;
    const char *id, *bundle, *state_dir, *cgroup;
    bool tty, stdin_open, stdin_once;
    int64_t rows, cols;
    const char *log_path; /* NULL: no log */
    int64_t log_max_size, log_max_file;
    const char *exit_file;
    const char *runtime, *runtime_root; /* NULL: ours */
    const struct request *bundled; /* has files that are to be written first; NULL: none */
    const struct request *network; /* its wires and default routes; NULL: it shares somebody's network, or has none to be connected to */
    struct launch_health health;
    /* exec, of a foreign runtime */
    const char *container, *user;
    int64_t pid, pid_start;
    bool privileged;
    json_object *process, *groups;
};

/* Streams: what the process gets, and what the monitor keeps. */
struct streams {
    struct container_io theirs;
    int in, out, err; /* ours; -1: none */
};

/* What a foreign runtime (launch-foreign.c) makes of it; `child` as container_create would fill it. */
int foreign_create(const struct launch *launch, const struct spec *spec, struct streams *streams, struct container_child *child,
                   struct error *err);
int foreign_exec(const struct launch *launch, const struct spec_process *process, struct streams *streams, struct container_child *child,
                 struct error *err);
/* Forgets the container; what it does not know is no error. */
int foreign_delete(const char *runtime, const char *root, const char *id, struct error *err);

/* become-monitor.c: this process goes on as the monitor of `child`. Returns only on failure. `spec` is NULL for an exec. */
int become_monitor(const struct launch *launch, const struct spec *spec, const struct streams *streams, const struct container_child *child,
                   int listener, int ready, struct error *err);

/* bundle.c: what the engine put into the request, written where it says; then what the bundle asks for beside its specification. */
int bundle_write(const struct request *request, struct error *err);
int bundle_prepare(const struct launch *launch, struct spec *spec, struct error *err);
/* The user a process is to have, as the tree below `rootfs` knows it. */
int bundle_resolve_user(const char *rootfs, const char *user, const char *groups, struct spec_process *process, struct error *err);

/* Whether nobody may choose groups here. */
bool bundle_groups_denied(void);

/* Field 22 of /proc/PID/stat; 0 where there is no such process. */
int64_t launch_start_time(pid_t pid);

/* One file of a state directory. */
int state_write(const char *state_dir, const char *name, json_object *content, struct error *err);
json_object *state_read(const char *state_dir, const char *name);

#endif
