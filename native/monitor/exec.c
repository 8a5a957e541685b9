/*
 * monitor/exec.c: further processes in the container. A child of ours enters and makes the process, which is our child too (exec-child.c); we hear of
 * its steps without ever waiting for them. What ended is remembered for a while.
 */
#include "monitor.h"

#include "../base/memory.h"
#include "../base/sync.h"
#include "../commands/exec-own.h"
#include "exec-record.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define REMEMBERED 64

static struct exec_end ends[REMEMBERED];
static unsigned long ended;

struct process *exec_find(const char *id)
{
    for (struct process *process = monitor.execs; process; process = process->next)
        if (!process->probe && strncmp(process->id, id, EXEC_ID) == 0)
            return process;
    return NULL;
}

const struct exec_end *exec_ended(const char *id)
{
    for (size_t i = 0; i < REMEMBERED; i++)
        if (ends[i].id[0] && strncmp(ends[i].id, id, EXEC_ID) == 0)
            return &ends[i];
    return NULL;
}

static void read_record(struct process *process)
{
    for (char *at = process->record, *text, *value; (text = record_next(process->record, process->record_length, &at));) {
        if ((value = record_value(text, "tty")))
            process->terminal = *value == '1';
        else if ((value = record_value(text, "stdin")))
            process->stdin_open = *value == '1';
        else if ((value = record_value(text, "attached")))
            process->waits_for_client = *value == '1';
        else if ((value = record_value(text, "rows")))
            process->rows = (unsigned short)atoi(value);
        else if ((value = record_value(text, "cols")))
            process->cols = (unsigned short)atoi(value);
    }
}

struct process *exec_create(const char *id, char *record, size_t length)
{
    size_t count = 0;
    for (struct process *process = monitor.execs; process; process = process->next)
        count++;
    errno = monitor.options.namespaces < 0 ? ENOSYS : count >= EXECS_MAX ? EAGAIN : record[length - 1] != '\0' ? EINVAL : 0;
    if (errno == 0 && id && (exec_find(id) || exec_ended(id)))
        errno = EEXIST;
    struct process *process = errno == 0 ? calloc(1, sizeof *process) : NULL;
    if (!process) {
        free(record);
        return NULL;
    }
    process_init(process);
    if (id)
        memcpy(process->id, id, EXEC_ID);
    process->stdin_once = true; /* who runs a command in a container and ends its input means that command */
    process->record = record;
    process->record_length = length;
    read_record(process);
    process->next = monitor.execs;
    monitor.execs = process;
    return process;
}

/* ---- the start ---- */

static void close_both(int pair[2])
{
    for (int i = 0; i < 2; i++)
        if (pair[i] >= 0)
            close(pair[i]);
}

/* An image may run as anybody, and opens /dev/stdout anew. */
static int make_pipe(int pair[2], int theirs)
{
    return pipe2(pair, O_CLOEXEC) < 0 || fchmod(pair[theirs], 0666) < 0 ? errno : 0;
}

static void keep_end(int *ours, int pair[2], int which)
{
    *ours = pair[which];
    pair[which] = -1;
    if (*ours >= 0)
        fcntl(*ours, F_SETFL, O_NONBLOCK);
}

void exec_joined(struct process *process)
{
    if (!process->waits_for_client)
        return;
    process->waits_for_client = false;
    clients_go_on(process);
}

/* Born in the container's v2 group where that can be had: moving there later makes the kernel wait. */
static pid_t fork_into_group(bool *born_in_leaf)
{
    struct clone_args args = {.flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD, .cgroup = (uint64_t)monitor.options.leaf};
    pid_t child = -1;
    *born_in_leaf = monitor.options.leaf >= 0;
    if (*born_in_leaf) {
        privileges_raise();
        child = (pid_t)syscall(SYS_clone3, &args, sizeof args);
        privileges_lower();
    }
    if (child >= 0)
        return child;
    *born_in_leaf = false;
    return fork();
}

