#include "spec.h"
#include "cleanup.h"
#include "fields.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define CONFIG_MAX (16u << 20)

static int parse_idmaps(json_object *json, const struct place *place, const char *key, struct spec_idmap **out, size_t *out_count,
                        struct error *err)
{
    static const char *const known[] = {"containerID", "hostID", "size", NULL};
    json_object *array;
    size_t count;
    struct place list = {place, key, 0};
    TRY(field_array(json, place, key, &array, &count, err));
    if (count > 340)
        return field_refuse(err, &list, "has more than the 340 lines that the kernel takes");
    *out = calloc(count + 1, sizeof **out);
    if (!*out)
        return field_no_memory(err);
    for (size_t i = 0; i < count; i++) {
        struct place here = {&list, NULL, i};
        json_object *entry = json_object_array_get_idx(array, i);
        int64_t inside = -1, outside = -1, length = -1;
        TRY(field_check_keys(entry, &here, known, err));
        TRY(field_integer(entry, &here, "containerID", 0, UINT32_MAX, &inside, err));
        TRY(field_integer(entry, &here, "hostID", 0, UINT32_MAX, &outside, err));
        TRY(field_integer(entry, &here, "size", 1, UINT32_MAX, &length, err));
        if (inside < 0 || outside < 0 || length < 0)
            return field_refuse(err, &here, "needs containerID, hostID and size");
        (*out)[(*out_count)++] = (struct spec_idmap){(uint32_t)inside, (uint32_t)outside, (uint32_t)length};
    }
    return 0;
}

int spec_idmaps_parse(json_object *json, const char *key, struct spec_idmap **out, size_t *count, struct error *err)
{
    return parse_idmaps(json, NULL, key, out, count, err);
}

static int parse_mounts(json_object *json, struct spec *spec, struct error *err)
{
    static const char *const known[] = {"destination", "type", "source", "options", "uidMappings", "gidMappings", NULL};
    json_object *array;
    size_t count;
    struct place list = {NULL, "mounts", 0};
    TRY(field_array(json, NULL, "mounts", &array, &count, err));
    spec->mounts = calloc(count + 1, sizeof *spec->mounts);
    if (!spec->mounts)
        return field_no_memory(err);
    for (size_t i = 0; i < count; i++) {
        struct place here = {&list, NULL, i}, destination = {&here, "destination", 0};
        json_object *entry = json_object_array_get_idx(array, i);
        struct spec_mount *mount = &spec->mounts[i];
        spec->mount_count++;
        TRY(field_check_keys(entry, &here, known, err));
        TRY(field_string(entry, &here, "destination", &mount->destination, err));
        TRY(field_string(entry, &here, "type", &mount->type, err));
        TRY(field_string(entry, &here, "source", &mount->source, err));
        TRY(field_strings(entry, &here, "options", &mount->options, err));
        TRY(parse_idmaps(entry, &here, "uidMappings", &mount->uid_map, &mount->uid_map_count, err));
        TRY(parse_idmaps(entry, &here, "gidMappings", &mount->gid_map, &mount->gid_map_count, err));
        if (!mount->destination || mount->destination[0] != '/')
            return field_refuse(err, &destination, "must be an absolute path");
        if ((!mount->type && !(mount->type = strdup(""))) || (!mount->source && !(mount->source = strdup(""))))
            return field_no_memory(err);
    }
    return 0;
}

static int parse_namespaces(json_object *json, const struct place *place, struct spec *spec, struct error *err)
{
    static const char *const known[] = {"type", "path", NULL};
    static const char *const names[SPEC_NS_KINDS] = {"user", "mount", "pid", "network", "ipc", "uts", "cgroup", "time"};
    json_object *array;
    size_t count;
    struct place list = {place, "namespaces", 0};
    TRY(field_array(json, place, "namespaces", &array, &count, err));
    for (size_t i = 0; i < count; i++) {
        struct place here = {&list, NULL, i};
        json_object *entry = json_object_array_get_idx(array, i);
        TRY(field_check_keys(entry, &here, known, err));
        const char *type = json_object_get_string(field_member(entry, "type"));
        int kind = 0;
        while (kind < SPEC_NS_KINDS && (!type || strcmp(type, names[kind]) != 0))
            kind++;
        if (kind == SPEC_NS_KINDS)
            return field_refuse(err, &here, "has a type that is no kind of namespace");
        if (spec->namespaces[kind].wanted)
            return field_refuse(err, &here, "is given twice");
        spec->namespaces[kind].wanted = true;
        TRY(field_string(entry, &here, "path", &spec->namespaces[kind].path, err));
        if (spec->namespaces[kind].path && !spec->namespaces[kind].path[0]) {
            free(spec->namespaces[kind].path);
            spec->namespaces[kind].path = NULL;
        }
    }
    return 0;
}

