#include "holders.h"

#include "../base/cleanup.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#define HOLDERS_MOST 64
#define PATHS_MOST 16

static bool has(const struct mount_family *family, uint64_t id)
{
    for (size_t i = 0; i < family->count; i++)
        if (family->ids[i] == id)
            return true;
    return false;
}

/* Parents come before their children in the table, but for mounts that were moved: it is read until nothing is added. */
int mount_family_of(int table, uint64_t id, struct mount_family *family, struct error *err)
{
    cleanup_fclose FILE *file = fdopen(dup(table), "r");
    cleanup_free char *line = NULL;
    size_t room = 0, before;
    if (!file)
        return fail(err, errno, "read the container's mounts");
    *family = (struct mount_family){.ids = {id}, .count = 1};
    do {
        before = family->count;
        rewind(file);
        while (getline(&line, &room, file) > 0) {
            uint64_t own, parent;
            if (sscanf(line, "%" SCNu64 " %" SCNu64, &own, &parent) != 2 || has(family, own) || !has(family, parent))
                continue;
            if (family->count == MOUNTS_MOST)
                return fail(err, E2BIG, "look at what is mounted in there");
            family->ids[family->count++] = own;
        }
    } while (family->count > before);
    return 0;
}

/* ---- one process ---- */

struct search {
    int proc;
    const struct mount_family *family;
    const char *path;
    json_object *paths;
};

static void add_path(struct search *search, const char *path)
{
    size_t count = json_object_array_length(search->paths);
    for (size_t i = 0; i < count; i++)
        if (strcmp(json_object_get_string(json_object_array_get_idx(search->paths, i)), path) == 0)
            return;
    if (count < PATHS_MOST)
        json_object_array_add(search->paths, json_object_new_string(path));
}

static void look_at(struct search *search, const char *link)
{
    struct statx seen;
    char path[PATH_MAX];
    if (statx(search->proc, link, AT_NO_AUTOMOUNT, STATX_MNT_ID, &seen) < 0 || !has(search->family, seen.stx_mnt_id))
        return;
    ssize_t length = readlinkat(search->proc, link, path, sizeof path - 1);
    snprintf(path + (length > 0 ? length : 0), 2, "%s", length > 0 ? "" : "?");
    add_path(search, path);
}

static void look_at_descriptors(struct search *search, const char *pid)
{
    char name[64];
    snprintf(name, sizeof name, "%s/fd", pid);
    int fd = openat(search->proc, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cleanup_closedir DIR *directory = fd < 0 ? NULL : fdopendir(fd);
    for (struct dirent *entry; directory && (entry = readdir(directory));) {
        if (!isdigit((unsigned char)entry->d_name[0]))
            continue;
        snprintf(name, sizeof name, "%s/fd/%.20s", pid, entry->d_name);
        look_at(search, name);
    }
}

/* Its lines have paths as our root has them; who may follow them all is root of the machine, which an ordinary user's helper is not. */
static void look_at_maps(struct search *search, const char *pid)
{
    char name[64];
    size_t room = 0, prefix = strlen(search->path);
    cleanup_free char *line = NULL;
    snprintf(name, sizeof name, "%s/maps", pid);
    int fd = openat(search->proc, name, O_RDONLY | O_CLOEXEC);
    cleanup_fclose FILE *maps = fd < 0 ? NULL : fdopen(fd, "r");
    while (maps && getline(&line, &room, maps) > 0) {
        char *path = strchr(line, '/');
        if (!path || strncmp(path, search->path, prefix) != 0 || !strchr("/\n ", path[prefix]))
            continue;
        path[strcspn(path, "\n")] = '\0';
        add_path(search, path);
    }
}

static bool is_inside(int proc, const char *pid, const struct stat *namespace)
{
    char name[64];
    struct stat theirs;
    snprintf(name, sizeof name, "%s/ns/mnt", pid);
    return atoi(pid) != getpid() && fstatat(proc, name, &theirs, 0) == 0 && theirs.st_ino == namespace->st_ino && theirs.st_dev == namespace->st_dev;
}

static json_object *name_of(int proc, const char *pid)
{
    char name[64], text[64] = "";
    snprintf(name, sizeof name, "%s/comm", pid);
    cleanup_close int file = openat(proc, name, O_RDONLY | O_CLOEXEC);
    ssize_t length = file < 0 ? 0 : read(file, text, sizeof text - 1);
    text[length > 0 ? length : 0] = '\0';
    text[strcspn(text, "\n")] = '\0';
    return json_object_new_string(text);
}

static json_object *search_process(struct search *search, const char *pid)
{
    static const char *const links[] = {"cwd", "root", "exe"};
    char name[64];
    search->paths = json_object_new_array();
    for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
        snprintf(name, sizeof name, "%s/%s", pid, links[i]);
        look_at(search, name);
    }
    look_at_descriptors(search, pid);
    look_at_maps(search, pid);
    if (json_object_array_length(search->paths) == 0) {
        json_object_put(search->paths);
        return NULL;
    }
    json_object *holder = json_object_new_object();
    json_object_object_add(holder, "pid", json_object_new_int(atoi(pid)));
    json_object_object_add(holder, "name", name_of(search->proc, pid));
    json_object_object_add(holder, "paths", search->paths);
    return holder;
}

json_object *holders_of(int proc, int mounts, const struct mount_family *family, const char *path)
{
    json_object *found = json_object_new_array();
    struct search search = {.proc = proc, .family = family, .path = path};
    struct stat namespace;
    int fd = fstat(mounts, &namespace) < 0 ? -1 : openat(proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cleanup_closedir DIR *directory = fd < 0 ? NULL : fdopendir(fd);
    for (struct dirent *entry; directory && (entry = readdir(directory)) && json_object_array_length(found) < HOLDERS_MOST;) {
        char pid[16];
        if (!isdigit((unsigned char)entry->d_name[0]) || strlen(entry->d_name) >= sizeof pid)
            continue;
        strcpy(pid, entry->d_name);
        json_object *holder = is_inside(proc, pid, &namespace) ? search_process(&search, pid) : NULL;
        if (holder)
            json_object_array_add(found, holder);
    }
    return found;
}
