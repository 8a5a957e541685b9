/* kernel/sysctl.h: kernel settings that belong to a namespace. */
#ifndef SLIPWAY_KERNEL_SYSCTL_H
#define SLIPWAY_KERNEL_SYSCTL_H

#include "../base/error.h"
#include "../base/spec.h"

/* Only settings of namespaces that are the container's own; written through a procfs nobody else has touched. */
int sysctl_apply(const struct spec *spec, struct error *err);

#endif
