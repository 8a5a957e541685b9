/* forwarder/udp.c: datagrams. Who sends some to a held port has a socket of its own towards the target, until it was silent for a while. */
#include "../base/cleanup.h"
#include "../companion/companion.h"
#include "ports.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define BUCKETS 1024
#define MOST_FLOWS 4096
#define SILENCE_MS 90000
#define DATAGRAMS 64 /* at once: then others have their turn */

/* Who sent, and to which of this machine's addresses: answers come from there. */
struct peer {
    struct sockaddr_storage from;
    socklen_t from_length;
    union {
        struct in_addr four;
        struct in6_addr six;
    } to;
};

struct flow {
    struct peer peer;
    int fd;
    int64_t last;
    struct port *port;
    struct flow *next_in_bucket;
    struct flow *newer, *older;
};

struct flows {
    struct flow *buckets[BUCKETS];
    struct flow *newest, *oldest;
    size_t count;
};

static char buffer[65536];

int udp_prepare(struct port *port)
{
    int on = 1;
    if (endpoint_is_wildcard(&port->host)) {
        bool six = port->host.address.ss_family == AF_INET6;
        if (setsockopt(port->fd, six ? IPPROTO_IPV6 : IPPROTO_IP, six ? IPV6_RECVPKTINFO : IP_PKTINFO, &on, sizeof on) < 0)
            return errno;
    }
    port->flows = calloc(1, sizeof *port->flows);
    return port->flows ? 0 : ENOMEM;
}

static struct flow **bucket_of(struct flows *flows, const struct peer *peer)
{
    uint32_t hash = 2166136261u;
    const unsigned char *bytes = (const void *)peer;
    for (size_t i = 0; i < sizeof *peer; i++)
        hash = (hash ^ bytes[i]) * 16777619u;
    return &flows->buckets[hash % BUCKETS];
}

static void unlink_from_age(struct flows *flows, struct flow *flow)
{
    *(flow->newer ? &flow->newer->older : &flows->newest) = flow->older;
    *(flow->older ? &flow->older->newer : &flows->oldest) = flow->newer;
}

static void put_newest(struct flows *flows, struct flow *flow)
{
    flow->newer = NULL;
    flow->older = flows->newest;
    *(flows->newest ? &flows->newest->newer : &flows->oldest) = flow;
    flows->newest = flow;
    flow->last = loop_now_ms();
}

static void used(struct flow *flow)
{
    struct flows *flows = flow->port->flows;
    unlink_from_age(flows, flow);
    put_newest(flows, flow);
}

static void end(struct flow *flow)
{
    struct flows *flows = flow->port->flows;
    struct flow **at = bucket_of(flows, &flow->peer);
    while (*at != flow)
        at = &(*at)->next_in_bucket;
    *at = flow->next_in_bucket;
    unlink_from_age(flows, flow);
    flows->count--;
    loop_remove(flow->fd);
    close(flow->fd);
    free(flow);
}

static void end_all(struct flows *flows)
{
    while (flows->oldest)
        end(flows->oldest);
}

void udp_drop(struct port *port)
{
    if (!port->flows)
        return;
    end_all(port->flows);
    if (port->open)
        return;
    free(port->flows);
    port->flows = NULL;
}

void udp_expire(void)
{
    int64_t before = loop_now_ms() - SILENCE_MS;
    for (struct port *port = open_ports; port; port = port->next)
        while (port->flows && port->flows->oldest && port->flows->oldest->last < before)
            end(port->flows->oldest);
}

/* ---- answers ---- */

static void send_back(struct flow *flow, size_t length)
{
    struct peer *peer = &flow->peer;
    union {
        char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))];
        struct cmsghdr align;
    } control = {0};
    struct iovec part = {buffer, length};
    struct msghdr message = {.msg_name = &peer->from, .msg_namelen = peer->from_length, .msg_iov = &part, .msg_iovlen = 1};
    if (endpoint_is_wildcard(&flow->port->host)) {
        message.msg_control = &control;
        struct cmsghdr *header = &control.align;
        if (peer->from.ss_family == AF_INET6) {
            struct in6_pktinfo info = {.ipi6_addr = peer->to.six};
            if (IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr))
                info.ipi6_ifindex = ((struct sockaddr_in6 *)&peer->from)->sin6_scope_id;
            *header = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof info), .cmsg_level = IPPROTO_IPV6, .cmsg_type = IPV6_PKTINFO};
            memcpy(CMSG_DATA(header), &info, sizeof info);
            message.msg_controllen = CMSG_SPACE(sizeof info);
        } else {
            struct in_pktinfo info = {.ipi_spec_dst = peer->to.four};
            *header = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof info), .cmsg_level = IPPROTO_IP, .cmsg_type = IP_PKTINFO};
            memcpy(CMSG_DATA(header), &info, sizeof info);
            message.msg_controllen = CMSG_SPACE(sizeof info);
        }
    }
    sendmsg(flow->port->fd, &message, MSG_NOSIGNAL); /* what there is no room for is lost, as datagrams are */
}

