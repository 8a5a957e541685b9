/* commands/found.h: what a path names in a container, by the descriptor of its directory and its name there. */
#ifndef SLIPWAY_COMMANDS_FOUND_H
#define SLIPWAY_COMMANDS_FOUND_H

#include "serve.h"

#include <limits.h>
#include <sys/stat.h>

/* What a path names: `name` in the directory behind `parent`, "." where the path asks for a directory. */
struct found {
    int parent;
    const char *name, *called; /* `called`: the path's last component, "/" for the root */
    struct stat stat;
    char target[PATH_MAX]; /* of a link, followed to its end; "" otherwise */
};

void found_clear(struct found *found);
#define cleanup_found __attribute__((cleanup(found_clear)))

/* A field of the request that is an absolute path in a container. */
int found_path_of(const struct request *request, const char *field, const char **path, struct error *err);

/* A link at the end is not followed; what is not there is an error. */
int find_in_container(int root, const char *path, struct found *found, struct error *err);

/*
 * The same with every link followed, to what may not be there: 1, or 0 where nothing is, but a directory to put it in. `resolved` is where that leads
 * inside the container; the name is borrowed from it.
 */
int find_target(int root, const char *path, struct found *found, char resolved[PATH_MAX], struct error *err);

#endif
