#include "netlink.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BUFFER_SIZE 32768

struct netlink {
    struct mnl_socket *socket;
    unsigned sequence;
    unsigned port;
};

int netlink_open(struct netlink **out, struct error *err)
{
    struct netlink *netlink = calloc(1, sizeof *netlink);
    if (!netlink)
        return fail(err, ENOMEM, "open netlink");
    netlink->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
    if (!netlink->socket || mnl_socket_bind(netlink->socket, 0, MNL_SOCKET_AUTOPID) < 0) {
        int error = errno;
        netlink_close(netlink);
        return fail(err, error, "open netlink");
    }
    netlink->port = mnl_socket_get_portid(netlink->socket);
    *out = netlink;
    return 0;
}

void netlink_close(struct netlink *netlink)
{
    if (netlink && netlink->socket)
        mnl_socket_close(netlink->socket);
    free(netlink);
}

int netlink_talk(struct netlink *netlink, struct nlmsghdr *request, int (*each)(const struct nlmsghdr *message, void *context), void *context)
{
    char buffer[BUFFER_SIZE];
    request->nlmsg_seq = ++netlink->sequence;
    if (mnl_socket_sendto(netlink->socket, request, request->nlmsg_len) < 0)
        return -1;
    int status = MNL_CB_OK;
    while (status > MNL_CB_STOP) {
        ssize_t length = mnl_socket_recvfrom(netlink->socket, buffer, sizeof buffer);
        if (length < 0) {
            if (errno == EINTR)
                continue;
            return -1;
        }
        status = mnl_cb_run(buffer, (size_t)length, netlink->sequence, netlink->port, each, context);
    }
    return status < 0 ? -1 : 0;
}

static struct nlmsghdr *link_message(char *buffer, uint16_t type, uint16_t flags, int index)
{
    struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
    message->nlmsg_type = type;
    message->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
    struct ifinfomsg *info = mnl_nlmsg_put_extra_header(message, sizeof *info);
    info->ifi_family = AF_UNSPEC;
    info->ifi_index = index;
    return message;
}

/* ---- links ---- */

static int read_link(const struct nlmsghdr *message, void *context)
{
    struct link *link = context;
    const struct ifinfomsg *info = mnl_nlmsg_get_payload(message);
    link->index = info->ifi_index;
    link->up = info->ifi_flags & IFF_UP;
    struct nlattr *attribute, *nested;
    mnl_attr_for_each(attribute, message, sizeof *info) {
        switch (mnl_attr_get_type(attribute)) {
        case IFLA_ADDRESS:
            if (mnl_attr_get_payload_len(attribute) == sizeof link->mac)
                memcpy(link->mac, mnl_attr_get_payload(attribute), sizeof link->mac);
            break;
        case IFLA_MTU:
            link->mtu = mnl_attr_get_u32(attribute);
            break;
        case IFLA_IFALIAS:
            snprintf(link->alias, sizeof link->alias, "%s", mnl_attr_get_str(attribute));
            break;
        case IFLA_LINKINFO:
            mnl_attr_for_each_nested(nested, attribute) if (mnl_attr_get_type(nested) == IFLA_INFO_KIND)
                snprintf(link->kind, sizeof link->kind, "%s", mnl_attr_get_str(nested));
            break;
        }
    }
    return MNL_CB_OK;
}

int link_find(struct netlink *netlink, const char *name, struct link *link, struct error *err)
{
    char buffer[1024];
    struct nlmsghdr *message = link_message(buffer, RTM_GETLINK, NLM_F_ACK, 0);
    mnl_attr_put_strz(message, IFLA_IFNAME, name);
    *link = (struct link){0};
    if (netlink_talk(netlink, message, read_link, link) < 0 && errno != ENODEV)
        return fail(err, errno, "look for the network link %s", name);
    return 0;
}

