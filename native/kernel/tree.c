#include "tree.h"

#include "../base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

/* The directories between the tree's root and where we are: names to remove on the way back, identities to know the way back. */
struct level {
    char *name;
    dev_t dev;
    ino_t ino;
};

struct path {
    struct level *levels;
    size_t depth, capacity;
};

static void path_clear(struct path *path)
{
    while (path->depth > 0)
        free(path->levels[--path->depth].name);
    free(path->levels);
}
#define cleanup_path __attribute__((cleanup(path_clear)))

static int path_push(struct path *path, const char *name, const struct stat *parent, struct error *err)
{
    if (path->depth == path->capacity) {
        size_t capacity = path->capacity ? path->capacity * 2 : 16;
        struct level *levels = realloc(path->levels, capacity * sizeof *levels);
        if (!levels)
            return fail(err, ENOMEM, "remove %s", name);
        path->levels = levels;
        path->capacity = capacity;
    }
    struct level level = {.name = strdup(name), .dev = parent->st_dev, .ino = parent->st_ino};
    if (!level.name)
        return fail(err, ENOMEM, "remove %s", name);
    path->levels[path->depth++] = level;
    return 0;
}

static int open_directory(int dir, const char *name)
{
    return openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* What `chattr +i` and `+a` set, which a container may be allowed to. Whether there was something to take away. */
static bool unprotect(int dir, const char *name)
{
    struct stat info;
    int flags = 0, kept = FS_IMMUTABLE_FL | FS_APPEND_FL;
    if (fstatat(dir, name, &info, AT_SYMLINK_NOFOLLOW) < 0 || !(S_ISREG(info.st_mode) || S_ISDIR(info.st_mode)))
        return false;
    cleanup_close int file = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (file < 0 || ioctl(file, FS_IOC_GETFLAGS, &flags) < 0 || !(flags & kept))
        return false;
    flags &= ~kept;
    return ioctl(file, FS_IOC_SETFLAGS, &flags) == 0;
}

/* 0, or the errno. */
static int try_to_remove(int dir, const struct dirent *entry)
{
    int why = 0;
    if (entry->d_type != DT_DIR) {
        if (unlinkat(dir, entry->d_name, 0) == 0 || errno == ENOENT)
            return 0;
        why = errno;
    }
    if (unlinkat(dir, entry->d_name, AT_REMOVEDIR) == 0 || errno == ENOENT)
        return 0;
    return why && errno == ENOTDIR ? why : errno;
}

/* Removes what can be removed at once. Returns 0 when the directory is empty, 1 with the name of a directory to empty first, or -1. */
static int remove_entries(int fd, bool insist, char full[256], struct error *err)
{
    int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* a position of its own: always from the beginning */
    if (copy < 0)
        return fail(err, errno, "open directory");
    cleanup_closedir DIR *dir = fdopendir(copy);
    if (!dir) {
        close(copy);
        return fail(err, errno, "open directory");
    }
    struct dirent *entry;
    while (errno = 0, (entry = readdir(dir))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        int why = try_to_remove(fd, entry);
        if (why == EPERM && insist && (unprotect(fd, entry->d_name) | unprotect(fd, ".")))
            why = try_to_remove(fd, entry);
        if (why == 0)
            continue;
        if (why != ENOTEMPTY && why != EEXIST)
            return fail(err, why, "remove %s", entry->d_name);
        memcpy(full, entry->d_name, strlen(entry->d_name) + 1);
        return 1;
    }
    return errno ? fail(err, errno, "read directory") : 0;
}

/* One descriptor however deep: going down drops the parent, going up opens ".." and checks that it is the one we came from. */
static int remove_tree(int dir, const char *name, bool insist, struct error *err)
{
    if (unlinkat(dir, name, 0) == 0 || errno == ENOENT)
        return 0;
    int why = errno;
    if (why == EPERM && insist && unprotect(dir, name)) {
        if (unlinkat(dir, name, 0) == 0)
            return 0;
        why = errno;
    }
    if (why != EISDIR && why != EPERM)
        return fail(err, why, "remove %s", name);
    if (unlinkat(dir, name, AT_REMOVEDIR) == 0)
        return 0;
    cleanup_close int here = open_directory(dir, name);
    if (here < 0)
        return fail(err, errno, "remove %s", name);

    cleanup_path struct path path = {0};
    for (;;) {
        char full[256];
        int left = remove_entries(here, insist, full, err);
        TRY(left);
        if (left > 0) {
            struct stat parent;
            if (fstat(here, &parent) < 0)
                return fail(err, errno, "stat directory");
            int down = open_directory(here, full);
            if (down < 0)
                return fail(err, errno, "remove %s", full);
            close(here);
            here = down;
            TRY(path_push(&path, full, &parent, err));
        } else if (path.depth > 0) {
            struct level *last = &path.levels[--path.depth];
            cleanup_free char *empty = last->name;
            int up = open_directory(here, "..");
            if (up < 0)
                return fail(err, errno, "leave %s", empty);
            close(here);
            here = up;
            struct stat parent;
            if (fstat(here, &parent) < 0 || parent.st_dev != last->dev || parent.st_ino != last->ino)
                return fail(err, 0, "remove %s: its directory was moved meanwhile", empty);
            if (unlinkat(here, empty, AT_REMOVEDIR) < 0 && errno != ENOENT)
                return fail(err, errno, "remove %s", empty);
        } else {
            break;
        }
    }
    if (unlinkat(dir, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
        return fail(err, errno, "remove %s", name);
    return 0;
}

int tree_remove(int dir, const char *name, struct error *err)
{
    return remove_tree(dir, name, false, err);
}

int tree_discard(int dir, const char *name, struct error *err)
{
    return remove_tree(dir, name, true, err);
}
