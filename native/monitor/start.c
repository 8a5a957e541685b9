/* monitor/start.c: lets the first process go, and learns whether it became the program. */
#include "monitor.h"

#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

static void close_option(int *fd)
{
    close(*fd);
    *fd = -1;
}

int start_begin(void)
{
    if (write(monitor.options.go, "g", 1) != 1)
        return errno;
    close_option(&monitor.options.go);
    clock_gettime(CLOCK_REALTIME, &monitor.let_go);
    monitor.start_asked = true;
    return 0;
}

void start_outcome(void)
{
    ssize_t got = read(monitor.options.outcome, &monitor.failure, sizeof monitor.failure);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    close_option(&monitor.options.outcome);
    if (got == sizeof monitor.failure) {
        monitor.failure.step[sizeof monitor.failure.step - 1] = '\0';
        monitor.failure.message[sizeof monitor.failure.message - 1] = '\0';
        monitor.failed = true;
        syscall(SYS_pidfd_send_signal, monitor.options.pidfd, SIGKILL, NULL, 0);
        return; /* its end follows; who asked is answered once that is on disk */
    }
    if (monitor.phase == CREATED) {
        monitor.phase = RUNNING;
        clock_gettime(CLOCK_REALTIME, &monitor.started);
    } else {
        monitor.started = monitor.let_go; /* it was over before we heard of its beginning */
    }
    clients_started();
    clients_event("event started");
}

/* Docker's exit codes for a command that could not be run. */
int start_failure_code(void)
{
    switch (monitor.failure.errnum) {
    case ENOENT:
    case ENOTDIR: return 127;
    case EACCES:
    case ENOEXEC:
    case EISDIR: return 126;
    default: return 128;
    }
}
