/* forwarder/holds.c: wishes for host ports, granted whole or not at all. */
#include "holds.h"

#include "../base/cleanup.h"
#include "ports.h"

#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define MOST_PORTS 131072

struct hold {
    char *key;
    struct port **ports;
    size_t count;
    struct hold *next;
};

static struct hold *holds;

/* One entry of a request. Those of one group get one number. */
struct wish {
    struct port *port; /* made for it, not open yet */
    uint16_t first, last;
    const char *group;
    struct port *granted; /* `port`, or one that the key has already; NULL: left out */
};

struct wishes {
    struct wish *items;
    size_t count;
    const struct hold *before; /* what the key has now; NULL */
};

static const struct {
    int number;
    const char *name;
} protocols[] = {{IPPROTO_TCP, "tcp"}, {IPPROTO_UDP, "udp"}, {IPPROTO_SCTP, "sctp"}};

static const char *protocol_name(int number)
{
    for (size_t i = 0; i < sizeof protocols / sizeof *protocols; i++)
        if (protocols[i].number == number)
            return protocols[i].name;
    return "?";
}

/* ---- reading ---- */

static const char *text_of(json_object *object, const char *name)
{
    json_object *value = json_object_object_get(object, name);
    return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
}

static int read_number(json_object *object, const char *name, int64_t least, uint16_t *out, struct error *err)
{
    json_object *value = json_object_object_get(object, name);
    int64_t number = json_object_get_int64(value);
    if (!json_object_is_type(value, json_type_int) || number < least || number > 65535)
        return fail_kind(err, "invalid", 0, "a port's \"%s\" must be a whole number from %d to 65535", name, (int)least);
    *out = (uint16_t)number;
    return 0;
}

static int read_endpoint(json_object *object, struct endpoint *endpoint, struct error *err)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM}, *found = NULL;
    const char *text = text_of(object, "address");
    if (!text || strlen(text) >= sizeof endpoint->text || getaddrinfo(text, NULL, &hints, &found) != 0)
        return fail_kind(err, "invalid", 0, "a port's \"address\" must be an IP address, not %.64s", text ? text : "missing");
    strcpy(endpoint->text, text);
    memcpy(&endpoint->address, found->ai_addr, found->ai_addrlen);
    endpoint->length = found->ai_addrlen;
    freeaddrinfo(found);
    return 0;
}

static int read_wish(json_object *entry, struct wish *wish, struct error *err)
{
    const char *protocol = text_of(entry, "protocol");
    json_object *target = json_object_object_get(entry, "target");
    uint16_t target_number;
    struct port *port = wish->port = calloc(1, sizeof *port);
    if (!port)
        return fail(err, ENOMEM, "hold ports");
    port->fd = -1;
    for (size_t i = 0; protocol && i < sizeof protocols / sizeof *protocols; i++)
        if (strcmp(protocols[i].name, protocol) == 0)
            port->protocol = protocols[i].number;
    if (port->protocol == 0)
        return fail_kind(err, "invalid", 0, "a port's \"protocol\" must be tcp, udp or sctp");
    TRY(read_number(entry, "first", 0, &wish->first, err));
    TRY(read_number(entry, "last", 0, &wish->last, err));
    if (wish->last < wish->first || (wish->first == 0 && wish->last != 0))
        return fail_kind(err, "invalid", 0, "a port's \"last\" must not be below its \"first\", nor that 0 alone");
    TRY(read_endpoint(entry, &port->host, err));
    TRY(read_endpoint(target, &port->target, err));
    TRY(read_number(target, "port", 1, &target_number, err));
    endpoint_set_number(&port->target, target_number);
    wish->group = text_of(entry, "group");
    return 0;
}

static int read_wishes(json_object *list, struct wishes *wishes, struct error *err)
{
    size_t count = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : MOST_PORTS + 1;
    if (count > MOST_PORTS)
        return fail_kind(err, "invalid", 0, "the request's \"ports\" must be a list of at most %d", MOST_PORTS);
    wishes->items = calloc(count + 1, sizeof *wishes->items);
    if (!wishes->items)
        return fail(err, ENOMEM, "hold ports");
    for (; wishes->count < count; wishes->count++)
        if (read_wish(json_object_array_get_idx(list, wishes->count), &wishes->items[wishes->count], err) < 0) {
            free(wishes->items[wishes->count].port);
            return -1;
        }
    return 0;
}

