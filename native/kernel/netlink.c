#include "netlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

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

/* Sends one request and hears its answer. Returns -1 with errno, which each caller words. */
static int talk(struct netlink *netlink, struct nlmsghdr *request, mnl_cb_t each, void *context)
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
    if (talk(netlink, message, read_link, link) < 0 && errno != ENODEV)
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
    if (talk(netlink, message, NULL, NULL) < 0)
        return fail(err, errno, "make the bridge %s", name);

    struct link link;
    TRY(link_find(netlink, name, &link, err));
    message = link_message(buffer, RTM_NEWLINK, NLM_F_ACK, link.index);
    mnl_attr_put_strz(message, IFLA_IFALIAS, alias); /* taken on creation only from 6.5 on */
    if (talk(netlink, message, NULL, NULL) < 0)
        return fail(err, errno, "name the bridge %s", name);
    return 0;
}

int link_add_veth(struct netlink *netlink, const struct veth_plan *plan, struct error *err)
{
    char buffer[1024];
    struct nlmsghdr *message = link_message(buffer, RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, 0);
    mnl_attr_put_strz(message, IFLA_IFNAME, plan->name);
    mnl_attr_put_u32(message, IFLA_MTU, plan->mtu);
    struct nlattr *info = mnl_attr_nest_start(message, IFLA_LINKINFO);
    mnl_attr_put_strz(message, IFLA_INFO_KIND, "veth");
    struct nlattr *data = mnl_attr_nest_start(message, IFLA_INFO_DATA);
    struct nlattr *peer = mnl_attr_nest_start(message, VETH_INFO_PEER);
    struct ifinfomsg *peer_info = mnl_nlmsg_put_extra_header(message, sizeof *peer_info);
    peer_info->ifi_family = AF_UNSPEC;
    mnl_attr_put_strz(message, IFLA_IFNAME, plan->peer_name);
    mnl_attr_put(message, IFLA_ADDRESS, 6, plan->peer_mac);
    mnl_attr_put_u32(message, IFLA_MTU, plan->mtu);
    mnl_attr_put_u32(message, IFLA_NET_NS_FD, (uint32_t)plan->peer_netns);
    mnl_attr_nest_end(message, peer);
    mnl_attr_nest_end(message, data);
    mnl_attr_nest_end(message, info);
    if (talk(netlink, message, NULL, NULL) < 0)
        return fail(err, errno, "make the link %s to %s in the container", plan->name, plan->peer_name);
    return 0;
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
    if (talk(netlink, message, NULL, NULL) < 0)
        return fail(err, errno, "bring network link %d up", index);
    return 0;
}

int link_delete(struct netlink *netlink, int index, struct error *err)
{
    char buffer[256];
    struct nlmsghdr *message = link_message(buffer, RTM_DELLINK, NLM_F_ACK, index);
    if (talk(netlink, message, NULL, NULL) < 0 && errno != ENODEV)
        return fail(err, errno, "remove network link %d", index);
    return 0;
}

struct link_count {
    uint32_t master;    /* 0: whatever it is */
    const char *prefix; /* NULL: whatever the alias is */
    unsigned count;
};

static int count_link(const struct nlmsghdr *message, void *context)
{
    struct link_count *links = context;
    struct nlattr *attribute;
    mnl_attr_for_each(attribute, message, sizeof(struct ifinfomsg)) {
        uint16_t type = mnl_attr_get_type(attribute);
        if (type == IFLA_MASTER && links->master && mnl_attr_get_u32(attribute) == links->master)
            links->count++;
        if (type == IFLA_IFALIAS && links->prefix && strncmp(mnl_attr_get_str(attribute), links->prefix, strlen(links->prefix)) == 0)
            links->count++;
    }
    return MNL_CB_OK;
}

static int count_links(struct netlink *netlink, struct link_count links, unsigned *count, struct error *err)
{
    char buffer[256];
    struct nlmsghdr *message = link_message(buffer, RTM_GETLINK, NLM_F_DUMP, 0);
    if (talk(netlink, message, count_link, &links) < 0)
        return fail(err, errno, "list network links");
    *count = links.count;
    return 0;
}

int link_count_ports(struct netlink *netlink, int bridge, unsigned *count, struct error *err)
{
    return count_links(netlink, (struct link_count){.master = (uint32_t)bridge}, count, err);
}

int link_count_aliased(struct netlink *netlink, const char *prefix, unsigned *count, struct error *err)
{
    return count_links(netlink, (struct link_count){.prefix = prefix}, count, err);
}

/* ---- addresses and routes ---- */

