/* monitor/clients.c: who is connected to monitor.sock: engines that steer (control) and streams that are joined (attach). */
#include "monitor.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define FIRST_LINE_MS 10000
#define FULL_MS 30000

struct client clients[CLIENTS];

void clients_open(void)
{
    for (int i = 0; i < CLIENTS; i++)
        clients[i].fd = -1;
}

static void drop(struct client *client)
{
    bool typed = client->types && !client->input_ended;

    close(client->fd);
    if (client->ring)
        munmap(client->ring, RING_HARD);
    memset(client, 0, sizeof *client);
    client->fd = -1;
    if (typed && monitor.options.stdin_once)
        input_close();
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
    for (;;) {
        int fd = accept4(monitor.options.listen, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0)
            return;
        struct client *client = NULL;
        for (int i = 0; i < CLIENTS && !client; i++)
            if (clients[i].fd < 0)
                client = &clients[i];
        if (!client || !welcome(fd)) {
            close(fd);
            continue;
        }
        client->fd = fd;
        client->since = now_ms();
    }
}

/* Takes what the socket has room for. */
static void flush(struct client *client)
{
    while (client->used > 0) {
        size_t first = RING_HARD - client->head < client->used ? RING_HARD - client->head : client->used;
        struct iovec parts[2] = {{client->ring + client->head, first}, {client->ring, client->used - first}};
        struct msghdr message = {.msg_iov = parts, .msg_iovlen = client->used > first ? 2 : 1};
        ssize_t sent = sendmsg(client->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0) {
            if (errno != EAGAIN && errno != EINTR && errno != ENOBUFS) {
                client->hung_up = true;
                client->used = 0;
            }
            return;
        }
        client->head = (client->head + (size_t)sent) % RING_HARD;
        client->used -= (size_t)sent;
        client->full_since = 0;
    }
    client->head = 0;
    if (client->touched > READ_SIZE) { /* a burst is over: its memory goes back */
        madvise(client->ring, RING_HARD, MADV_DONTNEED);
        client->touched = 0;
    }
}

static void keep(struct client *client, const unsigned char *bytes, size_t length)
{
    size_t tail = (client->head + client->used) % RING_HARD, first = RING_HARD - tail < length ? RING_HARD - tail : length;
    memcpy(client->ring + tail, bytes, first);
    memcpy(client->ring, bytes + first, length - first);
    client->used += length;
    client->touched += length;
}

