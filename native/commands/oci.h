/* commands/oci.h: the helper as an OCI runtime that others may drive: one process for each call, state in --root. */
#ifndef SLIPWAY_COMMANDS_OCI_H
#define SLIPWAY_COMMANDS_OCI_H

/* Returns the exit status. argv[0] is the program's name. */
int oci_main(int argc, char **argv);

#endif
