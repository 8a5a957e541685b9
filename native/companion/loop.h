/* companion/loop.h: the loop itself, for companion.c alone. */
#ifndef SLIPWAY_COMPANION_LOOP_H
#define SLIPWAY_COMPANION_LOOP_H

#include <stdbool.h>

/* Until *ending. -1 with errno where the kernel refuses to wait. */
int loop_run(const bool *ending);

#endif
