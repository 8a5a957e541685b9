#include "rootfs.h"
#include "../base/cleanup.h"
#include "mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/syscall.h>

int rootfs_attach(const struct spec *spec, int tree, struct error *err)
{
    /* The tree itself always ends up private or slave: a bind mount that is to be shared keeps its own propagation. */
    unsigned long propagation = spec->rootfs_propagation & MS_PRIVATE ? MS_PRIVATE : MS_SLAVE;
    if (mount(NULL, "/", NULL, propagation | MS_REC, NULL) < 0)
        return fail(err, errno, "cut the mounts off from the host's");
    /* Over the root: the one place that every user can walk to. Paths still begin at the old root below it. */
    cleanup_close int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0 || mount_attach(tree, root) < 0)
        return fail(err, errno, "mount the rootfs %s", spec->rootfs);
    return 0;
}

int rootfs_pivot(const struct spec *spec, int root, struct error *err)
{
    cleanup_close int old = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (old < 0 || fchdir(root) < 0)
        return fail(err, errno, "enter the rootfs");
    if (syscall(SYS_pivot_root, ".", ".") < 0)
        return fail(err, errno, "pivot to the rootfs");
    /* Both roots are at "/" now, the old one on top; it must not tell the host that it goes. */
    if (fchdir(old) < 0 || mount(NULL, ".", NULL, MS_SLAVE | MS_REC, NULL) < 0 || umount2(".", MNT_DETACH) < 0)
        return fail(err, errno, "let go of the host's root");
    if (chdir("/") < 0)
        return fail(err, errno, "enter the new root");
    if (spec->rootfs_propagation & (MS_SHARED | MS_SLAVE | MS_UNBINDABLE))
        if (mount_propagation(root, spec->rootfs_propagation & ~(unsigned long)MS_REC, false) < 0)
            return fail(err, errno, "set the propagation of the root");
    if (spec->rootfs_readonly && mount_set(root, MOUNT_ATTR_RDONLY, 0, false) < 0)
        return fail(err, errno, "make the root read-only");
    return 0;
}
