/* commands/launch.c: run and exec: a process is made that waits for its start, and its parent becomes the monitor. */
#include "launch.h"

#include "../base/cleanup.h"
#include "../kernel/cgroup.h"
#include "../kernel/tree.h"
#include "netns.h"
#include "server.h"
#include "sources.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

/* ---- reading the request ---- */

/* A nested object, seen through the same accessors. */
static struct request within(const struct request *request, const char *name)
{
    struct request inner = *request;
    inner.fields = json_object_object_get(request->fields, name);
    return inner;
}

static int read_streams(const struct request *request, struct launch *launch, struct error *err)
{
    struct request io = within(request, "io");
    if (!json_object_is_type(io.fields, json_type_object))
        return fail_kind(err, "invalid", 0, "the request's \"io\" must be an object");
    TRY(request_bool(&io, "tty", false, &launch->tty, err));
    TRY(request_bool(&io, "stdin", false, &launch->stdin_open, err));
    TRY(request_bool(&io, "stdinOnce", false, &launch->stdin_once, err));
    TRY(request_optional_integer(&io, "rows", 0, 65535, &launch->rows, err));
    return request_optional_integer(&io, "cols", 0, 65535, &launch->cols, err);
}

static int read_log(const struct request *request, struct launch *launch, struct error *err)
{
    struct request log = within(request, "log");
    launch->log_max_file = 1;
    if (!log.fields)
        return 0;
    if (!json_object_is_type(log.fields, json_type_object))
        return fail_kind(err, "invalid", 0, "the request's \"log\" must be an object or null");
    TRY(request_string(&log, "path", &launch->log_path, err));
    TRY(request_optional_integer(&log, "maxSize", 0, INT64_MAX, &launch->log_max_size, err));
    return request_optional_integer(&log, "maxFile", 1, 1000, &launch->log_max_file, err);
}

static int read_runtime(const struct request *request, struct launch *launch, struct error *err)
{
    struct request runtime = within(request, "runtime");
    if (!runtime.fields)
        return 0;
    if (!json_object_is_type(runtime.fields, json_type_object))
        return fail_kind(err, "invalid", 0, "the request's \"runtime\" must be an object or null");
    TRY(request_string(&runtime, "path", &launch->runtime, err));
    return request_string(&runtime, "root", &launch->runtime_root, err);
}

static int read_launch(const struct request *request, struct launch *launch, struct error *err)
{
    TRY(request_string(request, "id", &launch->id, err));
    if (strspn(launch->id, "0123456789abcdef") != 64 || launch->id[64] != '\0')
        return fail_kind(err, "invalid", 0, "the request's \"id\" must be 64 hexadecimal digits");
    TRY(request_string(request, "bundle", &launch->bundle, err));
    TRY(request_string(request, "stateDir", &launch->state_dir, err));
    TRY(request_optional_string(request, "cgroup", &launch->cgroup, err));
    TRY(request_string(request, "exitFile", &launch->exit_file, err));
    if (launch->bundle[0] != '/' || launch->state_dir[0] != '/' || launch->exit_file[0] != '/' ||
        (launch->log_path && launch->log_path[0] != '/'))
        return fail_kind(err, "invalid", 0, "paths in the request must begin with /");
    TRY(read_streams(request, launch, err));
    return read_runtime(request, launch, err);
}

static int read_health(const struct request *request, struct launch *launch, struct error *err)
{
    struct request health = within(request, "health");
    struct launch_health *to = &launch->health;
    if (!health.fields)
        return 0;
    to->argv = json_object_is_type(health.fields, json_type_object) ? json_object_object_get(health.fields, "argv") : NULL;
    if (!json_object_is_type(to->argv, json_type_array) || json_object_array_length(to->argv) == 0)
        return fail_kind(err, "invalid", 0, "the request's \"health\" must be null or an object with a list \"argv\"");
    TRY(request_integer(&health, "intervalMs", 1, INT64_MAX / 2, &to->interval, err));
    TRY(request_integer(&health, "timeoutMs", 1, INT64_MAX / 2, &to->timeout, err));
    TRY(request_integer(&health, "startPeriodMs", 0, INT64_MAX / 2, &to->start_period, err));
    TRY(request_integer(&health, "startIntervalMs", 1, INT64_MAX / 2, &to->start_interval, err));
    return request_integer(&health, "retries", 1, INT_MAX, &to->retries, err);
}