static int parse_devices(json_object *json, const struct place *place, struct spec *spec, struct error *err)
{
    static const char *const known[] = {"type", "path", "major", "minor", "fileMode", "uid", "gid", NULL};
    json_object *array;
    size_t count;
    struct place list = {place, "devices", 0};
    TRY(field_array(json, place, "devices", &array, &count, err));
    spec->devices = calloc(count + 1, sizeof *spec->devices);
    if (!spec->devices)
        return field_no_memory(err);
    for (size_t i = 0; i < count; i++) {
        struct place here = {&list, NULL, i};
        json_object *entry = json_object_array_get_idx(array, i);
        struct spec_device *device = &spec->devices[i];
        int64_t major = 0, minor = 0, mode = 0666;
        spec->device_count++;
        TRY(field_check_keys(entry, &here, known, err));
        TRY(field_string(entry, &here, "path", &device->path, err));
        TRY(field_integer(entry, &here, "major", 0, UINT32_MAX, &major, err));
        TRY(field_integer(entry, &here, "minor", 0, UINT32_MAX, &minor, err));
        TRY(field_integer(entry, &here, "fileMode", 0, 0777 | S_IFMT, &mode, err));
        TRY(field_id(entry, &here, "uid", &device->uid, err));
        TRY(field_id(entry, &here, "gid", &device->gid, err));
        const char *type = json_object_get_string(field_member(entry, "type"));
        if (!device->path || device->path[0] != '/')
            return field_refuse(err, &here, "needs an absolute path");
        if (!type || strlen(type) != 1 || !strchr("cubp", type[0]))
            return field_refuse(err, &here, "has a type that is none of c, u, b, p");
        device->type = type[0] == 'u' ? 'c' : type[0];
        device->major = (unsigned)major;
        device->minor = (unsigned)minor;
        device->mode = (mode_t)mode & 0777;
    }
    return 0;
}

static int parse_propagation(json_object *json, const struct place *place, struct spec *spec, struct error *err)
{
    static const struct {
        const char *name;
        unsigned long flags;
    } known[] = {
        {"private", MS_PRIVATE},       {"rprivate", MS_PRIVATE | MS_REC},       {"slave", MS_SLAVE},   {"rslave", MS_SLAVE | MS_REC},
        {"shared", MS_SHARED},         {"rshared", MS_SHARED | MS_REC},         {"unbindable", MS_UNBINDABLE},
        {"runbindable", MS_UNBINDABLE | MS_REC},
    };
    struct place here = {place, "rootfsPropagation", 0};
    const char *text = json_object_get_string(field_member(json, "rootfsPropagation"));
    if (!text || !text[0])
        return 0;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(text, known[i].name) == 0)
            spec->rootfs_propagation = known[i].flags;
    return spec->rootfs_propagation ? 0 : field_refuse(err, &here, "is no kind of mount propagation");
}

