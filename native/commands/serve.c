/* commands/serve.c: the long-lived helper: it listens, forks a worker for each request, and buries what has ended. */
#include "server.h"

#include "../base/cleanup.h"
#include "../base/memory.h"
#include "../kernel/cgroup.h"
#include "../kernel/seccomp.h"
#include "archive.h"
#include "browse.h"
#include "changes.h"
#include "companions.h"
#include "compress.h"
#include "discard.h"
#include "edit.h"
#include "fingerprint.h"
#include "flatten.h"
#include "layers.h"
#include "live.h"
#include "netns.h"
#include "pack.h"
#include "pause.h"
#include "populate.h"
#include "receive.h"
#include "unpack.h"
#include "usage.h"
#include "volume-mount.h"
#include "volume.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#define BACKLOG 1024
#define MOST_WORKERS 512
#define LONGEST_LINE (16 << 20)
#define MERCY_MS 2000 /* between asking a cancelled worker to end and ending it */
#define LOG_LIMIT (1 << 20)

static const struct op ops[] = {
    {"hello", hello_op},           {"own", own_op},         {"run", run_op},       {"exec", exec_op},
    {"signal-all", signal_all_op}, {"freeze", freeze_op},   {"thaw", thaw_op},     {"delete", delete_op},
    {"unpack", unpack_op},         {"receive", receive_op},       {"pack", pack_op},       {"discard", discard_op}, {"usage", usage_op},
    {"bridge", bridge_op},         {"bridge-remove", bridge_remove_op},            {"endpoint", endpoint_op},
    {"endpoint-remove", endpoint_remove_op},       {"routes", routes_op},
    {"nft", nft_op},               {"adopt", adopt_op},     {"sync", sync_op},
    {"archive-stat", archive_stat_op},             {"archive-read", archive_read_op},     {"archive-write", archive_write_op},
    {"export", export_op},         {"changes", changes_op},
    {"update", update_op},         {"populate", populate_op},  {"flatten", flatten_op},
    {"volume-mount", volume_mount_op},             {"volume-unmount", volume_unmount_op},
    {"compress", compress_op},     {"companion", companion_op},
    {"fingerprint", fingerprint_op},               {"digest", digest_op},
    {"file-list", file_list_op},   {"file-read", file_read_op},                   {"file-shells", file_shells_op},
    {"file-write", file_write_op}, {"file-remove", file_remove_op},
    {"file-directory", file_directory_op},         {"file-rename", file_rename_op},
    {"layer-index", layer_index_op},               {"layer-sums", layer_sums_op},         {"layer-list", layer_list_op},
    {"layer-read", layer_read_op},                 {"layer-search", layer_search_op},     {"layer-compare", layer_compare_op},
    {"layer-differences", layer_differences_op},
    {"mount-look", mount_look_op}, {"mount-attach", mount_attach_op},             {"mount-detach", mount_detach_op},
    {"volume-pack", volume_pack_op},               {"volume-copy", volume_copy_op},
    {"reflinks", reflinks_op},     {"swap", swap_op},
};

struct server server;

struct worker {
    pid_t pid;
    int connection; /* ours, to notice that the client goes; -1 once it has gone */
    int64_t kill_at; /* 0: it may live */
};

static struct worker workers[MOST_WORKERS];
static size_t worker_count;
static int listener = -1, signals = -1;
static bool ending;

int64_t server_clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void server_log(const char *format, ...)
{
    char text[1024], when[32];
    time_t now = time(NULL);
    struct tm tm;
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
    dprintf(STDERR_FILENO, "%s [%d] %s\n", when, getpid(), text);
}

/* ---- a worker ---- */

