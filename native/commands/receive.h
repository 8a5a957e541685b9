/* commands/receive.h: what somebody sends becomes files of content: an archive's files one by one, or all of it as one. */
#ifndef SLIPWAY_COMMANDS_RECEIVE_H
#define SLIPWAY_COMMANDS_RECEIVE_H

#include "serve.h"

/*
 * {"op":"receive","prefix":PATH below D,"archive":true} and a body: gzip, zstd, xz, bzip2, or nothing of them. Each regular file of the tar, or with
 * `archive` false the one file that it all is, is written to PREFIX-<n>. Progress, for a file again and again while it grows:
 * {"name":…,"path":…,"bytes":N,"begins":HEX (its first 512 bytes, once)} and at its end with "digest"; for a link {"name":…,"link":…}, for another name of
 * a file {"name":…,"same":…}.
 */
int receive_op(struct request *request, struct error *err);

#endif
