#include "inside.h"

#include "../base/cleanup.h"
#include "../kernel/link-settings.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>

#define LONGEST_WAIT_MS 1500

int inside_open(pid_t pid, struct error *err)
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

/* ---- in the namespace ---- */

static int apply_settings(const struct wire *wire, struct error *err)
{
    if (!wire->sysctls)
        return 0;
    json_object_object_foreach(wire->sysctls, name, value) {
        TRY(link_setting_apply(name, wire->ifname, json_object_get_string(value), err));
    }
    return 0;
}

/* Neighbours that remember an address by the MAC address that goes with it need not be told. */
static bool is_told_by_address(const struct wire *wire)
{
    unsigned char usual[6];
    return !wire->ipv6 && wire_mac_of(wire->addresses, wire->address_count, usual) && memcmp(usual, wire->mac, sizeof usual) == 0;
}

/* An address may have been somebody else's a moment ago, and who talked to them still sends there. What is told before the port forwards is lost. */
static int announce(struct netlink *netlink, struct netlink *outside, int index, const struct wire *wire, struct error *err)
{
    struct error ignored;
    if (wire->kind == WIRE_IPVLAN || wire->address_count == 0 || is_told_by_address(wire))
        return 0;
    TRY(link_setting("ipv4", wire->ifname, "arp_notify", "1", err));
    if (wire->ipv6)
        TRY(link_setting("ipv6", wire->ifname, "ndisc_notify", "1", err));
    if (wire->port > 0)
        link_wait_forwarding(outside, wire->port, LONGEST_WAIT_MS, &ignored);
    return link_announce(netlink, index, wire->mac, err);
}

static int bring_up(struct netlink *netlink, struct netlink *outside, struct wire *wire, struct error *err)
{
    struct link link;
    TRY(link_find(netlink, wire->ifname, &link, err));
    memcpy(wire->mac, link.mac, sizeof wire->mac);
    TRY(link_set_ipv6(wire->ifname, wire->ipv6, err));
    for (size_t i = 0; i < wire->address_count; i++)
        TRY(address_add(netlink, link.index, &wire->addresses[i], err));
    TRY(link_up(netlink, link.index, 0, 0, err));
    TRY(announce(netlink, outside, link.index, wire, err));
    return apply_settings(wire, err);
}

static int find_ways(struct netlink *netlink, const struct ways_out *ways, struct default_route routes[2], struct error *err)
{
    for (size_t i = 0; i < ways->count; i++) {
        struct link link;
        TRY(link_find(netlink, ways->list[i].ifname, &link, err));
        if (link.index == 0)
            return fail_kind(err, "not-found", 0, "the container has no interface %s", ways->list[i].ifname);
        routes[i] = (struct default_route){.gateway = ways->list[i].gateway, .index = link.index};
    }
    return 0;
}

static int set_ways(struct netlink *netlink, const struct ways_out *ways, bool only, struct error *err)
{
    static const unsigned char families[] = {AF_INET, AF_INET6};
    struct default_route routes[2];
    TRY(find_ways(netlink, ways, routes, err));
    for (size_t i = 0; i < ways->count && !only; i++)
        TRY(default_route_set(netlink, &routes[i], err));
    for (size_t f = 0; f < sizeof families / sizeof *families && only; f++) {
        const struct default_route *route = NULL;
        for (size_t i = 0; i < ways->count; i++)
            if (routes[i].gateway.family == families[f])
                route = &routes[i];
        TRY(default_route_set_only(netlink, families[f], route, err));
    }
    return 0;
}

static int do_it(const struct inside_work *work, struct error *err)
{
    cleanup_netlink struct netlink *netlink = NULL;
    struct link lo;
    TRY(netlink_open(&netlink, err));
    if (work->loopback) {
        TRY(link_find(netlink, "lo", &lo, err));
        TRY(link_up(netlink, lo.index, 0, 0, err));
    }
    for (size_t i = 0; i < work->wire_count; i++)
        TRY(bring_up(netlink, work->outside, &work->wires[i], err));
    return work->ways ? set_ways(netlink, work->ways, work->only, err) : 0;
}

/* ---- the thread ---- */

struct visit {
    int netns;
    const struct inside_work *work; /* or NULL: */
    struct netlink **connection;
    struct error *err;
    int status;
};

static void *visit(void *data)
{
    struct visit *visit = data;
    if (setns(visit->netns, CLONE_NEWNET) < 0)
        visit->status = fail(visit->err, errno, "enter the container's network namespace");
    else
        visit->status = visit->work ? do_it(visit->work, visit->err) : netlink_open(visit->connection, visit->err);
    return NULL;
}

/* A thread that ends there: who stayed would keep the namespace and its links alive, and an ordinary user's helper would not be let back into the
 * machine's own. */
static int go_in(struct visit *about)
{
    pthread_t thread;
    int failed = pthread_create(&thread, NULL, visit, about);
    if (failed != 0)
        return fail(about->err, failed, "start a thread for the container's network namespace");
    pthread_join(thread, NULL);
    return about->status;
}

int inside_do(int netns, const struct inside_work *work, struct error *err)
{
    return go_in(&(struct visit){.netns = netns, .work = work, .err = err, .status = -1});
}

int inside_connect(int netns, struct netlink **netlink, struct error *err)
{
    return go_in(&(struct visit){.netns = netns, .connection = netlink, .err = err, .status = -1});
}
