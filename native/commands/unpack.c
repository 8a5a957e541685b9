#include "unpack.h"

#include "../base/cleanup.h"
#include "../base/feed.h"
#include "../kernel/tree.h"
#include "../kernel/whiteout.h"
#include "discard.h"
#include "entry.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <locale.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <time.h>

/* A tar ends with zeros: two blocks, one at least. */
#define END_SIZE 512

#define WHITEOUT_PREFIX ".wh."
#define WHITEOUT_META ".wh..wh."
#define WHITEOUT_OPAQUE ".wh..wh..opq"

/* A directory's times wait until nothing more is put in it, and so does what would be given to all that is made in it. */
struct dated_directory {
    char *path;
    struct timespec times[2];
    void *acl; /* of a volume's; or NULL */
    size_t acl_size;
};

struct extraction {
    struct feed *feed;
    struct archive *tar;
    struct error *read_error; /* why the feed stopped */
    const struct unpack_watcher *watcher;
    struct timespec told;

    int root;          /* the target */
    int parent;        /* most entries share the directory of the one before */
    char *parent_path; /* NULL: none remembered */
    bool volume;      /* no layer: every name is a file's */
    const char *what; /* for messages */
    uint64_t zeros;   /* that the tar ended with, as far as it was read; counted of a volume's */
    bool user_namespace;
    struct entry_owner owner;
    struct dated_directory *directories;
    size_t directory_count, directory_capacity;
    struct unpack_result *result;
};

static volatile sig_atomic_t cancelled;

static void cancel(int signal)
{
    (void)signal;
    cancelled = 1;
}

static int open_inside(int root, const char *path, int flags)
{
    struct open_how how = {
        .flags = (uint64_t)(flags | O_CLOEXEC),
        .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV,
    };
    return (int)syscall(SYS_openat2, root, *path ? path : ".", &how, sizeof how);
}

static void forget_parent(struct extraction *x)
{
    if (x->parent >= 0)
        close(x->parent);
    x->parent = -1;
    free(x->parent_path);
    x->parent_path = NULL;
}

/* ---- directories ---- */

/* Makes `name` a directory where there was none; one that takes a whiteout's place is opaque: what lower layers have there stays hidden. */
static int make_directory(struct extraction *x, int parent, const char *name, const char *path, struct error *err)
{
    if (mkdirat(parent, name, 0755) == 0)
        return 0;
    struct stat there;
    if (errno != EEXIST || fstatat(parent, name, &there, AT_SYMLINK_NOFOLLOW) < 0)
        return fail(err, errno, "make directory %s", path);
    if (S_ISDIR(there.st_mode))
        return 0;
    forget_parent(x);
    if (unlinkat(parent, name, 0) < 0 || mkdirat(parent, name, 0755) < 0)
        return fail(err, errno, "make directory %s", path);
    if (!whiteout_is(&there) || x->volume)
        return 0;
    cleanup_close int directory = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (directory < 0)
        return fail(err, errno, "open directory %s", path);
    return opaque_make(directory, err);
}

static int remember_acl(struct archive_entry *entry, struct dated_directory *directory, struct error *err)
{
    const char *name;
    const void *value;
    size_t size;
    archive_entry_xattr_reset(entry);
    while (archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK) {
        if (strcmp(name, ENTRY_DEFAULT_ACL) != 0)
            continue;
        free(directory->acl);
        directory->acl = malloc(size + 1);
        if (!directory->acl)
            return fail(err, ENOMEM, "remember the attributes of %s", directory->path);
        memcpy(directory->acl, value, size);
        directory->acl_size = size;
    }
    return 0;
}

static int remember_times(struct extraction *x, struct archive_entry *entry, const char *path, const struct timespec times[2], struct error *err)
{
    if (x->directory_count == x->directory_capacity) {
        size_t capacity = x->directory_capacity ? x->directory_capacity * 2 : 256;
        struct dated_directory *directories = realloc(x->directories, capacity * sizeof *directories);
        if (!directories)
            return fail(err, ENOMEM, "remember the times of %s", path);
        x->directories = directories;
        x->directory_capacity = capacity;
    }
    struct dated_directory *directory = &x->directories[x->directory_count];
    *directory = (struct dated_directory){.path = strdup(path)};
    if (!directory->path)
        return fail(err, ENOMEM, "remember the times of %s", path);
    memcpy(directory->times, times, sizeof directory->times);
    x->directory_count++;
    return x->volume ? remember_acl(entry, directory, err) : 0;
}

