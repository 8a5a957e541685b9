#include "usage.h"

#include "../base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

struct counting {
    struct usage *usage;
    void *linked; /* a search tree of the files met that have several names */
};

struct identity {
    dev_t dev;
    ino_t ino;
};

static int compare(const void *a, const void *b)
{
    const struct identity *left = a, *right = b;
    if (left->dev != right->dev)
        return left->dev < right->dev ? -1 : 1;
    return left->ino < right->ino ? -1 : left->ino > right->ino;
}

static int seen_before(struct counting *counting, const struct stat *stat, struct error *err)
{
    struct identity *identity = malloc(sizeof *identity);
    if (!identity)
        return fail(err, ENOMEM, "count");
    *identity = (struct identity){stat->st_dev, stat->st_ino};
    struct identity **found = tsearch(identity, &counting->linked, compare);
    if (found && *found == identity)
        return 0;
    free(identity);
    return found ? 1 : fail(err, ENOMEM, "count");
}

static void note_change(struct usage *usage, const struct stat *stat)
{
    const struct timespec *changed = &stat->st_ctim;
    if (changed->tv_sec > usage->newest.tv_sec || (changed->tv_sec == usage->newest.tv_sec && changed->tv_nsec > usage->newest.tv_nsec))
        usage->newest = *changed;
}

/* What a running container takes away meanwhile does not count. */
static int count_directory(struct counting *counting, int fd, struct error *err)
{
    cleanup_closedir DIR *directory = fdopendir(fd);
    if (!directory) {
        close(fd);
        return fail(err, errno, "read directory");
    }
    struct dirent *entry;
    while (errno = 0, (entry = readdir(directory))) {
        struct stat stat;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (fstatat(dirfd(directory), entry->d_name, &stat, AT_SYMLINK_NOFOLLOW) < 0) {
            if (errno == ENOENT)
                continue;
            return fail(err, errno, "look at %s", entry->d_name);
        }
        counting->usage->entries++;
        note_change(counting->usage, &stat);
        if (S_ISDIR(stat.st_mode)) {
            int below = openat(dirfd(directory), entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
            if (below < 0 && errno != ENOENT && errno != ENOTDIR)
                return fail(err, errno, "open %s", entry->d_name);
            if (below >= 0)
                TRY(count_directory(counting, below, err));
            continue;
        }
        int counted = stat.st_nlink > 1 ? seen_before(counting, &stat, err) : 0;
        TRY(counted);
        if (!counted)
            counting->usage->bytes += (uint64_t)stat.st_size;
    }
    return errno ? fail(err, errno, "read directory") : 0;
}

int usage_of(int directory, struct usage *usage, struct error *err)
{
    /* One descriptor for each level. */
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    *usage = (struct usage){0};
    struct counting counting = {.usage = usage};
    struct stat stat;
    if (fstat(directory, &stat) == 0)
        note_change(usage, &stat);
    int copy = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int status = copy < 0 ? fail(err, errno, "read directory") : count_directory(&counting, copy, err);
    tdestroy(counting.linked, free);
    return status;
}

int usage_op(struct request *request, struct error *err)
{
    const char *path;
    TRY(request_path_below_data(request, "path", &path, err));
    cleanup_close int directory = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (directory < 0)
        return fail(err, errno, "open %s", path);
    struct usage usage;
    TRY(usage_of(directory, &usage, err));
    json_object_object_add(request->reply, "bytes", json_object_new_int64((int64_t)usage.bytes));
    json_object_object_add(request->reply, "entries", json_object_new_int64((int64_t)usage.entries));
    json_object_object_add(request->reply, "newest", json_object_new_int64((int64_t)usage.newest.tv_sec * 1000 + usage.newest.tv_nsec / 1000000));
    return 0;
}
