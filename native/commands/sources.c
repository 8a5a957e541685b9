#include "sources.h"

#include "../base/cleanup.h"
#include "../kernel/beneath.h"
#include "../kernel/mounts.h"
#include "../kernel/overlay.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

/* ---- a tree ---- */

static int open_part(int base, const char *path, const char *subpath, struct error *err)
{
    if (!subpath || !subpath[0])
        return openat(base, ".", O_PATH | O_CLOEXEC);
    int part = open_how(base, subpath, O_PATH, 0, RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS);
    if (part < 0 && errno == EXDEV)
        return fail_kind(err, "invalid", 0, "path concatenation escapes the base directory, base: \"%s\", subpath: \"%s\"", path, subpath);
    return part >= 0 ? part : fail_kind(err, "invalid", errno, "cannot access path %s/%s", path, subpath);
}

static int clone_part(int base, const char *path, const char *subpath, bool recursive, struct error *err)
{
    cleanup_close int part = open_part(base, path, subpath, err);
    if (part < 0)
        return err->message[0] ? -1 : fail(err, errno, "open %s", path);
    int tree = mount_clone(part, recursive);
    return tree >= 0 ? tree : fail(err, errno, "bind %s", path);
}

int source_of_path(const char *path, const char *subpath, struct error *err)
{
    cleanup_close int base = open(path, O_PATH | O_CLOEXEC);
    if (base < 0)
        return fail(err, errno, "open %s", path);
    if (subpath && subpath[0])
        return clone_part(base, path, subpath, true, err);
    int tree = mount_clone(base, true);
    return tree >= 0 ? tree : fail(err, errno, "bind %s", path);
}

