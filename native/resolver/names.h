/* resolver/names.h: what containers are called on their networks, and which names their addresses have. */
#ifndef SLIPWAY_RESOLVER_NAMES_H
#define SLIPWAY_RESOLVER_NAMES_H

#include "../base/error.h"
#include "address.h"

#include <json-c/json.h>
#include <stddef.h>

struct name {
    char *text;
    struct address *addresses;
    size_t count;
    size_t turn; /* which address the next answer begins with */
};

/* Sorted by name. */
struct names {
    struct name *items;
    size_t count;
};

/* Of {"web":["172.18.0.2","fd00::2"],…}; NULL is none. The table is filled only where all of it is right. */
int names_parse(json_object *object, struct names *names, struct error *err);
struct name *names_find(const struct names *names, const char *text);
void names_clear(struct names *names);

struct reverse {
    struct address address;
    char *name;
};

struct network {
    struct network *next;
    char *id;
    struct names names;
    struct reverse *reverse; /* sorted by address */
    size_t reverse_count;
};

/* All networks there are. */
extern struct network *networks;

/* Makes a network, or exchanges what it has for what is said now. */
int network_set(const char *id, json_object *names, json_object *reverse, struct error *err);
void network_remove(const char *id);
struct network *network_find(const char *id);
/* NULL where the address is nobody's. */
const char *network_name_of(const struct network *network, const struct address *address);

#endif
