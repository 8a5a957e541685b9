/* commands/populate.h: what an image has at a volume's place goes into the volume, once, while that is empty. */
#ifndef SLIPWAY_COMMANDS_POPULATE_H
#define SLIPWAY_COMMANDS_POPULATE_H

#include "serve.h"

/* {"op":"populate","volume":DIR below D with `_data` in it,"lower":[DIR, top first],"path":"/in/the/image"}; reply: "copied". Without "path" only
 * what an interrupted one has left is finished. */
int populate_op(struct request *request, struct error *err);

#endif