int link_add_bridge(struct netlink *netlink, const char *name, const char *alias, const unsigned char mac[6], uint32_t mtu, struct error *err)
{
    char buffer[1024];
    struct nlmsghdr *message = link_message(buffer, RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, 0);
    mnl_attr_put_strz(message, IFLA_IFNAME, name);
    mnl_attr_put(message, IFLA_ADDRESS, 6, mac); /* a bridge without its own would take a port's, and change it with the ports */
    mnl_attr_put_u32(message, IFLA_MTU, mtu);
    struct nlattr *info = mnl_attr_nest_start(message, IFLA_LINKINFO);
    mnl_attr_put_strz(message, IFLA_INFO_KIND, "bridge");
    mnl_attr_nest_end(message, info);
    if (netlink_talk(netlink, message, NULL, NULL) < 0)
        return fail(err, errno, "make the bridge %s", name);

    struct link link;
    TRY(link_find(netlink, name, &link, err));
    message = link_message(buffer, RTM_NEWLINK, NLM_F_ACK, link.index);
    mnl_attr_put_strz(message, IFLA_IFALIAS, alias); /* taken on creation only from 6.5 on */
    if (netlink_talk(netlink, message, NULL, NULL) < 0)
        return fail(err, errno, "name the bridge %s", name);
    return 0;
}

/* What is the same of every link that is made for a container: within the peer's part of a veth pair, or the message itself. */
static void put_inner_link(struct nlmsghdr *message, const struct inner_link *inner)
{
    mnl_attr_put_strz(message, IFLA_IFNAME, inner->name);
    if (inner->mac)
        mnl_attr_put(message, IFLA_ADDRESS, 6, inner->mac);
    mnl_attr_put_u32(message, IFLA_NET_NS_FD, (uint32_t)inner->netns);
}

int link_add_veth(struct netlink *netlink, const char *name, const struct inner_link *peer, uint32_t mtu, struct error *err)
{
    char buffer[1024];
    struct nlmsghdr *message = link_message(buffer, RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, 0);
    mnl_attr_put_strz(message, IFLA_IFNAME, name);
    mnl_attr_put_u32(message, IFLA_MTU, mtu);
    struct nlattr *info = mnl_attr_nest_start(message, IFLA_LINKINFO);
    mnl_attr_put_strz(message, IFLA_INFO_KIND, "veth");
    struct nlattr *data = mnl_attr_nest_start(message, IFLA_INFO_DATA);
    struct nlattr *other = mnl_attr_nest_start(message, VETH_INFO_PEER);
    struct ifinfomsg *other_info = mnl_nlmsg_put_extra_header(message, sizeof *other_info);
    other_info->ifi_family = AF_UNSPEC;
    put_inner_link(message, peer);
    mnl_attr_put_u32(message, IFLA_MTU, mtu);
    mnl_attr_nest_end(message, other);
    mnl_attr_nest_end(message, data);
    mnl_attr_nest_end(message, info);
    if (netlink_talk(netlink, message, NULL, NULL) < 0)
        return fail(err, errno, "make the link %s to %s in the container", name, peer->name);
    return 0;
}

/* A link on top of another: macvlan, ipvlan. */
static int add_stacked(struct netlink *netlink, const char *kind, int parent, uint16_t mode_type, size_t mode_size, const void *mode,
                       const struct inner_link *inner, struct error *err)
{
    char buffer[1024];
    struct nlmsghdr *message = link_message(buffer, RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, 0);
    put_inner_link(message, inner);
    mnl_attr_put_u32(message, IFLA_LINK, (uint32_t)parent);
    struct nlattr *info = mnl_attr_nest_start(message, IFLA_LINKINFO);
    mnl_attr_put_strz(message, IFLA_INFO_KIND, kind);
    struct nlattr *data = mnl_attr_nest_start(message, IFLA_INFO_DATA);
    mnl_attr_put(message, mode_type, mode_size, mode);
    mnl_attr_nest_end(message, data);
    mnl_attr_nest_end(message, info);
    if (netlink_talk(netlink, message, NULL, NULL) == 0)
        return 0;
    if (errno == EOPNOTSUPP)
        return fail_kind(err, "not-implemented", errno, "this machine's kernel has no %s links", kind);
    return fail(err, errno, "make the %s link %s in the container", kind, inner->name);
}

int link_add_macvlan(struct netlink *netlink, int parent, uint32_t mode, const struct inner_link *inner, struct error *err)
{
    return add_stacked(netlink, "macvlan", parent, IFLA_MACVLAN_MODE, sizeof mode, &mode, inner, err);
}

int link_add_ipvlan(struct netlink *netlink, int parent, uint16_t mode, const struct inner_link *inner, struct error *err)
{
    return add_stacked(netlink, "ipvlan", parent, IFLA_IPVLAN_MODE, sizeof mode, &mode, inner, err);
}

