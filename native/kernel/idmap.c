#include "idmap.h"
#include "../base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/sched.h>
#include <linux/securebits.h>
#include <sched.h>
#include <signal.h>
#include <sys/fsuid.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static int write_map(pid_t child, const char *file, const struct spec_idmap *map, size_t count, struct error *err)
{
    char path[64], text[340 * 36];
    size_t used = 0;
    snprintf(path, sizeof path, "/proc/%d/%s", child, file);
    for (size_t i = 0; i < count; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%u %u %u\n", map[i].inside, map[i].outside, map[i].length);
    cleanup_close int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, text, used) != (ssize_t)used)
        return fail(err, errno, "write %s", path);
    return 0;
}

int idmap_write(pid_t child, const struct spec_idmap *uids, size_t uid_count, const struct spec_idmap *gids, size_t gid_count, struct error *err)
{
    if (uid_count == 0 || gid_count == 0)
        return fail_kind(err, "invalid", 0, "a user namespace needs uidMappings and gidMappings");
    TRY(write_map(child, "uid_map", uids, uid_count, err));
    return write_map(child, "gid_map", gids, gid_count, err);
}

/* A process that does nothing but be in the namespace until its maps are written and it has been opened. */
static pid_t clone_resident(void)
{
    struct clone_args args = {.flags = CLONE_NEWUSER, .exit_signal = SIGCHLD};
    pid_t child = (pid_t)syscall(SYS_clone3, &args, sizeof args);
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        for (;;)
            pause();
    }
    return child;
}

int idmap_make(const struct spec_idmap *uids, size_t uid_count, const struct spec_idmap *gids, size_t gid_count, struct error *err)
{
    char path[64];
    int userns = -1;
    pid_t resident = clone_resident();
    if (resident < 0)
        return fail(err, errno, "make a user namespace");
    if (idmap_write(resident, uids, uid_count, gids, gid_count, err) == 0) {
        snprintf(path, sizeof path, "/proc/%d/ns/user", resident);
        userns = open(path, O_RDONLY | O_CLOEXEC);
        if (userns < 0)
            fail(err, errno, "open the user namespace");
    }
    kill(resident, SIGKILL); /* our own child, not waited for: the pid is its own */
    while (waitpid(resident, NULL, 0) < 0 && errno == EINTR)
        continue;
    return userns;
}

int idmap_of(const struct spec *spec, struct error *err)
{
    static const struct spec *owner;
    static int userns = -1;
    if (owner != spec) {
        cleanup_close_(&userns);
        userns = idmap_make(spec->uid_map, spec->uid_map_count, spec->gid_map, spec->gid_map_count, err);
        owner = userns < 0 ? NULL : spec;
    }
    return userns;
}

int idmap_mount(int tree, int userns, bool recursive)
{
    struct mount_attr attributes = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)userns};
    return mount_setattr(tree, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &attributes, sizeof attributes);
}

static int outside_of_root(const struct spec_idmap *map, size_t count, uint32_t *out, struct error *err)
{
    for (size_t i = 0; i < count; i++)
        if (map[i].inside == 0) {
            *out = map[i].outside;
            return 0;
        }
    return fail_kind(err, "invalid", 0, "the container's user namespace has no root: linux.uidMappings and gidMappings must map id 0");
}

int idmap_disguise(struct idmap_guise *guise, const struct spec *spec, struct error *err)
{
    uint32_t uid = 0, gid = 0;
    TRY(outside_of_root(spec->uid_map, spec->uid_map_count, &uid, err));
    TRY(outside_of_root(spec->gid_map, spec->gid_map_count, &gid, err));
    guise->securebits = prctl(PR_GET_SECUREBITS, 0, 0, 0, 0);
    if (guise->securebits < 0 || prctl(PR_SET_SECUREBITS, guise->securebits | SECBIT_NO_SETUID_FIXUP, 0, 0, 0) < 0)
        return fail(err, errno, "keep the capabilities");
    guise->worn = true;
    setfsgid(gid);
    setfsuid(uid);
    return (uid_t)setfsuid((uid_t)-1) == uid ? 0 : fail(err, EPERM, "become the container's root for its file system");
}

void idmap_undisguise(struct idmap_guise *guise)
{
    if (!guise->worn)
        return;
    setfsuid(geteuid());
    setfsgid(getegid());
    prctl(PR_SET_SECUREBITS, guise->securebits, 0, 0, 0);
    guise->worn = false;
}
