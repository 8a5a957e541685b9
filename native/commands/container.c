#include "container.h"
#include "../base/cleanup.h"
#include "../base/sync.h"
#include "../kernel/apparmor.h"
#include "../kernel/beneath.h"
#include "../kernel/caps.h"
#include "../kernel/cgroup.h"
#include "../kernel/devices.h"
#include "../kernel/mounts.h"
#include "../kernel/namespaces.h"
#include "../kernel/process.h"
#include "../kernel/rootfs.h"
#include "../kernel/seccomp.h"
#include "../kernel/sysctl.h"
#include "../kernel/terminal.h"
#include "../kernel/user.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* All that parent and child both need, made before there are two of them. */
struct making {
    const struct spec *spec;
    struct spec_process *process; /* borrowed */
    const struct container_io *io;
    const struct spec_caps *caps;
    bool no_new_privileges;
    struct spec_caps all_caps;
    struct mount_sources sources;
    struct namespace_paths paths;
    struct seccomp_filter filter;
    struct cgroup_door door;
    bool born_in_leaf;
    bool maps; /* the child has ids only once the parent has mapped them */
    int null;
    int sync[2], go[2], outcome[2]; /* [0]: the one that reads, but for sync, where it is the parent's */
    bool groups_made;
};

static void making_clear(struct making *making)
{
    mount_sources_close(&making->sources);
    namespaces_close(&making->paths);
    seccomp_filter_clear(&making->filter);
    cgroup_door_close(&making->door);
    int *fds[] = {&making->null, &making->sync[0], &making->sync[1], &making->go[0], &making->go[1], &making->outcome[0], &making->outcome[1]};
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
        cleanup_close_(fds[i]);
}
#define cleanup_making __attribute__((cleanup(making_clear)))
#define MAKING_INIT {.door = CGROUP_DOOR_INIT, .sources = MOUNT_SOURCES_INIT, .null = -1, .sync = {-1, -1}, .go = {-1, -1}, .outcome = {-1, -1}, .paths = {{-1, -1, -1, -1, -1, -1, -1, -1}}}

/* ---- the child ---- */

static struct container_failure failure_of(const struct error *err)
{
    struct container_failure failure = {.errnum = err->errnum};
    snprintf(failure.step, sizeof failure.step, "%s", err->step);
    snprintf(failure.message, sizeof failure.message, "%s", err->message);
    return failure;
}

/* The container's own devpts, /dev/console on it, and 0, 1 and 2. The master goes to the parent. */
static int take_terminal(const struct making *making, int root, int *master, int *slave, struct error *err)
{
    const struct container_io *io = making->io;
    unsigned short rows = io->rows ? io->rows : making->process->rows, cols = io->cols ? io->cols : making->process->cols;
    TRY(terminal_open(root, master, slave, err));
    if (rows && cols)
        TRY(terminal_resize(*master, rows, cols, err));
    return 0;
}

static int take_streams(const struct making *making, int slave, struct error *err)
{
    const struct container_io *io = making->io;
    int streams[3] = {io->in >= 0 ? io->in : making->null, io->out >= 0 ? io->out : making->null, io->err >= 0 ? io->err : making->null};
    if (slave >= 0) {
        TRY(terminal_become(slave, err));
        streams[0] = streams[1] = streams[2] = slave;
    }
    return process_take_streams(streams, making->process, err);
}

/* Docker makes a working directory that the image does not have. */
static int make_cwd(int root, const char *cwd, struct error *err)
{
    struct error problem = {0};
    cleanup_close int present = open_in_root(root, cwd, O_PATH | O_DIRECTORY);
    if (present >= 0 || errno != ENOENT)
        return 0; /* what is wrong with it is said when it is entered */
    mode_t before = umask(0022);
    cleanup_close int made = make_in_root(root, cwd, true, &problem);
    umask(before);
    if (made < 0 && problem.errnum != EROFS)
        return fail_kind(err, "invalid", 0, "make the working directory %s: %.300s", cwd, problem.message);
    return 0;
}

static int set_names(const struct spec *spec, struct error *err)
{
    if (!spec->namespaces[SPEC_NS_UTS].wanted && (spec->hostname || spec->domainname))
        return fail_kind(err, "invalid", 0, "a hostname needs a uts namespace of the container's own");
    if (spec->hostname && sethostname(spec->hostname, strlen(spec->hostname)) < 0)
        return fail(err, errno, "set the hostname");
    if (spec->domainname && setdomainname(spec->domainname, strlen(spec->domainname)) < 0)
        return fail(err, errno, "set the domain name");
    return 0;
}

static int step(int status, const char *name, struct error *err)
{
    return status < 0 ? in_step(err, name) : 0;
}