int link_up(struct netlink *netlink, int index, int master, uint32_t mtu, struct error *err)
{
    char buffer[256];
    struct nlmsghdr *message = link_message(buffer, RTM_NEWLINK, NLM_F_ACK, index);
    struct ifinfomsg *info = mnl_nlmsg_get_payload(message);
    info->ifi_flags = info->ifi_change = IFF_UP;
    if (master > 0)
        mnl_attr_put_u32(message, IFLA_MASTER, (uint32_t)master);
    if (mtu > 0)
        mnl_attr_put_u32(message, IFLA_MTU, mtu);
    if (netlink_talk(netlink, message, NULL, NULL) < 0)
        return fail(err, errno, "bring network link %d up", index);
    return 0;
}

static int set_port(struct netlink *netlink, int port, uint16_t setting, uint8_t value)
{
    char buffer[256];
    struct nlmsghdr *message = link_message(buffer, RTM_SETLINK, NLM_F_ACK, port);
    struct ifinfomsg *info = mnl_nlmsg_get_payload(message);
    info->ifi_family = AF_BRIDGE;
    struct nlattr *settings = mnl_attr_nest_start(message, IFLA_PROTINFO); /* with NLA_F_NESTED: without it, one old byte */
    mnl_attr_put_u8(message, setting, value);
    mnl_attr_nest_end(message, settings);
    return netlink_talk(netlink, message, NULL, NULL);
}

int link_set_hairpin(struct netlink *netlink, int port, struct error *err)
{
    if (set_port(netlink, port, IFLA_BRPORT_MODE, 1) < 0)
        return fail(err, errno, "let a port of the bridge send packets back");
    return 0;
}

int link_set_isolated(struct netlink *netlink, int port, struct error *err)
{
    if (set_port(netlink, port, IFLA_BRPORT_ISOLATED, 1) < 0)
        return fail(err, errno, "isolate a port of the bridge");
    return 0;
}

int link_wait_forwarding(struct netlink *netlink, int port, unsigned most_ms, struct error *err)
{
    const struct timespec moment = {.tv_nsec = 200 * 1000};
    for (unsigned waited_us = 0; set_port(netlink, port, IFLA_BRPORT_STATE, BR_STATE_FORWARDING) < 0; waited_us += 200) {
        if (errno == EBUSY)
            return 0;
        if (errno != ENETDOWN || waited_us > most_ms * 1000)
            return fail(err, errno, "wait for a port of the bridge to forward");
        nanosleep(&moment, NULL);
    }
    return 0;
}

int link_announce(struct netlink *netlink, int index, const unsigned char mac[6], struct error *err)
{
    char buffer[256];
    struct nlmsghdr *message = link_message(buffer, RTM_NEWLINK, NLM_F_ACK, index);
    mnl_attr_put(message, IFLA_ADDRESS, 6, mac);
    if (netlink_talk(netlink, message, NULL, NULL) < 0)
        return fail(err, errno, "announce network link %d", index);
    return 0;
}

int link_delete(struct netlink *netlink, int index, struct error *err)
{
    char buffer[256];
    struct nlmsghdr *message = link_message(buffer, RTM_DELLINK, NLM_F_ACK, index);
    if (netlink_talk(netlink, message, NULL, NULL) < 0 && errno != ENODEV)
        return fail(err, errno, "remove network link %d", index);
    return 0;
}

struct port_count {
    uint32_t bridge;
    unsigned count;
};

static int count_port(const struct nlmsghdr *message, void *context)
{
    struct port_count *ports = context;
    struct nlattr *attribute;
    mnl_attr_for_each(attribute, message, sizeof(struct ifinfomsg))
        if (mnl_attr_get_type(attribute) == IFLA_MASTER && mnl_attr_get_u32(attribute) == ports->bridge)
            ports->count++;
    return MNL_CB_OK;
}

int link_count_ports(struct netlink *netlink, int bridge, unsigned *count, struct error *err)
{
    char buffer[256];
    struct port_count ports = {.bridge = (uint32_t)bridge};
    struct nlmsghdr *message = link_message(buffer, RTM_GETLINK, NLM_F_DUMP, 0);
    if (netlink_talk(netlink, message, count_port, &ports) < 0)
        return fail(err, errno, "list network links");
    *count = ports.count;
    return 0;
}