/* ---- granting ---- */

/* Wishes from `start` on that get one number together. */
static size_t group_end(const struct wishes *wishes, size_t start)
{
    const struct wish *first = &wishes->items[start];
    size_t end = start + 1;
    for (; first->group && end < wishes->count; end++) {
        const struct wish *next = &wishes->items[end];
        if (!next->group || strcmp(next->group, first->group) != 0 || next->port->protocol != first->port->protocol ||
            endpoint_number(&next->port->target) != endpoint_number(&first->port->target) || next->first != first->first || next->last != first->last)
            break;
    }
    return end;
}

/* The key's own port of that protocol, address and number, where it has one that no other wish has got. */
static struct port *own(const struct wishes *wishes, const struct port *like, uint16_t number)
{
    for (size_t i = 0; wishes->before && i < wishes->before->count; i++) {
        struct port *port = wishes->before->ports[i];
        if (port->open && !port->claimed && port->protocol == like->protocol && endpoint_number(&port->host) == number &&
            strcmp(port->host.text, like->host.text) == 0)
            return port;
    }
    return NULL;
}

/* What the key holds and no longer wants may be in the way of what it wants now: 127.0.0.1 of 0.0.0.0. */
static bool make_way(const struct wishes *wishes, const struct port *wanted)
{
    bool made = false;
    for (size_t i = 0; wishes->before && i < wishes->before->count; i++) {
        struct port *port = wishes->before->ports[i];
        if (!port->open || port->claimed || port->protocol != wanted->protocol || endpoint_number(&port->host) != endpoint_number(&wanted->host))
            continue;
        port_close(port);
        made = true;
    }
    return made;
}

static void undo(struct wish *wishes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct wish *wish = &wishes[i];
        if (wish->granted == wish->port)
            port_close(wish->port);
        else if (wish->granted)
            wish->granted->claimed = false;
        wish->granted = NULL;
    }
}

/* A machine without IPv6 has [::] nowhere: beside 0.0.0.0 nobody misses it. */
static bool dispensable(const struct wish *group, size_t count, const struct wish *wish, int errnum)
{
    if ((errnum != EADDRNOTAVAIL && errnum != EAFNOSUPPORT) || wish->port->host.address.ss_family != AF_INET6 ||
        !endpoint_is_wildcard(&wish->port->host))
        return false;
    for (size_t i = 0; i < count; i++)
        if (group[i].port->host.address.ss_family == AF_INET)
            return true;
    return false;
}

/* One number for the whole group: 0, or an errno and whose it was. */
static int try_number(const struct wishes *wishes, struct wish *group, size_t count, uint16_t number, struct wish **failed)
{
    for (size_t i = 0; i < count; i++) {
        struct wish *wish = &group[i];
        struct port *had = own(wishes, wish->port, number);
        if (had) {
            had->claimed = true;
            wish->granted = had;
            continue;
        }
        endpoint_set_number(&wish->port->host, number);
        int errnum = port_open(wish->port);
        if (errnum == EADDRINUSE && make_way(wishes, wish->port))
            errnum = port_open(wish->port);
        if (errnum == 0) {
            wish->granted = wish->port;
        } else if (!dispensable(group, count, wish, errnum)) {
            *failed = wish;
            undo(group, count);
            return errnum;
        }
    }
    return 0;
}

static void ephemeral_range(uint16_t *first, uint16_t *last)
{
    unsigned low = 0, high = 0;
    cleanup_fclose FILE *file = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");
    bool known = file && fscanf(file, "%u %u", &low, &high) == 2 && low > 0 && low <= high && high <= 65535;
    *first = known ? (uint16_t)low : 32768;
    *last = known ? (uint16_t)high : 60999;
}