static int refuse(struct request *request, const struct error *error)
{
    json_object *line = json_object_new_object(), *inner = json_object_new_object();
    json_object_object_add(inner, "step", json_object_new_string(error->step[0] ? error->step : "request"));
    json_object_object_add(inner, "errno", json_object_new_int(error->errnum));
    json_object_object_add(inner, "kind", json_object_new_string(error->kind[0] ? error->kind : "system"));
    json_object_object_add(inner, "message", json_object_new_string(error->message));
    json_object_object_add(line, "error", inner);
    const char *text = json_object_to_json_string_ext(line, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
    struct error ignored = {0};
    if (request_write(request, text, strlen(text), &ignored) == 0)
        request_write(request, "\n", 1, &ignored);
    json_object_put(line);
    return 1;
}

/* The request's line and nothing after it: what follows is the operation's own. */
static int read_line(int connection, char **line, struct error *err)
{
    size_t length = 0, room = 0;
    *line = NULL;
    for (;;) {
        if (length + 65536 > room) {
            room = length + 65536;
            char *more = realloc(*line, room + 1);
            if (!more)
                return fail(err, errno, "read the request");
            *line = more;
        }
        ssize_t seen = recv(connection, *line + length, room - length, MSG_PEEK);
        if (seen < 0 && errno == EINTR)
            continue;
        if (seen <= 0)
            return fail_kind(err, "invalid", seen < 0 ? errno : 0, "the request ended before its first line did");
        char *newline = memchr(*line + length, '\n', (size_t)seen);
        size_t take = newline ? (size_t)(newline - *line) + 1 - length : (size_t)seen;
        if (recv(connection, *line + length, take, 0) != (ssize_t)take)
            return fail(err, errno, "read the request");
        length += take;
        (*line)[length] = '\0';
        if (newline)
            return 0;
        if (length > LONGEST_LINE)
            return fail_kind(err, "invalid", 0, "the request's first line is longer than 16 MiB");
    }
}

static int answer(struct request *request, struct error *err)
{
    cleanup_free char *line = NULL;
    const char *name;

    TRY(read_line(request->connection, &line, err));
    request->fields = json_tokener_parse(line);
    if (!json_object_is_type(request->fields, json_type_object))
        return fail_kind(err, "invalid", 0, "the request's first line is no JSON object");
    TRY(request_string(request, "op", &name, err));
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        if (strcmp(ops[i].name, name) != 0)
            continue;
        if (ops[i].run(request, err) < 0)
            return in_step(err, name);
        return request->answered ? 0 : request_answer(request, err);
    }
    return fail_kind(err, "not-implemented", 0, "this helper has no operation \"%s\"", name);
}

/* A client in the middle of a body would lose the answer with the connection: what it still sends is taken and dropped. */
static void hear_out(int connection)
{
    const struct timeval patience = {.tv_sec = MERCY_MS / 1000};
    char dropped[65536];

    setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    shutdown(connection, SHUT_WR);
    while (recv(connection, dropped, sizeof dropped, 0) > 0)
        ;
}

