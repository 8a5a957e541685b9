/* commands/oci-options.h: the command line of an OCI runtime, as podman, containerd and people write it. */
#ifndef SLIPWAY_COMMANDS_OCI_OPTIONS_H
#define SLIPWAY_COMMANDS_OCI_OPTIONS_H

#include "../base/error.h"

#include <stdbool.h>
#include <stddef.h>

struct oci_options {
    const char *root, *log;
    bool log_json;
    const char *bundle, *console_socket, *pid_file, *process, *format, *resources, *cwd, *user;
    bool force, detach, tty, all, no_new_privileges;
    char *env[256];
    size_t env_count;
    const char *words[512]; /* the verb's own arguments: the id, then what follows */
    size_t word_count;
};

/* What stands before the verb; *at is then the verb's place, or argc. */
int oci_take_global(struct oci_options *options, int *at, int argc, char **argv, struct error *err);
/* What stands behind it. */
int oci_take_verb(struct oci_options *options, const char *verb, int *at, int argc, char **argv, struct error *err);

#endif
