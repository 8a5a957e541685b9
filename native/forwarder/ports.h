/* forwarder/ports.h: one host port that is held: its socket, and what is being relayed from there. */
#ifndef SLIPWAY_FORWARDER_PORTS_H
#define SLIPWAY_FORWARDER_PORTS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct endpoint {
    char text[64]; /* the address as it was written */
    struct sockaddr_storage address;
    socklen_t length;
};

struct relay;
struct flows;

struct port {
    int protocol; /* IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP */
    struct endpoint host, target;
    int fd;      /* -1: not open, or SCTP on a kernel without it */
    bool open;
    bool paused; /* TCP: no descriptor was free for another connection */
    bool claimed; /* by the wish that is being granted */
    struct relay *relays; /* TCP */
    struct flows *flows;  /* UDP */
    struct port *next, *previous; /* of all open ones */
};

/* The open ports, in no order. */
extern struct port *open_ports;

uint16_t endpoint_number(const struct endpoint *endpoint);
void endpoint_set_number(struct endpoint *endpoint, uint16_t number);
bool endpoint_is_wildcard(const struct endpoint *endpoint);

/* Binds and listens. 0, or an errno. */
int port_open(struct port *port);
/* Closes it with all that is being relayed. */
void port_close(struct port *port);
/* Ends what is being relayed: its target is another now. */
void port_drop(struct port *port);

/* tcp.c */
void tcp_accept(int fd, uint32_t events, void *port);
void tcp_drop(struct port *port);
/* Listeners that were paused accept again. */
void tcp_resume(void);

/* udp.c */
int udp_prepare(struct port *port); /* 0, or an errno */
void udp_receive(int fd, uint32_t events, void *port);
void udp_drop(struct port *port);
/* Each second: who was silent for too long is forgotten. */
void udp_expire(void);

#endif
