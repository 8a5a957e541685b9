#include "pack.h"

#include "../base/cleanup.h"
#include "../kernel/overlay.h"
#include "../kernel/whiteout.h"
#include "changes.h"
#include "mount-points.h"
#include "server.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <locale.h>
#include <sched.h>
#include <search.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/xattr.h>

#define ATTEMPTS 100
#define SMALL (64 * 1024)
/* Of a file that is in more pieces, what comes after these has no holes. */
#define MOST_PIECES 4096
#define NOTHING ((size_t)1 << 30)

/* A directory that is as below it: written only when something in it is not. */
struct around {
    struct around *outer;
    struct archive_entry *entry;
    bool written;
};

struct packing {
    struct archive *tar;
    struct around *around;     /* the innermost directory that we are in */
    bool changeset;
    const struct below *below; /* of a changeset; may be NULL */
    const struct stat *root;   /* a container's, whose kernel mounts stay out; or NULL: nothing is mounted inside */
    struct pack_sum *volume;   /* of all of a volume; or NULL */
    dev_t device;              /* of a volume: what is mounted inside stays out */
    const struct pack_output *output;
    struct error *write_error;
    unsigned char *small; /* headers and short files wait here for what comes after them; SMALL bytes */
    size_t waiting;
    void *names; /* a search tree of the first name of each file that has several */
};

struct first_name {
    dev_t dev;
    ino_t ino;
    char *path;
};

static int compare(const void *a, const void *b)
{
    const struct first_name *left = a, *right = b;
    if (left->dev != right->dev)
        return left->dev < right->dev ? -1 : 1;
    return left->ino < right->ino ? -1 : left->ino > right->ino;
}

static void first_name_free(void *name)
{
    free(((struct first_name *)name)->path);
    free(name);
}

static void entry_clear(struct archive_entry **entry)
{
    archive_entry_free(*entry);
}
#define cleanup_entry __attribute__((cleanup(entry_clear)))

static int tar_failure(const struct packing *p, const char *path, struct error *err)
{
    if (p->write_error->message[0]) {
        *err = *p->write_error;
        return -1;
    }
    return fail(err, 0, "pack %s: %s", path, archive_error_string(p->tar));
}

/* The path under which this file is in the tar already, or NULL: then it is remembered under this one. */
static int find_first_name(struct packing *p, const struct stat *stat, const char *path, const char **first, struct error *err)
{
    *first = NULL;
    struct first_name *name = malloc(sizeof *name);
    if (!name)
        return fail(err, ENOMEM, "pack %s", path);
    *name = (struct first_name){stat->st_dev, stat->st_ino, strdup(path)};
    struct first_name **found = name->path ? tsearch(name, &p->names, compare) : NULL;
    if (found && *found == name)
        return 0;
    first_name_free(name);
    if (!found)
        return fail(err, ENOMEM, "pack %s", path);
    *first = (*found)->path;
    return 0;
}

/* Of a link too: its descriptor's name leads to it, and not further. */
static int copy_attributes(const struct packing *p, struct archive_entry *entry, int fd, struct error *err)
{
    char names[65536], at[32];
    snprintf(at, sizeof at, "/proc/self/fd/%d", fd);
    ssize_t length = listxattr(at, names, sizeof names);
    if (length < 0)
        return errno == ENOTSUP ? 0 : fail(err, errno, "list attributes of %s", archive_entry_pathname(entry));
    for (const char *name = names; name < names + length; name += strlen(name) + 1) {
        if ((!p->volume && is_overlay_attribute(name)) || strcmp(name, "security.selinux") == 0)
            continue;
        /* A copy goes to a file system that may know no others, as Docker's does. */
        if (p->root && strncmp(name, "user.", 5) != 0 && strcmp(name, "security.capability") != 0)
            continue;
        char value[65536];
        ssize_t size = getxattr(at, name, value, sizeof value);
        if (size < 0 && errno != ENODATA)
            return fail(err, errno, "read attribute %s of %s", name, archive_entry_pathname(entry));
        if (size >= 0)
            archive_entry_xattr_add_entry(entry, name, value, (size_t)size);
    }
    return 0;
}

