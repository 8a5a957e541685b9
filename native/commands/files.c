#include "files.h"

#include "../base/cleanup.h"
#include "../kernel/beneath.h"
#include "../kernel/mounts.h"
#include "../kernel/overlay.h"
#include "../kernel/process.h"
#include "../kernel/tree.h"
#include "sources.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#define LAYERS_MAX 500 /* what the kernel stacks */

/* ---- one that runs ---- */

static int stopped_just_now(struct error *err)
{
    return fail_kind(err, "conflict", 0, "the container stopped just now: try again");
}

/* A process that ends has no namespaces some time before anything else tells of its end. */
static int not_reached(struct error *err, int why, const char *what)
{
    return why == ESRCH || why == ENOENT ? stopped_just_now(err) : fail(err, why, "%s", what);
}

/* The root of another mount namespace, which is left again at once: where /proc is, is for the container to say there. */
static int open_root_of(int pidfd, enum files_view view, struct error *err)
{
    cleanup_close int ours = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
    if (ours < 0 || setns(pidfd, CLONE_NEWNS) < 0)
        return not_reached(err, errno, "enter the container's mount namespace");
    int root = view == FILES_OF_ROOTFS ? open_tree(AT_FDCWD, "/", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC)
                                       : open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    int why = errno;
    if (setns(ours, CLONE_NEWNS) < 0)
        return fail(err, errno, "leave the container's mount namespace");
    return root < 0 ? fail(err, why, "open the container's root") : root;
}

/* Its ids are ours from here on, and so is its power over files, which is less than ours was. */
static int enter_user_namespace(pid_t pid, int pidfd, struct error *err)
{
    char path[64];
    struct stat theirs, ours;
    snprintf(path, sizeof path, "/proc/%d/ns/user", pid);
    if (stat(path, &theirs) < 0 || stat("/proc/self/ns/user", &ours) < 0)
        return not_reached(err, errno, "look at the container's user namespace");
    if (theirs.st_dev == ours.st_dev && theirs.st_ino == ours.st_ino)
        return 0;
    if (setns(pidfd, CLONE_NEWUSER) < 0)
        return not_reached(err, errno, "enter the container's user namespace");
    if ((setgroups(0, NULL) < 0 && errno != EPERM) || setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
        return fail(err, errno, "become root in the container's user namespace");
    return 0;
}

static int open_mounts_of(pid_t pid, struct container_files *files, struct error *err)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/ns/mnt", pid);
    files->mounts = open(path, O_RDONLY | O_CLOEXEC);
    return files->mounts < 0 ? not_reached(err, errno, "open the container's mount namespace") : 0;
}

static int open_running(const struct request *request, enum files_view view, struct container_files *files, struct error *err)
{
    int64_t pid, start = 0;
    TRY(request_integer(request, "pid", 1, INT32_MAX, &pid, err));
    TRY(request_optional_integer(request, "pidStart", 0, INT64_MAX, &start, err));
    files->pid = (int)pid;
    files->process = pidfd_open((pid_t)pid, 0);
    /* Read after the descriptor was opened: if it is the right one now, the descriptor is. */
    if (files->process < 0 || (start > 0 && process_start_time((pid_t)pid) != (unsigned long long)start))
        return stopped_just_now(err);
    files->root = open_root_of(files->process, view, err);
    TRY(files->root);
    return open_mounts_of((pid_t)pid, files, err);
}

/* ---- one that does not ---- */

struct bind {
    const char *source, *destination;
    bool readonly;
    int tree;
};

