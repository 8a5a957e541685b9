/* resolver/upstream.h: questions that are passed on, to the container's own servers from inside it, or to the machine's from outside. */
#ifndef SLIPWAY_RESOLVER_UPSTREAM_H
#define SLIPWAY_RESOLVER_UPSTREAM_H

#include "attachment.h"
#include "message.h"

/* The machine's servers, for those who have none of their own. */
extern struct servers upstream_servers;

int upstream_begin(struct error *err);

/* Passes a question on; the answer, or SERVFAIL after 8 seconds, goes to the asker, later. False: there is nobody to ask, or too much under way. */
bool upstream_ask(const struct asker *asker, const uint8_t *bytes, size_t length, const struct dns_query *query);

/* Drops what is under way for a client over TCP; NULL: all of the attachment's. Nobody is answered. */
void upstream_forget(struct attachment *attachment, const struct client *client);

#endif