/* The root's own name is "/": what is in it has no second slash. */
static char *join(const char *directory, const char *name)
{
    size_t length = strlen(directory);
    char *path;
    return asprintf(&path, "%s%s%s", directory, length > 0 && directory[length - 1] != '/' ? "/" : "", name) < 0 ? NULL : path;
}

static int write_around(struct packing *p, struct around *around, struct error *err)
{
    if (!around || around->written)
        return 0;
    TRY(write_around(p, around->outer, err));
    around->written = true;
    return archive_write_header(p->tar, around->entry) < ARCHIVE_WARN ? tar_failure(p, archive_entry_pathname(around->entry), err) : 0;
}

/* The directories around come first. */
static int write_header(struct packing *p, struct archive_entry *entry, struct error *err)
{
    TRY(write_around(p, p->around, err));
    return archive_write_header(p->tar, entry) < ARCHIVE_WARN ? tar_failure(p, archive_entry_pathname(entry), err) : 0;
}

static int write_marker(struct packing *p, const char *directory, const char *prefix, const char *name, const struct stat *like,
                        struct error *err)
{
    cleanup_free char *marker = NULL, *path = NULL;
    if (asprintf(&marker, "%s%s", prefix, name) < 0 || !(path = join(directory, marker)))
        return fail(err, ENOMEM, "pack %s", name);
    cleanup_entry struct archive_entry *entry = archive_entry_new();
    archive_entry_copy_pathname(entry, path);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0600);
    archive_entry_set_size(entry, 0);
    archive_entry_set_mtime(entry, like->st_mtime, 0);
    return write_header(p, entry, err);
}

static int write_data(struct packing *p, int fd, off_t size, const char *path, struct error *err)
{
    static char buffer[256 * 1024];
    while (size > 0) {
        ssize_t count = read(fd, buffer, (size_t)size < sizeof buffer ? (size_t)size : sizeof buffer);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return fail(err, errno, "read %s", path);
        if (count == 0)
            return 0; /* it became shorter meanwhile: the tar is filled up with zeros */
        if (archive_write_data(p->tar, buffer, (size_t)count) < 0)
            return tar_failure(p, path, err);
        size -= count;
    }
    return 0;
}

/* Says where a file has content, where it has holes. */
static void find_holes(struct archive_entry *entry, int fd, off_t size)
{
    off_t at = 0, data = -1;
    for (int i = 0; at < size && (data = lseek(fd, at, SEEK_DATA)) >= 0 && data < size; i++) {
        off_t end = i < MOST_PIECES ? lseek(fd, data, SEEK_HOLE) : size;
        if (end < 0 || end > size)
            end = size;
        if (data > 0 || end < size)
            archive_entry_sparse_add_entry(entry, data, end - data);
        at = end;
    }
    if (size > 0 && at == 0 && data < 0 && errno == ENXIO)
        archive_entry_sparse_add_entry(entry, 0, 0); /* nothing but a hole */
    lseek(fd, 0, SEEK_SET);
}

