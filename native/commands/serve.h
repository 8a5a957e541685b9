/*
 * commands/serve.h: the long-lived helper and the requests it hands to its workers (docs/helper-protocol.md, "The helper's socket").
 *
 * Each operation runs in a process of its own, which ends with it: what it allocates, opens or mounts in a private namespace needs no tidying.
 * When the client goes away the process gets SIGTERM, and SIGKILL two seconds later.
 */
#ifndef SLIPWAY_COMMANDS_SERVE_H
#define SLIPWAY_COMMANDS_SERVE_H

#include "../base/error.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

struct request {
    json_object *fields;   /* the request's own line, an object */
    int connection;        /* read: the body, until EOF (nothing of it was taken with the line). Write: only by the functions below */
    const char *run_dir;   /* R, absolute */
    const char *data_root; /* D, absolute */
    bool rootless;         /* inside the user namespace of an ordinary user */
    json_object *reply;    /* an object: what an operation adds here goes out with {"ok":true} */
    bool answered;
};

/* One operation. 0: {"ok":true} with request->reply, unless it has answered by itself already. -1: the error. */
struct op {
    const char *name;
    int (*run)(struct request *request, struct error *err);
};

/* Starts serving; returns the exit status. argv[0] is "serve". */
int serve_main(int argc, char **argv);

/* Fields, with the client's mistakes as errors of kind "invalid". Strings are borrowed from the request. */
int request_string(const struct request *request, const char *name, const char **out, struct error *err);
/* Absent or null: *out is NULL, or as it was. */
int request_optional_string(const struct request *request, const char *name, const char **out, struct error *err);
int request_integer(const struct request *request, const char *name, int64_t least, int64_t most, int64_t *out, struct error *err);
int request_optional_integer(const struct request *request, const char *name, int64_t least, int64_t most, int64_t *out,
                             struct error *err);
int request_bool(const struct request *request, const char *name, bool absent, bool *out, struct error *err);
/* A string that is an absolute path, without "." or ".." components, strictly below D. */
int request_path_below_data(const struct request *request, const char *name, const char **out, struct error *err);

/* Sends {"progress":…}; takes the object over. Fails when the client has gone. */
int request_progress(struct request *request, json_object *progress, struct error *err);
/* Sends the final line now; output bytes may follow. */
int request_answer(struct request *request, struct error *err);
/* Output bytes, after request_answer(). */
int request_write(struct request *request, const void *bytes, size_t length, struct error *err);
/* The same for bytes that lie apart; what `parts` says is used up. */
int request_write_parts(struct request *request, struct iovec *parts, size_t count, struct error *err);
/* Sends the final line and goes on in a process that no longer belongs to the connection, in which it returns 0. */
int request_answer_and_go_on(struct request *request, struct error *err);

#endif