/* The file system as the container will see it, and the terminal on it. */
static int build_root(const struct making *making, int *master, int *slave, struct error *err)
{
    const struct spec *spec = making->spec;
    int root = making->sources.root;
    TRY(step(rootfs_attach(spec, root, err), "rootfs", err));
    /* After the rootfs has been cut off from the host's mounts, before the host's /dev goes. */
    cleanup_close int null = device_open_null(err);
    TRY(step(null, "devices", err));
    TRY(step(mounts_apply(spec, root, &making->sources, err), "mounts", err));
    TRY(step(devices_apply(spec, root, err), "devices", err));
    TRY(step(sysctl_apply(spec, err), "sysctl", err));
    TRY(step(apparmor_apply(making->process->apparmor_profile, err), "apparmor", err));
    if (making->process->terminal) {
        TRY(step(take_terminal(making, root, master, slave, err), "terminal", err));
        TRY(step(terminal_bind_console(root, *slave, err), "terminal", err));
    }
    TRY(step(make_cwd(root, making->process->cwd, err), "cwd", err));
    TRY(step(user_set_home(root, making->process, err), "user", err));
    TRY(step(mounts_mask(spec, root, null, err), "masks", err));
    return step(rootfs_pivot(spec, root, err), "rootfs", err);
}

static int become_root_inside(const struct spec *spec, struct error *err)
{
    if (!spec->namespaces[SPEC_NS_USER].wanted)
        return 0;
    if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
        return fail(err, errno, "become root in the user namespace");
    return 0;
}

static int await_parent(const struct making *making, struct error *err)
{
    enum sync_kind kind;
    if (!making->maps)
        return 0;
    TRY(sync_receive(making->sync[1], &kind, NULL, 0, NULL, err));
    if (kind != SYNC_PROCEED)
        _exit(1); /* the parent gave up */
    return 0;
}

/* Root of a user namespace may not raise its limits, so its parent does. Elsewhere the process does it itself, while it still is who its parent
 * is: limits of another user's process take CAP_SYS_RESOURCE, which not every root has. */
static bool limits_are_ours(const struct making *making)
{
    return making->spec->namespaces[SPEC_NS_USER].wanted;
}

/* The user's identity, then the wait, then the program. What fails before the wait is told on the socket, after it on `outcome`. */
static int become_program(const struct making *making, int master, int slave, bool *waited, struct error *err)
{
    char *program;
    char byte;
    ssize_t length;
    TRY(step(take_streams(making, slave, err), "streams", err));
    if (!limits_are_ours(making))
        TRY(step(process_set_limits(0, making->process, err), "resource limits", err));
    TRY(step(process_become_user(making->process, making->caps, &program, err), "user", err));
    if (!making->io->gate && prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0) /* after the change of user, which clears it */
        return fail(err, errno, "ask to end with the parent");
    TRY(step(process_lock(making->caps, making->no_new_privileges, &making->filter, err), "seccomp", err));
    TRY(sync_send(making->sync[1], SYNC_READY, NULL, 0, master, err));
    *waited = true;
    cleanup_close_(&master);
    close(making->sync[1]);
    do
        length = read(making->go[0], &byte, 1);
    while (length < 0 && errno == EINTR);
    if (length != 1)
        _exit(0);
    return process_exec(making->process, program, -1, making->no_new_privileges, &making->filter, err);
}

static int set_up_container(const struct making *making, bool *waited, struct error *err)
{
    int master = -1, slave = -1;
    TRY(step(process_begin(err), "process", err));
    TRY(await_parent(making, err));
    TRY(step(become_root_inside(making->spec, err), "user namespace", err));
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    umask(0);
    TRY(step(namespaces_finish(making->spec, &making->paths, err), "namespaces", err));
    TRY(step(set_names(making->spec, err), "hostname", err));
    TRY(build_root(making, &master, &slave, err));
    return become_program(making, master, slave, waited, err);
}

static int set_up_exec(const struct making *making, bool *waited, struct error *err)
{
    int master = -1, slave = -1;
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    TRY(step(process_begin(err), "process", err));
    cleanup_close int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        return fail(err, errno, "open the container's root");
    TRY(step(become_root_inside(making->spec, err), "user namespace", err));
    TRY(step(apparmor_apply(making->process->apparmor_profile, err), "apparmor", err));
    if (making->process->terminal)
        TRY(step(take_terminal(making, root, &master, &slave, err), "terminal", err));
    TRY(step(user_set_home(root, making->process, err), "user", err));
    return become_program(making, master, slave, waited, err);
}