/* What a hole is filled with, and libarchive, which knows that it is one, does not look at. */
static int write_hole(struct packing *p, off_t size, const char *path, struct error *err)
{
    static void *nothing;
    if (size > 0 && !nothing)
        nothing = mmap(NULL, NOTHING, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (nothing == MAP_FAILED)
        return fail(err, errno, "read %s", path);
    while (size > 0) {
        la_ssize_t count = archive_write_data(p->tar, nothing, (size_t)size < NOTHING ? (size_t)size : NOTHING);
        if (count <= 0)
            return tar_failure(p, path, err);
        size -= count;
    }
    return 0;
}

static int write_content(struct packing *p, struct archive_entry *entry, int fd, off_t size, const char *path, struct error *err)
{
    la_int64_t offset, length;
    off_t at = 0;
    int pieces = archive_entry_sparse_reset(entry);
    for (int left = pieces; left > 0; left--) {
        archive_entry_sparse_next(entry, &offset, &length);
        TRY(write_hole(p, offset - at, path, err));
        if (lseek(fd, offset, SEEK_SET) < 0)
            return fail(err, errno, "read %s", path);
        TRY(write_data(p, fd, length, path, err));
        at = offset + length;
    }
    return pieces > 0 ? write_hole(p, size - at, path, err) : write_data(p, fd, size, path, err);
}

/* A window on the kernel, or the devices of a container, is no file of anybody's to copy. */
static bool is_kernel_mount(const struct packing *p, int parent, const char *name, const struct stat *stat, int fd)
{
    struct stat above;
    struct statfs mount;
    if (!p->root || fstat(parent, &above) < 0 || above.st_dev == stat->st_dev || fstatfs(fd, &mount) < 0)
        return false;
    static const uint32_t kinds[] = {PROC_SUPER_MAGIC, SYSFS_MAGIC, CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC, DEVPTS_SUPER_MAGIC, 0x19800202 /* mqueue */};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if ((uint32_t)mount.f_type == kinds[i])
            return true;
    return strcmp(name, "dev") == 0 && above.st_dev == p->root->st_dev && above.st_ino == p->root->st_ino;
}

static int pack_directory(struct packing *p, int fd, int lower, const char *path, struct error *err);

/* Into a directory that is itself written only where something in it is. */
static int pack_unchanged(struct packing *p, int fd, int lower, struct archive_entry *entry, const char *path, struct error *err)
{
    struct around here = {.outer = p->around, .entry = entry};
    p->around = &here;
    int status = pack_directory(p, fd, lower, path, err);
    p->around = here.outer;
    return status;
}

/*
 * What a name is, and a descriptor of it, without content where it has none. Between a look and the opening it may become something else: then both
 * are done again.
 * 0: it is not there any more.
 */
static int open_entry(int parent, const char *name, const char *path, struct stat *stat, int *fd, struct error *err)
{
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        struct stat seen;
        if (fstatat(parent, name, &seen, AT_SYMLINK_NOFOLLOW) < 0)
            return errno == ENOENT ? 0 : fail(err, errno, "look at %s", path);
        int flags = S_ISDIR(seen.st_mode) ? O_RDONLY | O_DIRECTORY : S_ISREG(seen.st_mode) ? O_RDONLY | O_NONBLOCK : O_PATH;
        cleanup_close int opened = openat(parent, name, flags | O_NOFOLLOW | O_CLOEXEC);
        if (opened < 0 && errno != ENOENT && errno != ELOOP && errno != ENOTDIR && errno != ENXIO)
            return fail(err, errno, "open %s", path);
        if (opened >= 0 && fstat(opened, stat) < 0)
            return fail(err, errno, "look at %s", path);
        if (opened >= 0 && (stat->st_mode & S_IFMT) == (seen.st_mode & S_IFMT)) {
            *fd = steal_fd(&opened);
            return 1;
        }
    }
    return fail_kind(err, "conflict", 0, "%s changes all the time: pause the container and try again", path);
}

