/* commands/oci-state.h: what `create` leaves for the calls that follow, in ROOT/ID/. */
#ifndef SLIPWAY_COMMANDS_OCI_STATE_H
#define SLIPWAY_COMMANDS_OCI_STATE_H

#include "../base/error.h"
#include "../base/spec.h"

#include <sys/types.h>

#define OCI_GO "exec.fifo"         /* there while the container is created and not started */
#define OCI_OUTCOME "outcome.fifo" /* where its process says why it could not start */

enum oci_status { OCI_CREATED, OCI_RUNNING, OCI_PAUSED, OCI_STOPPED };

struct oci_container {
    char *id, *bundle, *path;
    int directory;
    struct spec *spec;
    pid_t pid;
    unsigned long long start_time;
};
#define OCI_CONTAINER_INIT {.directory = -1}

/* A new one, with a copy of the bundle's config.json; refused where the id is taken. */
int oci_state_make(const char *root, const char *id, const char *bundle, struct oci_container *container, struct error *err);
int oci_state_save(const struct oci_container *container, struct error *err);
int oci_state_load(const char *root, const char *id, struct oci_container *container, struct error *err);
int oci_state_remove(const struct oci_container *container, struct error *err);
void oci_container_close(struct oci_container *container);
#define cleanup_container __attribute__((cleanup(oci_container_close)))

enum oci_status oci_status(const struct oci_container *container);
const char *oci_status_name(enum oci_status status);
/* The state as the OCI specification has it; `status` NULL: what it is now. */
json_object *oci_state_json(const struct oci_container *container, const char *status);
/* A pidfd of its first process, proven by its start time; -1 with ESRCH. */
int oci_open_process(const struct oci_container *container);

/* By a temporary and a rename. */
int oci_write_file(int directory, const char *path, const char *text, struct error *err);

#endif
