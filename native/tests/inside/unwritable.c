/* tests/inside/unwritable.c: preloaded into the helper; a directory with an `unwritable` in it cannot be put on the disk. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

int fsync(int fd)
{
    if (faccessat(fd, "unwritable", F_OK, 0) == 0) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(SYS_fsync, fd);
}
