/* forwarder/forwarder.h: the companion that holds the host's ports of containers, and relays what comes there. */
#ifndef SLIPWAY_FORWARDER_FORWARDER_H
#define SLIPWAY_FORWARDER_FORWARDER_H

/* Returns its exit status. */
int forwarder_main(const char *run_dir);

#endif
