/* kernel/netlink.h: a connection to the kernel's networking, and the links of the network namespace it was opened in. */
#ifndef SLIPWAY_KERNEL_NETLINK_H
#define SLIPWAY_KERNEL_NETLINK_H

#include "../base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct netlink;
struct nlmsghdr;

/* A connection to the namespace of the moment; a later setns does not move it. */
int netlink_open(struct netlink **netlink, struct error *err);
void netlink_close(struct netlink *netlink);
static inline void netlink_close_(struct netlink **netlink)
{
    netlink_close(*netlink);
}
#define cleanup_netlink __attribute__((cleanup(netlink_close_)))

/* Sends one request and hears its answer; `each` sees what a question finds. -1 with errno, which each caller words. */
int netlink_talk(struct netlink *netlink, struct nlmsghdr *request, int (*each)(const struct nlmsghdr *message, void *context), void *context);

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

/* A container's interface, made in its namespace at once, so that no name of the host's is ever taken. */
struct inner_link {
    const char *name;
    int netns;
    const unsigned char *mac; /* 6 bytes; NULL: the kernel chooses */
};
/* Both ends of a pair; `name` is the host's. */
int link_add_veth(struct netlink *netlink, const char *name, const struct inner_link *peer, uint32_t mtu, struct error *err);
/* On the host's link `parent`; `mode` is one of MACVLAN_MODE_…, IPVLAN_MODE_…. "not-implemented" where the kernel has no such links. */
int link_add_macvlan(struct netlink *netlink, int parent, uint32_t mode, const struct inner_link *inner, struct error *err);
int link_add_ipvlan(struct netlink *netlink, int parent, uint16_t mode, const struct inner_link *inner, struct error *err);

/* Sets what is given: `master` 0 and `mtu` 0 leave that as it is. */
int link_up(struct netlink *netlink, int index, int master, uint32_t mtu, struct error *err);
/* A port of a bridge sends packets back where they came from. */
int link_set_hairpin(struct netlink *netlink, int port, struct error *err);
/* A port of a bridge exchanges nothing with other isolated ports (ip-link(8), bridge_slave isolated). */
int link_set_isolated(struct netlink *netlink, int port, struct error *err);
/* A port whose both ends are up forwards a moment later, when the kernel has come to look at it. Where a spanning tree decides, that is not waited for. */
int link_wait_forwarding(struct netlink *netlink, int port, unsigned most_ms, struct error *err);
/* Has the link tell its neighbours whose its addresses are now, as far as its arp_notify and ndisc_notify are on: its MAC address is set anew. */
int link_announce(struct netlink *netlink, int index, const unsigned char mac[6], struct error *err);
/* What is not there any more is no error. */
int link_delete(struct netlink *netlink, int index, struct error *err);
/* How many links are ports of the bridge. */
int link_count_ports(struct netlink *netlink, int bridge, unsigned *count, struct error *err);

#endif
