/* kernel/seccomp.h: a container's system call filter. Compiling one takes milliseconds, so compiled ones are kept by hash. */
#ifndef SLIPWAY_KERNEL_SECCOMP_H
#define SLIPWAY_KERNEL_SECCOMP_H

#include "../base/error.h"

#include <json-c/json.h>
#include <linux/filter.h>
#include <stddef.h>

struct seccomp_filter {
    struct sock_filter *code; /* NULL: no filter */
    size_t count;
    unsigned flags; /* SECCOMP_FILTER_FLAG_… */
};

/* Where compiled filters are kept from one run to the next (`D/seccomp`); NULL: nowhere. Process-wide, copied. */
void seccomp_set_cache(const char *directory);

/* The OCI linux.seccomp section as BPF: from the cache, or compiled now. NULL section: no filter. */
int seccomp_prepare(json_object *section, struct seccomp_filter *filter, struct error *err);
void seccomp_filter_clear(struct seccomp_filter *filter);

/* Loads it into this process. Needs no_new_privs or CAP_SYS_ADMIN. */
int seccomp_enforce(const struct seccomp_filter *filter, struct error *err);

#endif
