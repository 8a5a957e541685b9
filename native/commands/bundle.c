/* commands/bundle.c: a container's bundle, from the engine's words in the request to a root file system that is mounted. */
#include "launch.h"

#include "../base/cleanup.h"
#include "../kernel/overlay.h"
#include "../kernel/user.h"
#include "server.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#define INIT_INSIDE "/dev/init" /* on the container's own tmpfs, so that its files do not change */

/* ---- files that come with the request ---- */

static int open_anew(const char *path, mode_t mode)
{
    char directory[PATH_MAX];
    int flags = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC;
    int file = open(path, flags, mode);
    if (file >= 0 || errno != ENOENT)
        return file;
    snprintf(directory, sizeof directory, "%s", path);
    *strrchr(directory, '/') = '\0';
    return mkdir(directory, 0755) < 0 && errno != EEXIST ? -1 : open(path, flags, mode);
}

static int write_file(const struct request *item, struct error *err)
{
    const char *path, *text;
    int64_t mode = 0644;
    TRY(request_path_below_data(item, "path", &path, err));
    TRY(request_string(item, "text", &text, err));
    TRY(request_optional_integer(item, "mode", 0, 0777, &mode, err));
    cleanup_close int file = open_anew(path, (mode_t)mode);
    size_t length = strlen(text);
    return file >= 0 && write(file, text, length) == (ssize_t)length ? 0 : fail(err, errno, "write %s", path);
}

int bundle_write(const struct request *request, struct error *err)
{
    json_object *files = json_object_object_get(request->fields, "files");
    if (!files)
        return 0;
    if (!json_object_is_type(files, json_type_array))
        return fail_kind(err, "invalid", 0, "the request's \"files\" must be a list");
    for (size_t i = 0; i < json_object_array_length(files); i++) {
        struct request item = *request;
        item.fields = json_object_array_get_idx(files, i);
        if (!json_object_is_type(item.fields, json_type_object))
            return fail_kind(err, "invalid", 0, "each of the request's \"files\" must be an object");
        if (write_file(&item, err) < 0)
            return in_step(err, "files");
    }
    return 0;
}

/* ---- what the specification has no word for ---- */

static int give_init(struct spec *spec, struct error *err)
{
    static char *options[] = {"bind", "ro", "nosuid", "nodev", NULL};
    size_t count = 0;
    while (spec->process->args[count])
        count++;
    char **args = calloc(count + 3, sizeof *args);
    struct spec_mount *mounts = realloc(spec->mounts, (spec->mount_count + 1) * sizeof *mounts);
    if (!args || !mounts)
        return fail(err, ENOMEM, "give it an init");
    args[0] = INIT_INSIDE;
    args[1] = "--";
    memcpy(args + 2, spec->process->args, count * sizeof *args);
    spec->process->args = args;
    spec->mounts = mounts;
    mounts[spec->mount_count++] =
        (struct spec_mount){.destination = INIT_INSIDE, .type = "bind", .source = (char *)server.monitor_path, .options = options};
    return 0;
}

/* With a single mapped id the kernel lets nobody choose groups, and there are none to choose from. */
bool bundle_groups_denied(void)
{
    char text[8] = "";
    cleanup_fclose FILE *file = fopen("/proc/self/setgroups", "re");
    return file && fgets(text, sizeof text, file) && strncmp(text, "deny", 4) == 0;
}

/* A JSON list as user_resolve takes it; what it points to lives as long as the list. */
static char **names_in(json_object *list, struct error *err)
{
    size_t count = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
    char **names = calloc(count + 1, sizeof *names);
    if (!names || (list && !json_object_is_type(list, json_type_array))) {
        free(names);
        fail_kind(err, "invalid", 0, "dev.slipway.groups must be a list");
        return NULL;
    }
    for (size_t i = 0; i < count; i++)
        names[i] = (char *)json_object_get_string(json_object_array_get_idx(list, i));
    return names;
}

int bundle_resolve_user(const char *rootfs_path, const char *user, const char *groups, struct spec_process *process, struct error *err)
{
    json_object *list = groups && groups[0] ? json_tokener_parse(groups) : NULL;
    cleanup_free char **names = names_in(list, err);
    cleanup_close int rootfs = open(rootfs_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (rootfs < 0)
        return fail(err, errno, "open %s", rootfs_path);
    int status = names ? user_resolve(rootfs, user, names, process, err) : -1;
    json_object_put(list);
    if (status < 0)
        return in_step(err, "user");
    if (bundle_groups_denied())
        process->group_count = 0;
    return 0;
}

int bundle_prepare(const struct launch *launch, struct spec *spec, struct error *err)
{
    const char *overlay = spec_annotation(spec, "dev.slipway.overlay"), *user = spec_annotation(spec, "dev.slipway.user"),
               *init = spec_annotation(spec, "dev.slipway.init");
    if (!spec->process)
        return fail_kind(err, "invalid", 0, "config.json has no process");
    spec->process->terminal = launch->tty;
    if (overlay && mkdir(spec->rootfs, 0755) < 0 && errno != EEXIST)
        return fail(err, errno, "make %s", spec->rootfs);
    if (overlay)
        TRY(overlay_mount_for(spec, spec->rootfs, overlay, server.rootless, err));
    if (user)
        TRY(bundle_resolve_user(spec->rootfs, user, spec_annotation(spec, "dev.slipway.groups"), spec->process, err));
    return init && strcmp(init, "true") == 0 ? give_init(spec, err) : 0;
}
