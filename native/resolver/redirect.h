/* resolver/redirect.h: packet rules inside a container: 127.0.0.11 port 53 is our sockets' ports, so that port 53 stays the container's own. */
#ifndef SLIPWAY_RESOLVER_REDIRECT_H
#define SLIPWAY_RESOLVER_REDIRECT_H

#include "../base/error.h"

#include <stdint.h>

/* Replaces the table `ip slipway-dns` in the network namespace. */
int redirect_to(int netns, uint16_t udp_port, uint16_t tcp_port, struct error *err);
/* Takes it away. */
int redirect_remove(int netns, struct error *err);

#endif