static int read_exec(const struct request *request, struct launch *launch, struct error *err)
{
    launch->exec = true;
    if (!launch->runtime)
        return fail_kind(err, "invalid", 0, "an exec without a foreign runtime is asked of the container's monitor");
    TRY(request_string(request, "container", &launch->container, err));
    TRY(request_integer(request, "pid", 1, INT_MAX, &launch->pid, err));
    TRY(request_optional_integer(request, "pidStart", 0, INT64_MAX, &launch->pid_start, err));
    TRY(request_optional_string(request, "user", &launch->user, err));
    TRY(request_bool(request, "privileged", false, &launch->privileged, err));
    launch->process = json_object_object_get(request->fields, "process");
    launch->groups = json_object_object_get(request->fields, "groups");
    if (!json_object_is_type(launch->process, json_type_object))
        return fail_kind(err, "invalid", 0, "the request's \"process\" must be an object");
    launch->stdin_once = true; /* who runs a command in a container and ends its input means that command */
    return 0;
}

/* ---- the state directory ---- */

int state_write(const char *state_dir, const char *name, json_object *content, struct error *err)
{
    char temporary[64];
    snprintf(temporary, sizeof temporary, "%s.tmp", name);
    cleanup_close int dir = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cleanup_close int file = openat(dir, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    size_t length;
    const char *text = json_object_to_json_string_length(content, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &length);
    int result = file >= 0 && write(file, text, length) == (ssize_t)length && renameat(dir, temporary, dir, name) == 0
                     ? 0
                     : fail(err, errno, "write %s/%s", state_dir, name);
    json_object_put(content);
    return result;
}

json_object *state_read(const char *state_dir, const char *name)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/%s", state_dir, name) >= (int)sizeof path)
        return NULL;
    return json_object_from_file(path);
}

/* The socket listens before there is anything to ask, so that nobody ever finds a container without it. */
static int listen_in(const char *state_dir, int *listener, struct error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (snprintf(address.sun_path, sizeof address.sun_path, "%s/monitor.sock", state_dir) >= (int)sizeof address.sun_path)
        return fail_kind(err, "invalid", 0, "%s is too long a path for a unix socket; choose a shorter run directory", state_dir);
    if (mkdir(state_dir, 0700) < 0 && errno != EEXIST)
        return fail(err, errno, "make %s", state_dir);
    cleanup_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return fail(err, errno, "socket");
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fail_kind(err, "conflict", 0, "it already has a monitor");
    close(steal_fd(&fd));
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    unlink(address.sun_path);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || chmod(address.sun_path, 0600) < 0 || listen(fd, 128) < 0)
        return fail(err, errno, "listen on %s", address.sun_path);
    *listener = steal_fd(&fd);
    return 0;
}

int64_t launch_start_time(pid_t pid)
{
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    cleanup_fclose FILE *file = fopen(path, "re");
    size_t length = file ? fread(text, 1, sizeof text - 1, file) : 0;
    text[length] = '\0';
    const char *at = strrchr(text, ')');
    for (int field = 2; at && field < 22; field++)
        at = strchr(at + 1, ' ');
    return at ? strtoll(at, NULL, 10) : 0;
}

static int describe_monitor(const struct launch *launch, pid_t pid, struct error *err)
{
    char boot[64] = "";
    cleanup_fclose FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
    if (file && fgets(boot, sizeof boot, file))
        boot[strcspn(boot, "\n")] = '\0';
    json_object *about = json_object_new_object(), *container = json_object_new_object();
    json_object_object_add(about, "version", json_object_new_int(1));
    json_object_object_add(about, "pid", json_object_new_int(getpid()));
    json_object_object_add(about, "startTime", json_object_new_int64(launch_start_time(getpid())));
    json_object_object_add(about, "bootId", json_object_new_string(boot));
    json_object_object_add(container, "pid", json_object_new_int(pid));
    json_object_object_add(container, "startTime", json_object_new_int64(launch_start_time(pid)));
    json_object_object_add(about, "container", container);
    return state_write(launch->state_dir, "monitor.json", about, err);
}

