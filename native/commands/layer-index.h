/* commands/layer-index.h: what one layer's directory holds, read once: names, kinds, sizes and owners, not what is in the files. */
#ifndef SLIPWAY_COMMANDS_LAYER_INDEX_H
#define SLIPWAY_COMMANDS_LAYER_INDEX_H

#include "../base/error.h"
#include "implied.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

enum layer_flags {
    LAYER_WHITEOUT = 1, /* hides what the layers below have under this name */
    LAYER_OPAQUE = 2,   /* a directory that hides what they have in it */
};

/* What is in a directory stands together, by name (bytes). The first node is the layer's root. As it lies on disk: no padding. */
struct layer_node {
    uint64_t size;
    int64_t mtime;
    uint32_t mtime_ns;
    uint32_t mode, uid, gid;
    uint32_t device;     /* of a device: major << 20 | minor */
    uint32_t name;       /* where in the text; ends with a NUL */
    uint32_t target;     /* of a link, the same; 0: none */
    uint32_t first, count; /* what is in a directory */
    uint32_t primary;    /* of a file with several names in this layer, the first of them; else itself */
    uint32_t capability; /* a checksum of security.capability; 0: it has none */
    uint32_t flags;
};

struct layer_index {
    const struct layer_node *nodes;
    uint32_t count;
    const char *text;
    void *mapped, *owned_nodes, *owned_text;
    size_t mapped_length;
};

/*
 * Reads the directory `fs` in `parent`. With `keep`, what was read before is taken from the file "index" beside it, and written there where it is not:
 * what is below `fs` never changes then. With `below` it is a container's own layer on these: what is only there because something was mounted on it is
 * left out.
 */
int layer_index_open(int parent, const char *fs, bool keep, const struct below *below, struct layer_index *index, struct error *err);
void layer_index_close(struct layer_index *index);

static inline const char *layer_name(const struct layer_index *index, uint32_t node)
{
    return index->text + index->nodes[node].name;
}

#endif
