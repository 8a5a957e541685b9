/* commands/implied.h: a directory that a layer's tar only implies looks as it does in the layers below. */
#ifndef SLIPWAY_COMMANDS_IMPLIED_H
#define SLIPWAY_COMMANDS_IMPLIED_H

#include "../base/error.h"

#include <json-c/json.h>
#include <stddef.h>
#include <time.h>

/* The layers below, top first, by descriptor. */
struct below {
    int *layers;
    size_t count;
};

/* `list`: directories, top first; NULL: none. */
int below_open(json_object *list, struct below *below, struct error *err);
void below_close(struct below *below);

/* Gives `directory` the owner, mode and attributes that `path` has in the layers below, and its times to `times`. 1: done, 0: they have none such. */
int implied_adopt(const struct below *below, const char *path, int directory, struct timespec times[2], struct error *err);

#endif
