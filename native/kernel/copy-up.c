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
#define PIECE (16 << 20)
#define TELL_EVERY_MS 100

struct copying {
    int top;      /* where the copy begins */
    bool layer;   /* what is copied is a layer, over what the layers below it came to */
    struct copy_progress *volume; /* what is copied is all of a volume; or NULL */
    dev_t device; /* of a volume: what is mounted inside stays where it is */
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

static int copy_failed(const struct copying *copying, int errnum, const char *name, struct error *err)
{
    return fail(err, errnum, "copy %s%s", copying->path, name);
}

/* What the file system there does not know, or we may not set, stays behind. */
static int copy_attributes(int from, int to, const char *name, bool all, struct error *err)
{
    char names[65536], value[65536];
    ssize_t length = flistxattr(from, names, sizeof names);
    if (length < 0)
        return errno == ENOTSUP ? 0 : fail(err, errno, "list attributes of %s", name);
    for (const char *key = names; key < names + length; key += strlen(key) + 1) {
        ssize_t size = (!all && is_overlay_attribute(key)) || strcmp(key, "security.selinux") == 0 ? -1 : fgetxattr(from, key, value, sizeof value);
        if (size >= 0 && fsetxattr(to, key, value, (size_t)size, 0) < 0 && errno != ENOTSUP && errno != EPERM)
            return fail(err, errno, "copy attribute %s of %s", key, name);
    }
    return 0;
}

/* Owner first: changing it takes set-user-id bits and capabilities away. */
static int take_after(int from, int to, const struct stat *info, const char *name, bool all, struct error *err)
{
    const struct timespec times[2] = {info->st_atim, info->st_mtim};
    if (fchown(to, info->st_uid, info->st_gid) < 0)
        return fail(err, errno, "copy %s", name);
    TRY(copy_attributes(from, to, name, all, err));
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

static int tell(struct copy_progress *progress, uint64_t bytes, struct error *err)
{
    struct timespec now;
    progress->bytes += bytes;
    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t passed = (now.tv_sec - progress->last.tv_sec) * 1000 + (now.tv_nsec - progress->last.tv_nsec) / 1000000;
    if (passed < TELL_EVERY_MS)
        return 0;
    progress->last = now;
    return progress->told(progress->context, progress, err);
}

/* Bytes from where both descriptors are, inside the kernel; on one file system it may share them by itself. */
static ssize_t copy_piece(int source, int target, off_t size)
{
    size_t most = size < PIECE ? (size_t)size : PIECE;
    ssize_t count = copy_file_range(source, NULL, target, NULL, most, 0);
    return count >= 0 || (errno != EXDEV && errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP && errno != EBADF)
               ? count
               : sendfile(target, source, NULL, most);
}

/* A file's content with its holes. */
static int copy_sparse(struct copying *copying, int source, int target, const char *name, off_t size, struct error *err)
{
    for (off_t at = 0; at < size;) {
        off_t data = lseek(source, at, SEEK_DATA), end = size;
        if (data < 0 && errno == ENXIO)
            break; /* a hole to the end */
        if (data < 0) /* this file system does not say */
            data = at;
        else if ((end = lseek(source, data, SEEK_HOLE)) < 0 || end > size)
            end = size;
        if (lseek(source, data, SEEK_SET) < 0 || lseek(target, data, SEEK_SET) < 0)
            return copy_failed(copying, errno, name, err);
        for (at = data; at < end;) {
            ssize_t count = copy_piece(source, target, end - at);
            if (count < 0)
                return copy_failed(copying, errno, name, err);
            if (count == 0)
                return 0; /* it became shorter meanwhile */
            at += count;
            TRY(tell(copying->volume, (uint64_t)count, err));
        }
    }
    return ftruncate(target, size) < 0 ? copy_failed(copying, errno, name, err) : 0;
}

static int copy_content(struct copying *copying, int source, int target, const char *name, off_t size, struct error *err)
{
    struct copy_progress *volume = copying->volume;
    /* Where the file system can, both share what they have until one is written to. */
    if ((!volume || volume->reflink) && ioctl(target, FICLONE, source) == 0)
        return volume ? tell(volume, (uint64_t)size, err) : 0;
    if (volume) {
        volume->reflink = volume->reflink && size == 0;
        return copy_sparse(copying, source, target, name, size, err);
    }
    for (off_t left = size; left > 0;) {
        ssize_t count = sendfile(target, source, NULL, (size_t)left);
        if (count < 0)
            return fail(err, errno, "copy %s", name);
        if (count == 0)
            break;
        left -= count;
    }
    return 0;
}

static int copy_file(struct copying *copying, int from, int to, const char *name, const struct stat *info, struct error *err)
{
    int again = info->st_nlink > 1 ? link_again(copying, to, name, info, err) : 0;
    if (again != 0)
        return again < 0 ? -1 : 0;
    cleanup_close int source = openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (source < 0 && errno == ENOENT && copying->volume)
        return 0;
    cleanup_close int target = source < 0 ? -1 : openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (target < 0)
        return copy_failed(copying, errno, name, err);
    TRY(copy_content(copying, source, target, name, info->st_size, err));
    return take_after(source, target, info, name, copying->volume, err);
}

/* Of what is not opened: through the name of its directory's descriptor. */
static int copy_name_attributes(int from, int to, const char *name, struct error *err)
{
    char names[65536], value[65536];
    cleanup_free char *source = NULL, *target = NULL;
    if (asprintf(&source, "/proc/self/fd/%d/%s", from, name) < 0 || asprintf(&target, "/proc/self/fd/%d/%s", to, name) < 0)
        return fail(err, ENOMEM, "copy %s", name);
    ssize_t length = llistxattr(source, names, sizeof names);
    for (const char *key = names; length > 0 && key < names + length; key += strlen(key) + 1) {
        ssize_t size = strcmp(key, "security.selinux") == 0 ? -1 : lgetxattr(source, key, value, sizeof value);
        if (size >= 0 && lsetxattr(target, key, value, (size_t)size, 0) < 0 && errno != ENOTSUP && errno != EPERM &&
            errno != ENOENT /* a device that a user namespace could not make */)
            return fail(err, errno, "copy attribute %s of %s", key, name);
    }
    return 0;
}

static int copy_link(const struct copying *copying, int from, int to, const char *name, const struct stat *info, struct error *err)
{
    char text[PATH_MAX];
    ssize_t length = readlinkat(from, name, text, sizeof text - 1);
    if (length < 0)
        return fail(err, errno, "copy %s", name);
    text[length] = '\0';
    const struct timespec times[2] = {info->st_atim, info->st_mtim};
    if (symlinkat(text, to, name) < 0 || fchownat(to, name, info->st_uid, info->st_gid, AT_SYMLINK_NOFOLLOW) < 0)
        return fail(err, errno, "copy %s", name);
    if (copying->volume)
        TRY(copy_name_attributes(from, to, name, err));
    return utimensat(to, name, times, AT_SYMLINK_NOFOLLOW) < 0 ? fail(err, errno, "copy %s", name) : 0;
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

/* Anything but a directory and a file's content. */
static int copy_other(struct copying *copying, int from, int to, const char *name, const struct stat *info, struct error *err)
{
    int again = copying->volume && info->st_nlink > 1 ? link_again(copying, to, name, info, err) : 0;
    if (again != 0)
        return again < 0 ? -1 : 0;
    if (S_ISLNK(info->st_mode))
        return copy_link(copying, from, to, name, info, err);
    /* An image puts no device into a directory of this machine, where others might find it. */
    if (!copying->volume && !S_ISFIFO(info->st_mode) && (!copying->layer || S_ISSOCK(info->st_mode)))
        return 0;
    TRY(copy_node(to, name, info, err));
    return copying->volume ? copy_name_attributes(from, to, name, err) : 0;
}

static int copy_directory(struct copying *copying, int from, int to, int depth, struct error *err);

static int copy_subdirectory(struct copying *copying, int from, int to, const char *name, const struct stat *info, int depth,
                             struct error *err)
{
    cleanup_close int source = openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (source < 0 && errno == ENOENT && copying->volume)
        return 0;
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
    if (!copying->volume || info->st_dev == copying->device)
        TRY(copy_directory(copying, source, target, depth + 1, err));
    copying->path[here] = '\0';
    return take_after(source, target, info, name, copying->volume, err);
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
    if (!directory || (depth > DEEPEST && !copying->volume))
        return fail(err, directory ? ELOOP : errno, "read the directory %s that is copied", copying->path);
    for (struct dirent *entry; (entry = readdir(directory));) {
        const char *name = entry->d_name;
        struct stat info;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
            continue;
        if (fstatat(from, name, &info, AT_SYMLINK_NOFOLLOW) < 0) {
            if (errno == ENOENT && copying->volume)
                continue;
            return fail(err, errno, "look at %s", name);
        }
        int gone = copying->layer ? make_way(to, name, &info, err) : 0;
        TRY(gone);
        if (gone)
            continue;
        if (S_ISDIR(info.st_mode))
            TRY(copy_subdirectory(copying, from, to, name, &info, depth, err));
        else if (S_ISREG(info.st_mode))
            TRY(copy_file(copying, from, to, name, &info, err));
        else
            TRY(copy_other(copying, from, to, name, &info, err));
        if (copying->volume && !S_ISDIR(info.st_mode))
            copying->volume->files++;
    }
    return 0;
}

static int copy_own_attributes(int from, int to, bool all, struct error *err);

static int copy_all(int from, int to, bool layer, struct copy_progress *volume, struct error *err)
{
    struct stat info;
    cleanup_close int source = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cleanup_close int target = openat(to, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (source < 0 || target < 0 || fstat(source, &info) < 0)
        return fail(err, errno, "open the directories to copy");
    struct copying copying = {.top = target, .layer = layer, .volume = volume, .device = info.st_dev};
    int status = copy_directory(&copying, source, target, 0, err);
    tdestroy(copying.linked, linked_free);
    TRY(status);
    return copy_own_attributes(source, target, volume, err);
}

int copy_up(int from, int to, struct error *err)
{
    return copy_all(from, to, false, NULL, err);
}

int copy_layer(int from, int to, struct error *err)
{
    return copy_all(from, to, true, NULL, err);
}

int copy_volume(int from, int to, struct copy_progress *progress, struct error *err)
{
    return copy_all(from, to, false, progress, err);
}

static int copy_own_attributes(int from, int to, bool all, struct error *err)
{
    struct stat info;
    if (fstat(from, &info) < 0)
        return fail(err, errno, "look at the directory that is copied");
    return take_after(from, to, &info, "the directory itself", all, err);
}

int copy_up_attributes(int from, int to, struct error *err)
{
    return copy_own_attributes(from, to, false, err);
}
