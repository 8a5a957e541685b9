#include "process.h"
#include "../base/cleanup.h"
#include "beneath.h"
#include "caps.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/close_range.h>
#include <linux/keyctl.h>
#include <linux/openat2.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

int process_begin(struct error *err)
{
    sigset_t none;
    for (int number = 1; number < NSIG; number++)
        signal(number, SIG_DFL); /* KILL, STOP and the C library's own refuse */
    sigemptyset(&none);
    if (sigprocmask(SIG_SETMASK, &none, NULL) < 0)
        return fail(err, errno, "unblock the signals");
    if (setsid() < 0 && errno != EPERM)
        return fail(err, errno, "begin a session");
    /* The caller's keys are not the container's. Without keys in this kernel, or with none left for this user, there is nothing to hide. */
    if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 && errno != ENOSYS && errno != EDQUOT && errno != EPERM)
        return fail(err, errno, "begin a session keyring");
    return 0;
}

static bool is_null_device(const struct stat *info)
{
    return S_ISCHR(info->st_mode) && info->st_rdev == makedev(1, 3);
}

int process_take_streams(const int streams[3], const struct spec_process *process, struct error *err)
{
    int kept[3];
    struct stat info;
    /* First out of the way of 0, 1 and 2, then into place. */
    for (int i = 0; i < 3; i++)
        if ((kept[i] = fcntl(streams[i], F_DUPFD_CLOEXEC, 16)) < 0)
            return fail(err, errno, "take over descriptor %d", i);
    for (int i = 0; i < 3; i++) {
        if (dup2(kept[i], i) < 0)
            return fail(err, errno, "make descriptor %d", i);
        close(kept[i]);
        if (fstat(i, &info) < 0)
            return fail(err, errno, "look at descriptor %d", i);
        if (is_null_device(&info) || info.st_uid == process->uid)
            continue;
        /* A read-only file system, an id that is not mapped: the stream is there all the same. */
        if (fchown(i, process->uid, info.st_gid) < 0 && errno != EINVAL && errno != EPERM && errno != EROFS)
            return fail(err, errno, "give descriptor %d to the user", i);
    }
    return 0;
}

static int change_user(const struct spec_process *process, struct error *err)
{
    if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
        return fail(err, errno, "keep the capabilities");
    /* A user namespace whose maker had no privilege knows no setgroups; then there must be nothing to set. */
    if (setgroups(process->group_count, process->groups) < 0 && !(errno == EPERM && process->group_count == 0))
        return fail(err, errno, "set the groups");
    if (setresgid(process->gid, process->gid, process->gid) < 0)
        return fail(err, errno, "become group %u (is it mapped into the container's user namespace?)", process->gid);
    if (setresuid(process->uid, process->uid, process->uid) < 0)
        return fail(err, errno, "become user %u (is it mapped into the container's user namespace?)", process->uid);
    if (prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) < 0)
        return fail(err, errno, "let go of the capabilities");
    return 0;
}

/* No magic links: /proc/self/fd/N is a way out of the root. */
static int enter_directory(const char *path)
{
    cleanup_close int fd = open_how(AT_FDCWD, path, O_PATH | O_DIRECTORY, 0, RESOLVE_NO_MAGICLINKS);
    return fd >= 0 && fchdir(fd) == 0 ? 0 : -1;
}

static int check_inside(const char *path, struct error *err)
{
    char where[PATH_MAX];
    if (syscall(SYS_getcwd, where, sizeof where) < 0 || where[0] != '/')
        return fail_kind(err, "invalid", 0, "the working directory %s is outside of the container", path);
    return 0;
}

/* Go's exec.LookPath and its words, which Docker's users know. */
static const char *go_error(int number)
{
    switch (number) {
    case ENOENT:
        return "no such file or directory";
    case EACCES:
        return "permission denied";
    case EISDIR:
        return "is a directory";
    case ENOTDIR:
        return "not a directory";
    case ENOEXEC:
        return "exec format error";
    default:
        return strerror(number);
    }
}

static int check_program(const char *path)
{
    struct stat info;
    if (stat(path, &info) < 0)
        return -1;
    errno = S_ISDIR(info.st_mode) ? EISDIR : EACCES;
    return S_ISDIR(info.st_mode) || !(info.st_mode & 0111) ? -1 : faccessat(AT_FDCWD, path, X_OK, AT_EACCESS);
}

static int find_in_path(const char *name, const char *path, char **program, struct error *err)
{
    int reason = ENOENT;
    for (const char *entry = path; entry; entry = strchr(entry, ':') ? strchr(entry, ':') + 1 : NULL) {
        cleanup_free char *candidate = NULL;
        size_t length = strcspn(entry, ":");
        if (asprintf(&candidate, "%.*s%s%s", (int)length, entry, length ? "/" : "./", name) < 0)
            return fail(err, ENOMEM, "find %s", name);
        if (check_program(candidate) == 0) {
            *program = candidate;
            candidate = NULL;
            return 0;
        }
        if (errno == EACCES)
            reason = EACCES;
    }
    fail_kind(err, "invalid", 0, reason == EACCES ? "exec: \"%s\": permission denied" : "exec: \"%s\": executable file not found in $PATH", name);
    err->errnum = reason;
    return -1;
}

