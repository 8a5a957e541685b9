#include "neighbour.h"
#include "../base/cleanup.h"
#include "beneath.h"
#include "mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>

bool neighbour_path(const char *source, pid_t *pid, const char **path)
{
    int end = 0;
    if (sscanf(source, "/proc/%d/root%n", pid, &end) != 1 || end == 0 || source[end] != '/' || *pid <= 0)
        return false;
    *path = source + end;
    return true;
}

/* In the visitor. Returns a descriptor that the caller has too, or minus an errno. */
static int visit(int namespace, const char *path, bool recursive)
{
    if (setns(namespace, CLONE_NEWNS) < 0)
        return -errno;
    int place = open_how(AT_FDCWD, path, O_PATH, 0, RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
    int tree = place < 0 ? -1 : mount_clone(place, recursive), reason = errno;
    cleanup_close_(&place);
    return tree >= 0 ? tree : -reason;
}

int neighbour_clone(pid_t pid, const char *path, bool recursive, struct error *err)
{
    char file[64];
    int pipe[2], tree = -EIO;
    snprintf(file, sizeof file, "/proc/%d/ns/mnt", pid);
    cleanup_close int namespace = open(file, O_RDONLY | O_CLOEXEC);
    if (namespace < 0 || pipe2(pipe, O_CLOEXEC) < 0)
        return fail(err, errno, "find the mounts of process %d", pid);
    /* It shares our descriptors: what it opens is ours. */
    struct clone_args args = {.flags = CLONE_FILES, .exit_signal = SIGCHLD};
    pid_t visitor = (pid_t)syscall(SYS_clone3, &args, sizeof args);
    if (visitor == 0) {
        int result = visit(namespace, path, recursive);
        _exit(write(pipe[1], &result, sizeof result) == (ssize_t)sizeof result ? 0 : 1);
    }
    int reason = errno;
    while (visitor > 0 && waitpid(visitor, NULL, 0) < 0 && errno == EINTR)
        continue;
    close(pipe[1]);
    if (visitor > 0 && read(pipe[0], &tree, sizeof tree) != (ssize_t)sizeof tree)
        tree = -EIO;
    close(pipe[0]);
    if (visitor < 0)
        return fail(err, reason, "fork");
    return tree >= 0 ? tree : fail(err, -tree, "take %s from process %d", path, pid);
}
