#include "cgroup.h"
#include "../base/cleanup.h"
#include "beneath.h"
#include "cgroup-backends.h"
#include "mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>

#define CGROUP_ROOT "/sys/fs/cgroup"

#define RULE(type, major, minor, access) {true, type, major, minor, access}
#define ALL_ACCESS (SPEC_ACCESS_MKNOD | SPEC_ACCESS_READ | SPEC_ACCESS_WRITE)
const struct spec_device_rule cgroup_default_devices[] = {
    RULE('c', -1, -1, SPEC_ACCESS_MKNOD), RULE('b', -1, -1, SPEC_ACCESS_MKNOD),
    RULE('c', 1, 3, ALL_ACCESS), /* null */
    RULE('c', 1, 5, ALL_ACCESS), /* zero */
    RULE('c', 1, 7, ALL_ACCESS), /* full */
    RULE('c', 1, 8, ALL_ACCESS), /* random */
    RULE('c', 1, 9, ALL_ACCESS), /* urandom */
    RULE('c', 5, 0, ALL_ACCESS), /* tty */
    RULE('c', 5, 1, ALL_ACCESS), /* console */
    RULE('c', 5, 2, ALL_ACCESS), /* ptmx */
    RULE('c', 136, -1, ALL_ACCESS),
};
const size_t cgroup_default_device_count = sizeof cgroup_default_devices / sizeof *cgroup_default_devices;

int cgroup_write(int group, const char *file, struct error *err, const char *format, ...)
{
    char text[8192];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (length < 0 || (size_t)length >= sizeof text)
        return fail_kind(err, "invalid", 0, "the value for %s is too long", file);
    cleanup_close int fd = openat(group, file, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 && errno == ENOENT)
        return fail_kind(err, "not-implemented", 0, "this machine cannot limit %s for containers", file);
    if (fd < 0)
        return fail(err, errno, "open %s", file);
    if (write(fd, text, (size_t)length) < 0)
        return fail_kind(err, errno == EINVAL || errno == ERANGE ? "invalid" : "", errno, "set %s to %.200s", file, text);
    return 0;
}

