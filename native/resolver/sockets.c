/* resolver/sockets.c: see sockets.h. One thread: it enters a container's network namespace to make a socket, and is back before anything else is done. */
#include "sockets.h"

#include "../base/cleanup.h"
#include "../companion/companion.h"
#include "answer.h"
#include "message.h"
#include "upstream.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define ADDRESS 0x7f00000b /* 127.0.0.11 */
#define MOST_CLIENTS 100
#define MOST_PENDING 8 /* questions of one connection under way; more wait in it */
#define IDLE_MS 10000
#define DATAGRAMS_AT_ONCE 64 /* then the others have their turn */

static int home = -1;

/* A connection inside a container. It goes in its own event or in the tick, never while it is answered. */
struct client {
    struct client *next;
    struct attachment *attachment;
    int fd;
    uint8_t *in, *out;
    size_t in_length, out_length, out_room, sent;
    size_t pending;
    int64_t active;
    bool over;    /* it asks no more */
    bool pumping; /* an answer that comes at once does not begin the next question: the loop does */
};

/* ---- in a container's network namespace ---- */

static void tick(void);

int sockets_begin(struct error *err)
{
    home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    if (home < 0)
        return fail(err, errno, "open our network namespace");
    loop_every_second(tick);
    return 0;
}

int sockets_make(int netns, int family, int type)
{
    if (netns < 0)
        return socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (setns(netns, CLONE_NEWNET) < 0)
        return -1;
    int fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), reason = errno;
    if (setns(home, CLONE_NEWNET) < 0) {
        /* In a container's namespace everything else would go wrong: a new process begins at home. */
        companion_log("cannot leave a network namespace: %s", strerror(errno));
        _exit(1);
    }
    errno = reason;
    return fd;
}

static int open_socket(const struct attachment *attachment, int type, struct error *err)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(ADDRESS)};
    cleanup_close int fd = sockets_make(attachment->netns, AF_INET, type);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0)
        return fail(err, errno, "listen on 127.0.0.11 in the container");
    if (type == SOCK_STREAM && listen(fd, 64) < 0)
        return fail(err, errno, "listen on 127.0.0.11 in the container");
    return steal_fd(&fd);
}

/* ---- datagrams ---- */

static void on_datagrams(int fd, uint32_t events, void *data)
{
    static uint8_t bytes[DNS_LARGEST];
    struct asker asker = {.attachment = data};
    (void)events;
    for (int i = 0; i < DATAGRAMS_AT_ONCE; i++) {
        socklen_t size = sizeof asker.from;
        ssize_t length = recvfrom(fd, bytes, sizeof bytes, 0, (struct sockaddr *)&asker.from, &size);
        if (length < 0)
            return;
        answer_query(&asker, bytes, (size_t)length);
    }
}

/* ---- connections ---- */

static void close_client(struct client *client)
{
    struct attachment *attachment = client->attachment;
    upstream_forget(attachment, client);
    for (struct client **at = &attachment->clients; *at; at = &(*at)->next)
        if (*at == client) {
            *at = client->next;
            break;
        }
    attachment->client_count--;
    loop_remove(client->fd);
    close(client->fd);
    free(client->in);
    free(client->out);
    free(client);
}

static bool has_room(const struct client *client)
{
    return client->pending < MOST_PENDING && client->out_length == 0;
}

static void on_client(int fd, uint32_t events, void *data);

static void wait_for_client(struct client *client)
{
    uint32_t events = (!client->over && has_room(client) ? EPOLLIN : 0) | (client->out_length > 0 ? EPOLLOUT : 0);
    loop_modify(client->fd, events, on_client, client);
}

/* Asks what is in the buffer, as far as there is room for the answers. */
static void pump(struct client *client)
{
    struct asker asker = {.attachment = client->attachment, .client = client};
    size_t at = 0;
    client->pumping = true;
    while (has_room(client) && client->in_length - at >= 2) {
        size_t length = dns_get16(client->in + at);
        if (client->in_length - at - 2 < length)
            break;
        client->pending++;
        if (!answer_query(&asker, client->in + at + 2, length))
            client->pending--;
        at += 2 + length;
    }
    client->pumping = false;
    memmove(client->in, client->in + at, client->in_length - at);
    client->in_length -= at;
    /* Its last answer is out: the end of it comes as an event. */
    if (client->over && client->pending == 0 && client->out_length == 0)
        shutdown(client->fd, SHUT_RDWR);
    wait_for_client(client);
}