/* Opens a directory of the layer; those on the way that the layer does not name are made. Links lead where they would inside the container. */
static int open_directory(struct extraction *x, const char *path, struct error *err)
{
    int fd = open_inside(x->root, path, O_RDONLY | O_DIRECTORY);
    if (fd >= 0 || (errno != ENOENT && errno != ENOTDIR))
        return fd >= 0 ? fd : fail(err, errno, "open directory %s", path);

    cleanup_free char *prefix = strdup(path);
    if (!prefix)
        return fail(err, ENOMEM, "open directory %s", path);
    cleanup_close int above = open_inside(x->root, "", O_RDONLY | O_DIRECTORY);
    for (char *name = prefix;;) {
        char *slash = strchr(name, '/');
        if (slash)
            *slash = '\0';
        fd = openat(above, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0) /* a link leads on from the target's root */
            fd = open_inside(x->root, prefix, O_RDONLY | O_DIRECTORY);
        if (fd < 0) {
            struct stat there;
            bool absent = fstatat(above, name, &there, AT_SYMLINK_NOFOLLOW) < 0;
            if (!absent && (x->volume || !whiteout_is(&there)))
                return fail_kind(err, "invalid", 0, "the %s puts files below %s, which is not a directory", x->what, prefix);
            TRY(make_directory(x, above, name, prefix, err));
            fd = openat(above, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
            if (fd < 0)
                return fail(err, errno, "open directory %s", prefix);
            json_object_array_add(x->result->implied, json_object_new_string(prefix));
        }
        if (!slash)
            return fd;
        close(above);
        above = fd;
        *slash = '/';
        name = slash + 1;
    }
}

/* Where an entry goes. `raw` is the archive's spelling. */
static int find_place(struct extraction *x, const char *raw, struct entry_place *place, struct error *err)
{
    *place = (struct entry_place){.parent = -1}; /* the parent is borrowed from the extraction */
    TRY(entry_path(raw, x->what, &place->path, err));
    char *slash = strrchr(place->path, '/');
    place->name = slash ? slash + 1 : place->path;
    if (!*place->path)
        return 0;
    size_t length = slash ? (size_t)(slash - place->path) : 0;
    if (!x->parent_path || strlen(x->parent_path) != length || memcmp(x->parent_path, place->path, length) != 0) {
        cleanup_free char *parent_path = strndup(place->path, length);
        if (!parent_path)
            return fail(err, ENOMEM, "open directory of %s", place->path);
        int parent = open_directory(x, parent_path, err);
        TRY(parent);
        forget_parent(x);
        x->parent = parent;
        x->parent_path = parent_path;
        parent_path = NULL;
    }
    place->parent = x->parent;
    return 0;
}

static void place_clear(struct entry_place *place)
{
    free(place->path);
}
#define cleanup_place __attribute__((cleanup(place_clear)))

/* A later entry takes the place of an earlier one. */
static int make_room(struct extraction *x, struct entry_place *place, struct error *err)
{
    struct stat there;
    if (fstatat(place->parent, place->name, &there, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : fail(err, errno, "look at %s", place->path);
    TRY(tree_remove(place->parent, place->name, err));
    /* The directory that went may have been the way to a remembered one: the next entry finds its own again. */
    if (!S_ISREG(there.st_mode)) {
        free(x->parent_path);
        x->parent_path = NULL;
    }
    return 0;
}

/* ---- one recipe for each kind of entry ---- */

static int extract_file(struct extraction *x, struct archive_entry *entry, struct entry_place *place, struct error *err)
{
    int status = entry_make_file(x->tar, entry, &x->owner, place, err);
    if (status < 0 && !err->message[0]) {
        TRY(make_room(x, place, err));
        status = entry_make_file(x->tar, entry, &x->owner, place, err);
    }
    x->result->size += (uint64_t)archive_entry_size(entry);
    x->result->files++;
    return status == 0 || err->message[0] ? status : fail(err, EEXIST, "make file %s", place->path);
}

static int extract_directory(struct extraction *x, struct archive_entry *entry, struct entry_place *place, struct error *err)
{
    cleanup_close int fd = -1;
    if (place->parent < 0) {
        fd = open_inside(x->root, "", O_RDONLY | O_DIRECTORY);
    } else {
        cleanup_close int parent = fcntl(place->parent, F_DUPFD_CLOEXEC, 0); /* making it may forget the remembered one */
        if (parent < 0)
            return fail(err, errno, "make directory %s", place->path);
        TRY(make_directory(x, parent, place->name, place->path, err));
        fd = openat(parent, place->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    }
    if (fd < 0)
        return fail(err, errno, "open directory %s", place->path);
    TRY(entry_describe(&x->owner, entry, fd, place, err));
    struct timespec times[2];
    (x->volume ? entry_exact_times : entry_times)(entry, times);
    return remember_times(x, entry, place->path, times, err);
}

static int extract_link(struct extraction *x, struct archive_entry *entry, struct entry_place *place, struct error *err)
{
    TRY(make_room(x, place, err));
    const char *target = archive_entry_symlink(entry);
    if (!x->volume)
        x->result->size += target ? strlen(target) : 0; /* which is what stat says of it, and dockerd counts */
    x->result->files++;
    return entry_make_link(entry, &x->owner, place, err);
}

/* Both ends lie in this layer: a file of a lower one cannot have a second name here. */
static int extract_hard_link(struct extraction *x, const char *raw, struct entry_place *place, struct error *err)
{
    cleanup_free char *path = NULL;
    TRY(entry_path(raw, x->what, &path, err));
    char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    cleanup_free char *directory = strndup(path, slash ? (size_t)(slash - path) : 0);
    cleanup_close int parent = directory ? open_inside(x->root, directory, O_RDONLY | O_DIRECTORY) : -1;
    struct stat target, there;
    if (parent < 0 || fstatat(parent, name, &target, AT_SYMLINK_NOFOLLOW) < 0 || S_ISDIR(target.st_mode) ||
        (!x->volume && whiteout_is(&target)))
        return fail_kind(err, "invalid", 0, "the %s has %s as another name of %s, which it does not contain", x->what, place->path, path);
    x->result->files++;
    if (fstatat(place->parent, place->name, &there, AT_SYMLINK_NOFOLLOW) == 0 && there.st_ino == target.st_ino)
        return 0;
    TRY(make_room(x, place, err));
    if (linkat(parent, name, place->parent, place->name, 0) < 0)
        return fail(err, errno, "make %s another name of %s", place->path, path);
    return 0;
}

static int extract_node(struct extraction *x, struct archive_entry *entry, struct entry_place *place, struct error *err)
{
    mode_t type = archive_entry_filetype(entry);
    x->result->files++;
    if (type != AE_IFIFO && x->user_namespace) {
        x->result->devices++;
        return 0;
    }
    TRY(make_room(x, place, err));
    return entry_make_node(entry, &x->owner, place, err);
}

/* A whiteout speaks of lower layers only: what this layer has itself stays, wherever in the tar it comes. */
static int extract_whiteout(struct entry_place *place, struct error *err)
{
    if (strcmp(place->name, WHITEOUT_OPAQUE) == 0)
        return opaque_make(place->parent, err);
    if (strncmp(place->name, WHITEOUT_META, strlen(WHITEOUT_META)) == 0)
        return 0; /* left over from aufs */
    const char *hidden = place->name + strlen(WHITEOUT_PREFIX);
    if (strspn(hidden, ".") == strlen(hidden) && strlen(hidden) <= 3)
        return fail_kind(err, "invalid", 0, "the layer's whiteout %s names nothing that can be hidden", place->path);
    struct stat there;
    if (fstatat(place->parent, hidden, &there, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? whiteout_make(place->parent, hidden, err) : fail(err, errno, "look at %s", place->path);
    if (!S_ISDIR(there.st_mode))
        return 0;
    cleanup_close int directory = openat(place->parent, hidden, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (directory < 0)
        return fail(err, errno, "open directory %s", hidden);
    return opaque_make(directory, err);
}

/* Below a name that can only be a whiteout there is nothing of an image. */
static bool below_whiteout(const char *path)
{
    for (const char *slash; (slash = strchr(path, '/')); path = slash + 1)
        if (strncmp(path, WHITEOUT_PREFIX, strlen(WHITEOUT_PREFIX)) == 0)
            return true;
    return false;
}

static int extract_entry(struct extraction *x, struct archive_entry *entry, struct error *err)
{
    const char *raw = archive_entry_pathname(entry);
    if (!raw || !*raw)
        return fail_kind(err, "invalid", 0, "the %s has an entry without a name", x->what);
    cleanup_free char *path = NULL;
    TRY(entry_path(raw, x->what, &path, err));
    if (!x->volume && below_whiteout(path))
        return 0;
    cleanup_place struct entry_place place;
    TRY(find_place(x, path, &place, err));
    x->result->entries++;

    mode_t type = archive_entry_filetype(entry);
    const char *same_as = archive_entry_hardlink(entry);
    if (!x->volume && strncmp(place.name, WHITEOUT_PREFIX, strlen(WHITEOUT_PREFIX)) == 0)
        return type == AE_IFDIR ? 0 : extract_whiteout(&place, err);
    if (type == AE_IFDIR)
        return extract_directory(x, entry, &place, err);
    if (place.parent < 0)
        return fail_kind(err, "invalid", 0, "the %s's root is not a directory", x->what);
    if (same_as)
        return extract_hard_link(x, same_as, &place, err);
    switch (type) {
    case AE_IFREG:
        return extract_file(x, entry, &place, err);
    case AE_IFLNK:
        return extract_link(x, entry, &place, err);
    case AE_IFCHR:
    case AE_IFBLK:
    case AE_IFIFO:
        return extract_node(x, entry, &place, err);
    default:
        return fail_kind(err, "invalid", 0, "the %s's entry %s is of an unknown kind", x->what, place.path);
    }
}

/* ---- the whole ---- */

static int tell_progress(struct extraction *x, struct error *err)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t passed = (now.tv_sec - x->told.tv_sec) * 1000 + (now.tv_nsec - x->told.tv_nsec) / 1000000;
    if (!x->watcher || passed < 100)
        return 0;
    x->told = now;
    return x->watcher->progress(x->watcher->context, feed_taken(x->feed), err);
}

static void count_zeros(struct extraction *x, const unsigned char *bytes, size_t length)
{
    size_t zeros = 0;
    while (zeros < length && bytes[length - 1 - zeros] == 0)
        zeros++;
    x->zeros = zeros == length ? x->zeros + zeros : zeros;
}

static la_ssize_t read_feed(struct archive *archive, void *context, const void **bytes)
{
    struct extraction *x = context;
    ssize_t count = cancelled ? fail_kind(x->read_error, "unavailable", 0, "the unpacking was cancelled")
                              : feed_next(x->feed, bytes, x->read_error);
    if (count >= 0 && tell_progress(x, x->read_error) < 0)
        count = -1;
    if (count < 0)
        archive_set_error(archive, EIO, "%s", x->read_error->message);
    if (count > 0 && x->volume)
        count_zeros(x, *bytes, (size_t)count);
    return count;
}

static int by_path(const void *a, const void *b)
{
    const struct dated_directory *left = a, *right = b;
    return strcmp(left->path, right->path);
}

/* What was put together first and named later has its own looks. */
static void drop_named(struct extraction *x)
{
    json_object *implied = json_object_new_array();
    qsort(x->directories, x->directory_count, sizeof *x->directories, by_path);
    for (size_t i = 0; i < json_object_array_length(x->result->implied); i++) {
        json_object *path = json_object_array_get_idx(x->result->implied, i);
        struct dated_directory wanted = {.path = (char *)json_object_get_string(path)};
        if (!bsearch(&wanted, x->directories, x->directory_count, sizeof wanted, by_path))
            json_object_array_add(implied, json_object_get(path));
    }
    const struct dated_directory top = {.path = ""};
    if (!bsearch(&top, x->directories, x->directory_count, sizeof top, by_path))
        json_object_array_add(implied, json_object_new_string("."));
    json_object_put(x->result->implied);
    x->result->implied = implied;
}

static int apply_directory_times(const struct extraction *x, struct error *err)
{
    for (size_t i = 0; i < x->directory_count; i++) {
        const struct dated_directory *directory = &x->directories[i];
        cleanup_close int fd = open_inside(x->root, directory->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
        if (fd < 0)
            continue; /* replaced by something else since */
        if (directory->acl && fsetxattr(fd, ENTRY_DEFAULT_ACL, directory->acl, directory->acl_size, 0) < 0 && errno != ENOTSUP && errno != EPERM)
            return fail(err, errno, "set attribute %s of %s", ENTRY_DEFAULT_ACL, directory->path);
        if (futimens(fd, directory->times) < 0)
            return fail(err, errno, "set the times of %s", directory->path);
    }
    return 0;
}

static int extract_all(struct extraction *x, struct error *err)
{
    struct error read_error = {0};
    x->read_error = &read_error;
    archive_read_support_format_tar(x->tar);
    int status = archive_read_open(x->tar, x, NULL, read_feed, NULL);
    struct archive_entry *entry;
    while (status == ARCHIVE_OK && !cancelled) {
        /* A warning says that a name is not ASCII, which the C locale keeps as it is. */
        status = archive_read_next_header(x->tar, &entry);
        if (status == ARCHIVE_WARN)
            status = ARCHIVE_OK;
        if (status == ARCHIVE_OK && extract_entry(x, entry, err) < 0) {
            if (read_error.message[0])
                *err = read_error;
            return -1;
        }
    }
    /* The digest is of every byte, those after the end of the archive too. */
    const void *bytes;
    ssize_t left = 1;
    while (status == ARCHIVE_EOF && left > 0 && (left = read_feed(x->tar, x, &bytes)) > 0)
        ;
    if (read_error.message[0]) {
        *err = read_error;
        return -1;
    }
    if (status != ARCHIVE_EOF)
        return fail_kind(err, "invalid", 0, "the %s is not a tar %s that can be read: %s", x->what, x->volume ? "file" : "archive",
                         cancelled ? "cancelled" : archive_error_string(x->tar));
    /* libarchive takes one that was cut between two entries for whole. */
    if (x->volume && x->zeros < END_SIZE)
        return fail_kind(err, "invalid", 0, "the archive is not a tar file that can be read: its end is missing");
    return apply_directory_times(x, err);
}

static int unpack_beneath(struct feed_source source, int root, bool volume, const struct unpack_watcher *watcher, struct unpack_result *result, struct error *err)
{
    struct extraction x = {
        .root = root,
        .parent = -1,
        .watcher = watcher,
        .user_namespace = in_user_namespace(),
        .volume = volume,
        .what = source.what ? source.what : "layer",
        .owner = {.nobody = in_single_id_namespace(), .volume = volume},
        .result = result,
    };
    TRY(feed_open(source, &x.feed, err));
    x.tar = archive_read_new();
    int status = x.tar ? extract_all(&x, err) : fail(err, ENOMEM, "read the layer");
    if (status == 0) {
        if (!source.unhashed)
            feed_digest(x.feed, result->diff_id);
        drop_named(&x);
    }
    archive_read_free(x.tar);
    feed_close(x.feed);
    forget_parent(&x);
    while (x.directory_count > 0) {
        free(x.directories[--x.directory_count].path);
        free(x.directories[x.directory_count].acl);
    }
    free(x.directories);
    return status;
}

int unpack(struct feed_source source, const char *target, bool volume, const struct unpack_watcher *watcher, struct unpack_result *result, struct error *err)
{
    *result = (struct unpack_result){.implied = json_object_new_array()};
    /* In a UTF-8 locale libarchive would recompose the accents of PAX names; in this one a name is its bytes. */
    setlocale(LC_ALL, "C");
    umask(0);
    signal(SIGTERM, cancel);
    if (mkdir(target, 0755) < 0)
        return fail(err, errno, "make %s", target);
    cleanup_close int root = open(target, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int status = root < 0 ? fail(err, errno, "open %s", target) : unpack_beneath(source, root, volume, watcher, result, err);
    struct error ignored;
    if (status < 0)
        tree_remove(AT_FDCWD, target, &ignored);
    return status;
}

/*
 * ext4 puts a new directory near its parent, where thousands of inodes may just have been deleted with another layer, and looks at each of
 * those again for every file it makes (20 times slower). Children of a directory so marked are spread over the disk. Others ignore it.
 */
static void spread_children(const char *directory)
{
    cleanup_close int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int flags;
    if (fd >= 0 && ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0 && !(flags & FS_TOPDIR_FL)) {
        flags |= FS_TOPDIR_FL;
        ioctl(fd, FS_IOC_SETFLAGS, &flags);
    }
}

/* On disk before anybody is told that it is there: a layer with empty files would stay so for good. */
static int sync_content(const char *target, struct error *err)
{
    cleanup_close int fd = open(target, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 || syncfs(fd) < 0 ? fail(err, errno, "write %s to disk", target) : 0;
}

static int send_progress(void *context, uint64_t bytes, struct error *err)
{
    json_object *progress = json_object_new_object();
    json_object_object_add(progress, "bytes", json_object_new_int64((int64_t)bytes));
    return request_progress(context, progress, err);
}

int unpack_op(struct request *request, struct error *err)
{
    const char *blob = NULL, *target, *whiteouts = "overlay";
    bool sync, follow, digest, volume;
    TRY(request_optional_string(request, "blob", &blob, err));
    TRY(request_path_below_data(request, "target", &target, err));
    TRY(request_optional_string(request, "whiteouts", &whiteouts, err));
    if (strcmp(whiteouts, "overlay") != 0)
        return fail_kind(err, "invalid", 0, "whiteouts: \"overlay\" is the only form there is");
    TRY(request_bool(request, "sync", true, &sync, err));
    TRY(request_bool(request, "digest", true, &digest, err));
    TRY(request_bool(request, "follow", false, &follow, err));
    TRY(request_bool(request, "volume", false, &volume, err));
    cleanup_close int stage = volume ? stage_hold(target, err) : -1;
    if (volume && stage < 0)
        return -1;
    if (follow && !blob)
        return fail_kind(err, "invalid", 0, "only a blob can be followed while it comes in");
    cleanup_close int file = blob ? open(blob, O_RDONLY | O_CLOEXEC) : -1;
    if (blob && file < 0) /* one on its way in may have got its own name since: whoever asks has to know that from other failures */
        return errno == ENOENT ? fail_kind(err, "not-found", errno, "open %s", blob) : fail(err, errno, "open %s", blob);

    struct unpack_watcher watcher = {.progress = send_progress, .context = request};
    struct unpack_result result;
    cleanup_free char *layers = NULL;
    if (asprintf(&layers, "%s/layers", request->data_root) < 0)
        return fail(err, ENOMEM, "unpack %s", target);
    if (!volume)
        spread_children(layers);
    struct feed_source source = {.bytes = blob ? file : request->connection, .news = follow ? request->connection : -1, .what = volume ? "archive" : NULL, .unhashed = !digest};
    TRY(unpack(source, target, volume, &watcher, &result, err));
    if (sync)
        TRY(sync_content(target, err));
    if (digest)
        json_object_object_add(request->reply, "diffId", json_object_new_string(result.diff_id));
    json_object_object_add(request->reply, "size", json_object_new_int64((int64_t)result.size));
    json_object_object_add(request->reply, "files", json_object_new_int64((int64_t)result.files));
    json_object_object_add(request->reply, "entries", json_object_new_int64((int64_t)result.entries));
    json_object_object_add(request->reply, "implied", result.implied);
    if (result.devices > 0)
        json_object_object_add(request->reply, "devicesLeftOut", json_object_new_int64((int64_t)result.devices));
    return 0;
}

int adopt_op(struct request *request, struct error *err)
{
    const char *target;
    struct below below;
    json_object *directories = json_object_object_get(request->fields, "directories");
    TRY(request_path_below_data(request, "target", &target, err));
    if (!json_object_is_type(directories, json_type_array))
        return fail_kind(err, "invalid", 0, "the request's \"directories\" must be a list of paths");
    TRY(below_open(json_object_object_get(request->fields, "lower"), &below, err));
    cleanup_close int root = open(target, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (root < 0)
        return fail(err, errno, "open %s", target);
    for (size_t i = 0; i < json_object_array_length(directories); i++) {
        cleanup_free char *path = NULL;
        TRY(entry_path(json_object_get_string(json_object_array_get_idx(directories, i)) ?: "", "layer", &path, err));
        TRY(implied_adopt(&below, path, root, err));
    }
    below_close(&below);
    return 0;
}

int sync_op(struct request *request, struct error *err)
{
    return sync_content(request->data_root, err);
}
