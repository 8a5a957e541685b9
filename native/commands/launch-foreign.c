/* commands/launch-foreign.c: another OCI runtime (runc, crun, …) makes the container; we stay its parent and its monitor. */
#include "launch.h"

#include "../base/cleanup.h"
#include "server.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#define CONSOLE_PATIENCE_MS 10000

/* ---- the bundle, with what our annotations say filled in ---- */

static json_object *strings(char *const *from)
{
    json_object *list = json_object_new_array();
    for (; from && *from; from++)
        json_object_array_add(list, json_object_new_string(*from));
    return list;
}

static void describe_process(json_object *to, const struct spec_process *process)
{
    json_object *user = json_object_new_object(), *groups = json_object_new_array();
    json_object_object_add(user, "uid", json_object_new_int64(process->uid));
    json_object_object_add(user, "gid", json_object_new_int64(process->gid));
    for (size_t i = 0; i < process->group_count; i++)
        json_object_array_add(groups, json_object_new_int64(process->groups[i]));
    json_object_object_add(user, "additionalGids", groups);
    json_object_object_add(to, "user", user);
    json_object_object_add(to, "terminal", json_object_new_boolean(process->terminal));
    json_object_object_add(to, "args", strings(process->args));
    json_object_object_add(to, "env", strings(process->env));
}

static json_object *object_in(json_object *parent, const char *name)
{
    json_object *inner = json_object_object_get(parent, name);
    if (!inner)
        json_object_object_add(parent, name, inner = json_object_new_object());
    return inner;
}

/* Mounts that we have added to the specification beyond those of the document. */
static void describe_mounts(json_object *document, const struct spec *spec)
{
    json_object *mounts = json_object_object_get(document, "mounts");
    for (size_t i = json_object_array_length(mounts); mounts && i < spec->mount_count; i++) {
        json_object *mount = json_object_new_object();
        json_object_object_add(mount, "destination", json_object_new_string(spec->mounts[i].destination));
        json_object_object_add(mount, "type", json_object_new_string(spec->mounts[i].type));
        json_object_object_add(mount, "source", json_object_new_string(spec->mounts[i].source));
        json_object_object_add(mount, "options", strings(spec->mounts[i].options));
        json_object_array_add(mounts, mount);
    }
}

/* A bundle of its own below the state directory: the engine's stays as it was written. */
static int write_bundle(const struct launch *launch, const struct spec *spec, char bundle[PATH_MAX], struct error *err)
{
    json_object *document = spec->raw;
    if (snprintf(bundle, PATH_MAX, "%s/bundle", launch->state_dir) >= PATH_MAX || (mkdir(bundle, 0700) < 0 && errno != EEXIST))
        return fail(err, errno, "make %s", bundle);
    json_object_object_add(document, "ociVersion", json_object_new_string("1.0.2")); /* older runtimes refuse a newer one, whatever it holds */
    json_object_object_add(object_in(document, "root"), "path", json_object_new_string(spec->rootfs));
    describe_process(object_in(document, "process"), spec->process);
    describe_mounts(document, spec);
    if (spec->cgroups_path && spec->cgroups_path[0] != '/') { /* to us it begins at the root of each hierarchy; to them it would not */
        char path[PATH_MAX];
        snprintf(path, sizeof path, "/%s", spec->cgroups_path);
        json_object_object_add(object_in(document, "linux"), "cgroupsPath", json_object_new_string(path));
    }
    return state_write(bundle, "config.json", json_object_get(document), err);
}

/* ---- running it ---- */

/* What the runtime wrote to its log last: {"level":"error","msg":"…"} on a line. */
static void last_words(const char *log_path, char *out, size_t size)
{
    char line[4096];
    cleanup_fclose FILE *log = fopen(log_path, "re");
    snprintf(out, size, "it gave no reason");
    while (log && fgets(line, sizeof line, log)) {
        json_object *entry = json_tokener_parse(line);
        const char *message = json_object_get_string(json_object_object_get(entry, "msg"));
        if (message)
            snprintf(out, size, "%s", message);
        json_object_put(entry);
    }
}

/* The errno that a runtime's message amounts to, as far as exit codes need it. */
static int errno_of(const char *message)
{
    if (strstr(message, "no such file or directory") || strstr(message, "not found in $PATH"))
        return ENOENT;
    if (strstr(message, "permission denied") || strstr(message, "is a directory"))
        return EACCES;
    return 0;
}

struct call {
    const char *runtime, *log_path;
    const struct streams *streams; /* NULL: /dev/null */
    char *arguments[24];
};

