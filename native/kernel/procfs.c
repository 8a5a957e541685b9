#include "procfs.h"

#include <errno.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/vfs.h>

/* Read-only facts that tools like lxcfs show differently to each container. */
static const char *const replaceable[] = {
    "/proc/cpuinfo", "/proc/diskstats", "/proc/meminfo", "/proc/stat",    "/proc/swaps",
    "/proc/uptime",  "/proc/loadavg",   "/proc/slabinfo", "/proc/net/dev", "/proc/sys/kernel/ns_last_pid",
    "/proc/sys/crypto/fips_enabled",
};

static int is_procfs(int fd, bool *is, struct error *err)
{
    struct statfs info;
    if (fstatfs(fd, &info) < 0)
        return fail(err, errno, "look at a mount");
    *is = (long)info.f_type == PROC_SUPER_MAGIC;
    return 0;
}

/* "/proc" however it is written; what comes there by another way finds ours, which is mounted first. */
static bool names_proc(const char *path)
{
    path += strspn(path, "/");
    return strncmp(path, "proc", 4) == 0 && path[4 + strspn(path + 4, "/.")] == '\0' && (path[4] == '\0' || path[4] == '/');
}

int procfs_check_mount(int mount, int target, const char *destination, struct error *err)
{
    bool inside = false, real = false;
    TRY(is_procfs(target, &inside, err));
    for (size_t i = 0; inside && i < sizeof replaceable / sizeof *replaceable; i++)
        if (strcmp(destination, replaceable[i]) == 0)
            return 0;
    if (inside)
        return fail_kind(err, "invalid", 0, "%.200s cannot be mounted over: it is inside /proc", destination);
    if (!names_proc(destination))
        return 0;
    TRY(is_procfs(mount, &real, err));
    return real ? 0 : fail_kind(err, "invalid", 0, "what is mounted on /proc must be a proc file system");
}