static int find_program(const struct spec_process *process, char **program, struct error *err)
{
    const char *name = process->args[0];
    if (!name || !name[0])
        return fail_kind(err, "invalid", 0, "no command specified");
    if (!strchr(name, '/'))
        return find_in_path(name, spec_process_getenv(process, "PATH"), program, err);
    if (check_program(name) < 0) {
        int reason = errno;
        const char *why = go_error(reason);
        if (reason == EACCES || reason == EISDIR)
            fail_kind(err, "invalid", 0, "exec: \"%.200s\": %s", name, why);
        else
            fail_kind(err, "invalid", 0, "exec: \"%.200s\": stat %.200s: %s", name, name, why);
        err->errnum = reason;
        return -1;
    }
    *program = strdup(name);
    return *program ? 0 : fail(err, ENOMEM, "find %s", name);
}

int process_become_user(const struct spec_process *process, const struct spec_caps *caps, char **program, struct error *err)
{
    TRY(caps_bound(caps, err));
    /* As root first: the directory may be one only root can walk to. Failing that as the user: root may be squashed where it lies. */
    bool entered = enter_directory(process->cwd) == 0;
    if (!entered && errno != EACCES && errno != EPERM)
        return fail_kind(err, "invalid", errno, "chdir to cwd (\"%s\") set in config.json failed", process->cwd);
    TRY(change_user(process, err));
    if (!entered && enter_directory(process->cwd) < 0)
        return fail_kind(err, "invalid", errno, "chdir to cwd (\"%s\") set in config.json failed", process->cwd);
    TRY(check_inside(process->cwd, err));
    umask(process->umask >= 0 ? (mode_t)process->umask : 0022);
    return program && find_program(process, program, err) < 0 ? in_step(err, "exec") : 0;
}

int process_lock(const struct spec_caps *caps, bool no_new_privileges, const struct seccomp_filter *filter, struct error *err)
{
    if (no_new_privileges && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return fail(err, errno, "set no_new_privs");
    if (filter->code && !no_new_privileges) { /* loading one then takes CAP_SYS_ADMIN */
        TRY(caps_raise(err));
        TRY(seccomp_enforce(filter, err));
    }
    return caps_drop(caps, err);
}

/* Where a filter knows execve alone, a descriptor has a path too. */
static void execute(int file, char *const *args, char *const *env)
{
    char path[32];
    syscall(SYS_execveat, file, "", args, env, AT_EMPTY_PATH);
    if (errno != EPERM && errno != ENOSYS)
        return;
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    execve(path, args, env);
}

int process_exec(const struct spec_process *process, const char *program, int file, bool no_new_privileges, const struct seccomp_filter *filter, struct error *err)
{
    if (syscall(SYS_close_range, 3, ~0u, CLOSE_RANGE_CLOEXEC) < 0)
        return fail(err, errno, "close the other descriptors");
    if (filter->code && no_new_privileges)
        TRY(seccomp_enforce(filter, err));
    if (file >= 0)
        execute(file, process->args, process->env);
    else
        execve(program, process->args, process->env);
    int reason = errno;
    fail_kind(err, "invalid", 0, "exec %s: %s", program, go_error(reason));
    err->errnum = reason;
    return in_step(err, "exec");
}

static int by_number(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

int process_keep_descriptors(int *fds, size_t count, struct error *err)
{
    unsigned from = 3;
    qsort(fds, count, sizeof *fds, by_number);
    for (size_t i = 0; i <= count; i++) {
        unsigned next = i < count ? (unsigned)fds[i] : ~0u;
        if (i < count && fds[i] < (int)from)
            continue;
        if (next > from && syscall(SYS_close_range, from, i < count ? next - 1 : ~0u, 0) < 0)
            return fail(err, errno, "close the other descriptors");
        from = next + 1;
    }
    return 0;
}

int process_set_limits(pid_t pid, const struct spec_process *process, struct error *err)
{
    for (size_t i = 0; i < process->rlimit_count; i++) {
        const struct spec_rlimit *limit = &process->rlimits[i];
        struct rlimit value = {limit->soft, limit->hard};
        if (prlimit(pid, (__rlimit_resource_t)limit->resource, &value, NULL) < 0)
            return fail(err, errno, "set resource limit %d to %llu:%llu", limit->resource, (unsigned long long)limit->soft,
                        (unsigned long long)limit->hard);
    }
    return 0;
}

int process_set_oom_score(pid_t pid, int score, struct error *err)
{
    char path[64], text[32] = "";
    snprintf(path, sizeof path, "/proc/%d/oom_score_adj", pid);
    cleanup_close int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0 || read(fd, text, sizeof text - 1) < 0)
        return fail(err, errno, "open %s", path);
    int now = atoi(text);
    if (now == score)
        return 0;
    int length = snprintf(text, sizeof text, "%d", score);
    /* An ordinary user may not make a process less likely to be chosen than its parent is; that is no reason not to run it. */
    if (pwrite(fd, text, (size_t)length, 0) < 0 && !(errno == EACCES && score < now))
        return fail(err, errno, "set the OOM score to %d", score);
    return 0;
}

unsigned long long process_start_time(pid_t pid)
{
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (length <= 0)
        return 0;
    text[length] = '\0';
    /* The second field is the name in parentheses, and may hold anything. */
    const char *rest = strrchr(text, ')');
    unsigned long long start = 0;
    if (!rest || sscanf(rest + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu", &start) != 1)
        return 0;
    return start;
}