static void flush(struct client *client)
{
    while (client->sent < client->out_length) {
        ssize_t count = send(client->fd, client->out + client->sent, client->out_length - client->sent, MSG_NOSIGNAL);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0 && errno == EAGAIN)
            return;
        if (count < 0) {
            shutdown(client->fd, SHUT_RDWR);
            return;
        }
        client->sent += (size_t)count;
        client->active = loop_now_ms();
    }
    client->sent = client->out_length = 0;
}

static void on_client(int fd, uint32_t events, void *data)
{
    struct client *client = data;
    if (events & (EPOLLERR | EPOLLHUP)) {
        close_client(client);
        return;
    }
    if (events & EPOLLOUT)
        flush(client);
    /* What waits is not a whole question, so there is always room for more of it. */
    if (events & EPOLLIN) {
        ssize_t count = recv(fd, client->in + client->in_length, 2 + DNS_LARGEST - client->in_length, 0);
        if (count == 0)
            client->over = true;
        if (count > 0) {
            client->in_length += (size_t)count;
            client->active = loop_now_ms();
        }
    }
    pump(client);
}

static void on_connection(int fd, uint32_t events, void *data)
{
    struct attachment *attachment = data;
    (void)events;
    cleanup_close int connection = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (connection < 0 || attachment->client_count >= MOST_CLIENTS)
        return;
    struct client *client = calloc(1, sizeof *client);
    uint8_t *in = client ? malloc(2 + DNS_LARGEST) : NULL;
    if (!in || loop_add(connection, EPOLLIN, on_client, client) < 0) {
        free(in);
        free(client);
        return;
    }
    *client = (struct client){.next = attachment->clients, .attachment = attachment, .fd = steal_fd(&connection), .in = in, .active = loop_now_ms()};
    attachment->clients = client;
    attachment->client_count++;
}

static void tick(void)
{
    int64_t now = loop_now_ms();
    for (struct attachment *attachment = attachments; attachment; attachment = attachment->next)
        for (struct client *client = attachment->clients, *next; client; client = next) {
            next = client->next;
            if (client->pending == 0 && now - client->active > IDLE_MS)
                close_client(client);
        }
}

static bool reserve(struct client *client, size_t length)
{
    if (length <= client->out_room)
        return true;
    uint8_t *more = realloc(client->out, length);
    if (!more)
        return false;
    client->out = more;
    client->out_room = length;
    return true;
}

static void answer_client(struct client *client, const uint8_t *bytes, size_t length)
{
    client->pending--;
    if (!reserve(client, client->out_length + 2 + length)) {
        shutdown(client->fd, SHUT_RDWR);
        return;
    }
    dns_put16(client->out + client->out_length, (uint16_t)length);
    memcpy(client->out + client->out_length + 2, bytes, length);
    client->out_length += 2 + length;
    flush(client);
    if (!client->pumping)
        pump(client);
}

/* ---- for the others ---- */

void sockets_answer(const struct asker *asker, const uint8_t *bytes, size_t length)
{
    if (asker->client)
        answer_client(asker->client, bytes, length);
    else if (asker->attachment->udp >= 0)
        /* Where its queue is full the client asks again. */
        sendto(asker->attachment->udp, bytes, length, MSG_NOSIGNAL, (const struct sockaddr *)&asker->from, sizeof asker->from);
}

int sockets_open(struct attachment *attachment, struct error *err)
{
    attachment->udp = open_socket(attachment, SOCK_DGRAM, err);
    TRY(attachment->udp);
    attachment->tcp = open_socket(attachment, SOCK_STREAM, err);
    TRY(attachment->tcp);
    if (loop_add(attachment->udp, EPOLLIN, on_datagrams, attachment) < 0 || loop_add(attachment->tcp, EPOLLIN, on_connection, attachment) < 0)
        return fail(err, errno, "wait for the container's questions");
    return 0;
}

void sockets_close(struct attachment *attachment)
{
    int *fds[] = {&attachment->udp, &attachment->tcp};
    while (attachment->clients)
        close_client(attachment->clients);
    upstream_forget(attachment, NULL);
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++) {
        if (*fds[i] < 0)
            continue;
        loop_remove(*fds[i]);
        close(*fds[i]);
        *fds[i] = -1;
    }
}