static _Noreturn void work(int connection)
{
    struct request request = {
        .connection = connection,
        .run_dir = server.run_dir,
        .data_root = server.data_root,
        .rootless = server.rootless,
        .reply = json_object_new_object(),
    };
    struct error err = {0};
    sigset_t none;

    setpgid(0, 0);
    signal(SIGCHLD, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    int status = 0;
    if (answer(&request, &err) < 0) {
        if (request.answered)
            server_log("%s: %s", err.step, err.message);
        else
            status = refuse(&request, &err);
        hear_out(connection);
    }
    _exit(status);
}

/* ---- the helper itself ---- */

static bool welcome(int connection)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    if (getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
        return false;
    /* Seen from a user namespace, root outside is the overflow id; the run directory's mode keeps everybody else away. */
    return peer.uid == geteuid() || peer.uid == 0 || (server.rootless && peer.uid == 65534);
}

/* Our socket's name may be taken away, as by who clears the run directory: nobody finds us any more, and another helper comes. We go once no engine
 * holds on to us. */
static int name_watch = -1;
static struct stat named;

static void watch_name(const char *socket_path)
{
    name_watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (stat(socket_path, &named) < 0 || inotify_add_watch(name_watch, socket_path, IN_ATTRIB | IN_DELETE_SELF) < 0)
        cleanup_close_(&name_watch);
}

static bool has_name(const char *socket_path)
{
    struct stat now;
    return stat(socket_path, &now) == 0 && now.st_dev == named.st_dev && now.st_ino == named.st_ino;
}

static void close_in_worker(int connection)
{
    cleanup_close_(&listener);
    close(signals);
    if (name_watch >= 0)
        close(name_watch);
    close(server.lock); /* held by whoever has a copy: it must end with the helper */
    close(own_inbox());
    if (server.outside >= 0)
        close(server.outside);
    if (own_connection() >= 0)
        close(own_connection());
    for (size_t i = 0; i < worker_count; i++)
        if (workers[i].connection >= 0 && workers[i].connection != connection)
            close(workers[i].connection);
}

static void accept_request(void)
{
    cleanup_close int connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (connection < 0 || !welcome(connection))
        return;
    pid_t pid = fork();
    if (pid == 0) {
        close_in_worker(connection);
        work(connection);
    }
    if (pid < 0) {
        static const char busy[] = "{\"error\":{\"step\":\"fork\",\"errno\":11,\"kind\":\"unavailable\",\"message\":\"the helper cannot "
                                   "fork: too many processes, or no memory\"}}\n";
        send(connection, busy, sizeof busy - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
        return;
    }
    setpgid(pid, pid);
    workers[worker_count++] = (struct worker){.pid = pid, .connection = steal_fd(&connection)};
}

static void bury(void)
{
    struct signalfd_siginfo info;
    int status;
    pid_t pid;

    while (read(signals, &info, sizeof info) == sizeof info)
        if (info.ssi_signo != SIGCHLD)
            ending = true;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        for (size_t i = 0; i < worker_count; i++) {
            if (workers[i].pid != pid)
                continue;
            if (WIFSIGNALED(status) && workers[i].kill_at == 0)
                server_log("worker %d ended by signal %d", pid, WTERMSIG(status));
            if (workers[i].connection >= 0)
                close(workers[i].connection);
            workers[i] = workers[--worker_count];
            break;
        }
    }
}

/* The client has gone: nobody wants what the worker is doing. */
static void cancel(struct worker *worker)
{
    close(worker->connection);
    worker->connection = -1;
    worker->kill_at = server_clock_ms() + MERCY_MS;
    kill(-worker->pid, SIGTERM);
}

static void kill_the_stubborn(void)
{
    int64_t now = server_clock_ms();
    for (size_t i = 0; i < worker_count; i++)
        if (workers[i].kill_at > 0 && workers[i].kill_at <= now)
            kill(-workers[i].pid, SIGKILL);
}

static int time_left(void)
{
    int64_t first = own_deadline();
    for (size_t i = 0; i < worker_count; i++)
        if (workers[i].kill_at > 0 && workers[i].kill_at < first)
            first = workers[i].kill_at;
    if (first == INT64_MAX)
        return -1;
    int64_t left = first - server_clock_ms();
    return left < 0 ? 10 : (int)left + 1;
}

enum { LISTENER, SIGNALS, INBOX, OWNER, NAME, FIXED };

static void serve(const char *socket_path)
{
    bool nameless = false;
    while (!ending || worker_count > 0) {
        if (ending && listener >= 0) { /* whoever comes now finds nobody, and starts the next one */
            if (has_name(socket_path))
                unlink(socket_path);
            cleanup_close_(&listener);
            listener = -1;
        }
        struct pollfd set[FIXED + MOST_WORKERS] = {
            [LISTENER] = {worker_count == MOST_WORKERS ? -1 : listener, POLLIN, 0},
            [SIGNALS] = {signals, POLLIN, 0},
            [INBOX] = {own_inbox(), POLLIN, 0},
            [OWNER] = {own_connection(), POLLIN, 0},
            [NAME] = {nameless ? -1 : name_watch, POLLIN, 0},
        };
        size_t count = worker_count;
        for (size_t i = 0; i < count; i++)
            set[FIXED + i] = (struct pollfd){workers[i].connection, 0, 0}; /* only that it hangs up */
        if (poll(set, FIXED + count, time_left()) < 0)
            continue;
        for (size_t i = 0; i < count; i++)
            if (set[FIXED + i].revents & (POLLHUP | POLLERR))
                cancel(&workers[i]);
        if (set[OWNER].revents)
            own_listen(&ending);
        if (set[INBOX].revents)
            own_receive();
        if (set[LISTENER].revents)
            accept_request();
        if (set[NAME].revents) {
            char events[4096];
            while (read(name_watch, events, sizeof events) > 0)
                ;
            nameless = !has_name(socket_path);
        }
        if (nameless && own_connection() < 0)
            ending = true;
        kill_the_stubborn();
        own_watch();
        if (set[SIGNALS].revents)
            bury();
    }
}

/* ---- coming up ---- */

static int complain(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return 1;
}

static int join(char *to, size_t size, const char *directory, const char *name)
{
    return snprintf(to, size, "%s/%s", directory, name) < (int)size ? 0 : -1;
}

/* Everything we fork runs from a sealed copy of our program, which no container can write to through /proc (CVE-2019-5736). In an ordinary user's
 * namespace this second execve is also what makes the namespace the owner of our memory, and /proc/self ours. */
static void run_from_memory(char **argv)
{
    struct stat status;
    cleanup_close int program = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    int copy = memfd_create("slipway-helper", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (program < 0 || copy < 0 || fstat(program, &status) < 0)
        return;
    for (off_t done = 0; done < status.st_size;)
        if (sendfile(copy, program, &done, (size_t)(status.st_size - done)) <= 0)
            return;
    if (fcntl(copy, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
        return;
    syscall(SYS_execveat, copy, "", argv, environ, AT_EMPTY_PATH);
}

/* The monitor lies beside our own program. */
static int monitor_path(char path[PATH_MAX])
{
    ssize_t length = readlink("/proc/self/exe", path, PATH_MAX - sizeof "slipway-monitor");
    char *name = length > 0 ? memrchr(path, '/', (size_t)length) : NULL;
    if (!name)
        return -1;
    strcpy(name + 1, "slipway-monitor");
    return 0;
}

static int listen_on(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (snprintf(address.sun_path, sizeof address.sun_path, "%s", path) >= (int)sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    cleanup_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    unlink(path);
    mode_t before = umask(0177);
    int bound = fd < 0 ? -1 : bind(fd, (struct sockaddr *)&address, sizeof address);
    umask(before);
    return bound < 0 || listen(fd, BACKLOG) < 0 ? -1 : steal_fd(&fd);
}

static bool answers(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    cleanup_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return fd >= 0 && snprintf(address.sun_path, sizeof address.sun_path, "%s", path) < (int)sizeof address.sun_path &&
           connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
}

/* One helper for each run directory. Another may be coming up (then it answers soon), or going down (then the lock is soon free). */
enum turn { OURS, ANOTHERS, NOBODYS };
static enum turn take_turn(int lock, const char *socket_path)
{
    for (int i = 0; i < 1000; i++, usleep(10000)) {
        if (flock(lock, LOCK_EX | LOCK_NB) == 0)
            return OURS;
        if (answers(socket_path))
            return ANOTHERS;
    }
    return NOBODYS;
}

static int make_directories(const char *run_dir)
{
    char path[PATH_MAX];
    static const char *const names[] = {"", "c", "x"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (join(path, sizeof path, run_dir, names[i]) < 0 || (mkdir(path, 0700) < 0 && errno != EEXIST))
            return complain("cannot make %s: %s", path, strerror(errno));
    struct stat status;
    if (stat(run_dir, &status) < 0 || status.st_uid != geteuid() || (status.st_mode & 0077) != 0)
        return complain("%s must belong to you alone (mode 0700): containers are steered from there", run_dir);
    return 0;
}

/* stdin, stdout and stderr are let go of; what we have to say from now on goes to the log. */
static int detach(const char *log_path)
{
    struct stat status;
    cleanup_close int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    cleanup_close int log = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (nothing < 0 || log < 0)
        return complain("cannot write %s: %s", log_path, strerror(errno));
    if (fstat(log, &status) == 0 && status.st_size > LOG_LIMIT && ftruncate(log, 0) < 0)
        return complain("cannot write %s: %s", log_path, strerror(errno));
    puts("ready");
    fflush(stdout);
    dup2(nothing, STDIN_FILENO);
    dup2(nothing, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    return 0;
}

static void sweep(void)
{
    struct error err = {0};
    if (fork() != 0)
        return;
    close_in_worker(-1);
    if (trash_sweep(server.data_root, &err) < 0)
        server_log("empty the trash: %s", err.message);
    _exit(0);
}

struct arguments {
    const char *run_dir, *data_root;
    const char *monitor; /* given by ourselves to the copy in memory */
    int outside;         /* the same; pause.h */
    bool copied;
};

static int read_arguments(char **argv, struct arguments *arguments)
{
    *arguments = (struct arguments){.outside = -1};
    for (char **at = argv + 1; *at; at += 2) {
        if (!at[1])
            return complain("%s wants a value", *at);
        if (strcmp(*at, "--run-dir") == 0)
            arguments->run_dir = at[1];
        else if (strcmp(*at, "--data-root") == 0)
            arguments->data_root = at[1];
        else if (strcmp(*at, "--monitor") == 0)
            arguments->monitor = at[1];
        else if (strcmp(*at, "--from-memory") == 0)
            arguments->copied = true, arguments->outside = atoi(at[1]);
        else
            return complain("unknown option %s; serve takes --run-dir DIR --data-root DIR", *at);
    }
    if (!arguments->run_dir || !arguments->data_root || arguments->run_dir[0] != '/' || arguments->data_root[0] != '/')
        return complain("usage: slipway-helper serve --run-dir DIR --data-root DIR (absolute paths)");
    return 0;
}

/* The first half, in the program as it was started: an ordinary user's namespaces, then the copy in memory. */
static int start(char **argv, const struct arguments *arguments)
{
    struct error err = {0};
    char monitor[PATH_MAX], number[16];
    int outside = -1;

    if (geteuid() != 0) {
        pause_ask_for_cgroup(argv);
        if (pause_enter(arguments->run_dir, server.monitor, &outside, &err) < 0)
            return complain("%s", err.message);
    }
    if (monitor_path(monitor) < 0)
        return complain("cannot read /proc/self/exe: is /proc mounted?");
    snprintf(number, sizeof number, "%d", outside);
    if (outside >= 0)
        fcntl(outside, F_SETFD, 0);
    run_from_memory((char *[]){"slipway-helper", "serve", "--run-dir", (char *)arguments->run_dir, "--data-root",
                               (char *)arguments->data_root, "--monitor", monitor, "--from-memory", number, NULL});
    return complain("cannot run from memory: %s", strerror(errno));
}

/* The second half, in the copy. */
static int come_up(const struct arguments *arguments)
{
    char socket_path[PATH_MAX], lock_path[PATH_MAX], log_path[PATH_MAX], cache_path[PATH_MAX];
    sigset_t watched;

    if (join(socket_path, sizeof socket_path, server.run_dir, "helper.sock") < 0 ||
        join(lock_path, sizeof lock_path, server.run_dir, "helper.lock") < 0 ||
        join(log_path, sizeof log_path, server.run_dir, "helper.log") < 0 ||
        join(cache_path, sizeof cache_path, server.data_root, "seccomp") < 0)
        return complain("%s is too long", server.run_dir);

    cleanup_close int lock = open(lock_path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (lock < 0)
        return complain("cannot write %s: %s", lock_path, strerror(errno));
    enum turn turn = take_turn(lock, socket_path);
    if (turn == ANOTHERS)
        return puts("ready") < 0;
    if (turn == NOBODYS)
        return complain("another slipway-helper holds %s and does not answer: end it and start again", lock_path);

    server.rootless = pause_inside();
    server.outside = arguments->outside;
    server.lock = lock;
    prctl(PR_SET_NAME, "slipway-helper");
    prctl(PR_SET_DUMPABLE, 0);
    setsid(); /* refused where the engine has made us a leader already */
    seccomp_set_cache(cache_path);
    server.hello = hello_describe();

    sigemptyset(&watched);
    sigaddset(&watched, SIGCHLD);
    sigaddset(&watched, SIGTERM);
    sigaddset(&watched, SIGINT);
    sigprocmask(SIG_BLOCK, &watched, NULL);
    signal(SIGHUP, SIG_IGN);
    signals = signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK);
    own_open();
    listener = listen_on(socket_path);
    if (listener < 0)
        return complain("cannot listen on %s: %s", socket_path, strerror(errno));
    if (detach(log_path) != 0)
        return 1;
    sweep();
    watch_name(socket_path);
    if (server.rootless)
        pause_remember(server.run_dir);
    serve(socket_path);
    if (listener >= 0 && has_name(socket_path))
        unlink(socket_path);
    cgroup_tidy("slipway");
    if (server.rootless)
        pause_end(server.run_dir);
    return 0;
}

int serve_main(int argc, char **argv)
{
    struct arguments arguments;
    struct error err = {0};
    char monitor[PATH_MAX];

    (void)argc;
    umask(0022);
    signal(SIGPIPE, SIG_IGN); /* a client that goes away is an error, not the end */
    if (read_arguments(argv, &arguments) != 0 || make_directories(arguments.run_dir) != 0)
        return 1;
    if (!arguments.copied)
        close_range(STDERR_FILENO + 1, ~0U, 0);
    if (!arguments.monitor && monitor_path(monitor) == 0)
        arguments.monitor = monitor;
    server.run_dir = arguments.run_dir;
    server.data_root = arguments.data_root;
    server.monitor_path = arguments.monitor;
    int program = arguments.monitor ? open(arguments.monitor, O_RDONLY | O_CLOEXEC) : -1;
    if (program < 0)
        return complain("slipway-monitor must lie beside slipway-helper: %s", strerror(errno));
    /* Processes on their way into a container run it: nobody there may ever write to it. */
    server.monitor = memory_copy_of(program, "slipway-monitor", &err);
    close(program);
    if (server.monitor < 0)
        return complain("%s", err.message);
    return arguments.copied ? come_up(&arguments) : start(argv, &arguments);
}