/* What `delete` and the like need to know later. */
static int remember(const struct launch *launch, struct error *err)
{
    json_object *about = json_object_new_object();
    json_object_object_add(about, "id", json_object_new_string(launch->id));
    if (launch->cgroup)
        json_object_object_add(about, "cgroup", json_object_new_string(launch->cgroup));
    if (launch->runtime) {
        json_object_object_add(about, "runtime", json_object_new_string(launch->runtime));
        json_object_object_add(about, "root", json_object_new_string(launch->runtime_root));
    }
    return state_write(launch->state_dir, "launch.json", about, err);
}

/* ---- streams ---- */

static int make_pipe(int *theirs, int *ours, bool they_read, struct error *err)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return fail(err, errno, "make a pipe");
    *theirs = ends[they_read ? 0 : 1];
    *ours = ends[they_read ? 1 : 0];
    /* An image may run as anybody, and opens /dev/stdout anew. */
    if (fchmod(*theirs, 0666) < 0)
        return fail(err, errno, "open the pipe to every user");
    return 0;
}

static int make_streams(const struct launch *launch, struct streams *streams, struct error *err)
{
    *streams = (struct streams){.theirs = {.in = -1, .out = -1, .err = -1, .rows = (unsigned short)launch->rows, .cols = (unsigned short)launch->cols},
                                .in = -1, .out = -1, .err = -1};
    if (launch->tty)
        return 0;
    if (launch->stdin_open)
        TRY(make_pipe(&streams->theirs.in, &streams->in, true, err));
    TRY(make_pipe(&streams->theirs.out, &streams->out, false, err));
    return make_pipe(&streams->theirs.err, &streams->err, false, err);
}

static void close_theirs(struct streams *streams)
{
    cleanup_close_(&streams->theirs.in);
    cleanup_close_(&streams->theirs.out);
    cleanup_close_(&streams->theirs.err);
}

/* ---- M, the future monitor ---- */

static int make_container(const struct launch *launch, struct spec **out, struct streams *streams, struct container_child *child, struct error *err)
{
    struct spec *spec;
    cleanup_sources struct sources bound = SOURCES_INIT;
    TRY(spec_load(launch->bundle, &spec, err));
    *out = spec;
    if (sources_open(spec, &bound, err) < 0)
        return in_step(err, "mounts");
    /* What is mounted from here on is the container's alone; what the machine unmounts must go here too. */
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
        return fail(err, errno, "make a mount namespace");
    if (sources_lay(spec, &bound, server.rootless, err) < 0)
        return in_step(err, "mounts");
    TRY(bundle_prepare(launch, spec, err));
    TRY(make_streams(launch, streams, err));
    return launch->runtime ? foreign_create(launch, spec, streams, child, err) : container_create(spec, &streams->theirs, child, err);
}

/* Only a foreign runtime's: ours makes its execs in the container's own monitor. */
static int make_exec(const struct launch *launch, struct streams *streams, struct container_child *child, struct error *err)
{
    struct spec_process *process;
    char root_path[64];

    TRY(spec_process_parse(launch->process, &process, err));
    process->terminal = launch->tty;
    snprintf(root_path, sizeof root_path, "/proc/%d/root", (int)launch->pid);
    if (launch->pid_start > 0 && launch_start_time((pid_t)launch->pid) != launch->pid_start)
        return fail_kind(err, "conflict", 0, "container %.12s is not running", launch->container);
    if (launch->user)
        TRY(bundle_resolve_user(root_path, launch->user, launch->groups ? json_object_to_json_string(launch->groups) : NULL, process, err));
    TRY(make_streams(launch, streams, err));
    return foreign_exec(launch, process, streams, child, err);
}

