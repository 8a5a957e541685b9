/* commands/server.h: what the long-lived helper's own files share. Workers have a copy, as it was when they were forked. */
#ifndef SLIPWAY_COMMANDS_SERVER_H
#define SLIPWAY_COMMANDS_SERVER_H

#include "serve.h"

#include <stdint.h>

struct server {
    const char *run_dir, *data_root;
    bool rootless;      /* inside the user namespace of an ordinary user */
    bool stacks;        /* the kernel's overlay can be mounted */
    int monitor;        /* the slipway-monitor beside our own program, as it was when we started */
    const char *monitor_path;
    int outside;        /* where to ask for a program outside the user namespace (pause.h); -1 */
    int lock;
    json_object *hello;
};
extern struct server server;

int64_t server_clock_ms(void);
/* One line in R/helper.log. */
void server_log(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* own.c: the engine that lives, and what to start when it dies without a goodbye. */
int own_op(struct request *request, struct error *err); /* in the worker: passes the connection on to the helper itself */
void own_open(void);
int own_inbox(void);     /* readable: somebody wants to be the owner */
int own_connection(void); /* the owner's, or -1 */
void own_receive(void);
void own_listen(bool *end); /* the owner spoke or went; *end: it takes the helper with it */
int64_t own_deadline(void);
void own_watch(void);       /* the deadline has come */

/* Becomes {"argv":[…],"env":{…}}. */
_Noreturn void own_become(json_object *command);

/* hello.c */
json_object *hello_describe(void);
int hello_op(struct request *request, struct error *err);

/* launch.c, steer.c */
int run_op(struct request *request, struct error *err);
int exec_op(struct request *request, struct error *err);
int signal_all_op(struct request *request, struct error *err);
int freeze_op(struct request *request, struct error *err);
int thaw_op(struct request *request, struct error *err);
int update_op(struct request *request, struct error *err);
int delete_op(struct request *request, struct error *err);

#endif