/*
 * A program of this machine for a container that has none: a copy in memory, its own for each process, that nobody can write to. It is made here, so
 * that it counts as ours and not as the container's memory.
 */
static int open_toolbox(const struct process *process, int *toolbox)
{
    struct error err = {0};
    struct stat info;
    char *path = NULL, *value;
    for (char *at = process->record, *text; (text = record_next(process->record, process->record_length, &at));)
        if ((value = record_value(text, "toolbox")))
            path = value;
    if (!path)
        return 0;
    int program = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (program < 0)
        return errno;
    bool is_file = fstat(program, &info) == 0 && S_ISREG(info.st_mode);
    *toolbox = is_file ? memory_copy_of(program, "busybox", &err) : -1;
    close(program);
    return *toolbox >= 0 ? 0 : is_file ? err.errnum : EACCES;
}

int exec_start(struct process *process)
{
    bool born_in_leaf;
    struct error err = {0};
    int in[2] = {-1, -1}, out[2] = {-1, -1}, error[2] = {-1, -1}, sync[2] = {-1, -1}, toolbox = -1, errnum = 0;

    if (monitor.first.phase != RUNNING)
        return ESRCH;
    if (sync_open(sync, &err) < 0 || sync_ask_sender(sync[0], &err) < 0)
        errnum = err.errnum;
    if (errnum == 0 && !process->terminal && process->stdin_open)
        errnum = make_pipe(in, 0);
    if (errnum == 0 && !process->terminal)
        errnum = make_pipe(out, 1);
    if (errnum == 0 && !process->terminal)
        errnum = make_pipe(error, 1);
    if (errnum == 0)
        errnum = open_toolbox(process, &toolbox);
    pid_t child = errnum == 0 ? fork_into_group(&born_in_leaf) : -1;
    if (child == 0)
        exec_child(process, &(struct exec_streams){in[0], out[1], error[1], toolbox}, sync[1], born_in_leaf);
    if (child < 0)
        errnum = errnum ? errnum : errno;
    if (errnum == 0) {
        process->start_asked = true;
        clock_gettime(CLOCK_REALTIME, &process->let_go);
        keep_end(&process->in, in, 1);
        keep_end(&process->out, out, 0);
        keep_end(&process->err, error, 0);
        keep_end(&process->sync, sync, 0);
        free(process->record);
        process->record = NULL;
    }
    close_both(in);
    close_both(out);
    close_both(error);
    close_both(sync);
    if (toolbox >= 0)
        close(toolbox);
    return errnum;
}

/* ---- what is heard of it ---- */

