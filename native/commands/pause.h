/* commands/pause.h: the user and mount namespace that an ordinary user's containers live in, held by one sleeping process. */
#ifndef SLIPWAY_COMMANDS_PAUSE_H
#define SLIPWAY_COMMANDS_PAUSE_H

#include "../base/error.h"

#include <stdbool.h>

/* Whether we are in a user namespace already. */
bool pause_inside(void);

/* Enters the namespaces, made now or found by R/pause.pid. `monitor` is the slipway-monitor program, which does the sleeping.
 * *outside becomes a socket to a process that stayed behind: each message on it, a JSON object like own's "headless", is started there. */
int pause_enter(const char *run_dir, int monitor, int *outside, struct error *err);

/* Keeps hold of the sleeper, should R be deleted, and with it the sleeper's name. */
void pause_remember(const char *run_dir);

/* Ends the sleeper, unless something else still lives in its namespaces. */
void pause_end(const char *run_dir);

/* cgroup v2: starts this program again in a scope of the user's own systemd, where limits can be set and the end of the desktop session's
 * application does not end us. Returns where there is no such thing. */
void pause_ask_for_cgroup(char **argv);

#endif