static int become(const struct launch *launch, int listener, int report, struct error *err)
{
    struct streams streams;
    struct spec *spec = NULL;
    struct container_child child = CONTAINER_CHILD_INIT;

    TRY(remember(launch, err));
    if (launch->bundled)
        TRY(bundle_write(launch->bundled, err));
    unlink(launch->exit_file); /* of the run before */
    TRY(launch->exec ? make_exec(launch, &streams, &child, err) : make_container(launch, &spec, &streams, &child, err));
    close_theirs(&streams);
    if (launch->network && network_connect(launch->network, child.pid, err) < 0)
        return in_step(err, "network");
    TRY(describe_monitor(launch, child.pid, err));
    return become_monitor(launch, spec, &streams, &child, listener, report, err);
}

/* What was made is told to die when its parent does; what that leaves is removed, so that a failure has changed nothing. */
static void undo(const struct launch *launch)
{
    struct error ignored = {0};
    if (!launch->exec && launch->runtime)
        foreign_delete(launch->runtime, launch->runtime_root, launch->id, &ignored);
    if (!launch->exec && launch->cgroup)
        cgroup_delete(launch->cgroup, &ignored);
    tree_remove(AT_FDCWD, launch->state_dir, &ignored);
}

static _Noreturn void launch_main(const struct launch *launch, int listener, int report)
{
    struct error err = {0};

    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    prctl(PR_SET_NAME, "slipway-launch");
    become(launch, listener, report, &err);
    undo(launch);
    if (write(report, &err, sizeof err) != sizeof err)
        server_log("%s %.12s: %s", launch->exec ? "exec" : "run", launch->id, err.message);
    _exit(1);
}

/* ---- the worker ---- */

static int wait_for_monitor(struct request *request, int report, struct error *err)
{
    union {
        pid_t pids[2];
        struct error error;
    } told;

    /* Packets keep their bounds: two pids are the good news, an error the bad. */
    ssize_t got = read(report, &told, sizeof told);
    if (got == sizeof told.pids) {
        json_object_object_add(request->reply, "monitorPid", json_object_new_int(told.pids[0]));
        json_object_object_add(request->reply, "pid", json_object_new_int(told.pids[1]));
        return 0;
    }
    if (got != sizeof told.error)
        return fail(err, 0, "the process that was to become the monitor died; helper.log in the run directory may say why");
    *err = told.error;
    return -1;
}

/* Who asked may connect to the monitor while it comes up: what is said to it then is the first thing it hears. */
static void announce(struct request *request)
{
    struct error ignored = {0}; /* a client that has gone ends us by itself */
    json_object *progress = json_object_new_object();
    json_object_object_add(progress, "listening", json_object_new_boolean(true));
    request_progress(request, progress, &ignored);
}

static int start(struct request *request, const struct launch *launch, int listener, struct error *err)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return fail(err, errno, "socketpair");
    /* It outlives us: whoever takes over orphans becomes its parent. */
    pid_t pid = fork();
    if (pid < 0)
        return fail(err, errno, "fork");
    if (pid == 0) {
        setsid();
        close(request->connection);
        close(pair[0]);
        launch_main(launch, listener, pair[1]);
    }
    close(pair[1]);
    close(listener);
    announce(request);
    int result = wait_for_monitor(request, pair[0], err);
    close(pair[0]);
    return result;
}

int run_op(struct request *request, struct error *err)
{
    struct launch launch = {0};
    struct request network = within(request, "network");
    int listener;
    TRY(read_launch(request, &launch, err));
    TRY(read_log(request, &launch, err));
    TRY(read_health(request, &launch, err));
    if (network.fields && !json_object_is_type(network.fields, json_type_object))
        return fail_kind(err, "invalid", 0, "the request's \"network\" must be an object or null");
    /* Our own runtime brings `lo` up by itself. */
    json_object *wires = network.fields ? json_object_object_get(network.fields, "wires") : NULL;
    if (network.fields && (launch.runtime || !json_object_is_type(wires, json_type_array) || json_object_array_length(wires) > 0))
        launch.network = &network;
    TRY(listen_in(launch.state_dir, &listener, err));
    launch.bundled = request;
    return start(request, &launch, listener, err);
}

int exec_op(struct request *request, struct error *err)
{
    struct launch launch = {0};
    int listener;
    TRY(read_launch(request, &launch, err));
    TRY(read_exec(request, &launch, err));
    TRY(listen_in(launch.state_dir, &listener, err));
    return start(request, &launch, listener, err);
}
