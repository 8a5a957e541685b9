/* commands/volume.h: a volume as a whole: packed, copied, put in another's place. */
#ifndef SLIPWAY_COMMANDS_VOLUME_H
#define SLIPWAY_COMMANDS_VOLUME_H

#include "serve.h"

/*
 * {"op":"volume-pack","path":DIR,"compress":"none"|"gzip"|"zstd","into":FILE below D | absent}: a tar of all that is in it. Without "into" it is the
 * bytes after the answer, and after those the 64 that say that it is whole: "slipway-end", the numbers of files and of bytes, spaces, a newline.
 */
int volume_pack_op(struct request *request, struct error *err);

/* {"op":"volume-copy","path":DIR,"target":DIR below D, to be made}: shared with it where the file system can, and on disk. */
int volume_copy_op(struct request *request, struct error *err);

/* {"op":"reflinks","path":DIR,"target":DIR below D}: whether what is in `target` can share its content with what is in `path`. */
int reflinks_op(struct request *request, struct error *err);

/* {"op":"swap","path":DIR below D,"with":DIR below D,"alike":false}: each takes the other's name in one step; `alike`: `with` looks as `path` does. */
int swap_op(struct request *request, struct error *err);

#endif
