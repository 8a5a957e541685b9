/*
 * companion/companion.h: the base of long-lived processes beside the helper, which outlive engine and helper (docs/helper-protocol.md, "Companions").
 * One thread, one epoll loop: nothing in it may block.
 */
#ifndef SLIPWAY_COMPANION_COMPANION_H
#define SLIPWAY_COMPANION_COMPANION_H

#include "../base/error.h"

#include <json-c/json.h>
#include <stdint.h>

struct companion {
    const char *name; /* "forwarder": R/forwarder.sock, R/forwarder.lock */
    /* One request line's reply fields, or NULL with err set (its kind and message are the reply then). Called in the loop's thread. The request stays
     * the base's. */
    json_object *(*request)(json_object *request, struct error *err);
};

/* Takes R/NAME.lock, listens on R/NAME.sock and runs the loop. Returns the exit status once it is told to close, or once its socket's name is gone or
 * another's. */
int companion_main(const struct companion *companion, const char *run_dir);

/* `events` are epoll's. */
typedef void loop_ready(int fd, uint32_t events, void *data);
/* Also before companion_main. 0, or -1 with errno. */
int loop_add(int fd, uint32_t events, loop_ready *ready, void *data);
int loop_modify(int fd, uint32_t events, loop_ready *ready, void *data);
/* Safe from inside a callback, also for another descriptor of the same batch. Before the descriptor is closed. */
void loop_remove(int fd);
typedef void loop_tick(void);
void loop_every_second(loop_tick *tick);
/* A clock that nobody sets. */
int64_t loop_now_ms(void);

/* One line in R/NAME.log. */
void companion_log(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Where the one who started us waits: "r" once we listen, "a" where another already does, else a sentence that says why we do not. -1: nobody does. */
extern int companion_starter;

/* Whether somebody accepts connections on R/NAME.sock. */
int companion_answers(const char *run_dir, const char *name);

#endif