/* Never returns: it becomes the program, or says why not. */
static void child_main(struct making *making, int (*set_up)(const struct making *, bool *, struct error *))
{
    struct error err = {0}, ignored = {0};
    bool waited = false;
    cleanup_close_(&making->sync[0]);
    cleanup_close_(&making->go[1]);
    cleanup_close_(&making->outcome[0]);
    if (step(cgroup_enter(&making->door, making->born_in_leaf, &err), "cgroup", &err) == 0) {
        cgroup_door_close(&making->door);
        set_up(making, &waited, &err);
    }
    struct container_failure failure = failure_of(&err);
    if (!waited)
        sync_send(making->sync[1], SYNC_FAILED, &failure, sizeof failure, -1, &ignored);
    else if (write(making->outcome[1], &failure, sizeof failure) < 0)
        _exit(125);
    _exit(failure.errnum == ENOENT ? 127 : 126);
}

/* ---- the parent ---- */

static int make_pipes(struct making *making, struct error *err)
{
    const struct container_gate *gate = making->io->gate;
    TRY(sync_open(making->sync, err));
    making->null = open("/dev/null", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (making->null < 0)
        return fail(err, errno, "open /dev/null");
    if (gate) {
        making->go[0] = fcntl(gate->go, F_DUPFD_CLOEXEC, 3);
        making->outcome[1] = fcntl(gate->outcome, F_DUPFD_CLOEXEC, 3);
        return making->go[0] >= 0 && making->outcome[1] >= 0 ? 0 : fail(err, errno, "take over the gate");
    }
    return pipe2(making->go, O_CLOEXEC) == 0 && pipe2(making->outcome, O_CLOEXEC) == 0 ? 0 : fail(err, errno, "make a pipe");
}

static int hear_from_child(int socket, int *console, struct error *err)
{
    struct container_failure failure = {0};
    enum sync_kind kind;
    TRY(sync_receive(socket, &kind, &failure, sizeof failure, console, err));
    if (kind == SYNC_READY)
        return 0;
    if (kind != SYNC_FAILED)
        return fail(err, 0, "the container's process was killed while it was set up");
    failure.step[sizeof failure.step - 1] = failure.message[sizeof failure.message - 1] = '\0';
    fail_kind(err, failure.errnum == ENOENT || failure.errnum == EACCES || failure.errnum == EISDIR ? "invalid" : "", 0, "%s", failure.message);
    err->errnum = failure.errnum;
    return in_step(err, failure.step);
}

/* A child that waits for nobody may have failed by now: then that is the reason. */
static int after_child(struct making *making, int *console, struct error *err)
{
    struct error own = {0};
    if (!making->maps && hear_from_child(making->sync[0], console, &own) < 0)
        *err = own;
    return -1;
}

/* What only the parent may do to the child, then the child's own steps, up to the wait. */
static int bring_up(struct making *making, pid_t child, int *console, struct error *err)
{
    const struct spec *spec = making->spec;
    const struct spec_process *process = making->process;
    cleanup_close_(&making->sync[1]);
    making->sync[1] = -1;
    if (making->maps)
        TRY(step(namespaces_map_ids(spec, child, err), "user namespace", err));
    if (process->has_oom_score_adj && step(process_set_oom_score(child, process->oom_score_adj, err), "oom score", err) < 0)
        return after_child(making, console, err);
    if (making->maps)
        TRY(sync_send(making->sync[0], SYNC_PROCEED, NULL, 0, -1, err));
    TRY(hear_from_child(making->sync[0], console, err));
    return limits_are_ours(making) ? step(process_set_limits(child, process, err), "resource limits", err) : 0;
}

static void hand_back(struct making *making, pid_t pid, int pidfd, int console, struct container_child *child)
{
    *child = (struct container_child){.pid = pid, .pidfd = pidfd, .console = console, .go = steal_fd(&making->go[1]), .outcome = steal_fd(&making->outcome[0]),
                                      .door = CGROUP_DOOR_INIT};
    if (making->io->gate)
        return;
    child->door = making->door;
    making->door = (struct cgroup_door)CGROUP_DOOR_INIT;
    child->filter = making->filter;
    making->filter = (struct seccomp_filter){0};
}

static void give_up(pid_t pid, int pidfd, int console)
{
    kill(pid, SIGKILL); /* our own child, not waited for: the pid is its own */
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    cleanup_close_(&pidfd);
    cleanup_close_(&console);
}

static int prepare(struct making *making, struct error *err)
{
    const struct spec *spec = making->spec;
    if (!making->process)
        return fail_kind(err, "invalid", 0, "config.json: has no process");
    TRY(step(namespaces_open(spec, &making->paths, err), "namespaces", err));
    TRY(step(apparmor_check(making->process->apparmor_profile, err), "apparmor", err));
    TRY(step(seccomp_prepare(spec->seccomp, &making->filter, err), "seccomp", err));
    TRY(step(mount_sources_open(spec, &making->sources, err), "mounts", err));
    TRY(make_pipes(making, err));
    if (spec->cgroups_path) {
        making->groups_made = true;
        TRY(step(cgroup_create(spec->cgroups_path, &spec->resources, &making->door, err), "cgroup", err));
    }
    return 0;
}

static int create(struct making *making, struct container_child *child, struct error *err)
{
    int pidfd = -1, console = -1;
    TRY(prepare(making, err));
    making->maps = making->spec->namespaces[SPEC_NS_USER].wanted && !making->spec->namespaces[SPEC_NS_USER].path;
    pid_t pid = namespaces_fork(making->spec, &making->paths, making->door.leaf, &making->born_in_leaf, &pidfd, err);
    if (pid == 0)
        child_main(making, set_up_container);
    TRY(step(pid, "namespaces", err));
    if (bring_up(making, pid, &console, err) < 0) {
        give_up(pid, pidfd, console);
        return -1;
    }
    hand_back(making, pid, pidfd, console, child);
    return 0;
}

int container_create(const struct spec *spec, const struct container_io *io, struct container_child *child, struct error *err)
{
    cleanup_making struct making making = MAKING_INIT;
    making.spec = spec;
    making.process = spec->process;
    making.io = io;
    if (spec->process) {
        making.caps = &spec->process->caps;
        making.no_new_privileges = spec->process->no_new_privileges;
    }
    if (create(&making, child, err) == 0)
        return 0;
    struct error ignored = {0};
    if (making.groups_made)
        cgroup_delete(spec->cgroups_path, &ignored);
    return -1;
}

static int open_target(const struct container_target *target, struct error *err)
{
    cleanup_close int pidfd = pidfd_open(target->pid, 0);
    if (pidfd < 0)
        return fail_kind(err, errno == ESRCH ? "conflict" : "", errno, "find the container's first process");
    /* Read after the descriptor was opened: if it is the right one now, the descriptor is. */
    if (target->start_time && process_start_time(target->pid) != target->start_time)
        return fail_kind(err, "conflict", ESRCH, "find the container's first process");
    return steal_fd(&pidfd);
}

/* What the process needs on its way, and nothing else of ours. */
static size_t list_descriptors(const struct making *making, int *fds)
{
    const int some[] = {making->sync[1], making->go[0], making->outcome[1], making->null, making->io->in, making->io->out, making->io->err, making->door.leaf_list};
    size_t count = sizeof some / sizeof *some;
    memcpy(fds, some, sizeof some);
    memcpy(fds + count, making->door.lists, making->door.count * sizeof *fds);
    return count + making->door.count;
}

static int exec_in(struct making *making, const struct container_target *target, struct container_child *child, struct error *err)
{
    int pidfd = -1, console = -1;
    cleanup_close int target_pidfd = open_target(target, err);
    TRY(step(target_pidfd, "container", err));
    TRY(step(apparmor_check(making->process->apparmor_profile, err), "apparmor", err));
    if (!target->privileged)
        TRY(step(seccomp_prepare(making->spec->seccomp, &making->filter, err), "seccomp", err));
    TRY(make_pipes(making, err));
    if (making->spec->cgroups_path)
        TRY(step(cgroup_open(making->spec->cgroups_path, &making->door, err), "cgroup", err));
    int kept[8 + HIERARCHIES_MAX];
    size_t kept_count = list_descriptors(making, kept);
    pid_t pid = namespaces_fork_into(target->pid, target_pidfd, making->door.leaf, kept, kept_count, &making->born_in_leaf, &pidfd, err);
    if (pid == 0)
        child_main(making, set_up_exec);
    TRY(step(pid, "namespaces", err));
    if (bring_up(making, pid, &console, err) < 0) {
        give_up(pid, pidfd, console);
        return -1;
    }
    hand_back(making, pid, pidfd, console, child);
    return 0;
}

int container_exec(const struct container_target *target, const struct spec_process *process, const struct container_io *io,
                   struct container_child *child, struct error *err)
{
    cleanup_making struct making making = MAKING_INIT;
    const struct spec_process *own = target->spec->process;
    struct spec_process copy = *process; /* what it leaves open is the container's */
    if (copy.rlimit_count == 0 && own) {
        copy.rlimits = own->rlimits;
        copy.rlimit_count = own->rlimit_count;
    }
    if (!copy.has_oom_score_adj && own) {
        copy.has_oom_score_adj = own->has_oom_score_adj;
        copy.oom_score_adj = own->oom_score_adj;
    }
    if (!copy.apparmor_profile && own && !target->privileged)
        copy.apparmor_profile = own->apparmor_profile;
    making.spec = target->spec;
    making.process = &copy;
    making.io = io;
    making.all_caps = caps_all();
    making.caps = target->privileged ? &making.all_caps : &copy.caps;
    making.no_new_privileges = copy.no_new_privileges || (own && own->no_new_privileges && !target->privileged);
    return exec_in(&making, target, child, err);
}
