/* commands/pause.c: an ordinary user's containers live in a user namespace; see pause.h. */
#include "pause.h"

#include "../base/cleanup.h"
#include "launch.h"
#include "server.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

bool pause_inside(void)
{
    cleanup_fclose FILE *map = fopen("/proc/self/uid_map", "re");
    uint32_t inside, outside, length;
    return map && (fscanf(map, "%" SCNu32 " %" SCNu32 " %" SCNu32, &inside, &outside, &length) != 3 || length != UINT32_MAX);
}

/* ---- finding namespaces that are there ---- */

static int in_run_dir(char path[PATH_MAX], const char *run_dir, const char *name)
{
    return snprintf(path, PATH_MAX, "%s/%s", run_dir, name) < PATH_MAX ? 0 : -1;
}

static int open_namespace(pid_t pid, const char *name)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/ns/%s", pid, name);
    return open(path, O_RDONLY | O_CLOEXEC);
}

/* The process that R/pause.pid names, if it is still that one and still lives. */
static pid_t read_sleeper(const char *run_dir)
{
    char path[PATH_MAX];
    int pid;
    int64_t started;
    if (in_run_dir(path, run_dir, "pause.pid") < 0)
        return -1;
    cleanup_fclose FILE *file = fopen(path, "re");
    if (!file || fscanf(file, "%d %" SCNd64, &pid, &started) != 2 || started == 0 || launch_start_time(pid) != started)
        return -1;
    cleanup_close int alive = open_namespace(pid, "mnt"); /* a zombie has none */
    return alive < 0 ? -1 : pid;
}

static int write_sleeper(const char *run_dir, pid_t pid)
{
    char path[PATH_MAX], temporary[PATH_MAX];
    if (in_run_dir(path, run_dir, "pause.pid") < 0 || in_run_dir(temporary, run_dir, "pause.pid.tmp") < 0)
        return -1;
    cleanup_close int file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file < 0 || dprintf(file, "%d %" PRId64 "\n", pid, launch_start_time(pid)) < 0)
        return -1;
    return rename(temporary, path);
}

/* The user namespace of a container that outlived the sleeper; -1 where there is none. */
static int surviving_namespace(const char *run_dir)
{
    char path[PATH_MAX];
    if (in_run_dir(path, run_dir, "c") < 0)
        return -1;
    cleanup_closedir DIR *containers = opendir(path);
    struct dirent *entry;
    while (containers && (entry = readdir(containers))) {
        char state[PATH_MAX];
        if (snprintf(state, sizeof state, "%s/%s", path, entry->d_name) >= (int)sizeof state)
            continue;
        json_object *monitor = state_read(state, "monitor.json");
        pid_t pid = json_object_get_int(json_object_object_get(monitor, "pid"));
        int64_t started = json_object_get_int64(json_object_object_get(monitor, "startTime"));
        json_object_put(monitor);
        if (started == 0 || launch_start_time(pid) != started)
            continue;
        int user = open_namespace(pid, "user");
        if (user >= 0)
            return user;
    }
    return -1;
}

/* ---- making them ---- */

struct range {
    uint32_t first, length; /* length 0: none */
};

/* The first range of /etc/subuid or /etc/subgid that is ours, by name or by number. */
static struct range read_range(const char *path, uid_t uid)
{
    struct range range = {0, 0};
    struct passwd *person = getpwuid(uid);
    char number[16], line[512], who[256];
    snprintf(number, sizeof number, "%u", uid);
    cleanup_fclose FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file)) {
        if (sscanf(line, "%255[^:]:%" SCNu32 ":%" SCNu32, who, &range.first, &range.length) == 3 && range.length > 0 &&
            (strcmp(who, number) == 0 || (person && strcmp(who, person->pw_name) == 0)))
            return range;
    }
    return (struct range){0, 0};
}

static bool run_mapper(const char *program, pid_t pid, uint32_t own, struct range range)
{
    char target[16], outside[16], first[16], length[16];
    int status;
    snprintf(target, sizeof target, "%d", pid);
    snprintf(outside, sizeof outside, "%u", own);
    snprintf(first, sizeof first, "%u", range.first);
    snprintf(length, sizeof length, "%u", range.length);
    pid_t mapper = fork();
    if (mapper == 0) {
        int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
        dup2(nothing, STDOUT_FILENO);
        dup2(nothing, STDERR_FILENO);
        execlp(program, program, target, "0", outside, "1", "1", first, length, NULL);
        _exit(127);
    }
    return mapper > 0 && waitpid(mapper, &status, 0) == mapper && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static int write_text(pid_t pid, const char *name, const char *text)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
    cleanup_close int file = open(path, O_WRONLY | O_CLOEXEC);
    return file < 0 || write(file, text, strlen(text)) < 0 ? -1 : 0;
}

