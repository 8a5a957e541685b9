#include "populate.h"

#include "../base/cleanup.h"
#include "../kernel/beneath.h"
#include "../kernel/copy-up.h"
#include "../kernel/tree.h"
#include "pack.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* Beside the volume's `_data`: a copy under way, and one that is whole and on disk. What is left of the first is thrown away, of the second moved in. */
#define DATA "_data"
#define COPYING "_copying"
#define COPIED "_copied"

static int open_directory(int parent, const char *name)
{
    return openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* 1: nothing is in it. */
static int is_empty(int directory, struct error *err)
{
    int copy = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cleanup_closedir DIR *entries = copy < 0 ? NULL : fdopendir(copy);
    if (!entries)
        return fail(err, errno, "read the volume");
    for (struct dirent *entry; (entry = readdir(entries));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            return 0;
    return 1;
}

/* Entry by entry, each whole: `_data` itself may be mounted somewhere already, and stays the directory that it is. 1: there was something to move. */
static int move_in(int volume, int data, struct error *err)
{
    cleanup_close int copied = open_directory(volume, COPIED);
    if (copied < 0)
        return errno == ENOENT ? 0 : fail(err, errno, "open what was copied into the volume");
    cleanup_closedir DIR *entries = fdopendir(fcntl(copied, F_DUPFD_CLOEXEC, 0));
    if (!entries)
        return fail(err, errno, "read what was copied into the volume");
    for (struct dirent *entry; (entry = readdir(entries));) {
        const char *name = entry->d_name;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
            continue;
        /* Somebody who has the volume already may have made one of this name. */
        if (renameat2(copied, name, data, name, RENAME_NOREPLACE) < 0 && errno != EEXIST)
            return fail(err, errno, "put %s into the volume", name);
    }
    TRY(copy_up_attributes(copied, data, err));
    if (fsync(data) < 0)
        return fail(err, errno, "write the volume");
    TRY(tree_remove(volume, COPIED, err));
    return 1;
}

/* The place in the image, or -1 with errno ENOENT in *missing where there is none. */
static int open_source(struct request *request, const char *path, bool *missing, struct error *err)
{
    json_object *lower = json_object_object_get(request->fields, "lower");
    if (!json_object_is_type(lower, json_type_array))
        return fail_kind(err, "invalid", 0, "the request's \"lower\" must be a list of directories");
    cleanup_close int root = pack_open_stack(request, lower, err);
    TRY(root);
    int source = open_in_root(root, path, O_RDONLY | O_DIRECTORY | O_NONBLOCK);
    *missing = source < 0 && (errno == ENOENT || errno == ELOOP);
    if (source < 0 && errno == ENOTDIR)
        return fail_kind(err, "invalid", 0, "cannot mount volume over existing file, file exists %s", path);
    if (source < 0 && !*missing)
        return fail(err, errno, "open %s of the image", path);
    return source;
}

static int copy_whole(int volume, int source, struct error *err)
{
    if (mkdirat(volume, COPYING, 0700) < 0)
        return fail(err, errno, "make room for the volume's first content");
    cleanup_close int copying = open_directory(volume, COPYING);
    if (copying < 0)
        return fail(err, errno, "make room for the volume's first content");
    TRY(copy_up(source, copying, err));
    if (syncfs(copying) < 0 || renameat(volume, COPYING, volume, COPIED) < 0 || fsync(volume) < 0)
        return fail(err, errno, "write the volume's first content");
    return 0;
}

int populate_op(struct request *request, struct error *err)
{
    const char *path = NULL, *volume_path;
    bool missing = false;
    TRY(request_path_below_data(request, "volume", &volume_path, err));
    TRY(request_optional_string(request, "path", &path, err));
    cleanup_close int volume = open(volume_path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    cleanup_close int data = volume < 0 ? -1 : open_directory(volume, DATA);
    if (data < 0)
        return fail(err, errno, "open the volume %s", volume_path);
    TRY(tree_remove(volume, COPYING, err));
    int copied = move_in(volume, data, err);
    TRY(copied);
    int empty = copied || !path ? 0 : is_empty(data, err);
    TRY(empty);
    if (empty) {
        cleanup_close int source = open_source(request, path, &missing, err);
        if (source < 0 && !missing)
            return -1;
        if (source >= 0) {
            TRY(copy_whole(volume, source, err));
            TRY(copied = move_in(volume, data, err));
        }
    }
    json_object_object_add(request->reply, "copied", json_object_new_boolean(copied > 0));
    return 0;
}