static void take_terminal(struct process *process, int console)
{
    struct winsize size = {.ws_row = process->rows, .ws_col = process->cols};

    process->console = console;
    fcntl(console, F_SETFL, fcntl(console, F_GETFL) | O_NONBLOCK);
    process->slave = ioctl(console, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (size.ws_row && size.ws_col)
        ioctl(console, TIOCSWINSZ, &size);
}

/* The limits of the container, once it waits: its own steps need room, and in a user namespace it may not raise them. False: there are none. */
static bool set_limits(pid_t pid)
{
    bool limited = false;
    struct exec_own header;
    int resource;
    unsigned long long soft, hard;

    if (pread(monitor.options.own, &header, sizeof header, 0) != sizeof header || header.record_length == 0)
        return false;
    char *record = malloc(header.record_length);
    if (record && pread(monitor.options.own, record, header.record_length, sizeof header) == (ssize_t)header.record_length) {
        privileges_raise();
        for (char *at = record, *text, *value; (text = record_next(record, header.record_length, &at));)
            if ((value = record_value(text, "rlimit")) && sscanf(value, "%d %llu %llu", &resource, &soft, &hard) == 3) {
                prlimit(pid, resource, &(struct rlimit){(rlim_t)soft, (rlim_t)hard}, NULL);
                limited = true;
            }
        privileges_lower();
    }
    free(record);
    return limited;
}

static void let_go(struct process *process, pid_t pid, int console)
{
    struct error ignored = {0};

    process->pid = pid;
    if (console >= 0)
        take_terminal(process, console);
    if (set_limits(pid))
        sync_send(process->sync, SYNC_PROCEED, NULL, 0, -1, &ignored);
}

static void close_sync(struct process *process)
{
    close(process->sync);
    process->sync = -1;
}

void exec_kill(const struct process *process)
{
    if (process->pid <= 0 || process->phase >= ENDED)
        return;
    kill(-process->pid, SIGKILL); /* it leads a group of its own */
    kill(process->pid, SIGKILL);
}

/* Nothing became of it, and nothing is left to wait for. */
static void never_was(struct process *process)
{
    if (!process->failed) {
        process->failure = (struct container_failure){.errnum = 0, .step = "process", .message = "the process was killed while it was set up"};
        process_failed(process);
    }
    clock_gettime(CLOCK_REALTIME, &process->finished);
    process->phase = ENDED;
    process->drain_until = 0;
}

void exec_heard(struct process *process)
{
    struct container_failure failure;
    struct error err = {0};
    enum sync_kind kind = SYNC_ENDED;
    int console;
    pid_t sender;

    while (process->sync >= 0) {
        memset(&failure, 0, sizeof failure);
        if (sync_receive_from(process->sync, &kind, &failure, sizeof failure, &console, &sender, &err) < 0)
            kind = SYNC_ENDED;
        if (kind == SYNC_NOTHING)
            return;
        if (kind == SYNC_READY) {
            let_go(process, sender, console);
        } else if (kind == SYNC_FAILED) {
            process->failure = failure;
            process_failed(process);
        } else {
            close_sync(process);
            if (process->pid == 0)
                never_was(process);
            else if (!process->failed)
                process_running(process);
        }
    }
}

/* ---- the end ---- */

/* An engine that was killed meanwhile reads it where the container's record is, should we be gone by then. */
static void leave_note(const struct process *process)
{
    char finished[TIME_TEXT], line[128];

    if (monitor.options.exit_dir < 0)
        return;
    time_text(finished, &process->finished);
    int length = snprintf(line, sizeof line, "%s code=%d signal=%d finished=%s\n", process->id, process->code, process->signal, finished);
    int file = openat(monitor.options.exit_dir, "execs", O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file < 0)
        return;
    if (write(file, line, (size_t)length) < 0)
        length = 0; /* a full disk: it will count as killed */
    close(file);
}

void exec_finish(struct process *process)
{
    char finished[TIME_TEXT];

    if (process->sync >= 0)
        close_sync(process);
    process_drop_streams(process);
    if (process->failed) {
        process->code = process_failure_code(process);
        process->signal = 0;
    }
    process->phase = EXITED;
    if (process->probe) {
        health_probed(process);
        return;
    }
    struct exec_end *end = &ends[ended++ % REMEMBERED];
    *end = (struct exec_end){.pid = process->pid, .code = process->code, .signal = process->signal, .started = process->started, .finished = process->finished};
    memcpy(end->id, process->id, sizeof end->id);
    clients_started(process);
    time_text(finished, &process->finished);
    if (clients_event(process, "event exited code=%d signal=%d oom=0 finished=%s", process->code, process->signal, finished) == 0)
        leave_note(process);
}

void exec_settle(void)
{
    for (struct process **at = &monitor.execs; *at;) {
        struct process *process = *at;
        bool abandoned = process->phase == CREATED && !process->start_asked && !process->probe;
        if (process->clients > 0 || !(process->phase == EXITED || abandoned)) {
            at = &process->next;
            continue;
        }
        *at = process->next;
        free(process->record);
        free(process->input.bytes);
        free(process);
    }
}
