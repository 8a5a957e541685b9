#include "namespaces.h"
#include "../base/cleanup.h"
#include "idmap.h"
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <linux/sched.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define KEPT_MAX 64

static const struct {
    uint64_t flag;
    const char *file;
} kinds[SPEC_NS_KINDS] = {
    [SPEC_NS_USER] = {CLONE_NEWUSER, "user"}, [SPEC_NS_MOUNT] = {CLONE_NEWNS, "mnt"}, [SPEC_NS_PID] = {CLONE_NEWPID, "pid"},
    [SPEC_NS_NET] = {CLONE_NEWNET, "net"},    [SPEC_NS_IPC] = {CLONE_NEWIPC, "ipc"},  [SPEC_NS_UTS] = {CLONE_NEWUTS, "uts"},
    [SPEC_NS_CGROUP] = {CLONE_NEWCGROUP, "cgroup"}, [SPEC_NS_TIME] = {CLONE_NEWTIME, "time"},
};

int namespaces_open(const struct spec *spec, struct namespace_paths *paths, struct error *err)
{
    memset(paths->fds, -1, sizeof paths->fds);
    if (!spec->namespaces[SPEC_NS_MOUNT].wanted || spec->namespaces[SPEC_NS_MOUNT].path)
        return fail_kind(err, "invalid", 0, "a container needs a new mount namespace of its own");
    for (int kind = 0; kind < SPEC_NS_KINDS; kind++) {
        const char *path = spec->namespaces[kind].path;
        if (!path)
            continue;
        paths->fds[kind] = open(path, O_RDONLY | O_CLOEXEC);
        if (paths->fds[kind] < 0)
            return fail(err, errno, "open the %s namespace %s", kinds[kind].file, path);
        if (ioctl(paths->fds[kind], NS_GET_NSTYPE) != (int)kinds[kind].flag)
            return fail_kind(err, "invalid", 0, "%s is no %s namespace", path, kinds[kind].file);
    }
    return 0;
}

void namespaces_close(struct namespace_paths *paths)
{
    for (int kind = 0; kind < SPEC_NS_KINDS; kind++)
        if (paths->fds[kind] >= 0)
            close(paths->fds[kind]);
    memset(paths->fds, -1, sizeof paths->fds);
}

static uint64_t flags_to_make(const struct spec *spec)
{
    uint64_t flags = 0;
    for (int kind = 0; kind < SPEC_NS_KINDS; kind++)
        if (spec->namespaces[kind].wanted && !spec->namespaces[kind].path && kind != SPEC_NS_CGROUP)
            flags |= kinds[kind].flag;
    return flags;
}

static pid_t clone_child(uint64_t flags, int leaf, int *pidfd)
{
    struct clone_args args = {.flags = flags | (pidfd ? CLONE_PIDFD : 0) | (leaf >= 0 ? CLONE_INTO_CGROUP : 0),
                              .pidfd = (uint64_t)(uintptr_t)pidfd,
                              .exit_signal = flags & CLONE_PARENT ? 0 : SIGCHLD,
                              .cgroup = leaf >= 0 ? (uint64_t)leaf : 0};
    return (pid_t)syscall(SYS_clone3, &args, sizeof args);
}

static pid_t clone_into(uint64_t flags, int leaf, bool *born_in_leaf, int *pidfd)
{
    pid_t child = clone_child(flags, leaf, pidfd);
    *born_in_leaf = leaf >= 0;
    if (child < 0 && leaf >= 0 && (errno == EACCES || errno == EPERM || errno == EBUSY || errno == EINVAL || errno == EAGAIN)) {
        child = clone_child(flags, -1, pidfd);
        *born_in_leaf = false;
    }
    return child;
}

/* ---- with a process in between: a pid namespace is entered by one's children only ---- */

struct word {
    pid_t pid; /* 0: it failed */
    int errnum;
    char what[48];
};

static void tell(int pipe, pid_t pid, int errnum, const char *what)
{
    struct word word = {.pid = pid, .errnum = errnum};
    snprintf(word.what, sizeof word.what, "%s", what);
    if (write(pipe, &word, sizeof word) != (ssize_t)sizeof word)
        _exit(1);
}

/* In the process in between, after it has entered; its child is its parent's. */
static pid_t fork_for_parent(uint64_t flags, int leaf, bool *born_in_leaf, int pipe)
{
    pid_t child = clone_into(flags | CLONE_PARENT, leaf, born_in_leaf, NULL);
    if (child == 0) {
        close(pipe);
        return 0;
    }
    tell(pipe, child > 0 ? child : 0, errno, "make the process");
    _exit(0);
}

/* In the caller: hears which pid it became. */
static pid_t adopt(pid_t between, int pipe, int *pidfd, struct error *err)
{
    struct word word = {0};
    ssize_t length = read(pipe, &word, sizeof word);
    while (waitpid(between, NULL, 0) < 0 && errno == EINTR)
        continue;
    if (length != (ssize_t)sizeof word)
        return fail(err, 0, "the process that enters the namespaces died");
    if (word.pid <= 0)
        return fail(err, word.errnum, "%.*s", (int)sizeof word.what, word.what);
    *pidfd = pidfd_open(word.pid, 0); /* ours and not waited for, so the pid is still its own */
    if (*pidfd < 0) {
        int reason = errno;
        kill(word.pid, SIGKILL);
        return fail(err, reason, "open the process");
    }
    return word.pid;
}

