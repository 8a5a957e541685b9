#include "resolve.h"
#include "../base/cleanup.h"
#include "beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#define LINKS_MAX 255 /* as Docker has it */

static int append(char path[PATH_MAX], const char *part, size_t length)
{
    size_t used = strlen(path);
    if (used + 1 + length >= PATH_MAX) {
        errno = ENAMETOOLONG;
        return -1;
    }
    path[used] = '/';
    memcpy(path + used + 1, part, length);
    path[used + 1 + length] = '\0';
    return 0;
}

/* What stands in the place of a link: its target, then the rest of the way. */
static int put_before(char rest[PATH_MAX], const char *target, const char *after)
{
    char joined[PATH_MAX];
    size_t length = strlen(target);
    if (length + 1 + strlen(after) >= PATH_MAX) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(joined, target, length);
    joined[length] = '/';
    strcpy(joined + length + 1, after);
    strcpy(rest, joined);
    return 0;
}

/* Whether `path`, whose directories are free of links, is a link itself; then its target. -1 where it is not there. */
static int read_link(int root, const char *path, char target[PATH_MAX])
{
    struct stat there;
    cleanup_close int fd = open_how(root, path, O_PATH | O_NOFOLLOW, 0, RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
    if (fd < 0 || fstat(fd, &there) < 0)
        return -1;
    if (!S_ISLNK(there.st_mode))
        return 0;
    ssize_t length = readlinkat(fd, "", target, PATH_MAX - 1);
    if (length < 0)
        return -1;
    target[length] = '\0';
    return 1;
}

int resolve_in_root(int root, const char *path, char out[PATH_MAX])
{
    char rest[PATH_MAX], target[PATH_MAX];
    int links = 0;
    bool absent = false;
    if (strlen(path) >= sizeof rest) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(rest, path);
    out[0] = '\0';
    for (char *at = rest;;) {
        at += strspn(at, "/");
        size_t length = strcspn(at, "/");
        char *end = strrchr(out, '/');
        if (length == 0)
            break;
        char *next = at + length;
        if (length == 2 && memcmp(at, "..", 2) == 0) {
            if (end)
                *end = '\0';
        } else if (length != 1 || at[0] != '.') {
            if (append(out, at, length) < 0)
                return -1;
            int link = absent ? 0 : read_link(root, out, target);
            if (link < 0 && errno != ENOENT)
                return -1;
            absent = absent || link < 0;
            if (link == 1) {
                if (++links > LINKS_MAX) {
                    errno = ELOOP;
                    return -1;
                }
                *strrchr(out, '/') = '\0';
                if (target[0] == '/')
                    out[0] = '\0';
                if (put_before(rest, target, next) < 0)
                    return -1;
                next = rest;
            }
        }
        at = next;
    }
    if (out[0] == '\0')
        strcpy(out, "/");
    return 0;
}
