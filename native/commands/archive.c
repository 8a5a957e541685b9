#include "archive.h"

#include "../base/cleanup.h"
#include "files.h"
#include "found.h"
#include "pack.h"

#include <errno.h>
#include <fcntl.h>

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
    TRY(found_path_of(request, "path", &path, err));
    TRY(files_open(request, FILES_TO_READ, &files, err));
    cleanup_found struct found found = {.parent = -1};
    TRY(find_in_container(files.root, path, &found, err));
    describe(&found, request->reply);
    return 0;
}

int archive_read_op(struct request *request, struct error *err)
{
    cleanup_files struct container_files files = CONTAINER_FILES_INIT;
    const char *path;
    TRY(found_path_of(request, "path", &path, err));
    TRY(files_open(request, FILES_TO_READ, &files, err));
    cleanup_found struct found found = {.parent = -1};
    TRY(find_in_container(files.root, path, &found, err));
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
