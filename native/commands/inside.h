/* commands/inside.h: what is done inside a container's network namespace, by a thread that enters it once. */
#ifndef SLIPWAY_COMMANDS_INSIDE_H
#define SLIPWAY_COMMANDS_INSIDE_H

#include "wire.h"

/* The container's namespace, which must not be ours: bringing up its links would be bringing up the host's. */
int inside_open(pid_t pid, struct error *err);

struct inside_work {
    bool loopback; /* `lo` comes up */
    struct wire *wires; /* are there, and come up with what they are to have; their MAC addresses are filled in */
    size_t wire_count;
    struct netlink *outside; /* where the ports of the wires are */
    const struct ways_out *ways; /* NULL: the routes stay as they are */
    bool only;                   /* no other default route stays */
};
int inside_do(int netns, const struct inside_work *work, struct error *err);

/* A connection to the namespace for who stays outside. */
int inside_connect(int netns, struct netlink **netlink, struct error *err);

#endif
