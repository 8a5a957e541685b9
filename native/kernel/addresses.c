#include "addresses.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#define MOST_ADDRESSES 64

/* ---- text ---- */

static size_t size_of(unsigned char family)
{
    return family == AF_INET ? sizeof(struct in_addr) : sizeof(struct in6_addr);
}

static const char *text_of(const struct network_address *address, char text[INET6_ADDRSTRLEN])
{
    return inet_ntop(address->family, address->bytes, text, INET6_ADDRSTRLEN);
}

static bool same(const struct network_address *a, const struct network_address *b)
{
    return a->family == b->family && a->prefix == b->prefix && memcmp(a->bytes, b->bytes, size_of(a->family)) == 0;
}

int host_address_parse(const char *text, struct network_address *address, struct error *err)
{
    *address = (struct network_address){.family = strchr(text, ':') ? AF_INET6 : AF_INET};
    address->prefix = (unsigned char)(8 * size_of(address->family));
    if (inet_pton(address->family, text, address->bytes) != 1)
        return fail_kind(err, "invalid", 0, "%.100s is not an address, as in 172.17.0.1 or fd00::1", text);
    return 0;
}

int network_address_parse(const char *text, struct network_address *address, struct error *err)
{
    char host[INET6_ADDRSTRLEN];
    const char *slash = strchr(text, '/');
    size_t length = slash ? (size_t)(slash - text) : 0;
    if (length > 0 && length < sizeof host) {
        struct error ignored;
        memcpy(host, text, length);
        host[length] = '\0';
        char *end;
        unsigned long prefix = strtoul(slash + 1, &end, 10);
        if (slash[1] >= '0' && slash[1] <= '9' && *end == '\0' && host_address_parse(host, address, &ignored) == 0 && prefix >= 1 &&
            prefix <= address->prefix) {
            address->prefix = (unsigned char)prefix;
            return 0;
        }
    }
    return fail_kind(err, "invalid", 0, "%.100s is not an address with its prefix length, as in 172.17.0.2/16 or fd00::2/64", text);
}

/* ---- addresses ---- */

static int change_address(struct netlink *netlink, uint16_t type, uint16_t flags, int index, const struct network_address *address)
{
    char buffer[256];
    size_t size = size_of(address->family);
    struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
    message->nlmsg_type = type;
    message->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
    struct ifaddrmsg *info = mnl_nlmsg_put_extra_header(message, sizeof *info);
    info->ifa_family = address->family;
    info->ifa_prefixlen = address->prefix;
    info->ifa_scope = RT_SCOPE_UNIVERSE;
    info->ifa_index = (uint32_t)index;
    info->ifa_flags = address->family == AF_INET6 ? IFA_F_NODAD : 0;
    mnl_attr_put(message, IFA_LOCAL, size, address->bytes);
    mnl_attr_put(message, IFA_ADDRESS, size, address->bytes);
    if (type == RTM_NEWADDR && address->family == AF_INET && address->prefix < 31) {
        uint32_t broadcast;
        memcpy(&broadcast, address->bytes, sizeof broadcast);
        mnl_attr_put_u32(message, IFA_BROADCAST, broadcast | htonl(0xffffffffU >> address->prefix));
    }
    return netlink_talk(netlink, message, NULL, NULL);
}

int address_add(struct netlink *netlink, int index, const struct network_address *address, struct error *err)
{
    char text[INET6_ADDRSTRLEN];
    if (change_address(netlink, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, index, address) < 0)
        return fail(err, errno, "set the address %s/%d", text_of(address, text), address->prefix);
    return 0;
}

struct found_addresses {
    int index;
    struct network_address list[MOST_ADDRESSES];
    size_t count;
};

static int collect_address(const struct nlmsghdr *message, void *context)
{
    struct found_addresses *found = context;
    const struct ifaddrmsg *info = mnl_nlmsg_get_payload(message);
    bool inet = info->ifa_family == AF_INET;
    if ((int)info->ifa_index != found->index || (!inet && info->ifa_family != AF_INET6) || found->count == MOST_ADDRESSES)
        return MNL_CB_OK;
    struct nlattr *attribute;
    /* IPv6 says IFA_LOCAL only of what has a peer. */
    mnl_attr_for_each(attribute, message, sizeof *info) {
        if (mnl_attr_get_type(attribute) != (inet ? IFA_LOCAL : IFA_ADDRESS) || mnl_attr_get_payload_len(attribute) != size_of(info->ifa_family))
            continue;
        struct network_address address = {.family = info->ifa_family, .prefix = info->ifa_prefixlen};
        memcpy(address.bytes, mnl_attr_get_payload(attribute), size_of(address.family));
        found->list[found->count++] = address;
    }
    return MNL_CB_OK;
}

static int find_addresses(struct netlink *netlink, int index, struct found_addresses *found, struct error *err)
{
    char buffer[256];
    struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
    message->nlmsg_type = RTM_GETADDR;
    message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    mnl_nlmsg_put_extra_header(message, sizeof(struct ifaddrmsg));
    *found = (struct found_addresses){.index = index};
    if (netlink_talk(netlink, message, collect_address, found) < 0)
        return fail(err, errno, "list addresses");
    return 0;
}

static bool among(const struct network_address *address, const struct network_address *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (same(address, &list[i]))
            return true;
    return false;
}

/* fe80::/10, which a link has whether it is asked for or not. */
static bool is_link_local(const struct network_address *address)
{
    return address->family == AF_INET6 && address->bytes[0] == 0xfe && (address->bytes[1] & 0xc0) == 0x80;
}

