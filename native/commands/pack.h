/* commands/pack.h: a directory becomes a tar: a changeset with OCI's whiteouts, or a whole tree. */
#ifndef SLIPWAY_COMMANDS_PACK_H
#define SLIPWAY_COMMANDS_PACK_H

#include "serve.h"

#include <stddef.h>
#include <sys/types.h>

/* Takes the tar, piece by piece. */
struct pack_output {
    int (*write)(void *context, const void *bytes, size_t length, struct error *err);
    void *context;
};

/*
 * Writes what is below `root`, the root itself not. `changeset`: overlay's whiteouts become those of the image specification; otherwise they are
 * left out. The same tree makes the same bytes. A failure leaves the tar without its end.
 */
int pack(int root, bool changeset, const struct pack_output *output, struct error *err);

/* {"op":"pack","lower":[DIR, top first],"upper":DIR or null}, the tar after the answer. */
int pack_op(struct request *request, struct error *err);

#endif
