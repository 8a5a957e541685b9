/* kernel/nft.h: packet rules, in one batch that takes effect as a whole or not at all. */
#ifndef SLIPWAY_KERNEL_NFT_H
#define SLIPWAY_KERNEL_NFT_H

#include "../base/error.h"

/* Runs `nft -f -` in this network namespace with the batch that `batch` (a seekable file, at its beginning) holds. */
int nft_apply(int batch, struct error *err);
/* The same with text. */
int nft_apply_text(const char *text, struct error *err);

#endif
