#include "populate.h"

#include "../base/cleanup.h"
#include "../kernel/beneath.h"
#include "../kernel/copy-up.h"
#include "../kernel/tree.h"
#include "pack.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>

/*
 * Two names for what comes: a copy under way, and one that is whole and on disk. What is left of the first is thrown away, of the second moved in. They
 * are beside the volume's `_data`; where that is no directory of ours (a mount, a directory of the machine, a part of a volume) they are in it.
 */
#define DATA "_data"

struct place {
    int stage, data; /* where the copy is made, and where it goes */
    bool within;     /* they are one */
    const char *copying, *copied;
};

static void place_close(struct place *place)
{
    if (!place->within)
        cleanup_close_(&place->stage);
    cleanup_close_(&place->data);
}
#define cleanup_place __attribute__((cleanup(place_close)))

static int open_directory(int parent, const char *name)
{
    return openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* 1: nothing is in it. */
static int is_empty(const struct place *place, struct error *err)
{
    int copy = openat(place->data, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cleanup_closedir DIR *entries = copy < 0 ? NULL : fdopendir(copy);
    if (!entries)
        return fail(err, errno, "read the volume");
    for (struct dirent *entry; (entry = readdir(entries));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            return 0;
    return 1;
}

/* Entry by entry, each whole: the directory itself may be mounted somewhere already, and stays what it is. 1: there was something to move. */
static int move_in(const struct place *place, struct error *err)
{
    cleanup_close int copied = open_directory(place->stage, place->copied);
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
        if (renameat2(copied, name, place->data, name, RENAME_NOREPLACE) < 0 && errno != EEXIST)
            return fail(err, errno, "put %s into the volume", name);
    }
    TRY(copy_up_attributes(copied, place->data, err));
    if (fsync(place->data) < 0)
        return fail(err, errno, "write the volume");
    TRY(tree_remove(place->stage, place->copied, err));
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

static int copy_whole(const struct place *place, int source, struct error *err)
{
    if (mkdirat(place->stage, place->copying, 0700) < 0)
        return fail(err, errno, "make room for the volume's first content");
    cleanup_close int copying = open_directory(place->stage, place->copying);
    if (copying < 0)
        return fail(err, errno, "make room for the volume's first content");
    TRY(copy_up(source, copying, err));
    if (syncfs(copying) < 0 || renameat(place->stage, place->copying, place->stage, place->copied) < 0 || fsync(place->stage) < 0)
        return fail(err, errno, "write the volume's first content");
    return 0;
}

/* What did not become whole takes no room. */
static int copy_in(const struct place *place, int source, struct error *err)
{
    struct error ignored = {0};
    if (copy_whole(place, source, err) == 0)
        return move_in(place, err);
    tree_remove(place->stage, place->copying, &ignored);
    return -1;
}

/* 1: there is no such directory, so nothing goes there. */
static int open_place(const struct request *request, struct place *place, struct error *err)
{
    const char *volume_path, *device = NULL, *subpath = NULL;
    TRY(request_path_below_data(request, "volume", &volume_path, err));
    TRY(request_optional_string(request, "device", &device, err));
    TRY(request_optional_string(request, "subpath", &subpath, err));
    TRY(request_bool(request, "within", false, &place->within, err));
    place->within = place->within || device || subpath;
    place->copying = place->within ? ".slipway-copying" : "_copying";
    place->copied = place->within ? ".slipway-copied" : "_copied";
    if (!place->within) {
        place->stage = open(volume_path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        place->data = place->stage < 0 ? -1 : open_directory(place->stage, DATA);
        return place->data < 0 ? fail(err, errno, "open the volume %s", volume_path) : 0;
    }
    cleanup_close int volume = device ? -1 : open(volume_path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    cleanup_close int base = device ? open(device, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : open_directory(volume, DATA);
    if (base >= 0)
        place->data = open_how(base, subpath ? subpath : ".", O_RDONLY | O_DIRECTORY, 0, RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS);
    place->stage = place->data;
    return place->data < 0 ? 1 : 0;
}

int populate_op(struct request *request, struct error *err)
{
    const char *path = NULL;
    bool missing = false;
    cleanup_place struct place place = {.stage = -1, .data = -1};
    TRY(request_optional_string(request, "path", &path, err));
    int nowhere = open_place(request, &place, err);
    TRY(nowhere);
    if (!nowhere)
        TRY(tree_remove(place.stage, place.copying, err));
    int copied = nowhere ? 0 : move_in(&place, err);
    TRY(copied);
    int empty = copied || nowhere || !path ? 0 : is_empty(&place, err);
    TRY(empty);
    if (empty) {
        cleanup_close int source = open_source(request, path, &missing, err);
        if (source < 0 && !missing)
            return -1;
        if (source >= 0)
            TRY(copied = copy_in(&place, source, err));
    }
    json_object_object_add(request->reply, "copied", json_object_new_boolean(copied > 0));
    return 0;
}
