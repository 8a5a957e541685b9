/* commands/live.h: mounts of a container that runs: looked at, put in, taken out. */
#ifndef SLIPWAY_COMMANDS_LIVE_H
#define SLIPWAY_COMMANDS_LIVE_H

#include "serve.h"

/*
 * "target" of a container (see files.h): what is there now ("kind", "mounted", "id" of the mount, "path" without links, "hidden" entries, some "names",
 * "writable": something could be made there). "source": whether that is what is mounted there ("same"). Of one that runs "holders": who has files open.
 */
int mount_look_op(struct request *request, struct error *err);
/*
 * "source" goes on "target" of a container that runs. The target is made where it is not there: "made" of the last names of "path" are ours. Of the
 * kind "not-implemented": not so, but it could be with the container's next start.
 */
int mount_attach_op(struct request *request, struct error *err);
/* Takes off what is mounted on "target", if it is the mount "id" or shows "source"; "holders" (and "detached" false) where somebody has files open in it. */
int mount_detach_op(struct request *request, struct error *err);

/* Whether this kernel has what these need; tried on a directory. */
bool mounts_can_be_live(const char *directory);

#endif
