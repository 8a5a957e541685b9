#include "netns.h"

#include "../base/cleanup.h"
#include "../kernel/netlink.h"
#include "../kernel/nft.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

#define ALIAS_PREFIX "slipway "
#define DEFAULT_MTU 1500

/* ---- what several operations need ---- */

/* A link's name that is safe as a path component and between the quotes of an nft batch. */
static int request_link_name(const struct request *request, const char *field, const char *absent, const char **out, struct error *err)
{
    *out = absent;
    TRY(absent ? request_optional_string(request, field, out, err) : request_string(request, field, out, err));
    size_t length = strlen(*out);
    bool good = length > 0 && length < IFNAMSIZ && isalnum((unsigned char)(*out)[0]);
    for (size_t i = 0; good && i < length; i++)
        good = isalnum((unsigned char)(*out)[i]) || strchr("-_.", (*out)[i]);
    return good ? 0 : fail_kind(err, "invalid", 0, "%s: \"%s\" cannot be the name of a network link", field, *out);
}

/* Docker's way: the address is in it, so that neighbours need not learn anew when a container returns. */
static void mac_of_address(const struct network_address *address, unsigned char mac[6])
{
    mac[0] = 0x02;
    mac[1] = 0x42;
    memcpy(mac + 2, &address->address, 4);
}

static int mac_parse(const char *text, unsigned char mac[6], struct error *err)
{
    int end = 0;
    if (sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n", &mac[0], &mac[1], &mac[2], &mac[3], &mac[4], &mac[5], &end) != 6 ||
        text[end] != '\0' || (mac[0] & 1))
        return fail_kind(err, "invalid", 0, "%s is not a MAC address that a link can have", text);
    return 0;
}

/* Absent files are features this kernel does not have: nothing to switch then. */
static int set_sysctl(const char *path, const char *value, struct error *err)
{
    cleanup_close int file = open(path, O_RDWR | O_CLOEXEC);
    if (file < 0)
        return errno == ENOENT ? 0 : fail(err, errno, "open %s", path);
    char now[16] = "";
    size_t length = strlen(value);
    if (pread(file, now, sizeof now - 1, 0) > 0 && strncmp(now, value, length) == 0 && isspace((unsigned char)now[length]))
        return 0;
    if (pwrite(file, value, length, 0) < 0)
        return fail(err, errno, "set %s to %s", path, value);
    return 0;
}

/* Our networks are IPv4: no link-local address, and no router of somebody else's is believed. */
static int silence_ipv6(const char *link, struct error *err)
{
    char path[128];
    snprintf(path, sizeof path, "/proc/sys/net/ipv6/conf/%s/accept_ra", link);
    TRY(set_sysctl(path, "0", err));
    snprintf(path, sizeof path, "/proc/sys/net/ipv6/conf/%s/disable_ipv6", link);
    return set_sysctl(path, "1", err);
}

/* Whose bridge it is: two engines of one machine do not share one. */
static void alias_of(const struct request *request, char alias[256])
{
    snprintf(alias, 256, ALIAS_PREFIX "%s", request->data_root);
}

/* ---- bridges ---- */

/* A way out under the host's address, and no way in from outside but for answers. */
static int add_rules(const char *bridge, const struct network_address *gateway, struct error *err)
{
    struct in_addr network = {.s_addr = gateway->address.s_addr & htonl(0xffffffffU << (32 - gateway->prefix))};
    char address[INET_ADDRSTRLEN];
    inet_ntop(AF_INET, &network, address, sizeof address);
    cleanup_free char *batch = NULL;
    if (asprintf(&batch,
                 "add table inet slipway\n"
                 "add chain inet slipway nat-%1$s { type nat hook postrouting priority 100; policy accept; }\n"
                 "flush chain inet slipway nat-%1$s\n"
                 "add rule inet slipway nat-%1$s ip saddr %2$s/%3$d oifname != \"%1$s\" masquerade\n"
                 "add chain inet slipway forward-%1$s { type filter hook forward priority 0; policy accept; }\n"
                 "flush chain inet slipway forward-%1$s\n"
                 "add rule inet slipway forward-%1$s oifname \"%1$s\" iifname != \"%1$s\" ct state != { established, related } drop\n",
                 bridge, address, gateway->prefix) < 0)
        return fail(err, ENOMEM, "make packet rules");
    return nft_apply_text(batch, err);
}

static int remove_rules(const char *bridge, bool last, struct error *err)
{
    cleanup_free char *batch = NULL;
    const char *format = last ? "add table inet slipway\n"
                                "delete table inet slipway\n"
                              : "add chain inet slipway nat-%1$s\n"
                                "flush chain inet slipway nat-%1$s\n"
                                "delete chain inet slipway nat-%1$s\n"
                                "add chain inet slipway forward-%1$s\n"
                                "flush chain inet slipway forward-%1$s\n"
                                "delete chain inet slipway forward-%1$s\n";
    if (asprintf(&batch, format, bridge) < 0)
        return fail(err, ENOMEM, "remove packet rules");
    return nft_apply_text(batch, err);
}

