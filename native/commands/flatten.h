/* commands/flatten.h: a stack of layers as one directory, for machines that cannot mount a stack. */
#ifndef SLIPWAY_COMMANDS_FLATTEN_H
#define SLIPWAY_COMMANDS_FLATTEN_H

#include "serve.h"

int flatten_op(struct request *request, struct error *err);

#endif
