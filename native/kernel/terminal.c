#include "terminal.h"
#include "../base/cleanup.h"
#include "beneath.h"
#include "mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

int terminal_open(int root, int *master, int *slave, struct error *err)
{
    struct stat info;
    struct statfs filesystem;
    int unlocked = 0;
    cleanup_close int path = open_how(root, "/dev/pts/ptmx", O_PATH | O_NOFOLLOW, 0, RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS);
    if (path < 0)
        return fail(err, errno, "open the container's /dev/pts/ptmx");
    if (fstat(path, &info) < 0 || fstatfs(path, &filesystem) < 0 || (long)filesystem.f_type != DEVPTS_SUPER_MAGIC || !S_ISCHR(info.st_mode) ||
        info.st_rdev != makedev(5, 2))
        return fail(err, 0, "the container's /dev/pts is not a devpts: it cannot have a terminal");
    cleanup_close int opened = open_how(root, "/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_NOFOLLOW, 0, RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS);
    struct stat again;
    if (opened < 0 || fstat(opened, &again) < 0)
        return fail(err, errno, "open the container's /dev/pts/ptmx");
    if (again.st_dev != info.st_dev || again.st_ino != info.st_ino)
        return fail(err, 0, "the container's /dev/pts was replaced while it was opened");
    if (ioctl(opened, TIOCSPTLCK, &unlocked) < 0)
        return fail(err, errno, "unlock the terminal");
    *slave = ioctl(opened, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (*slave < 0)
        return fail(err, errno, "open the terminal");
    *master = steal_fd(&opened);
    return 0;
}

int terminal_bind_console(int root, int slave, struct error *err)
{
    cleanup_close int tree = mount_clone(slave, false);
    if (tree < 0)
        return fail(err, errno, "clone the terminal");
    cleanup_close int target = make_in_root(root, "/dev/console", false, err);
    if (target < 0)
        return -1;
    return mount_attach(tree, target) == 0 ? 0 : fail(err, errno, "bind the terminal on /dev/console");
}

int terminal_resize(int terminal, unsigned short rows, unsigned short cols, struct error *err)
{
    struct winsize size = {.ws_row = rows, .ws_col = cols};
    return ioctl(terminal, TIOCSWINSZ, &size) == 0 ? 0 : fail(err, errno, "set the size of the terminal");
}

int terminal_become(int slave, struct error *err)
{
    if (ioctl(slave, TIOCSCTTY, 0) < 0)
        return fail(err, errno, "make the terminal the controlling one");
    for (int fd = 0; fd < 3; fd++)
        if (dup2(slave, fd) < 0)
            return fail(err, errno, "make the terminal descriptor %d", fd);
    return 0;
}
