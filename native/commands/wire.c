#include "wire.h"

#include "../kernel/link-settings.h"

#include <ctype.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <string.h>

int wire_read_link_name(const struct request *request, const char *field, const char **name, struct error *err)
{
    TRY(request_string(request, field, name, err));
    size_t length = strlen(*name);
    bool good = length > 0 && length < IFNAMSIZ && isalnum((unsigned char)(*name)[0]);
    for (size_t i = 0; good && i < length; i++)
        good = isalnum((unsigned char)(*name)[i]) || strchr("-_.", (*name)[i]);
    return good ? 0 : fail_kind(err, "invalid", 0, "%s: \"%.50s\" cannot be the name of a network link", field, *name);
}

static int read_list(const struct request *request, const char *field, size_t most, json_object **list, struct error *err)
{
    *list = json_object_object_get(request->fields, field);
    if (!json_object_is_type(*list, json_type_array) || json_object_array_length(*list) > most)
        return fail_kind(err, "invalid", 0, "the request's \"%s\" must be a list of at most %zu", field, most);
    return 0;
}

int wire_read_addresses(const struct request *request, struct network_address addresses[MOST_ADDRESSES_OF_A_LINK], size_t *count, struct error *err)
{
    json_object *list;
    TRY(read_list(request, "addresses", MOST_ADDRESSES_OF_A_LINK, &list, err));
    *count = json_object_array_length(list);
    for (size_t i = 0; i < *count; i++) {
        const char *text = json_object_get_string(json_object_array_get_idx(list, i));
        TRY(network_address_parse(text ? text : "null", &addresses[i], err));
    }
    return 0;
}

bool wire_mac_of(const struct network_address *addresses, size_t count, unsigned char mac[6])
{
    for (size_t i = 0; i < count; i++) {
        if (addresses[i].family != AF_INET)
            continue;
        mac[0] = 0x02;
        mac[1] = 0x42;
        memcpy(mac + 2, addresses[i].bytes, 4);
        return true;
    }
    return false;
}

/* The MAC that is asked for; else one made from the address; else the kernel's choice. */
static int read_mac(const struct request *request, struct wire *wire, struct error *err)
{
    const char *text = NULL;
    unsigned char *mac = wire->mac;
    int end = 0;
    TRY(request_optional_string(request, "mac", &text, err));
    wire->has_mac = text || (wire->kind != WIRE_IPVLAN && wire_mac_of(wire->addresses, wire->address_count, mac));
    if (!text)
        return 0;
    if (wire->kind == WIRE_IPVLAN)
        return fail_kind(err, "invalid", 0, "an ipvlan link has the MAC address of the link below it: %.50s cannot be set", text);
    if (sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n", &mac[0], &mac[1], &mac[2], &mac[3], &mac[4], &mac[5], &end) != 6 ||
        text[end] != '\0' || (mac[0] & 1))
        return fail_kind(err, "invalid", 0, "%.50s is not a MAC address that a link can have", text);
    return 0;
}

static int read_sysctls(const struct request *request, struct wire *wire, struct error *err)
{
    wire->sysctls = json_object_object_get(request->fields, "sysctls");
    if (!wire->sysctls)
        return 0;
    if (!json_object_is_type(wire->sysctls, json_type_object))
        return fail_kind(err, "invalid", 0, "the request's \"sysctls\" must be an object");
    json_object_object_foreach(wire->sysctls, name, value) {
        TRY(link_setting_check(name, err));
        if (!json_object_is_type(value, json_type_string))
            return fail_kind(err, "invalid", 0, "the value of %.100s must be a string", name);
    }
    return 0;
}

struct named {
    const char *name;
    int value;
};

static const struct named macvlan_modes[] = {
    {"bridge", MACVLAN_MODE_BRIDGE}, {"private", MACVLAN_MODE_PRIVATE}, {"vepa", MACVLAN_MODE_VEPA}, {"passthru", MACVLAN_MODE_PASSTHRU}, {0}};
static const struct named ipvlan_modes[] = {{"l2", IPVLAN_MODE_L2}, {"l3", IPVLAN_MODE_L3}, {"l3s", IPVLAN_MODE_L3S}, {0}};

static int read_mode(const struct request *request, struct wire *wire, struct error *err)
{
    const struct named *modes = wire->kind == WIRE_MACVLAN ? macvlan_modes : ipvlan_modes;
    const char *text = modes[0].name;
    TRY(request_optional_string(request, "mode", &text, err));
    for (const struct named *mode = modes; mode->name; mode++)
        if (strcmp(mode->name, text) == 0) {
            wire->mode = mode->value;
            return 0;
        }
    return fail_kind(err, "invalid", 0, "%.50s is no mode of a link of this kind", text);
}

static int read_kind(const struct request *request, struct wire *wire, struct error *err)
{
    static const char *const kinds[] = {[WIRE_BRIDGE] = "bridge", [WIRE_MACVLAN] = "macvlan", [WIRE_IPVLAN] = "ipvlan"};
    const char *text;
    TRY(request_string(request, "kind", &text, err));
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i], text) == 0) {
            wire->kind = (enum wire_kind)i;
            return 0;
        }
    return fail_kind(err, "invalid", 0, "\"%.50s\" is no kind of wire: it is bridge, macvlan or ipvlan", text);
}

int wire_read(const struct request *request, struct wire *wire, struct error *err)
{
    *wire = (struct wire){0};
    if (!json_object_is_type(request->fields, json_type_object))
        return fail_kind(err, "invalid", 0, "a wire must be an object");
    TRY(read_kind(request, wire, err));
    TRY(wire_read_link_name(request, "parent", &wire->parent, err));
    TRY(wire_read_link_name(request, "ifname", &wire->ifname, err));
    if (wire->kind == WIRE_BRIDGE)
        TRY(wire_read_link_name(request, "veth", &wire->veth, err));
    else
        TRY(read_mode(request, wire, err));
    TRY(wire_read_addresses(request, wire->addresses, &wire->address_count, err));
    for (size_t i = 0; i < wire->address_count; i++)
        wire->ipv6 = wire->ipv6 || wire->addresses[i].family == AF_INET6;
    TRY(read_mac(request, wire, err));
    TRY(read_sysctls(request, wire, err));
    TRY(request_bool(request, "isolated", false, &wire->isolated, err));
    return request_bool(request, "hairpin", false, &wire->hairpin, err);
}

int ways_out_read(const struct request *request, struct ways_out *ways, struct error *err)
{
    json_object *list;
    TRY(read_list(request, "defaults", 2, &list, err));
    ways->count = json_object_array_length(list);
    for (size_t i = 0; i < ways->count; i++) {
        struct request inner = *request;
        const char *gateway;
        inner.fields = json_object_array_get_idx(list, i);
        if (!json_object_is_type(inner.fields, json_type_object))
            return fail_kind(err, "invalid", 0, "a default route must be an object");
        TRY(request_string(&inner, "gateway", &gateway, err));
        TRY(host_address_parse(gateway, &ways->list[i].gateway, err));
        TRY(wire_read_link_name(&inner, "ifname", &ways->list[i].ifname, err));
    }
    if (ways->count == 2 && ways->list[0].gateway.family == ways->list[1].gateway.family)
        return fail_kind(err, "invalid", 0, "there is one default route for IPv4 and one for IPv6: two of a kind were given");
    return 0;
}
