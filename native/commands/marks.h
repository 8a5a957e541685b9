/* commands/marks.h: what a container has changed in one directory of its image, found in its own layer without a walk through the others. */
#ifndef SLIPWAY_COMMANDS_MARKS_H
#define SLIPWAY_COMMANDS_MARKS_H

#include "../base/error.h"

#include <json-c/json.h>
#include <stddef.h>
#include <sys/stat.h>

struct mark {
    char *name;
    char kind;          /* A: added, C: changed (a directory also where anything in it is), D: deleted */
    struct stat before; /* of what was deleted */
};

struct marks {
    struct mark *items; /* by name */
    size_t count;
};

/* Of the directory `path`, absolute and free of links. No `upper`: none. */
int marks_of(const char *upper, json_object *lower, const char *path, struct marks *marks, struct error *err);
void marks_clear(struct marks *marks);
/* NULL where it is as in the image. */
const struct mark *marks_find(const struct marks *marks, const char *name);

#define cleanup_marks __attribute__((cleanup(marks_clear)))

#endif
