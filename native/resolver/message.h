/* resolver/message.h: DNS messages (RFC 1035, RFC 6891): a query is read strictly, an answer is built. No compression pointer is ever followed. */
#ifndef SLIPWAY_RESOLVER_MESSAGE_H
#define SLIPWAY_RESOLVER_MESSAGE_H

#include "address.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DNS_HEADER 12
#define DNS_LARGEST 65535   /* over TCP */
#define DNS_SMALLEST_UDP 512 /* what every client takes */
#define DNS_LARGEST_UDP 4096
#define DNS_TTL 600

enum dns_type { DNS_A = 1, DNS_PTR = 12, DNS_AAAA = 28, DNS_OPT = 41 };
enum dns_class { DNS_IN = 1, DNS_ANY_CLASS = 255 };
enum dns_rcode {
    DNS_NOERROR = 0,
    DNS_FORMERR = 1,
    DNS_SERVFAIL = 2,
    DNS_NXDOMAIN = 3,
    DNS_NOTIMP = 4,
    DNS_REFUSED = 5,
    DNS_BADVERS = 16
};

struct dns_query {
    uint16_t id, flags;
    char name[256];      /* lower case, no dot at its end; "" for the root, and for names that no table of ours can have */
    unsigned labels;
    uint16_t type, class;
    size_t question_end; /* of the question in the message; DNS_HEADER where there is none we could read */
    bool edns;
    size_t udp_size;     /* what the client takes in one datagram */
};

/* Reads one query. DNS_NOERROR: it is well-formed. Another code: that is its answer. -1: it deserves none. */
int dns_parse(const uint8_t *bytes, size_t length, struct dns_query *query);

struct dns_reply {
    uint8_t *bytes; /* with room for `limit` */
    size_t length, limit;
    unsigned answers;
    unsigned rcode;
    bool edns;
};

/* Begins the answer in `bytes`: `query` is what dns_parse made of `message`. At most `limit` bytes (at least DNS_SMALLEST_UDP) come of it. */
void dns_begin(struct dns_reply *reply, uint8_t *bytes, size_t limit, const uint8_t *message, const struct dns_query *query, unsigned rcode);
/* Adds a record about the name that was asked for. False: there is no room, and the answer says so. */
bool dns_add_address(struct dns_reply *reply, const struct address *address);
bool dns_add_pointer(struct dns_reply *reply, const char *name);
void dns_set_truncated(struct dns_reply *reply);
/* Its length. */
size_t dns_end(struct dns_reply *reply);

/* Whether an upstream server's message answers this query, as it was sent with `id`. One that could not read the question may leave it out. */
bool dns_answers(const uint8_t *reply, size_t length, uint16_t id, const uint8_t *message, const struct dns_query *query);
unsigned dns_rcode(const uint8_t *reply);
bool dns_has_question(const uint8_t *reply);
uint16_t dns_get16(const uint8_t *bytes);
void dns_put16(uint8_t *bytes, uint16_t value);

/* Whether `name` can be written in a message. */
bool dns_encodable(const char *name);
/* The address that a name below in-addr.arpa or ip6.arpa stands for. */
bool dns_reverse_address(const char *name, struct address *address);

#endif
