#include "volume-mount.h"

#include "../base/cleanup.h"
#include "../kernel/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>

/* `_data` of the volume, or what is mounted there. */
static int open_data(const struct request *request, char path[PATH_MAX], bool *mounted, struct error *err)
{
    const char *volume;
    struct statx info;
    TRY(request_path_below_data(request, "volume", &volume, err));
    if (snprintf(path, PATH_MAX, "%s/_data", volume) >= PATH_MAX)
        return fail(err, ENAMETOOLONG, "open the volume %s", volume);
    int data = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (data < 0 || statx(data, "", AT_EMPTY_PATH, 0, &info) < 0)
        return fail(err, errno, "open the volume %s", volume);
    *mounted = info.stx_attributes & STATX_ATTR_MOUNT_ROOT;
    return data;
}

static int read_options(const struct request *request, char ***out, struct error *err)
{
    json_object *list = json_object_object_get(request->fields, "options");
    if (!json_object_is_type(list, json_type_array))
        return fail_kind(err, "invalid", 0, "the request's \"options\" must be a list");
    char **options = calloc(json_object_array_length(list) + 1, sizeof *options);
    if (!options)
        return fail(err, ENOMEM, "read the options");
    for (size_t i = 0; i < json_object_array_length(list); i++)
        options[i] = (char *)json_object_get_string(json_object_array_get_idx(list, i));
    *out = options;
    return 0;
}

int volume_mount_op(struct request *request, struct error *err)
{
    char path[PATH_MAX];
    const char *type, *device;
    bool mounted;
    cleanup_free char **options = NULL;
    TRY(request_string(request, "type", &type, err));
    TRY(request_string(request, "device", &device, err));
    TRY(read_options(request, &options, err));
    cleanup_close int data = open_data(request, path, &mounted, err);
    TRY(data);
    json_object_object_add(request->reply, "mounted", json_object_new_boolean(!mounted));
    if (mounted)
        return 0;
    struct spec_mount mount = {.destination = path, .type = (char *)type, .source = (char *)device, .options = options};
    cleanup_close int made = mount_filesystem(&mount, err);
    TRY(made);
    return mount_attach(made, data) == 0 ? 0 : fail(err, errno, "mount %s", path);
}

int volume_unmount_op(struct request *request, struct error *err)
{
    char path[PATH_MAX];
    bool mounted;
    cleanup_close int data = open_data(request, path, &mounted, err);
    if (data < 0)
        return err->errnum == ENOENT ? 0 : -1;
    json_object_object_add(request->reply, "unmounted", json_object_new_boolean(mounted));
    /* Those who have it open keep it. */
    if (mounted && umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) < 0)
        return fail(err, errno, "unmount %s", path);
    return 0;
}
