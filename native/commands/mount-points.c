#include "mount-points.h"

#include "../base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

static const char *const directories[] = {"dev", "proc", "sys"};
static const char *const files[] = {"etc/hosts", "etc/hostname", "etc/resolv.conf"};

static bool is_in(const char *path, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(path, list[i]) == 0)
            return true;
    return false;
}
#define IS_IN(path, list) is_in(path, list, sizeof(list) / sizeof *(list))

/* Whether a directory has nothing in it, or (with `prefix`, its own path) nothing but empty places for files. */
static bool holds_nothing(int parent, const char *name, const char *prefix)
{
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    cleanup_closedir DIR *directory = fd < 0 ? NULL : fdopendir(fd);
    if (!directory)
        return false;
    struct dirent *entry;
    while (errno = 0, (entry = readdir(directory))) {
        char path[NAME_MAX + 16];
        struct stat stat;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (!prefix || snprintf(path, sizeof path, "%s/%s", prefix, entry->d_name) < 0 || !IS_IN(path, files) ||
            fstatat(fd, entry->d_name, &stat, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(stat.st_mode) || stat.st_size > 0)
            return false;
    }
    return errno == 0;
}

/* A start made it where the image has none; where the image has one, it was copied up and nothing else was done to it. */
static bool looks_untouched(const char *path, const struct stat *stat, const struct below *below)
{
    for (size_t i = 0; below && i < below->count; i++) {
        struct stat under;
        if (fstatat(below->layers[i], path, &under, AT_SYMLINK_NOFOLLOW) == 0)
            return under.st_mode == stat->st_mode && under.st_uid == stat->st_uid && under.st_gid == stat->st_gid;
    }
    return true;
}

bool is_mount_point(const char *path, int parent, const char *name, const struct stat *stat, const struct below *below)
{
    if (S_ISREG(stat->st_mode))
        return stat->st_size == 0 && IS_IN(path, files);
    if (!S_ISDIR(stat->st_mode))
        return false;
    if (IS_IN(path, directories))
        return holds_nothing(parent, name, NULL) && looks_untouched(path, stat, below);
    return strcmp(path, "etc") == 0 && holds_nothing(parent, name, "etc") && looks_untouched(path, stat, below);
}