int source_of_layers(json_object *overlay, const char *subpath, const char *scratch, const struct spec *mapped, bool userxattr, struct error *err)
{
    const char *text = json_object_to_json_string(overlay);
    TRY(mapped ? overlay_mount_for(mapped, scratch, text, userxattr, err) : overlay_mount(scratch, text, userxattr, err));
    cleanup_close int base = open(scratch, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int tree = base < 0 ? fail(err, errno, "open the layers") : clone_part(base, "the image", subpath, false, err);
    umount2(scratch, MNT_DETACH);
    if (tree >= 0 && mount_set(tree, MOUNT_ATTR_RDONLY, 0, false) < 0) {
        close(tree);
        return fail(err, errno, "make the image read-only");
    }
    return tree;
}

/* ---- what is shared with the machine ---- */

/* The line of a mount: "36 35 98:0 /root /point options shared:1 master:2 - type …". False: there is none. */
static bool find_mount(unsigned long long id, char line[PATH_MAX * 2])
{
    cleanup_fclose FILE *file = fopen("/proc/self/mountinfo", "re");
    while (file && fgets(line, PATH_MAX * 2, file))
        if (strtoull(line, NULL, 10) == id)
            return true;
    return false;
}

/* In Docker's words. */
static int check_propagation(int tree_of, const char *path, const char *wanted, struct error *err)
{
    struct statx info;
    char line[PATH_MAX * 2], point[PATH_MAX] = "";
    if (!wanted)
        return 0;
    if (statx(tree_of, "", AT_EMPTY_PATH, STATX_MNT_ID, &info) < 0 || !(info.stx_mask & STATX_MNT_ID) || !find_mount(info.stx_mnt_id, line))
        return 0; /* nobody can tell */
    char *end = strstr(line, " - ");
    if (end)
        *end = '\0';
    sscanf(line, "%*s %*s %*s %*s %4095s", point);
    bool shared = strstr(line, " shared:"), slave = strstr(line, " master:");
    if (strcmp(wanted, "shared") == 0 && !shared)
        return fail_kind(err, "invalid", 0, "path %s is mounted on %s but it is not a shared mount", path, point);
    if (!shared && !slave)
        return fail_kind(err, "invalid", 0, "path %s is mounted on %s but it is not a shared or slave mount", path, point);
    return 0;
}

/* ---- those of a container ---- */

static const char *text_of(json_object *item, const char *key)
{
    json_object *value = json_object_object_get(item, key);
    return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
}

static int open_path(json_object *item, struct error *err)
{
    const char *path = text_of(item, "path");
    if (!path || path[0] != '/')
        return fail_kind(err, "invalid", 0, "dev.slipway.sources: a path is not absolute");
    cleanup_close int base = open(path, O_PATH | O_CLOEXEC);
    if (base < 0)
        return fail(err, errno, "mount %s", path);
    TRY(check_propagation(base, path, text_of(item, "propagation"), err));
    return source_of_path(path, text_of(item, "subpath"), err);
}

int sources_open(const struct spec *spec, struct sources *sources, struct error *err)
{
    const char *annotation = spec_annotation(spec, "dev.slipway.sources");
    if (!annotation)
        return 0;
    sources->list = json_tokener_parse(annotation);
    if (!json_object_is_type(sources->list, json_type_array))
        return fail_kind(err, "invalid", 0, "dev.slipway.sources must be a list");
    size_t count = json_object_array_length(sources->list);
    sources->trees = calloc(count + 1, sizeof *sources->trees);
    if (!sources->trees)
        return fail(err, ENOMEM, "open what is to be mounted");
    for (; sources->count < count; sources->count++) {
        json_object *item = json_object_array_get_idx(sources->list, sources->count);
        int *tree = &sources->trees[sources->count];
        *tree = -1;
        if (json_object_is_type(item, json_type_object) && json_object_object_get(item, "overlay"))
            continue;
        TRY(*tree = open_path(item, err));
    }
    return 0;
}

static int lay_tree(int place, size_t number, int tree, struct error *err)
{
    char name[24];
    struct stat info;
    snprintf(name, sizeof name, "%zu", number);
    if (fstat(tree, &info) < 0)
        return fail(err, errno, "look at what is to be mounted");
    if (S_ISDIR(info.st_mode) ? mkdirat(place, name, 0700) < 0 : mknodat(place, name, S_IFREG | 0600, 0) < 0)
        return fail(err, errno, "make a place for what is to be mounted");
    cleanup_close int target = openat(place, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    return target >= 0 && mount_attach(tree, target) == 0 ? 0 : fail(err, errno, "put what is to be mounted in its place");
}

int sources_lay(const struct spec *spec, struct sources *sources, bool userxattr, struct error *err)
{
    static const char *const small[] = {"mode=0700", "size=1m", NULL};
    char scratch[PATH_MAX];
    if (sources->count == 0)
        return 0;
    if (snprintf(scratch, sizeof scratch, "%s/sources", spec->bundle) >= (int)sizeof scratch)
        return fail(err, ENAMETOOLONG, "make %s/sources", spec->bundle);
    if (mkdir(scratch, 0700) < 0 && errno != EEXIST)
        return fail(err, errno, "make %s", scratch);
    const struct spec *mapped = spec->namespaces[SPEC_NS_USER].wanted ? spec : NULL;
    for (size_t i = 0; i < sources->count; i++) {
        json_object *item = json_object_array_get_idx(sources->list, i);
        if (sources->trees[i] < 0)
            TRY(sources->trees[i] = source_of_layers(json_object_object_get(item, "overlay"), text_of(item, "subpath"), scratch, mapped, userxattr, err));
    }
    cleanup_close int room = mount_make("tmpfs", "sources", small, MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID, err);
    if (room < 0)
        return -1;
    cleanup_close int under = open(scratch, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (under < 0 || mount_attach(room, under) < 0)
        return fail(err, errno, "mount %s", scratch);
    for (size_t i = 0; i < sources->count; i++)
        TRY(lay_tree(room, i, sources->trees[i], err));
    return 0;
}

void sources_close(struct sources *sources)
{
    for (size_t i = 0; i < sources->count; i++)
        cleanup_close_(&sources->trees[i]);
    free(sources->trees);
    json_object_put(sources->list);
    *sources = (struct sources)SOURCES_INIT;
}