static _Noreturn void become_runtime(const struct call *call)
{
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    const struct container_io *io = call->streams ? &call->streams->theirs : &(struct container_io){.in = -1, .out = -1, .err = -1};
    sigset_t none;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    dup2(io->in >= 0 ? io->in : nothing, STDIN_FILENO);
    dup2(io->out >= 0 ? io->out : nothing, STDOUT_FILENO);
    dup2(io->err >= 0 ? io->err : nothing, STDERR_FILENO);
    if (isatty(STDIN_FILENO)) { /* whose size it follows is its controlling terminal */
        setsid();
        ioctl(STDIN_FILENO, TIOCSCTTY, 0);
    }
    execv(call->runtime, call->arguments);
    _exit(127);
}

/* PATH --root DIR --log FILE --log-format json, then what is to be done. */
static void prepare_call(struct call *call, const char *root, ...)
{
    char *head[] = {(char *)call->runtime, "--root", (char *)root, "--log", (char *)call->log_path, "--log-format", "json"};
    size_t count = sizeof head / sizeof *head;
    va_list args;

    memcpy(call->arguments, head, sizeof head);
    va_start(args, root);
    for (char *next; (next = va_arg(args, char *)) && count + 1 < sizeof call->arguments / sizeof *call->arguments;)
        call->arguments[count++] = next;
    va_end(args);
    call->arguments[count] = NULL;
}

static int judge(const struct call *call, int status, struct error *err)
{
    char reason[400];
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127 && access(call->runtime, X_OK) < 0)
        return fail_kind(err, "invalid", errno, "run %s", call->runtime);
    last_words(call->log_path, reason, sizeof reason);
    fail_kind(err, "", 0, "%s: %s", call->runtime, reason);
    err->errnum = errno_of(reason);
    return -1;
}

static int run_call(const struct call *call, struct error *err)
{
    int status;
    pid_t pid = fork();
    if (pid == 0)
        become_runtime(call);
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return fail(err, errno, "run %s", call->runtime);
    return judge(call, status, err);
}

/* ---- the terminal that a runtime sends ---- */

static int listen_for_console(const char *path, struct error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    cleanup_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (snprintf(address.sun_path, sizeof address.sun_path, "%s", path) >= (int)sizeof address.sun_path)
        return fail_kind(err, "invalid", 0, "%s is too long a path for a unix socket", path);
    unlink(path);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 1) < 0)
        return fail(err, errno, "listen on %s", path);
    return steal_fd(&fd);
}

static int receive_console(int listener, const struct launch *launch, int *console, struct error *err)
{
    struct pollfd coming = {listener, POLLIN, 0};
    char name[256];
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec part = {name, sizeof name};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};

    if (poll(&coming, 1, CONSOLE_PATIENCE_MS) != 1)
        return fail_kind(err, "system", 0, "%s sent no terminal", launch->runtime);
    cleanup_close int connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    struct cmsghdr *fds = recvmsg(connection, &message, MSG_CMSG_CLOEXEC) > 0 ? CMSG_FIRSTHDR(&message) : NULL;
    if (!fds || fds->cmsg_level != SOL_SOCKET || fds->cmsg_type != SCM_RIGHTS)
        return fail_kind(err, "system", 0, "%s sent no terminal", launch->runtime);
    memcpy(console, CMSG_DATA(fds), sizeof *console);
    return 0;
}

/* ---- what waits for the start ---- */

static void tell_failure(int outcome, const struct error *error)
{
    struct container_failure failure = {.errnum = error->errnum};
    snprintf(failure.step, sizeof failure.step, "%s", error->step[0] ? error->step : "runtime");
    snprintf(failure.message, sizeof failure.message, "%s", error->message);
    if (write(outcome, &failure, sizeof failure) < 0)
        _exit(1);
}

/* A child that waits for `go`, and then has the runtime do `call`: for a start beside the container, or (`instead`) as the process itself. */
static int wait_for_start(const struct call *call, bool instead, struct container_child *child, pid_t *pid, struct error *err)
{
    int go[2], outcome[2];
    char byte;
    if (pipe2(go, O_CLOEXEC) < 0 || pipe2(outcome, O_CLOEXEC) < 0)
        return fail(err, errno, "make a pipe");
    *pid = fork();
    if (*pid < 0)
        return fail(err, errno, "fork");
    if (*pid == 0) {
        struct error error = {0};
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(go[1]);
        close(outcome[0]);
        if (child->console >= 0 && !instead)
            close(child->console);
        if (read(go[0], &byte, 1) != 1)
            _exit(1);
        if (instead)
            become_runtime(call);
        if (run_call(call, &error) < 0)
            tell_failure(outcome[1], &error);
        _exit(0);
    }
    close(go[0]);
    close(outcome[1]);
    child->go = go[1];
    child->outcome = outcome[0];
    return 0;
}

