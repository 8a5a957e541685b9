/* commands/layer-text.h: names are bytes, and documents are text. What is no UTF-8 travels as U+EF80 and up, a character for a byte, and comes back. */
#ifndef SLIPWAY_COMMANDS_LAYER_TEXT_H
#define SLIPWAY_COMMANDS_LAYER_TEXT_H

#include <json-c/json.h>
#include <stddef.h>

json_object *text_of(const char *bytes);
/* The other way, where it stands: the result is never longer. */
void bytes_of(char *text);

#endif