/* `path`: what it is called in the tar. `lower`: the same directory below it, where only what differs is packed; or -1. */
static int pack_entry(struct packing *p, int parent, int lower, const char *name, const char *directory, const char *path, struct error *err)
{
    struct stat stat, before;
    cleanup_close int fd = -1;
    int found = open_entry(parent, name, path, &stat, &fd, err);
    if (found <= 0)
        return found;
    if (whiteout_is(&stat) && !p->volume)
        return p->changeset ? write_marker(p, directory, ".wh.", name, &stat, err) : 0;
    if (p->changeset && is_mount_point(path, parent, name, &stat, p->below))
        return 0;
    if (S_ISSOCK(stat.st_mode))
        return 0; /* a tar has none, and nobody would listen */
    bool was_there = lower >= 0 && fstatat(lower, name, &before, AT_SYMLINK_NOFOLLOW) == 0;
    bool same = was_there && changes_same(&stat, &before) && changes_same_capability(parent, lower, name);
    if (same && !S_ISDIR(stat.st_mode))
        return 0;
    cleanup_close int below = was_there && S_ISDIR(stat.st_mode) && S_ISDIR(before.st_mode)
                                  ? openat(lower, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
                                  : -1;

    cleanup_entry struct archive_entry *entry = archive_entry_new();
    archive_entry_copy_pathname(entry, path);
    archive_entry_set_mode(entry, stat.st_mode);
    archive_entry_set_uid(entry, stat.st_uid);
    archive_entry_set_gid(entry, stat.st_gid);
    archive_entry_set_mtime(entry, stat.st_mtime, p->volume ? stat.st_mtim.tv_nsec : 0);
    archive_entry_set_size(entry, S_ISREG(stat.st_mode) ? stat.st_size : 0);
    archive_entry_set_rdev(entry, stat.st_rdev);
    if (S_ISLNK(stat.st_mode)) {
        cleanup_free char *target = calloc(1, (size_t)stat.st_size + 2);
        if (!target || readlinkat(fd, "", target, (size_t)stat.st_size + 1) < 0)
            return fail(err, errno, "read link %s", path);
        archive_entry_copy_symlink(entry, target);
    }
    const char *first = NULL;
    if (!S_ISDIR(stat.st_mode) && stat.st_nlink > 1)
        TRY(find_first_name(p, &stat, path, &first, err));
    if (first) {
        archive_entry_set_size(entry, 0);
        archive_entry_copy_hardlink(entry, first);
    } else {
        TRY(copy_attributes(p, entry, fd, err));
        if (p->volume && S_ISREG(stat.st_mode))
            find_holes(entry, fd, stat.st_size);
    }
    if (p->volume && !S_ISDIR(stat.st_mode))
        p->volume->files++;
    if (p->volume && S_ISREG(stat.st_mode) && !first)
        p->volume->bytes += (uint64_t)stat.st_size;
    if (same)
        return pack_unchanged(p, fd, below, entry, path, err);
    TRY(write_header(p, entry, err));
    if (S_ISREG(stat.st_mode) && !first)
        return write_content(p, entry, fd, stat.st_size, path, err);
    if (p->volume && stat.st_dev != p->device)
        return 0;
    if (!S_ISDIR(stat.st_mode) || is_kernel_mount(p, parent, name, &stat, fd))
        return 0;
    if (p->changeset && opaque_is(fd))
        TRY(write_marker(p, path, "", ".wh..wh..opq", &stat, err));
    return pack_directory(p, fd, below, path, err);
}

static int not_a_dot(const struct dirent *entry)
{
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static int of_somebody(const struct dirent *entry)
{
    return not_a_dot(entry) && !is_overlay_file(entry->d_name);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* What is below and has gone. */
static int mark_missing(struct packing *p, int fd, int lower, const char *path, struct error *err)
{
    int copy = openat(lower, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cleanup_closedir DIR *directory = copy < 0 ? NULL : fdopendir(copy);
    if (!directory)
        return fail(err, errno, "read the directory below %s", path);
    for (struct dirent *entry; (entry = readdir(directory));) {
        struct stat before;
        if (of_somebody(entry) && faccessat(fd, entry->d_name, F_OK, AT_SYMLINK_NOFOLLOW) < 0 &&
            fstatat(lower, entry->d_name, &before, AT_SYMLINK_NOFOLLOW) == 0)
            TRY(write_marker(p, path, ".wh.", entry->d_name, &before, err));
    }
    return 0;
}

static int pack_directory(struct packing *p, int fd, int lower, const char *path, struct error *err)
{
    if (lower >= 0)
        TRY(mark_missing(p, fd, lower, path, err));
    struct dirent **names;
    int count = scandirat(fd, ".", &names, p->volume ? not_a_dot : of_somebody, by_name), status = 0;
    if (count < 0)
        return fail(err, errno, "read directory %s", path);
    for (int i = 0; i < count; i++) {
        cleanup_free char *below = status == 0 ? join(path, names[i]->d_name) : NULL;
        if (status == 0)
            status = below ? pack_entry(p, fd, lower, names[i]->d_name, path, below, err) : fail(err, ENOMEM, "pack %s", path);
        free(names[i]);
    }
    free(names);
    return status;
}

/* libarchive hands everything on as it comes: what is large is sent from where it was read to. */
static la_ssize_t write_output(struct archive *tar, void *context, const void *bytes, size_t length)
{
    struct packing *p = context;
    if (p->waiting + length <= SMALL) {
        memcpy(p->small + p->waiting, bytes, length);
        p->waiting += length;
        return (la_ssize_t)length;
    }
    struct iovec parts[] = {{p->small, p->waiting}, {(void *)bytes, length}};
    p->waiting = 0;
    if (p->output->write(p->output->context, parts, 2, p->write_error) == 0)
        return (la_ssize_t)length;
    archive_set_error(tar, EIO, "%s", p->write_error->message);
    return -1;
}

static int close_output(struct archive *tar, void *context)
{
    struct packing *p = context;
    struct iovec rest = {p->small, p->waiting};
    if (p->output->write(p->output->context, &rest, 1, p->write_error) == 0)
        return ARCHIVE_OK;
    archive_set_error(tar, EIO, "%s", p->write_error->message);
    return ARCHIVE_FATAL;
}

static int begin(struct packing *p, struct error *write_error, const struct pack_output *output, struct error *err)
{
    struct rlimit files; /* one descriptor for each level */
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    setlocale(LC_ALL, "C.UTF-8"); /* names outside ASCII go as UTF-8, as they are */
    p->tar = archive_write_new();
    p->output = output;
    p->write_error = write_error;
    p->small = malloc(SMALL);
    /* In full, pax has fractions of seconds. */
    int (*set_format)(struct archive *) = p->volume ? archive_write_set_format_pax : archive_write_set_format_pax_restricted;
    if (!p->tar || !p->small || set_format(p->tar) != ARCHIVE_OK ||
        archive_write_set_options(p->tar, "xattrheader=SCHILY") != ARCHIVE_OK ||
        archive_write_set_bytes_per_block(p->tar, 0) != ARCHIVE_OK ||
        archive_write_open(p->tar, p, NULL, write_output, close_output) != ARCHIVE_OK)
        return fail(err, 0, "libarchive cannot write a tar");
    return 0;
}

static int end(struct packing *p, int status, struct error *err)
{
    if (status == 0 && archive_write_close(p->tar) != ARCHIVE_OK)
        status = tar_failure(p, "the end", err);
    if (status < 0)
        archive_write_fail(p->tar);
    archive_write_free(p->tar);
    free(p->small);
    tdestroy(p->names, first_name_free);
    return status;
}

int pack(int root, const struct pack_output *output, struct error *err)
{
    struct error write_error = {0};
    struct packing p = {0};
    TRY(begin(&p, &write_error, output, err));
    return end(&p, pack_directory(&p, root, -1, "", err), err);
}

int pack_changeset(int upper, const struct below *below, const struct pack_output *output, struct error *err)
{
    struct error write_error = {0};
    struct packing p = {.changeset = true, .below = below};
    TRY(begin(&p, &write_error, output, err));
    /* One that is opaque at its root has everything: of that, only what differs is the change. */
    int lower = opaque_is(upper) && below && below->count > 0 ? below->layers[0] : -1;
    return end(&p, pack_directory(&p, upper, lower, "", err), err);
}

int pack_copy(int root, int parent, const char *name, const char *as, const struct pack_output *output, struct error *err)
{
    struct error write_error = {0};
    struct stat stat;
    struct packing p = {.root = &stat};
    if (fstat(root, &stat) < 0)
        return fail(err, errno, "look at the container's root");
    TRY(begin(&p, &write_error, output, err));
    return end(&p, pack_entry(&p, parent, -1, name, "", as, err), err);
}

int pack_volume(int root, const struct pack_output *output, struct pack_sum *sum, struct error *err)
{
    struct error write_error = {0};
    struct stat stat;
    *sum = (struct pack_sum){0};
    if (fstat(root, &stat) < 0)
        return fail(err, errno, "look at the volume");
    struct packing p = {.volume = sum, .device = stat.st_dev};
    TRY(begin(&p, &write_error, output, err));
    return end(&p, pack_entry(&p, root, -1, ".", "", "./", err), err);
}

/* ---- the operation ---- */

int pack_open_stack(const struct request *request, json_object *lower, struct error *err)
{
    size_t count = json_object_array_length(lower);
    if (count == 0)
        return fail_kind(err, "invalid", 0, "there is nothing to pack: \"lower\" is empty");
    if (count == 1) {
        const char *only = json_object_get_string(json_object_array_get_idx(lower, 0));
        int root = open(only, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return root < 0 ? fail(err, errno, "open %s", only) : root;
    }
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return fail(err, errno, "make a mount namespace");
    json_object *stack = json_object_new_object();
    json_object_object_add(stack, "lower", json_object_get(lower));
    if (!server.stacks)
        json_object_object_add(stack, "driver", json_object_new_string("fuse-overlayfs"));
    int status = overlay_mount(request->run_dir, json_object_to_json_string(stack), request->rootless, err);
    json_object_put(stack);
    TRY(status);
    int root = open(request->run_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return root < 0 ? fail(err, errno, "open the layers") : root;
}

static int send_output(void *context, struct iovec *parts, size_t count, struct error *err)
{
    return request_write_parts(context, parts, count, err);
}

#define SEND_AHEAD (1 << 20)

struct pack_output pack_to_client(struct request *request)
{
    /* As far as the machine lets us: the next file is read while the client is busy with the last one. */
    setsockopt(request->connection, SOL_SOCKET, SO_SNDBUF, &(int){SEND_AHEAD}, sizeof(int));
    return (struct pack_output){.write = send_output, .context = request};
}

static int pack_tree(struct request *request, json_object *lower, struct error *err)
{
    cleanup_close int root = pack_open_stack(request, lower, err);
    TRY(root);
    TRY(request_answer(request, err));
    struct pack_output output = pack_to_client(request);
    return pack(root, &output, err);
}

static int pack_upper(struct request *request, const char *upper, json_object *lower, struct error *err)
{
    cleanup_close int root = open(upper, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct below below;
    if (root < 0)
        return fail(err, errno, "open %s", upper);
    TRY(below_open(lower, &below, err));
    TRY(request_answer(request, err));
    struct pack_output output = pack_to_client(request);
    int status = pack_changeset(root, &below, &output, err);
    below_close(&below);
    return status;
}

int pack_op(struct request *request, struct error *err)
{
    const char *upper = NULL;
    TRY(request_optional_string(request, "upper", &upper, err));
    json_object *lower = json_object_object_get(request->fields, "lower");
    bool good = json_object_is_type(lower, json_type_array);
    for (size_t i = 0; good && i < json_object_array_length(lower); i++)
        good = json_object_is_type(json_object_array_get_idx(lower, i), json_type_string);
    if (!good)
        return fail_kind(err, "invalid", 0, "the request's \"lower\" must be a list of directories");
    return upper ? pack_upper(request, upper, lower, err) : pack_tree(request, lower, err);
}
