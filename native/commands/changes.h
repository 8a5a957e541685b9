/* commands/changes.h: what a container has changed of its image (docker diff). */
#ifndef SLIPWAY_COMMANDS_CHANGES_H
#define SLIPWAY_COMMANDS_CHANGES_H

#include "serve.h"

#include <stdbool.h>
#include <sys/stat.h>

/*
 * {"op":"changes","upper":DIR,"lower":[DIR, top first]}. After the answer, for each change: one of C (changed), A (added), D (deleted), the path with
 * its leading slash, a NUL. A directory comes before what is in it, and is changed where anything in it is.
 */
int changes_op(struct request *request, struct error *err);

/* A file that was copied up and has its content, its owner and its mode as before is no change; a directory's times say nothing. */
bool changes_same(const struct stat *one, const struct stat *other);
bool changes_same_capability(int upper, int lower, const char *name);

#endif
