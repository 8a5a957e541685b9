/* commands/compress.h: a layer's tar becomes the gzip that a registry gets. */
#ifndef SLIPWAY_COMMANDS_COMPRESS_H
#define SLIPWAY_COMMANDS_COMPRESS_H

#include "serve.h"

/*
 * {"op":"compress","blob":FILE,"target":FILE below D that is not there yet}: {"digest","size"} of the target, and {"plain"}, the digest of what
 * was read. {"progress":{"bytes","written"}}: how much was read, and how much of the target is there. Not synced: what is lost is made again.
 */
int compress_op(struct request *request, struct error *err);

#endif
