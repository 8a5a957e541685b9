/* commands/discard.h: deleting is a rename; the work of it comes later. */
#ifndef SLIPWAY_COMMANDS_DISCARD_H
#define SLIPWAY_COMMANDS_DISCARD_H

#include "serve.h"

/* {"op":"discard","path":below D}: moved to D/trash, answered, then deleted. Nothing there: fine. */
int discard_op(struct request *request, struct error *err);

/* Held by a worker while it writes to `target`: should the directory that this is in go to the trash, it is deleted when the worker is through. */
int stage_hold(const char *target, struct error *err);

/* Deletes what an earlier helper left in D/trash. */
int trash_sweep(const char *data_root, struct error *err);

#endif
