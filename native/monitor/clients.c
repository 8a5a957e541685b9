/* monitor/clients.c: who is connected to monitor.sock: engines that steer (control), streams that are joined (attach), and commands to run (exec). */
#include "monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define FIRST_LINE_MS 60000 /* a client may stand still in between: its machine is busy */
#define OVERFLOW_MAX (1ull << 30)

static struct client *clients;
static size_t count;
static bool full; /* of descriptors: until somebody leaves */

static void drop(struct client *client)
{
    struct process *process = client->process;
    bool typed = client->types && !client->input_ended;

    close(client->fd);
    if (client->lent >= 0)
        close(client->lent);
    if (client->overflow >= 0)
        close(client->overflow);
    if (client->ring)
        munmap(client->ring, RING_HARD);
    free(client->record);
    client->fd = client->lent = client->overflow = -1;
    client->ring = NULL;
    client->record = NULL;
    client->process = NULL;
    full = false;
    if (process)
        process->clients--;
    if (typed && process && process->stdin_once)
        input_close(process);
}

/* Only our own user and root may speak with us; in a user namespace root outside shows as the overflow id, and the directory's mode keeps others out. */
static bool welcome(int fd)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
        return false;
    return peer.uid == geteuid() || peer.uid == 0 || (monitor.options.rootless && peer.uid == 65534);
}

void clients_accept(void)
{
    while (!clients_full()) {
        int fd = accept4(monitor.options.listen, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0) {
            full = errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS;
            return;
        }
        struct client *client = welcome(fd) ? calloc(1, sizeof *client) : NULL;
        if (!client) {
            close(fd);
            continue;
        }
        client->fd = fd;
        client->lent = client->overflow = -1;
        client->since = now_ms();
        struct client **last = &clients;
        while (*last)
            last = &(*last)->next;
        *last = client;
        count++;
    }
}

bool clients_full(void)
{
    return full || count >= CLIENTS_MAX;
}

size_t clients_count(void)
{
    return count;
}

/* ---- what they are owed ---- */

static bool owed(const struct client *client)
{
    return client->used > 0 || client->overflow >= 0;
}

/* Where its bytes go: to the client itself, or to the socket that it was lent. */
static int outlet(const struct client *client)
{
    return client->lent >= 0 ? client->lent : client->fd;
}

/* It takes no more, and learns of it; a socket that was lent is its owner's to end. */
static void cut_off(struct client *client)
{
    client->hung_up = true;
    client->used = 0;
    if (client->overflow >= 0)
        close(client->overflow);
    client->overflow = -1;
    shutdown(client->fd, SHUT_WR);
}

/* Sends what there is room for, and no more than may go this way. As sendmsg. */
static ssize_t send_parts(struct client *client, const struct iovec *parts, int count)
{
    struct iovec allowed[2];
    struct msghdr message = {.msg_iov = allowed};
    size_t room = client->until_outlet > 0 ? client->until_outlet : SIZE_MAX;

    for (int i = 0; i < count && room > 0; i++) {
        allowed[i] = (struct iovec){parts[i].iov_base, parts[i].iov_len < room ? parts[i].iov_len : room};
        room -= allowed[i].iov_len;
        message.msg_iovlen++;
    }
    ssize_t sent = sendmsg(outlet(client), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent > 0 && client->until_outlet > 0) {
        client->until_outlet -= (size_t)sent;
        client->waits_for_outlet = client->until_outlet == 0;
    }
    return sent;
}

/* Takes what the socket has room for. False: there is more than it has room for now, or than it may get. */
static bool flush_ring(struct client *client)
{
    while (client->used > 0 && !client->waits_for_outlet) {
        size_t first = RING_HARD - client->head < client->used ? RING_HARD - client->head : client->used;
        struct iovec parts[2] = {{client->ring + client->head, first}, {client->ring, client->used - first}};
        ssize_t sent = send_parts(client, parts, client->used > first ? 2 : 1);
        if (sent < 0) {
            if (errno != EAGAIN && errno != EINTR && errno != ENOBUFS)
                cut_off(client);
            return false;
        }
        client->head = (client->head + (size_t)sent) % RING_HARD;
        client->used -= (size_t)sent;
    }
    if (client->used > 0)
        return false;
    client->head = 0;
    return true;
}

