/* base/memory.h: our own programs out of a container's reach (CVE-2019-5736). */
#ifndef SLIPWAY_BASE_MEMORY_H
#define SLIPWAY_BASE_MEMORY_H

#include "error.h"

/* Goes on in a sealed copy of this program, which nobody can write to through /proc/PID/exe; returns at once in the copy. */
int memory_run_from(char **argv, struct error *err);

/* A sealed copy of a program, to be executed. */
int memory_copy_of(int program, const char *name, struct error *err);

#endif
