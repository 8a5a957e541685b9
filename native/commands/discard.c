#include "discard.h"

#include "../base/cleanup.h"
#include "../kernel/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>

/* More than a worker has to end in. */
#define WRITERS_PATIENCE_MS 5000

static int open_trash(const char *data_root, struct error *err)
{
    cleanup_close int root = open(data_root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root < 0 || (mkdirat(root, "trash", 0700) < 0 && errno != EEXIST))
        return fail(err, errno, "open %s/trash", data_root);
    int trash = openat(root, "trash", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return trash < 0 ? fail(err, errno, "open %s/trash", data_root) : trash;
}

int stage_hold(const char *target, struct error *err)
{
    cleanup_free char *path = strdup(target);
    char *slash = path ? strrchr(path, '/') : NULL;
    if (!slash)
        return fail(err, ENOMEM, "open %s", target);
    *slash = '\0';
    cleanup_close int stage = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (stage < 0 || flock(stage, LOCK_SH) < 0)
        return fail(err, errno, "open %s", path);
    return steal_fd(&stage);
}

/* A worker whose client has gone may need a moment to notice. */
static void wait_for_writers(int trash, const char *name)
{
    cleanup_close int directory = openat(trash, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    for (int i = 0; directory >= 0 && flock(directory, LOCK_EX | LOCK_NB) < 0 && i < WRITERS_PATIENCE_MS / 10; i++)
        usleep(10000);
}

int discard_op(struct request *request, struct error *err)
{
    const char *path;
    bool sync;
    TRY(request_path_below_data(request, "path", &path, err));
    TRY(request_bool(request, "sync", true, &sync, err));
    cleanup_close int trash = open_trash(request->data_root, err);
    TRY(trash);

    uint64_t random;
    if (getrandom(&random, sizeof random, 0) != sizeof random)
        return fail(err, errno, "choose a name in the trash");
    char name[24];
    snprintf(name, sizeof name, "%016" PRIx64, random);
    if (renameat(AT_FDCWD, path, trash, name) < 0)
        return errno == ENOENT ? 0 : fail(err, errno, "move %s to the trash", path);
    /* Whoever asks for it next must not meet it again, not even after a power cut. */
    if (sync && fsync(trash) < 0)
        return fail(err, errno, "move %s to the trash", path);
    TRY(request_answer_and_go_on(request, err));
    wait_for_writers(trash, name);
    return tree_discard(trash, name, err);
}

int trash_sweep(const char *data_root, struct error *err)
{
    cleanup_close int trash = open_trash(data_root, err);
    TRY(trash);
    cleanup_closedir DIR *entries = fdopendir(fcntl(trash, F_DUPFD_CLOEXEC, 0));
    if (!entries)
        return fail(err, errno, "read %s/trash", data_root);
    struct dirent *entry;
    int status = 0;
    while ((entry = readdir(entries))) {
        struct error own = {0};
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 || tree_discard(trash, entry->d_name, &own) == 0)
            continue;
        if (status == 0) /* what stays keeps nothing else from going */
            *err = own;
        status = -1;
    }
    return status;
}
