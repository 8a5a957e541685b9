#include "marks.h"

#include "../base/cleanup.h"
#include "../kernel/whiteout.h"
#include "changes.h"
#include "implied.h"
#include "mount-points.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>

/* So many entries of a directory's own layer are looked at for a change below; one that has more is taken to have one. */
#define PATIENCE 4096
/* Where a container's own layer has everything, most of it is as below. */
#define WHOLE_PATIENCE (PATIENCE * 64)

/* One directory as the layers below have it: those of its directories that show, top first. */
struct stack {
    int *directories;
    size_t count;
};

struct look {
    struct below below;
    unsigned patience;
    unsigned opaque; /* how many of the directories around are: nothing of the layers below shows inside */
};

static void stack_clear(struct stack *stack)
{
    while (stack->count > 0)
        close(stack->directories[--stack->count]);
    free(stack->directories);
    stack->directories = NULL;
}
#define cleanup_stack __attribute__((cleanup(stack_clear)))

static int stack_open(const struct below *below, const char *path, struct stack *stack, struct error *err)
{
    bool hides = false;
    stack->directories = calloc(below->count + 1, sizeof *stack->directories);
    if (!stack->directories)
        return fail(err, ENOMEM, "open %s in the layers below", path);
    for (size_t i = 0; i < below->count && !hides; i++) {
        int found = below_find(below->layers[i], path, &hides);
        if (found < 0)
            continue;
        stack->directories[stack->count++] = found;
        hides = hides || opaque_is(found);
    }
    return 0;
}

/* The layer's directory that has it, or -1. */
static int stack_find(const struct stack *stack, const char *name, struct stat *stat)
{
    for (size_t i = 0; i < stack->count; i++)
        if (fstatat(stack->directories[i], name, stat, AT_SYMLINK_NOFOLLOW) == 0)
            return whiteout_is(stat) ? -1 : stack->directories[i];
    return -1;
}

static bool is_dot(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || is_overlay_file(name);
}

static DIR *list(int directory)
{
    int copy = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return copy < 0 ? NULL : fdopendir(copy);
}

static int add(struct marks *marks, const char *name, char kind, const struct stat *before, struct error *err);

/* Nothing of the layers below shows in `upper`: what has not come back is gone. Into `marks`; without any, 1 as soon as there is one. */
static int each_hidden(int upper, const struct stack *lower, struct marks *marks, struct error *err)
{
    for (size_t i = 0; i < lower->count; i++) {
        cleanup_closedir DIR *directory = list(lower->directories[i]);
        for (struct dirent *entry; directory && (entry = readdir(directory));) {
            struct stat there;
            if (is_dot(entry->d_name) || faccessat(upper, entry->d_name, F_OK, AT_SYMLINK_NOFOLLOW) == 0 ||
                stack_find(lower, entry->d_name, &there) != lower->directories[i])
                continue;
            if (!marks)
                return 1;
            TRY(add(marks, entry->d_name, 'D', &there, err));
        }
    }
    return 0;
}

static int changed_below(struct look *look, int upper, const char *path, struct error *err);

