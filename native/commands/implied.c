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

int below_find(int layer, const char *path, bool *hides)
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

static int take_looks(int from, int to, const char *path, struct error *err)
{
    struct stat stat;
    if (fstat(from, &stat) < 0)
        return fail(err, errno, "look at %s", path);
    if (!in_single_id_namespace() && fchown(to, stat.st_uid, stat.st_gid) < 0)
        return fail(err, errno, "set the owner of %s", path);
    TRY(copy_attributes(from, to, path, err));
    if (fchmod(to, stat.st_mode & 07777) < 0)
        return fail(err, errno, "set the mode of %s", path);
    struct timespec times[2] = {stat.st_atim, stat.st_mtim};
    return futimens(to, times) < 0 ? fail(err, errno, "set the times of %s", path) : 0;
}

int implied_adopt(const struct below *below, const char *path, int target, struct error *err)
{
    bool hidden = false;
    cleanup_close int directory = below_find(target, path, &hidden);
    if (directory < 0 || opaque_is(directory))
        return 0;
    for (size_t i = 0; i < below->count && !hidden; i++) {
        cleanup_close int found = below_find(below->layers[i], path, &hidden);
        if (found >= 0)
            return take_looks(found, directory, path, err);
    }
    return 0;
}
