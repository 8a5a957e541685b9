/* monitor/control.c: what an engine may ask of a monitor, for the container's first process or for an exec. */
#include "monitor.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

void control_hello(struct client *client)
{
    static const char *const names[] = {[CREATED] = "created", [RUNNING] = "running", [ENDED] = "running", [EXITED] = "exited"};
    const struct process *process = client->process;
    char started[TIME_TEXT], finished[TIME_TEXT], end[160] = "";

    time_text(started, &process->started);
    time_text(finished, &process->finished);
    if (process->phase == EXITED)
        snprintf(end, sizeof end, " code=%d signal=%d oom=%d finished=%s", process->code, process->signal,
                 process == &monitor.first && monitor.oom, finished);
    client_say(client, "state %s pid=%d started=%s%s", names[process->phase], process->pid, started, end);
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

void control_start(struct client *client)
{
    struct process *process = client->process;
    client->awaits_start = false;
    if (process->phase != CREATED) {
        client_refuse(client, process->phase == RUNNING ? EALREADY : ESRCH, "start",
                      process->phase == RUNNING ? "it is already running" : "it has already ended");
        return;
    }
    bool waits = process->start_asked || process->waits_for_client;
    int errnum = waits ? 0 : process == &monitor.first ? start_begin() : exec_start(process);
    if (errnum == ESRCH)
        client_refuse(client, errnum, "start", "the container is not running");
    else if (errnum != 0)
        client_refuse(client, errnum, "start", strerror(errnum));
    else
        client->awaits_start = true;
}

void control_start_answer(struct client *client)
{
    struct process *process = client->process;
    if (process->failed) {
        for (char *c = process->failure.message; *c; c++)
            if (*c == '\n')
                *c = ' ';
        client_refuse(client, process->failure.errnum, process->failure.step[0] ? process->failure.step : "start", process->failure.message);
    } else if (process->started.tv_sec == 0) {
        client_refuse(client, ESRCH, "start", "it was ended before it started");
    } else {
        client_say(client, "ok");
    }
}

static void send_signal(struct client *client, long signal)
{
    const struct process *process = client->process;
    if (signal < 0)
        client_refuse(client, EINVAL, "signal", "a signal is a number from 1 to 64");
    else if (process->phase >= ENDED || process->pid <= 0)
        client_refuse(client, ESRCH, "signal", "there is no process");
    else if (kill(process->pid, (int)signal) < 0) /* our own child, not waited for: the pid is its own */
        client_refuse(client, errno, "signal", strerror(errno));
    else
        client_say(client, "ok");
}

static void resize(struct client *client, long rows, long cols)
{
    struct process *process = client->process;
    if (rows < 0 || cols < 0) {
        client_refuse(client, EINVAL, "resize", "rows and columns are numbers up to 65535");
        return;
    }
    process->rows = (unsigned short)rows;
    process->cols = (unsigned short)cols;
    struct winsize size = {.ws_row = process->rows, .ws_col = process->cols};
    if (process->console >= 0 && ioctl(process->console, TIOCSWINSZ, &size) < 0)
        client_refuse(client, errno, "resize", strerror(errno));
    else
        client_say(client, "ok");
}

/* A socket at this path, in a directory of our own user's; -1 and errno where there can be none. */
static int open_listener(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    mode_t mask = umask(0177);
    int failed = bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 128) < 0 ? errno : 0;
    umask(mask);
    if (failed == 0)
        return fd;
    close(fd);
    errno = failed;
    return -1;
}

/* The name of our socket was taken away, by who cleared the run directory: whoever is still connected gives it another. */
static void listen_again(struct client *client, const char *path)
{
    int fd = client->process == &monitor.first && path && *path == '/' ? open_listener(path) : (errno = EINVAL, -1);
    if (fd < 0) {
        client_refuse(client, errno, "listen", strerror(errno));
        return;
    }
    if (monitor.options.listen >= 0)
        close(monitor.options.listen);
    monitor.options.listen = fd;
    client_say(client, "ok");
}

void control_command(struct client *client, char *line)
{
    char *rest = line, *word = strsep(&rest, " ");

    if (strcmp(word, "start") == 0) {
        control_start(client);
    } else if (strcmp(word, "signal") == 0) {
        send_signal(client, number(&rest, 1, 64));
    } else if (strcmp(word, "resize") == 0) {
        long rows = number(&rest, 0, 65535);
        resize(client, rows, number(&rest, 0, 65535));
    } else if (strcmp(word, "close-stdin") == 0) {
        input_close(client->process);
        client_say(client, "ok");
    } else if (strcmp(word, "listen") == 0) {
        listen_again(client, rest);
    } else {
        client_refuse(client, EINVAL, "command", "unknown command");
    }
}
