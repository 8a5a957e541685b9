#include "apparmor.h"
#include "../base/cleanup.h"
#include "beneath.h"
#include "mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/mount.h>

bool apparmor_enabled(void)
{
    char answer = 'N';
    cleanup_close int file = open("/sys/module/apparmor/parameters/enabled", O_RDONLY | O_CLOEXEC);
    return file >= 0 && read(file, &answer, 1) == 1 && answer == 'Y';
}

static bool asks_for_something(const char *profile)
{
    return profile && profile[0] && strcmp(profile, "unconfined") != 0;
}

int apparmor_check(const char *profile, struct error *err)
{
    if (!asks_for_something(profile) || apparmor_enabled())
        return 0;
    return fail_kind(err, "not-implemented", 0, "process.apparmorProfile is %.100s, and this kernel has no AppArmor: leave the profile out", profile);
}

/* A process file system of our own: the one at /proc could be the container's invention (CVE-2019-16884, CVE-2025-52881). */
int apparmor_apply(const char *profile, struct error *err)
{
    static const char *const files[] = {"thread-self/attr/apparmor/exec", "thread-self/attr/exec"};
    if (!asks_for_something(profile))
        return 0;
    cleanup_close int proc = mount_make("proc", "proc", NULL, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, err);
    if (proc < 0)
        return -1;
    cleanup_close int file = -1;
    for (int i = 0; i < 2 && file < 0; i++)
        file = open_how(proc, files[i], O_WRONLY, 0, RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV);
    if (file < 0)
        return fail(err, errno, "open the AppArmor attribute");
    if (dprintf(file, "exec %s", profile) < 0)
        return fail_kind(err, errno == ENOENT ? "invalid" : "", errno, "set the AppArmor profile %.100s (is it loaded?)", profile);
    return 0;
}
