#include "found.h"

#include "../base/cleanup.h"
#include "../kernel/beneath.h"
#include "../kernel/resolve.h"
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>

void found_clear(struct found *found)
{
    cleanup_close_(&found->parent);
}

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

int find_in_container(int root, const char *path, struct found *found, struct error *err)
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

int find_target(int root, const char *path, struct found *found, char resolved[PATH_MAX], struct error *err)
{
    *found = (struct found){.parent = -1};
    if (resolve_in_root(root, path, resolved) < 0)
        return files_refuse(errno, "lstat", path, err);
    char *slash = strrchr(resolved, '/');
    found->name = found->called = slash[1] ? slash + 1 : ".";
    *slash = '\0';
    found->parent = open_how(root, slash == resolved ? "/" : resolved, O_PATH | O_DIRECTORY, 0, RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS);
    *slash = '/';
    if (found->parent < 0)
        return files_refuse(errno, "open the directory of", path, err);
    if (fstatat(found->parent, found->name, &found->stat, AT_SYMLINK_NOFOLLOW) == 0)
        return 1;
    return errno == ENOENT ? 0 : files_refuse(errno, "lstat", path, err);
}

int found_path_of(const struct request *request, const char *field, const char **path, struct error *err)
{
    TRY(request_string(request, field, path, err));
    if ((*path)[0] != '/' || strlen(*path) >= PATH_MAX)
        return fail_kind(err, "invalid", 0, "the request's \"%s\" must be absolute, and shorter than %d bytes", field, PATH_MAX);
    return 0;
}
