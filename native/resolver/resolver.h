/* resolver/resolver.h: the companion that answers containers' questions for names. */
#ifndef SLIPWAY_RESOLVER_RESOLVER_H
#define SLIPWAY_RESOLVER_RESOLVER_H

/* Returns its exit status. */
int resolver_main(const char *run_dir);

#endif