/* A, C, D, or 0; `path` has no slash before it. */
static int compare(struct look *look, int upper, const struct stack *lower, const char *name, const char *path, struct stat *before, struct error *err)
{
    struct stat now;
    if (fstatat(upper, name, &now, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : fail(err, errno, "look at /%s", path);
    int where = stack_find(lower, name, before);
    if (whiteout_is(&now))
        return where >= 0 ? 'D' : 0;
    if (is_mount_point(path, upper, name, &now, &look->below))
        return 0;
    if (where < 0)
        return 'A';
    if (!changes_same(&now, before) || !changes_same_capability(upper, where, name))
        return 'C';
    if (!S_ISDIR(now.st_mode))
        return 0;
    cleanup_close int inside = openat(upper, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (inside < 0)
        return errno == ENOENT ? 0 : fail(err, errno, "open /%s", path);
    int changed = changed_below(look, inside, path, err);
    return changed > 0 ? 'C' : changed;
}

static int changed_inside(struct look *look, DIR *directory, int upper, const char *path, struct error *err)
{
    cleanup_stack struct stack lower = {0};
    TRY(stack_open(&look->below, path, &lower, err));
    if (look->opaque > 0 && each_hidden(upper, &lower, NULL, err) != 0)
        return 1;
    for (struct dirent *entry; (entry = readdir(directory));) {
        cleanup_free char *below = NULL;
        struct stat before;
        if (is_dot(entry->d_name))
            continue;
        if (look->patience-- == 0 || asprintf(&below, "%s/%s", path, entry->d_name) < 0)
            return 1;
        int kind = compare(look, upper, &lower, entry->d_name, below, &before, err);
        if (kind != 0)
            return kind < 0 ? -1 : 1;
    }
    return 0;
}

/* 1: something in there is another than in the image. */
static int changed_below(struct look *look, int upper, const char *path, struct error *err)
{
    cleanup_closedir DIR *directory = list(upper);
    if (!directory)
        return fail(err, errno, "read directory /%s", path);
    bool opaque = opaque_is(upper);
    look->opaque += opaque;
    int changed = changed_inside(look, directory, upper, path, err);
    look->opaque -= opaque;
    return changed;
}

/* ---- one directory ---- */

static int add(struct marks *marks, const char *name, char kind, const struct stat *before, struct error *err)
{
    if ((marks->count & (marks->count - 1)) == 0) { /* full at every power of two */
        struct mark *more = realloc(marks->items, (marks->count ? marks->count * 2 : 1) * sizeof *more);
        if (!more)
            return fail(err, ENOMEM, "note the change of %s", name);
        marks->items = more;
    }
    char *copy = strdup(name);
    if (!copy)
        return fail(err, ENOMEM, "note the change of %s", name);
    marks->items[marks->count++] = (struct mark){copy, kind, *before};
    return 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct mark *)a)->name, ((const struct mark *)b)->name);
}

static int look_at(struct look *look, const char *upper, const char *path, struct marks *marks, struct error *err)
{
    bool hides = false;
    cleanup_stack struct stack lower = {0};
    cleanup_close int layer = open(upper, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (layer < 0)
        return fail(err, errno, "open %s", upper);
    cleanup_close int own = below_find(layer, path, &hides);
    if (own < 0)
        return 0;
    cleanup_closedir DIR *directory = list(own);
    if (!directory)
        return fail(err, errno, "read directory /%s", path);
    TRY(stack_open(&look->below, path, &lower, err));
    look->opaque = hides || opaque_is(own);
    if (look->opaque > 0)
        TRY(each_hidden(own, &lower, marks, err));
    unsigned patience = opaque_is(layer) ? WHOLE_PATIENCE : PATIENCE;
    for (struct dirent *entry; (entry = readdir(directory));) {
        cleanup_free char *full = NULL;
        struct stat before = {0};
        if (is_dot(entry->d_name))
            continue;
        if (asprintf(&full, "%s%s%s", path, *path ? "/" : "", entry->d_name) < 0)
            return fail(err, ENOMEM, "look at %s", entry->d_name);
        look->patience = patience;
        int kind = compare(look, own, &lower, entry->d_name, full, &before, err);
        TRY(kind);
        if (kind != 0)
            TRY(add(marks, entry->d_name, (char)kind, &before, err));
    }
    if (marks->count > 0)
        qsort(marks->items, marks->count, sizeof *marks->items, by_name);
    return 0;
}

int marks_of(const char *upper, json_object *lower, const char *path, struct marks *marks, struct error *err)
{
    struct look look = {0};
    struct rlimit files; /* a descriptor for each layer and each level */
    *marks = (struct marks){0};
    if (!upper)
        return 0;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    int status = below_open(lower, &look.below, err);
    if (status == 0)
        status = look_at(&look, upper, path + strspn(path, "/"), marks, err);
    below_close(&look.below);
    return status;
}

void marks_clear(struct marks *marks)
{
    for (size_t i = 0; i < marks->count; i++)
        free(marks->items[i].name);
    free(marks->items);
    *marks = (struct marks){0};
}

const struct mark *marks_find(const struct marks *marks, const char *name)
{
    struct mark wanted = {.name = (char *)name};
    return marks->count > 0 ? bsearch(&wanted, marks->items, marks->count, sizeof *marks->items, by_name) : NULL;
}
