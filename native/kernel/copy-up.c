#include "copy-up.h"
#include "../base/cleanup.h"
#include "beneath.h"
#include "tree.h"
#include "whiteout.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <search.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#define DEEPEST 256

struct copying {
    int top;      /* where the copy begins */
    bool layer;   /* what is copied is a layer, over what the layers below it came to */
    void *linked; /* a search tree of the files met that have several names */
    char path[PATH_MAX]; /* of the directory being copied, below the top; ends in a slash, or is empty */
};

/* A file with several names, and the first of them in the copy. */
struct linked {
    dev_t dev;
    ino_t ino;
    char *path;
};

static int compare(const void *a, const void *b)
{
    const struct linked *left = a, *right = b;
    if (left->dev != right->dev)
        return left->dev < right->dev ? -1 : 1;
    return left->ino < right->ino ? -1 : left->ino > right->ino;
}

static void linked_free(void *linked)
{
    free(((struct linked *)linked)->path);
    free(linked);
}

/* What the file system there does not know, or we may not set, stays behind. */
static int copy_attributes(int from, int to, const char *name, struct error *err)
{
    char names[65536], value[65536];
    ssize_t length = flistxattr(from, names, sizeof names);
    if (length < 0)
        return errno == ENOTSUP ? 0 : fail(err, errno, "list attributes of %s", name);
    for (const char *key = names; key < names + length; key += strlen(key) + 1) {
        ssize_t size = is_overlay_attribute(key) || strcmp(key, "security.selinux") == 0 ? -1 : fgetxattr(from, key, value, sizeof value);
        if (size >= 0 && fsetxattr(to, key, value, (size_t)size, 0) < 0 && errno != ENOTSUP && errno != EPERM)
            return fail(err, errno, "copy attribute %s of %s", key, name);
    }
    return 0;
}

/* Owner first: changing it takes set-user-id bits and capabilities away. */
static int take_after(int from, int to, const struct stat *info, const char *name, struct error *err)
{
    const struct timespec times[2] = {info->st_atim, info->st_mtim};
    if (fchown(to, info->st_uid, info->st_gid) < 0)
        return fail(err, errno, "copy %s", name);
    TRY(copy_attributes(from, to, name, err));
    if (fchmod(to, info->st_mode & 07777) < 0 || futimens(to, times) < 0)
        return fail(err, errno, "copy %s", name);
    return 0;
}