/* Root inside is the person; 1 and up are their range. Without a range or the setuid tools that write it, the person alone. */
static int map_ids(pid_t pid, struct error *err)
{
    uid_t uid = geteuid();
    gid_t gid = getegid();
    struct range uids = read_range("/etc/subuid", uid), gids = read_range("/etc/subgid", uid);
    char text[64];
    if (uids.length > 0 && gids.length > 0 && run_mapper("newuidmap", pid, uid, uids) && run_mapper("newgidmap", pid, gid, gids))
        return 0;
    if (write_text(pid, "setgroups", "deny") < 0)
        return fail(err, errno, "forbid setgroups in our user namespace");
    snprintf(text, sizeof text, "0 %u 1", uid);
    if (write_text(pid, "uid_map", text) < 0 && errno != EPERM) /* EPERM: newuidmap has done it, newgidmap has not */
        return fail(err, errno, "map our user id");
    snprintf(text, sizeof text, "0 %u 1", gid);
    if (write_text(pid, "gid_map", text) < 0)
        return fail(err, errno, "map our group id");
    return 0;
}

/* In the child: namespaces, then sleep as another, smaller program. `steps` says when the ids are mapped, and tells how far we came. */
static _Noreturn void become_sleeper(int user, int monitor, int steps)
{
    char byte;
    int errnum = 0;
    if (user >= 0 ? setns(user, CLONE_NEWUSER) < 0 : unshare(CLONE_NEWUSER) < 0)
        errnum = errno;
    if (write(steps, &errnum, sizeof errnum) != sizeof errnum || errnum != 0 || read(steps, &byte, 1) != 1)
        _exit(1);
    if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0 || unshare(CLONE_NEWNS) < 0 ||
        mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
        errnum = errno;
    if (write(steps, &errnum, sizeof errnum) != sizeof errnum || errnum != 0)
        _exit(1);
    setsid();
    if (chdir("/") < 0)
        _exit(1);
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    dup2(nothing, STDIN_FILENO);
    dup2(nothing, STDOUT_FILENO);
    dup2(nothing, STDERR_FILENO);
    syscall(SYS_execveat, monitor, "", (char *[]){"slipway-pause", NULL}, (char *[]){NULL}, AT_EMPTY_PATH);
    _exit(1);
}

static int no_namespace(int errnum, struct error *err)
{
    if (errnum == EPERM || errnum == ENOSPC || errnum == EACCES)
        return fail_kind(err, "unavailable", errnum,
                         "this machine does not let ordinary users make user namespaces (see the sysctls user.max_user_namespaces, "
                         "kernel.unprivileged_userns_clone and kernel.apparmor_restrict_unprivileged_userns)");
    return fail_kind(err, "unavailable", errnum, "make a user namespace");
}

static int make_sleeper(const char *run_dir, int monitor, pid_t *sleeper, struct error *err)
{
    cleanup_close int user = surviving_namespace(run_dir);
    int pair[2], errnum = EIO;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return fail(err, errno, "socketpair");
    cleanup_close int steps = pair[0];
    *sleeper = fork();
    if (*sleeper == 0) {
        close(steps);
        become_sleeper(user, monitor, pair[1]);
    }
    close(pair[1]);
    if (*sleeper < 0)
        return fail(err, errno, "fork");
    if (read(steps, &errnum, sizeof errnum) != sizeof errnum || errnum != 0)
        return no_namespace(errnum, err);
    if (user < 0 && map_ids(*sleeper, err) < 0) {
        kill(*sleeper, SIGKILL);
        return -1;
    }
    if (write(steps, "m", 1) != 1 || read(steps, &errnum, sizeof errnum) != sizeof errnum || errnum != 0)
        return fail_kind(err, "unavailable", errnum, "set up our mount namespace");
    /* The end of the socket is its execve. */
    char byte;
    if (read(steps, &byte, 1) != 0 || write_sleeper(run_dir, *sleeper) < 0)
        return fail(err, errno, "write pause.pid");
    return 0;
}

/* ---- entering ---- */

