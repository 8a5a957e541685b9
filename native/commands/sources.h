/* commands/sources.h: what a container binds that is no plain path: a part of a volume, an image's tree, a mount shared with the machine. */
#ifndef SLIPWAY_COMMANDS_SOURCES_H
#define SLIPWAY_COMMANDS_SOURCES_H

#include "../base/error.h"
#include "../base/spec.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

/* Detached trees, in the order of the annotation. */
struct sources {
    json_object *list;
    int *trees;
    size_t count;
};
#define SOURCES_INIT {.list = NULL}

/*
 * The annotation dev.slipway.sources: `[{"path":DIR,"subpath":…,"propagation":"shared" | "slave"} | {"overlay":{"lower":[top first],"driver":…},"subpath":…}]`.
 * The paths are opened here, in the caller's own mount namespace: what is to be shared with it must not have been cut off from it yet.
 */
int sources_open(const struct spec *spec, struct sources *sources, struct error *err);
/* Afterwards BUNDLE/sources/N is the Nth, in this mount namespace alone. */
int sources_lay(const struct spec *spec, struct sources *sources, bool userxattr, struct error *err);
void sources_close(struct sources *sources);

/* A clone, detached. `subpath` (NULL: all of it) leads nowhere but into it, whatever links say. */
int source_of_path(const char *path, const char *subpath, struct error *err);
/* The same of layers, read-only; they are stacked on the directory `scratch` for a moment. `mapped`: seen through this container's ids, or NULL. */
int source_of_layers(json_object *overlay, const char *subpath, const char *scratch, const struct spec *mapped, bool userxattr, struct error *err);

#define cleanup_sources __attribute__((cleanup(sources_close)))

#endif
