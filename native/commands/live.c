#include "live.h"

#include "../base/cleanup.h"
#include "../base/spec.h"
#include "../kernel/beneath.h"
#include "../kernel/idmap.h"
#include "../kernel/mounts.h"
#include "../kernel/procfs.h"
#include "files.h"
#include "found.h"
#include "holders.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <time.h>

#define ENTRIES_MOST 100000
#define NAMES_MOST 20
#define TRIES 10
#define PAUSE_NS 20000000

bool mounts_can_be_live(const char *directory)
{
    struct mount_attr none = {0};
    cleanup_close int tree = open_tree(AT_FDCWD, directory, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
    return tree >= 0 && mount_setattr(tree, "", AT_EMPTY_PATH, &none, sizeof none) == 0 &&
           (move_mount(tree, "", -1, "", MOVE_MOUNT_F_EMPTY_PATH) == 0 || errno != ENOSYS);
}

/* ---- a container, and what of this machine is still needed once we are in it ---- */

struct place {
    struct container_files files;
    int proc, self; /* this machine's /proc, and ourselves in it */
    int lock;
};
#define PLACE_INIT {.files = CONTAINER_FILES_INIT, .proc = -1, .self = -1, .lock = -1}

static void place_close(struct place *place)
{
    files_close(&place->files);
    cleanup_close_(&place->proc);
    cleanup_close_(&place->self);
    cleanup_close_(&place->lock);
}
#define cleanup_place __attribute__((cleanup(place_close)))

/* One at a time in each container: who comes after an engine that was killed finds what its last request has made. */
static int take_turn(const struct request *request, struct place *place, struct error *err)
{
    char path[PATH_MAX];
    const char *id = NULL;
    TRY(request_optional_string(request, "id", &id, err));
    if (!id)
        return 0;
    if (strspn(id, "0123456789abcdef") != 64 || id[64] != '\0')
        return fail_kind(err, "invalid", 0, "the request's \"id\" must be 64 hexadecimal digits");
    snprintf(path, sizeof path, "%s/c/%.16s", request->run_dir, id);
    place->lock = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (place->lock < 0)
        return fail_kind(err, "conflict", 0, "the container stopped just now: try again");
    while (flock(place->lock, LOCK_EX) < 0)
        if (errno != EINTR)
            return fail(err, errno, "wait for another change of the container's mounts");
    return 0;
}

static int place_open(const struct request *request, struct place *place, struct error *err)
{
    struct stat theirs, ours;
    TRY(take_turn(request, place, err));
    TRY(files_reach(request, FILES_TO_READ, &place->files, err));
    place->proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    place->self = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (place->proc < 0 || place->self < 0)
        return fail(err, errno, "open /proc");
    if (place->files.mounts < 0)
        return 0;
    if (fstat(place->files.mounts, &theirs) < 0 || stat("/proc/self/ns/mnt", &ours) < 0)
        return fail(err, errno, "look at the container's mount namespace");
    if (theirs.st_ino == ours.st_ino && theirs.st_dev == ours.st_dev)
        return fail_kind(err, "conflict", 0, "the container has no mounts of its own any more");
    return 0;
}

/* Its mounts are ours from here on, and its root our root. It could look at us now. */
static int go_inside(const struct place *place, struct error *err)
{
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    return setns(place->files.mounts, CLONE_NEWNS) < 0 ? fail(err, errno, "enter the container's mount namespace") : 0;
}

/* Once something is being changed it is brought to its end, client or not. */
static void hold_off_the_end(void)
{
    sigset_t end;
    sigemptyset(&end);
    sigaddset(&end, SIGTERM);
    sigprocmask(SIG_BLOCK, &end, NULL);
}

static int path_of(const struct place *place, int fd, char path[PATH_MAX], struct error *err)
{
    char link[32];
    snprintf(link, sizeof link, "fd/%d", fd);
    ssize_t length = readlinkat(place->self, link, path, PATH_MAX - 1);
    if (length < 0)
        return fail(err, errno, "look up where the target is");
    path[length] = '\0';
    return path[0] == '/' ? 0 : fail(err, 0, "the target is not inside the container");
}

static int look(int directory, const char *name, struct statx *seen)
{
    return statx(directory, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | (name[0] ? 0 : AT_EMPTY_PATH), STATX_BASIC_STATS | STATX_MNT_ID, seen);
}

static bool is_mounted(const struct statx *seen)
{
    return seen->stx_attributes & STATX_ATTR_MOUNT_ROOT;
}

static bool is_same_file(const struct statx *one, const struct statx *other)
{
    return one->stx_ino == other->stx_ino && one->stx_dev_major == other->stx_dev_major && one->stx_dev_minor == other->stx_dev_minor;
}

/* ---- what may be mounted over ---- */

/* What the kernel shows of itself, and shows to a container only in part. */
static bool is_of_kernel(int fd)
{
    static const long kinds[] = {PROC_SUPER_MAGIC, SYSFS_MAGIC, CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC, DEVPTS_SUPER_MAGIC};
    struct statfs info;
    for (size_t i = 0; fstatfs(fd, &info) == 0 && i < sizeof kinds / sizeof *kinds; i++)
        if ((long)info.f_type == kinds[i])
            return true;
    return false;
}

/* "forbidden": paths that nothing is mounted on or below, whatever is there now. */
static bool is_forbidden(const struct request *request, const char *path)
{
    json_object *list = json_object_object_get(request->fields, "forbidden");
    for (size_t i = 0; json_object_is_type(list, json_type_array) && i < json_object_array_length(list); i++) {
        const char *one = json_object_get_string(json_object_array_get_idx(list, i));
        size_t length = one ? strlen(one) : 0;
        if (length > 0 && strncmp(path, one, length) == 0 && (path[length] == '\0' || path[length] == '/'))
            return true;
    }
    return false;
}

static int check_target(const struct request *request, const struct place *place, int target, const char *wanted, char path[PATH_MAX], struct error *err)
{
    struct statx root, seen;
    if (look(place->files.root, "", &root) < 0 || look(target, "", &seen) < 0)
        return fail(err, errno, "look at the target");
    TRY(path_of(place, target, path, err));
    if (root.stx_mnt_id == seen.stx_mnt_id && is_same_file(&root, &seen))
        return fail_kind(err, "invalid", 0, "%.200s is the container's root: nothing can be mounted over that", wanted);
    if (is_of_kernel(target) || is_forbidden(request, path))
        return fail_kind(err, "invalid", 0, "%.200s cannot be mounted over: it is part of what the system shows to the container", wanted);
    if (is_mounted(&seen))
        return fail_kind(err, "not-implemented", 0, "something else is mounted on %.200s", wanted);
    return 0;
}

/* ---- attaching ---- */

static int open_source(const struct request *request, const char *path, struct error *err)
{
    bool within;
    TRY(request_bool(request, "within", false, &within, err));
    /* What lies below our own directories has no links in it, whatever a container has written there. */
    int fd = open_how(AT_FDCWD, path, O_PATH, 0, RESOLVE_NO_MAGICLINKS | (within ? RESOLVE_NO_SYMLINKS : 0));
    if (fd < 0)
        return fail_kind(err, errno == ENOENT || errno == ENOTDIR || errno == ELOOP ? "invalid" : "", errno, "open %.300s", path);
    return fd;
}

/* {"uids":[…],"gids":[…]}: files keep their owners' numbers inside a container whose own are others. */
static int show_ids(const struct request *request, int tree, bool recursive, const char *source, struct error *err)
{
    json_object *maps = json_object_object_get(request->fields, "idmap");
    cleanup_free struct spec_idmap *uids = NULL, *gids = NULL;
    size_t uid_count = 0, gid_count = 0;
    if (!json_object_is_type(maps, json_type_object))
        return 0;
    TRY(spec_idmaps_parse(maps, "uids", &uids, &uid_count, err));
    TRY(spec_idmaps_parse(maps, "gids", &gids, &gid_count, err));
    cleanup_close int userns = idmap_make(uids, uid_count, gids, gid_count, err);
    if (userns < 0)
        return -1;
    if (idmap_mount(tree, userns, recursive) == 0)
        return 0;
    return fail_kind(err, errno == EINVAL ? "invalid" : "", errno, "the file system of %.200s cannot show other ids (id-mapped mounts)", source);
}

/* Detached, as it is to be seen inside. */
static int make_tree(const struct request *request, const char *source, bool *directory, struct error *err)
{
    bool readonly, recursive, whole;
    struct stat info;
    TRY(request_bool(request, "readonly", false, &readonly, err));
    TRY(request_bool(request, "recursive", true, &recursive, err));
    TRY(request_bool(request, "wholeReadonly", true, &whole, err));
    cleanup_close int opened = open_source(request, source, err);
    if (opened < 0)
        return -1;
    cleanup_close int tree = mount_clone(opened, recursive);
    if (tree < 0 || fstat(tree, &info) < 0)
        return fail(err, errno, "take %.300s", source);
    *directory = S_ISDIR(info.st_mode);
    TRY(show_ids(request, tree, recursive, source, err));
    if ((readonly && mount_set(tree, MOUNT_ATTR_RDONLY, 0, recursive && whole) < 0) || mount_propagation(tree, MS_PRIVATE, true) < 0)
        return fail(err, errno, "set the options of the mount");
    return steal_fd(&tree);
}

/* Whether where it would have to be made is read-only. */
static bool is_for_the_next_start(int errnum)
{
    return errnum == EROFS;
}

/* The names that we made, from the last one up, as far as nothing else is in them. */
static void unmake(const struct place *place, const char *where, int64_t made)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s", where);
    for (; made > 0; made--) {
        char *slash = strrchr(path, '/');
        struct stat info;
        if (!slash || slash[1] == '\0')
            return;
        *slash = '\0';
        cleanup_close int parent = open_how(place->files.root, path[0] ? path : "/", O_PATH | O_DIRECTORY, 0,
                                            RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
        if (parent < 0 || fstatat(parent, slash + 1, &info, AT_SYMLINK_NOFOLLOW) < 0)
            return;
        bool directory = S_ISDIR(info.st_mode);
        if (!directory && !(S_ISREG(info.st_mode) && info.st_size == 0))
            return;
        if (unlinkat(parent, slash + 1, directory ? AT_REMOVEDIR : 0) < 0)
            return;
    }
}

static int unlike(const char *target, bool directory, struct error *err)
{
    return fail_kind(err, "invalid", 0, "%.200s is a %s in the container, and the source is a %s", target, directory ? "file" : "directory",
                     directory ? "directory" : "file");
}

static int put_on(const struct request *request, const struct place *place, int tree, bool directory, struct error *err)
{
    char path[PATH_MAX] = "";
    const char *target;
    struct statx seen;
    unsigned made;
    TRY(found_path_of(request, "target", &target, err));
    umask(022);
    cleanup_close int fd = make_in_root_counting(place->files.root, target, directory, &made, err);
    if (fd < 0) {
        cleanup_close int file = directory && err->errnum == ENOTDIR ? open_in_root(place->files.root, target, O_PATH) : -1;
        if (file >= 0)
            return unlike(target, directory, err);
        if (is_for_the_next_start(err->errnum))
            snprintf(err->kind, sizeof err->kind, "not-implemented");
        return -1;
    }
    if (look(fd, "", &seen) == 0 && S_ISDIR(seen.stx_mode) != directory) {
        unmake(place, target, made);
        return unlike(target, directory, err);
    }
    int status = check_target(request, place, fd, target, path, err);
    if (status == 0)
        status = procfs_check_mount(tree, fd, path, err);
    if (status == 0 && mount_attach(tree, fd) < 0)
        status = fail(err, errno, "mount on %.200s", target);
    if (status < 0) {
        unmake(place, path[0] ? path : target, made);
        return -1;
    }
    if (look(tree, "", &seen) < 0)
        return fail(err, errno, "look at the mount");
    json_object_object_add(request->reply, "path", json_object_new_string(path));
    json_object_object_add(request->reply, "made", json_object_new_int64(made));
    json_object_object_add(request->reply, "mount", json_object_new_int64((int64_t)seen.stx_mnt_id));
    return 0;
}

int mount_attach_op(struct request *request, struct error *err)
{
    cleanup_place struct place place = PLACE_INIT;
    const char *source;
    bool directory = false;
    TRY(found_path_of(request, "source", &source, err));
    TRY(place_open(request, &place, err));
    if (place.files.mounts < 0)
        return fail_kind(err, "invalid", 0, "only to a container that runs something can be attached");
    cleanup_close int tree = make_tree(request, source, &directory, err);
    if (tree < 0)
        return -1;
    hold_off_the_end();
    /* What is made inside is made as its root would: where its ids are others, ours cannot be written down there. */
    TRY(files_take_ids(&place.files, err));
    TRY(go_inside(&place, err));
    return put_on(request, &place, tree, directory, err);
}

/* ---- detaching ---- */

/* A mount of the container: the directory that it is in, and its name there. */
struct mounted {
    char path[PATH_MAX];
    int parent;
    const char *name; /* in path */
    uint64_t id;
};

static bool is_wanted(const struct statx *seen, uint64_t id, const struct statx *source)
{
    return is_mounted(seen) && ((id && seen->stx_mnt_id == id) || (source && is_same_file(seen, source)));
}

/* By a parent and a name, for whoever has the mount itself open is in the way of its end. */
static int find_mount(const struct place *place, const char *path, uint64_t id, const struct statx *source, struct mounted *found, struct error *err)
{
    struct statx seen;
    {
        cleanup_close int target = open_in_root(place->files.root, path, O_PATH);
        if (target < 0 || look(target, "", &seen) < 0)
            return files_refuse(errno, "look at", path, err);
        if (!is_mounted(&seen))
            return fail_kind(err, "not-found", 0, "nothing is mounted on %.200s", path);
        if (!is_wanted(&seen, id, source))
            return fail_kind(err, "conflict", 0, "what is mounted on %.200s is not what the container was given there", path);
        TRY(path_of(place, target, found->path, err));
    }
    char *slash = strrchr(found->path, '/');
    if (slash[1] == '\0')
        return fail_kind(err, "invalid", 0, "%.200s is the container's root", path);
    *slash = '\0';
    found->parent = open_how(place->files.root, found->path[0] ? found->path : "/", O_PATH | O_DIRECTORY, 0,
                             RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
    *slash = '/';
    found->name = slash + 1;
    found->id = seen.stx_mnt_id;
    if (found->parent < 0 || look(found->parent, found->name, &seen) < 0 || seen.stx_mnt_id != found->id)
        return fail_kind(err, "conflict", 0, "the way to %.200s was changed just now: try again", path);
    return 0;
}

static json_object *find_holders(const struct place *place, const struct mounted *mounted, size_t *within, struct error *err)
{
    struct mount_family family;
    cleanup_close int table = openat(place->self, "mountinfo", O_RDONLY | O_CLOEXEC);
    if (table < 0 || mount_family_of(table, mounted->id, &family, err) < 0)
        return NULL;
    *within = family.count - 1;
    return holders_of(place->proc, place->files.mounts, &family, mounted->path);
}

static int umount_at(const struct mounted *mounted, int flags)
{
    if (fchdir(mounted->parent) < 0)
        return -1;
    return umount2(mounted->name, flags | UMOUNT_NOFOLLOW);
}

/* 1: it is off. 0: somebody is in the way, and named in the reply. */
static int take_off(const struct request *request, const struct place *place, const struct mounted *mounted, bool force, struct error *err)
{
    const struct timespec pause = {.tv_nsec = PAUSE_NS};
    json_object *holders = NULL;
    size_t within = 0;
    for (int tries = 0; tries < TRIES; tries++) {
        if (force && umount_at(mounted, MNT_DETACH) == 0)
            return 1;
        if (force)
            return fail(err, errno, "detach %.200s", mounted->path);
        json_object_put(holders);
        holders = find_holders(place, mounted, &within, err);
        if (!holders)
            return -1;
        bool held = json_object_array_length(holders) > 0;
        /* The kernel takes one that has others in it off as a whole only without asking who is in there: we have asked. */
        if (!held && umount_at(mounted, within ? MNT_DETACH : 0) == 0) {
            json_object_put(holders);
            return 1;
        }
        if (held)
            break;
        if (errno != EBUSY) {
            json_object_put(holders);
            return fail(err, errno, "detach %.200s", mounted->path);
        }
        nanosleep(&pause, NULL); /* one of our own may be looking at its files */
    }
    json_object_object_add(request->reply, "holders", holders);
    return 0;
}

static int find_either(const struct request *request, const struct place *place, const struct statx *source, struct mounted *found, struct error *err)
{
    const char *target, *path = NULL;
    int64_t id = 0;
    struct error first = {0};
    TRY(found_path_of(request, "target", &target, err));
    TRY(request_optional_string(request, "path", &path, err));
    TRY(request_optional_integer(request, "mount", 0, INT64_MAX, &id, err));
    /* Where it was put; the links on the way there may lead elsewhere by now. */
    if (path && path[0] == '/' && find_mount(place, path, (uint64_t)id, source, found, &first) == 0)
        return 0;
    return find_mount(place, target, (uint64_t)id, source, found, err);
}

int mount_detach_op(struct request *request, struct error *err)
{
    cleanup_place struct place place = PLACE_INIT;
    struct mounted mounted = {.parent = -1};
    struct statx source;
    const char *source_path = NULL;
    int64_t made = 0;
    bool force;
    TRY(request_optional_string(request, "source", &source_path, err));
    TRY(request_optional_integer(request, "made", 0, PATH_MAX, &made, err));
    TRY(request_bool(request, "force", false, &force, err));
    TRY(place_open(request, &place, err));
    if (place.files.mounts < 0)
        return fail_kind(err, "invalid", 0, "only from a container that runs something can be detached");
    bool known = source_path && statx(AT_FDCWD, source_path, AT_NO_AUTOMOUNT, STATX_BASIC_STATS, &source) == 0;
    hold_off_the_end();
    TRY(files_take_ids(&place.files, err));
    TRY(go_inside(&place, err));
    TRY(find_either(request, &place, known ? &source : NULL, &mounted, err));
    int off = take_off(request, &place, &mounted, force, err);
    TRY(off);
    json_object_object_add(request->reply, "detached", json_object_new_boolean(off));
    if (off)
        unmake(&place, mounted.path, made);
    cleanup_close_(&mounted.parent);
    return 0;
}

/* ---- looking ---- */

static int count_entries(int target, json_object *reply, struct error *err)
{
    json_object *names = json_object_new_array();
    int64_t count = 0;
    json_object_object_add(reply, "names", names);
    int fd = openat(target, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cleanup_closedir DIR *directory = fd < 0 ? NULL : fdopendir(fd);
    if (!directory)
        return fail(err, errno, "read the directory that is there");
    for (struct dirent *entry; count < ENTRIES_MOST && (entry = readdir(directory));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (count++ < NAMES_MOST)
            json_object_array_add(names, json_object_new_string(entry->d_name));
    }
    json_object_object_add(reply, "hidden", json_object_new_int64(count));
    return 0;
}

/* Whether what is missing could be made: the last directory on the way that is there says so. */
static bool could_be_made(int root, const char *target)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s", target);
    for (char *slash = path + strlen(path); (slash = strrchr(path, '/'));) {
        *slash = '\0';
        cleanup_close int there = open_in_root(root, path[0] ? path : "/", O_PATH);
        struct statvfs info;
        if (there >= 0)
            return fstatvfs(there, &info) == 0 && !(info.f_flag & ST_RDONLY);
    }
    return false;
}

static const char *kind_of(mode_t mode)
{
    return S_ISDIR(mode) ? "directory" : S_ISREG(mode) ? "file" : "other";
}

static int add_holders(const struct request *request, const struct place *place, const char *path, uint64_t id, struct error *err)
{
    struct mounted mounted = {.parent = -1, .id = id};
    size_t within;
    snprintf(mounted.path, sizeof mounted.path, "%s", path);
    json_object *holders = find_holders(place, &mounted, &within, err);
    if (!holders)
        return -1;
    json_object_object_add(request->reply, "holders", holders);
    return 0;
}

static int describe_target(const struct request *request, const struct place *place, int target, const char *wanted, const struct statx *seen,
                           struct error *err)
{
    char path[PATH_MAX];
    const char *source_path = NULL;
    struct statx source;
    json_object *reply = request->reply;
    TRY(request_optional_string(request, "source", &source_path, err));
    bool same = source_path && statx(AT_FDCWD, source_path, AT_NO_AUTOMOUNT, STATX_BASIC_STATS, &source) == 0 && is_same_file(seen, &source);
    json_object_object_add(reply, "kind", json_object_new_string(kind_of(seen->stx_mode)));
    json_object_object_add(reply, "mounted", json_object_new_boolean(is_mounted(seen)));
    json_object_object_add(reply, "same", json_object_new_boolean(same && is_mounted(seen)));
    json_object_object_add(reply, "mount", json_object_new_int64((int64_t)seen->stx_mnt_id));
    if (S_ISDIR(seen->stx_mode))
        TRY(count_entries(target, reply, err));
    if (place->files.mounts < 0)
        return 0;
    TRY(go_inside(place, err));
    if (check_target(request, place, target, wanted, path, err) < 0 && strcmp(err->kind, "invalid") == 0)
        return -1;
    return is_mounted(seen) ? add_holders(request, place, path, seen->stx_mnt_id, err) : 0;
}

int mount_look_op(struct request *request, struct error *err)
{
    cleanup_place struct place place = PLACE_INIT;
    const char *path;
    struct statx seen;
    TRY(found_path_of(request, "target", &path, err));
    TRY(place_open(request, &place, err));
    cleanup_close int target = open_in_root(place.files.root, path, O_PATH);
    if (target < 0 && errno == ENOENT) {
        json_object_object_add(request->reply, "kind", json_object_new_string("missing"));
        json_object_object_add(request->reply, "writable", json_object_new_boolean(could_be_made(place.files.root, path)));
        return 0;
    }
    if (target < 0 || look(target, "", &seen) < 0)
        return files_refuse(errno, "look at", path, err);
    return describe_target(request, &place, target, path, &seen, err);
}
