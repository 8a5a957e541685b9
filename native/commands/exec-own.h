/*
 * commands/exec-own.h: what a further process of a container shares with its first one. The launch that becomes the monitor leaves it in a file
 * in memory: this header, a record, and the compiled filter. A record is a run of NUL-terminated NAME=value texts.
 */
#ifndef SLIPWAY_COMMANDS_EXEC_OWN_H
#define SLIPWAY_COMMANDS_EXEC_OWN_H

#include <stdint.h>

struct exec_own {
    uint32_t record_length; /* oom=SCORE  nnp=1  apparmor=PROFILE  rlimit=RESOURCE SOFT HARD (several) */
    uint32_t filter_flags;
    uint32_t filter_count; /* of struct sock_filter; 0: no filter */
};

#endif
