/* resolver/address.h: an IP address of either family. */
#ifndef SLIPWAY_RESOLVER_ADDRESS_H
#define SLIPWAY_RESOLVER_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct address {
    int family; /* AF_INET or AF_INET6 */
    uint8_t bytes[16];
};

static inline size_t address_size(const struct address *address)
{
    return address->family == AF_INET ? 4 : 16;
}

#endif
