/* commands/rules.c: packet rules, which the engine writes as a whole. */
#include "netns.h"

#include "../base/cleanup.h"
#include "../kernel/nft.h"

#include <errno.h>
#include <sys/mman.h>

int nft_op(struct request *request, struct error *err)
{
    cleanup_close int batch = memfd_create("nft", MFD_CLOEXEC);
    if (batch < 0)
        return fail(err, errno, "hand rules to nft");
    char buffer[65536];
    ssize_t count;
    while ((count = read(request->connection, buffer, sizeof buffer)) != 0) {
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0 || write(batch, buffer, (size_t)count) != count)
            return fail(err, errno, "hand rules to nft");
    }
    if (lseek(batch, 0, SEEK_SET) < 0)
        return fail(err, errno, "hand rules to nft");
    return nft_apply(batch, err);
}
