/* kernel/process.h: the last steps before a program runs: limits, user, working directory, capabilities, filter. */
#ifndef SLIPWAY_KERNEL_PROCESS_H
#define SLIPWAY_KERNEL_PROCESS_H

#include "../base/error.h"
#include "../base/spec.h"
#include "seccomp.h"

#include <sys/types.h>

/* Every signal back to its default, none blocked; a session and a session keyring of its own. */
int process_begin(struct error *err);
/* The three streams become 0, 1 and 2, owned by the process's user so that it may open /dev/stdout again. */
int process_take_streams(const int streams[3], const struct spec_process *process, struct error *err);
/* Everything up to and with the user; the program is found as that user, `*program` is the caller's to free. `program` NULL: none is looked for. */
int process_become_user(const struct spec_process *process, const struct spec_caps *caps, char **program, struct error *err);
/* Capabilities, no_new_privs and, where that needs a capability, the filter already. */
int process_lock(const struct spec_caps *caps, bool no_new_privileges, const struct seccomp_filter *filter, struct error *err);
/* Returns only on failure. `file`: a descriptor to run in the place of `program`; -1. */
int process_exec(const struct spec_process *process, const char *program, int file, bool no_new_privileges, const struct seccomp_filter *filter, struct error *err);

/* Closes every descriptor from 3 on but these, which it sorts; -1s are passed over. */
int process_keep_descriptors(int *fds, size_t count, struct error *err);

/* From outside, while the child is still ours to change. Limits once it waits: its own steps need room, and in a user namespace it may not raise them. */
int process_set_limits(pid_t pid, const struct spec_process *process, struct error *err);
int process_set_oom_score(pid_t pid, int score, struct error *err);
/* Field 22 of /proc/PID/stat; 0 where there is no such process. */
unsigned long long process_start_time(pid_t pid);

#endif
