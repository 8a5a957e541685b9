/* kernel/apparmor.h: the AppArmor profile that a program is to run under, where this kernel has AppArmor. */
#ifndef SLIPWAY_KERNEL_APPARMOR_H
#define SLIPWAY_KERNEL_APPARMOR_H

#include "../base/error.h"

#include <stdbool.h>

bool apparmor_enabled(void);
/* On the host: whether the profile can be asked for at all. NULL, "" and "unconfined" ask for nothing that an absent AppArmor lacks. */
int apparmor_check(const char *profile, struct error *err);
/* In the process that will exec, while it may still mount: the profile takes effect with the next execve. */
int apparmor_apply(const char *profile, struct error *err);

#endif
