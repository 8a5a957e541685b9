#include "overlay.h"
#include "../base/cleanup.h"
#include "fuse-overlay.h"
#include "idmap.h"
#include "mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <limits.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define LOWERS_MAX 500

enum driver { BY_KERNEL, BY_FUSE, WHOLE /* the upper directory has everything */ };

struct layers {
    const char *lower[LOWERS_MAX]; /* top first */
    size_t count;
    const char *upper, *work; /* NULL: read-only */
    enum driver driver;
};

static const char *text_of(json_object *object, const char *key)
{
    json_object *value = NULL;
    json_object_object_get_ex(object, key, &value);
    return json_object_is_type(value, json_type_string) && json_object_get_string_len(value) > 0 ? json_object_get_string(value) : NULL;
}

static int read_driver(json_object *json, struct layers *layers, struct error *err)
{
    const char *driver = text_of(json, "driver");
    if (driver && strcmp(driver, "fuse-overlayfs") != 0 && strcmp(driver, "vfs") != 0)
        return fail_kind(err, "invalid", 0, "dev.slipway.overlay: there is no driver %s", driver);
    layers->driver = !driver ? BY_KERNEL : driver[0] == 'f' ? BY_FUSE : WHOLE;
    return 0;
}

static int read_layers(json_object *json, struct layers *layers, struct error *err)
{
    json_object *lower = NULL;
    if (!json_object_is_type(json, json_type_object) || !json_object_object_get_ex(json, "lower", &lower) ||
        !json_object_is_type(lower, json_type_array) || json_object_array_length(lower) == 0)
        return fail_kind(err, "invalid", 0, "dev.slipway.overlay names no lower directories");
    if (json_object_array_length(lower) > LOWERS_MAX)
        return fail_kind(err, "invalid", 0, "the image has more than the %d layers that the kernel can stack", LOWERS_MAX);
    for (size_t i = 0; i < json_object_array_length(lower); i++) {
        const char *path = json_object_get_string(json_object_array_get_idx(lower, i));
        if (!path || path[0] != '/')
            return fail_kind(err, "invalid", 0, "dev.slipway.overlay: a lower directory is no absolute path");
        layers->lower[layers->count++] = path;
    }
    layers->upper = text_of(json, "upper");
    layers->work = text_of(json, "work");
    if (!layers->upper != !layers->work)
        return fail_kind(err, "invalid", 0, "dev.slipway.overlay: upper and work go together");
    return read_driver(json, layers, err);
}

/* What some kernels do unless told not to, and user namespaces cannot: a writable layer would have files without their content, and directories without
 * what was in them, which nobody could make an image of. */
static const char *const whole_files[] = {"redirect_dir", "metacopy"};

