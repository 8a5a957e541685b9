/* commands/companions.h: starts the long-lived processes beside the helper. */
#ifndef SLIPWAY_COMMANDS_COMPANIONS_H
#define SLIPWAY_COMMANDS_COMPANIONS_H

#include "serve.h"

/* {"op":"companion","name":"forwarder"|"resolver"} → "started": false where it was there. It listens once this is answered. */
int companion_op(struct request *request, struct error *err);

#endif
