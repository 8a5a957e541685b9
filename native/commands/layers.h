/* commands/layers.h: an image's layers looked into, and what they come to, without a mount: everything is read from their directories. */
#ifndef SLIPWAY_COMMANDS_LAYERS_H
#define SLIPWAY_COMMANDS_LAYERS_H

#include "layer-tree.h"
#include "serve.h"

/*
 * "layers" is [{"path":DIR,"own":true for a container's own}], bottom first; paths inside are absolute, free of links, and of text_of()'s characters.
 * A layer that is not there any more is "not-found".
 */

/* {"op":"layer-index","layers"}: reads those that were not read before. */
int layer_index_op(struct request *request, struct error *err);
/* {"op":"layer-sums","layers"}: "layers", what each of them does. */
int layer_sums_op(struct request *request, struct error *err);
/* {"op":"layer-list","layers","path","limit","after","changed":only what the topmost changes,"quiet":no caches}: "entries", "more". */
int layer_list_op(struct request *request, struct error *err);
/* {"op":"layer-read","layers","path","offset","length"}: "stat", then the bytes of a regular file. */
int layer_read_op(struct request *request, struct error *err);
/* {"op":"layer-search","layers","text","limit"}: "found", every name in every layer that has it; "more". */
int layer_search_op(struct request *request, struct error *err);
/* {"op":"layer-compare","before":LAYERS,"after":LAYERS,"into":FILE below D}: sums of what differs; the whole goes into the file. */
int layer_compare_op(struct request *request, struct error *err);
/* {"op":"layer-differences","from":FILE,"path","limit","after","quiet"}: one directory of it: "entries", "more". */
int layer_differences_op(struct request *request, struct error *err);

/* layers.c, for both. */
json_object *layer_describe(const struct layer_index *index, uint32_t node);
const char *layer_kind(uint32_t mode);
/* An absolute path in the request, as bytes; the caller's to free. */
int layer_path_of(const struct request *request, const char *field, char **path, struct error *err);
/* The regular file that shows at a place, opened for reading. */
int layer_open_file(struct tree *tree, uint32_t at, struct error *err);

#endif
