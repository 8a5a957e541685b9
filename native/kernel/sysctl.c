#include "sysctl.h"
#include "../base/cleanup.h"
#include "beneath.h"
#include "mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/mount.h>

static bool starts_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

static int check_owned(const struct spec *spec, const char *name, struct error *err)
{
    static const char *const ipc[] = {"kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem",             "kernel.shmall",
                                      "kernel.shmmax", "kernel.shmmni", "kernel.shm_rmid_forced", NULL};
    enum spec_namespace_kind kind = SPEC_NS_KINDS;
    for (const char *const *known = ipc; *known; known++)
        if (strcmp(name, *known) == 0)
            kind = SPEC_NS_IPC;
    if (starts_with(name, "fs.mqueue."))
        kind = SPEC_NS_IPC;
    else if (starts_with(name, "net."))
        kind = SPEC_NS_NET;
    else if (strcmp(name, "kernel.domainname") == 0 || strcmp(name, "kernel.hostname") == 0)
        kind = SPEC_NS_UTS;
    if (kind == SPEC_NS_KINDS)
        return fail_kind(err, "invalid", 0, "the setting %s is the whole machine's: a container cannot have its own", name);
    if (!spec->namespaces[kind].wanted)
        return fail_kind(err, "invalid", 0, "the setting %s needs a namespace of the container's own, and it shares the host's", name);
    return 0;
}

static int write_setting(int proc, const struct spec_pair *setting, struct error *err)
{
    char path[256];
    if (strstr(setting->name, "..") || snprintf(path, sizeof path, "sys/%s", setting->name) >= (int)sizeof path)
        return fail_kind(err, "invalid", 0, "%.100s is not the name of a setting", setting->name);
    /* "net.ipv4.conf.eth0/1.x": where dots separate, a slash stands for a dot. */
    for (char *letter = path + 4; *letter; letter++)
        *letter = *letter == '.' ? '/' : *letter == '/' ? '.' : *letter;
    cleanup_close int file = open_how(proc, path, O_WRONLY | O_NOFOLLOW, 0,
                                      RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV);
    if (file < 0)
        return fail_kind(err, errno == ENOENT ? "invalid" : "", errno, "open the setting %s", setting->name);
    if (write(file, setting->value, strlen(setting->value)) < 0)
        return fail_kind(err, errno == EINVAL ? "invalid" : "", errno, "set %s to %s", setting->name, setting->value);
    return 0;
}

int sysctl_apply(const struct spec *spec, struct error *err)
{
    if (spec->sysctl_count == 0)
        return 0;
    cleanup_close int proc = mount_make("proc", "proc", NULL, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, err);
    if (proc < 0)
        return -1;
    for (size_t i = 0; i < spec->sysctl_count; i++) {
        TRY(check_owned(spec, spec->sysctl[i].name, err));
        TRY(write_setting(proc, &spec->sysctl[i], err));
    }
    return 0;
}