int addresses_set(struct netlink *netlink, int index, const struct network_address *wanted, size_t count, struct error *err)
{
    struct found_addresses found;
    bool removed = false;
    TRY(find_addresses(netlink, index, &found, err));
    for (size_t i = 0; i < found.count; i++) {
        if (among(&found.list[i], wanted, count) || is_link_local(&found.list[i]))
            continue;
        if (change_address(netlink, RTM_DELADDR, 0, index, &found.list[i]) < 0 && errno != EADDRNOTAVAIL)
            return fail(err, errno, "remove an old address");
        removed = true;
    }
    if (removed) /* with the first of a network the others of it go */
        TRY(find_addresses(netlink, index, &found, err));
    for (size_t i = 0; i < count; i++)
        if (!among(&wanted[i], found.list, found.count))
            TRY(address_add(netlink, index, &wanted[i], err));
    return 0;
}

/* ---- default routes ---- */

static struct nlmsghdr *route_message(char *buffer, uint16_t type, uint16_t flags, unsigned char family)
{
    struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
    message->nlmsg_type = type;
    message->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
    struct rtmsg *route = mnl_nlmsg_put_extra_header(message, sizeof *route);
    route->rtm_family = family;
    route->rtm_table = RT_TABLE_MAIN;
    return message;
}

int default_route_set(struct netlink *netlink, const struct default_route *route, struct error *err)
{
    char buffer[256], text[INET6_ADDRSTRLEN];
    const struct network_address *gateway = &route->gateway;
    struct nlmsghdr *message = route_message(buffer, RTM_NEWROUTE, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE, gateway->family);
    struct rtmsg *about = mnl_nlmsg_get_payload(message);
    about->rtm_protocol = RTPROT_BOOT;
    about->rtm_scope = RT_SCOPE_UNIVERSE;
    about->rtm_type = RTN_UNICAST;
    mnl_attr_put(message, RTA_GATEWAY, size_of(gateway->family), gateway->bytes);
    mnl_attr_put_u32(message, RTA_OIF, (uint32_t)route->index);
    if (netlink_talk(netlink, message, NULL, NULL) < 0)
        return fail(err, errno, "set the default route by %s", text_of(gateway, text));
    return 0;
}

struct old_route {
    struct network_address gateway; /* family 0: it leads by none */
    uint32_t index, metric;
    unsigned char protocol, scope;
};

struct old_routes {
    struct old_route list[MOST_ADDRESSES];
    size_t count;
};

static int collect_default(const struct nlmsghdr *message, void *context)
{
    struct old_routes *found = context;
    const struct rtmsg *about = mnl_nlmsg_get_payload(message);
    if (about->rtm_dst_len != 0 || about->rtm_table != RT_TABLE_MAIN || about->rtm_type != RTN_UNICAST || found->count == MOST_ADDRESSES)
        return MNL_CB_OK;
    struct old_route *route = &found->list[found->count++];
    *route = (struct old_route){.protocol = about->rtm_protocol, .scope = about->rtm_scope};
    struct nlattr *attribute;
    mnl_attr_for_each(attribute, message, sizeof *about) {
        switch (mnl_attr_get_type(attribute)) {
        case RTA_GATEWAY:
            route->gateway = (struct network_address){.family = about->rtm_family, .prefix = (unsigned char)(8 * size_of(about->rtm_family))};
            memcpy(route->gateway.bytes, mnl_attr_get_payload(attribute), size_of(about->rtm_family));
            break;
        case RTA_OIF:
            route->index = mnl_attr_get_u32(attribute);
            break;
        case RTA_PRIORITY:
            route->metric = mnl_attr_get_u32(attribute);
            break;
        }
    }
    return MNL_CB_OK;
}

static int remove_default(struct netlink *netlink, unsigned char family, const struct old_route *old, struct error *err)
{
    char buffer[256];
    struct nlmsghdr *message = route_message(buffer, RTM_DELROUTE, NLM_F_ACK, family);
    struct rtmsg *about = mnl_nlmsg_get_payload(message);
    about->rtm_protocol = old->protocol;
    about->rtm_scope = old->scope;
    about->rtm_type = RTN_UNICAST;
    if (old->gateway.family)
        mnl_attr_put(message, RTA_GATEWAY, size_of(family), old->gateway.bytes);
    if (old->index)
        mnl_attr_put_u32(message, RTA_OIF, old->index);
    if (old->metric)
        mnl_attr_put_u32(message, RTA_PRIORITY, old->metric);
    if (netlink_talk(netlink, message, NULL, NULL) < 0 && errno != ESRCH)
        return fail(err, errno, "remove an old default route");
    return 0;
}

int default_route_set_only(struct netlink *netlink, unsigned char family, const struct default_route *route, struct error *err)
{
    char buffer[256];
    struct old_routes found = {0};
    if (route) /* first: there is a way out at every moment */
        TRY(default_route_set(netlink, route, err));
    if (netlink_talk(netlink, route_message(buffer, RTM_GETROUTE, NLM_F_DUMP, family), collect_default, &found) < 0)
        return fail(err, errno, "list routes");
    bool kept = false;
    for (size_t i = 0; i < found.count; i++) {
        const struct old_route *old = &found.list[i];
        if (!kept && route && same(&old->gateway, &route->gateway) && (int)old->index == route->index) {
            kept = true;
            continue;
        }
        TRY(remove_default(netlink, family, old, err));
    }
    return 0;
}
