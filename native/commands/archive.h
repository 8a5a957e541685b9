/* commands/archive.h: files copied out of a container and into it (docker cp), and a container's whole tree (docker export). */
#ifndef SLIPWAY_COMMANDS_ARCHIVE_H
#define SLIPWAY_COMMANDS_ARCHIVE_H

#include "serve.h"

/*
 * Each names a container as files.h says, and (but for export) a "path" in it: absolute, without "." and ".." but for a last "/." or "/", which ask for
 * a directory. Links on the way lead where they do inside the container.
 */

/* {"op":"archive-stat",…}: "stat": {"name","size","mode","mtime":[seconds,nanoseconds],"linkTarget"}; a link at the end of the path is not followed. */
int archive_stat_op(struct request *request, struct error *err);

/* {"op":"archive-read",…}: the same "stat", then the bytes of a tar. */
int archive_read_op(struct request *request, struct error *err);

/*
 * {"op":"archive-write",…,"keepKinds":bool,"user":USER or null}, the tar as the body, compressed or not: extracted into the directory that the path
 * leads to. "keepKinds": a directory and what is none do not take each other's place. "user": whom all of it is given to, by the container's own files.
 */
int archive_write_op(struct request *request, struct error *err);

/* {"op":"export",…}: the bytes of a tar of the root file system, without what is mounted inside. */
int export_op(struct request *request, struct error *err);

#endif