static int open_bind(const struct request *request, json_object *json, struct bind *bind, struct error *err)
{
    bind->tree = -1;
    bind->source = json_object_get_string(json_object_object_get(json, "source"));
    bind->destination = json_object_get_string(json_object_object_get(json, "destination"));
    bind->readonly = json_object_get_boolean(json_object_object_get(json, "readonly"));
    if (!bind->source || !bind->destination || bind->source[0] != '/' || bind->destination[0] != '/')
        return fail_kind(err, "invalid", 0, "the request's \"binds\" must have absolute paths as \"source\" and \"destination\"");
    json_object *overlay = json_object_object_get(json, "overlay");
    const char *subpath = json_object_get_string(json_object_object_get(json, "subpath"));
    if (overlay || subpath)
        TRY(bind->tree = overlay ? source_of_layers(overlay, subpath, request->run_dir, NULL, request->rootless, err)
                                 : source_of_path(bind->source, subpath, err));
    else
        bind->tree = open_tree(AT_FDCWD, bind->source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
    if (bind->tree < 0)
        return fail(err, errno, "%s, which is to be mounted on %s, cannot be opened", bind->source, bind->destination);
    if (mount_propagation(bind->tree, MS_PRIVATE, true) < 0 || (bind->readonly && mount_set(bind->tree, MOUNT_ATTR_RDONLY, 0, true) < 0))
        return fail(err, errno, "bind %s", bind->source);
    return 0;
}

static int attach_bind(int root, const struct bind *bind, struct error *err)
{
    struct stat source;
    if (fstat(bind->tree, &source) < 0)
        return fail(err, errno, "look at %s", bind->source);
    cleanup_close int target = make_in_root(root, bind->destination, S_ISDIR(source.st_mode), err);
    TRY(target);
    return mount_attach(bind->tree, target) < 0 ? fail(err, errno, "mount %s on %s", bind->source, bind->destination) : 0;
}

/* To be read, the container's own layer is the topmost of those that are not written: nothing is made, nothing waits for a disk in the end. Where it has
 * everything, it is the only one. */
static json_object *readable_stack(json_object *overlay)
{
    json_object *stack = json_object_new_object(), *all = json_object_new_array(), *lower = json_object_object_get(overlay, "lower"),
                *driver = json_object_object_get(overlay, "driver");
    bool whole = driver && strcmp(json_object_get_string(driver), "vfs") == 0;
    if (driver)
        json_object_object_add(stack, "driver", json_object_get(driver));
    json_object_array_add(all, json_object_get(json_object_object_get(overlay, "upper")));
    for (size_t i = 0; !whole && i < json_object_array_length(lower); i++)
        json_object_array_add(all, json_object_get(json_object_array_get_idx(lower, i)));
    json_object_object_add(stack, "lower", all);
    return stack;
}

static int mount_layers(const struct request *request, json_object *stack, struct container_files *files, struct error *err)
{
    /* The run directory's own content is out of sight from here on, and nobody here needs it. */
    TRY(overlay_mount(request->run_dir, json_object_to_json_string(stack), request->rootless, err));
    files->mounted = request->run_dir;
    files->root = open(request->run_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return files->root < 0 ? fail(err, errno, "open the container's root") : 0;
}

/* Whether there is a place for each of them already. */
static bool have_places(int root, const struct bind *binds, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        cleanup_close int place = open_in_root(root, binds[i].destination, O_PATH);
        if (place < 0)
            return false;
    }
    return true;
}

static int mount_stopped(const struct request *request, enum files_view view, struct bind *binds, size_t count, struct container_files *files,
                         struct error *err)
{
    json_object *list = json_object_object_get(request->fields, "binds"), *overlay = json_object_object_get(request->fields, "overlay");
    json_object *lower = json_object_object_get(overlay, "lower");
    bool readonly;
    TRY(request_bool(request, "readonly", false, &readonly, err));
    if (!json_object_is_type(lower, json_type_array) || !json_object_is_type(json_object_object_get(overlay, "upper"), json_type_string))
        return fail_kind(err, "invalid", 0, "the request's \"overlay\" must have \"lower\", \"upper\" and \"work\"");
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return fail(err, errno, "make a mount namespace");
    for (size_t i = 0; i < count; i++)
        TRY(open_bind(request, json_object_array_get_idx(list, i), &binds[i], err));
    if (view != FILES_TO_WRITE && json_object_array_length(lower) < LAYERS_MAX) {
        json_object *stack = readable_stack(overlay);
        int status = mount_layers(request, stack, files, err);
        json_object_put(stack);
        TRY(status);
    }
    if (files->root < 0 || !have_places(files->root, binds, count)) {
        files_close(files);
        TRY(mount_layers(request, overlay, files, err));
    }
    umask(022);
    for (size_t i = 0; i < count; i++)
        TRY(attach_bind(files->root, &binds[i], err));
    if (readonly && mount_set(files->root, MOUNT_ATTR_RDONLY, 0, false) < 0)
        return fail(err, errno, "make the root read-only");
    return 0;
}

static int open_stopped(const struct request *request, enum files_view view, struct container_files *files, struct error *err)
{
    json_object *list = json_object_object_get(request->fields, "binds");
    if (list && !json_object_is_type(list, json_type_array))
        return fail_kind(err, "invalid", 0, "the request's \"binds\" must be a list");
    size_t count = list && view != FILES_OF_ROOTFS ? json_object_array_length(list) : 0;
    cleanup_free struct bind *binds = calloc(count + 1, sizeof *binds);
    if (!binds)
        return fail(err, ENOMEM, "mount the container's files");
    for (size_t i = 0; i < count; i++)
        binds[i].tree = -1;
    int status = mount_stopped(request, view, binds, count, files, err);
    for (size_t i = 0; i < count; i++)
        cleanup_close_(&binds[i].tree);
    return status;
}

static int open_plain(const struct request *request, const char *path, struct container_files *files, struct error *err)
{
    if (path[0] != '/')
        return fail_kind(err, "invalid", 0, "the request's \"directory\" must be absolute");
    TRY(request_bool(request, "readonly", false, &files->readonly, err));
    files->plain = true;
    files->root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return files->root < 0 ? fail_kind(err, "conflict", errno, "the directory %s cannot be opened", path) : 0;
}

int files_reach(const struct request *request, enum files_view view, struct container_files *files, struct error *err)
{
    const char *directory = NULL;
    TRY(request_optional_string(request, "directory", &directory, err));
    if (directory)
        return open_plain(request, directory, files, err);
    if (json_object_object_get(request->fields, "overlay"))
        return open_stopped(request, view, files, err);
    return open_running(request, view, files, err);
}

int files_take_ids(const struct container_files *files, struct error *err)
{
    return files->process < 0 ? 0 : enter_user_namespace(files->pid, files->process, err);
}

int files_open(const struct request *request, enum files_view view, struct container_files *files, struct error *err)
{
    TRY(files_reach(request, view, files, err));
    return files_take_ids(files, err);
}

void files_close(struct container_files *files)
{
    cleanup_close_(&files->root);
    cleanup_close_(&files->mounts);
    cleanup_close_(&files->process);
    files->root = files->mounts = files->process = -1;
    if (files->mounted)
        umount2(files->mounted, MNT_DETACH);
    files->mounted = NULL;
}

/* ---- what both need ---- */

/* In a process of its own, which is in the container's mount namespace to its end. */
static int remove_inside(const struct container_files *files, int parent, const char *name, struct error *err)
{
    if (setns(files->mounts, CLONE_NEWNS) < 0)
        return fail(err, errno, "enter the container's mount namespace");
    return tree_remove(parent, name, err);
}

int files_remove_directory(const struct container_files *files, int parent, const char *name, struct error *err)
{
    struct error *told;
    if (files->mounts < 0)
        return tree_remove(parent, name, err);
    told = mmap(NULL, sizeof *told, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t child = told == MAP_FAILED ? -1 : fork();
    if (child < 0)
        return fail(err, errno, "remove %s", name);
    if (child == 0)
        _exit(remove_inside(files, parent, name, told) < 0 ? 1 : 0);
    int status;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    *err = *told;
    munmap(told, sizeof *told);
    return status == 0 ? 0 : err->message[0] ? -1 : fail(err, 0, "remove %s: the process that did it was killed", name);
}

int files_refuse(int errnum, const char *call, const char *path, struct error *err)
{
    char why[128];
    snprintf(why, sizeof why, "%s", strerror(errnum));
    why[0] = (char)tolower(why[0]);
    bool mistaken = errnum == ENOTDIR || errnum == ELOOP || errnum == ENAMETOOLONG;
    const char *kind = errnum == ENOENT ? "not-found" : errnum == EBUSY ? "conflict" : mistaken ? "invalid" : "";
    fail_kind(err, kind, 0, "%s %s: %s", call, path, why);
    err->errnum = errnum;
    return -1;
}

/* What the kernel says of the mount that the target is on decides, so that a tmpfs in a read-only container can be written. */
int files_check_writable(const struct container_files *files, int target, struct error *err)
{
    struct statvfs mount;
    struct statx at_root, at_target;
    if (fstatvfs(target, &mount) < 0 || statx(files->root, "", AT_EMPTY_PATH, STATX_MNT_ID, &at_root) < 0 ||
        statx(target, "", AT_EMPTY_PATH, STATX_MNT_ID, &at_target) < 0)
        return fail(err, errno, "look at the target");
    if (files->readonly)
        return fail_kind(err, "invalid", 0, "the volume is read-only");
    if (!(mount.f_flag & ST_RDONLY))
        return 0;
    if (files->plain)
        return fail_kind(err, "invalid", 0, "the file system that it is on is read-only");
    return fail_kind(err, "invalid", 0, at_root.stx_mnt_id == at_target.stx_mnt_id ? "container rootfs is marked read-only" : "mounted volume is marked read-only");
}
