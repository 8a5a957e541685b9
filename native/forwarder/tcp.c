/* forwarder/tcp.c: connections that are relayed, both ways, each end of each way by itself. */
#include "../companion/companion.h"
#include "ports.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define ACCEPTS 64 /* and reads at once: then others have their turn */
#define READS 16

/* One end. What it says goes to the other; only what that one does not take at once is kept, and nothing more is read until it has. */
struct side {
    int fd;
    struct relay *relay;
    struct side *other;
    char *left; /* for this end, not taken yet */
    size_t start, end;
    bool ended; /* it says no more */
    bool shut;  /* it was told that nothing more comes */
    uint32_t events; /* that we wait for; 0: it is not in the loop */
};

struct relay {
    struct side client, target;
    struct port *port;
    bool connecting;
    struct relay *next, *previous;
};

static char buffer[128 * 1024];
static size_t paused;

/* A connection needs two descriptors: one is kept for the second, so that who was accepted need not be turned away. */
static int spare = -1;

static bool has_spare(void)
{
    if (spare < 0)
        spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
    return spare >= 0;
}

static int open_socket(int family)
{
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 || spare < 0 || (errno != EMFILE && errno != ENFILE))
        return fd;
    close(spare);
    spare = -1;
    return socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

static void forget(struct side *side, bool reset)
{
    static const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    if (side->events)
        loop_remove(side->fd);
    if (reset)
        setsockopt(side->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(side->fd);
    free(side->left);
}

/* `reset`: it did not end well, which both ends shall know. */
static void end(struct relay *relay, bool reset)
{
    forget(&relay->client, reset);
    forget(&relay->target, reset);
    if (relay->next)
        relay->next->previous = relay->previous;
    *(relay->previous ? &relay->previous->next : &relay->port->relays) = relay->next;
    free(relay);
    tcp_resume();
}

void tcp_drop(struct port *port)
{
    while (port->relays)
        end(port->relays, true);
}

/* It takes nothing any more. What it has said is still for the other. */
static void turn_deaf(struct side *to)
{
    free(to->left);
    to->left = NULL;
    to->shut = to->other->ended = true;
}

static bool keep(struct side *to, const char *bytes, size_t length)
{
    to->left = malloc(length);
    if (!to->left)
        return false;
    memcpy(to->left, bytes, length);
    to->start = 0;
    to->end = length;
    return true;
}

/* Bytes that `to` took; 0 where it has no room now. */
static size_t offer(struct side *to, const char *bytes, size_t length)
{
    ssize_t sent = send(to->fd, bytes, length, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN && errno != EINTR)
        turn_deaf(to);
    return sent > 0 ? (size_t)sent : 0;
}

static void flush(struct side *to)
{
    to->start += offer(to, to->left + to->start, to->end - to->start);
    if (to->left && to->start == to->end) {
        free(to->left);
        to->left = NULL;
    }
}

/* False: it broke. */
static bool pump(struct side *from)
{
    struct side *to = from->other;
    for (int i = 0; i < READS && !from->ended && !to->left; i++) {
        ssize_t got = recv(from->fd, buffer, sizeof buffer, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return errno == EAGAIN;
        if (got == 0) {
            from->ended = true;
            break;
        }
        size_t sent = offer(to, buffer, (size_t)got);
        if (!to->shut && sent < (size_t)got && !keep(to, buffer + sent, (size_t)got - sent))
            return false;
    }
    return true;
}

static void side_ready(int fd, uint32_t events, void *data);

static bool wait_for(struct side *side, uint32_t events)
{
    int result = 0;
    if (events == side->events)
        return true;
    /* One that nothing is expected of would still tell of its hanging up, again and again. */
    if (events == 0)
        loop_remove(side->fd);
    else if (side->events == 0)
        result = loop_add(side->fd, events, side_ready, side);
    else
        result = loop_modify(side->fd, events, side_ready, side);
    side->events = result < 0 ? side->events : events;
    return result == 0;
}

static uint32_t wanted(const struct side *side)
{
    return (!side->ended && !side->other->left ? EPOLLIN : 0) | (side->left ? EPOLLOUT : 0);
}

static void pass_on_end(struct side *from)
{
    if (!from->ended || from->other->left || from->other->shut)
        return;
    shutdown(from->other->fd, SHUT_WR);
    from->other->shut = true;
}

/* What follows from what has just happened. */
static void settle(struct relay *relay)
{
    pass_on_end(&relay->client);
    pass_on_end(&relay->target);
    if (relay->client.shut && relay->target.shut)
        end(relay, false);
    else if (!wait_for(&relay->client, wanted(&relay->client)) || !wait_for(&relay->target, wanted(&relay->target)))
        end(relay, true);
}

static bool connected(struct side *target)
{
    int errnum = 0;
    socklen_t size = sizeof errnum;
    return getsockopt(target->fd, SOL_SOCKET, SO_ERROR, &errnum, &size) == 0 && errnum == 0;
}

static void side_ready(int fd, uint32_t events, void *data)
{
    struct side *side = data;
    struct relay *relay = side->relay;
    (void)fd, (void)events;
    if (relay->connecting) {
        if (!connected(side)) {
            end(relay, true);
            return;
        }
        relay->connecting = false;
        settle(relay);
        return;
    }
    if (side->left)
        flush(side);
    if (!side->ended && !pump(side))
        end(relay, true);
    else
        settle(relay);
}

static void set_up(int fd)
{
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on); /* an end that is gone without a word */
}

static void begin(struct port *port, int client)
{
    const struct endpoint *to = &port->target;
    struct relay *relay = calloc(1, sizeof *relay);
    int target = open_socket(to->address.ss_family);
    struct side nobody = {.fd = client};
    if (!relay || target < 0) {
        if (target >= 0)
            close(target);
        free(relay);
        forget(&nobody, true);
        return;
    }
    relay->client = (struct side){.fd = client, .relay = relay, .other = &relay->target};
    relay->target = (struct side){.fd = target, .relay = relay, .other = &relay->client};
    relay->port = port;
    relay->connecting = true;
    relay->next = port->relays;
    if (port->relays)
        port->relays->previous = relay;
    port->relays = relay;
    set_up(client);
    set_up(target);
    if ((connect(target, (const struct sockaddr *)&to->address, to->length) < 0 && errno != EINPROGRESS) || !wait_for(&relay->target, EPOLLOUT))
        end(relay, true);
}

static void pause_accepting(struct port *port)
{
    loop_remove(port->fd);
    port->paused = true;
    paused++;
}

void tcp_resume(void)
{
    if (paused == 0 || !has_spare())
        return;
    paused = 0; /* counted anew: some may have been closed */
    for (struct port *port = open_ports; port; port = port->next)
        if (port->paused && loop_add(port->fd, EPOLLIN, tcp_accept, port) == 0)
            port->paused = false;
        else
            paused += port->paused;
}

void tcp_accept(int fd, uint32_t events, void *data)
{
    struct port *port = data;
    (void)events;
    for (int i = 0; i < ACCEPTS; i++) {
        if (!has_spare()) {
            pause_accepting(port);
            return;
        }
        int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (client >= 0) {
            begin(port, client);
            continue;
        }
        /* It would be ready again at once. Those who wait are in the kernel's queue. */
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
            pause_accepting(port);
        if (errno != ECONNABORTED && errno != EINTR)
            return;
    }
}
