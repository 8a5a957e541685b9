#include "oci.h"
#include "../base/cleanup.h"
#include "../base/memory.h"
#include "../kernel/beneath.h"
#include "../kernel/cgroup.h"
#include "../kernel/process.h"
#include "../kernel/seccomp.h"
#include "container.h"
#include "oci-features.h"
#include "oci-hooks.h"
#include "oci-options.h"
#include "oci-state.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>

#define VERSION "0.1.0"

/* ---- small things ---- */

static int write_pid_file(const char *path, pid_t pid, struct error *err)
{
    char text[16];
    if (!path)
        return 0;
    snprintf(text, sizeof text, "%d", pid);
    return oci_write_file(AT_FDCWD, path, text, err);
}

static int send_console(const char *path, int console, struct error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char control[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec name = {(char *)"/dev/ptmx", 9};
    struct msghdr message = {.msg_iov = &name, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    *header = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(header), &console, sizeof console);
    if (snprintf(address.sun_path, sizeof address.sun_path, "%s", path) >= (int)sizeof address.sun_path)
        return fail(err, ENAMETOOLONG, "connect to the console socket");
    cleanup_close int socket_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (socket_ < 0 || connect(socket_, (struct sockaddr *)&address, sizeof address) < 0)
        return fail(err, errno, "connect to the console socket %s", path);
    return sendmsg(socket_, &message, MSG_NOSIGNAL) < 0 ? fail(err, errno, "send the terminal") : 0;
}

static int need_words(const struct oci_options *options, size_t least, const char *usage, struct error *err)
{
    return options->word_count >= least ? 0 : fail_kind(err, "invalid", 0, "usage: slipway-helper %s", usage);
}

static void close_child(struct container_child *child)
{
    int *fds[] = {&child->pidfd, &child->console, &child->go, &child->outcome};
    for (size_t i = 0; i < 4; i++)
        cleanup_close_(fds[i]);
}
#define cleanup_child __attribute__((cleanup(close_child)))
#define CHILD_INIT {.pidfd = -1, .console = -1, .go = -1, .outcome = -1}

/* EOF: the program runs. */
static int read_outcome(int outcome, struct error *err)
{
    struct container_failure failure;
    ssize_t length;
    do
        length = read(outcome, &failure, sizeof failure);
    while (length < 0 && errno == EINTR);
    if (length == 0)
        return 0;
    if (length != (ssize_t)sizeof failure)
        return fail(err, errno, "hear whether the program was started");
    failure.message[sizeof failure.message - 1] = '\0';
    return fail_kind(err, "invalid", 0, "%s", failure.message);
}

/* ---- create, start ---- */

static int open_gate(int directory, struct container_gate *gate, struct error *err)
{
    /* Both ends stay open in the child, so that it waits, and `start` finds it. */
    if (mkfifoat(directory, OCI_GO, 0600) < 0 || mkfifoat(directory, OCI_OUTCOME, 0600) < 0)
        return fail(err, errno, "make the fifos that start uses");
    gate->go = openat(directory, OCI_GO, O_RDWR | O_CLOEXEC);
    cleanup_close int reader = openat(directory, OCI_OUTCOME, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    gate->outcome = openat(directory, OCI_OUTCOME, O_WRONLY | O_CLOEXEC);
    return gate->go >= 0 && reader >= 0 && gate->outcome >= 0 ? 0 : fail(err, errno, "open the fifos that start uses");
}

static int create_in(struct oci_container *container, const struct oci_options *options, struct error *err)
{
    cleanup_child struct container_child child = CHILD_INIT;
    struct container_gate gate = {-1, -1};
    struct container_io io = {.in = 0, .out = 1, .err = 2, .gate = &gate};
    const struct spec *spec = container->spec;
    if (!spec->process)
        return fail_kind(err, "invalid", 0, "config.json: has no process");
    if (spec->process->terminal && !options->console_socket)
        return fail_kind(err, "invalid", 0, "process.terminal needs --console-socket");
    if (!spec->process->terminal && options->console_socket)
        return fail_kind(err, "invalid", 0, "--console-socket needs process.terminal");
    TRY(open_gate(container->directory, &gate, err));
    int status = container_create(spec, &io, &child, err);
    close(gate.go);
    close(gate.outcome);
    TRY(status);
    container->pid = child.pid;
    container->start_time = process_start_time(child.pid);
    if (oci_state_save(container, err) < 0 || oci_hooks_run(container, "prestart", "created", err) < 0 ||
        oci_hooks_run(container, "createRuntime", "created", err) < 0 ||
        (child.console >= 0 && send_console(options->console_socket, child.console, err) < 0) ||
        write_pid_file(options->pid_file, child.pid, err) < 0) {
        kill(child.pid, SIGKILL);
        return -1;
    }
    return 0;
}

static int verb_create(const struct oci_options *options, struct error *err)
{
    cleanup_container struct oci_container container = OCI_CONTAINER_INIT;
    TRY(need_words(options, 1, "create --bundle DIR [--console-socket PATH] [--pid-file FILE] ID", err));
    TRY(oci_state_make(options->root, options->words[0], options->bundle ? options->bundle : ".", &container, err));
    if (create_in(&container, options, err) == 0)
        return 0;
    struct error ignored = {0};
    if (container.spec->cgroups_path)
        cgroup_delete(container.spec->cgroups_path, &ignored);
    oci_state_remove(&container, &ignored);
    return -1;
}

static int verb_start(const struct oci_options *options, struct error *err)
{
    cleanup_container struct oci_container container = OCI_CONTAINER_INIT;
    TRY(need_words(options, 1, "start ID", err));
    TRY(oci_state_load(options->root, options->words[0], &container, err));
    if (oci_status(&container) != OCI_CREATED)
        return fail_kind(err, "conflict", 0, "cannot start a container that is %s", oci_status_name(oci_status(&container)));
    cleanup_close int outcome = openat(container.directory, OCI_OUTCOME, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    cleanup_close int go = openat(container.directory, OCI_GO, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    if (outcome < 0 || go < 0 || fcntl(outcome, F_SETFL, 0) < 0 || write(go, "", 1) != 1)
        return fail(err, errno, "let the container go");
    if (unlinkat(container.directory, OCI_GO, 0) < 0)
        return fail(err, errno, "note that the container runs");
    TRY(read_outcome(outcome, err));
    struct error ignored = {0};
    oci_hooks_run(&container, "poststart", "running", &ignored); /* the container runs: what its hooks make of it changes nothing */
    return 0;
}

/* ---- exec ---- */

static int parse_json_file(const char *path, json_object **out, struct error *err)
{
    cleanup_close int file = strcmp(path, "-") == 0 ? dup(0) : open(path, O_RDONLY | O_CLOEXEC);
    *out = file < 0 ? NULL : json_object_from_fd(file);
    return *out ? 0 : fail_kind(err, "invalid", file < 0 ? errno : 0, "read JSON from %s", path);
}

/* From --process, or the container's own with the command line's changes. */
static int exec_process(const struct oci_container *container, const struct oci_options *options, struct spec_process **out, struct error *err)
{
    json_object *json = NULL;
    if (options->process) {
        TRY(parse_json_file(options->process, &json, err));
    } else {
        json_object *own = NULL;
        if (!json_object_object_get_ex(container->spec->raw, "process", &own) || json_object_deep_copy(own, &json, NULL) < 0)
            return fail_kind(err, "invalid", 0, "the container has no process to take after: give --process");
        json_object *args = json_object_new_array();
        for (size_t i = 1; i < options->word_count; i++)
            json_object_array_add(args, json_object_new_string(options->words[i]));
        json_object_object_add(json, "args", args);
        json_object_object_add(json, "terminal", json_object_new_boolean(options->tty));
        if (options->cwd)
            json_object_object_add(json, "cwd", json_object_new_string(options->cwd));
    }
    int status = spec_process_parse(json, out, err);
    json_object_put(json);
    TRY(status);
    for (size_t i = 0; i < options->env_count; i++) {
        char *equals = strchr(options->env[i], '=');
        if (!equals)
            return fail_kind(err, "invalid", 0, "--env wants NAME=value");
        *equals = '\0';
        TRY(spec_process_setenv(*out, options->env[i], equals + 1, true, err));
    }
    if (options->user) {
        char rest[2] = "";
        int count = sscanf(options->user, "%u:%u%1s", &(*out)->uid, &(*out)->gid, rest);
        if (count < 1 || count > 2)
            return fail_kind(err, "invalid", 0, "--user wants UID[:GID]");
        (*out)->group_count = 0;
    }
    (*out)->no_new_privileges |= options->no_new_privileges;
    return 0;
}

static pid_t waited_child;

static void pass_signal(int number)
{
    kill(waited_child, number);
}

static int wait_for(pid_t pid)
{
    static const int passed[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};
    int status;
    waited_child = pid;
    for (size_t i = 0; i < sizeof passed / sizeof *passed; i++)
        signal(passed[i], pass_signal);
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return 255;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Between our own terminal and the process's, until that ends. */
static void relay_terminal(int console)
{
    struct termios before, raw;
    struct winsize size;
    bool terminal = tcgetattr(0, &before) == 0;
    if (terminal) {
        raw = before;
        cfmakeraw(&raw);
        tcsetattr(0, TCSANOW, &raw);
        if (ioctl(0, TIOCGWINSZ, &size) == 0)
            ioctl(console, TIOCSWINSZ, &size);
    }
    struct pollfd set[] = {{console, POLLIN, 0}, {0, POLLIN, 0}};
    char bytes[16384];
    while (poll(set, 2, -1) >= 0 || errno == EINTR) {
        if (set[0].revents) {
            ssize_t length = read(console, bytes, sizeof bytes);
            if (length <= 0 || write(1, bytes, (size_t)length) < 0)
                break;
        }
        if (set[1].revents) {
            ssize_t length = read(0, bytes, sizeof bytes);
            if (length <= 0 || write(console, bytes, (size_t)length) < 0)
                set[1].fd = -1;
        }
    }
    if (terminal)
        tcsetattr(0, TCSANOW, &before);
}

static int verb_exec(const struct oci_options *options, int *exit_status, struct error *err)
{
    cleanup_container struct oci_container container = OCI_CONTAINER_INIT;
    cleanup_spec_process struct spec_process *process = NULL;
    cleanup_child struct container_child child = CHILD_INIT;
    TRY(need_words(options, options->process ? 1 : 2, "exec [--process FILE] [--detach] [--pid-file FILE] ID [COMMAND…]", err));
    TRY(oci_state_load(options->root, options->words[0], &container, err));
    enum oci_status status = oci_status(&container);
    if (status != OCI_RUNNING && status != OCI_CREATED)
        return fail_kind(err, "conflict", 0, "cannot exec in a container that is %s", oci_status_name(status));
    TRY(exec_process(&container, options, &process, err));
    if (process->terminal && options->detach && !options->console_socket)
        return fail_kind(err, "invalid", 0, "a terminal with --detach needs --console-socket");

    /* A detached process outlives us: it must not be tied to our end. */
    int go[2] = {-1, -1}, outcome[2] = {-1, -1};
    if (options->detach && (pipe2(go, O_CLOEXEC) < 0 || pipe2(outcome, O_CLOEXEC) < 0))
        return fail(err, errno, "make a pipe");
    struct container_gate gate = {go[0], outcome[1]};
    struct container_io io = {.in = 0, .out = 1, .err = 2, .gate = options->detach ? &gate : NULL};
    struct container_target target = {.pid = container.pid, .start_time = container.start_time, .spec = container.spec};
    int made = container_exec(&target, process, &io, &child, err);
    if (options->detach) {
        close(go[0]);
        close(outcome[1]);
        child.go = go[1];
        child.outcome = outcome[0];
    }
    TRY(made);
    if (child.console >= 0 && options->console_socket)
        TRY(send_console(options->console_socket, child.console, err));
    if (write(child.go, "", 1) != 1)
        return fail(err, errno, "let the process go");
    TRY(read_outcome(child.outcome, err));
    TRY(write_pid_file(options->pid_file, child.pid, err));
    if (options->detach)
        return 0;
    if (child.console >= 0 && !options->console_socket)
        relay_terminal(child.console);
    *exit_status = wait_for(child.pid);
    return 0;
}

/* ---- state, kill, delete, ps, pause, resume, update ---- */

static int print_json(json_object *json)
{
    puts(json_object_to_json_string_ext(json, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
    json_object_put(json);
    return 0;
}

static int verb_state(const struct oci_options *options, struct error *err)
{
    cleanup_container struct oci_container container = OCI_CONTAINER_INIT;
    TRY(need_words(options, 1, "state ID", err));
    TRY(oci_state_load(options->root, options->words[0], &container, err));
    return print_json(oci_state_json(&container, NULL));
}

static int parse_signal(const char *text, int *out, struct error *err)
{
    char *end;
    long number = strtol(text, &end, 10);
    if (*end == '\0' && end != text && number > 0 && number < NSIG) {
        *out = (int)number;
        return 0;
    }
    const char *name = strncasecmp(text, "SIG", 3) == 0 ? text + 3 : text;
    for (int candidate = 1; candidate < NSIG; candidate++) {
        const char *known = sigabbrev_np(candidate);
        if (known && strcasecmp(known, name) == 0) {
            *out = candidate;
            return 0;
        }
    }
    return fail_kind(err, "invalid", 0, "unknown signal %s", text);
}

static int verb_kill(const struct oci_options *options, struct error *err)
{
    cleanup_container struct oci_container container = OCI_CONTAINER_INIT;
    int number = SIGTERM;
    TRY(need_words(options, 1, "kill [--all] ID [SIGNAL]", err));
    if (options->word_count > 1)
        TRY(parse_signal(options->words[1], &number, err));
    TRY(oci_state_load(options->root, options->words[0], &container, err));
    if (options->all && container.spec->cgroups_path) {
        cleanup_free pid_t *pids = NULL;
        size_t count;
        if (number == SIGKILL)
            return cgroup_kill_all(container.spec->cgroups_path, err);
        TRY(cgroup_processes(container.spec->cgroups_path, &pids, &count, err));
        for (size_t i = 0; i < count; i++)
            kill(pids[i], number);
        return 0;
    }
    enum oci_status status = oci_status(&container);
    if (status == OCI_STOPPED)
        return fail_kind(err, "conflict", 0, "container not running");
    cleanup_close int pidfd = oci_open_process(&container);
    if (pidfd < 0 || pidfd_send_signal(pidfd, number, NULL, 0) < 0)
        return errno == ESRCH ? fail_kind(err, "conflict", 0, "container not running") : fail(err, errno, "send signal %d", number);
    if (number == SIGKILL && status == OCI_PAUSED)
        return cgroup_freeze(container.spec->cgroups_path, false, err);
    return 0;
}

static int wait_for_end(const struct oci_container *container, struct error *err)
{
    for (int tries = 0; oci_status(container) != OCI_STOPPED; tries++) {
        if (tries == 500)
            return fail(err, ETIMEDOUT, "wait for the container's end");
        nanosleep(&(struct timespec){.tv_nsec = tries < 20 ? 1000000 : 20000000}, NULL);
    }
    return 0;
}

static int verb_delete(const struct oci_options *options, struct error *err)
{
    cleanup_container struct oci_container container = OCI_CONTAINER_INIT;
    TRY(need_words(options, 1, "delete [--force] ID", err));
    if (oci_state_load(options->root, options->words[0], &container, err) < 0)
        return options->force && strcmp(err->kind, "not-found") == 0 ? 0 : -1;
    enum oci_status status = oci_status(&container);
    if (status != OCI_STOPPED && status != OCI_CREATED && !options->force)
        return fail_kind(err, "conflict", 0, "cannot delete container %s that is not stopped: %s", container.id, oci_status_name(status));
    if (status != OCI_STOPPED) {
        cleanup_close int pidfd = oci_open_process(&container);
        if (pidfd >= 0)
            pidfd_send_signal(pidfd, SIGKILL, NULL, 0);
        if (container.spec->cgroups_path)
            TRY(cgroup_kill_all(container.spec->cgroups_path, err));
        TRY(wait_for_end(&container, err));
    }
    if (container.spec->cgroups_path)
        TRY(cgroup_delete(container.spec->cgroups_path, err));
    struct error hooks = {0};
    oci_hooks_run(&container, "poststop", "stopped", &hooks);
    return oci_state_remove(&container, err);
}

static int verb_ps(const struct oci_options *options, struct error *err)
{
    cleanup_container struct oci_container container = OCI_CONTAINER_INIT;
    cleanup_free pid_t *pids = NULL;
    size_t count = 0;
    TRY(need_words(options, 1, "ps [--format json|table] ID", err));
    TRY(oci_state_load(options->root, options->words[0], &container, err));
    if (container.spec->cgroups_path)
        TRY(cgroup_processes(container.spec->cgroups_path, &pids, &count, err));
    if (!options->format || strcmp(options->format, "json") != 0) {
        puts("PID");
        for (size_t i = 0; i < count; i++)
            printf("%d\n", pids[i]);
        return 0;
    }
    json_object *list = json_object_new_array();
    for (size_t i = 0; i < count; i++)
        json_object_array_add(list, json_object_new_int(pids[i]));
    return print_json(list);
}

static int freeze(const struct oci_options *options, bool frozen, struct error *err)
{
    cleanup_container struct oci_container container = OCI_CONTAINER_INIT;
    TRY(need_words(options, 1, frozen ? "pause ID" : "resume ID", err));
    TRY(oci_state_load(options->root, options->words[0], &container, err));
    enum oci_status status = oci_status(&container);
    if (frozen ? status != OCI_RUNNING && status != OCI_CREATED : status != OCI_PAUSED)
        return fail_kind(err, "conflict", 0, "cannot %s a container that is %s", frozen ? "pause" : "resume", oci_status_name(status));
    if (!container.spec->cgroups_path)
        return fail_kind(err, "not-implemented", 0, "pausing needs a cgroup, and this container has none");
    return cgroup_freeze(container.spec->cgroups_path, frozen, err);
}

static int verb_update(const struct oci_options *options, struct error *err)
{
    cleanup_container struct oci_container container = OCI_CONTAINER_INIT;
    json_object *json = NULL;
    struct spec_resources resources = {0};
    TRY(need_words(options, 1, "update --resources FILE|- ID", err));
    if (!options->resources)
        return fail_kind(err, "invalid", 0, "usage: slipway-helper update --resources FILE|- ID");
    TRY(oci_state_load(options->root, options->words[0], &container, err));
    if (!container.spec->cgroups_path)
        return fail_kind(err, "not-implemented", 0, "limits need a cgroup, and this container has none");
    TRY(parse_json_file(options->resources, &json, err));
    int status = spec_resources_parse(json, &resources, err);
    json_object_put(json);
    if (status == 0)
        status = cgroup_update(container.spec->cgroups_path, &resources, err);
    spec_resources_clear(&resources);
    return status;
}

/* ---- dispatch ---- */

/* containerd and podman read the reason from the log file, people from stderr. */
static void report(const struct oci_options *options, const struct error *err)
{
    char now[32];
    time_t seconds = time(NULL);
    struct tm parts;
    strftime(now, sizeof now, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&seconds, &parts));
    fprintf(stderr, "%s\n", err->message);
    int file = options->log ? open(options->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644) : -1;
    if (file < 0)
        return;
    json_object *line = json_object_new_object();
    json_object_object_add(line, "level", json_object_new_string("error"));
    json_object_object_add(line, "msg", json_object_new_string(err->message));
    json_object_object_add(line, "time", json_object_new_string(now));
    if (options->log_json)
        dprintf(file, "%s\n", json_object_to_json_string_ext(line, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
    else
        dprintf(file, "time=\"%s\" level=error msg=%s\n", now, json_object_to_json_string_ext(json_object_object_get(line, "msg"), JSON_C_TO_STRING_NOSLASHESCAPE));
    json_object_put(line);
    close(file);
}

static int run_verb(const char *verb, const struct oci_options *options, int *exit_status, struct error *err)
{
    static const struct {
        const char *name;
        int (*run)(const struct oci_options *, struct error *);
    } verbs[] = {
        {"create", verb_create}, {"start", verb_start}, {"state", verb_state}, {"kill", verb_kill},
        {"delete", verb_delete}, {"ps", verb_ps},       {"update", verb_update},
    };
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (strcmp(verb, verbs[i].name) == 0)
            return verbs[i].run(options, err);
    if (strcmp(verb, "exec") == 0)
        return verb_exec(options, exit_status, err);
    if (strcmp(verb, "pause") == 0 || strcmp(verb, "resume") == 0)
        return freeze(options, verb[0] == 'p', err);
    if (strcmp(verb, "features") == 0)
        return print_json(oci_features());
    return fail_kind(err, "invalid", 0, "unknown command %s: one of serve, create, start, state, kill, delete, exec, ps, pause, resume, update, features", verb);
}

static int run(int argc, char **argv, struct oci_options *options, int *exit_status, struct error *err)
{
    char default_root[PATH_MAX], cache[PATH_MAX];
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    int at = 1;
    TRY(oci_take_global(options, &at, argc, argv, err));
    options->log_json = options->format && strcmp(options->format, "json") == 0;
    options->format = NULL;
    if (at == argc)
        return fail_kind(err, "invalid", 0, "usage: slipway-helper serve … | [--root DIR] [--log FILE] [--log-format json|text] create|start|state|kill|delete|exec|ps|pause|resume|update|features …");
    const char *verb = argv[at++];
    if (strcmp(verb, "--version") == 0 || strcmp(verb, "-v") == 0)
        return printf("slipway-helper version %s\nspec: %s\n", VERSION, OCI_SPEC_VERSION) < 0;
    TRY(oci_take_verb(options, verb, &at, argc, argv, err));
    if (strcmp(verb, "create") == 0 || strcmp(verb, "exec") == 0)
        TRY(memory_run_from(argv, err));
    if (!options->root) {
        if (geteuid() != 0 && runtime)
            snprintf(default_root, sizeof default_root, "%s/slipway-oci", runtime);
        else
            snprintf(default_root, sizeof default_root, "/run/slipway-oci");
        options->root = default_root;
    }
    if (snprintf(cache, sizeof cache, "%s/.seccomp", options->root) < (int)sizeof cache)
        seccomp_set_cache(cache);
    return run_verb(verb, options, exit_status, err);
}

int oci_main(int argc, char **argv)
{
    struct oci_options options = {0};
    struct error err = {0};
    int exit_status = 0;
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    if (run(argc, argv, &options, &exit_status, &err) == 0)
        return exit_status;
    report(&options, &err);
    return 1;
}
