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
    clock_gettime(CLOCK_REALTIME, &monitor.first.let_go);
    monitor.first.start_asked = true;
    return 0;
}

void start_outcome(void)
{
    struct process *first = &monitor.first;
    ssize_t got = read(monitor.options.outcome, &first->failure, sizeof first->failure);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    close_option(&monitor.options.outcome);
    if (got == sizeof first->failure) {
        process_failed(first);
        syscall(SYS_pidfd_send_signal, monitor.options.pidfd, SIGKILL, NULL, 0);
        return; /* its end follows; who asked is answered once that is on disk */
    }
    process_running(first);
    health_begin();
}
