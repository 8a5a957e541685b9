/* monitor.c: the loop that stays with a container from before its start until after its end. See monitor/monitor.h. */
#include "monitor/monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define LINGER_MS 10000

struct monitor monitor;

static int signals = -1;
static unsigned long long oom_kills;

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
    clients_event(&monitor.first, "event oom");
}

static void take_over(void)
{
    struct process *first = &monitor.first;

    process_init(first);
    first->pid = monitor.options.pid;
    first->console = monitor.options.console;
    first->in = monitor.options.in;
    first->out = monitor.options.out;
    first->err = monitor.options.err;
    first->stdin_once = monitor.options.stdin_once;
    first->terminal = first->console >= 0;
    if (first->terminal)
        first->slave = ioctl(first->console, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    int streams[] = {first->console, first->in, first->out, first->err, monitor.options.listen, monitor.options.outcome, monitor.options.oom_event};
    for (size_t i = 0; i < sizeof streams / sizeof *streams; i++)
        never_block(streams[i]);
}

static void set_up(void)
{
    sigset_t all;

    privileges_keep();
    prctl(PR_SET_NAME, "slipway-monitor");
    prctl(PR_SET_DUMPABLE, 0);
    prctl(PR_SET_CHILD_SUBREAPER, 1); /* a foreign runtime leaves the container's first process to us */
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    sigemptyset(&all);
    sigaddset(&all, SIGCHLD);
    signals = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);

    take_over();
    oom_kills = count_oom_kills();
    log_open(monitor.options.log_dir, monitor.options.log_name, monitor.options.log_max_size, monitor.options.log_max_file);
    record_prepare(monitor.options.exit_dir, monitor.options.exit_name);
    if (monitor.options.ready >= 0) {
        int pids[2] = {getpid(), monitor.options.pid};
        if (write(monitor.options.ready, pids, sizeof pids) != sizeof pids) {
            record_write(); /* that it never began */
            record_sync();
            exit(1);        /* nobody waits for it: the first process dies with us */
        }
        close(monitor.options.ready);
    }
}

static void first_ended(int status)
{
    process_ended(&monitor.first, status);
    /* It may have become the program, or have said why not, in the moment before. */
    if (monitor.first.start_asked && monitor.options.outcome >= 0)
        start_outcome();
    look_for_oom();
    health_end();
    for (const struct process *exec = monitor.execs; exec; exec = exec->next)
        exec_kill(exec); /* where the container has no pid namespace of its own */
}

static void reap(void)
{
    struct signalfd_siginfo info;
    int status;
    pid_t pid;

    while (read(signals, &info, sizeof info) > 0)
        continue;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        for (struct process *exec = monitor.execs; exec; exec = exec->next)
            exec_heard(exec); /* it has said who it is before it ended */
        if (pid == monitor.first.pid && monitor.first.phase < ENDED)
            first_ended(status);
        for (struct process *exec = monitor.execs; exec; exec = exec->next)
            if (pid == exec->pid && exec->phase < ENDED) {
                process_ended(exec, status);
                exec_heard(exec);
            }
    }
}

/* Clients may take their time, but the container's layers are free from here on. */
static void let_go_of_layers(void)
{
    if (!monitor.options.rootfs)
        return;
    privileges_raise();
    umount2(monitor.options.rootfs, MNT_DETACH);
    privileges_lower();
}

static void finish(void)
{
    struct process *first = &monitor.first;
    char finished[TIME_TEXT];

    process_drop_streams(first);
    log_close();
    look_for_oom();
    if (first->failed) {
        first->code = process_failure_code(first);
        first->signal = 0;
    }
    record_write();
    first->phase = EXITED;
    monitor.end_at = now_ms() + LINGER_MS;
    clients_started(first);
    time_text(finished, &first->finished);
    clients_event(first, "event exited code=%d signal=%d oom=%d finished=%s", first->code, first->signal, monitor.oom, finished);
    let_go_of_layers();
    /* Nobody has to wait for the disk: it is the machine alone that could still take this with it. */
    log_sync();
    record_sync();
}

static bool is_over(const struct process *process)
{
    return process->phase == ENDED && (!process_open(process) || now_ms() >= process->drain_until);
}

static void settle(void)
{
    health_tick();
    for (struct process *exec = monitor.execs; exec; exec = exec->next)
        if (is_over(exec))
            exec_finish(exec);
    if (is_over(&monitor.first))
        finish();
    clients_settle();
    exec_settle();
}

/* Those who connected in the last moment are still heard; from then on connecting fails, and exit.json tells. */
static bool all_said(void)
{
    if (clients_left() || (monitor.execs && now_ms() < monitor.end_at))
        return false;
    if (monitor.options.listen < 0)
        return true;
    shutdown(monitor.options.listen, SHUT_RDWR);
    clients_accept();
    close(monitor.options.listen);
    monitor.options.listen = -1;
    return !clients_left();
}

/* ---- waiting ---- */

