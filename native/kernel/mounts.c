#include "mounts.h"
#include "../base/cleanup.h"
#include "beneath.h"
#include "cgroup.h"
#include "copy-up.h"
#include "idmap.h"
#include "neighbour.h"
#include "procfs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

/* ---- one mount at a time ---- */

int mount_clone(int fd, bool recursive)
{
    return open_tree(fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0));
}

int mount_attach(int mount, int target)
{
    return move_mount(mount, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}

int mount_set(int fd, uint64_t set, uint64_t clear, bool recursive)
{
    struct mount_attr attributes = {.attr_set = set, .attr_clr = clear};
    return mount_setattr(fd, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &attributes, sizeof attributes);
}

int mount_propagation(int fd, uint64_t propagation, bool recursive)
{
    struct mount_attr attributes = {.propagation = propagation};
    return mount_setattr(fd, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &attributes, sizeof attributes);
}

/* The kernel explains itself on the context's descriptor: "e tmpfs: Bad value for 'size'". */
static int fail_context(struct error *err, int context, const char *what, const char *type)
{
    int reason = errno;
    char log[256];
    ssize_t length = read(context, log, sizeof log - 1);
    if (length <= 2)
        return fail(err, reason, "%s %s", what, type);
    log[length] = '\0';
    log[strcspn(log, "\n")] = '\0';
    return fail(err, reason, "%s %s (%s)", what, type, log + 2);
}

static int set_option(int context, const char *type, const char *option, struct error *err)
{
    char key[64];
    const char *equals = strchr(option, '=');
    size_t length = equals ? (size_t)(equals - option) : strlen(option);
    if (length == 0 || length >= sizeof key)
        return fail_kind(err, "invalid", 0, "%s: %s is no mount option", type, option);
    memcpy(key, option, length);
    key[length] = '\0';
    int status = equals ? fsconfig(context, FSCONFIG_SET_STRING, key, equals + 1, 0) : fsconfig(context, FSCONFIG_SET_FLAG, key, NULL, 0);
    if (status == 0)
        return 0;
    char what[128];
    snprintf(what, sizeof what, "set the option %.80s of", option);
    return fail_context(err, context, what, type);
}

int mount_make(const char *type, const char *source, const char *const *options, uint64_t attributes, struct error *err)
{
    cleanup_close int context = fsopen(type, FSOPEN_CLOEXEC);
    if (context < 0)
        return fail(err, errno, "open a file system of type %s", type);
    if (source && source[0] && fsconfig(context, FSCONFIG_SET_STRING, "source", source, 0) < 0)
        return fail_context(err, context, "set the source of", type);
    for (; options && *options; options++)
        TRY(set_option(context, type, *options, err));
    if (fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
        return fail_context(err, context, "mount", type);
    int mount = fsmount(context, FSMOUNT_CLOEXEC, (unsigned)attributes);
    return mount >= 0 ? mount : fail_context(err, context, "mount", type);
}

/* ---- options ---- */

struct mount_plan {
    uint64_t set, clear;                     /* on the mount itself */
    uint64_t recursive_set, recursive_clear; /* on everything below it too */
    uint64_t propagation;                    /* MS_SHARED … */
    bool propagation_recursive;
    bool bind, recursive;
    bool copy_up;                            /* what lies under it goes into it */
    bool mapped, mapped_recursive; /* seen through the ids of a user namespace */
    const char **options; /* for the file system, NULL-terminated, borrowed texts */
    size_t option_count;
};

static void free_plan(struct mount_plan *plan)
{
    free(plan->options);
}
#define cleanup_plan __attribute__((cleanup(free_plan)))

static const struct {
    const char *name;
    uint64_t set, clear;
} attribute_words[] = {
    {"ro", MOUNT_ATTR_RDONLY, 0},
    {"rw", 0, MOUNT_ATTR_RDONLY},
    {"nosuid", MOUNT_ATTR_NOSUID, 0},
    {"suid", 0, MOUNT_ATTR_NOSUID},
    {"nodev", MOUNT_ATTR_NODEV, 0},
    {"dev", 0, MOUNT_ATTR_NODEV},
    {"noexec", MOUNT_ATTR_NOEXEC, 0},
    {"exec", 0, MOUNT_ATTR_NOEXEC},
    {"noatime", MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME},
    {"relatime", MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME},
    {"norelatime", MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME},
    {"strictatime", MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME},
    {"nostrictatime", MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME},
    {"atime", MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME},
    {"nodiratime", MOUNT_ATTR_NODIRATIME, 0},
    {"diratime", 0, MOUNT_ATTR_NODIRATIME},
    {"nosymfollow", MOUNT_ATTR_NOSYMFOLLOW, 0},
    {"symfollow", 0, MOUNT_ATTR_NOSYMFOLLOW},
    {"defaults", 0, 0},
};

static const struct {
    const char *name;
    uint64_t flag;
    bool recursive;
} propagation_words[] = {
    {"private", MS_PRIVATE, false}, {"rprivate", MS_PRIVATE, true}, {"slave", MS_SLAVE, false},           {"rslave", MS_SLAVE, true},
    {"shared", MS_SHARED, false},   {"rshared", MS_SHARED, true},   {"unbindable", MS_UNBINDABLE, false}, {"runbindable", MS_UNBINDABLE, true},
};

static bool take_attribute(struct mount_plan *plan, const char *word)
{
    for (size_t i = 0; i < sizeof attribute_words / sizeof *attribute_words; i++) {
        uint64_t set = attribute_words[i].set, clear = attribute_words[i].clear;
        if (strcmp(word, attribute_words[i].name) == 0) {
            plan->set = (plan->set & ~clear) | set;
            plan->clear = (plan->clear & ~set) | clear;
            return true;
        }
        if (word[0] == 'r' && strcmp(word + 1, attribute_words[i].name) == 0) {
            plan->recursive_set = (plan->recursive_set & ~clear) | set;
            plan->recursive_clear = (plan->recursive_clear & ~set) | clear;
            return true;
        }
    }
    return false;
}

static bool take_propagation(struct mount_plan *plan, const char *word)
{
    for (size_t i = 0; i < sizeof propagation_words / sizeof *propagation_words; i++)
        if (strcmp(word, propagation_words[i].name) == 0) {
            plan->propagation = propagation_words[i].flag;
            plan->propagation_recursive = propagation_words[i].recursive;
            return true;
        }
    return false;
}

static int plan_mount(const struct spec_mount *mount, struct mount_plan *plan, struct error *err)
{
    size_t count = 0;
    while (mount->options && mount->options[count])
        count++;
    plan->options = calloc(count + 2, sizeof *plan->options); /* one more may be found out later */
    if (!plan->options)
        return fail(err, ENOMEM, "mount %s", mount->destination);
    plan->bind = strcmp(mount->type, "bind") == 0;
    for (size_t i = 0; i < count; i++) {
        const char *word = mount->options[i];
        if (strcmp(word, "bind") == 0 || strcmp(word, "rbind") == 0) {
            plan->bind = true;
            plan->recursive = word[0] == 'r';
        } else if (strcmp(word, "idmap") == 0 || strcmp(word, "ridmap") == 0) {
            plan->mapped = true;
            plan->mapped_recursive = word[0] == 'r';
        } else if (strcmp(word, "tmpcopyup") == 0) {
            plan->copy_up = true;
        } else if (!take_attribute(plan, word) && !take_propagation(plan, word)) {
            plan->options[plan->option_count++] = word;
        }
    }
    if (plan->bind && plan->option_count > 0)
        return fail_kind(err, "invalid", 0, "mount %s: the option %s means nothing for a bind mount", mount->destination, plan->options[0]);
    if (plan->copy_up && strcmp(mount->type, "tmpfs") != 0)
        return fail_kind(err, "invalid", 0, "mount %s: tmpcopyup is for a tmpfs", mount->destination);
    plan->mapped = plan->mapped || mount->uid_map_count || mount->gid_map_count;
    if (plan->mapped && !plan->bind)
        return fail_kind(err, "invalid", 0, "mount %s: only a bind mount can be id-mapped", mount->destination);
    return 0;
}

int mount_filesystem(const struct spec_mount *mount, struct error *err)
{
    cleanup_plan struct mount_plan plan = {0};
    TRY(plan_mount(mount, &plan, err));
    if (plan.bind || plan.copy_up || plan.mapped || plan.propagation)
        return fail_kind(err, "invalid", 0, "a file system by itself has no option that binds, copies, maps or propagates");
    return mount_make(mount->type, mount->source, plan.options, plan.set, err);
}

/* ---- sources, in the caller's mount namespace ---- */

static int map_bind(const struct spec *spec, const struct spec_mount *mount, const struct mount_plan *plan, int tree, struct error *err)
{
    cleanup_close int own = -1;
    if (mount->uid_map_count || mount->gid_map_count)
        TRY(own = idmap_make(mount->uid_map, mount->uid_map_count, mount->gid_map, mount->gid_map_count, err));
    int userns = own >= 0 ? own : idmap_of(spec, err);
    if (userns < 0)
        return -1;
    if (idmap_mount(tree, userns, plan->mapped_recursive) < 0)
        return fail_kind(err, errno == EINVAL ? "not-implemented" : "", errno,
                         "mount %s: the file system of %s cannot show other ids (id-mapped mounts)", mount->destination, mount->source);
    return 0;
}

static int clone_source(const char *source, const struct spec_mount *mount, const struct mount_plan *plan, struct error *err)
{
    pid_t pid;
    const char *path;
    if (neighbour_path(source, &pid, &path))
        return neighbour_clone(pid, path, plan->recursive, err);
    int tree = open_tree(AT_FDCWD, source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (plan->recursive ? AT_RECURSIVE : 0));
    return tree >= 0 ? tree : fail(err, errno, "mount %s on %s", source, mount->destination);
}

static int open_bind(const struct spec *spec, const struct spec_mount *mount, const struct mount_plan *plan, struct error *err)
{
    cleanup_free char *joined = NULL;
    if (mount->source[0] == '\0')
        return fail_kind(err, "invalid", 0, "mount %s: a bind mount needs a source", mount->destination);
    if (mount->source[0] != '/' && asprintf(&joined, "%s/%s", spec->bundle, mount->source) < 0)
        return fail(err, ENOMEM, "mount %s", mount->destination);
    cleanup_close int tree = clone_source(joined ? joined : mount->source, mount, plan, err);
    if (tree < 0)
        return -1;
    if (plan->mapped)
        TRY(map_bind(spec, mount, plan, tree, err));
    if (((plan->recursive_set | plan->recursive_clear) && mount_set(tree, plan->recursive_set, plan->recursive_clear, true) < 0) ||
        ((plan->set | plan->clear) && mount_set(tree, plan->set, plan->clear, false) < 0))
        return fail(err, errno, "set the options of the mount on %s", mount->destination);
    return steal_fd(&tree);
}

static int open_root(const struct spec *spec, struct error *err)
{
    cleanup_close int tree = open_tree(AT_FDCWD, spec->rootfs, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
    if (tree < 0)
        return fail(err, errno, "open the rootfs %s", spec->rootfs);
    if (mount_propagation(tree, MS_PRIVATE, true) < 0)
        return fail(err, errno, "make the rootfs private");
    return steal_fd(&tree);
}

int mount_sources_open(const struct spec *spec, struct mount_sources *sources, struct error *err)
{
    TRY(sources->root = open_root(spec, err));
    sources->count = 0;
    sources->binds = calloc(spec->mount_count + 1, sizeof *sources->binds);
    if (!sources->binds)
        return fail(err, ENOMEM, "open the sources of the mounts");
    for (size_t i = 0; i < spec->mount_count; i++) {
        cleanup_plan struct mount_plan plan = {0};
        TRY(plan_mount(&spec->mounts[i], &plan, err));
        sources->binds[i] = -1;
        sources->count++;
        if (plan.bind)
            TRY(sources->binds[i] = open_bind(spec, &spec->mounts[i], &plan, err));
    }
    return 0;
}

void mount_sources_close(struct mount_sources *sources)
{
    for (size_t i = 0; i < sources->count; i++)
        cleanup_close_(&sources->binds[i]);
    free(sources->binds);
    cleanup_close_(&sources->root);
    *sources = (struct mount_sources)MOUNT_SOURCES_INIT;
}

/* ---- applying ---- */

/* procfs and sysfs go on an ordinary directory only: a symlink or a volume in their place is how writes to /proc were redirected. */
static int open_plain_directory(int root, const char *path, struct error *err)
{
    for (int attempt = 0; attempt < 2; attempt++) {
        int fd = open_how(root, path, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0, RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV);
        if (fd >= 0 || errno != ENOENT || attempt > 0)
            return fd >= 0 ? fd : fail_kind(err, "invalid", errno, "%s must be an ordinary directory of the image", path);
        cleanup_close int made = make_in_root(root, path, true, err);
        if (made < 0)
            return -1;
    }
    return -1;
}

/* A clone of a mount that is shared on the host is its peer: what is mounted below it would appear there. Unless asked for, it becomes a slave. */
static int apply_propagation(int mount, const struct mount_plan *plan, const char *destination, struct error *err)
{
    uint64_t propagation = plan->propagation ? plan->propagation : plan->bind ? MS_SLAVE : 0;
    bool recursive = plan->propagation ? plan->propagation_recursive : true;
    if (propagation && mount_propagation(mount, propagation, recursive) < 0)
        return fail(err, errno, "set the propagation of the mount on %s", destination);
    return 0;
}

static int attach(int mount, int target, const struct mount_plan *plan, const char *destination, struct error *err)
{
    TRY(procfs_check_mount(mount, target, destination, err));
    TRY(apply_propagation(mount, plan, destination, err));
    if (mount_attach(mount, target) == 0)
        return 0;
    struct stat from, to;
    int why = errno;
    if (why == EINVAL && fstat(mount, &from) == 0 && fstat(target, &to) == 0 && S_ISDIR(from.st_mode) != S_ISDIR(to.st_mode))
        why = ENOTDIR; /* a file on a directory, or the other way round */
    return fail(err, why, "mount on %s", destination);
}

static int apply_bind(const struct spec_mount *mount, const struct mount_plan *plan, int root, int tree, struct error *err)
{
    struct stat info;
    if (fstat(tree, &info) < 0)
        return fail(err, errno, "look at %s", mount->source);
    cleanup_close int target = make_in_root(root, mount->destination, S_ISDIR(info.st_mode), err);
    if (target < 0)
        return -1;
    return attach(tree, target, plan, mount->destination, err);
}

/* A network namespace that is not ours alone cannot have a new sysfs; the host's, read-only, is what there is to see. */
static int clone_sysfs(uint64_t attributes, struct error *err)
{
    cleanup_close int tree = open_tree(AT_FDCWD, "/sys", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
    if (tree < 0 || mount_set(tree, attributes | MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, 0, true) < 0)
        return fail(err, errno, "bind /sys");
    return steal_fd(&tree);
}

static int check_magic(int mount, long magic, const char *destination, struct error *err)
{
    struct statfs info;
    if (fstatfs(mount, &info) < 0)
        return fail(err, errno, "look at the mount for %s", destination);
    return (long)info.f_type == magic ? 0 : fail(err, 0, "the mount for %s is not what it should be", destination);
}

static int make_filesystem(const struct spec *spec, const struct spec_mount *mount, const struct mount_plan *plan, struct error *err)
{
    uint64_t attributes = plan->set;
    bool proc = strcmp(mount->type, "proc") == 0, sysfs = strcmp(mount->type, "sysfs") == 0;
    if (sysfs && !spec->namespaces[SPEC_NS_NET].wanted) {
        struct error ignored = {0};
        int made = mount_make(mount->type, mount->source, plan->options, attributes, &ignored);
        return made >= 0 ? made : clone_sysfs(attributes, err);
    }
    if (plan->copy_up)
        attributes &= ~(uint64_t)MOUNT_ATTR_RDONLY; /* until it has been filled */
    cleanup_close int made = mount_make(mount->type, mount->source, plan->options, attributes, err);
    if (made < 0)
        return -1;
    if (proc)
        TRY(check_magic(made, PROC_SUPER_MAGIC, mount->destination, err));
    if (sysfs)
        TRY(check_magic(made, SYSFS_MAGIC, mount->destination, err));
    return steal_fd(&made);
}

/* A tmpfs that is told no mode takes that of the directory it hides, as with runc. */
static void take_mode(struct mount_plan *plan, int root, const char *destination, char option[static 16])
{
    struct stat info;
    for (size_t i = 0; i < plan->option_count; i++)
        if (strncmp(plan->options[i], "mode=", 5) == 0)
            return;
    cleanup_close int there = open_in_root(root, destination, O_PATH | O_DIRECTORY);
    if (there < 0 || fstat(there, &info) < 0)
        return;
    snprintf(option, 16, "mode=%o", info.st_mode & 07777);
    plan->options[plan->option_count++] = option;
}

static int apply_filesystem(const struct spec *spec, const struct spec_mount *mount, struct mount_plan *plan, int root, struct error *err)
{
    char mode[16];
    if (strcmp(mount->type, "tmpfs") == 0 && !plan->copy_up)
        take_mode(plan, root, mount->destination, mode);
    bool plain = strcmp(mount->type, "proc") == 0 || strcmp(mount->type, "sysfs") == 0;
    cleanup_close int made = make_filesystem(spec, mount, plan, err);
    if (made < 0)
        return -1;
    cleanup_close int target = plain ? open_plain_directory(root, mount->destination, err) : make_in_root(root, mount->destination, true, err);
    if (target < 0)
        return -1;
    if (plan->copy_up)
        TRY(copy_up(target, made, err));
    if (((plan->copy_up && plan->set) && mount_set(made, plan->set, 0, false) < 0) ||
        ((plan->recursive_set | plan->recursive_clear) && mount_set(made, plan->recursive_set, plan->recursive_clear, true) < 0))
        return fail(err, errno, "set the options of the mount on %s", mount->destination);
    return attach(made, target, plan, mount->destination, err);
}

static int apply_cgroup(const struct spec *spec, const struct spec_mount *mount, const struct mount_plan *plan, int root, struct error *err)
{
    cleanup_close int target = make_in_root(root, mount->destination, true, err);
    if (target < 0)
        return -1;
    return cgroup_mount(spec->cgroups_path, spec->namespaces[SPEC_NS_CGROUP].wanted, plan->set, target, err);
}

int mounts_apply(const struct spec *spec, int root, const struct mount_sources *sources, struct error *err)
{
    for (size_t i = 0; i < spec->mount_count; i++) {
        const struct spec_mount *mount = &spec->mounts[i];
        cleanup_plan struct mount_plan plan = {0};
        TRY(plan_mount(mount, &plan, err));
        if (plan.bind)
            TRY(apply_bind(mount, &plan, root, sources->binds[i], err));
        else if (strcmp(mount->type, "cgroup") == 0 || strcmp(mount->type, "cgroup2") == 0)
            TRY(apply_cgroup(spec, mount, &plan, root, err));
        else
            TRY(apply_filesystem(spec, mount, &plan, root, err));
    }
    return 0;
}

/* ---- what must not be seen, what must not be written ---- */

static int mask(int root, const char *path, int null, struct error *err)
{
    struct stat info;
    cleanup_close int target = open_in_root(root, path, O_PATH);
    if (target < 0 && (errno == ENOENT || errno == ENOTDIR))
        return 0;
    if (target < 0 || fstat(target, &info) < 0)
        return fail(err, errno, "mask %s", path);
    static const char *const tiny[] = {"size=0k", "nr_inodes=2", NULL};
    cleanup_close int cover = S_ISDIR(info.st_mode)
                                  ? mount_make("tmpfs", "tmpfs", tiny, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, err)
                                  : mount_clone(null, false);
    if (cover < 0)
        return err->message[0] ? -1 : fail(err, errno, "clone /dev/null over %s", path);
    return mount_attach(cover, target) == 0 ? 0 : fail(err, errno, "mask %s", path);
}

static int make_readonly(int root, const char *path, struct error *err)
{
    cleanup_close int target = open_in_root(root, path, O_PATH);
    if (target < 0 && (errno == ENOENT || errno == ENOTDIR))
        return 0;
    cleanup_close int cover = target < 0 ? -1 : mount_clone(target, true);
    if (cover < 0)
        return fail(err, errno, "open %s to make it read-only", path);
    if (mount_set(cover, MOUNT_ATTR_RDONLY, 0, true) < 0 || mount_attach(cover, target) < 0)
        return fail(err, errno, "make %s read-only", path);
    return 0;
}

int mounts_mask(const struct spec *spec, int root, int null, struct error *err)
{
    for (char **path = spec->readonly_paths; path && *path; path++)
        TRY(make_readonly(root, *path, err));
    for (char **path = spec->masked_paths; path && *path; path++)
        TRY(mask(root, *path, null, err));
    return 0;
}
