/* kernel/devices.h: the files of /dev. */
#ifndef SLIPWAY_KERNEL_DEVICES_H
#define SLIPWAY_KERNEL_DEVICES_H

#include "../base/error.h"
#include "../base/spec.h"

/* The host's null device as an O_PATH descriptor in this mount namespace, proven by its number. */
int device_open_null(struct error *err);

/* The default devices and the spec's own, made where that is allowed and bound from the host where not, and /dev/fd and its like. Nothing happens
 * where the spec binds a /dev of its own. */
int devices_apply(const struct spec *spec, int root, struct error *err);

#endif
