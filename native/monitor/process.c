/* monitor/process.c: the streams of a process and its end, be it the container's first one or an exec. */
#include "monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define DRAIN_MS 2000 /* a child in the background may hold the streams open for ever */
#define FULL_PIPE (64 << 10)
#define LARGE_PIPE (1 << 20)

void process_init(struct process *process)
{
    process->console = process->in = process->out = process->err = process->slave = process->sync = -1;
}

static void close_stream(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* One read at a time, so that no stream keeps the others waiting. */
ssize_t process_output(struct process *process, enum stream stream, int *fd)
{
    static unsigned char bytes[READ_SIZE];
    ssize_t got = read(*fd, bytes, sizeof bytes);

    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (got <= 0) {
        close_stream(fd);
        return 0;
    }
    if (process->probe) {
        health_output(bytes, (size_t)got);
        return got;
    }
    if (got >= FULL_PIPE && !process->terminal && !process->widened[stream]) {
        fcntl(*fd, F_SETPIPE_SZ, LARGE_PIPE); /* it has a lot to say: fewer turns to take */
        process->widened[stream] = true;
    }
    if (process == &monitor.first)
        log_append(stream, bytes, (size_t)got);
    clients_output(process, stream, bytes, (size_t)got);
    return got;
}

/* What is in there now, and nothing that is written later. */
static void drain(struct process *process, enum stream stream, int *fd)
{
    int left = 0;
    if (*fd < 0 || ioctl(*fd, FIONREAD, &left) < 0)
        return;
    while (left > 0 && *fd >= 0 && clients_have_room(process)) {
        ssize_t got = process_output(process, stream, fd);
        if (got <= 0)
            return;
        left -= (int)got;
    }
}

/* Who holds them open is not waited for any more. What the process itself wrote is in them, though a slow disk or a busy machine kept us from it. */
void process_drop_streams(struct process *process)
{
    drain(process, STREAM_OUT, &process->out);
    drain(process, STREAM_ERR, &process->err);
    drain(process, STREAM_OUT, &process->console);
    close_stream(&process->out);
    close_stream(&process->err);
    close_stream(&process->console);
    close_stream(&process->slave);
    input_abandon(process);
}

bool process_open(const struct process *process)
{
    bool unknown = process == &monitor.first ? process->start_asked && monitor.options.outcome >= 0 : process->sync >= 0;
    return unknown || process->console >= 0 || process->out >= 0 || process->err >= 0;
}

void process_running(struct process *process)
{
    if (process->phase == CREATED) {
        process->phase = RUNNING;
        clock_gettime(CLOCK_REALTIME, &process->started);
    } else {
        process->started = process->let_go; /* it was over before we heard of its beginning */
    }
    clients_event(process, "event started pid=%d", process->pid);
    clients_started(process);
}

void process_failed(struct process *process)
{
    process->failure.step[sizeof process->failure.step - 1] = '\0';
    process->failure.message[sizeof process->failure.message - 1] = '\0';
    process->failed = true;
}

void process_ended(struct process *process, int status)
{
    clock_gettime(CLOCK_REALTIME, &process->finished);
    if (WIFSIGNALED(status)) {
        process->signal = WTERMSIG(status);
        process->code = 128 + process->signal;
    } else {
        process->code = WEXITSTATUS(status);
    }
    process->phase = ENDED;
    process->drain_until = now_ms() + DRAIN_MS;
    input_abandon(process);
    close_stream(&process->slave);
}

/* Docker's exit codes for a command that could not be run. */
int process_failure_code(const struct process *process)
{
    switch (process->failure.errnum) {
    case ENOENT:
    case ENOTDIR: return 127;
    case EACCES:
    case ENOEXEC:
    case EISDIR: return 126;
    default: return 128;
    }
}
