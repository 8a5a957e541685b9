/* kernel/addresses.h: addresses and default routes of a network namespace, IPv4 and IPv6. */
#ifndef SLIPWAY_KERNEL_ADDRESSES_H
#define SLIPWAY_KERNEL_ADDRESSES_H

#include "netlink.h"

#include <netinet/in.h>
#include <stddef.h>

/* An address and how many of its leading bits are the network's. */
struct network_address {
    unsigned char family; /* AF_INET, AF_INET6 */
    unsigned char prefix;
    unsigned char bytes[16]; /* the first 4 of IPv4 */
};

/* "172.17.0.2/16", "fd00::2/64" */
int network_address_parse(const char *text, struct network_address *address, struct error *err);
/* "172.17.0.1", "fd00::1" */
int host_address_parse(const char *text, struct network_address *address, struct error *err);

/* For a link that has no address yet. Usable at once: nobody is asked whether it is taken (DAD). */
int address_add(struct netlink *netlink, int index, const struct network_address *address, struct error *err);
/* The link has these addresses and no others, but for what the kernel gives itself (fe80::…). */
int addresses_set(struct netlink *netlink, int index, const struct network_address *wanted, size_t count, struct error *err);

/* The way out of one family. */
struct default_route {
    struct network_address gateway;
    int index; /* of the link */
};
/* Takes the place of the one before. */
int default_route_set(struct netlink *netlink, const struct default_route *route, struct error *err);
/* The default routes of a family are this one and no other; NULL: there is none. */
int default_route_set_only(struct netlink *netlink, unsigned char family, const struct default_route *route, struct error *err);

#endif