int bridge_op(struct request *request, struct error *err)
{
    const char *name, *gateway_text;
    int64_t mtu = DEFAULT_MTU;
    struct network_address gateway;
    TRY(request_link_name(request, "name", NULL, &name, err));
    TRY(request_string(request, "gateway", &gateway_text, err));
    TRY(network_address_parse(gateway_text, &gateway, err));
    TRY(request_optional_integer(request, "mtu", 68, 65535, &mtu, err));

    cleanup_netlink struct netlink *netlink = NULL;
    TRY(netlink_open(&netlink, err));
    struct link link;
    char alias[256];
    alias_of(request, alias);
    TRY(link_find(netlink, name, &link, err));
    if (link.index == 0) {
        unsigned char mac[6];
        mac_of_address(&gateway, mac);
        TRY(link_add_bridge(netlink, name, alias, mac, (uint32_t)mtu, err));
        TRY(link_find(netlink, name, &link, err));
    } else if (strcmp(link.kind, "bridge") != 0 || strcmp(link.alias, alias) != 0) {
        return fail_kind(err, "conflict", 0, "the network link %s is somebody else's (%s): remove it, or let this engine use another name",
                         name, *link.alias ? link.alias : link.kind);
    }
    TRY(silence_ipv6(name, err));
    TRY(address_set(netlink, link.index, &gateway, err));
    TRY(link_up(netlink, link.index, 0, link.mtu == mtu ? 0 : (uint32_t)mtu, err));
    TRY(add_rules(name, &gateway, err));
    return set_sysctl("/proc/sys/net/ipv4/ip_forward", "1", err);
}

/* A container's link goes a moment after the container, when the kernel gets round to it. */
static int wait_for_ports_to_go(struct netlink *netlink, int bridge, unsigned *ports, struct error *err)
{
    const struct timespec moment = {.tv_nsec = 10 * 1000 * 1000};
    for (int tries = 0; tries < 1000; tries++) {
        TRY(link_count_ports(netlink, bridge, ports, err));
        if (*ports == 0)
            break;
        nanosleep(&moment, NULL);
    }
    return 0;
}

int bridge_remove_op(struct request *request, struct error *err)
{
    const char *name;
    TRY(request_link_name(request, "name", NULL, &name, err));
    cleanup_netlink struct netlink *netlink = NULL;
    TRY(netlink_open(&netlink, err));
    struct link link;
    unsigned ports = 0, others;
    char alias[256];
    alias_of(request, alias);
    TRY(link_find(netlink, name, &link, err));
    bool ours = link.index > 0 && strcmp(link.kind, "bridge") == 0 && strcmp(link.alias, alias) == 0;
    if (ours)
        TRY(wait_for_ports_to_go(netlink, link.index, &ports, err));
    bool removable = ours && ports == 0;
    json_object_object_add(request->reply, "removed", json_object_new_boolean(removable || link.index == 0));
    if (!removable)
        return 0;
    TRY(link_delete(netlink, link.index, err));
    TRY(link_count_aliased(netlink, ALIAS_PREFIX, &others, err));
    return remove_rules(name, others == 0, err);
}

/* ---- endpoints ---- */

static int bring_up_inside(const char *ifname, const struct network_address *address, const struct in_addr *gateway, struct error *err)
{
    cleanup_netlink struct netlink *netlink = NULL;
    struct link link;
    TRY(netlink_open(&netlink, err));
    TRY(link_find(netlink, "lo", &link, err));
    TRY(link_up(netlink, link.index, 0, 0, err));
    if (!ifname)
        return 0;
    TRY(link_find(netlink, ifname, &link, err));
    TRY(silence_ipv6(ifname, err));
    TRY(address_set(netlink, link.index, address, err));
    TRY(link_up(netlink, link.index, 0, 0, err));
    if (gateway)
        TRY(route_add_default(netlink, link.index, *gateway, err));
    return 0;
}

struct inside {
    int netns;
    const char *ifname;
    const struct network_address *address;
    const struct in_addr *gateway;
    struct error *err;
    int status;
};

static void *work_inside(void *data)
{
    struct inside *inside = data;
    if (setns(inside->netns, CLONE_NEWNET) < 0)
        inside->status = fail(inside->err, errno, "enter the container's network namespace");
    else
        inside->status = bring_up_inside(inside->ifname, inside->address, inside->gateway, inside->err);
    return NULL;
}

/* Everything inside the container's namespace, on a thread that ends there: who stayed would keep it and its links alive, and an ordinary user's
 * helper would not be let back into the machine's own. */
