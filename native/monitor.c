/* monitor.c: the loop that stays with a container from before its start until after its end. See monitor/monitor.h. */
#include "monitor/monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define DRAIN_MS 2000 /* a child in the background may hold the streams open for ever */
#define LINGER_MS 10000

struct monitor monitor;

static int signals = -1;
static int slave = -1; /* keeps the terminal open while the process lives, though it may close and open it again */
static unsigned long long oom_kills;

/* Descriptors and numbers by name. */
static const struct {
    const char *name;
    int *value;
} numbers[] = {
    {"listen", &monitor.options.listen},     {"pid", &monitor.options.pid},           {"pidfd", &monitor.options.pidfd},
    {"go", &monitor.options.go},             {"outcome", &monitor.options.outcome},   {"console", &monitor.options.console},
    {"in", &monitor.options.in},             {"out", &monitor.options.out},           {"err", &monitor.options.err},
    {"log-dir", &monitor.options.log_dir},   {"exit-dir", &monitor.options.exit_dir}, {"oom-counter", &monitor.options.oom_counter},
    {"oom-event", &monitor.options.oom_event}, {"ready", &monitor.options.ready},     {"stdin-once", &monitor.options.stdin_once},
    {"rootless", &monitor.options.rootless}, {"exit-sync", &monitor.options.exit_sync},
};

static void option(char *argument)
{
    char *value = strchr(argument, '=');
    if (!value)
        return; /* the container's id */
    *value++ = '\0';
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (strcmp(argument, numbers[i].name) == 0)
            *numbers[i].value = atoi(value);
    if (strcmp(argument, "log-name") == 0)
        monitor.options.log_name = value;
    else if (strcmp(argument, "exit-name") == 0)
        monitor.options.exit_name = value;
    else if (strcmp(argument, "log-max-size") == 0)
        monitor.options.log_max_size = strtoull(value, NULL, 10);
    else if (strcmp(argument, "log-max-file") == 0)
        monitor.options.log_max_file = (unsigned)strtoul(value, NULL, 10);
    value[-1] = '='; /* for whoever looks at the process list */
}

static void read_options(char **argv)
{
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        *numbers[i].value = -1;
    monitor.options.stdin_once = monitor.options.rootless = 0;
    while (*argv)
        option(*argv++);
    /* What came by inheritance is not passed on. */
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (numbers[i].value != &monitor.options.pid && *numbers[i].value > 2)
            fcntl(*numbers[i].value, F_SETFD, FD_CLOEXEC);
}

static void never_block(int fd)
{
    if (fd >= 0)
        fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

/* How often the kernel has killed something in the container for want of memory. */
static unsigned long long count_oom_kills(void)
{
    char text[512];
    ssize_t length = monitor.options.oom_counter >= 0 ? pread(monitor.options.oom_counter, text, sizeof text - 1, 0) : 0;
    text[length > 0 ? length : 0] = '\0';
    const char *line = strstr(text, "oom_kill ");
    return line ? strtoull(line + strlen("oom_kill "), NULL, 10) : 0;
}

static void look_for_oom(void)
{
    unsigned long long count = count_oom_kills();
    if (count <= oom_kills)
        return;
    oom_kills = count;
    monitor.oom = true;
    clients_event("event oom");
}

/* A monitor signals its process, writes two files it has the directories of, and speaks with its clients. */
static void drop_privileges(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {{.effective = 1u << CAP_KILL, .permitted = 1u << CAP_KILL}};

    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    for (unsigned long capability = 0; prctl(PR_CAPBSET_READ, capability) >= 0; capability++)
        prctl(PR_CAPBSET_DROP, capability);
    syscall(SYS_capset, &header, data);
}

static void set_up(void)
{
    sigset_t all;

    drop_privileges();
    prctl(PR_SET_NAME, "slipway-monitor");
    prctl(PR_SET_DUMPABLE, 0);
    prctl(PR_SET_CHILD_SUBREAPER, 1); /* a foreign runtime leaves the container's first process to us */
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    sigemptyset(&all);
    sigaddset(&all, SIGCHLD);
    signals = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);

    never_block(monitor.options.listen);
    never_block(monitor.options.outcome);
    never_block(monitor.options.console);
    never_block(monitor.options.in);
    never_block(monitor.options.out);
    never_block(monitor.options.err);
    never_block(monitor.options.oom_event);
    if (monitor.options.console >= 0)
        slave = ioctl(monitor.options.console, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);

    clients_open();
    oom_kills = count_oom_kills();
    log_open(monitor.options.log_dir, monitor.options.log_name, monitor.options.log_max_size, monitor.options.log_max_file);
    record_prepare(monitor.options.exit_dir, monitor.options.exit_name);
    if (monitor.options.ready >= 0) {
        int pids[2] = {getpid(), monitor.options.pid};
        if (write(monitor.options.ready, pids, sizeof pids) != sizeof pids) {
            record_write(); /* that it never began */
            exit(1);        /* nobody waits for it: the first process dies with us */
        }
        close(monitor.options.ready);
    }
}

/* One read at a time, so that no stream keeps the others waiting. False: it is over. */
static bool take_output(enum stream stream, int fd)
{
    static unsigned char bytes[READ_SIZE];
    ssize_t got = read(fd, bytes, sizeof bytes);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    if (got <= 0)
        return false;
    clients_output(stream, bytes, (size_t)got);
    log_append(stream, bytes, (size_t)got);
    return true;
}

