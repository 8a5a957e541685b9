/* resolver/answer.c: see answer.h. */
#include "answer.h"

#include "message.h"
#include "sockets.h"
#include "upstream.h"

#include <string.h>

static uint8_t room[DNS_LARGEST];

static void begin(struct dns_reply *reply, const struct asker *asker, const uint8_t *bytes, const struct dns_query *query, unsigned rcode)
{
    dns_begin(reply, room, asker->client ? DNS_LARGEST : query->udp_size, bytes, query, rcode);
}

static bool finish(struct dns_reply *reply, const struct asker *asker)
{
    sockets_answer(asker, room, dns_end(reply));
    return true;
}

static size_t count_of(const struct name *name, int family)
{
    size_t count = 0;
    for (size_t i = 0; i < name->count; i++)
        count += name->addresses[i].family == family;
    return count;
}

/* All addresses of the family, beginning with another one each time. */
static void add_rotated(struct dns_reply *reply, struct name *name, int family)
{
    size_t count = count_of(name, family), first = name->turn++ % count, seen = 0;
    for (size_t i = 0; i < 2 * name->count; i++) {
        const struct address *address = &name->addresses[i % name->count];
        if (address->family != family)
            continue;
        if (seen >= first && seen < first + count && !dns_add_address(reply, address))
            return;
        seen++;
    }
}

/* The first table that has addresses of the family; *known where one has the name at all. */
static struct name *find(const struct view *view, const char *text, int family, bool *known)
{
    struct name *name = names_find(&view->own, text);
    *known = name != NULL;
    if (name && count_of(name, family) > 0)
        return name;
    for (char **id = view->networks; id && *id; id++) {
        const struct network *network = network_find(*id);
        name = network ? names_find(&network->names, text) : NULL;
        *known = *known || name;
        if (name && count_of(name, family) > 0)
            return name;
    }
    return NULL;
}

static const char *find_reverse(const struct view *view, const char *text)
{
    struct address address;
    const char *name = NULL;
    if (!dns_reverse_address(text, &address))
        return NULL;
    for (char **id = view->networks; id && *id && !name; id++) {
        const struct network *network = network_find(*id);
        name = network ? network_name_of(network, &address) : NULL;
    }
    return name;
}

/* What our tables say. False: nothing. */
static bool answer_ourselves(const struct asker *asker, const uint8_t *bytes, const struct dns_query *query)
{
    const struct view *view = &asker->attachment->view;
    int family = query->type == DNS_A ? AF_INET : query->type == DNS_AAAA ? AF_INET6 : AF_UNSPEC;
    struct dns_reply reply;
    bool known;
    if ((query->class != DNS_IN && query->class != DNS_ANY_CLASS) || query->name[0] == '\0')
        return false;
    const char *pointer = query->type == DNS_PTR ? find_reverse(view, query->name) : NULL;
    struct name *name = find(view, query->name, family, &known);
    if (!pointer && !known)
        return false;
    begin(&reply, asker, bytes, query, DNS_NOERROR);
    if (pointer)
        dns_add_pointer(&reply, pointer);
    else if (name)
        add_rotated(&reply, name, family);
    return finish(&reply, asker);
}

bool answer_query(const struct asker *asker, const uint8_t *bytes, size_t length)
{
    struct dns_query query;
    struct dns_reply reply;
    int code = dns_parse(bytes, length, &query);
    if (code < 0)
        return false;
    if (code == DNS_NOERROR && answer_ourselves(asker, bytes, &query))
        return true;
    if (code == DNS_NOERROR && !asker->attachment->view.forward)
        /* One label can only be a container's. Whether a longer name is there we may not ask, so we do not say that it is not. */
        code = query.labels == 1 ? DNS_NXDOMAIN : DNS_SERVFAIL;
    if (code == DNS_NOERROR && upstream_ask(asker, bytes, length, &query))
        return true;
    begin(&reply, asker, bytes, &query, code == DNS_NOERROR ? DNS_SERVFAIL : (unsigned)code);
    return finish(&reply, asker);
}