/* Linux 6.5: one call for each layer, no limit on the length of the whole. -1 with errno and an empty err: this kernel has no such thing. */
static int make_by_layers(const struct layers *layers, bool userxattr, struct error *err)
{
    cleanup_close int context = fsopen("overlay", FSOPEN_CLOEXEC);
    if (context < 0)
        return fail(err, errno, "open an overlay");
    for (size_t i = 0; i < layers->count; i++) {
        cleanup_close int layer = open(layers->lower[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
        char path[32];
        if (layer < 0)
            return fail(err, errno, "open the layer %s", layers->lower[i]);
        /* A string of at most 255 bytes is taken; a longer one goes by its descriptor. */
        snprintf(path, sizeof path, "/proc/self/fd/%d", layer);
        const char *name = strlen(layers->lower[i]) < 256 ? layers->lower[i] : path;
        if (fsconfig(context, FSCONFIG_SET_STRING, "lowerdir+", name, 0) < 0)
            return i == 0 && errno == EINVAL ? -1 : fail(err, errno, "stack the layer %s", layers->lower[i]);
    }
    if (layers->upper && (fsconfig(context, FSCONFIG_SET_STRING, "upperdir", layers->upper, 0) < 0 ||
                          fsconfig(context, FSCONFIG_SET_STRING, "workdir", layers->work, 0) < 0))
        return fail(err, errno, "put the writable layer %s on top", layers->upper);
    if (userxattr && fsconfig(context, FSCONFIG_SET_FLAG, "userxattr", NULL, 0) < 0)
        return fail(err, errno, "set userxattr");
    for (size_t i = 0; !userxattr && i < sizeof whole_files / sizeof *whole_files; i++)
        if (fsconfig(context, FSCONFIG_SET_STRING, whole_files[i], "off", 0) < 0)
            return fail(err, errno, "set %s", whole_files[i]);
    if (fsconfig(context, FSCONFIG_SET_STRING, "source", "overlay", 0) < 0)
        return fail(err, errno, "stack the layers");
    if (fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0) /* where options are one string, "lowerdir+" is found to be unknown only now */
        return errno == EINVAL ? -1 : fail(err, errno, "stack the layers");
    int made = fsmount(context, FSMOUNT_CLOEXEC, layers->upper ? 0 : MOUNT_ATTR_RDONLY);
    return made >= 0 ? made : fail(err, errno, "mount the layers");
}

/* Older kernels take one page of options. Paths are relative to the directory that holds all layers ("12/fs"), so 500 fit; a colon or a comma in
 * one of ours does not occur. */
static size_t common_directory(const struct layers *layers)
{
    size_t common = (size_t)(strrchr(layers->lower[0], '/') - layers->lower[0]) + 1;
    for (size_t i = 1; i < layers->count; i++) {
        size_t same = 0;
        while (same < common && layers->lower[i][same] == layers->lower[0][same])
            same++;
        common = same;
    }
    while (common > 0 && layers->lower[0][common - 1] != '/')
        common--;
    return common;
}

static int mount_by_string(int target, const struct layers *layers, bool userxattr, struct error *err)
{
    char options[4096], directory[PATH_MAX], place[32];
    size_t common = common_directory(layers);
    snprintf(directory, sizeof directory, "%.*s", (int)common, layers->lower[0]);
    size_t used = (size_t)snprintf(options, sizeof options, "%s%s%s%s%s%slowerdir=", userxattr ? "userxattr," : "redirect_dir=off,metacopy=off,", layers->upper ? "upperdir=" : "",
                                   layers->upper ? layers->upper : "", layers->upper ? ",workdir=" : "", layers->upper ? layers->work : "",
                                   layers->upper ? "," : "");
    for (size_t i = 0; i < layers->count && used < sizeof options; i++)
        used += (size_t)snprintf(options + used, sizeof options - used, "%s%s", i ? ":" : "", layers->lower[i] + common);
    if (used >= sizeof options)
        return fail_kind(err, "invalid", 0, "this kernel cannot stack so many layers with such long names");
    snprintf(place, sizeof place, "/proc/self/fd/%d", target);
    cleanup_close int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (here < 0 || chdir(directory) < 0)
        return fail(err, errno, "enter %s", directory);
    int status = mount("overlay", place, "overlay", layers->upper ? 0 : MS_RDONLY, options), reason = errno;
    if (fchdir(here) < 0)
        return fail(err, errno, "go back to the working directory");
    return status == 0 ? 0 : fail(err, reason, "stack the layers");
}

/* `userns`: by whose ids it is seen; -1: as it is. */
static int mount_directory(int target, const char *path, bool readonly, int userns, struct error *err)
{
    cleanup_close int source = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    cleanup_close int tree = source < 0 ? -1 : mount_clone(source, true);
    if (tree < 0 || (userns >= 0 && idmap_mount(tree, userns, false) < 0) || (readonly && mount_set(tree, MOUNT_ATTR_RDONLY, 0, false) < 0) ||
        mount_attach(tree, target) < 0)
        return fail(err, errno, "mount %s", path);
    return 0;
}

/* Before a comma or a backslash the program wants a backslash. */
static void print_path(FILE *out, const char *path)
{
    for (; *path; path++) {
        if (strchr(",\\", *path))
            fputc('\\', out);
        fputc(*path, out);
    }
}

static int mount_by_fuse(int target, const struct layers *layers, struct error *err)
{
    cleanup_free char *options = NULL;
    size_t size;
    FILE *out = open_memstream(&options, &size);
    if (!out)
        return fail(err, errno, "stack the layers");
    for (size_t i = 0; i < layers->count; i++) {
        fputs(i ? ":" : "lowerdir=", out);
        print_path(out, layers->lower[i]);
    }
    if (layers->upper) {
        fputs(",upperdir=", out);
        print_path(out, layers->upper);
        fputs(",workdir=", out);
        print_path(out, layers->work);
    }
    if (fclose(out) != 0)
        return fail(err, ENOMEM, "stack the layers");
    return fuse_overlay_mount(target, options, !layers->upper, err);
}

static int mount_layers(int target, const struct layers *layers, bool userxattr, struct error *err)
{
    if (layers->driver == WHOLE && layers->upper)
        return mount_directory(target, layers->upper, false, -1, err);
    if (layers->count == 1 && !layers->upper) /* one directory is no stack */
        return mount_directory(target, layers->lower[0], true, -1, err);
    if (layers->driver == BY_FUSE)
        return mount_by_fuse(target, layers, err);
    cleanup_close int made = make_by_layers(layers, userxattr, err);
    if (made < 0)
        return err->message[0] ? -1 : mount_by_string(target, layers, userxattr, err);
    return mount_attach(made, target) == 0 ? 0 : fail(err, errno, "mount the layers");
}

/* ---- through the ids of a user namespace ---- */

/* While the layers are stacked, id-mapped views lie over the directories that hold them: overlayfs takes its own copies of what it finds there. */
struct covers {
    char paths[2][PATH_MAX]; /* of all lower directories; of upper and work, which must be in one mount */
    size_t count, lying;
};

static int find_covers(const struct layers *layers, struct covers *covers, struct error *err)
{
    snprintf(covers->paths[covers->count++], PATH_MAX, "%.*s", (int)common_directory(layers), layers->lower[0]);
    if (!layers->upper)
        return 0;
    size_t upper = (size_t)(strrchr(layers->upper, '/') - layers->upper), work = (size_t)(strrchr(layers->work, '/') - layers->work);
    if (upper != work || strncmp(layers->upper, layers->work, upper) != 0)
        return fail_kind(err, "invalid", 0, "dev.slipway.overlay: for a user namespace upper and work must be in one directory");
    snprintf(covers->paths[covers->count++], PATH_MAX, "%.*s/", (int)upper, layers->upper);
    return 0;
}

static int make_cover(const char *path, int userns, struct error *err)
{
    cleanup_close int tree = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (tree < 0)
        return fail(err, errno, "open %s", path);
    if (idmap_mount(tree, userns, false) < 0)
        return fail_kind(err, errno == EINVAL ? "not-implemented" : "", errno,
                         "the file system of %s cannot show other ids (id-mapped mounts), which a user namespace of a container's own needs", path);
    return steal_fd(&tree);
}

static int lay_covers(struct covers *covers, int userns, struct error *err)
{
    int trees[2] = {-1, -1}, status = 0;
    for (size_t i = 0; status == 0 && i < covers->count; i++) /* all are taken before the first is laid: one may lie within the other */
        status = (trees[i] = make_cover(covers->paths[i], userns, err)) < 0 ? -1 : 0;
    for (size_t i = 0; status == 0 && i < covers->count; i++) {
        if (move_mount(trees[i], "", AT_FDCWD, covers->paths[i], MOVE_MOUNT_F_EMPTY_PATH) < 0)
            status = fail(err, errno, "mount %s", covers->paths[i]);
        else
            covers->lying++;
    }
    for (size_t i = 0; i < covers->count; i++)
        cleanup_close_(&trees[i]);
    return status;
}

static void lift_covers(struct covers *covers)
{
    while (covers->lying > 0)
        umount2(covers->paths[--covers->lying], MNT_DETACH);
}

static int mount_mapped(int target, const struct spec *spec, const struct layers *layers, bool userxattr, struct error *err)
{
    struct covers covers = {.count = 0};
    struct idmap_guise guise = {.worn = false};
    TRY(find_covers(layers, &covers, err));
    int userns = idmap_of(spec, err);
    if (userns < 0)
        return -1;
    if (layers->driver == WHOLE && layers->upper)
        return mount_directory(target, layers->upper, false, userns, err);
    if (layers->driver == BY_FUSE)
        return fail_kind(err, "not-implemented", 0, "fuse-overlayfs cannot show other ids, which a user namespace of a container's own needs");
    int status = lay_covers(&covers, userns, err);
    if (status == 0)
        status = idmap_disguise(&guise, spec, err); /* overlayfs writes to the upper directory as who mounts it */
    if (status == 0)
        status = mount_layers(target, layers, userxattr, err);
    idmap_undisguise(&guise);
    lift_covers(&covers);
    return status;
}

static int mount_annotated(const char *path, json_object *json, const struct spec *mapped, bool userxattr, struct error *err)
{
    struct layers layers = {.count = 0};
    TRY(read_layers(json, &layers, err));
    cleanup_close int target = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (target < 0)
        return fail(err, errno, "open %s", path);
    return mapped ? mount_mapped(target, mapped, &layers, userxattr, err) : mount_layers(target, &layers, userxattr, err);
}

static int mount_text(const char *path, const char *annotation, const struct spec *mapped, bool userxattr, struct error *err)
{
    json_object *json = json_tokener_parse(annotation);
    int status = mount_annotated(path, json, mapped, userxattr, err);
    json_object_put(json);
    return status < 0 ? in_step(err, "overlay") : 0;
}

int overlay_mount(const char *target, const char *annotation, bool userxattr, struct error *err)
{
    return mount_text(target, annotation, NULL, userxattr, err);
}

int overlay_mount_for(const struct spec *spec, const char *target, const char *annotation, bool userxattr, struct error *err)
{
    return mount_text(target, annotation, spec->namespaces[SPEC_NS_USER].wanted ? spec : NULL, userxattr, err);
}

/* ---- is it possible at all? ---- */

static int make_scratch(const char *scratch, char paths[4][PATH_MAX])
{
    static const char *const names[] = {"lower", "upper", "work", "merged"};
    for (int i = 0; i < 4; i++)
        if (snprintf(paths[i], PATH_MAX, "%s/%s", scratch, names[i]) >= PATH_MAX || (mkdir(paths[i], 0700) < 0 && errno != EEXIST))
            return -1;
    return 0;
}

/* Some ids far from anybody's: what their root makes must be root's on disk. */
static int try_mapped(int target, const struct layers *layers, const char *merged, const char *upper, struct error *err)
{
    struct spec_idmap map = {.inside = 0, .outside = 0x70000000, .length = 65536};
    struct spec spec = {.uid_map = &map, .gid_map = &map, .uid_map_count = 1, .gid_map_count = 1};
    struct idmap_guise guise = {.worn = false};
    char path[PATH_MAX];
    struct stat info;
    TRY(mount_mapped(target, &spec, layers, false, err));
    TRY(idmap_disguise(&guise, &spec, err));
    int made = snprintf(path, sizeof path, "%s/made", merged) < (int)sizeof path ? mkdir(path, 0700) : -1;
    idmap_undisguise(&guise);
    bool plain = made == 0 && snprintf(path, sizeof path, "%s/made", upper) < (int)sizeof path && stat(path, &info) == 0 && info.st_uid == 0;
    return plain ? 0 : -1;
}

static int try_in(const char *scratch, bool userxattr, bool idmapped)
{
    struct error ignored = {0};
    char paths[4][PATH_MAX];
    if (make_scratch(scratch, paths) < 0 || unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL) < 0)
        return -1;
    struct layers layers = {.lower = {paths[0]}, .count = 1, .upper = paths[1], .work = paths[2]};
    cleanup_close int target = open(paths[3], O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (target < 0)
        return -1;
    return idmapped ? try_mapped(target, &layers, paths[3], paths[1], &ignored) : mount_layers(target, &layers, userxattr, &ignored);
}

/* What the trial made, inside out: overlayfs has directories of its own in the work directory. */
static void clear_trial(const char *scratch)
{
    static const char *const names[] = {"merged", "work/work", "work/index", "work", "upper/made", "upper", "lower"};
    char path[PATH_MAX];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (snprintf(path, sizeof path, "%s/%s", scratch, names[i]) < (int)sizeof path)
            rmdir(path);
}

bool overlay_works(const char *scratch, bool userxattr, bool idmapped)
{
    int status;
    pid_t child = fork();
    if (child < 0)
        return false;
    if (child == 0)
        _exit(try_in(scratch, userxattr, idmapped) == 0 ? 0 : 1);
    bool works = waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    clear_trial(scratch);
    return works;
}