enum { SIGNALS, LISTEN, OUTCOME, OOM, FIXED };
enum { OUT, ERR, CONSOLE, INPUT, SYNC, EACH };

static void wait_for(struct process *process, struct pollfd *set)
{
    bool room = clients_have_room(process);
    set[OUT] = (struct pollfd){room ? process->out : -1, POLLIN, 0};
    set[ERR] = (struct pollfd){room ? process->err : -1, POLLIN, 0};
    set[CONSOLE] = (struct pollfd){room ? process->console : -1, POLLIN, 0};
    set[INPUT] = (struct pollfd){input_waiting(process) ? input_descriptor(process) : -1, POLLOUT, 0};
    set[SYNC] = (struct pollfd){process->sync, POLLIN, 0};
}

static void serve(struct process *process, const struct pollfd *set)
{
    if (set[SYNC].revents)
        exec_heard(process);
    if (set[OUT].revents && process->out >= 0)
        process_output(process, STREAM_OUT, &process->out);
    if (set[ERR].revents && process->err >= 0)
        process_output(process, STREAM_ERR, &process->err);
    if (set[CONSOLE].revents && process->console >= 0)
        process_output(process, STREAM_OUT, &process->console);
    if (set[INPUT].revents && input_waiting(process))
        input_write(process);
}

/* Room for everybody that is waited for; it only ever grows to what was needed at once. */
static struct pollfd *room_for(size_t count)
{
    static struct pollfd *set;
    static size_t size;
    if (count > size) {
        struct pollfd *grown = realloc(set, count * sizeof *set);
        if (!grown)
            abort();
        set = grown;
        size = count;
    }
    return set;
}

static int64_t earliest(void)
{
    int64_t until = clients_deadline(), health = health_deadline();
    if (health < until)
        until = health;
    if (monitor.first.phase == ENDED && monitor.first.drain_until < until)
        until = monitor.first.drain_until;
    if (monitor.first.phase == EXITED && monitor.end_at > now_ms() && monitor.end_at < until)
        until = monitor.end_at;
    for (const struct process *exec = monitor.execs; exec; exec = exec->next)
        if (exec->phase == ENDED && exec->drain_until < until)
            until = exec->drain_until;
    return until;
}

static void see_to_memory(const struct pollfd *event)
{
    uint64_t ignored;
    if (!event->revents)
        return;
    if (monitor.options.oom_event != monitor.options.oom_counter && read(monitor.options.oom_event, &ignored, sizeof ignored) < 0)
        ignored = 0;
    look_for_oom();
    if (event->revents & POLLNVAL)
        monitor.options.oom_event = -1;
}

static void wait_and_serve(void)
{
    size_t processes = 1, clients = clients_count();
    for (const struct process *exec = monitor.execs; exec; exec = exec->next)
        processes++;
    size_t count = FIXED + processes * EACH + clients * CLIENT_POLLS;
    struct pollfd *set = room_for(count), *at = set + FIXED;

    set[SIGNALS] = (struct pollfd){signals, POLLIN, 0};
    set[LISTEN] = (struct pollfd){clients_full() ? -1 : monitor.options.listen, POLLIN, 0};
    set[OUTCOME] = (struct pollfd){monitor.first.start_asked ? monitor.options.outcome : -1, POLLIN, 0};
    set[OOM] = (struct pollfd){monitor.first.phase < ENDED ? monitor.options.oom_event : -1,
                               monitor.options.oom_event == monitor.options.oom_counter ? POLLPRI : POLLIN, 0};
    wait_for(&monitor.first, at);
    for (struct process *exec = monitor.execs; exec; exec = exec->next)
        wait_for(exec, at += EACH);
    clients_poll(set + count - clients * CLIENT_POLLS);

    int64_t until = earliest(), left = until == INT64_MAX ? -1 : until - now_ms();
    int patience = until == INT64_MAX ? -1 : left < 0 ? 0 : left > INT32_MAX ? INT32_MAX : (int)left;
    if (poll(set, count, patience) < 0)
        return;

    see_to_memory(&set[OOM]);
    if (set[OUTCOME].revents && monitor.options.outcome >= 0)
        start_outcome();
    if (set[SIGNALS].revents)
        reap();
    serve(&monitor.first, at = set + FIXED);
    for (struct process *exec = monitor.execs; exec; exec = exec->next)
        serve(exec, at += EACH);
    clients_handle(set + count - clients * CLIENT_POLLS, clients);
    if (set[LISTEN].revents && monitor.options.listen >= 0)
        clients_accept();
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
    if (strcmp(name, "slipway-porter") == 0)
        return porter_main();
    if (strcmp(name, "slipway-monitor") != 0)
        return init_main(argv);
    if (argc < 2) {
        fprintf(stderr, "slipway-monitor is started by slipway-helper, beside each container.\n");
        return 2;
    }
    options_read(argv + 1);
    set_up();
    reap(); /* it may have been killed before there was a signalfd to tell of it */
    for (;;) {
        settle();
        if (monitor.first.phase == EXITED && all_said())
            return 0;
        wait_and_serve();
    }
}
