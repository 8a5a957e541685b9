/* kernel/link-settings.h: what /proc/sys/net says of one link, of the network namespace that this thread is in. */
#ifndef SLIPWAY_KERNEL_LINK_SETTINGS_H
#define SLIPWAY_KERNEL_LINK_SETTINGS_H

#include "../base/error.h"

#include <stdbool.h>

/* `path` below /proc/sys/net, as in "ipv4/ip_forward". What this kernel does not have is not there to be set. */
int net_setting(const char *path, const char *value, struct error *err);
/* The same of a link: `ipv6`, `eth0`, `accept_ra`. */
int link_setting(const char *family, const char *link, const char *name, const char *value, struct error *err);

/* No router of somebody else's is believed. Without IPv6 it has no address of that kind at all, not even a link-local one; with IPv6 that one is there
 * at once. */
int link_set_ipv6(const char *link, bool wanted, struct error *err);

/* Packets of IPv6 go from link to link. A machine that does so no longer believes routers, and would lose its own way out: its links go on believing
 * those they believed. */
int ipv6_forward(struct error *err);

/* A person's wish: `net.ipv4.conf.IFNAME.forwarding`, IFNAME being the link. "invalid" where it is not of that form, or does not exist. */
int link_setting_check(const char *pattern, struct error *err);
int link_setting_apply(const char *pattern, const char *link, const char *value, struct error *err);

#endif