static int parse_linux(json_object *json, struct spec *spec, struct error *err)
{
    static const char *const known[] = {"namespaces", "uidMappings", "gidMappings",       "devices",     "cgroupsPath",   "resources",
                                        "seccomp",    "sysctl",      "rootfsPropagation", "maskedPaths", "readonlyPaths", NULL};
    json_object *linux_, *resources;
    struct place here = {NULL, "linux", 0}, resources_place = {&here, "resources", 0};
    TRY(field_object(json, NULL, "linux", &linux_, err));
    if (!linux_)
        return fail_kind(err, "invalid", 0, "config.json: has no linux section");
    /* mountLabel, intelRdt, personality, timeOffsets, netDevices, memoryPolicy… are refused here unless empty. */
    TRY(field_check_keys(linux_, &here, known, err));
    TRY(parse_namespaces(linux_, &here, spec, err));
    TRY(parse_idmaps(linux_, &here, "uidMappings", &spec->uid_map, &spec->uid_map_count, err));
    TRY(parse_idmaps(linux_, &here, "gidMappings", &spec->gid_map, &spec->gid_map_count, err));
    TRY(parse_devices(linux_, &here, spec, err));
    TRY(field_string(linux_, &here, "cgroupsPath", &spec->cgroups_path, err));
    if (spec->cgroups_path && !spec->cgroups_path[0]) {
        free(spec->cgroups_path);
        spec->cgroups_path = NULL;
    }
    TRY(field_object(linux_, &here, "resources", &resources, err));
    if (resources)
        TRY(spec_resources_parse_at(resources, &resources_place, &spec->resources, err));
    TRY(field_pairs(linux_, &here, "sysctl", &spec->sysctl, &spec->sysctl_count, err));
    TRY(field_strings(linux_, &here, "maskedPaths", &spec->masked_paths, err));
    TRY(field_strings(linux_, &here, "readonlyPaths", &spec->readonly_paths, err));
    TRY(parse_propagation(linux_, &here, spec, err));
    return field_object(linux_, &here, "seccomp", &spec->seccomp, err);
}

static int parse_root(json_object *json, struct spec *spec, struct error *err)
{
    static const char *const known[] = {"path", "readonly", NULL};
    json_object *root;
    struct place here = {NULL, "root", 0}, path_place = {&here, "path", 0};
    cleanup_free char *path = NULL;
    TRY(field_object(json, NULL, "root", &root, err));
    if (!root)
        return field_refuse(err, &here, "is missing");
    TRY(field_check_keys(root, &here, known, err));
    TRY(field_bool(root, &here, "readonly", &spec->rootfs_readonly, err));
    TRY(field_string(root, &here, "path", &path, err));
    if (!path || !path[0])
        return field_refuse(err, &path_place, "is missing");
    int length = path[0] == '/' ? asprintf(&spec->rootfs, "%s", path) : asprintf(&spec->rootfs, "%s/%s", spec->bundle, path);
    return length < 0 ? field_no_memory(err) : 0;
}

static int parse_hooks(json_object *json, struct spec *spec, struct error *err)
{
    /* The other two run inside the container, before its program: nothing that an engine needs, and much that an attacker likes. */
    static const char *const known[] = {"prestart", "createRuntime", "poststart", "poststop", NULL};
    struct place here = {NULL, "hooks", 0};
    TRY(field_object(json, NULL, "hooks", &spec->hooks, err));
    return spec->hooks ? field_check_keys(spec->hooks, &here, known, err) : 0;
}

static int parse_annotations(json_object *json, struct spec *spec, struct error *err)
{
    struct place here = {NULL, "annotations", 0};
    TRY(field_object(json, NULL, "annotations", &spec->annotations, err));
    if (!spec->annotations)
        return 0;
    json_object_object_foreach(spec->annotations, key, value)
    {
        struct place entry = {&here, key, 0};
        if (!json_object_is_type(value, json_type_string))
            return field_refuse(err, &entry, "must be a string");
    }
    return 0;
}

static int parse_spec(json_object *json, struct spec *spec, struct error *err)
{
    static const char *const known[] = {"ociVersion", "process", "root", "hostname", "domainname", "mounts", "hooks", "annotations", "linux", NULL};
    struct place version = {NULL, "ociVersion", 0};
    TRY(field_check_keys(json, NULL, known, err));
    const char *text = json_object_get_string(field_member(json, "ociVersion"));
    if (!text || strncmp(text, "1.", 2) != 0)
        return field_refuse(err, &version, "must be 1.x");
    TRY(parse_root(json, spec, err));
    TRY(field_string(json, NULL, "hostname", &spec->hostname, err));
    TRY(field_string(json, NULL, "domainname", &spec->domainname, err));
    TRY(parse_mounts(json, spec, err));
    TRY(parse_hooks(json, spec, err));
    TRY(parse_annotations(json, spec, err));
    TRY(parse_linux(json, spec, err));
    return field_member(json, "process") ? spec_process_parse(field_member(json, "process"), &spec->process, err) : 0;
}

