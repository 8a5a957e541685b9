#include "fuse-overlay.h"

#include "../base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static const char *const places[] = {"/usr/bin/fuse-overlayfs", "/usr/local/bin/fuse-overlayfs"};

static const char *program(void)
{
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (access(places[i], X_OK) == 0)
            return places[i];
    return NULL;
}

bool fuse_overlay_works(void)
{
    cleanup_close int device = program() ? open("/dev/fuse", O_RDWR | O_CLOEXEC) : -1;
    return device >= 0;
}

#define DEVICE 3
#define HIGH 64 /* above what the program is given */

/* In the child: standard output and errors are the caller's pipe, the device is descriptor 3, and nothing else is open. It says when it has
 * a mount namespace of its own (what is mounted before would be in there too, and never go), and hears when the mount is there to be served. */
static _Noreturn void become(const char *path, const char *options, int device, int says, int parent)
{
    char mounted;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_IGN); /* nobody listens to it for long */
    setsid();
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
        _exit(126);
    if (write(parent, "a", 1) != 1 || read(parent, &mounted, 1) != 1)
        _exit(126);
    device = fcntl(device, F_DUPFD_CLOEXEC, HIGH);
    says = fcntl(says, F_DUPFD_CLOEXEC, HIGH);
    if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(says, STDOUT_FILENO) < 0 || dup2(says, STDERR_FILENO) < 0 || dup2(device, DEVICE) < 0)
        _exit(126);
    syscall(SYS_close_range, DEVICE + 1, ~0U, 0);
    char *arguments[] = {"fuse-overlayfs", "-f", "-o", (char *)options, "/dev/fd/3", NULL}, *environment[] = {NULL};
    execve(path, arguments, environment);
    _exit(127);
}

/* The first thing that anybody asks waits until the program has answered the kernel; where it has ended instead, what it said last is the reason. */
static int await(int target, int says, struct error *err)
{
    struct stat info;
    char text[256] = "";
    cleanup_close int top = openat(target, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (top >= 0 && fstat(top, &info) == 0)
        return 0;
    int reason = errno;
    ssize_t length = read(says, text, sizeof text - 1);
    text[length > 0 ? length : 0] = '\0';
    text[strcspn(text, "\n")] = '\0';
    return fail_kind(err, "unavailable", reason, "fuse-overlayfs cannot stack the layers%s%s", text[0] ? ": " : "", text);
}

int fuse_overlay_mount(int target, const char *options, bool readonly, struct error *err)
{
    const char *path = program();
    char place[32], settings[128];
    int pipe[2], talk[2];
    char apart;
    cleanup_close int device = path ? open("/dev/fuse", O_RDWR | O_CLOEXEC) : -1;
    if (!path)
        return fail_kind(err, "unavailable", 0, "the kernel's overlay cannot be mounted here, and fuse-overlayfs is not installed (apt-get install fuse-overlayfs)");
    if (device < 0)
        return fail_kind(err, "unavailable", errno, "open /dev/fuse, which fuse-overlayfs needs");
    if (pipe2(pipe, O_CLOEXEC) < 0)
        return fail(err, errno, "start fuse-overlayfs");
    cleanup_close int says = pipe[0];
    cleanup_close int said = pipe[1];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, talk) < 0)
        return fail(err, errno, "start fuse-overlayfs");
    cleanup_close int child_end = talk[0];
    pid_t child = fork();
    if (child == 0) {
        close(talk[0]);
        become(path, options, device, said, talk[1]);
    }
    close(talk[1]);
    cleanup_close_(&said);
    said = -1;
    if (child < 0 || read(child_end, &apart, 1) != 1)
        return fail(err, child < 0 ? errno : 0, "start fuse-overlayfs in a mount namespace of its own");
    snprintf(place, sizeof place, "/proc/self/fd/%d", target);
    snprintf(settings, sizeof settings, "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other,default_permissions", device);
    if (mount("fuse-overlayfs", place, "fuse.fuse-overlayfs", readonly ? MS_RDONLY : 0, settings) < 0) {
        int reason = errno;
        kill(child, SIGKILL);
        return fail(err, reason, "mount the layers by fuse-overlayfs");
    }
    if (send(child_end, "m", 1, MSG_NOSIGNAL) != 1)
        return fail(err, errno, "tell fuse-overlayfs of its mount");
    /* The target's own descriptor is of what lies below: its name leads to the top. */
    char name[PATH_MAX];
    ssize_t length = readlink(place, name, sizeof name - 1);
    name[length > 0 ? length : 0] = '\0';
    cleanup_close int top = open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);
    cleanup_close_(&device); /* the program's own is the only one then: the kernel hears of its end */
    device = -1;
    return top < 0 ? fail(err, errno, "find the mounted layers") : await(top, says, err);
}
