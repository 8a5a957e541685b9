#include "copy-up.h"
#include "../base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#define DEEPEST 256

/* Owner first: changing it takes set-user-id bits away. */
static int take_after(int fd, const struct stat *info, const char *name, struct error *err)
{
    const struct timespec times[2] = {info->st_atim, info->st_mtim};
    if (fchown(fd, info->st_uid, info->st_gid) < 0 || fchmod(fd, info->st_mode & 07777) < 0 || futimens(fd, times) < 0)
        return fail(err, errno, "copy %s", name);
    return 0;
}

static int copy_file(int from, int to, const char *name, const struct stat *info, struct error *err)
{
    cleanup_close int source = openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    cleanup_close int target = source < 0 ? -1 : openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (target < 0)
        return fail(err, errno, "copy %s", name);
    for (off_t left = info->st_size; left > 0;) {
        ssize_t count = sendfile(target, source, NULL, (size_t)left);
        if (count < 0)
            return fail(err, errno, "copy %s", name);
        if (count == 0)
            break;
        left -= count;
    }
    return take_after(target, info, name, err);
}

static int copy_link(int from, int to, const char *name, const struct stat *info, struct error *err)
{
    char text[PATH_MAX];
    ssize_t length = readlinkat(from, name, text, sizeof text - 1);
    if (length < 0)
        return fail(err, errno, "copy %s", name);
    text[length] = '\0';
    if (symlinkat(text, to, name) < 0 || fchownat(to, name, info->st_uid, info->st_gid, AT_SYMLINK_NOFOLLOW) < 0)
        return fail(err, errno, "copy %s", name);
    return 0;
}

static int copy_directory(int from, int to, int depth, struct error *err);

static int copy_subdirectory(int from, int to, const char *name, const struct stat *info, int depth, struct error *err)
{
    cleanup_close int source = openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (source < 0 || mkdirat(to, name, 0700) < 0)
        return fail(err, errno, "copy %s", name);
    cleanup_close int target = openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (target < 0)
        return fail(err, errno, "copy %s", name);
    TRY(copy_directory(source, target, depth + 1, err));
    return take_after(target, info, name, err);
}

static int copy_directory(int from, int to, int depth, struct error *err)
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
        if (S_ISDIR(info.st_mode))
            TRY(copy_subdirectory(from, to, name, &info, depth, err));
        else if (S_ISREG(info.st_mode))
            TRY(copy_file(from, to, name, &info, err));
        else if (S_ISLNK(info.st_mode))
            TRY(copy_link(from, to, name, &info, err));
    }
    return 0;
}

int copy_up(int from, int to, struct error *err)
{
    struct stat info;
    cleanup_close int source = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cleanup_close int target = openat(to, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (source < 0 || target < 0 || fstat(source, &info) < 0)
        return fail(err, errno, "open the directories to copy");
    TRY(copy_directory(source, target, 0, err));
    return take_after(target, &info, "the directory itself", err);
}
