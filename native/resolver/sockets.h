/* resolver/sockets.h: the sockets inside containers, and who asks there. */
#ifndef SLIPWAY_RESOLVER_SOCKETS_H
#define SLIPWAY_RESOLVER_SOCKETS_H

#include "attachment.h"

/* Remembers the network namespace we are in. */
int sockets_begin(struct error *err);

/* A socket in the network namespace `netns`, -1 for our own. -1 with errno. */
int sockets_make(int netns, int family, int type);

/* Opens udp and tcp in the attachment's network namespace. */
int sockets_open(struct attachment *attachment, struct error *err);
/* Closes them, and lets go of everybody who waits there. */
void sockets_close(struct attachment *attachment);

/* Sends an answer: at most once for each question. */
void sockets_answer(const struct asker *asker, const uint8_t *bytes, size_t length);

#endif
