/* commands/failure.h: the one message a first process sends about itself. It needs nothing but C, so that the monitor can read it. */
#ifndef SLIPWAY_COMMANDS_FAILURE_H
#define SLIPWAY_COMMANDS_FAILURE_H

/* Why the process did not become the program: fixed size, written once to `outcome`. */
struct container_failure {
    int errnum;
    char step[32];
    char message[512];
};

#endif