static int change_address(struct netlink *netlink, uint16_t type, uint16_t flags, int index, const struct network_address *address)
{
    char buffer[256];
    struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
    message->nlmsg_type = type;
    message->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
    struct ifaddrmsg *info = mnl_nlmsg_put_extra_header(message, sizeof *info);
    info->ifa_family = AF_INET;
    info->ifa_prefixlen = address->prefix;
    info->ifa_scope = RT_SCOPE_UNIVERSE;
    info->ifa_index = (uint32_t)index;
    mnl_attr_put_u32(message, IFA_LOCAL, address->address.s_addr);
    mnl_attr_put_u32(message, IFA_ADDRESS, address->address.s_addr);
    if (type == RTM_NEWADDR && address->prefix < 31)
        mnl_attr_put_u32(message, IFA_BROADCAST, address->address.s_addr | htonl(0xffffffffU >> address->prefix));
    return talk(netlink, message, NULL, NULL);
}

struct other_addresses {
    int index;
    const struct network_address *wanted;
    struct network_address others[16];
    size_t count;
    bool present;
};

static int collect_address(const struct nlmsghdr *message, void *context)
{
    struct other_addresses *found = context;
    const struct ifaddrmsg *info = mnl_nlmsg_get_payload(message);
    if ((int)info->ifa_index != found->index || info->ifa_family != AF_INET)
        return MNL_CB_OK;
    struct nlattr *attribute;
    mnl_attr_for_each(attribute, message, sizeof *info) {
        if (mnl_attr_get_type(attribute) != IFA_LOCAL)
            continue;
        struct network_address address = {.address.s_addr = mnl_attr_get_u32(attribute), .prefix = info->ifa_prefixlen};
        if (address.address.s_addr == found->wanted->address.s_addr && address.prefix == found->wanted->prefix)
            found->present = true;
        else if (found->count < sizeof found->others / sizeof *found->others)
            found->others[found->count++] = address;
    }
    return MNL_CB_OK;
}

int address_set(struct netlink *netlink, int index, const struct network_address *address, struct error *err)
{
    char buffer[256];
    struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
    message->nlmsg_type = RTM_GETADDR;
    message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    struct ifaddrmsg *info = mnl_nlmsg_put_extra_header(message, sizeof *info);
    info->ifa_family = AF_INET;
    struct other_addresses found = {.index = index, .wanted = address};
    if (talk(netlink, message, collect_address, &found) < 0)
        return fail(err, errno, "list addresses");
    for (size_t i = 0; i < found.count; i++)
        if (change_address(netlink, RTM_DELADDR, 0, index, &found.others[i]) < 0 && errno != EADDRNOTAVAIL)
            return fail(err, errno, "remove an old address");
    if (!found.present && change_address(netlink, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, index, address) < 0)
        return fail(err, errno, "set the address %s/%d", inet_ntoa(address->address), address->prefix);
    return 0;
}

int route_add_default(struct netlink *netlink, int index, struct in_addr gateway, struct error *err)
{
    char buffer[256];
    struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
    message->nlmsg_type = RTM_NEWROUTE;
    message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE;
    struct rtmsg *route = mnl_nlmsg_put_extra_header(message, sizeof *route);
    route->rtm_family = AF_INET;
    route->rtm_table = RT_TABLE_MAIN;
    route->rtm_protocol = RTPROT_BOOT;
    route->rtm_scope = RT_SCOPE_UNIVERSE;
    route->rtm_type = RTN_UNICAST;
    mnl_attr_put_u32(message, RTA_GATEWAY, gateway.s_addr);
    mnl_attr_put_u32(message, RTA_OIF, (uint32_t)index);
    if (talk(netlink, message, NULL, NULL) < 0)
        return fail(err, errno, "set the default route by %s", inet_ntoa(gateway));
    return 0;
}

int network_address_parse(const char *text, struct network_address *address, struct error *err)
{
    char host[INET_ADDRSTRLEN];
    const char *slash = strchr(text, '/');
    size_t length = slash ? (size_t)(slash - text) : 0;
    if (length > 0 && length < sizeof host) {
        memcpy(host, text, length);
        host[length] = '\0';
        char *end;
        unsigned long prefix = strtoul(slash + 1, &end, 10);
        if (slash[1] >= '0' && slash[1] <= '9' && *end == '\0' && prefix >= 1 && prefix <= 32 &&
            inet_pton(AF_INET, host, &address->address) == 1) {
            address->prefix = (unsigned char)prefix;
            return 0;
        }
    }
    return fail_kind(err, "invalid", 0, "%s is not an address with its prefix length, as in 172.17.0.2/16", text);
}