static int set_up_inside(int netns, const char *ifname, const struct network_address *address, const struct in_addr *gateway,
                         struct error *err)
{
    struct inside inside = {netns, ifname, address, gateway, err, -1};
    pthread_t thread;
    int failed = pthread_create(&thread, NULL, work_inside, &inside);
    if (failed != 0)
        return fail(err, failed, "start a thread for the container's network namespace");
    pthread_join(thread, NULL);
    return inside.status;
}

/* The container's namespace, which must not be ours: bringing up its links would be bringing up the host's. */
static int open_netns(pid_t pid, struct error *err)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/ns/net", pid);
    cleanup_close int netns = open(path, O_RDONLY | O_CLOEXEC);
    struct stat theirs, ours;
    if (netns < 0)
        return errno == ENOENT ? fail_kind(err, "not-found", 0, "the container's first process (pid %d) has gone", pid)
                               : fail(err, errno, "open %s", path);
    if (fstat(netns, &theirs) < 0 || stat("/proc/self/ns/net", &ours) < 0)
        return fail(err, errno, "look at %s", path);
    if (theirs.st_dev == ours.st_dev && theirs.st_ino == ours.st_ino)
        return fail_kind(err, "conflict", 0, "process %d has no network namespace of its own", pid);
    return steal_fd(&netns);
}

static int connect_to_bridge(const struct request *request, const char *bridge, int netns, unsigned char mac[6], struct error *err)
{
    const char *address_text, *gateway_text = NULL, *mac_text = NULL, *ifname, *veth;
    struct network_address address;
    struct in_addr gateway;
    struct veth_plan plan = {.peer_netns = netns};
    TRY(request_string(request, "address", &address_text, err));
    TRY(network_address_parse(address_text, &address, err));
    TRY(request_optional_string(request, "gateway", &gateway_text, err));
    if (gateway_text && inet_pton(AF_INET, gateway_text, &gateway) != 1)
        return fail_kind(err, "invalid", 0, "gateway: %s is not an address", gateway_text);
    TRY(request_optional_string(request, "mac", &mac_text, err));
    mac_of_address(&address, mac);
    if (mac_text)
        TRY(mac_parse(mac_text, mac, err));
    TRY(request_link_name(request, "ifname", "eth0", &ifname, err));
    TRY(request_link_name(request, "veth", NULL, &veth, err));

    cleanup_netlink struct netlink *netlink = NULL;
    struct link master, link;
    TRY(netlink_open(&netlink, err));
    TRY(link_find(netlink, bridge, &master, err));
    if (master.index == 0)
        return fail_kind(err, "not-found", 0, "there is no bridge %s", bridge);
    plan.name = veth;
    plan.peer_name = ifname;
    plan.peer_mac = mac;
    plan.mtu = master.mtu;
    TRY(link_add_veth(netlink, &plan, err));
    TRY(link_find(netlink, veth, &link, err));
    int status = silence_ipv6(veth, err);
    if (status == 0)
        status = link_up(netlink, link.index, master.index, 0, err);
    if (status == 0)
        status = set_up_inside(netns, ifname, &address, gateway_text ? &gateway : NULL, err);
    if (status < 0) {
        struct error ignored;
        link_delete(netlink, link.index, &ignored);
    }
    return status;
}

static int endpoint(const struct request *request, pid_t pid, unsigned char mac[6], struct error *err)
{
    const char *bridge = NULL;
    TRY(request_optional_string(request, "bridge", &bridge, err));
    cleanup_close int netns = open_netns(pid, err);
    TRY(netns);
    return bridge ? connect_to_bridge(request, bridge, netns, mac, err) : set_up_inside(netns, NULL, NULL, NULL, err);
}

int endpoint_connect(const struct request *request, pid_t pid, struct error *err)
{
    unsigned char mac[6];
    return endpoint(request, pid, mac, err);
}

int endpoint_op(struct request *request, struct error *err)
{
    int64_t pid;
    unsigned char mac[6] = {0};
    char text[18];
    TRY(request_integer(request, "pid", 1, INT32_MAX, &pid, err));
    TRY(endpoint(request, (pid_t)pid, mac, err));
    snprintf(text, sizeof text, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
    json_object_object_add(request->reply, "mac", json_object_new_string(text));
    return 0;
}

/* ---- rules ---- */

int nft_op(struct request *request, struct error *err)
{
    cleanup_close int batch = memfd_create("nft", MFD_CLOEXEC);
    if (batch < 0)
        return fail(err, errno, "hand rules to nft");
    char buffer[65536];
    ssize_t count;
    while ((count = read(request->connection, buffer, sizeof buffer)) != 0) {
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0 || write(batch, buffer, (size_t)count) != count)
            return fail(err, errno, "hand rules to nft");
    }
    if (lseek(batch, 0, SEEK_SET) < 0)
        return fail(err, errno, "hand rules to nft");
    return nft_apply(batch, err);
}
