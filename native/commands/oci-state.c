#include "oci-state.h"
#include "../base/cleanup.h"
#include "../kernel/cgroup.h"
#include "../kernel/process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>

static int check_id(const char *id, struct error *err)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-.";
    if (!id[0] || strlen(id) > 1024 || strspn(id, allowed) != strlen(id) || strcmp(id, ".") == 0 || strcmp(id, "..") == 0)
        return fail_kind(err, "invalid", 0, "invalid container ID: %.64s", id);
    return 0;
}

static int open_directory(const char *root, const char *id, struct oci_container *container, struct error *err)
{
    TRY(check_id(id, err));
    container->id = strdup(id);
    if (!container->id || asprintf(&container->path, "%s/%s", root, id) < 0)
        return fail(err, ENOMEM, "open the state of %s", id);
    container->directory = open(container->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return container->directory >= 0 ? 0 : -1;
}

int oci_write_file(int directory, const char *path, const char *text, struct error *err)
{
    char temporary[PATH_MAX];
    if (snprintf(temporary, sizeof temporary, "%s.tmp%d", path, getpid()) >= (int)sizeof temporary)
        return fail(err, ENAMETOOLONG, "write %s", path);
    cleanup_close int file = openat(directory, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0 || write(file, text, strlen(text)) != (ssize_t)strlen(text) || renameat(directory, temporary, directory, path) < 0)
        return fail(err, errno, "write %s", path);
    return 0;
}

static int copy_config(const struct oci_container *container, struct error *err)
{
    return oci_write_file(container->directory, "config.json", json_object_to_json_string_ext(container->spec->raw, JSON_C_TO_STRING_PLAIN), err);
}

static int make_root(const char *root, struct error *err)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s", root) >= (int)sizeof path)
        return fail(err, ENAMETOOLONG, "make %s", root);
    for (char *slash = strchr(path + 1, '/');; slash = strchr(slash + 1, '/')) {
        if (slash)
            *slash = '\0';
        if (mkdir(path, 0700) < 0 && errno != EEXIST)
            return fail(err, errno, "make %s", path);
        if (!slash)
            return 0;
        *slash = '/';
    }
}

int oci_state_make(const char *root, const char *id, const char *bundle, struct oci_container *container, struct error *err)
{
    TRY(check_id(id, err));
    TRY(spec_load(bundle, &container->spec, err));
    container->bundle = strdup(container->spec->bundle);
    TRY(make_root(root, err));
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/%s", root, id) >= (int)sizeof path)
        return fail(err, ENAMETOOLONG, "make the state of %s", id);
    if (mkdir(path, 0711) < 0)
        return errno == EEXIST ? fail_kind(err, "conflict", 0, "container with given ID already exists") : fail(err, errno, "make %s", path);
    if (open_directory(root, id, container, err) < 0)
        return fail(err, errno, "open %s", path);
    return copy_config(container, err);
}

int oci_state_save(const struct oci_container *container, struct error *err)
{
    json_object *json = json_object_new_object();
    json_object_object_add(json, "bundle", json_object_new_string(container->bundle));
    json_object_object_add(json, "pid", json_object_new_int(container->pid));
    json_object_object_add(json, "startTime", json_object_new_uint64(container->start_time));
    int status = oci_write_file(container->directory, "state.json", json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN), err);
    json_object_put(json);
    return status;
}

static int load_numbers(struct oci_container *container, struct error *err)
{
    cleanup_close int file = openat(container->directory, "state.json", O_RDONLY | O_CLOEXEC);
    json_object *json = file < 0 ? NULL : json_object_from_fd(file), *value;
    if (file < 0 && errno == ENOENT)
        return 0; /* its `create` ended too soon: it can still be deleted */
    if (!json)
        return fail(err, 0, "the state of %s cannot be read", container->id);
    if (json_object_object_get_ex(json, "bundle", &value))
        container->bundle = strdup(json_object_get_string(value));
    if (json_object_object_get_ex(json, "pid", &value))
        container->pid = json_object_get_int(value);
    if (json_object_object_get_ex(json, "startTime", &value))
        container->start_time = json_object_get_uint64(value);
    json_object_put(json);
    return 0;
}

int oci_state_load(const char *root, const char *id, struct oci_container *container, struct error *err)
{
    if (open_directory(root, id, container, err) < 0)
        return err->message[0] ? -1 : errno == ENOENT ? fail_kind(err, "not-found", 0, "container does not exist") : fail(err, errno, "open the state of %s", id);
    TRY(spec_load(container->path, &container->spec, err));
    return load_numbers(container, err);
}

int oci_state_remove(const struct oci_container *container, struct error *err)
{
    int copy = dup(container->directory);
    cleanup_closedir DIR *directory = copy < 0 ? NULL : fdopendir(copy);
    if (!directory)
        return fail(err, errno, "open the state of %s", container->id);
    for (struct dirent *entry; (entry = readdir(directory));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 && unlinkat(container->directory, entry->d_name, 0) < 0)
            return fail(err, errno, "remove %s of the state of %s", entry->d_name, container->id);
    return rmdir(container->path) == 0 ? 0 : fail(err, errno, "remove the state of %s", container->id);
}

void oci_container_close(struct oci_container *container)
{
    free(container->id);
    free(container->bundle);
    free(container->path);
    cleanup_close_(&container->directory);
    spec_free(container->spec);
}

static bool is_zombie(pid_t pid)
{
    char path[64], text[512];
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (length <= 0)
        return true;
    text[length] = '\0';
    const char *rest = strrchr(text, ')');
    return !rest || strchr("ZXx", rest[2]);
}

enum oci_status oci_status(const struct oci_container *container)
{
    if (container->pid <= 0 || process_start_time(container->pid) != container->start_time || is_zombie(container->pid))
        return OCI_STOPPED;
    if (container->spec->cgroups_path && cgroup_frozen(container->spec->cgroups_path))
        return OCI_PAUSED;
    return faccessat(container->directory, OCI_GO, F_OK, 0) == 0 ? OCI_CREATED : OCI_RUNNING;
}

const char *oci_status_name(enum oci_status status)
{
    static const char *const names[] = {"created", "running", "paused", "stopped"};
    return names[status];
}

json_object *oci_state_json(const struct oci_container *container, const char *status)
{
    enum oci_status now = oci_status(container);
    json_object *json = json_object_new_object();
    json_object_object_add(json, "ociVersion", json_object_new_string("1.2.0"));
    json_object_object_add(json, "id", json_object_new_string(container->id));
    json_object_object_add(json, "status", json_object_new_string(status ? status : oci_status_name(now)));
    json_object_object_add(json, "pid", json_object_new_int(now == OCI_STOPPED ? 0 : container->pid));
    json_object_object_add(json, "bundle", json_object_new_string(container->bundle ? container->bundle : ""));
    if (container->spec->annotations)
        json_object_object_add(json, "annotations", json_object_get(container->spec->annotations));
    return json;
}

int oci_open_process(const struct oci_container *container)
{
    cleanup_close int pidfd = container->pid > 0 ? pidfd_open(container->pid, 0) : -1;
    if (pidfd < 0 || process_start_time(container->pid) != container->start_time) {
        errno = ESRCH;
        return -1;
    }
    return steal_fd(&pidfd);
}