static void answer_ready(int fd, uint32_t events, void *data)
{
    struct flow *flow = data;
    (void)events;
    for (int i = 0; i < DATAGRAMS; i++) {
        ssize_t length = recv(fd, buffer, sizeof buffer, 0);
        if (length < 0 && errno != ECONNREFUSED && errno != EINTR) /* refused: the container has no such socket now, and may yet */
            return;
        if (length < 0)
            continue;
        send_back(flow, (size_t)length);
        used(flow);
    }
}

/* ---- questions ---- */

static struct flow *find(struct port *port, const struct peer *peer)
{
    struct flow *flow = *bucket_of(port->flows, peer);
    while (flow && memcmp(&flow->peer, peer, sizeof *peer) != 0)
        flow = flow->next_in_bucket;
    return flow;
}

static struct flow *begin(struct port *port, const struct peer *peer)
{
    const struct endpoint *to = &port->target;
    const int type = SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
    cleanup_close int fd = socket(to->address.ss_family, type, 0);
    if (fd < 0 && (errno == EMFILE || errno == ENFILE) && port->flows->oldest) {
        end(port->flows->oldest);
        fd = socket(to->address.ss_family, type, 0);
    }
    if (fd < 0 || connect(fd, (const struct sockaddr *)&to->address, to->length) < 0)
        return NULL;
    struct flow *flow = calloc(1, sizeof *flow);
    if (!flow)
        return NULL;
    if (port->flows->count == MOST_FLOWS)
        end(port->flows->oldest);
    flow->peer = *peer;
    flow->port = port;
    if (loop_add(fd, EPOLLIN, answer_ready, flow) < 0) {
        free(flow);
        return NULL;
    }
    flow->fd = steal_fd(&fd);
    struct flow **bucket = bucket_of(port->flows, peer);
    flow->next_in_bucket = *bucket;
    *bucket = flow;
    put_newest(port->flows, flow);
    port->flows->count++;
    return flow;
}

/* Which of our addresses it was sent to. */
static void read_destination(struct msghdr *message, struct peer *peer)
{
    for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header; header = CMSG_NXTHDR(message, header)) {
        if (header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;
            memcpy(&info, CMSG_DATA(header), sizeof info);
            peer->to.four = info.ipi_spec_dst;
        } else if (header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo info;
            memcpy(&info, CMSG_DATA(header), sizeof info);
            peer->to.six = info.ipi6_addr;
        }
    }
}

void udp_receive(int fd, uint32_t events, void *data)
{
    struct port *port = data;
    (void)events;
    for (int i = 0; i < DATAGRAMS; i++) {
        struct peer peer;
        union {
            char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))];
            struct cmsghdr align;
        } control;
        memset(&peer, 0, sizeof peer); /* compared byte by byte */
        struct iovec part = {buffer, sizeof buffer};
        struct msghdr message = {.msg_name = &peer.from,
                                 .msg_namelen = sizeof peer.from,
                                 .msg_iov = &part,
                                 .msg_iovlen = 1,
                                 .msg_control = &control,
                                 .msg_controllen = sizeof control};
        ssize_t length = recvmsg(fd, &message, 0);
        if (length < 0 && errno == EINTR)
            continue;
        if (length < 0)
            return;
        peer.from_length = message.msg_namelen;
        read_destination(&message, &peer);
        struct flow *flow = find(port, &peer);
        if (!flow && !(flow = begin(port, &peer)))
            continue;
        used(flow);
        if (send(flow->fd, buffer, (size_t)length, MSG_NOSIGNAL) < 0 && errno == ECONNREFUSED)
            send(flow->fd, buffer, (size_t)length, MSG_NOSIGNAL); /* that was about the one before */
    }
}
