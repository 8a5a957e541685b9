/* commands/wire.h: the interfaces of a container as a request describes them, read and checked before anything is made. */
#ifndef SLIPWAY_COMMANDS_WIRE_H
#define SLIPWAY_COMMANDS_WIRE_H

#include "../kernel/addresses.h"
#include "serve.h"

enum wire_kind { WIRE_BRIDGE, WIRE_MACVLAN, WIRE_IPVLAN };

#define MOST_ADDRESSES_OF_A_LINK 16

struct wire {
    enum wire_kind kind;
    const char *parent; /* the bridge, or the host's link that it is stacked on */
    const char *ifname;
    const char *veth; /* WIRE_BRIDGE: the host's end */
    int mode;         /* the others: MACVLAN_MODE_…, IPVLAN_MODE_… */
    struct network_address addresses[MOST_ADDRESSES_OF_A_LINK];
    size_t address_count;
    bool ipv6; /* one of them is */
    bool has_mac;
    unsigned char mac[6]; /* the one to have, and in the end the one it has */
    json_object *sysctls; /* NULL, or an object of strings whose names are in order */
    bool hairpin, isolated;
    int port; /* the index of the bridge's port once it is one */
};

/* A default route whose interface is known by its name only. */
struct way_out {
    struct network_address gateway;
    const char *ifname;
};

/* At most one for each family. */
struct ways_out {
    struct way_out list[2];
    size_t count;
};

/* Strings are the request's. */
int wire_read(const struct request *request, struct wire *wire, struct error *err);
/* The list "defaults". */
int ways_out_read(const struct request *request, struct ways_out *ways, struct error *err);

/* A link's name, which is safe as a path component and between the quotes of an nft batch. */
int wire_read_link_name(const struct request *request, const char *field, const char **name, struct error *err);
/* The list "addresses". */
int wire_read_addresses(const struct request *request, struct network_address addresses[MOST_ADDRESSES_OF_A_LINK], size_t *count, struct error *err);
/* Docker's way: the first IPv4 address is in it, so that neighbours need not learn anew when it is given out again. False: there is none. */
bool wire_mac_of(const struct network_address *addresses, size_t count, unsigned char mac[6]);

#endif
