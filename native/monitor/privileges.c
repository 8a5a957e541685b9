/*
 * monitor/privileges.c: a monitor signals its processes, writes files it has the directories of, and speaks with its clients: CAP_KILL is all it works
 * with. One that makes execs keeps the others aside, for its children and for a moment now and then; a monitor that makes none gives them up.
 */
#include "monitor.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static void set_effective(uint64_t capabilities)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];

    if (syscall(SYS_capget, &header, data) < 0)
        return;
    for (int half = 0; half < 2; half++) {
        data[half].effective = data[half].permitted & (uint32_t)(capabilities >> (32 * half));
        data[half].inheritable = 0;
    }
    syscall(SYS_capset, &header, data);
}

void privileges_raise(void)
{
    set_effective(UINT64_MAX);
}

void privileges_lower(void)
{
    set_effective(UINT64_C(1) << CAP_KILL);
}

void privileges_keep(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {{.effective = 1u << CAP_KILL, .permitted = 1u << CAP_KILL}};

    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    if (monitor.options.namespaces >= 0) {
        privileges_lower();
        return;
    }
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    for (unsigned long capability = 0; prctl(PR_CAPBSET_READ, capability) >= 0; capability++)
        prctl(PR_CAPBSET_DROP, capability);
    syscall(SYS_capset, &header, data);
}