static int read_config(const char *bundle, json_object **out, struct error *err)
{
    cleanup_close int directory = open(bundle, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        return fail_kind(err, errno == ENOENT ? "not-found" : "", errno, "open bundle %s", bundle);
    cleanup_close int file = openat(directory, "config.json", O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat info;
    if (file < 0 || fstat(file, &info) < 0)
        return fail_kind(err, errno == ENOENT ? "not-found" : "", errno, "open %s/config.json", bundle);
    if (!S_ISREG(info.st_mode) || info.st_size > CONFIG_MAX)
        return fail_kind(err, "invalid", 0, "%s/config.json is not a regular file of at most 16 MiB", bundle);
    cleanup_free char *text = malloc((size_t)info.st_size + 1);
    if (!text)
        return field_no_memory(err);
    size_t length = 0;
    ssize_t got = 1;
    while (length < (size_t)info.st_size && (got = read(file, text + length, (size_t)info.st_size - length)) > 0)
        length += (size_t)got;
    if (got < 0)
        return fail(err, errno, "read %s/config.json", bundle);
    text[length] = '\0';
    json_tokener *tokener = json_tokener_new_ex(64);
    if (!tokener)
        return field_no_memory(err);
    *out = json_tokener_parse_ex(tokener, text, (int)length + 1);
    enum json_tokener_error problem = json_tokener_get_error(tokener);
    size_t end = json_tokener_get_parse_end(tokener);
    json_tokener_free(tokener);
    while (end < length && strchr(" \t\r\n", text[end]))
        end++;
    if (problem != json_tokener_success || end < length)
        return fail_kind(err, "invalid", 0, "%s/config.json is not JSON: %s at byte %zu", bundle,
                         problem == json_tokener_success ? "more text after the end" : json_tokener_error_desc(problem), end);
    return 0;
}

int spec_load(const char *bundle, struct spec **out, struct error *err)
{
    cleanup_spec struct spec *spec = calloc(1, sizeof *spec);
    *out = NULL;
    if (!spec)
        return field_no_memory(err);
    spec->bundle = realpath(bundle, NULL);
    if (!spec->bundle) {
        fail_kind(err, errno == ENOENT ? "not-found" : "", errno, "open bundle %s", bundle);
        return in_step(err, "spec");
    }
    if (read_config(spec->bundle, &spec->raw, err) < 0 || parse_spec(spec->raw, spec, err) < 0)
        return in_step(err, "spec");
    *out = spec;
    spec = NULL;
    return 0;
}

void spec_free(struct spec *spec)
{
    if (!spec)
        return;
    free(spec->bundle);
    free(spec->rootfs);
    spec_process_free(spec->process);
    free(spec->hostname);
    free(spec->domainname);
    for (size_t i = 0; i < spec->mount_count; i++) {
        free(spec->mounts[i].destination);
        free(spec->mounts[i].type);
        free(spec->mounts[i].source);
        strings_free(spec->mounts[i].options);
        free(spec->mounts[i].uid_map);
        free(spec->mounts[i].gid_map);
    }
    free(spec->mounts);
    for (int kind = 0; kind < SPEC_NS_KINDS; kind++)
        free(spec->namespaces[kind].path);
    free(spec->uid_map);
    free(spec->gid_map);
    for (size_t i = 0; i < spec->device_count; i++)
        free(spec->devices[i].path);
    free(spec->devices);
    free(spec->cgroups_path);
    spec_resources_clear(&spec->resources);
    pairs_free(spec->sysctl, spec->sysctl_count);
    strings_free(spec->masked_paths);
    strings_free(spec->readonly_paths);
    json_object_put(spec->raw);
    free(spec);
}

const char *spec_annotation(const struct spec *spec, const char *key)
{
    return spec->annotations ? json_object_get_string(field_member(spec->annotations, key)) : NULL;
}
