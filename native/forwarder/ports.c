/* forwarder/ports.c: the sockets that hold host ports. */
#include "ports.h"

#include "../companion/companion.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define BACKLOG 4096 /* the kernel takes net.core.somaxconn where that is less */

struct port *open_ports;

uint16_t endpoint_number(const struct endpoint *endpoint)
{
    const struct sockaddr_in6 *six = (const void *)&endpoint->address;
    return ntohs(endpoint->address.ss_family == AF_INET6 ? six->sin6_port : ((const struct sockaddr_in *)six)->sin_port);
}

void endpoint_set_number(struct endpoint *endpoint, uint16_t number)
{
    struct sockaddr_in6 *six = (void *)&endpoint->address;
    if (endpoint->address.ss_family == AF_INET6)
        six->sin6_port = htons(number);
    else
        ((struct sockaddr_in *)six)->sin_port = htons(number);
}

bool endpoint_is_wildcard(const struct endpoint *endpoint)
{
    const struct sockaddr_in6 *six = (const void *)&endpoint->address;
    return endpoint->address.ss_family == AF_INET6 ? IN6_IS_ADDR_UNSPECIFIED(&six->sin6_addr)
                                                   : ((const struct sockaddr_in *)six)->sin_addr.s_addr == htonl(INADDR_ANY);
}

static bool overlap(const struct endpoint *one, const struct endpoint *other)
{
    return one->address.ss_family == other->address.ss_family && endpoint_number(one) == endpoint_number(other) &&
           (endpoint_is_wildcard(one) || endpoint_is_wildcard(other) || memcmp(&one->address, &other->address, one->length) == 0);
}

/* What is only remembered has no socket that would be in the way of another. */
static bool remembered(const struct port *port)
{
    for (const struct port *other = open_ports; other; other = other->next)
        if (other->protocol == port->protocol && overlap(&other->host, &port->host))
            return true;
    return false;
}

static int bind_and_listen(struct port *port)
{
    int on = 1, backlog = port->protocol == IPPROTO_TCP ? BACKLOG : 0;
    /* Connections of the one before us may still be in TIME_WAIT. A datagram socket with this would share the port with others. */
    if (port->protocol == IPPROTO_TCP && setsockopt(port->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0)
        return errno;
    if (port->host.address.ss_family == AF_INET6 && setsockopt(port->fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) < 0)
        return errno;
    if (bind(port->fd, (struct sockaddr *)&port->host.address, port->host.length) < 0 || (backlog > 0 && listen(port->fd, backlog) < 0))
        return errno;
    int errnum = port->protocol == IPPROTO_UDP ? udp_prepare(port) : 0;
    if (errnum == 0 && port->protocol != IPPROTO_SCTP &&
        loop_add(port->fd, EPOLLIN, port->protocol == IPPROTO_TCP ? tcp_accept : udp_receive, port) < 0)
        errnum = errno;
    return errnum;
}

int port_open(struct port *port)
{
    int type = port->protocol == IPPROTO_UDP ? SOCK_DGRAM : SOCK_STREAM, errnum;
    port->fd = socket(port->host.address.ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, port->protocol);
    if (port->fd < 0) {
        if (port->protocol != IPPROTO_SCTP || (errno != EPROTONOSUPPORT && errno != ESOCKTNOSUPPORT))
            return errno;
        if (remembered(port))
            return EADDRINUSE;
    } else if ((errnum = bind_and_listen(port)) != 0) {
        udp_drop(port);
        close(port->fd);
        port->fd = -1;
        return errnum;
    }
    port->open = true;
    port->paused = false;
    port->previous = NULL;
    port->next = open_ports;
    if (open_ports)
        open_ports->previous = port;
    open_ports = port;
    return 0;
}

void port_drop(struct port *port)
{
    tcp_drop(port);
    udp_drop(port);
}

void port_close(struct port *port)
{
    if (!port->open)
        return;
    port->open = false;
    port_drop(port);
    if (port->fd >= 0) {
        loop_remove(port->fd);
        close(port->fd);
        port->fd = -1;
    }
    if (port->next)
        port->next->previous = port->previous;
    *(port->previous ? &port->previous->next : &open_ports) = port->next;
}