/* Whoever sees the copy being made may have put a link in the way: none is followed. */
static int link_first(int top, const char *path, int to, const char *name)
{
    char directory[PATH_MAX];
    const char *slash = strrchr(path, '/');
    snprintf(directory, sizeof directory, "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
    cleanup_close int parent = open_how(top, directory, O_PATH | O_DIRECTORY, 0, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV);
    return parent < 0 ? -1 : linkat(parent, slash ? slash + 1 : path, to, name, 0);
}

/* 1: it was copied before, and has got this further name. */
static int link_again(struct copying *copying, int to, const char *name, const struct stat *info, struct error *err)
{
    struct linked *linked = calloc(1, sizeof *linked);
    if (!linked || asprintf(&linked->path, "%s%s", copying->path, name) < 0) {
        free(linked);
        return fail(err, ENOMEM, "copy %s", name);
    }
    linked->dev = info->st_dev;
    linked->ino = info->st_ino;
    struct linked **found = tsearch(linked, &copying->linked, compare);
    if (found && *found == linked)
        return 0;
    linked_free(linked);
    if (!found || link_first(copying->top, (*found)->path, to, name) < 0)
        return fail(err, found ? errno : ENOMEM, "copy %s", name);
    return 1;
}

static int copy_file(struct copying *copying, int from, int to, const char *name, const struct stat *info, struct error *err)
{
    int again = info->st_nlink > 1 ? link_again(copying, to, name, info, err) : 0;
    if (again != 0)
        return again < 0 ? -1 : 0;
    cleanup_close int source = openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    cleanup_close int target = source < 0 ? -1 : openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (target < 0)
        return fail(err, errno, "copy %s", name);
    /* Where the file system can, both share what they have until one is written to. */
    for (off_t left = ioctl(target, FICLONE, source) == 0 ? 0 : info->st_size; left > 0;) {
        ssize_t count = sendfile(target, source, NULL, (size_t)left);
        if (count < 0)
            return fail(err, errno, "copy %s", name);
        if (count == 0)
            break;
        left -= count;
    }
    return take_after(source, target, info, name, err);
}

static int copy_link(int from, int to, const char *name, const struct stat *info, struct error *err)
{
    char text[PATH_MAX];
    ssize_t length = readlinkat(from, name, text, sizeof text - 1);
    if (length < 0)
        return fail(err, errno, "copy %s", name);
    text[length] = '\0';
    const struct timespec times[2] = {info->st_atim, info->st_mtim};
    if (symlinkat(text, to, name) < 0 || fchownat(to, name, info->st_uid, info->st_gid, AT_SYMLINK_NOFOLLOW) < 0 ||
        utimensat(to, name, times, AT_SYMLINK_NOFOLLOW) < 0)
        return fail(err, errno, "copy %s", name);
    return 0;
}

/* A device, a pipe. In a user namespace layers have no devices. */
static int copy_node(int to, const char *name, const struct stat *info, struct error *err)
{
    const struct timespec times[2] = {info->st_atim, info->st_mtim};
    if (mknodat(to, name, info->st_mode, info->st_rdev) < 0)
        return errno == EPERM ? 0 : fail(err, errno, "copy %s", name);
    if (fchownat(to, name, info->st_uid, info->st_gid, AT_SYMLINK_NOFOLLOW) < 0 || fchmodat(to, name, info->st_mode & 07777, 0) < 0 ||
        utimensat(to, name, times, AT_SYMLINK_NOFOLLOW) < 0)
        return fail(err, errno, "copy %s", name);
    return 0;
}

static int copy_directory(struct copying *copying, int from, int to, int depth, struct error *err);

static int copy_subdirectory(struct copying *copying, int from, int to, const char *name, const struct stat *info, int depth,
                             struct error *err)
{
    cleanup_close int source = openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (source >= 0 && copying->layer && opaque_is(source))
        TRY(tree_remove(to, name, err));
    if (source < 0 || (mkdirat(to, name, 0700) < 0 && !(copying->layer && errno == EEXIST)))
        return fail(err, errno, "copy %s", name);
    cleanup_close int target = openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (target < 0)
        return fail(err, errno, "copy %s", name);
    size_t here = strlen(copying->path), length = strlen(name);
    if (here + length + 2 > sizeof copying->path)
        return fail(err, ENAMETOOLONG, "copy %s", name);
    memcpy(copying->path + here, name, length);
    strcpy(copying->path + here + length, "/");
    TRY(copy_directory(copying, source, target, depth + 1, err));
    copying->path[here] = '\0';
    return take_after(source, target, info, name, err);
}

/* What the layer has takes the place of what was there; only a directory goes into a directory. 1: there is nothing to copy. */
static int make_way(int to, const char *name, const struct stat *info, struct error *err)
{
    struct stat there;
    if (is_overlay_file(name))
        return 1;
    bool stays = S_ISDIR(info->st_mode) && fstatat(to, name, &there, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(there.st_mode);
    if (!stays)
        TRY(tree_remove(to, name, err));
    return whiteout_is(info);
}

static int copy_directory(struct copying *copying, int from, int to, int depth, struct error *err)
{
    int copy = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cleanup_closedir DIR *directory = copy < 0 ? NULL : fdopendir(copy);
    if (!directory || depth > DEEPEST)
        return fail(err, directory ? ELOOP : errno, "read a directory that is copied");
    for (struct dirent *entry; (entry = readdir(directory));) {
        const char *name = entry->d_name;
        struct stat info;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
            continue;
        if (fstatat(from, name, &info, AT_SYMLINK_NOFOLLOW) < 0)
            return fail(err, errno, "look at %s", name);
        int gone = copying->layer ? make_way(to, name, &info, err) : 0;
        TRY(gone);
        if (gone)
            continue;
        if (S_ISDIR(info.st_mode))
            TRY(copy_subdirectory(copying, from, to, name, &info, depth, err));
        else if (S_ISREG(info.st_mode))
            TRY(copy_file(copying, from, to, name, &info, err));
        else if (S_ISLNK(info.st_mode))
            TRY(copy_link(from, to, name, &info, err));
        else if (copying->layer && !S_ISSOCK(info.st_mode))
            TRY(copy_node(to, name, &info, err));
    }
    return 0;
}

static int copy_all(int from, int to, bool layer, struct error *err)
{
    struct stat info;
    cleanup_close int source = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cleanup_close int target = openat(to, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (source < 0 || target < 0 || fstat(source, &info) < 0)
        return fail(err, errno, "open the directories to copy");
    struct copying copying = {.top = target, .layer = layer};
    int status = copy_directory(&copying, source, target, 0, err);
    tdestroy(copying.linked, linked_free);
    TRY(status);
    return copy_up_attributes(source, target, err);
}

int copy_up(int from, int to, struct error *err)
{
    return copy_all(from, to, false, err);
}

int copy_layer(int from, int to, struct error *err)
{
    return copy_all(from, to, true, err);
}

int copy_up_attributes(int from, int to, struct error *err)
{
    struct stat info;
    if (fstat(from, &info) < 0)
        return fail(err, errno, "look at the directory that is copied");
    return take_after(from, to, &info, "the directory itself", err);
}
