#include "devices.h"
#include "../base/cleanup.h"
#include "beneath.h"
#include "mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

static const struct spec_device defaults[] = {
    {.path = "/dev/null", .type = 'c', .major = 1, .minor = 3, .mode = 0666},   {.path = "/dev/zero", .type = 'c', .major = 1, .minor = 5, .mode = 0666},
    {.path = "/dev/full", .type = 'c', .major = 1, .minor = 7, .mode = 0666},   {.path = "/dev/random", .type = 'c', .major = 1, .minor = 8, .mode = 0666},
    {.path = "/dev/urandom", .type = 'c', .major = 1, .minor = 9, .mode = 0666}, {.path = "/dev/tty", .type = 'c', .major = 5, .minor = 0, .mode = 0666},
};

static const struct {
    const char *path, *target;
} links[] = {
    {"/dev/fd", "/proc/self/fd"},       {"/dev/stdin", "/proc/self/fd/0"}, {"/dev/stdout", "/proc/self/fd/1"},
    {"/dev/stderr", "/proc/self/fd/2"}, {"/dev/ptmx", "pts/ptmx"},         {"/dev/core", "/proc/kcore"},
};

static mode_t kind_of(const struct spec_device *device)
{
    return device->type == 'b' ? S_IFBLK : device->type == 'p' ? S_IFIFO : S_IFCHR;
}

static bool is_device(int fd, const struct spec_device *device)
{
    struct stat info;
    return fstat(fd, &info) == 0 && (info.st_mode & S_IFMT) == kind_of(device) &&
           (device->type == 'p' || info.st_rdev == makedev(device->major, device->minor));
}

int device_open_null(struct error *err)
{
    cleanup_close int null = open("/dev/null", O_PATH | O_CLOEXEC | O_NOFOLLOW);
    if (null < 0)
        return fail(err, errno, "open /dev/null");
    if (!is_device(null, &defaults[0]))
        return fail(err, 0, "this machine's /dev/null is not the null device");
    return steal_fd(&null);
}

static int make_node(int parent, const char *name, const struct spec_device *device, struct error *err)
{
    if (mknodat(parent, name, kind_of(device) | device->mode, makedev(device->major, device->minor)) < 0)
        return -1; /* errno says whether binding is the way */
    cleanup_close int node = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (node < 0 || !is_device(node, device))
        return fail(err, 0, "%s was replaced while it was made", device->path);
    /* The process's umask is 0 here; a FIFO descriptor opened with O_PATH cannot be chmodded, nor need it be. */
    if ((device->uid || device->gid) && fchownat(node, "", device->uid, device->gid, AT_EMPTY_PATH) < 0)
        return fail(err, errno, "give %s to its owner", device->path);
    return 0;
}

/* Where the kernel's own name for it says it is ("DEVNAME=net/tun"). */
static int open_by_number(const struct spec_device *device)
{
    char path[PATH_MAX], line[256], name[200];
    snprintf(path, sizeof path, "/sys/dev/%s/%u:%u/uevent", device->type == 'b' ? "block" : "char", device->major, device->minor);
    cleanup_fclose FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "DEVNAME=%199[^\n]", name) == 1) {
            snprintf(path, sizeof path, "/dev/%s", name);
            return open(path, O_PATH | O_CLOEXEC | O_NOFOLLOW);
        }
    errno = ENOENT;
    return -1;
}

/* The host's own, most often found under the path it has inside. */
static int open_on_host(const struct spec_device *device, struct error *err)
{
    cleanup_close int same = open(device->path, O_PATH | O_CLOEXEC);
    if (same >= 0 && is_device(same, device))
        return steal_fd(&same);
    cleanup_close int named = open_by_number(device);
    if (named >= 0 && is_device(named, device))
        return steal_fd(&named);
    return fail(err, ENXIO, "find the device for %s on this machine", device->path);
}

/* In a user namespace no device can be made: the host's own is bound. */
static int bind_node(int root, const struct spec_device *device, struct error *err)
{
    cleanup_close int source = open_on_host(device, err);
    if (source < 0)
        return -1;
    cleanup_close int tree = mount_clone(source, false);
    cleanup_close int target = tree < 0 ? -1 : make_in_root(root, device->path, false, err);
    if (tree < 0)
        return fail(err, errno, "clone %s", device->path);
    if (target < 0)
        return -1;
    return mount_attach(tree, target) == 0 ? 0 : fail(err, errno, "bind %s", device->path);
}

static int apply_device(int root, const struct spec_device *device, struct error *err)
{
    char name[NAME_MAX + 1];
    cleanup_close int parent = make_parent_in_root(root, device->path, name, err);
    if (parent < 0)
        return -1;
    if (make_node(parent, name, device, err) == 0)
        return 0;
    if (err->message[0])
        return -1;
    if (errno == EPERM)
        return bind_node(root, device, err);
    cleanup_close int present = errno == EEXIST ? openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC) : -1;
    if (present >= 0 && is_device(present, device))
        return 0;
    return fail(err, errno, "make the device %s", device->path);
}

static bool binds_dev(const struct spec *spec)
{
    for (size_t i = 0; i < spec->mount_count; i++) {
        const struct spec_mount *mount = &spec->mounts[i];
        if (strcmp(mount->destination, "/dev") != 0 && strcmp(mount->destination, "/dev/") != 0)
            continue;
        if (strcmp(mount->type, "bind") == 0)
            return true;
        for (char **option = mount->options; option && *option; option++)
            if (strcmp(*option, "bind") == 0 || strcmp(*option, "rbind") == 0)
                return true;
    }
    return false;
}

static bool in_spec(const struct spec *spec, const char *path)
{
    for (size_t i = 0; i < spec->device_count; i++)
        if (strcmp(spec->devices[i].path, path) == 0)
            return true;
    return false;
}

static int apply_links(int root, struct error *err)
{
    for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
        char name[NAME_MAX + 1];
        cleanup_close int parent = make_parent_in_root(root, links[i].path, name, err);
        if (parent < 0)
            return -1;
        if (symlinkat(links[i].target, parent, name) < 0 && errno != EEXIST)
            return fail(err, errno, "make %s", links[i].path);
    }
    return 0;
}

int devices_apply(const struct spec *spec, int root, struct error *err)
{
    if (binds_dev(spec))
        return 0;
    for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++)
        if (!in_spec(spec, defaults[i].path))
            TRY(apply_device(root, &defaults[i], err));
    for (size_t i = 0; i < spec->device_count; i++)
        TRY(apply_device(root, &spec->devices[i], err));
    return apply_links(root, err);
}