bool cgroup_read(int group, const char *file, char *out, size_t size)
{
    cleanup_close int fd = openat(group, file, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : read(fd, out, size - 1);
    out[length > 0 ? length : 0] = '\0';
    return length >= 0;
}

/* ---- the hierarchies of this machine ---- */

struct hierarchy {
    char name[64]; /* the directory's: "memory", "cpu,cpuacct", "systemd"; "" on pure v2 */
    bool unified;
    int root; /* where our containers' groups begin; -1: nowhere */
};

struct hierarchies {
    struct hierarchy items[HIERARCHIES_MAX];
    size_t count;
    bool pure; /* v2 alone */
};

static void close_hierarchies(struct hierarchies *all)
{
    for (size_t i = 0; i < all->count; i++)
        cleanup_close_(&all->items[i].root);
}
#define cleanup_hierarchies __attribute__((cleanup(close_hierarchies)))

/* An ordinary user may make groups in what systemd handed to the user's manager, and in nothing else. Writes the path of that, or nothing. */
static bool delegated_path(char *out, size_t size)
{
    char text[4096];
    if (!cgroup_read(AT_FDCWD, "/proc/self/cgroup", text, sizeof text))
        return false;
    char *line = strstr(text, "0::/");
    if (!line)
        return false;
    line += 3;
    line[strcspn(line, "\n")] = '\0';
    char *manager = strstr(line, "/user@");
    if (!manager)
        return false;
    manager += 1;
    manager[strcspn(manager, "/")] = '\0';
    return snprintf(out, size, "%s", line + 1) < (int)size;
}

static int open_writable(int root, const char *path)
{
    cleanup_close int fd = open_how(root, path, O_PATH | O_DIRECTORY, 0, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
    return fd >= 0 && faccessat(fd, "cgroup.procs", W_OK, AT_EACCESS) == 0 ? steal_fd(&fd) : -1;
}

static void add_hierarchy(struct hierarchies *all, const char *name, int parent, const char *path, bool unified)
{
    struct hierarchy *item = &all->items[all->count];
    char delegated[PATH_MAX];
    cleanup_close int mount = open_how(parent, path, O_PATH | O_DIRECTORY, 0, RESOLVE_NO_SYMLINKS);
    if (mount < 0 || all->count == HIERARCHIES_MAX)
        return;
    item->unified = unified;
    snprintf(item->name, sizeof item->name, "%s", name);
    item->root = open_writable(mount, ".");
    if (item->root < 0 && unified && delegated_path(delegated, sizeof delegated))
        item->root = open_writable(mount, delegated);
    all->count++;
}

static void find_hierarchies(struct hierarchies *all)
{
    struct statfs info;
    memset(all, 0, sizeof *all);
    cleanup_closedir DIR *directory = opendir(CGROUP_ROOT);
    if (!directory || fstatfs(dirfd(directory), &info) < 0)
        return;
    if ((long)info.f_type == CGROUP2_SUPER_MAGIC) {
        all->pure = true;
        add_hierarchy(all, "", dirfd(directory), ".", true);
        return;
    }
    for (struct dirent *entry; (entry = readdir(directory));) {
        cleanup_close int fd = entry->d_name[0] == '.' ? -1 : openat(dirfd(directory), entry->d_name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 || fstatfs(fd, &info) < 0)
            continue; /* "cpu" may be a symlink to "cpu,cpuacct" */
        if ((long)info.f_type == CGROUP2_SUPER_MAGIC || (long)info.f_type == CGROUP_SUPER_MAGIC)
            add_hierarchy(all, entry->d_name, dirfd(directory), entry->d_name, (long)info.f_type == CGROUP2_SUPER_MAGIC);
    }
}

static bool has_controller(const char *names, const char *controller)
{
    size_t length = strlen(controller);
    for (const char *name = names; *name; name += strcspn(name, ", \n"), name += strspn(name, ", \n"))
        if (strncmp(name, controller, length) == 0 && strchr(", \n", name[length]))
            return true;
    return false;
}

/* ---- a container's group in one of them ---- */

static int check_path(const char *path, struct error *err)
{
    if (strlen(path) > 1024)
        return fail_kind(err, "invalid", 0, "the cgroup path is too long");
    for (const char *part = path; *part; part += strcspn(part, "/"), part += strspn(part, "/"))
        if (part[0] == '.' && (part[1 + (part[1] == '.')] == '/' || part[1 + (part[1] == '.')] == '\0'))
            return fail_kind(err, "invalid", 0, "the cgroup path %s must not have . or .. in it", path);
    if (path[strspn(path, "/")] == '\0')
        return fail_kind(err, "invalid", 0, "the cgroup path is empty");
    return 0;
}

static int open_group(const struct hierarchy *hierarchy, const char *path)
{
    if (hierarchy->root < 0) {
        errno = ENOENT;
        return -1;
    }
    return open_how(hierarchy->root, path + strspn(path, "/"), O_RDONLY | O_DIRECTORY, 0, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
}

/* Makes one level; returns its descriptor. */
static int make_level(const struct hierarchy *hierarchy, int parent, const char *name, struct error *err)
{
    if (hierarchy->unified)
        cgroup_v2_enable(parent);
    if (mkdirat(parent, name, 0755) < 0 && errno != EEXIST)
        return fail(err, errno, "make the cgroup %s in %s", name, hierarchy->name[0] ? hierarchy->name : "the unified hierarchy");
    cleanup_close int group = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (group < 0)
        return fail(err, errno, "open the cgroup %s", name);
    if (has_controller(hierarchy->name, "cpuset") && !hierarchy->unified)
        TRY(cgroup_v1_inherit_cpuset(parent, group, err));
    return steal_fd(&group);
}

static int make_group(const struct hierarchy *hierarchy, const char *path, struct error *err)
{
    cleanup_close int group = openat(hierarchy->root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (group < 0)
        return fail(err, errno, "open the cgroup hierarchy %s", hierarchy->name);
    for (const char *part = path + strspn(path, "/"); *part;) {
        char name[NAME_MAX + 1];
        size_t length = strcspn(part, "/");
        if (length > NAME_MAX)
            return fail_kind(err, "invalid", 0, "the cgroup path %s has too long a name in it", path);
        memcpy(name, part, length);
        name[length] = '\0';
        int next = make_level(hierarchy, group, name, err);
        if (next < 0)
            return -1;
        close(group);
        group = next;
        part += length + strspn(part + length, "/");
    }
    return steal_fd(&group);
}

static int apply(const struct hierarchies *all, const struct hierarchy *hierarchy, int group, const struct spec_resources *resources, bool fresh,
                 struct error *err)
{
    if (hierarchy->unified) {
        if (!all->pure)
            return 0; /* the hybrid's unified tree has no controllers for us */
        TRY(cgroup_v2_apply(group, resources, fresh, err));
        /* Only real root may attach programs; an ordinary user could not open a device file anyway. */
        return fresh && geteuid() == 0 && hierarchy->root >= 0 && faccessat(AT_FDCWD, CGROUP_ROOT "/cgroup.procs", W_OK, AT_EACCESS) == 0
                   ? cgroup_v2_set_devices(group, resources, err)
                   : 0;
    }
    char names[64];
    char *rest = NULL;
    snprintf(names, sizeof names, "%s", hierarchy->name);
    for (char *name = strtok_r(names, ",", &rest); name; name = strtok_r(NULL, ",", &rest))
        TRY(cgroup_v1_apply(group, name, resources, fresh, err));
    return 0;
}

static const char *first_limit(const struct spec_resources *resources)
{
    if (resources->memory_limit.set || resources->memory_reservation.set || resources->memory_swap.set || resources->memory_swappiness.set ||
        resources->memory_disable_oom_killer.set)
        return "memory";
    if (resources->cpu_shares.set || resources->cpu_quota.set || resources->cpu_period.set || resources->cpu_burst.set || resources->cpu_idle.set ||
        resources->cpu_realtime_runtime.set || resources->cpu_realtime_period.set)
        return "cpu time";
    if ((resources->cpuset_cpus && resources->cpuset_cpus[0]) || (resources->cpuset_mems && resources->cpuset_mems[0]))
        return "the set of cpus";
    if (resources->pids_limit.set && resources->pids_limit.value > 0)
        return "the number of processes";
    if (resources->io_weight.set || resources->io_weight_device.count || resources->io_read_bps.count || resources->io_write_bps.count ||
        resources->io_read_iops.count || resources->io_write_iops.count)
        return "block device traffic";
    return resources->unified_count ? resources->unified[0].name : resources->hugepage_count ? "huge pages" : NULL;
}

/* A limit that nobody enforces is worse than an error. */
static int check_enforced(const struct hierarchies *all, const struct spec_resources *resources, struct error *err)
{
    static const struct {
        const char *controller;
        size_t offset;
    } single[] = {{"memory", offsetof(struct spec_resources, memory_limit)},
                  {"cpu", offsetof(struct spec_resources, cpu_quota)},
                  {"pids", offsetof(struct spec_resources, pids_limit)}};
    bool any = false;
    for (size_t i = 0; i < all->count; i++)
        any = any || (all->items[i].root >= 0 && (all->pure || !all->items[i].unified));
    const char *limit = first_limit(resources);
    if (!any && limit)
        return fail_kind(err, "not-implemented", 0, "limiting %s needs cgroups, and no cgroup is delegated to this user", limit);
    if (all->pure)
        return 0; /* a file that is not there says so by itself */
    if (resources->unified_count)
        return fail_kind(err, "not-implemented", 0, "the cgroup v2 setting %s needs a machine with cgroup v2 alone", resources->unified[0].name);
    for (size_t n = 0; n < sizeof single / sizeof *single; n++) {
        const struct spec_number *number = (const void *)((const char *)resources + single[n].offset);
        bool found = false;
        for (size_t i = 0; i < all->count; i++)
            found = found || (all->items[i].root >= 0 && has_controller(all->items[i].name, single[n].controller));
        if (number->set && number->value > 0 && !found)
            return fail_kind(err, "not-implemented", 0, "this machine has no %s cgroup to set a limit with", single[n].controller);
    }
    return 0;
}

void cgroup_door_close(struct cgroup_door *door)
{
    cleanup_close_(&door->leaf);
    cleanup_close_(&door->leaf_list);
    while (door->count > 0)
        close(door->lists[--door->count]);
}

/* On v1 `tasks` takes the one thread that writes 0 to it without the lock that cgroup.procs needs. */
static int add_to_door(const struct hierarchy *hierarchy, int *group, struct cgroup_door *door, struct error *err)
{
    int list = openat(*group, hierarchy->unified ? "cgroup.procs" : "tasks", O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    if (list < 0)
        return fail(err, errno, "open the list of processes in %s", hierarchy->name[0] ? hierarchy->name : "the unified hierarchy");
    if (hierarchy->unified && door->leaf < 0) {
        door->leaf = steal_fd(group);
        door->leaf_list = list;
    } else {
        door->lists[door->count++] = list;
    }
    return 0;
}

int cgroup_create(const char *path, const struct spec_resources *resources, struct cgroup_door *door, struct error *err)
{
    cleanup_hierarchies struct hierarchies all = {.count = 0};
    TRY(check_path(path, err));
    find_hierarchies(&all);
    TRY(check_enforced(&all, resources, err));
    for (size_t i = 0; i < all.count; i++) {
        if (all.items[i].root < 0)
            continue;
        cleanup_close int group = make_group(&all.items[i], path, err);
        if (group < 0 || apply(&all, &all.items[i], group, resources, true, err) < 0)
            return -1;
        TRY(add_to_door(&all.items[i], &group, door, err));
    }
    return 0;
}

int cgroup_update(const char *path, const struct spec_resources *resources, struct error *err)
{
    cleanup_hierarchies struct hierarchies all = {.count = 0};
    TRY(check_path(path, err));
    find_hierarchies(&all);
    TRY(check_enforced(&all, resources, err));
    for (size_t i = 0; i < all.count; i++) {
        cleanup_close int group = open_group(&all.items[i], path);
        if (group >= 0)
            TRY(apply(&all, &all.items[i], group, resources, false, err));
    }
    return 0;
}

int cgroup_open(const char *path, struct cgroup_door *door, struct error *err)
{
    cleanup_hierarchies struct hierarchies all = {.count = 0};
    TRY(check_path(path, err));
    find_hierarchies(&all);
    for (size_t i = 0; i < all.count; i++) {
        cleanup_close int group = open_group(&all.items[i], path);
        if (group < 0 && errno == ENOENT)
            continue;
        if (group < 0)
            return fail(err, errno, "open the cgroup %s in %s", path, all.items[i].name);
        TRY(add_to_door(&all.items[i], &group, door, err));
    }
    return 0;
}

int cgroup_enter(const struct cgroup_door *door, bool born_in_leaf, struct error *err)
{
    for (size_t i = 0; i < door->count; i++)
        if (write(door->lists[i], "0", 1) < 0)
            return fail(err, errno, "enter the cgroup");
    if (door->leaf_list >= 0 && !born_in_leaf && write(door->leaf_list, "0", 1) < 0)
        return fail(err, errno, "enter the cgroup");
    return 0;
}

/* ---- everything inside ---- */

/* The hierarchy to ask about a container: the unified one where it has a group there, else any. */
static int open_any_group(const struct hierarchies *all, const char *path, const char *controller, bool *unified)
{
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < all->count; i++) {
            if ((pass == 0) != all->items[i].unified || (pass == 1 && controller && !has_controller(all->items[i].name, controller)))
                continue;
            int group = open_group(&all->items[i], path);
            *unified = all->items[i].unified;
            if (group >= 0)
                return group;
        }
    return -1;
}

static int open_freezer(const char *path, bool *unified, struct hierarchies *all)
{
    find_hierarchies(all);
    int group = open_any_group(all, path, "freezer", unified);
    if (group >= 0 && *unified && faccessat(group, "cgroup.freeze", F_OK, 0) < 0) {
        close(group);
        group = -1;
    }
    return group;
}

static bool group_frozen(int group, bool unified)
{
    char text[256];
    if (unified)
        return cgroup_read(group, "cgroup.events", text, sizeof text) && strstr(text, "frozen 1");
    return cgroup_read(group, "freezer.state", text, sizeof text) && strncmp(text, "FROZEN", 6) == 0;
}

static void pause_ms(long ms)
{
    nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

int cgroup_freeze(const char *path, bool frozen, struct error *err)
{
    cleanup_hierarchies struct hierarchies all = {.count = 0};
    bool unified;
    TRY(check_path(path, err));
    cleanup_close int group = open_freezer(path, &unified, &all);
    if (group < 0)
        return fail_kind(err, "not-implemented", 0, "pausing needs a cgroup, and this container has none");
    if (unified)
        TRY(cgroup_write(group, "cgroup.freeze", err, "%d", frozen));
    for (int tries = 0; tries < 1000; tries++) {
        if (!unified)
            TRY(cgroup_write(group, "freezer.state", err, frozen ? "FROZEN" : "THAWED")); /* v1 may need asking again */
        if (group_frozen(group, unified) == frozen)
            return 0;
        pause_ms(tries < 20 ? 1 : 10);
    }
    struct error ignored = {0};
    if (frozen)
        cgroup_write(group, unified ? "cgroup.freeze" : "freezer.state", &ignored, unified ? "0" : "THAWED");
    return fail_kind(err, "system", ETIMEDOUT, frozen ? "pause the container" : "go on with the container");
}

bool cgroup_frozen(const char *path)
{
    cleanup_hierarchies struct hierarchies all = {.count = 0};
    bool unified;
    struct error ignored = {0};
    if (check_path(path, &ignored) < 0)
        return false;
    cleanup_close int group = open_freezer(path, &unified, &all);
    return group >= 0 && group_frozen(group, unified);
}

static int append_processes(int group, pid_t **pids, size_t *count, struct error *err)
{
    int fd = openat(group, "cgroup.procs", O_RDONLY | O_CLOEXEC);
    cleanup_fclose FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
    if (!file) {
        cleanup_close_(&fd);
        return errno == ENOENT || errno == ENODEV ? 0 : fail(err, errno, "open cgroup.procs");
    }
    for (int pid; fscanf(file, "%d", &pid) == 1;) {
        if (*count % 64 == 0) {
            pid_t *grown = realloc(*pids, (*count + 64) * sizeof *grown);
            if (!grown)
                return fail(err, ENOMEM, "list the processes");
            *pids = grown;
        }
        (*pids)[(*count)++] = pid;
    }
    return 0;
}

/* Calls `visit` for the groups below this one, deepest first. */
static int each_child(int group, int depth, int (*visit)(int parent, const char *name, int child, void *data, struct error *err), void *data,
                      struct error *err)
{
    int copy = openat(group, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cleanup_closedir DIR *directory = copy < 0 ? NULL : fdopendir(copy);
    if (!directory || depth > 64) {
        if (!directory)
            cleanup_close_(&copy);
        return 0;
    }
    for (struct dirent *entry; (entry = readdir(directory));) {
        if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
            continue;
        cleanup_close int child = openat(group, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (child < 0)
            continue;
        TRY(each_child(child, depth + 1, visit, data, err));
        TRY(visit(group, entry->d_name, child, data, err));
    }
    return 0;
}

struct process_list {
    pid_t **pids;
    size_t *count;
};

static int visit_processes(int parent, const char *name, int child, void *data, struct error *err)
{
    struct process_list *list = data;
    (void)parent, (void)name;
    return append_processes(child, list->pids, list->count, err);
}

static int list_processes(int group, pid_t **pids, size_t *count, struct error *err)
{
    struct process_list list = {pids, count};
    TRY(append_processes(group, pids, count, err));
    return each_child(group, 0, visit_processes, &list, err);
}

void cgroup_tidy(const char *path)
{
    cleanup_hierarchies struct hierarchies all;
    find_hierarchies(&all);
    for (size_t i = 0; i < all.count; i++)
        if (all.items[i].root >= 0)
            unlinkat(all.items[i].root, path, AT_REMOVEDIR);
}

int cgroup_processes(const char *path, pid_t **pids, size_t *count, struct error *err)
{
    cleanup_hierarchies struct hierarchies all = {.count = 0};
    bool unified;
    *pids = NULL;
    *count = 0;
    TRY(check_path(path, err));
    find_hierarchies(&all);
    cleanup_close int group = open_any_group(&all, path, NULL, &unified);
    return group < 0 ? 0 : list_processes(group, pids, count, err);
}

static int kill_listed(int group, size_t *killed, struct error *err)
{
    cleanup_free pid_t *pids = NULL;
    *killed = 0;
    TRY(list_processes(group, &pids, killed, err));
    for (size_t i = 0; i < *killed; i++)
        if (pids[i] > 1)
            kill(pids[i], SIGKILL);
    return 0;
}

int cgroup_kill_all(const char *path, struct error *err)
{
    cleanup_hierarchies struct hierarchies all = {.count = 0};
    struct error ignored = {0};
    bool unified;
    size_t killed = 0;
    TRY(check_path(path, err));
    find_hierarchies(&all);
    cleanup_close int group = open_any_group(&all, path, NULL, &unified);
    if (group < 0)
        return 0;
    if (!unified || cgroup_write(group, "cgroup.kill", &ignored, "1") < 0)
        for (int rounds = 0; rounds < 100; rounds++) { /* what forks while we kill is met in the next round */
            TRY(kill_listed(group, &killed, err));
            if (killed == 0)
                break;
            pause_ms(1);
        }
    /* A frozen process of v1 dies only once it is thawed. */
    for (size_t i = 0; i < all.count; i++) {
        cleanup_close int freezer = all.items[i].unified || !has_controller(all.items[i].name, "freezer") ? -1 : open_group(&all.items[i], path);
        if (freezer >= 0)
            cgroup_write(freezer, "freezer.state", &ignored, "THAWED");
    }
    return 0;
}

static int visit_removal(int parent, const char *name, int child, void *data, struct error *err)
{
    (void)child, (void)data, (void)err;
    unlinkat(parent, name, AT_REMOVEDIR);
    return 0;
}

static int remove_group(const struct hierarchy *hierarchy, const char *path, struct error *err)
{
    const char *relative = path + strspn(path, "/");
    for (int tries = 0;; tries++) {
        cleanup_close int group = open_group(hierarchy, path);
        if (group < 0)
            return 0;
        TRY(each_child(group, 0, visit_removal, NULL, err));
        if (unlinkat(hierarchy->root, relative, AT_REMOVEDIR) == 0 || errno == ENOENT)
            return 0;
        if (errno != EBUSY || tries == 300) /* its last process may still be on its way out */
            return fail(err, errno, "remove the cgroup %s in %s", path, hierarchy->name[0] ? hierarchy->name : "the unified hierarchy");
        pause_ms(tries < 50 ? 1 : 10);
    }
}

int cgroup_delete(const char *path, struct error *err)
{
    cleanup_hierarchies struct hierarchies all = {.count = 0};
    TRY(check_path(path, err));
    TRY(cgroup_kill_all(path, err));
    find_hierarchies(&all);
    int status = 0;
    for (size_t i = 0; i < all.count; i++)
        if (remove_group(&all.items[i], path, err) < 0)
            status = -1;
    return status;
}

/* ---- what the container sees ---- */

/* Part of the host's tree: the container's own group, or (path "") the whole of it, then never writable. */
static int clone_view(const struct hierarchy *hierarchy, const char *path, uint64_t attributes, struct error *err)
{
    char full[PATH_MAX];
    if (snprintf(full, sizeof full, "%s/%s/%s", CGROUP_ROOT, hierarchy->name, path + strspn(path, "/")) >= (int)sizeof full)
        return fail(err, ENAMETOOLONG, "bind the cgroup %s", path);
    cleanup_close int tree = open_tree(AT_FDCWD, full, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (tree < 0 || mount_propagation(tree, MS_PRIVATE, false) < 0 || mount_set(tree, attributes | (path[0] ? 0 : MOUNT_ATTR_RDONLY), 0, false) < 0)
        return fail(err, errno, "bind the cgroup %s", full);
    return steal_fd(&tree);
}

static int mount_view(const struct hierarchy *hierarchy, uint64_t attributes, struct error *err)
{
    char names[64], *rest = NULL;
    const char *options[8] = {NULL};
    size_t count = 0;
    if (hierarchy->unified)
        return mount_make("cgroup2", "cgroup", NULL, attributes, err);
    if (strcmp(hierarchy->name, "systemd") == 0) /* a hierarchy without a controller has a name instead */
        return mount_make("cgroup", "cgroup", (const char *[]){"none", "name=systemd", NULL}, attributes, err);
    snprintf(names, sizeof names, "%s", hierarchy->name);
    for (char *part = strtok_r(names, ",", &rest); part && count < 7; part = strtok_r(NULL, ",", &rest))
        options[count++] = part;
    return mount_make("cgroup", "cgroup", options, attributes, err);
}

static int make_view(const struct hierarchy *hierarchy, const char *path, bool own_namespace, uint64_t attributes, struct error *err)
{
    struct error refused = {0};
    if (!own_namespace && path && hierarchy->root >= 0)
        return clone_view(hierarchy, path, attributes, err);
    int view = mount_view(hierarchy, attributes, &refused);
    /* In a user namespace only a cgroup namespace of its own may be mounted. */
    return view >= 0 ? view : clone_view(hierarchy, "", attributes, err);
}

static int attach_view(const struct hierarchy *hierarchy, const char *path, bool own_namespace, uint64_t attributes, int target, struct error *err)
{
    cleanup_close int view = make_view(hierarchy, path, own_namespace, attributes, err);
    if (view < 0)
        return -1;
    return mount_attach(view, target) == 0 ? 0 : fail(err, errno, "mount the cgroup %s", hierarchy->name);
}

/* "cpu,cpuacct" is also found as cpu and as cpuacct. */
static void link_parts(int directory, const char *name)
{
    char copy[64], *rest = NULL;
    snprintf(copy, sizeof copy, "%s", name);
    if (strchr(name, ','))
        for (char *part = strtok_r(copy, ",", &rest); part; part = strtok_r(NULL, ",", &rest))
            if (symlinkat(name, directory, part) < 0)
                continue; /* a nicety */
}

int cgroup_mount(const char *path, bool own_namespace, uint64_t attributes, int target, struct error *err)
{
    static const char *const options[] = {"mode=755", NULL};
    cleanup_hierarchies struct hierarchies all = {.count = 0};
    find_hierarchies(&all);
    if (all.pure)
        return attach_view(&all.items[0], path, own_namespace, attributes, target, err);
    cleanup_close int directory = mount_make("tmpfs", "cgroup", options, attributes & ~(uint64_t)MOUNT_ATTR_RDONLY, err);
    if (directory < 0)
        return -1;
    if (mount_attach(directory, target) < 0)
        return fail(err, errno, "mount the directory of the cgroups");
    for (size_t i = 0; i < all.count; i++) {
        const char *name = all.items[i].name;
        if (mkdirat(directory, name, 0755) < 0)
            return fail(err, errno, "make the directory of the cgroup %s", name);
        cleanup_close int place = openat(directory, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (place < 0)
            return fail(err, errno, "open the directory of the cgroup %s", name);
        TRY(attach_view(&all.items[i], path, own_namespace, attributes, place, err));
        link_parts(directory, name);
    }
    if ((attributes & MOUNT_ATTR_RDONLY) && mount_set(directory, MOUNT_ATTR_RDONLY, 0, false) < 0)
        return fail(err, errno, "make the directory of the cgroups read-only");
    return 0;
}

/* ---- what is possible here ---- */

/* The files of weights are in no root, so a group is made to look. Where the group has no I/O files at all nothing can be told: it is taken for yes, and a
 * start says what the kernel says. */
static bool has_io_weights(const struct hierarchy *hierarchy)
{
    char name[64];
    snprintf(name, sizeof name, "slipway-probe-%d", (int)getpid());
    if (mkdirat(hierarchy->root, name, 0755) < 0 && errno != EEXIST)
        return true;
    cleanup_close int group = openat(hierarchy->root, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    static const char *const weights[] = {"blkio.weight", "blkio.bfq.weight", "io.weight", "io.bfq.weight"};
    bool known = faccessat(group, hierarchy->unified ? "io.max" : "blkio.throttle.read_bps_device", F_OK, 0) == 0, found = false;
    for (size_t i = 0; i < sizeof weights / sizeof weights[0]; i++)
        found = found || faccessat(group, weights[i], F_OK, 0) == 0;
    unlinkat(hierarchy->root, name, AT_REMOVEDIR);
    return !known || found;
}

void cgroup_probe(struct cgroup_support *support)
{
    cleanup_hierarchies struct hierarchies all = {.count = 0};
    size_t used = 0;
    find_hierarchies(&all);
    memset(support, 0, sizeof *support);
    support->version = all.pure ? 2 : 1;
    for (size_t i = 0; i < all.count; i++) {
        char names[512];
        if (all.items[i].root < 0)
            continue;
        support->swap = support->swap || all.pure || faccessat(all.items[i].root, "memory.memsw.limit_in_bytes", F_OK, 0) == 0;
        if (all.pure || has_controller(all.items[i].name, "blkio"))
            support->io_weights = has_io_weights(&all.items[i]);
        support->freezer = support->freezer || all.items[i].unified || has_controller(all.items[i].name, "freezer");
        if (all.items[i].unified && !all.pure)
            continue;
        if (!all.items[i].unified)
            snprintf(names, sizeof names, "%s", strcmp(all.items[i].name, "systemd") == 0 ? "" : all.items[i].name);
        else
            cgroup_read(all.items[i].root, "cgroup.controllers", names, sizeof names);
        char *rest = NULL;
        for (char *name = strtok_r(names, ", \n", &rest); name; name = strtok_r(NULL, ", \n", &rest)) {
            int more = snprintf(support->controllers + used, sizeof support->controllers - used, "%s%s", used ? " " : "", name);
            used = used + (size_t)more < sizeof support->controllers ? used + (size_t)more : used;
        }
    }
    support->limits = used > 0;
}
