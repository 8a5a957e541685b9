/* commands/steer.c: what concerns all of a container's processes, and what remains of them. */
#include "launch.h"

#include "../base/cleanup.h"
#include "../kernel/cgroup.h"
#include "../kernel/tree.h"
#include "server.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>

/* A container by its id, and what launch.c remembered of it. */
struct subject {
    const char *id;
    char state_dir[PATH_MAX];
    char cgroup[PATH_MAX];
    json_object *launch;
};

static int find(const struct request *request, const char *kind, struct subject *subject, struct error *err)
{
    TRY(request_string(request, "id", &subject->id, err));
    if (strspn(subject->id, "0123456789abcdef") != 64 || subject->id[64] != '\0')
        return fail_kind(err, "invalid", 0, "the request's \"id\" must be 64 hexadecimal digits");
    snprintf(subject->state_dir, sizeof subject->state_dir, "%s/%s/%.16s", request->run_dir, kind, subject->id);
    subject->launch = state_read(subject->state_dir, "launch.json");
    const char *cgroup = json_object_get_string(json_object_object_get(subject->launch, "cgroup"));
    if (cgroup)
        snprintf(subject->cgroup, sizeof subject->cgroup, "%s", cgroup);
    else
        snprintf(subject->cgroup, sizeof subject->cgroup, "slipway/%s", subject->id);
    return 0;
}

/* Where there are no cgroups, the end of its first process is the end of a pid namespace. */
static void kill_first_process(const struct subject *subject)
{
    json_object *monitor = state_read(subject->state_dir, "monitor.json");
    json_object *container = json_object_object_get(monitor, "container");
    pid_t pid = json_object_get_int(json_object_object_get(container, "pid"));
    int64_t started = json_object_get_int64(json_object_object_get(container, "startTime"));
    cleanup_close int pidfd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
    if (pidfd >= 0 && launch_start_time(pid) == started)
        syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
    json_object_put(monitor);
}

int signal_all_op(struct request *request, struct error *err)
{
    struct subject subject;
    TRY(find(request, "c", &subject, err));
    kill_first_process(&subject);
    return cgroup_kill_all(subject.cgroup, err);
}

int freeze_op(struct request *request, struct error *err)
{
    struct subject subject;
    TRY(find(request, "c", &subject, err));
    return cgroup_freeze(subject.cgroup, true, err);
}

int thaw_op(struct request *request, struct error *err)
{
    struct subject subject;
    TRY(find(request, "c", &subject, err));
    return cgroup_freeze(subject.cgroup, false, err);
}

int update_op(struct request *request, struct error *err)
{
    struct subject subject;
    struct spec_resources resources = {0};
    TRY(find(request, "c", &subject, err));
    json_object *json = json_object_object_get(request->fields, "resources");
    if (!json_object_is_type(json, json_type_object))
        return fail_kind(err, "invalid", 0, "the request's \"resources\" must be an object");
    int status = spec_resources_parse(json, &resources, err);
    if (status == 0)
        status = cgroup_update(subject.cgroup, &resources, err);
    spec_resources_clear(&resources);
    return status;
}

int delete_op(struct request *request, struct error *err)
{
    struct subject subject;
    struct error ignored = {0};
    bool exec;

    TRY(request_bool(request, "exec", false, &exec, err));
    TRY(find(request, exec ? "x" : "c", &subject, err));
    kill_first_process(&subject);
    if (!exec) {
        const char *runtime = json_object_get_string(json_object_object_get(subject.launch, "runtime")),
                   *root = json_object_get_string(json_object_object_get(subject.launch, "root"));
        if (runtime && root)
            foreign_delete(runtime, root, subject.id, &ignored); /* what it does not know any more is gone */
        TRY(cgroup_delete(subject.cgroup, err));
    }
    return tree_remove(AT_FDCWD, subject.state_dir, err);
}
