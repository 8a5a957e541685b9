/* commands/usage.h: how much a directory holds. */
#ifndef SLIPWAY_COMMANDS_USAGE_H
#define SLIPWAY_COMMANDS_USAGE_H

#include "serve.h"

#include <stdint.h>
#include <time.h>

struct usage {
    uint64_t bytes;   /* of content: directories count nothing, a file with several names counts once */
    uint64_t entries; /* names, the directory itself not counted */
    struct timespec newest; /* when anything in it, or it itself, was changed last (ctime) */
};

int usage_of(int directory, struct usage *usage, struct error *err);

/* {"op":"usage","path":below D}: "bytes", "entries", "newest": milliseconds */
int usage_op(struct request *request, struct error *err);

#endif
