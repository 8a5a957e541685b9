/* commands/netns.h: wires between containers and the world: bridges, the interfaces of containers, their routes. Decides nothing. */
#ifndef SLIPWAY_COMMANDS_NETNS_H
#define SLIPWAY_COMMANDS_NETNS_H

#include "serve.h"

/* {"op":"bridge","name","addresses":["172.17.0.1/16","fd00::1/64"],"mtu"}. Idempotent; "conflict" where the name is somebody else's link. */
int bridge_op(struct request *request, struct error *err);
/* {"op":"bridge-remove","name"} → "removed": false while a port is left on it. */
int bridge_remove_op(struct request *request, struct error *err);

/* {"op":"endpoint","pid","wire":{"kind","parent","mode","ifname","veth","addresses","mac","sysctls","hairpin","isolated"}} → "mac" */
int endpoint_op(struct request *request, struct error *err);
/* {"op":"endpoint-remove","pid","ifname","veth"}. Idempotent. */
int endpoint_remove_op(struct request *request, struct error *err);
/* {"op":"routes","pid","defaults":[{"gateway","ifname"}]}: these and no others. */
int routes_op(struct request *request, struct error *err);
/* For who is about to let `pid` go; `network` is {"wires","defaults"}. */
int network_connect(const struct request *network, pid_t pid, struct error *err);

/* {"op":"nft"} and a batch as body. */
int nft_op(struct request *request, struct error *err);

#endif
