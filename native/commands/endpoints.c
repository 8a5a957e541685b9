/* commands/endpoints.c: the interfaces of containers: made on this side, brought up inside. */
#include "netns.h"

#include "../base/cleanup.h"
#include "../kernel/link-settings.h"
#include "inside.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MOST_WIRES 256
#define LONGEST_REMOVAL_S 10

/* ---- connecting ---- */

static int find_parent(struct netlink *netlink, const struct wire *wire, struct link *parent, struct error *err)
{
    TRY(link_find(netlink, wire->parent, parent, err));
    if (parent->index == 0)
        return fail_kind(err, "not-found", 0, "there is no %s %s", wire->kind == WIRE_BRIDGE ? "bridge" : "network link", wire->parent);
    return 0;
}

static int plug_into_bridge(struct netlink *netlink, struct wire *wire, int bridge, struct error *err)
{
    struct link link;
    TRY(link_find(netlink, wire->veth, &link, err));
    TRY(link_set_ipv6(wire->veth, false, err));
    TRY(link_up(netlink, link.index, bridge, 0, err));
    wire->port = link.index;
    if (wire->hairpin)
        TRY(link_set_hairpin(netlink, link.index, err));
    return wire->isolated ? link_set_isolated(netlink, link.index, err) : 0;
}

/* Whatever fails later: what was made counts. */
static int make(struct netlink *netlink, struct wire *wire, int netns, size_t *made, struct error *err)
{
    struct link parent;
    struct inner_link inner = {.name = wire->ifname, .netns = netns, .mac = wire->has_mac ? wire->mac : NULL};
    TRY(find_parent(netlink, wire, &parent, err));
    if (wire->kind == WIRE_MACVLAN)
        TRY(link_add_macvlan(netlink, parent.index, (uint32_t)wire->mode, &inner, err));
    else if (wire->kind == WIRE_IPVLAN)
        TRY(link_add_ipvlan(netlink, parent.index, (uint16_t)wire->mode, &inner, err));
    else
        TRY(link_add_veth(netlink, wire->veth, &inner, parent.mtu, err));
    ++*made;
    return wire->kind == WIRE_BRIDGE ? plug_into_bridge(netlink, wire, parent.index, err) : 0;
}

static int make_all(const struct inside_work *work, int netns, size_t *made, struct error *err)
{
    for (size_t i = 0; i < work->wire_count; i++)
        TRY(make(work->outside, &work->wires[i], netns, made, err));
    return 0;
}

/* From inside, where every kind of wire has an end. */
static void unmake(int netns, const struct wire *wires, size_t made)
{
    cleanup_netlink struct netlink *netlink = NULL;
    struct error ignored;
    struct link link;
    for (size_t i = 0; i < made && (netlink || inside_connect(netns, &netlink, &ignored) == 0); i++)
        if (link_find(netlink, wires[i].ifname, &link, &ignored) == 0 && link.index > 0)
            link_delete(netlink, link.index, &ignored);
}

static int connect_wires(pid_t pid, struct inside_work *work, struct error *err)
{
    size_t made = 0;
    cleanup_netlink struct netlink *outside = NULL;
    cleanup_close int netns = inside_open(pid, err);
    TRY(netns);
    if (work->wire_count > 0)
        TRY(netlink_open(&outside, err));
    work->outside = outside;
    int status = make_all(work, netns, &made, err);
    if (status == 0)
        status = inside_do(netns, work, err);
    if (status < 0)
        unmake(netns, work->wires, made);
    return status;
}

/* The list "wires". */
static int read_wires(const struct request *network, struct wire **wires, size_t *count, struct error *err)
{
    json_object *list = json_object_object_get(network->fields, "wires");
    *count = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : MOST_WIRES + 1;
    if (*count > MOST_WIRES)
        return fail_kind(err, "invalid", 0, "the network's \"wires\" must be a list of at most %d", MOST_WIRES);
    *wires = calloc(*count + 1, sizeof **wires);
    if (!*wires)
        return fail(err, ENOMEM, "read the wires");
    for (size_t i = 0; i < *count; i++) {
        struct request inner = *network;
        inner.fields = json_object_array_get_idx(list, i);
        TRY(wire_read(&inner, &(*wires)[i], err));
    }
    return 0;
}

