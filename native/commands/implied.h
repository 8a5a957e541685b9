/* commands/implied.h: a directory that a layer's tar only implies looks as it does in the layers below. */
#ifndef SLIPWAY_COMMANDS_IMPLIED_H
#define SLIPWAY_COMMANDS_IMPLIED_H

#include "../base/error.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

/* The layers below, top first, by descriptor. */
struct below {
    int *layers;
    size_t count;
};

/* `list`: directories, top first; NULL: none. */
int below_open(json_object *list, struct below *below, struct error *err);
void below_close(struct below *below);
/* The directory of that path (no slash before it) in one layer, or -1. *hides: for what this layer has in its place, no lower one shows through. */
int below_find(int layer, const char *path, bool *hides);

/*
 * Gives the directory `path` in the layer `target` the owner, mode, attributes and times that it has in the layers below. What hides those (an
 * opaque directory, a whiteout) hides their looks too.
 */
int implied_adopt(const struct below *below, const char *path, int target, struct error *err);

#endif