/* The ring is empty: the file goes on where it ended. */
static void take_from_overflow(struct client *client)
{
    ssize_t got = pread(client->overflow, client->ring, RING_SOFT, (off_t)client->read);
    if (got <= 0) {
        cut_off(client);
        return;
    }
    client->used = (size_t)got;
    client->touched += (size_t)got;
    client->read += (uint64_t)got;
    if (client->read < client->written)
        return;
    close(client->overflow);
    client->overflow = -1;
}

static void flush(struct client *client)
{
    while (flush_ring(client) && client->overflow >= 0)
        take_from_overflow(client);
    if (!owed(client) && client->touched > READ_SIZE) { /* a burst is over: its memory goes back */
        madvise(client->ring, RING_HARD, MADV_DONTNEED);
        client->touched = 0;
    }
}

static bool open_overflow(struct client *client)
{
    char name[48];
    client->written = client->read = 0;
    client->overflow = openat(monitor.options.exit_dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (client->overflow >= 0)
        return true;
    snprintf(name, sizeof name, ".overflow-%d-%d", getpid(), client->fd); /* a file system that makes none without a name */
    client->overflow = openat(monitor.options.exit_dir, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    unlinkat(monitor.options.exit_dir, name, 0);
    return client->overflow >= 0;
}

/* The container goes on however slowly its clients read. One that owes a gigabyte, or has a full disk behind it, is cut off. */
static void overflow(struct client *client, const unsigned char *bytes, size_t length)
{
    if (client->overflow < 0 && !open_overflow(client)) {
        cut_off(client);
        return;
    }
    if (client->written - client->read + length > OVERFLOW_MAX ||
        pwrite(client->overflow, bytes, length, (off_t)client->written) != (ssize_t)length)
        cut_off(client);
    else
        client->written += length;
}

static void keep(struct client *client, const unsigned char *bytes, size_t length)
{
    if (length == 0 || client->hung_up)
        return;
    if (!client->ring) {
        client->ring = mmap(NULL, RING_HARD, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (client->ring == MAP_FAILED) {
            client->ring = NULL;
            cut_off(client);
            return;
        }
    }
    bool spills = client->kind == ATTACHED && client->process == &monitor.first;
    if (spills && (client->overflow >= 0 || client->used + length > RING_SOFT)) {
        overflow(client, bytes, length);
        return;
    }
    if (client->used + length > RING_HARD) {
        cut_off(client);
        return;
    }
    size_t tail = (client->head + client->used) % RING_HARD, first = RING_HARD - tail < length ? RING_HARD - tail : length;
    memcpy(client->ring + tail, bytes, first);
    memcpy(client->ring, bytes + first, length - first);
    client->used += length;
    client->touched += length;
}

static void deliver(struct client *client, const struct iovec *parts, int parts_count)
{
    size_t sent = 0;
    if (client->hung_up)
        return;
    if (!owed(client) && !client->waits_for_outlet) {
        ssize_t done = send_parts(client, parts, parts_count);
        if (done < 0 && errno != EAGAIN && errno != EINTR && errno != ENOBUFS) {
            cut_off(client);
            return;
        }
        sent = done > 0 ? (size_t)done : 0;
    }
    for (int i = 0; i < parts_count; i++) {
        size_t skip = sent < parts[i].iov_len ? sent : parts[i].iov_len;
        keep(client, (const unsigned char *)parts[i].iov_base + skip, parts[i].iov_len - skip);
        sent -= skip;
    }
}

static void say(struct client *client, const char *format, va_list args)
{
    char text[1024];
    int length = vsnprintf(text, sizeof text - 1, format, args);
    if (length < 0)
        return;
    if (length > (int)sizeof text - 2)
        length = sizeof text - 2;
    text[length++] = '\n';
    deliver(client, &(struct iovec){text, (size_t)length}, 1);
}

void client_say(struct client *client, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(client, format, args);
    va_end(args);
}

void client_refuse(struct client *client, int errnum, const char *step, const char *message)
{
    client_say(client, "error %d %s %s", errnum, step, message);
}

unsigned clients_event(const struct process *process, const char *format, ...)
{
    unsigned heard = 0;
    for (struct client *client = clients; client; client = client->next) {
        if (client->fd < 0 || client->kind != CONTROL || client->process != process || client->hung_up)
            continue;
        va_list args;
        va_start(args, format);
        say(client, format, args);
        va_end(args);
        heard++;
    }
    return heard;
}

static void output(struct client *client, enum stream stream, const unsigned char *bytes, size_t length)
{
    unsigned char header[8] = {stream == STREAM_OUT ? 1 : 2, 0, 0, 0, (unsigned char)(length >> 24), (unsigned char)(length >> 16),
                               (unsigned char)(length >> 8), (unsigned char)length};
    struct iovec parts[2] = {{header, sizeof header}, {(void *)bytes, length}};
    if (client->framed)
        deliver(client, parts, 2);
    else
        deliver(client, parts + 1, 1);
}

void clients_output(const struct process *process, enum stream stream, const unsigned char *bytes, size_t length)
{
    for (struct client *client = clients; client; client = client->next)
        if (client->fd >= 0 && client->kind == ATTACHED && client->process == process && client->takes[stream])
            output(client, stream, bytes, length);
}

/* An exec waits for its readers as it would at a pipe; what is left at its end fits a ring. The container's own process waits for nobody. */
bool clients_have_room(const struct process *process)
{
    if (process == &monitor.first)
        return true;
    for (const struct client *client = clients; client; client = client->next)
        if (client->fd >= 0 && client->kind == ATTACHED && client->process == process && !client->hung_up &&
            (process->phase >= ENDED ? client->used + STREAMS * (READ_SIZE + 8) > RING_HARD : client->used > 0))
            return false;
    return true;
}

/* ---- what they ask for ---- */

static bool flag(const char *line, const char *name)
{
    const char *at = strstr(line, name);
    return at && at[strlen(name)] == '1';
}

static void join(struct client *client, struct process *process, int kind)
{
    client->kind = kind;
    client->process = process;
    process->clients++;
}

/* A client that was told why it is not served, and is let go once it has read that. */
static void dismiss(struct client *client, int errnum, const char *step, const char *message)
{
    client->kind = CONTROL;
    client->input_ended = true;
    client_refuse(client, errnum, step, message);
}

/* Which process the line is about: `exec=ID`, or the container's own. */
static struct process *subject(const char *line)
{
    const char *exec = strstr(line, " exec=");
    return exec ? exec_find(exec + strlen(" exec=")) : &monitor.first;
}

static void widen(int socket)
{
    setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &(int){RING_SOFT}, sizeof(int)); /* as far as the machine lets us */
}

/* A client that asked for it gets nothing until it has said where to: one byte, and with it a socket, or none for its own. */
static void take_outlet(struct client *client)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control;
    char byte;
    struct iovec part = {&byte, 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    ssize_t got = recvmsg(client->fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        client->input_ended = true;
        cut_off(client);
        return;
    }
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
        memcpy(&client->lent, CMSG_DATA(header), sizeof client->lent);
        widen(client->lent);
    }
    client->waits_for_outlet = false;
    flush(client);
}

static void welcome_attached(struct client *client, uint64_t log, uint64_t seq)
{
    bool elsewhere = flag(client->line, " outlet=");
    const char *after = strstr(client->line, " after=");
    /* Who types could not say it later: the byte would be input. */
    size_t until = elsewhere && after && !client->types ? (size_t)strtoul(after + strlen(" after="), NULL, 10) : 0;
    char where[48] = "";

    if (until > 0)
        snprintf(where, sizeof where, " outlet=1 after=%zu", until);
    else if (elsewhere)
        snprintf(where, sizeof where, " outlet=1");
    client_say(client, "ok log=%llu seq=%llu%s", (unsigned long long)log, (unsigned long long)seq, where);
    client->until_outlet = until;
    client->waits_for_outlet = elsewhere && until == 0;
}

/* The stream goes on exactly where the log file ends now: what waits for its newline is written, and half a character goes to the client. */
static void attach(struct client *client)
{
    const unsigned char *rest;
    struct process *process = subject(client->line);

    client->awaits_exec = !process;
    if (!process)
        return; /* it comes before the exec that it belongs to; one that never comes is too late after a while */
    client->takes[STREAM_OUT] = flag(client->line, " stdout=");
    client->takes[STREAM_ERR] = flag(client->line, " stderr=");
    client->types = flag(client->line, " stdin=");
    client->framed = strstr(client->line, " framed=") ? flag(client->line, " framed=") : !process->terminal;
    widen(client->fd);
    join(client, process, ATTACHED);
    if (process != &monitor.first) {
        welcome_attached(client, 0, 0);
        exec_joined(process);
        return;
    }
    log_catch_up();
    welcome_attached(client, log_size(), log_rotations());
    for (enum stream stream = STREAM_OUT; stream < STREAMS; stream++) {
        size_t length = log_unfinished(stream, &rest);
        if (length > 0 && client->takes[stream])
            output(client, stream, rest, length);
    }
}

static void control(struct client *client)
{
    struct process *process = subject(client->line);
    const struct exec_end *end;
    char started[TIME_TEXT], finished[TIME_TEXT];

    if (process) {
        join(client, process, CONTROL);
        control_hello(client);
        return;
    }
    if (!(end = exec_ended(strstr(client->line, " exec=") + strlen(" exec=")))) {
        dismiss(client, ENOENT, "control", "there is no such exec");
        return;
    }
    client->kind = CONTROL;
    client->input_ended = true;
    time_text(started, &end->started);
    time_text(finished, &end->finished);
    client_say(client, "state exited pid=%d started=%s code=%d signal=%d oom=0 finished=%s", end->pid, started, end->code, end->signal, finished);
}

/* `exec 1 ID LENGTH`, then the record. */
static bool expect_record(struct client *client)
{
    char id[EXEC_ID + 1] = "";
    unsigned long length = 0;
    if (sscanf(client->line, "exec 1 %16[0-9a-f] %lu", id, &length) != 2 || strlen(id) != EXEC_ID || length == 0 || length > EXEC_RECORD_MAX) {
        dismiss(client, EINVAL, "exec", "the line is `exec 1 ID LENGTH`");
        return false;
    }
    client->record = malloc(length);
    client->record_size = length;
    if (!client->record)
        dismiss(client, ENOMEM, "exec", "out of memory");
    return client->record != NULL;
}

static void take_record(struct client *client)
{
    ssize_t got = recv(client->fd, client->record + client->record_length, client->record_size - client->record_length, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        drop(client);
        return;
    }
    client->record_length += (size_t)got;
    if (client->record_length < client->record_size)
        return;
    struct process *process = exec_create(client->line + strlen("exec 1 "), client->record, client->record_size);
    client->record = NULL;
    if (!process) {
        dismiss(client, errno, "exec", errno == EEXIST ? "there is an exec of that id" : strerror(errno));
        return;
    }
    join(client, process, CONTROL);
    control_hello(client);
    for (struct client *early = clients; early; early = early->next)
        if (early->awaits_exec)
            attach(early);
}

static void first_line(struct client *client)
{
    size_t room = sizeof client->line - 1 - client->length;
    ssize_t seen = recv(client->fd, client->line + client->length, room, MSG_PEEK | MSG_DONTWAIT);
    if (seen < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (seen <= 0) {
        drop(client);
        return;
    }
    /* What follows the line belongs to whoever reads next: only the line is taken. */
    char *newline = memchr(client->line + client->length, '\n', (size_t)seen);
    size_t take = newline ? (size_t)(newline - client->line) + 1 - client->length : (size_t)seen;
    recv(client->fd, client->line + client->length, take, MSG_DONTWAIT);
    client->length += take;
    if (!newline) {
        if (client->length == sizeof client->line - 1)
            drop(client);
        return;
    }
    *newline = '\0';
    client->length = 0;
    if (strcmp(client->line, "control 1") == 0 || strncmp(client->line, "control 1 exec=", 15) == 0)
        control(client);
    else if (strncmp(client->line, "attach ", 7) == 0)
        attach(client);
    else if (strncmp(client->line, "exec 1 ", 7) == 0 && expect_record(client))
        take_record(client); /* most of them are there already */
    else if (client->kind == SILENT)
        dismiss(client, EINVAL, "hello", "unknown request: the first line is `control 1`, `attach …` or `exec 1 …`");
}

/* The whole lines that are there, one after the other, as far as the outcome of a start is not being waited for. */
static void commands(struct client *client)
{
    char *newline;
    while (!client->awaits_start && (newline = memchr(client->line, '\n', client->length)) != NULL) {
        size_t used = (size_t)(newline - client->line) + 1;
        *newline = '\0';
        control_command(client, client->line);
        memmove(client->line, client->line + used, client->length - used);
        client->length -= used;
    }
    if (client->length == sizeof client->line) {
        client_refuse(client, E2BIG, "command", "the line is too long");
        client->input_ended = true;
    }
}

static void receive(struct client *client)
{
    char nobody[4096];
    ssize_t got;

    if (client->kind == CONTROL)
        got = recv(client->fd, client->line + client->length, sizeof client->line - client->length, MSG_DONTWAIT);
    else if (client->types)
        got = input_receive(client->process, client->fd);
    else
        got = recv(client->fd, nobody, sizeof nobody, MSG_DONTWAIT);

    if (got > 0) {
        if (client->kind == CONTROL) {
            client->length += (size_t)got;
            commands(client);
        }
    } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
        client->input_ended = true;
        client->until_outlet = 0; /* it cannot say any more where to: to itself */
        if (client->types && client->process->stdin_once)
            input_close(client->process);
    }
}

static bool listens(const struct client *client)
{
    if (client->kind == ATTACHED)
        return !client->input_ended && (client->waits_for_outlet || !client->types || input_wanted(client->process));
    return !client->input_ended && !client->awaits_start && !client->awaits_exec;
}

void clients_poll(struct pollfd *set)
{
    for (struct client *client = clients; client; client = client->next, set += CLIENT_POLLS) {
        bool flushes = owed(client) && !client->waits_for_outlet;
        short events = (short)((listens(client) ? POLLIN : 0) | (flushes && client->lent < 0 ? POLLOUT : 0));
        /* A peer that hung up would be reported again and again; until its input can be taken there is nothing to do for it. */
        set[0] = (struct pollfd){.fd = client->hung_up && events == 0 ? -1 : client->fd, .events = events};
        set[1] = (struct pollfd){.fd = flushes ? client->lent : -1, .events = POLLOUT};
    }
}

static void handle(struct client *client, short events)
{
    if (events & POLLOUT)
        flush(client);
    if ((events & (POLLIN | POLLHUP | POLLERR)) && listens(client)) {
        if (client->kind == SILENT && client->record)
            take_record(client);
        else if (client->kind == SILENT)
            first_line(client);
        else if (client->waits_for_outlet)
            take_outlet(client);
        else
            receive(client);
    }
    if (client->fd >= 0 && (events & (POLLHUP | POLLERR)))
        cut_off(client);
}

void clients_handle(const struct pollfd *set, size_t polled)
{
    for (struct client *client = clients; client && polled > 0; client = client->next, set += CLIENT_POLLS, polled--) {
        if (client->lent >= 0 && set[1].fd == client->lent && set[1].revents != 0)
            flush(client);
        if (client->fd >= 0 && set[0].fd == client->fd && set[0].revents != 0)
            handle(client, set[0].revents);
    }
}

/* Its process has ended, or will never begin, and it has been told. Who steers and does not listen is not waited for for ever. */
static bool is_over(const struct client *client, int64_t now)
{
    const struct process *process = client->process;
    bool ended = process && (process->phase == EXITED || (process->phase == CREATED && monitor.first.phase == EXITED));
    return ended && (!owed(client) || (client->kind == CONTROL && monitor.end_at > 0 && now >= monitor.end_at));
}

void clients_settle(void)
{
    int64_t now = now_ms();

    for (struct client **at = &clients; *at;) {
        struct client *client = *at;
        bool done = client->input_ended && !owed(client) && client->kind == CONTROL && !client->awaits_start;
        bool over = is_over(client, now);
        bool gone = client->hung_up && (client->input_ended || !client->types);
        bool late = client->kind == SILENT && now - client->since >= FIRST_LINE_MS;
        if (client->fd >= 0 && (done || over || gone || late))
            drop(client);
        if (client->fd >= 0) {
            at = &client->next;
            continue;
        }
        *at = client->next;
        free(client);
        count--;
    }
}

void clients_started(struct process *process)
{
    for (struct client *client = clients; client; client = client->next) {
        if (client->fd < 0 || !client->awaits_start || client->process != process)
            continue;
        client->awaits_start = false;
        control_start_answer(client);
        commands(client);
    }
}

void clients_go_on(struct process *process)
{
    for (struct client *client = clients; client; client = client->next)
        if (client->fd >= 0 && client->awaits_start && client->process == process)
            control_start(client);
}

int64_t clients_deadline(void)
{
    int64_t first = INT64_MAX;
    for (const struct client *client = clients; client; client = client->next)
        if (client->fd >= 0 && client->kind == SILENT && client->since + FIRST_LINE_MS < first)
            first = client->since + FIRST_LINE_MS;
    return first;
}

bool clients_left(void)
{
    return count > 0;
}
