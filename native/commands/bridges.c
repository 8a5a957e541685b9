/* commands/bridges.c: the bridges of this data root, told by their alias. */
#include "netns.h"

#include "../base/cleanup.h"
#include "../kernel/link-settings.h"
#include "wire.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#define ALIAS_PREFIX "slipway "
#define DEFAULT_MTU 1500

struct bridge {
    const char *name;
    struct network_address addresses[MOST_ADDRESSES_OF_A_LINK];
    size_t address_count;
    bool ipv6;
    int64_t mtu;
};

static int read_bridge(const struct request *request, struct bridge *bridge, struct error *err)
{
    *bridge = (struct bridge){.mtu = DEFAULT_MTU};
    TRY(wire_read_link_name(request, "name", &bridge->name, err));
    TRY(wire_read_addresses(request, bridge->addresses, &bridge->address_count, err));
    for (size_t i = 0; i < bridge->address_count; i++)
        bridge->ipv6 = bridge->ipv6 || bridge->addresses[i].family == AF_INET6;
    return request_optional_integer(request, "mtu", 68, 65535, &bridge->mtu, err);
}

/* Whose bridge it is: two engines of one machine do not share one. */
static void alias_of(const struct request *request, char alias[256])
{
    snprintf(alias, 256, ALIAS_PREFIX "%s", request->data_root);
}

static int make(struct netlink *netlink, const struct bridge *bridge, const char *alias, struct link *link, struct error *err)
{
    unsigned char mac[6] = {0x02, 0x42};
    if (!wire_mac_of(bridge->addresses, bridge->address_count, mac) && getrandom(mac + 2, 4, 0) != 4)
        return fail(err, errno, "choose a MAC address");
    TRY(link_add_bridge(netlink, bridge->name, alias, mac, (uint32_t)bridge->mtu, err));
    return link_find(netlink, bridge->name, link, err);
}

int bridge_op(struct request *request, struct error *err)
{
    struct bridge bridge;
    struct link link;
    char alias[256];
    TRY(read_bridge(request, &bridge, err));
    alias_of(request, alias);

    cleanup_netlink struct netlink *netlink = NULL;
    TRY(netlink_open(&netlink, err));
    TRY(link_find(netlink, bridge.name, &link, err));
    if (link.index == 0)
        TRY(make(netlink, &bridge, alias, &link, err));
    else if (strcmp(link.kind, "bridge") != 0 || strcmp(link.alias, alias) != 0)
        return fail_kind(err, "conflict", 0, "the network link %s is somebody else's (%s): remove it, or let this engine use another name",
                         bridge.name, *link.alias ? link.alias : link.kind);
    TRY(link_set_ipv6(bridge.name, bridge.ipv6, err));
    /* What a packet rule sends from 127.0.0.1 into a container is answered to there. */
    TRY(link_setting("ipv4", bridge.name, "route_localnet", "1", err));
    TRY(addresses_set(netlink, link.index, bridge.addresses, bridge.address_count, err));
    TRY(link_up(netlink, link.index, 0, link.mtu == bridge.mtu ? 0 : (uint32_t)bridge.mtu, err));
    if (bridge.ipv6)
        TRY(ipv6_forward(err));
    return net_setting("ipv4/ip_forward", "1", err);
}

int bridge_remove_op(struct request *request, struct error *err)
{
    const char *name;
    TRY(wire_read_link_name(request, "name", &name, err));
    cleanup_netlink struct netlink *netlink = NULL;
    TRY(netlink_open(&netlink, err));
    struct link link;
    unsigned ports = 0;
    char alias[256];
    alias_of(request, alias);
    TRY(link_find(netlink, name, &link, err));
    bool ours = link.index > 0 && strcmp(link.kind, "bridge") == 0 && strcmp(link.alias, alias) == 0;
    if (ours)
        TRY(link_count_ports(netlink, link.index, &ports, err));
    bool removable = ours && ports == 0;
    json_object_object_add(request->reply, "removed", json_object_new_boolean(removable || link.index == 0));
    return removable ? link_delete(netlink, link.index, err) : 0;
}
