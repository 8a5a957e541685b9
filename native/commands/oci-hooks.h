/* commands/oci-hooks.h: programs that whoever drives the runtime wants run at certain points, on the host. */
#ifndef SLIPWAY_COMMANDS_OCI_HOOKS_H
#define SLIPWAY_COMMANDS_OCI_HOOKS_H

#include "oci-state.h"

/* All of one kind ("prestart", "poststop", …), in order, each with the state on its stdin. The first that fails ends it. */
int oci_hooks_run(const struct oci_container *container, const char *kind, const char *status, struct error *err);

#endif
