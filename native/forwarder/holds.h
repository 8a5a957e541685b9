/* forwarder/holds.h: what each key holds. */
#ifndef SLIPWAY_FORWARDER_HOLDS_H
#define SLIPWAY_FORWARDER_HOLDS_H

#include "../base/error.h"

#include <json-c/json.h>

/* The replies' fields, or NULL with err. */
json_object *holds_hold(json_object *request, struct error *err);
json_object *holds_release(json_object *request, struct error *err);
json_object *holds_state(void);

#endif