/* What the key already has, where it still fits; then the numbers of the range in turn, or from anywhere on where any will do. */
static int grant_group(const struct wishes *wishes, struct wish *group, size_t count, struct wish **failed)
{
    uint16_t first = group->first, last = group->last;
    int errnum;
    for (size_t i = 0; first != last || first == 0; i++) {
        if (!wishes->before || i >= wishes->before->count)
            break;
        struct port *had = wishes->before->ports[i];
        uint16_t number = endpoint_number(&had->host);
        if (had->open && !had->claimed && had->protocol == group->port->protocol && strcmp(had->host.text, group->port->host.text) == 0 &&
            endpoint_number(&had->target) == endpoint_number(&group->port->target) && (first == 0 || (first <= number && number <= last)) &&
            try_number(wishes, group, count, number, failed) == 0)
            return 0;
    }
    unsigned offset = 0;
    if (first == 0) {
        ephemeral_range(&first, &last);
        if (getrandom(&offset, sizeof offset, 0) != sizeof offset)
            offset = 0;
    }
    unsigned length = (unsigned)last - first + 1;
    errnum = EADDRINUSE;
    for (unsigned i = 0; i < length && errnum == EADDRINUSE; i++)
        errnum = try_number(wishes, group, count, (uint16_t)(first + (offset + i) % length), failed);
    return errnum;
}

static int refuse(const struct wish *wish, int errnum, struct error *err)
{
    const struct endpoint *host = &wish->port->host;
    bool six = host->address.ss_family == AF_INET6, any = wish->first != wish->last;
    char numbers[32], where[192];
    if (wish->first == 0)
        snprintf(numbers, sizeof numbers, "0");
    else if (any && errnum == EADDRINUSE)
        snprintf(numbers, sizeof numbers, "%u-%u", wish->first, wish->last);
    else
        snprintf(numbers, sizeof numbers, "%u", endpoint_number(host));
    snprintf(where, sizeof where, "failed to bind host port %s%s%s:%s/%s", six ? "[" : "", host->text, six ? "]" : "", numbers,
             protocol_name(wish->port->protocol));
    if (errnum == EADDRINUSE)
        fail_kind(err, "conflict", 0, "%s: address already in use%s", where, any ? ": none of these ports is free" : wish->first ? "" : ": no port is free");
    else if (errnum == EACCES)
        fail_kind(err, "forbidden", 0, "%s: permission denied: ports below 1024 need privileges (the sysctl net.ipv4.ip_unprivileged_port_start says from "
                  "where on they do not)", where);
    else if (errnum == EADDRNOTAVAIL)
        fail_kind(err, "invalid", 0, "%s: cannot assign requested address: no network interface of this machine has it", where);
    else if (errnum == EMFILE || errnum == ENFILE)
        fail_kind(err, "unavailable", 0, "%s: too many open files", where);
    else
        fail(err, errnum, "%s", where);
    err->errnum = errnum;
    return -1;
}

static int grant(struct wishes *wishes, struct error *err)
{
    int errnum = 0;
    struct wish *failed = NULL;
    for (size_t start = 0, end; start < wishes->count && errnum == 0; start = end) {
        end = group_end(wishes, start);
        errnum = grant_group(wishes, &wishes->items[start], end - start, &failed);
    }
    if (errnum == 0)
        return 0;
    undo(wishes->items, wishes->count);
    for (size_t i = 0; wishes->before && i < wishes->before->count; i++)
        if (!wishes->before->ports[i]->open)
            port_open(wishes->before->ports[i]); /* it was free a moment ago */
    return refuse(failed, errnum, err);
}

/* ---- keys ---- */

static struct hold **find(const char *key)
{
    struct hold **at = &holds;
    while (*at && strcmp((*at)->key, key) != 0)
        at = &(*at)->next;
    return at;
}

/* A container that was started again has another address, maybe: whoever is still connected to the old one is not connected to anything. */
static void retarget(struct port *port, const struct endpoint *target)
{
    if (memcmp(&port->target.address, &target->address, sizeof target->address) == 0)
        return;
    port_drop(port);
    port->target = *target;
}

/* The key has what it wished for, and nothing else. */
static int take_over(struct hold *hold, struct wishes *wishes, struct error *err)
{
    struct port **ports = calloc(wishes->count + 1, sizeof *ports);
    if (!ports)
        return fail(err, ENOMEM, "hold ports");
    size_t count = 0;
    for (size_t i = 0; i < hold->count; i++)
        if (!hold->ports[i]->claimed) {
            port_close(hold->ports[i]);
            free(hold->ports[i]);
        }
    for (size_t i = 0; i < wishes->count; i++) {
        struct wish *wish = &wishes->items[i];
        if (!wish->granted)
            continue;
        ports[count++] = wish->granted;
        wish->granted->claimed = false;
        if (wish->granted == wish->port)
            wish->port = NULL;
        else
            retarget(wish->granted, &wish->port->target);
    }
    free(hold->ports);
    hold->ports = ports;
    hold->count = count;
    return 0;
}

