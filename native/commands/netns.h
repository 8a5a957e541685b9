/* commands/netns.h: wires between containers and the world: bridges, veth pairs, packet rules. */
#ifndef SLIPWAY_COMMANDS_NETNS_H
#define SLIPWAY_COMMANDS_NETNS_H

#include "serve.h"

/* {"op":"bridge","name","gateway":"172.17.0.1/16","mtu"}. Idempotent; "conflict" where the name is somebody else's link. */
int bridge_op(struct request *request, struct error *err);
/* {"op":"bridge-remove","name"} → "removed": false while a port is left on it. */
int bridge_remove_op(struct request *request, struct error *err);
/* {"op":"endpoint","pid","bridge" or null,"address","gateway","mac","ifname","veth"} → "mac" */
int endpoint_op(struct request *request, struct error *err);
/* The same for who is about to let `pid` go; `endpoint` has the fields. */
int endpoint_connect(const struct request *endpoint, pid_t pid, struct error *err);
/* {"op":"nft"} and a batch as body. */
int nft_op(struct request *request, struct error *err);

#endif
