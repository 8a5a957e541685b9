/* resolver/answer.h: what is answered by ourselves, and what is for others to answer. */
#ifndef SLIPWAY_RESOLVER_ANSWER_H
#define SLIPWAY_RESOLVER_ANSWER_H

#include "attachment.h"

/* False: there will be no answer. It may have been sent when this returns. */
bool answer_query(const struct asker *asker, const uint8_t *bytes, size_t length);

#endif