/* Stays behind, in the person's own namespaces: a headless engine is started from here. */
static _Noreturn void stay_outside(int orders)
{
    static char text[256 * 1024];
    close_range(STDERR_FILENO + 1, (unsigned)orders - 1, 0);
    close_range((unsigned)orders + 1, ~0U, 0);
    prctl(PR_SET_NAME, "slipway-outside");
    setsid();
    signal(SIGCHLD, SIG_IGN); /* what we start is not ours to wait for */
    signal(SIGHUP, SIG_IGN);
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    dup2(nothing, STDIN_FILENO);
    dup2(nothing, STDOUT_FILENO);
    dup2(nothing, STDERR_FILENO);
    for (;;) {
        ssize_t length = recv(orders, text, sizeof text - 1, 0);
        if (length < 0 && errno == EINTR)
            continue;
        if (length <= 0)
            _exit(0);
        text[length] = '\0';
        json_object *command = json_tokener_parse(text);
        if (command && fork() == 0)
            own_become(command);
        json_object_put(command);
    }
}

int pause_enter(const char *run_dir, int monitor, int *outside, struct error *err)
{
    pid_t sleeper = read_sleeper(run_dir);
    if (sleeper < 0)
        TRY(make_sleeper(run_dir, monitor, &sleeper, err));
    cleanup_close int user = open_namespace(sleeper, "user"), mounts = open_namespace(sleeper, "mnt");
    if (user < 0 || mounts < 0)
        return fail(err, errno, "open the namespaces of process %d", sleeper);

    int pair[2], size = 512 * 1024;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return fail(err, errno, "socketpair");
    setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    pid_t behind = fork();
    if (behind == 0) {
        close(pair[0]);
        stay_outside(pair[1]);
    }
    close(pair[1]);
    *outside = pair[0];
    if (behind < 0 || setns(user, CLONE_NEWUSER) < 0 || setns(mounts, CLONE_NEWNS) < 0 || setresgid(0, 0, 0) < 0 ||
        setresuid(0, 0, 0) < 0)
        return fail(err, errno, "enter our user namespace");
    return 0;
}

/* The sleeper this helper lives with: its process id, and a descriptor by which no other can be meant. */
static pid_t remembered = -1;
static int remembered_fd = -1;

void pause_remember(const char *run_dir)
{
    remembered = read_sleeper(run_dir);
    if (remembered > 0)
        remembered_fd = (int)syscall(SYS_pidfd_open, remembered, 0);
}

/* Whether R has a container or an exec that lives, or is remembered. */
static bool has_states(const char *run_dir)
{
    static const char *const kinds[] = {"c", "x"};
    char path[PATH_MAX];
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        cleanup_closedir DIR *states = in_run_dir(path, run_dir, kinds[i]) < 0 ? NULL : opendir(path);
        struct dirent *entry;
        while (states && (entry = readdir(states)))
            if (entry->d_name[0] != '.')
                return true;
    }
    return false;
}

void pause_end(const char *run_dir)
{
    char path[PATH_MAX];
    pid_t named = read_sleeper(run_dir);
    /* Somebody has cleared the run directory: ours is found by nobody any more, and what pause.pid names now is another helper's. */
    if (remembered > 0 && named != remembered) {
        syscall(SYS_pidfd_send_signal, remembered_fd, SIGKILL, NULL, 0);
        return;
    }
    if (has_states(run_dir))
        return;
    if (named > 0)
        kill(named, SIGKILL);
    if (in_run_dir(path, run_dir, "pause.pid") == 0)
        unlink(path);
}

/* ---- a cgroup of our own ---- */

static bool on_unified_hierarchy(void)
{
    return access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0;
}

void pause_ask_for_cgroup(char **argv)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    char manager[PATH_MAX], program[PATH_MAX];
    if (!on_unified_hierarchy() || getenv("SLIPWAY_SCOPE") || !runtime)
        return;
    snprintf(manager, sizeof manager, "%s/systemd/private", runtime);
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    if (length < 0 || access(manager, F_OK) < 0)
        return;
    program[length] = '\0';
    setenv("SLIPWAY_SCOPE", "1", 1);
    char *command[32] = {"systemd-run", "--user", "--scope", "--quiet", "--collect", "-p", "Delegate=yes", "--", program};
    size_t count = 9;
    while (*argv && count + 1 < sizeof command / sizeof *command)
        command[count++] = *argv++;
    int status;
    /* Tried in a child first: once systemd-run has taken our place there is no way back. */
    pid_t pid = fork();
    if (pid == 0) {
        int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
        dup2(nothing, STDERR_FILENO);
        execlp("systemd-run", "systemd-run", "--user", "--scope", "--quiet", "--collect", "-p", "Delegate=yes", "true", NULL);
        _exit(127);
    }
    if (pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0)
        execvp(command[0], command);
}
