/* kernel/caps.h: what a process may do beyond its user. */
#ifndef SLIPWAY_KERNEL_CAPS_H
#define SLIPWAY_KERNEL_CAPS_H

#include "../base/error.h"
#include "../base/spec.h"

/* Everything this process could have: for a privileged exec. */
struct spec_caps caps_all(void);
/* The bounding set; while CAP_SETPCAP is still there. */
int caps_bound(const struct spec_caps *caps, struct error *err);
/* After the change of user with PR_SET_KEEPCAPS: all permitted ones effective again, so that the filter may be loaded. */
int caps_raise(struct error *err);
/* The final sets; ambient ones last. */
int caps_drop(const struct spec_caps *caps, struct error *err);

#endif
