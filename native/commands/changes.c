#include "changes.h"

#include "../base/cleanup.h"
#include "../kernel/whiteout.h"
#include "mount-points.h"
#include "pack.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/xattr.h>

struct change {
    char kind;
    char *path;
};

struct comparison {
    const struct below *below;
    unsigned opaque; /* how many of the directories around are: nothing of the layers below shows inside */
    struct change *changes;
    size_t count, capacity;
};

/* `at`: a directory is noted once it is known whether it changed, and stands before what is in it. */
static int note_at(struct comparison *x, size_t at, char kind, const char *path, struct error *err)
{
    if (x->count == x->capacity) {
        size_t capacity = x->capacity ? x->capacity * 2 : 64;
        struct change *changes = realloc(x->changes, capacity * sizeof *changes);
        if (!changes)
            return fail(err, ENOMEM, "note the change of %s", path);
        x->changes = changes;
        x->capacity = capacity;
    }
    char *copy = strdup(path);
    if (!copy)
        return fail(err, ENOMEM, "note the change of %s", path);
    memmove(x->changes + at + 1, x->changes + at, (x->count - at) * sizeof *x->changes);
    x->changes[at] = (struct change){kind, copy};
    x->count++;
    return 0;
}

bool changes_same_capability(int upper, int lower, const char *name)
{
    char paths[2][NAME_MAX + 64], values[2][64] = {{0}};
    snprintf(paths[0], sizeof paths[0], "/proc/self/fd/%d/%s", upper, name);
    snprintf(paths[1], sizeof paths[1], "/proc/self/fd/%d/%s", lower, name);
    ssize_t one = lgetxattr(paths[0], "security.capability", values[0], sizeof values[0]);
    ssize_t other = lgetxattr(paths[1], "security.capability", values[1], sizeof values[1]);
    return (one < 0 ? 0 : one) == (other < 0 ? 0 : other) && memcmp(values[0], values[1], sizeof values[0]) == 0;
}

bool changes_same(const struct stat *one, const struct stat *other)
{
    if (one->st_mode != other->st_mode || one->st_uid != other->st_uid || one->st_gid != other->st_gid || one->st_rdev != other->st_rdev)
        return false;
    return S_ISDIR(one->st_mode) || (one->st_size == other->st_size && one->st_mtim.tv_sec == other->st_mtim.tv_sec &&
                                     one->st_mtim.tv_nsec == other->st_mtim.tv_nsec);
}

static int not_a_dot(const struct dirent *entry)
{
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 && !is_overlay_file(entry->d_name);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int compare_directory(struct comparison *x, int upper, int lower, const char *path, struct error *err);

static int open_below(int directory, const char *name)
{
    return directory < 0 ? -1 : openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* `lower` -1: the directory is new, and so is all that is in it. */
static int compare_entry(struct comparison *x, int upper, int lower, const char *name, const char *path, struct error *err)
{
    struct stat now, before;
    if (fstatat(upper, name, &now, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : fail(err, errno, "look at %s", path);
    bool was_there = lower >= 0 && fstatat(lower, name, &before, AT_SYMLINK_NOFOLLOW) == 0;
    if (whiteout_is(&now))
        return was_there ? note_at(x, x->count, 'D', path, err) : 0;
    if (is_mount_point(path + 1, upper, name, &now, x->below))
        return 0;
    size_t at = x->count;
    if (S_ISDIR(now.st_mode)) {
        cleanup_close int inside = open_below(upper, name);
        cleanup_close int below = was_there && S_ISDIR(before.st_mode) ? open_below(lower, name) : -1;
        if (inside < 0)
            return errno == ENOENT ? 0 : fail(err, errno, "open %s", path);
        TRY(compare_directory(x, inside, below, path, err));
    }
    if (was_there && changes_same(&now, &before) && x->count == at && changes_same_capability(upper, lower, name))
        return 0;
    return note_at(x, at, was_there ? 'C' : 'A', path, err);
}

/* An opaque directory hides what was in it: what has not come back is gone. */
static int note_hidden(struct comparison *x, int upper, int lower, const char *name, const char *path, struct error *err)
{
    struct stat there;
    return faccessat(upper, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0 || fstatat(lower, name, &there, AT_SYMLINK_NOFOLLOW) < 0
               ? 0
               : note_at(x, x->count, 'D', path, err);
}

static int each_name(struct comparison *x, int listed, int upper, int lower, const char *path,
                     int (*visit)(struct comparison *, int, int, const char *, const char *, struct error *), struct error *err)
{
    struct dirent **names;
    int count = scandirat(listed, ".", &names, not_a_dot, by_name), status = 0;
    if (count < 0)
        return fail(err, errno, "read directory %s", path);
    for (int i = 0; i < count; i++) {
        cleanup_free char *below = NULL;
        if (status == 0)
            status = asprintf(&below, "%s/%s", path, names[i]->d_name) < 0 ? fail(err, ENOMEM, "compare %s", path)
                                                                            : visit(x, upper, lower, names[i]->d_name, below, err);
        free(names[i]);
    }
    free(names);
    return status;
}

static int compare_directory(struct comparison *x, int upper, int lower, const char *path, struct error *err)
{
    bool opaque = opaque_is(upper);
    x->opaque += opaque;
    if (lower >= 0 && x->opaque > 0)
        TRY(each_name(x, lower, upper, lower, path, note_hidden, err));
    int status = each_name(x, upper, upper, lower, path, compare_entry, err);
    x->opaque -= opaque;
    return status;
}

static int send(struct request *request, const struct comparison *x, struct error *err)
{
    char buffer[65536];
    size_t used = 0;
    for (size_t i = 0; i < x->count; i++) {
        size_t length = strlen(x->changes[i].path) + 1;
        if (used + 1 + length > sizeof buffer) {
            TRY(request_write(request, buffer, used, err));
            used = 0;
        }
        buffer[used++] = x->changes[i].kind;
        if (length > sizeof buffer - used)
            return fail(err, ENAMETOOLONG, "%s", x->changes[i].path);
        memcpy(buffer + used, x->changes[i].path, length);
        used += length;
    }
    return request_write(request, buffer, used, err);
}

int changes_op(struct request *request, struct error *err)
{
    const char *path;
    struct below below;
    struct rlimit files; /* two descriptors for each level */
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    json_object *lowers = json_object_object_get(request->fields, "lower");
    TRY(request_string(request, "upper", &path, err));
    TRY(below_open(lowers, &below, err));
    cleanup_close int upper = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (upper < 0)
        return fail(err, errno, "open %s", path);
    cleanup_close int lower = pack_open_stack(request, lowers, err);
    TRY(lower);
    struct comparison comparison = {.below = &below};
    TRY(compare_directory(&comparison, upper, lower, "", err));
    TRY(request_answer(request, err));
    return send(request, &comparison, err);
}
