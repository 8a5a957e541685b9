/* kernel/user.h: who a process runs as. Names are looked up in the container's own /etc/passwd and /etc/group, beneath its rootfs only. */
#ifndef SLIPWAY_KERNEL_USER_H
#define SLIPWAY_KERNEL_USER_H

#include "../base/error.h"
#include "../base/spec.h"

/* Docker's user string ("", "1000", "app", "app:web", "1000:1000") into process->uid, gid and groups; HOME is set where absent.
 * `groups`: further groups by name or id, NULL-terminated, or NULL. `rootfs` is a directory descriptor. */
int user_resolve(int rootfs, const char *user, char *const *groups, struct spec_process *process, struct error *err);

/* Sets HOME from the uid's passwd entry ("/" where there is none), where the environment has none. */
int user_set_home(int rootfs, struct spec_process *process, struct error *err);

#endif
