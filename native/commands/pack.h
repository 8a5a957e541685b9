/* commands/pack.h: a directory becomes a tar: a changeset with OCI's whiteouts, or a whole tree. */
#ifndef SLIPWAY_COMMANDS_PACK_H
#define SLIPWAY_COMMANDS_PACK_H

#include "implied.h"
#include "serve.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

/* Takes the tar, piece by piece. */
struct pack_output {
    int (*write)(void *context, struct iovec *parts, size_t count, struct error *err);
    void *context;
};

/* Each writes one tar; the same files make the same bytes. A failure leaves the tar without its end. */

/* What is below `root`, the root itself not. */
int pack(int root, const struct pack_output *output, struct error *err);
/* What is below overlay's `upper`, its whiteouts in the image specification's form, without the places that only mounts were put on. */
int pack_changeset(int upper, const struct below *below, const struct pack_output *output, struct error *err);
/* `name` in the directory `parent` of a container, with all that is below it, called `as`. Volumes are seen, the kernel's own mounts are empty. */
int pack_copy(int root, int parent, const char *name, const char *as, const struct pack_output *output, struct error *err);

/* What a volume came to. */
struct pack_sum {
    uint64_t files, bytes; /* what is no directory; content, of files with several names once */
};

/* All of a volume, its own directory as "./": holes, fractions of seconds, every attribute; whiteouts are the devices that they are. */
int pack_volume(int root, const struct pack_output *output, struct pack_sum *sum, struct error *err);

/* The tar as the bytes after a request's answer. */
struct pack_output pack_to_client(struct request *request);

/* Several layers (a list of directories, top first) read as one through overlay, mounted where only this process sees it. */
int pack_open_stack(const struct request *request, json_object *lower, struct error *err);

/* {"op":"pack","lower":[DIR, top first],"upper":DIR or null}, the tar after the answer. */
int pack_op(struct request *request, struct error *err);

#endif
