#include "flatten.h"

#include "../base/cleanup.h"
#include "../kernel/copy-up.h"
#include "../kernel/whiteout.h"
#include "implied.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

static int copy_stack(const struct below *below, int target, struct error *err)
{
    for (size_t i = below->count; i > 0; i--)
        TRY(copy_layer(below->layers[i - 1], target, err));
    return 0;
}

int flatten_op(struct request *request, struct error *err)
{
    const char *path;
    bool whole;
    struct below below;
    struct rlimit files; /* two descriptors for each level */
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    TRY(request_path_below_data(request, "target", &path, err));
    TRY(request_bool(request, "whole", false, &whole, err));
    if (mkdir(path, 0755) < 0)
        return fail(err, errno, "make %s", path);
    cleanup_close int target = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (target < 0)
        return fail(err, errno, "open %s", path);
    TRY(below_open(json_object_object_get(request->fields, "lower"), &below, err));
    int status = copy_stack(&below, target, err);
    below_close(&below);
    TRY(status);
    if (whole)
        TRY(opaque_make(target, err));
    return syncfs(target) < 0 ? fail(err, errno, "write the copy") : 0;
}
