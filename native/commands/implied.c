#include "implied.h"

#include "../base/cleanup.h"
#include "../kernel/whiteout.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

int below_open(json_object *list, struct below *below, struct error *err)
{
    *below = (struct below){0};
    if (!list)
        return 0;
    if (!json_object_is_type(list, json_type_array))
        return fail_kind(err, "invalid", 0, "the request's \"lower\" must be a list of directories");
    size_t count = json_object_array_length(list);
    below->layers = calloc(count + 1, sizeof *below->layers);
    if (!below->layers)
        return fail(err, ENOMEM, "open the layers below");
    for (size_t i = 0; i < count; i++) {
        const char *path = json_object_get_string(json_object_array_get_idx(list, i));
        int layer = path ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
        if (layer < 0)
            return fail(err, path ? errno : EINVAL, "open the layer below, %s", path ? path : "null");
        below->layers[below->count++] = layer;
    }
    return 0;
}

void below_close(struct below *below)
{
    while (below->count > 0)
        close(below->layers[--below->count]);
    free(below->layers);
    below->layers = NULL;
}

/* The directory of that path in one layer, or -1. *hides: what this layer has in its place, no lower one shows through. */
static int find_directory(int layer, const char *path, bool *hides)
{
    int fd = openat(layer, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (const char *part = path; fd >= 0 && *part;) {
        size_t size = strcspn(part, "/");
        cleanup_free char *name = strndup(part, size);
        *hides = *hides || opaque_is(fd);
        int next = name ? openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
        /* A whiteout is a device, so no directory: it hides. */
        if (next < 0 && errno != ENOENT)
            *hides = true;
        close(fd);
        fd = next;
        part += size + (part[size] == '/');
    }
    return fd;
}

static int copy_attributes(int from, int to, const char *path, struct error *err)
{
    char names[16384], value[65536];
    ssize_t length = flistxattr(from, names, sizeof names);
    if (length < 0)
        return errno == ENOTSUP ? 0 : fail(err, errno, "read the attributes of %s", path);
    for (const char *name = names; name < names + length; name += strlen(name) + 1) {
        if (is_overlay_attribute(name) || strcmp(name, "security.selinux") == 0)
            continue;
        ssize_t size = fgetxattr(from, name, value, sizeof value);
        if (size < 0 || (fsetxattr(to, name, value, (size_t)size, 0) < 0 && errno != ENOTSUP && errno != EPERM))
            return fail(err, errno, "copy attribute %s of %s", name, path);
    }
    return 0;
}

int implied_adopt(const struct below *below, const char *path, int directory, struct timespec times[2], struct error *err)
{
    bool hidden = false;
    for (size_t i = 0; i < below->count && !hidden; i++) {
        cleanup_close int found = find_directory(below->layers[i], path, &hidden);
        if (found < 0)
            continue;
        struct stat stat;
        if (fstat(found, &stat) < 0)
            return fail(err, errno, "look at %s", path);
        if (!in_single_id_namespace() && fchown(directory, stat.st_uid, stat.st_gid) < 0)
            return fail(err, errno, "set the owner of %s", path);
        TRY(copy_attributes(found, directory, path, err));
        if (fchmod(directory, stat.st_mode & 07777) < 0)
            return fail(err, errno, "set the mode of %s", path);
        times[0] = stat.st_atim;
        times[1] = stat.st_mtim;
        return 1;
    }
    return 0;
}
