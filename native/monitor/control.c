/* monitor/control.c: what an engine may ask of a monitor. */
#include "monitor.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static void refuse(struct client *client, int errnum, const char *step, const char *message)
{
    client_say(client, "error %d %s %s", errnum, step, message);
}

void control_hello(struct client *client)
{
    static const char *const names[] = {[CREATED] = "created", [RUNNING] = "running", [ENDED] = "running", [EXITED] = "exited"};
    char started[TIME_TEXT], finished[TIME_TEXT], end[160] = "";

    time_text(started, &monitor.started);
    time_text(finished, &monitor.finished);
    if (monitor.phase == EXITED)
        snprintf(end, sizeof end, " code=%d signal=%d oom=%d finished=%s", monitor.code, monitor.signal, monitor.oom, finished);
    client_say(client, "state %s pid=%d started=%s%s", names[monitor.phase], monitor.options.pid, started, end);
}

/* The next number of the line, within a range; -1 where there is none. */
static long number(char **rest, long least, long most)
{
    char *word = strsep(rest, " "), *end;
    if (!word || word[0] < '0' || word[0] > '9')
        return -1;
    errno = 0;
    long value = strtol(word, &end, 10);
    return errno == 0 && *end == '\0' && value >= least && value <= most ? value : -1;
}

static void start(struct client *client)
{
    if (monitor.phase != CREATED) {
        refuse(client, monitor.phase == RUNNING ? EALREADY : ESRCH, "start",
               monitor.phase == RUNNING ? "it is already running" : "it has already ended");
        return;
    }
    int errnum = monitor.start_asked ? 0 : start_begin();
    if (errnum != 0)
        refuse(client, errnum, "start", strerror(errnum));
    else
        client->awaits_start = true;
}

void control_start_answer(struct client *client)
{
    if (monitor.failed) {
        for (char *c = monitor.failure.message; *c; c++)
            if (*c == '\n')
                *c = ' ';
        refuse(client, monitor.failure.errnum, monitor.failure.step[0] ? monitor.failure.step : "start", monitor.failure.message);
    } else if (monitor.started.tv_sec == 0) {
        refuse(client, ESRCH, "start", "it was ended before it started");
    } else {
        client_say(client, "ok");
    }
}

static void send_signal(struct client *client, long signal)
{
    if (signal < 0)
        refuse(client, EINVAL, "signal", "a signal is a number from 1 to 64");
    else if (monitor.phase >= ENDED || monitor.options.pidfd < 0)
        refuse(client, ESRCH, "signal", "there is no process");
    else if (syscall(SYS_pidfd_send_signal, monitor.options.pidfd, (int)signal, NULL, 0) < 0)
        refuse(client, errno, "signal", strerror(errno));
    else
        client_say(client, "ok");
}

static void resize(struct client *client, long rows, long cols)
{
    if (rows < 0 || cols < 0) {
        refuse(client, EINVAL, "resize", "rows and columns are numbers up to 65535");
        return;
    }
    struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)cols};
    if (monitor.options.console >= 0 && ioctl(monitor.options.console, TIOCSWINSZ, &size) < 0)
        refuse(client, errno, "resize", strerror(errno));
    else
        client_say(client, "ok");
}

void control_command(struct client *client, char *line)
{
    char *rest = line, *word = strsep(&rest, " ");

    if (strcmp(word, "start") == 0) {
        start(client);
    } else if (strcmp(word, "signal") == 0) {
        send_signal(client, number(&rest, 1, 64));
    } else if (strcmp(word, "resize") == 0) {
        long rows = number(&rest, 0, 65535);
        resize(client, rows, number(&rest, 0, 65535));
    } else if (strcmp(word, "close-stdin") == 0) {
        input_close();
        client_say(client, "ok");
    } else {
        refuse(client, EINVAL, "command", "unknown command");
    }
}