static int path_in(char path[PATH_MAX], const char *directory, const char *name, struct error *err)
{
    return snprintf(path, PATH_MAX, "%s/%s", directory, name) < PATH_MAX ? 0 : fail(err, ENAMETOOLONG, "%s/%s", directory, name);
}

static int open_process(const char *pid_file, struct container_child *child, struct error *err)
{
    cleanup_fclose FILE *file = fopen(pid_file, "re");
    if (!file || fscanf(file, "%d", &child->pid) != 1)
        return fail(err, errno, "read %s", pid_file);
    child->pidfd = (int)syscall(SYS_pidfd_open, child->pid, 0);
    return child->pidfd < 0 ? fail(err, errno, "open process %d", child->pid) : 0;
}

int foreign_create(const struct launch *launch, const struct spec *spec, struct streams *streams, struct container_child *child,
                   struct error *err)
{
    static char bundle[PATH_MAX], pid_file[PATH_MAX], console[PATH_MAX], log[PATH_MAX];
    cleanup_close int listener = -1;
    pid_t starter;

    TRY(path_in(pid_file, launch->state_dir, "pid", err));
    TRY(path_in(console, launch->state_dir, "console.sock", err));
    TRY(path_in(log, launch->state_dir, "runtime.log", err));
    TRY(write_bundle(launch, spec, bundle, err));
    struct call create = {.runtime = launch->runtime, .log_path = log, .streams = launch->tty ? NULL : streams};
    if (launch->tty) {
        listener = listen_for_console(console, err);
        TRY(listener);
        prepare_call(&create, launch->runtime_root, "create", "--bundle", bundle, "--pid-file", pid_file, "--console-socket", console, launch->id,
                     NULL);
    } else {
        prepare_call(&create, launch->runtime_root, "create", "--bundle", bundle, "--pid-file", pid_file, launch->id, NULL);
    }
    TRY(run_call(&create, err));
    TRY(open_process(pid_file, child, err));
    if (launch->tty) {
        TRY(receive_console(listener, launch, &child->console, err));
        unlink(console);
        struct winsize size = {.ws_row = streams->theirs.rows, .ws_col = streams->theirs.cols};
        if (size.ws_row > 0)
            ioctl(child->console, TIOCSWINSZ, &size);
    }
    struct call begin = {.runtime = launch->runtime, .log_path = log};
    prepare_call(&begin, launch->runtime_root, "start", launch->id, NULL);
    return wait_for_start(&begin, false, child, &starter, err);
}

/* A runtime's exec cannot wait: it is run at the start, in the foreground, as the process that the monitor watches. It passes signals on, follows the
 * size of our terminal and ends with the status of the command. */
int foreign_exec(const struct launch *launch, const struct spec_process *process, struct streams *streams, struct container_child *child,
                 struct error *err)
{
    static char process_file[PATH_MAX], log[PATH_MAX];

    describe_process(launch->process, process);
    TRY(path_in(process_file, launch->state_dir, "process.json", err));
    TRY(path_in(log, launch->state_dir, "runtime.log", err));
    TRY(state_write(launch->state_dir, "process.json", json_object_get(launch->process), err));
    if (launch->tty) {
        struct winsize size = {.ws_row = streams->theirs.rows, .ws_col = streams->theirs.cols};
        int slave;
        if (openpty(&child->console, &slave, NULL, NULL, size.ws_row > 0 ? &size : NULL) < 0)
            return fail(err, errno, "make a terminal");
        fcntl(child->console, F_SETFD, FD_CLOEXEC);
        fcntl(slave, F_SETFD, FD_CLOEXEC);
        streams->theirs.in = slave;
        streams->theirs.out = fcntl(slave, F_DUPFD_CLOEXEC, 0);
        streams->theirs.err = fcntl(slave, F_DUPFD_CLOEXEC, 0);
    }
    struct call call = {.runtime = launch->runtime, .log_path = log, .streams = streams};
    prepare_call(&call, launch->runtime_root, "exec", "--process", process_file, launch->container, NULL);
    TRY(wait_for_start(&call, true, child, &child->pid, err));
    child->pidfd = (int)syscall(SYS_pidfd_open, child->pid, 0);
    return child->pidfd < 0 ? fail(err, errno, "open process %d", child->pid) : 0;
}

int foreign_delete(const char *runtime, const char *root, const char *id, struct error *err)
{
    struct call call = {.runtime = runtime, .log_path = "/dev/null"};
    prepare_call(&call, root, "delete", "--force", id, NULL);
    return run_call(&call, err);
}
