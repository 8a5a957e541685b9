/* base/sync.h: a parent and the child it sets up take turns: short messages over a socket pair, a descriptor along with one where needed. */
#ifndef SLIPWAY_BASE_SYNC_H
#define SLIPWAY_BASE_SYNC_H

#include "error.h"

#include <stddef.h>
#include <sys/types.h>

enum sync_kind {
    SYNC_ENDED,   /* the other side is gone */
    SYNC_PROCEED, /* parent: your ids are mapped, your limits set */
    SYNC_READY,   /* child: set up, waiting to be let go */
    SYNC_FAILED,  /* child: with the failure */
    SYNC_NOTHING, /* not a message: none is there yet, on a socket that does not block */
};

int sync_open(int pair[2], struct error *err);
/* `fd` goes along where it is not -1. */
int sync_send(int socket, enum sync_kind kind, const void *data, size_t size, int fd, struct error *err);
/* Blocks. *fd is -1 where none came; `fd` may be NULL. */
int sync_receive(int socket, enum sync_kind *kind, void *data, size_t size, int *fd, struct error *err);

/* From here on sync_receive_from learns who sends: *sender is its pid as seen from here. */
int sync_ask_sender(int socket, struct error *err);
int sync_receive_from(int socket, enum sync_kind *kind, void *data, size_t size, int *fd, pid_t *sender, struct error *err);

#endif
