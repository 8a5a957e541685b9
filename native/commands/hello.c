/* commands/hello.c: what this helper and this machine can do, found out once. */
#include "server.h"

#include "../base/cleanup.h"
#include "../kernel/apparmor.h"
#include "../kernel/cgroup.h"
#include "../kernel/fuse-overlay.h"
#include "../kernel/overlay.h"
#include "live.h"

#include <inttypes.h>
#include <string.h>
#include <sys/utsname.h>

#define PROTOCOL 1

static json_object *id_map(const char *path, int64_t *total)
{
    json_object *map = json_object_new_array();
    cleanup_fclose FILE *file = fopen(path, "re");
    uint32_t inside, outside, length;
    *total = 0;
    while (file && fscanf(file, "%" SCNu32 " %" SCNu32 " %" SCNu32, &inside, &outside, &length) == 3) {
        json_object *range = json_object_new_array();
        json_object_array_add(range, json_object_new_int64(inside));
        json_object_array_add(range, json_object_new_int64(outside));
        json_object_array_add(range, json_object_new_int64(length));
        json_object_array_add(map, range);
        *total += length;
    }
    return map;
}

static json_object *controllers(const char *names)
{
    json_object *list = json_object_new_array();
    for (const char *at = names; *at; at += strspn(at, " ")) {
        size_t length = strcspn(at, " ");
        if (length > 0)
            json_object_array_add(list, json_object_new_string_len(at, (int)length));
        at += length;
    }
    return list;
}

static void warn(json_object *warnings, const char *text)
{
    json_object_array_add(warnings, json_object_new_string(text));
}

json_object *hello_describe(void)
{
    json_object *hello = json_object_new_object(), *cgroup = json_object_new_object(), *overlay = json_object_new_object(),
                *warnings = json_object_new_array();
    struct cgroup_support support = {0};
    struct utsname kernel;
    int64_t uids, gids;

    uname(&kernel);
    cgroup_probe(&support);
    const char *scratch = access(server.data_root, W_OK) == 0 ? server.data_root : server.run_dir;
    bool fuse = fuse_overlay_works(), native = server.stacks = overlay_works(scratch, server.rootless, false), idmapped = native && !server.rootless && overlay_works(scratch, false, true);

    json_object_object_add(hello, "version", json_object_new_int(PROTOCOL));
    json_object_object_add(hello, "pid", json_object_new_int(getpid()));
    json_object_object_add(hello, "rootless", json_object_new_boolean(server.rootless));
    json_object_object_add(hello, "uidMap", id_map("/proc/self/uid_map", &uids));
    json_object_object_add(hello, "gidMap", id_map("/proc/self/gid_map", &gids));
    json_object_object_add(cgroup, "version", json_object_new_int(support.version));
    json_object_object_add(cgroup, "controllers", controllers(support.controllers));
    json_object_object_add(cgroup, "limits", json_object_new_boolean(support.limits));
    json_object_object_add(cgroup, "ioWeights", json_object_new_boolean(support.io_weights));
    json_object_object_add(cgroup, "swap", json_object_new_boolean(support.swap));
    json_object_object_add(hello, "cgroup", cgroup);
    json_object_object_add(overlay, "native", json_object_new_boolean(native));
    json_object_object_add(overlay, "idmapped", json_object_new_boolean(idmapped));
    json_object_object_add(overlay, "fuse", json_object_new_boolean(fuse));
    json_object_object_add(overlay, "userxattr", json_object_new_boolean(server.rootless));
    json_object_object_add(hello, "overlay", overlay);
    json_object_object_add(hello, "liveMounts", json_object_new_boolean(mounts_can_be_live(scratch)));
    json_object_object_add(hello, "apparmor", json_object_new_boolean(apparmor_enabled()));
    json_object_object_add(hello, "kernel", json_object_new_string(kernel.release));

    if (server.rootless && (uids == 1 || gids == 1))
        warn(warnings, "Only one user id is available inside containers: install uidmap and give yourself a range in /etc/subuid and "
                       "/etc/subgid (usermod --add-subuids 100000-165535 --add-subgids 100000-165535 YOU)");
    if (server.rootless && !support.limits)
        warn(warnings, support.version == 2
                           ? "No limits for memory, CPU and processes: no cgroup is delegated to you (a systemd user session gives one)"
                           : "No limits for memory, CPU and processes: an ordinary user has them on cgroup v2 only, and this machine runs "
                             "cgroup v1");
    json_object_object_add(hello, "warnings", warnings);
    return hello;
}

int hello_op(struct request *request, struct error *err)
{
    (void)err;
    json_object_object_foreach(server.hello, name, value) json_object_object_add(request->reply, name, json_object_get(value));
    return 0;
}
