/* resolver/names.c: see names.h. */
#include "names.h"

#include "message.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct network *networks;

static int no_memory(struct error *err)
{
    return fail(err, ENOMEM, "keep the names");
}

static int read_address(const char *text, struct address *address, struct error *err)
{
    *address = (struct address){.family = strchr(text, ':') ? AF_INET6 : AF_INET};
    if (inet_pton(address->family, text, address->bytes) != 1)
        return fail_kind(err, "invalid", 0, "\"%.100s\" is no IP address", text);
    return 0;
}

static int check_name(const char *text, struct error *err)
{
    return dns_encodable(text) ? 0 : fail_kind(err, "invalid", 0, "\"%.100s\" cannot be a name in the DNS", text);
}

static int check_object(json_object *object, const char *what, struct error *err)
{
    return json_object_is_type(object, json_type_object) ? 0 : fail_kind(err, "invalid", 0, "%s is no object", what);
}

/* ---- names ---- */

static int compare_names(const void *one, const void *other)
{
    return strcmp(((const struct name *)one)->text, ((const struct name *)other)->text);
}

static int read_name(const char *text, json_object *list, struct name *name, struct error *err)
{
    TRY(check_name(text, err));
    if (!json_object_is_type(list, json_type_array))
        return fail_kind(err, "invalid", 0, "the addresses of \"%s\" are no list", text);
    size_t count = json_object_array_length(list);
    name->text = strdup(text);
    name->addresses = calloc(count ? count : 1, sizeof *name->addresses);
    if (!name->text || !name->addresses)
        return no_memory(err);
    for (; name->count < count; name->count++) {
        const char *address = json_object_get_string(json_object_array_get_idx(list, name->count));
        TRY(read_address(address ? address : "", &name->addresses[name->count], err));
    }
    return 0;
}

static int read_names(json_object *object, struct names *names, struct error *err)
{
    TRY(check_object(object, "names", err));
    names->items = calloc((size_t)json_object_object_length(object) + 1, sizeof *names->items);
    if (!names->items)
        return no_memory(err);
    json_object_object_foreach(object, text, list)
        TRY(read_name(text, list, &names->items[names->count++], err));
    qsort(names->items, names->count, sizeof *names->items, compare_names);
    return 0;
}

int names_parse(json_object *object, struct names *names, struct error *err)
{
    *names = (struct names){0};
    if (!object || read_names(object, names, err) == 0)
        return 0;
    names_clear(names);
    return -1;
}

struct name *names_find(const struct names *names, const char *text)
{
    struct name wanted = {.text = (char *)text};
    return names->count > 0 ? bsearch(&wanted, names->items, names->count, sizeof wanted, compare_names) : NULL;
}

void names_clear(struct names *names)
{
    for (size_t i = 0; i < names->count; i++) {
        free(names->items[i].text);
        free(names->items[i].addresses);
    }
    free(names->items);
    *names = (struct names){0};
}

/* ---- networks ---- */

static int compare_addresses(const void *one, const void *other)
{
    const struct address *a = &((const struct reverse *)one)->address, *b = &((const struct reverse *)other)->address;
    if (a->family != b->family)
        return a->family - b->family;
    return memcmp(a->bytes, b->bytes, sizeof a->bytes);
}

static int read_reverse(json_object *object, struct network *network, struct error *err)
{
    if (!object)
        return 0;
    TRY(check_object(object, "reverse", err));
    network->reverse = calloc((size_t)json_object_object_length(object) + 1, sizeof *network->reverse);
    if (!network->reverse)
        return no_memory(err);
    json_object_object_foreach(object, address, name) {
        struct reverse *item = &network->reverse[network->reverse_count];
        const char *text = json_object_get_string(name);
        TRY(check_name(text ? text : "", err));
        TRY(read_address(address, &item->address, err));
        if (!(item->name = strdup(text)))
            return no_memory(err);
        network->reverse_count++;
    }
    qsort(network->reverse, network->reverse_count, sizeof *network->reverse, compare_addresses);
    return 0;
}

static void free_network(struct network *network)
{
    names_clear(&network->names);
    for (size_t i = 0; i < network->reverse_count; i++)
        free(network->reverse[i].name);
    free(network->reverse);
    free(network->id);
    free(network);
}

/* A name that stays goes on with the turn it had. */
static void keep_turns(const struct network *before, struct network *now)
{
    for (size_t i = 0; i < now->names.count; i++) {
        struct name *old = names_find(&before->names, now->names.items[i].text);
        if (old)
            now->names.items[i].turn = old->turn;
    }
}

int network_set(const char *id, json_object *names, json_object *reverse, struct error *err)
{
    struct network *network = calloc(1, sizeof *network), *before = network_find(id);
    if (!network || !(network->id = strdup(id))) {
        free(network);
        return no_memory(err);
    }
    if (names_parse(names, &network->names, err) < 0 || read_reverse(reverse, network, err) < 0) {
        free_network(network);
        return -1;
    }
    if (before)
        keep_turns(before, network);
    network_remove(id);
    network->next = networks;
    networks = network;
    return 0;
}

void network_remove(const char *id)
{
    for (struct network **at = &networks; *at; at = &(*at)->next) {
        struct network *network = *at;
        if (strcmp(network->id, id) != 0)
            continue;
        *at = network->next;
        free_network(network);
        return;
    }
}

struct network *network_find(const char *id)
{
    for (struct network *network = networks; network; network = network->next)
        if (strcmp(network->id, id) == 0)
            return network;
    return NULL;
}

const char *network_name_of(const struct network *network, const struct address *address)
{
    struct reverse wanted = {.address = *address};
    const struct reverse *found =
        network->reverse_count > 0 ? bsearch(&wanted, network->reverse, network->reverse_count, sizeof wanted, compare_addresses) : NULL;
    return found ? found->name : NULL;
}
