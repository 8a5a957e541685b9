/* kernel/netlink.h: bridges, veth pairs, addresses and routes of the network namespace this process is in. IPv4. */
#ifndef SLIPWAY_KERNEL_NETLINK_H
#define SLIPWAY_KERNEL_NETLINK_H

#include "../base/error.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

struct netlink;

/* An address and how many of its leading bits are the network's. */
struct network_address {
    struct in_addr address;
    unsigned char prefix;
};

struct veth_plan {
    const char *name;      /* the host's end */
    const char *peer_name; /* the other end, made in `peer_netns` at once, so that no name of the host's is ever taken */
    int peer_netns;
    const unsigned char *peer_mac; /* 6 bytes */
    uint32_t mtu;
};

/* A connection to the namespace of the moment; a later setns does not move it. */
int netlink_open(struct netlink **netlink, struct error *err);
void netlink_close(struct netlink *netlink);
static inline void netlink_close_(struct netlink **netlink)
{
    netlink_close(*netlink);
}
#define cleanup_netlink __attribute__((cleanup(netlink_close_)))

struct link {
    int index; /* 0: there is none of that name */
    bool up;
    char kind[16];
    char alias[256];
    unsigned char mac[6];
    uint32_t mtu;
};
int link_find(struct netlink *netlink, const char *name, struct link *link, struct error *err);
/* `alias` says in `ip link` what it is for, and to us whose it is. */
int link_add_bridge(struct netlink *netlink, const char *name, const char *alias, const unsigned char mac[6], uint32_t mtu, struct error *err);
int link_add_veth(struct netlink *netlink, const struct veth_plan *plan, struct error *err);
/* Sets what is given: `master` 0 and `mtu` 0 leave that as it is. */
int link_up(struct netlink *netlink, int index, int master, uint32_t mtu, struct error *err);
int link_delete(struct netlink *netlink, int index, struct error *err);
/* How many links are ports of the bridge. */
int link_count_ports(struct netlink *netlink, int bridge, unsigned *count, struct error *err);
/* How many links have an alias that begins so. */
int link_count_aliased(struct netlink *netlink, const char *prefix, unsigned *count, struct error *err);

/* The link has this address and no other of IPv4. */
int address_set(struct netlink *netlink, int index, const struct network_address *address, struct error *err);
int route_add_default(struct netlink *netlink, int index, struct in_addr gateway, struct error *err);

/* "172.17.0.2/16" */
int network_address_parse(const char *text, struct network_address *address, struct error *err);

#endif
