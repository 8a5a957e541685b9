/* commands/browse.h: a container looked through from outside, one directory or one file at a time. Nothing of it is run. */
#ifndef SLIPWAY_COMMANDS_BROWSE_H
#define SLIPWAY_COMMANDS_BROWSE_H

#include "serve.h"

/* Each names a container as files.h says. */

/*
 * {"op":"file-list",…,"path","upper":DIR or null,"lower":[DIR, top first],"limit":N,"after":CURSOR or null}: "path" (links followed), "entries" by name,
 * "more": a cursor where there are more than so many. What the container's own layer changes is marked; what it deletes is listed too.
 */
int file_list_op(struct request *request, struct error *err);

/* {"op":"file-read",…,"path","offset":N,"length":N}: "stat", then the bytes of a regular file, links followed. */
int file_read_op(struct request *request, struct error *err);

/* {"op":"file-shells",…,"user":USER}: "shells", absolute paths of programs that are there, the user's own first. */
int file_shells_op(struct request *request, struct error *err);

#endif
