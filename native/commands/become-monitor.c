/* commands/become-monitor.c: the parent of a process that waits for its start goes on as its monitor: what that needs, as arguments and descriptors. */
#include "launch.h"

#include "../base/cleanup.h"
#include "../kernel/apparmor.h"
#include "../kernel/cgroup.h"
#include "../kernel/namespaces.h"
#include "exec-own.h"
#include "server.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>

/* ---- files of its cgroup ---- */

/* The directory of a process's group: v1's for the controller, else v2's. -1 where there is neither. */
static int open_group(pid_t pid, const char *controller, bool *unified)
{
    char path[64], line[PATH_MAX], key[32], group[PATH_MAX + 64] = "";
    snprintf(path, sizeof path, "/proc/%d/cgroup", pid);
    snprintf(key, sizeof key, ":%s:", controller);
    cleanup_fclose FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        const char *at = strstr(line, key);
        if (at) {
            snprintf(group, sizeof group, "/sys/fs/cgroup/%s%s", controller, at + strlen(key));
            *unified = false;
            break;
        }
        if (strncmp(line, "0::", 3) == 0) {
            snprintf(group, sizeof group, "/sys/fs/cgroup%s", line + 3);
            *unified = true;
        }
    }
    return group[0] ? open(group, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
}

/* Where the kernel counts what it killed in the container, and what tells of it at once. Machines without either go without. */
static void watch_memory(pid_t pid, int *counter, int *event)
{
    bool unified;
    cleanup_close int group = open_group(pid, "memory", &unified);
    *counter = *event = -1;
    if (group < 0)
        return;
    if (unified) {
        *counter = *event = openat(group, "memory.events", O_RDONLY | O_CLOEXEC);
        return;
    }
    cleanup_close int control = openat(group, "cgroup.event_control", O_WRONLY | O_CLOEXEC);
    *counter = openat(group, "memory.oom_control", O_RDONLY | O_CLOEXEC);
    *event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (dprintf(control, "%d %d", *event, *counter) < 0)
        cleanup_close_(event), *event = -1;
}

/* What says whether the container is paused. */
static int open_freezer(pid_t pid)
{
    bool unified;
    cleanup_close int group = open_group(pid, "freezer", &unified);
    return group < 0 ? -1 : openat(group, unified ? "cgroup.freeze" : "freezer.state", O_RDONLY | O_CLOEXEC);
}

/* ---- arguments ---- */

/* Arguments NAME=VALUE; the descriptors among them are inherited. */
struct arguments {
    char *items[64 + HIERARCHIES_MAX];
    size_t count;
};

