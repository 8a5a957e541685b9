#include "archive.h"

#include "../base/cleanup.h"
#include "../kernel/beneath.h"
#include "../kernel/resolve.h"
#include "files.h"
#include "pack.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>

/* What a path names: `name` in the directory behind `parent`, "." where the path asks for a directory. */
struct found {
    int parent;
    const char *name, *called; /* `called`: the path's last component, "/" for the root */
    struct stat stat;
    char target[PATH_MAX]; /* of a link, followed to its end; "" otherwise */
};

static void found_clear(struct found *found)
{
    cleanup_close_(&found->parent);
}
#define cleanup_found __attribute__((cleanup(found_clear)))

static const char *last_component(const char *path)
{
    const char *last = strrchr(path, '/') + 1;
    if (*last || last - path == 1)
        return *last ? last : "/";
    static char name[NAME_MAX + 1];
    const char *start = last - 1;
    while (start > path && start[-1] != '/')
        start--;
    snprintf(name, sizeof name, "%.*s", (int)(last - 1 - start), start);
    return name;
}

static int find(int root, const char *path, struct found *found, struct error *err)
{
    char directory[PATH_MAX], resolved[PATH_MAX];
    const char *last = strrchr(path, '/') + 1;
    snprintf(directory, sizeof directory, "%.*s", (int)(last - path), path);
    bool itself = *last == '\0' || strcmp(last, ".") == 0;
    *found = (struct found){.parent = -1, .name = itself ? "." : last, .called = last_component(path)};
    if (resolve_in_root(root, directory, resolved) < 0)
        return files_refuse(errno, "lstat", path, err);
    found->parent = open_how(root, resolved, O_PATH | O_DIRECTORY, 0, RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS);
    if (found->parent < 0 || fstatat(found->parent, found->name, &found->stat, AT_SYMLINK_NOFOLLOW) < 0)
        return files_refuse(errno, "lstat", path, err);
    if (S_ISLNK(found->stat.st_mode) && resolve_in_root(root, path, found->target) < 0)
        return files_refuse(errno, "lstat", path, err);
    return 0;
}

static int request_container_path(const struct request *request, const char **path, struct error *err)
{
    TRY(request_string(request, "path", path, err));
    if ((*path)[0] != '/' || strlen(*path) >= PATH_MAX)
        return fail_kind(err, "invalid", 0, "the request's \"path\" must be absolute, and shorter than %d bytes", PATH_MAX);
    return 0;
}

static void describe(const struct found *found, json_object *reply)
{
    json_object *stat = json_object_new_object(), *mtime = json_object_new_array();
    json_object_array_add(mtime, json_object_new_int64(found->stat.st_mtim.tv_sec));
    json_object_array_add(mtime, json_object_new_int64(found->stat.st_mtim.tv_nsec));
    json_object_object_add(stat, "name", json_object_new_string(found->called));
    json_object_object_add(stat, "size", json_object_new_int64(found->stat.st_size));
    json_object_object_add(stat, "mode", json_object_new_int64(found->stat.st_mode));
    json_object_object_add(stat, "mtime", mtime);
    json_object_object_add(stat, "linkTarget", json_object_new_string(found->target));
    json_object_object_add(reply, "stat", stat);
}

int archive_stat_op(struct request *request, struct error *err)
{
    cleanup_files struct container_files files = CONTAINER_FILES_INIT;
    const char *path;
    TRY(request_container_path(request, &path, err));
    TRY(files_open(request, FILES_TO_READ, &files, err));
    cleanup_found struct found found = {.parent = -1};
    TRY(find(files.root, path, &found, err));
    describe(&found, request->reply);
    return 0;
}

int archive_read_op(struct request *request, struct error *err)
{
    cleanup_files struct container_files files = CONTAINER_FILES_INIT;
    const char *path;
    TRY(request_container_path(request, &path, err));
    TRY(files_open(request, FILES_TO_READ, &files, err));
    cleanup_found struct found found = {.parent = -1};
    TRY(find(files.root, path, &found, err));
    describe(&found, request->reply);
    TRY(request_answer(request, err));
    struct pack_output output = pack_to_client(request);
    return pack_copy(files.root, found.parent, found.name, found.called, &output, err);
}

int export_op(struct request *request, struct error *err)
{
    cleanup_files struct container_files files = CONTAINER_FILES_INIT;
    TRY(files_open(request, FILES_OF_ROOTFS, &files, err));
    cleanup_close int root = openat(files.root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        return fail(err, errno, "open the container's root");
    TRY(request_answer(request, err));
    struct pack_output output = pack_to_client(request);
    return pack(root, &output, err);
}