/* All of it or nothing: a client whose ring overflows in spite of everything is cut off, never given half. */
static void deliver(struct client *client, const struct iovec *parts, int count)
{
    size_t length = 0, sent = 0;
    for (int i = 0; i < count; i++)
        length += parts[i].iov_len;
    if (client->hung_up)
        return;
    if (client->used + length > RING_HARD) {
        client->hung_up = true;
        client->used = 0;
        return;
    }
    if (client->used == 0) {
        struct msghdr message = {.msg_iov = (struct iovec *)parts, .msg_iovlen = (size_t)count};
        ssize_t done = sendmsg(client->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (done < 0 && errno != EAGAIN && errno != EINTR && errno != ENOBUFS) {
            client->hung_up = true;
            return;
        }
        sent = done > 0 ? (size_t)done : 0;
    }
    for (int i = 0; i < count; i++) {
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

void clients_event(const char *format, ...)
{
    for (struct client *client = clients; client < clients + CLIENTS; client++) {
        if (client->fd < 0 || client->kind != CONTROL)
            continue;
        va_list args;
        va_start(args, format);
        say(client, format, args);
        va_end(args);
    }
}

/* With a terminal its bytes as they are; without, one of Docker's frames. */
static void output(struct client *client, enum stream stream, const unsigned char *bytes, size_t length)
{
    unsigned char header[8] = {stream == STREAM_OUT ? 1 : 2, 0, 0, 0, (unsigned char)(length >> 24), (unsigned char)(length >> 16),
                               (unsigned char)(length >> 8), (unsigned char)length};
    struct iovec parts[2] = {{header, sizeof header}, {(void *)bytes, length}};
    if (monitor.options.console >= 0)
        deliver(client, parts + 1, 1);
    else
        deliver(client, parts, 2);
}

void clients_output(enum stream stream, const unsigned char *bytes, size_t length)
{
    for (struct client *client = clients; client < clients + CLIENTS; client++)
        if (client->fd >= 0 && client->kind == ATTACHED && client->takes[stream])
            output(client, stream, bytes, length);
}

bool clients_have_room(size_t length)
{
    size_t limit = monitor.phase >= ENDED ? RING_HARD : RING_SOFT;
    bool room = true;
    for (struct client *client = clients; client < clients + CLIENTS; client++) {
        if (client->fd < 0 || client->kind != ATTACHED || client->hung_up || client->used + length <= limit)
            continue;
        if (client->full_since == 0)
            client->full_since = now_ms();
        room = false;
    }
    return room;
}

static bool flag(const char *line, const char *name)
{
    const char *at = strstr(line, name);
    return at && at[strlen(name)] == '1';
}

/* The stream goes on exactly where the log file ends now: what waits for its newline is written, and half a character goes to the client. */
static void attach(struct client *client)
{
    const unsigned char *rest;

    client->takes[STREAM_OUT] = flag(client->line, " stdout=");
    client->takes[STREAM_ERR] = flag(client->line, " stderr=");
    client->types = flag(client->line, " stdin=");
    log_catch_up();
    client->kind = ATTACHED;
    client_say(client, "ok log=%llu seq=%llu", (unsigned long long)log_size(), (unsigned long long)log_rotations());
    for (enum stream stream = STREAM_OUT; stream < STREAMS; stream++) {
        size_t length = log_unfinished(stream, &rest);
        if (length > 0 && client->takes[stream])
            output(client, stream, rest, length);
    }
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
    client->ring = mmap(NULL, RING_HARD, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (client->ring == MAP_FAILED) {
        client->ring = NULL;
        drop(client);
    } else if (strcmp(client->line, "control 1") == 0) {
        client->kind = CONTROL;
        control_hello(client);
    } else if (strncmp(client->line, "attach ", 7) == 0) {
        attach(client);
    } else {
        client->kind = CONTROL;
        client_say(client, "error %d hello unknown request: the first line is `control 1` or `attach …`", EINVAL);
        client->input_ended = true;
    }
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
        client_say(client, "error %d command the line is too long", E2BIG);
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
        got = input_receive(client->fd);
    else
        got = recv(client->fd, nobody, sizeof nobody, MSG_DONTWAIT);

    if (got > 0) {
        if (client->kind == CONTROL) {
            client->length += (size_t)got;
            commands(client);
        }
    } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
        client->input_ended = true;
        if (client->types && monitor.options.stdin_once)
            input_close();
    }
}

static bool listens(const struct client *client)
{
    if (client->kind == ATTACHED)
        return !client->input_ended && (!client->types || input_wanted());
    return !client->input_ended && !client->awaits_start;
}

void clients_poll(struct pollfd *set)
{
    for (int i = 0; i < CLIENTS; i++) {
        struct client *client = &clients[i];
        short events = (short)((listens(client) ? POLLIN : 0) | (client->used > 0 ? POLLOUT : 0));
        /* A peer that hung up would be reported again and again; until its input can be taken there is nothing to do for it. */
        set[i] = (struct pollfd){.fd = client->hung_up && events == 0 ? -1 : client->fd, .events = events};
    }
}

void clients_handle(const struct pollfd *set)
{
    for (int i = 0; i < CLIENTS; i++) {
        struct client *client = &clients[i];
        if (client->fd < 0 || set[i].fd != client->fd || set[i].revents == 0)
            continue;
        if (set[i].revents & POLLOUT)
            flush(client);
        if ((set[i].revents & (POLLIN | POLLHUP | POLLERR)) && listens(client)) {
            if (client->kind == SILENT)
                first_line(client);
            else
                receive(client);
        }
        if (client->fd >= 0 && (set[i].revents & (POLLHUP | POLLERR))) {
            client->hung_up = true;
            client->used = 0;
        }
    }
}

void clients_settle(void)
{
    int64_t now = now_ms();

    for (struct client *client = clients; client < clients + CLIENTS; client++) {
        bool done = client->input_ended && client->used == 0 && client->kind == CONTROL && !client->awaits_start;
        bool over = monitor.phase == EXITED && client->kind != SILENT && client->used == 0;
        bool gone = client->hung_up && (client->input_ended || !client->types);
        bool late = client->kind == SILENT && now - client->since >= FIRST_LINE_MS;
        bool stuck = client->full_since != 0 && now - client->full_since >= FULL_MS;
        if (client->fd >= 0 && (done || over || gone || late || stuck))
            drop(client);
    }
}

void clients_started(void)
{
    for (struct client *client = clients; client < clients + CLIENTS; client++) {
        if (client->fd < 0 || !client->awaits_start)
            continue;
        client->awaits_start = false;
        control_start_answer(client);
        commands(client);
    }
}

int64_t clients_deadline(void)
{
    int64_t first = INT64_MAX;
    for (const struct client *client = clients; client < clients + CLIENTS; client++) {
        int64_t at = client->fd < 0          ? INT64_MAX
                     : client->kind == SILENT ? client->since + FIRST_LINE_MS
                     : client->full_since != 0 ? client->full_since + FULL_MS
                                               : INT64_MAX;
        first = at < first ? at : first;
    }
    return first;
}

bool clients_left(void)
{
    for (const struct client *client = clients; client < clients + CLIENTS; client++)
        if (client->fd >= 0)
            return true;
    return false;
}