static void add(struct arguments *arguments, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(struct arguments *arguments, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (vasprintf(&arguments->items[arguments->count], format, args) >= 0)
        arguments->count++;
    va_end(args);
}

static void add_fd(struct arguments *arguments, const char *name, int fd)
{
    if (fd < 0)
        return;
    fcntl(fd, F_SETFD, 0);
    add(arguments, "%s=%d", name, fd);
}

/* A file the monitor writes: its directory's descriptor and its name. */
static int add_file(struct arguments *arguments, const char *what, const char *path, struct error *err)
{
    char directory[PATH_MAX], name[32];
    snprintf(directory, sizeof directory, "%s", path);
    char *slash = strrchr(directory, '/');
    *slash = '\0';
    int fd = open(slash == directory ? "/" : directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return fail(err, errno, "open %s", directory);
    snprintf(name, sizeof name, "%s-dir", what);
    add_fd(arguments, name, fd);
    add(arguments, "%s-name=%s", what, slash + 1);
    return 0;
}

static void add_door(struct arguments *arguments, const struct cgroup_door *door)
{
    add_fd(arguments, "leaf", door->leaf);
    add_fd(arguments, "leaf-list", door->leaf_list);
    for (size_t i = 0; i < door->count; i++)
        add_fd(arguments, "door", door->lists[i]);
}

/* ---- what its execs will need ---- */

/* A run of NUL-terminated NAME=value texts, as the monitor reads them. */
struct record {
    char *text;
    size_t length;
    FILE *file;
};

static int record_open(struct record *record, struct error *err)
{
    record->file = open_memstream(&record->text, &record->length);
    return record->file ? 0 : fail(err, ENOMEM, "write a record");
}

static void put(struct record *record, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put(struct record *record, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vfprintf(record->file, format, args);
    va_end(args);
    fputc('\0', record->file);
}

/* A file in memory that the monitor inherits. */
static int leave(const char *name, const struct iovec *parts, int count, struct error *err)
{
    size_t length = 0;
    for (int i = 0; i < count; i++)
        length += parts[i].iov_len;
    cleanup_close int file = memfd_create(name, MFD_CLOEXEC);
    if (file < 0 || writev(file, parts, count) != (ssize_t)length)
        return fail(err, errno, "keep %s for the monitor", name);
    return steal_fd(&file);
}

/* The container's own limits, profile and filter. */
static int leave_own(const struct spec_process *process, const struct seccomp_filter *filter, struct error *err)
{
    struct record record;
    TRY(record_open(&record, err));
    if (process->has_oom_score_adj)
        put(&record, "oom=%d", process->oom_score_adj);
    if (process->no_new_privileges)
        put(&record, "nnp=1");
    if (process->apparmor_profile)
        put(&record, "apparmor=%s", process->apparmor_profile);
    for (size_t i = 0; i < process->rlimit_count; i++)
        put(&record, "rlimit=%d %llu %llu", process->rlimits[i].resource, (unsigned long long)process->rlimits[i].soft,
            (unsigned long long)process->rlimits[i].hard);
    fclose(record.file);
    struct exec_own header = {(uint32_t)record.length, filter->flags, (uint32_t)filter->count};
    struct iovec parts[] = {{&header, sizeof header}, {record.text, record.length}, {filter->code, filter->count * sizeof *filter->code}};
    int file = leave("own", parts, 3, err);
    free(record.text);
    return file;
}

/* The health check, run as the container's own process is: its user is known by number by now. */
static int leave_probe(const struct launch_health *health, const struct spec_process *process, struct error *err)
{
    struct record record;
    TRY(record_open(&record, err));
    put(&record, "user=%u:%u", process->uid, process->gid);
    for (size_t i = 0; i < process->group_count; i++)
        put(&record, "group=%u", process->groups[i]);
    put(&record, "cwd=%s", process->cwd);
    put(&record, "caps=%" PRIx64, process->caps.bounding);
    for (char **entry = process->env; entry && *entry; entry++)
        put(&record, "env=%s", *entry);
    for (size_t i = 0; i < json_object_array_length(health->argv); i++)
        put(&record, "arg=%s", json_object_get_string(json_object_array_get_idx(health->argv, i)));
    fclose(record.file);
    int file = leave("probe", &(struct iovec){record.text, record.length}, 1, err);
    free(record.text);
    return file;
}

static int add_execs(struct arguments *arguments, const struct launch *launch, const struct spec *spec, const struct container_child *child,
                     struct error *err)
{
    int namespaces = namespaces_to_enter(child->pid, err);
    if (namespaces < 0)
        return in_step(err, "namespaces");
    int own = leave_own(spec->process, &child->filter, err);
    TRY(own);
    add(arguments, "namespaces=%d", namespaces);
    if (spec_annotation(spec, "dev.slipway.overlay"))
        add(arguments, "rootfs=%s", spec->rootfs);
    add(arguments, "no-groups=%d", bundle_groups_denied());
    add_fd(arguments, "own", own);
    add_door(arguments, &child->door);
    if (!launch->health.argv)
        return 0;
    int probe = leave_probe(&launch->health, spec->process, err);
    TRY(probe);
    add_fd(arguments, "probe", probe);
    add_fd(arguments, "freezer", open_freezer(child->pid));
    add(arguments, "health-interval=%" PRId64, launch->health.interval);
    add(arguments, "health-timeout=%" PRId64, launch->health.timeout);
    add(arguments, "health-start-period=%" PRId64, launch->health.start_period);
    add(arguments, "health-start-interval=%" PRId64, launch->health.start_interval);
    add(arguments, "health-retries=%" PRId64, launch->health.retries);
    return 0;
}

int become_monitor(const struct launch *launch, const struct spec *spec, const struct streams *streams, const struct container_child *child,
                   int listener, int ready, struct error *err)
{
    struct arguments arguments = {{NULL}, 0};
    int counter = -1, event = -1;

    if (!launch->exec)
        watch_memory(child->pid, &counter, &event);
    add(&arguments, "slipway-monitor");
    add(&arguments, "%.12s", launch->id);
    add(&arguments, "pid=%d", child->pid);
    add(&arguments, "stdin-once=%d", launch->stdin_once);
    add(&arguments, "rootless=%d", server.rootless);
    add_fd(&arguments, "pidfd", child->pidfd);
    add_fd(&arguments, "listen", listener);
    add_fd(&arguments, "go", child->go);
    add_fd(&arguments, "outcome", child->outcome);
    add_fd(&arguments, "console", child->console);
    add_fd(&arguments, "in", streams->in);
    add_fd(&arguments, "out", streams->out);
    add_fd(&arguments, "err", streams->err);
    add_fd(&arguments, "oom-counter", counter);
    if (event == counter && event >= 0)
        add(&arguments, "oom-event=%d", event);
    else
        add_fd(&arguments, "oom-event", event);
    add_fd(&arguments, "ready", ready);
    if (launch->log_path) {
        TRY(add_file(&arguments, "log", launch->log_path, err));
        add(&arguments, "log-max-size=%" PRId64, launch->log_max_size);
        add(&arguments, "log-max-file=%" PRId64, launch->log_max_file);
    }
    add(&arguments, "exit-sync=%d", !launch->exec); /* what is said of an exec need not survive the machine */
    TRY(add_file(&arguments, "exit", launch->exit_file, err));
    add_fd(&arguments, "state-dir", open(launch->state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (spec && !launch->runtime)
        TRY(add_execs(&arguments, launch, spec, child, err));
    arguments.items[arguments.count] = NULL;
    syscall(SYS_execveat, server.monitor, "", arguments.items, (char *[]){NULL}, AT_EMPTY_PATH);
    return fail(err, errno, "start slipway-monitor");
}