static json_object *describe(const struct port *port)
{
    json_object *entry = json_object_new_object();
    json_object_object_add(entry, "protocol", json_object_new_string(protocol_name(port->protocol)));
    json_object_object_add(entry, "address", json_object_new_string(port->host.text));
    json_object_object_add(entry, "port", json_object_new_int(endpoint_number(&port->host)));
    return entry;
}

static json_object *describe_granted(const struct wishes *wishes)
{
    json_object *reply = json_object_new_object(), *list = json_object_new_array();
    for (size_t i = 0; i < wishes->count; i++) {
        if (!wishes->items[i].granted)
            continue;
        json_object *entry = describe(wishes->items[i].granted);
        json_object_object_add(entry, "index", json_object_new_int64((int64_t)i));
        json_object_array_add(list, entry);
    }
    json_object_object_add(reply, "ports", list);
    return reply;
}

static struct hold *hold_for(const char *key, struct error *err)
{
    struct hold **at = find(key);
    if (*at)
        return *at;
    struct hold *hold = calloc(1, sizeof *hold);
    if (!hold || !(hold->key = strdup(key))) {
        free(hold);
        fail(err, ENOMEM, "hold ports");
        return NULL;
    }
    return *at = hold;
}

static void remove_hold(struct hold **at)
{
    struct hold *hold = *at;
    *at = hold->next;
    for (size_t i = 0; i < hold->count; i++) {
        port_close(hold->ports[i]);
        free(hold->ports[i]);
    }
    free(hold->ports);
    free(hold->key);
    free(hold);
}

static const char *key_of(json_object *request, struct error *err)
{
    const char *key = text_of(request, "key");
    if (!key || !*key)
        fail_kind(err, "invalid", 0, "the request's \"key\" must be a string that is not empty");
    return key && *key ? key : NULL;
}

json_object *holds_hold(json_object *request, struct error *err)
{
    json_object *reply = NULL;
    struct wishes wishes = {0};
    const char *key = key_of(request, err);
    struct hold *hold = key && read_wishes(json_object_object_get(request, "ports"), &wishes, err) == 0 ? hold_for(key, err) : NULL;
    if (hold) {
        wishes.before = hold;
        if (grant(&wishes, err) == 0) {
            reply = describe_granted(&wishes);
            if (take_over(hold, &wishes, err) < 0) {
                undo(wishes.items, wishes.count);
                json_object_put(reply);
                reply = NULL;
            }
        }
        if (hold->count == 0)
            remove_hold(find(key));
    }
    for (size_t i = 0; i < wishes.count; i++)
        free(wishes.items[i].port);
    free(wishes.items);
    return reply;
}

json_object *holds_release(json_object *request, struct error *err)
{
    const char *key = key_of(request, err);
    if (!key)
        return NULL;
    struct hold **at = find(key);
    if (*at)
        remove_hold(at);
    return json_object_new_object();
}

json_object *holds_state(void)
{
    json_object *reply = json_object_new_object(), *list = json_object_new_array();
    for (const struct hold *hold = holds; hold; hold = hold->next) {
        json_object *entry = json_object_new_object(), *ports = json_object_new_array();
        for (size_t i = 0; i < hold->count; i++) {
            json_object *port = describe(hold->ports[i]), *target = json_object_new_object();
            json_object_object_add(target, "address", json_object_new_string(hold->ports[i]->target.text));
            json_object_object_add(target, "port", json_object_new_int(endpoint_number(&hold->ports[i]->target)));
            json_object_object_add(port, "target", target);
            json_object_array_add(ports, port);
        }
        json_object_object_add(entry, "key", json_object_new_string(hold->key));
        json_object_object_add(entry, "ports", ports);
        json_object_array_add(list, entry);
    }
    json_object_object_add(reply, "holds", list);
    return reply;
}