int network_connect(const struct request *network, pid_t pid, struct error *err)
{
    cleanup_free struct wire *wires = NULL;
    struct ways_out ways;
    struct inside_work work = {.loopback = true, .ways = &ways};
    TRY(read_wires(network, &wires, &work.wire_count, err));
    TRY(ways_out_read(network, &ways, err));
    work.wires = wires;
    return connect_wires(pid, &work, err);
}

static int read_pid(const struct request *request, pid_t *pid, struct error *err)
{
    int64_t number;
    TRY(request_integer(request, "pid", 1, INT32_MAX, &number, err));
    *pid = (pid_t)number;
    return 0;
}

int endpoint_op(struct request *request, struct error *err)
{
    pid_t pid;
    struct wire wire;
    struct request inner = *request;
    char text[18];
    inner.fields = json_object_object_get(request->fields, "wire");
    TRY(read_pid(request, &pid, err));
    TRY(wire_read(&inner, &wire, err));
    TRY(connect_wires(pid, &(struct inside_work){.wires = &wire, .wire_count = 1}, err));
    const unsigned char *mac = wire.mac;
    snprintf(text, sizeof text, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
    json_object_object_add(request->reply, "mac", json_object_new_string(text));
    return 0;
}

int routes_op(struct request *request, struct error *err)
{
    pid_t pid;
    struct ways_out ways;
    TRY(read_pid(request, &pid, err));
    TRY(ways_out_read(request, &ways, err));
    return connect_wires(pid, &(struct inside_work){.ways = &ways, .only = true}, err);
}

/* ---- disconnecting ---- */

/* Where the interface can be taken hold of: by its end out here, which is ours whatever the container has made of the other, or else inside. */
static int hold_end(struct netlink **netlink, const char *veth, pid_t pid, struct error *err)
{
    if (veth)
        return netlink_open(netlink, err);
    cleanup_close int netns = inside_open(pid, err);
    TRY(netns);
    return inside_connect(netns, netlink, err);
}

/* In a process that no longer belongs to the connection: the kernel takes 30 ms, and nobody is to wait for that. */
static pid_t delete_behind_us(const struct request *request, struct netlink *netlink, int index)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    struct error ignored;
    setsid();
    close(request->connection);
    _exit(link_delete(netlink, index, &ignored) < 0);
}

/* Both ends go out of sight in one step, long before the deletion has ended. */
static int wait_out_of_sight(struct netlink *netlink, const char *name, int index, pid_t deleter, struct error *err)
{
    const struct timespec moment = {.tv_nsec = 200 * 1000};
    struct timespec now, begun;
    clock_gettime(CLOCK_MONOTONIC, &begun);
    do {
        struct link link;
        int status;
        TRY(link_find(netlink, name, &link, err));
        if (link.index != index)
            return 0;
        if (waitpid(deleter, &status, WNOHANG) == deleter && status != 0)
            return link_delete(netlink, index, err); /* and hear why not */
        nanosleep(&moment, NULL);
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while (now.tv_sec - begun.tv_sec <= LONGEST_REMOVAL_S);
    return fail_kind(err, "unavailable", 0, "waited %d s for the kernel to take %s away", LONGEST_REMOVAL_S, name);
}

int endpoint_remove_op(struct request *request, struct error *err)
{
    pid_t pid;
    const char *ifname, *veth = NULL;
    TRY(read_pid(request, &pid, err));
    TRY(wire_read_link_name(request, "ifname", &ifname, err));
    if (json_object_object_get(request->fields, "veth"))
        TRY(wire_read_link_name(request, "veth", &veth, err));
    const char *name = veth ? veth : ifname;

    cleanup_netlink struct netlink *looking = NULL, *deleting = NULL;
    struct link link;
    if (hold_end(&looking, veth, pid, err) < 0)
        return strcmp(err->kind, "not-found") == 0 ? 0 : -1; /* it went with its container */
    TRY(link_find(looking, name, &link, err));
    if (link.index == 0)
        return 0;
    if (strcmp(link.kind, veth ? "veth" : "macvlan") != 0 && (veth || strcmp(link.kind, "ipvlan") != 0))
        return fail_kind(err, "conflict", 0, "the network link %s is none that was made for a container", name);
    TRY(hold_end(&deleting, veth, pid, err));
    pid_t deleter = delete_behind_us(request, deleting, link.index);
    if (deleter < 0)
        return fail(err, errno, "fork");
    return wait_out_of_sight(looking, name, link.index, deleter, err);
}