static void close_stream(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* Whether there may be more to hear: output, or whether it started at all. */
static bool streams_open(void)
{
    return (monitor.start_asked && monitor.options.outcome >= 0) || monitor.options.console >= 0 || monitor.options.out >= 0 || monitor.options.err >= 0;
}

static void process_ended(int status)
{
    clock_gettime(CLOCK_REALTIME, &monitor.finished);
    if (WIFSIGNALED(status)) {
        monitor.signal = WTERMSIG(status);
        monitor.code = 128 + monitor.signal;
    } else {
        monitor.code = WEXITSTATUS(status);
    }
    /* It may have become the program, or have said why not, in the moment before. */
    if (monitor.start_asked && monitor.options.outcome >= 0)
        start_outcome();
    look_for_oom();
    monitor.phase = ENDED;
    monitor.drain_until = now_ms() + DRAIN_MS;
    input_abandon();
    close_stream(&slave);
}

static void reap(void)
{
    struct signalfd_siginfo info;
    int status;
    pid_t pid;

    while (read(signals, &info, sizeof info) > 0)
        continue;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        if (pid == monitor.options.pid)
            process_ended(status);
}

static void finish(void)
{
    char finished[TIME_TEXT];

    close_stream(&monitor.options.out);
    close_stream(&monitor.options.err);
    close_stream(&monitor.options.console);
    log_close();
    look_for_oom();
    if (monitor.failed) {
        monitor.code = start_failure_code();
        monitor.signal = 0;
    }
    record_write();
    monitor.phase = EXITED;
    monitor.end_at = now_ms() + LINGER_MS;
    clients_started();
    time_text(finished, &monitor.finished);
    clients_event("event exited code=%d signal=%d oom=%d finished=%s", monitor.code, monitor.signal, monitor.oom, finished);
}

/* Those who connected in the last moment are still heard; from then on connecting fails, and exit.json tells. */
static bool all_said(void)
{
    if (now_ms() >= monitor.end_at)
        return true;
    if (clients_left())
        return false;
    if (monitor.options.listen < 0)
        return true;
    shutdown(monitor.options.listen, SHUT_RDWR);
    clients_accept();
    close_stream(&monitor.options.listen);
    return !clients_left();
}

enum { SIGNALS, LISTEN, OUTCOME, OUT, ERR, CONSOLE, INPUT, OOM, FIXED };

static void wait_and_serve(void)
{
    struct pollfd set[FIXED + CLIENTS] = {
        [SIGNALS] = {signals, POLLIN, 0},
        [LISTEN] = {monitor.options.listen, POLLIN, 0},
        [OUTCOME] = {monitor.start_asked ? monitor.options.outcome : -1, POLLIN, 0},
        [OUT] = {-1, POLLIN, 0},
        [ERR] = {-1, POLLIN, 0},
        [CONSOLE] = {-1, POLLIN, 0},
        [INPUT] = {input_waiting() ? input_descriptor() : -1, POLLOUT, 0},
        [OOM] = {monitor.phase < ENDED ? monitor.options.oom_event : -1,
                 monitor.options.oom_event == monitor.options.oom_counter ? POLLPRI : POLLIN, 0},
    };
    if (clients_have_room(STREAMS * (READ_SIZE + 8))) {
        set[OUT].fd = monitor.options.out;
        set[ERR].fd = monitor.options.err;
        set[CONSOLE].fd = monitor.options.console;
    }
    clients_poll(set + FIXED);

    int64_t until = clients_deadline();
    if (monitor.phase == ENDED && monitor.drain_until < until)
        until = monitor.drain_until;
    if (monitor.phase == EXITED && monitor.end_at < until)
        until = monitor.end_at;
    int64_t left = until == INT64_MAX ? -1 : until - now_ms();
    if (poll(set, FIXED + CLIENTS, until == INT64_MAX ? -1 : left < 0 ? 0 : (int)left) < 0)
        return;

    if (set[OOM].revents) {
        uint64_t ignored;
        if (monitor.options.oom_event != monitor.options.oom_counter && read(monitor.options.oom_event, &ignored, sizeof ignored) < 0)
            ignored = 0;
        look_for_oom();
        if (set[OOM].revents & POLLNVAL)
            monitor.options.oom_event = -1;
    }
    if (set[OUTCOME].revents && monitor.options.outcome >= 0)
        start_outcome();
    if (set[SIGNALS].revents)
        reap();
    if (set[OUT].revents && !take_output(STREAM_OUT, monitor.options.out))
        close_stream(&monitor.options.out);
    if (set[ERR].revents && !take_output(STREAM_ERR, monitor.options.err))
        close_stream(&monitor.options.err);
    if (set[CONSOLE].revents && !take_output(STREAM_OUT, monitor.options.console))
        close_stream(&monitor.options.console);
    if (set[INPUT].revents && input_waiting())
        input_write();
    if (set[LISTEN].revents && monitor.options.listen >= 0)
        clients_accept();
    clients_handle(set + FIXED);
}

/* An ordinary user's namespaces are held by a process that does nothing else (commands/pause.c). */
static _Noreturn void sleep_for_ever(void)
{
    sigset_t all;
    prctl(PR_SET_NAME, "slipway-pause");
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    for (;;)
        pause();
}

int main(int argc, char **argv)
{
    const char *name = argc > 0 && strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argc > 0 ? argv[0] : "";
    if (strcmp(name, "slipway-pause") == 0)
        sleep_for_ever();
    if (strcmp(name, "slipway-monitor") != 0)
        return init_main(argv);
    if (argc < 2) {
        fprintf(stderr, "slipway-monitor is started by slipway-helper, beside each container.\n");
        return 2;
    }
    read_options(argv + 1);
    set_up();
    reap(); /* it may have been killed before there was a signalfd to tell of it */
    for (;;) {
        if (monitor.phase == ENDED && (!streams_open() || now_ms() >= monitor.drain_until))
            finish();
        clients_settle();
        if (monitor.phase == EXITED && all_said())
            return 0;
        wait_and_serve();
    }
}