static pid_t fork_between(int pipe[2], pid_t *between, int leaf, bool *born_in_leaf, struct error *err)
{
    if (pipe2(pipe, O_CLOEXEC) < 0)
        return fail(err, errno, "make a pipe");
    *between = clone_into(0, leaf, born_in_leaf, NULL);
    if (*between < 0) {
        int reason = errno;
        close(pipe[0]);
        close(pipe[1]);
        return fail(err, reason, "fork");
    }
    close(pipe[*between == 0 ? 0 : 1]);
    return *between;
}

static void enter_or_exit(int pipe, int fd, int flags, const char *what)
{
    if (fd >= 0 && setns(fd, flags) < 0) {
        tell(pipe, 0, errno, what);
        _exit(1);
    }
}

pid_t namespaces_fork(const struct spec *spec, const struct namespace_paths *paths, int leaf, bool *born_in_leaf, int *pidfd, struct error *err)
{
    int pipe[2];
    pid_t between, child;
    *born_in_leaf = false;
    if (paths->fds[SPEC_NS_USER] < 0 && paths->fds[SPEC_NS_PID] < 0) {
        child = clone_into(flags_to_make(spec), leaf, born_in_leaf, pidfd);
        return child >= 0 ? child : fail(err, errno, "make the container's namespaces");
    }
    if (fork_between(pipe, &between, leaf, born_in_leaf, err) < 0)
        return -1;
    if (between == 0) {
        bool there = true; /* a child is where its parent is */
        enter_or_exit(pipe[1], paths->fds[SPEC_NS_USER], CLONE_NEWUSER, "join the user namespace");
        enter_or_exit(pipe[1], paths->fds[SPEC_NS_PID], CLONE_NEWPID, "join the pid namespace");
        return fork_for_parent(flags_to_make(spec), -1, &there, pipe[1]);
    }
    child = adopt(between, pipe[0], pidfd, err);
    close(pipe[0]);
    return child;
}

int namespaces_to_enter(pid_t target, struct error *err)
{
    int flags = 0;
    for (int kind = 0; kind < SPEC_NS_KINDS; kind++) {
        char theirs[64], ours[64];
        struct stat their_info, our_info;
        snprintf(theirs, sizeof theirs, "/proc/%d/ns/%s", target, kinds[kind].file);
        snprintf(ours, sizeof ours, "/proc/self/ns/%s", kinds[kind].file);
        if (stat(ours, &our_info) < 0)
            continue; /* a kind this kernel does not have */
        if (stat(theirs, &their_info) < 0)
            return fail(err, errno == ENOENT ? ESRCH : errno, "look at the container's %s namespace", kinds[kind].file);
        if (their_info.st_ino != our_info.st_ino || their_info.st_dev != our_info.st_dev)
            flags |= (int)kinds[kind].flag;
    }
    return flags;
}

/* While the container cannot see us yet. */
static void close_the_rest(const int *kept, size_t count, int pipe, int target_pidfd)
{
    struct error err = {0};
    int fds[KEPT_MAX] = {pipe, target_pidfd};
    size_t used = count < KEPT_MAX - 2 ? count : KEPT_MAX - 2;
    memcpy(fds + 2, kept, used * sizeof *fds);
    if (process_keep_descriptors(fds, 2 + used, &err) < 0) {
        tell(pipe, 0, err.errnum, "close the other descriptors");
        _exit(1);
    }
}

pid_t namespaces_fork_into(pid_t target, int target_pidfd, int leaf, const int *kept, size_t kept_count, bool *born_in_leaf, int *pidfd,
                           struct error *err)
{
    int pipe[2];
    pid_t between;
    int flags = namespaces_to_enter(target, err);
    if (flags < 0 || fork_between(pipe, &between, leaf, born_in_leaf, err) < 0)
        return -1;
    if (between == 0) {
        close_the_rest(kept, kept_count, pipe[1], target_pidfd);
        prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* from here on the container could look at us */
        if (flags)
            enter_or_exit(pipe[1], target_pidfd, flags, "enter the container's namespaces");
        bool there = true; /* a child is where its parent is */
        return fork_for_parent(0, -1, &there, pipe[1]);
    }
    pid_t child = adopt(between, pipe[0], pidfd, err);
    close(pipe[0]);
    return child;
}

/* ---- in the child ---- */

int namespaces_finish(const struct spec *spec, const struct namespace_paths *paths, struct error *err)
{
    for (int kind = 0; kind < SPEC_NS_KINDS; kind++) {
        if (kind == SPEC_NS_USER || kind == SPEC_NS_PID || paths->fds[kind] < 0)
            continue;
        if (setns(paths->fds[kind], (int)kinds[kind].flag) < 0)
            return fail(err, errno, "join the %s namespace", kinds[kind].file);
    }
    const struct spec_namespace *cgroup = &spec->namespaces[SPEC_NS_CGROUP];
    if (cgroup->wanted && !cgroup->path && unshare(CLONE_NEWCGROUP) < 0)
        return fail(err, errno, "make the cgroup namespace");
    if (spec->namespaces[SPEC_NS_NET].wanted && !spec->namespaces[SPEC_NS_NET].path)
        TRY(loopback_up(err));
    return 0;
}

int loopback_up(struct error *err)
{
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    cleanup_close int socket_ = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (socket_ < 0 || ioctl(socket_, SIOCSIFFLAGS, &request) < 0)
        return fail(err, errno, "bring the loopback interface up");
    return 0;
}

/* ---- ids ---- */

int namespaces_map_ids(const struct spec *spec, pid_t child, struct error *err)
{
    if (!spec->namespaces[SPEC_NS_USER].wanted || spec->namespaces[SPEC_NS_USER].path)
        return 0;
    return idmap_write(child, spec->uid_map, spec->uid_map_count, spec->gid_map, spec->gid_map_count, err);
}
