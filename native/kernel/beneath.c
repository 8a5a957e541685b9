#include "beneath.h"
#include "../base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define LINKS_MAX 40

int open_how(int directory, const char *path, int flags, mode_t mode, uint64_t resolve)
{
    struct open_how how = {.flags = (uint64_t)(unsigned)flags | O_CLOEXEC, .mode = mode, .resolve = resolve};
    int fd;
    do
        fd = (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
    while (fd < 0 && (errno == EAGAIN || errno == EINTR)); /* EAGAIN: something was renamed on the way */
    return fd;
}

int open_in_root(int root, const char *path, int flags)
{
    return open_how(root, path, flags, 0, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}

/* The path so far, free of symlinks, and what is still to come. */
struct walk {
    int root;
    char done[PATH_MAX];
    char todo[PATH_MAX];
    int links;
    unsigned made; /* directories, without an old one after them */
};

static int open_done(struct walk *walk)
{
    return open_how(walk->root, walk->done[0] ? walk->done : "/", O_PATH | O_DIRECTORY, 0,
                    RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS);
}

/* Takes the next component off; false where none is left. */
static bool next_component(struct walk *walk, char *name)
{
    size_t skip = strspn(walk->todo, "/");
    size_t length = strcspn(walk->todo + skip, "/");
    if (length == 0 || length > NAME_MAX)
        return false;
    memcpy(name, walk->todo + skip, length);
    name[length] = '\0';
    memmove(walk->todo, walk->todo + skip + length, strlen(walk->todo + skip + length) + 1);
    return true;
}

static int append(char *path, const char *name)
{
    size_t used = strlen(path), length = strlen(name);
    if (used + 1 + length >= PATH_MAX) {
        errno = ENAMETOOLONG;
        return -1;
    }
    path[used] = '/';
    memcpy(path + used + 1, name, length + 1);
    return 0;
}

static int follow_link(struct walk *walk, int parent, const char *name)
{
    char target[PATH_MAX], rest[PATH_MAX];
    ssize_t length = readlinkat(parent, name, target, sizeof target - 1);
    if (length < 0)
        return -1;
    if (++walk->links > LINKS_MAX) {
        errno = ELOOP;
        return -1;
    }
    target[length] = '\0';
    memcpy(rest, walk->todo, sizeof rest);
    if (target[0] == '/')
        walk->done[0] = '\0';
    memcpy(walk->todo, target, (size_t)length + 1);
    return rest[0] ? append(walk->todo, rest + strspn(rest, "/")) : 0;
}

/* One component: "..", a symlink, a directory that is there, or (all but the last) one to be made. Returns 1 where `name` is the last one and
 * no symlink: the caller decides what it becomes. */
static int step(struct walk *walk, const char *name)
{
    struct stat info;
    if (strcmp(name, ".") == 0)
        return 0;
    if (strcmp(name, "..") == 0) {
        char *slash = strrchr(walk->done, '/');
        walk->made = 0;
        if (slash)
            *slash = '\0';
        return 0;
    }
    cleanup_close int parent = open_done(walk);
    if (parent < 0)
        return -1;
    bool last = strspn(walk->todo, "/") == strlen(walk->todo);
    if (fstatat(parent, name, &info, AT_SYMLINK_NOFOLLOW) == 0) {
        walk->made = 0;
        if (S_ISLNK(info.st_mode))
            return follow_link(walk, parent, name);
    } else if (errno != ENOENT) {
        return -1;
    } else if (!last && mkdirat(parent, name, 0755) == 0) {
        walk->made++;
    } else if (!last && errno != EEXIST) {
        return -1;
    }
    if (last)
        return 1;
    return append(walk->done, name);
}

/* Walks to the last component, making directories on the way. Afterwards walk->done is the parent and `name` the component, "" for the root. */
static int walk_to_last(struct walk *walk, int root, const char *path, char *name)
{
    walk->root = root;
    walk->done[0] = '\0';
    walk->links = 0;
    walk->made = 0;
    if (strlen(path) >= sizeof walk->todo) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(walk->todo, path);
    while (next_component(walk, name)) {
        int status = step(walk, name);
        if (status != 0)
            return status < 0 ? -1 : 0;
    }
    if (strcspn(walk->todo + strspn(walk->todo, "/"), "/") > NAME_MAX) {
        errno = ENAMETOOLONG;
        return -1;
    }
    name[0] = '\0';
    return 0;
}

int make_in_root_counting(int root, const char *path, bool directory, unsigned *made, struct error *err)
{
    struct walk walk;
    char name[NAME_MAX + 1];
    *made = 0;
    if (walk_to_last(&walk, root, path, name) < 0)
        return fail(err, errno, "make %s inside the container", path);
    *made = walk.made;
    cleanup_close int parent = open_done(&walk);
    if (parent < 0)
        return fail(err, errno, "open the directory of %s inside the container", path);
    if (name[0] == '\0')
        return steal_fd(&parent);
    if (directory) {
        if (mkdirat(parent, name, 0755) == 0)
            ++*made;
        else if (errno != EEXIST)
            return fail(err, errno, "make the directory %s inside the container", path);
    } else {
        cleanup_close int file = openat(parent, name, O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_WRONLY, 0644);
        if (file >= 0)
            ++*made;
        else if (errno != EEXIST)
            return fail(err, errno, "make the file %s inside the container", path);
    }
    int fd = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC | (directory ? O_DIRECTORY : 0));
    return fd >= 0 ? fd : fail(err, errno, "open %s inside the container", path);
}

int make_in_root(int root, const char *path, bool directory, struct error *err)
{
    unsigned made;
    return make_in_root_counting(root, path, directory, &made, err);
}

int make_parent_in_root(int root, const char *path, char *name, struct error *err)
{
    struct walk walk;
    if (walk_to_last(&walk, root, path, name) < 0)
        return fail(err, errno, "make the directory of %s inside the container", path);
    if (name[0] == '\0')
        return fail_kind(err, "invalid", 0, "%s is the container's root", path);
    int parent = open_done(&walk);
    return parent >= 0 ? parent : fail(err, errno, "open the directory of %s inside the container", path);
}

char *read_in_root(int root, const char *path, size_t limit, struct error *err)
{
    struct stat info;
    cleanup_close int file = open_in_root(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (file < 0) {
        int reason = errno;
        fail(err, reason, "open %s inside the container", path);
        errno = reason;
        return NULL;
    }
    errno = 0;
    if (fstat(file, &info) < 0 || !S_ISREG(info.st_mode)) {
        fail_kind(err, "invalid", 0, "%s inside the container is not a regular file", path);
        return NULL;
    }
    /* Its size may be a lie, so one byte more than allowed is asked for. */
    cleanup_free char *text = malloc(limit + 2);
    size_t length = 0;
    ssize_t got = 0;
    while (text && length <= limit && (got = read(file, text + length, limit + 1 - length)) > 0)
        length += (size_t)got;
    if (!text || got < 0 || length > limit) {
        fail_kind(err, "invalid", text && got < 0 ? errno : 0, "%s inside the container cannot be read, or is larger than %zu bytes", path, limit);
        errno = 0;
        return NULL;
    }
    text[length] = '\0';
    char *result = text;
    text = NULL;
    return result;
}
