/* commands/fingerprint.h: whether a tree or a file is still what it was. */
#ifndef SLIPWAY_COMMANDS_FINGERPRINT_H
#define SLIPWAY_COMMANDS_FINGERPRINT_H

#include "serve.h"

/*
 * {"op":"fingerprint","path":below D}: "sha256:<hex>" over all that a tree is: names, kinds, modes, owners, attributes, links, times of files and
 * every byte of content. Two trees that the same layer was unpacked to have the same one.
 */
int fingerprint_op(struct request *request, struct error *err);

/* {"op":"digest","path":below D}: "sha256:<hex>" of a regular file's content. */
int digest_op(struct request *request, struct error *err);

#endif
