/* commands/archive-write.c: a tar from anybody extracted inside a container that may be running and may be hostile: whatever either says, it happens
 * beneath the container's root. */
#include "archive.h"

#include "../base/cleanup.h"
#include "../base/codecs.h"
#include "../kernel/beneath.h"
#include "../kernel/resolve.h"
#include "../kernel/user.h"
#include "../kernel/whiteout.h"
#include "entry.h"
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#define BLOCK_SIZE (256 * 1024)
#define BLOCKS 8

/* A directory's times wait until nothing more is put in it. */
struct dated {
    struct dated *next;
    struct timespec times[2];
    char path[];
};

/* The body as it comes, taken by a thread of its own: whoever sends it need not wait for the disk. */
struct intake {
    int source;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned filled, emptied; /* blocks so far; the one being read counts as not yet emptied */
    bool reading, stopped;
    ssize_t lengths[BLOCKS]; /* 0: the end; -1: the client has gone */
    unsigned char ring[BLOCKS][BLOCK_SIZE];
};

struct copying {
    struct intake intake;
    struct archive *tar;
    const struct container_files *files;
    char target[PATH_MAX]; /* where the entries go: absolute, free of links when it was found */
    bool keep_kinds, user_namespace;
    struct entry_owner owner;
    int parent; /* most entries share the directory of the one before */
    char *parent_path;
    struct dated *directories;
};

static volatile sig_atomic_t cancelled;

static void cancel(int signal)
{
    (void)signal;
    cancelled = 1;
}

/* Waits for room in the ring; NULL when nobody wants more. */
static unsigned char *next_free(struct intake *intake)
{
    pthread_mutex_lock(&intake->lock);
    while (!intake->stopped && intake->filled - intake->emptied == BLOCKS)
        pthread_cond_wait(&intake->changed, &intake->lock);
    unsigned char *block = intake->stopped ? NULL : intake->ring[intake->filled % BLOCKS];
    pthread_mutex_unlock(&intake->lock);
    return block;
}

static void *intake_main(void *context)
{
    struct intake *intake = context;
    unsigned char *block;
    ssize_t count = 1;
    sigset_t interrupts;
    sigemptyset(&interrupts);
    sigaddset(&interrupts, SIGTERM);
    pthread_sigmask(SIG_UNBLOCK, &interrupts, NULL); /* here, where it interrupts the waiting for a client */
    while (count > 0 && (block = next_free(intake)) != NULL) {
        do
            count = read(intake->source, block, BLOCK_SIZE);
        while (count < 0 && errno == EINTR && !cancelled);
        pthread_mutex_lock(&intake->lock);
        intake->lengths[intake->filled++ % BLOCKS] = count;
        pthread_cond_broadcast(&intake->changed);
        pthread_mutex_unlock(&intake->lock);
    }
    return NULL;
}

static int intake_open(struct intake *intake, int source, struct error *err)
{
    sigset_t interrupts;
    intake->source = source;
    pthread_mutex_init(&intake->lock, NULL);
    pthread_cond_init(&intake->changed, NULL);
    sigemptyset(&interrupts);
    sigaddset(&interrupts, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &interrupts, NULL);
    int errnum = pthread_create(&intake->thread, NULL, intake_main, intake);
    return errnum == 0 ? 0 : fail(err, errnum, "read the archive");
}

/* The thread may be waiting for a client that says nothing: the process ends soon, and it with that. */
static void intake_stop(struct intake *intake)
{
    pthread_mutex_lock(&intake->lock);
    intake->stopped = true;
    pthread_cond_broadcast(&intake->changed);
    pthread_mutex_unlock(&intake->lock);
    pthread_detach(intake->thread);
}

static ssize_t intake_next(struct intake *intake, const void **bytes)
{
    pthread_mutex_lock(&intake->lock);
    if (intake->reading)
        intake->emptied++;
    intake->reading = false;
    pthread_cond_broadcast(&intake->changed);
    while (intake->emptied == intake->filled)
        pthread_cond_wait(&intake->changed, &intake->lock);
    unsigned block = intake->emptied % BLOCKS;
    ssize_t count = intake->lengths[block];
    *bytes = intake->ring[block];
    intake->reading = count > 0; /* the end stays where it is, for whoever asks again */
    pthread_mutex_unlock(&intake->lock);
    return count;
}

static la_ssize_t read_body(struct archive *tar, void *context, const void **bytes)
{
    struct copying *x = context;
    ssize_t count = intake_next(&x->intake, bytes);
    if (count >= 0 && !cancelled)
        return count;
    archive_set_error(tar, EIO, "the client has gone");
    return -1;
}

/* ---- where entries go ---- */

/* A path below the target, seen from the container's root. */
static int full_path(const struct copying *x, const char *path, char out[PATH_MAX], struct error *err)
{
    const char *slash = strcmp(x->target, "/") == 0 ? "" : "/";
    int length = snprintf(out, PATH_MAX, "%s%s%s", x->target, *path ? slash : "", path);
    return length < PATH_MAX ? 0 : fail(err, ENAMETOOLONG, "%s", path);
}

/* The directory of an entry; those on the way that are missing are made. */
static int open_directory(const struct copying *x, const char *path, struct error *err)
{
    char full[PATH_MAX];
    TRY(full_path(x, path, full, err));
    int fd = open_in_root(x->files->root, full, O_PATH | O_DIRECTORY);
    if (fd >= 0)
        return fd;
    return errno == ENOENT ? make_in_root(x->files->root, full, true, err) : files_refuse(errno, "mkdir", full, err);
}

static void forget_parent(struct copying *x)
{
    cleanup_close_(&x->parent);
    x->parent = -1;
    free(x->parent_path);
    x->parent_path = NULL;
}

static int find_place(struct copying *x, char *path, struct entry_place *place, struct error *err)
{
    char *slash = strrchr(path, '/');
    size_t length = slash ? (size_t)(slash - path) : 0;
    *place = (struct entry_place){.path = path, .name = slash ? slash + 1 : path};
    if (!x->parent_path || strlen(x->parent_path) != length || memcmp(x->parent_path, path, length) != 0) {
        forget_parent(x);
        x->parent_path = strndup(path, length);
        if (!x->parent_path)
            return fail(err, ENOMEM, "open the directory of %s", path);
        x->parent = open_directory(x, x->parent_path, err);
        TRY(x->parent);
    }
    place->parent = x->parent;
    return 0;
}

/* Takes away what is in the way of an entry, if anything is. 1: a directory that stays, as the entry is one too. */
static int make_room(struct copying *x, const struct entry_place *place, bool directory, struct error *err)
{
    struct statx there;
    char full[PATH_MAX];
    TRY(full_path(x, place->path, full, err));
    if (statx(place->parent, place->name, AT_SYMLINK_NOFOLLOW, STATX_TYPE, &there) < 0)
        return errno == ENOENT ? 0 : files_refuse(errno, "lstat", full, err);
    bool was_directory = S_ISDIR(there.stx_mode);
    if (was_directory && directory)
        return 1;
    if (x->keep_kinds && was_directory != directory)
        return fail_kind(err, "invalid", 0, "cannot overwrite %s \"%s\" with %s \"%s\"", was_directory ? "directory" : "non-directory", full,
                         directory ? "directory" : "non-directory", x->target);
    if (there.stx_attributes & STATX_ATTR_MOUNT_ROOT)
        return files_refuse(EBUSY, "unlinkat", full, err);
    if (was_directory)
        TRY(files_remove_directory(x->files, place->parent, place->name, err));
    else if (unlinkat(place->parent, place->name, 0) < 0 && errno != ENOENT)
        return files_refuse(errno, "unlinkat", full, err);
    /* It may have been the way to a directory that is remembered. */
    if (!S_ISREG(there.stx_mode)) {
        free(x->parent_path);
        x->parent_path = NULL;
    }
    return 0;
}

/* ---- one recipe for each kind of entry ---- */

static int remember_times(struct copying *x, struct archive_entry *entry, const char *path, struct error *err)
{
    struct dated *directory = malloc(sizeof *directory + strlen(path) + 1);
    if (!directory)
        return fail(err, ENOMEM, "remember the times of %s", path);
    strcpy(directory->path, path);
    entry_times(entry, directory->times);
    directory->next = x->directories;
    x->directories = directory;
    return 0;
}

static int write_directory(struct copying *x, struct archive_entry *entry, const struct entry_place *place, struct error *err)
{
    int there = make_room(x, place, true, err);
    TRY(there);
    if (!there && mkdirat(place->parent, place->name, 0755) < 0)
        return fail(err, errno, "mkdir %s", place->path);
    cleanup_close int fd = openat(place->parent, place->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return fail(err, errno, "open %s", place->path);
    TRY(entry_describe(&x->owner, entry, fd, place, err));
    return remember_times(x, entry, place->path, err);
}

/* What came only in part is no file. */
static int write_file(struct copying *x, struct archive_entry *entry, const struct entry_place *place, struct error *err)
{
    TRY(make_room(x, place, false, err));
    if (entry_make_file(x->tar, entry, &x->owner, place, err) == 0)
        return 0;
    if (!err->message[0])
        return fail(err, EEXIST, "make file %s", place->path);
    unlinkat(place->parent, place->name, 0);
    return -1;
}

static int write_hard_link(struct copying *x, const char *raw, const struct entry_place *place, struct error *err)
{
    cleanup_free char *path = NULL;
    struct stat one, other;
    TRY(entry_path(raw, "archive", &path, err));
    char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    cleanup_free char *directory = strndup(path, slash ? (size_t)(slash - path) : 0);
    char full[PATH_MAX];
    TRY(full_path(x, directory ? directory : "", full, err));
    cleanup_close int parent = open_in_root(x->files->root, full, O_PATH | O_DIRECTORY);
    if (!directory || parent < 0 || fstatat(parent, name, &one, AT_SYMLINK_NOFOLLOW) < 0)
        return fail_kind(err, "invalid", 0, "the archive has %s as another name of %s, which is not there", place->path, path);
    if (fstatat(place->parent, place->name, &other, AT_SYMLINK_NOFOLLOW) == 0 && one.st_dev == other.st_dev && one.st_ino == other.st_ino)
        return 0;
    TRY(make_room(x, place, false, err));
    return linkat(parent, name, place->parent, place->name, 0) < 0 ? fail(err, errno, "make %s another name of %s", place->path, path) : 0;
}

static int write_node(struct copying *x, struct archive_entry *entry, const struct entry_place *place, struct error *err)
{
    if (archive_entry_filetype(entry) != AE_IFIFO && x->user_namespace)
        return 0; /* a user namespace makes no devices */
    TRY(make_room(x, place, false, err));
    return entry_make_node(entry, &x->owner, place, err);
}

static int write_entry(struct copying *x, struct archive_entry *entry, struct error *err)
{
    const char *raw = archive_entry_pathname(entry), *same_as = archive_entry_hardlink(entry);
    cleanup_free char *path = NULL;
    struct entry_place place;
    if (!raw || !*raw)
        return fail_kind(err, "invalid", 0, "the archive has an entry without a name");
    TRY(entry_path(raw, "archive", &path, err));
    if (!*path)
        return 0; /* the target itself stays as it is */
    TRY(find_place(x, path, &place, err));
    if (same_as)
        return write_hard_link(x, same_as, &place, err);
    switch (archive_entry_filetype(entry)) {
    case AE_IFDIR:
        return write_directory(x, entry, &place, err);
    case AE_IFREG:
        return write_file(x, entry, &place, err);
    case AE_IFLNK:
        TRY(make_room(x, &place, false, err));
        return entry_make_link(entry, &x->owner, &place, err);
    case AE_IFCHR:
    case AE_IFBLK:
    case AE_IFIFO:
        return write_node(x, entry, &place, err);
    default:
        return fail_kind(err, "invalid", 0, "the archive's entry %s is of an unknown kind", path);
    }
}

/* ---- the whole ---- */

static void apply_directory_times(struct copying *x)
{
    for (struct dated *next, *directory = x->directories; directory; directory = next) {
        char full[PATH_MAX];
        struct error ignored;
        next = directory->next;
        if (full_path(x, directory->path, full, &ignored) == 0) {
            cleanup_close int fd = open_in_root(x->files->root, full, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK);
            if (fd >= 0) /* else it was replaced by something else since */
                futimens(fd, directory->times);
        }
        free(directory);
    }
}

static int unreadable(struct copying *x, struct error *err)
{
    if (cancelled)
        return fail_kind(err, "unavailable", 0, "the client has gone");
    return fail_kind(err, "invalid", 0, "the archive is not a tar that can be read: %s", archive_error_string(x->tar));
}

static int write_all(struct copying *x, struct error *err)
{
    struct archive_entry *entry;
    const void *bytes;
    int status = codecs_enable(x->tar);
    archive_read_support_format_tar(x->tar);
    archive_read_support_format_empty(x->tar);
    if (status == ARCHIVE_OK)
        status = archive_read_open(x->tar, x, NULL, read_body, NULL);
    while (status >= ARCHIVE_WARN && (status = archive_read_next_header(x->tar, &entry)) >= ARCHIVE_WARN && status != ARCHIVE_EOF)
        if (write_entry(x, entry, err) < 0)
            return cancelled ? unreadable(x, err) : -1;
    if (status != ARCHIVE_EOF)
        return unreadable(x, err);
    /* Bytes after the end are the client's to send, and nobody's to read. */
    while (read_body(x->tar, x, &bytes) > 0)
        ;
    return cancelled ? unreadable(x, err) : 0;
}

static int find_target(struct copying *x, const char *path, struct error *err)
{
    if (resolve_in_root(x->files->root, path, x->target) < 0)
        return files_refuse(errno, "lstat", path, err);
    cleanup_close int target = open_how(x->files->root, x->target, O_PATH | O_NOFOLLOW, 0, RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS);
    struct stat stat;
    if (target < 0 || fstat(target, &stat) < 0)
        return files_refuse(errno, "lstat", path, err);
    if (!S_ISDIR(stat.st_mode))
        return fail_kind(err, "invalid", 0, "extraction point is not a directory");
    return files_check_writable(x->files, target, err);
}

static int find_owner(struct copying *x, const char *user, struct error *err)
{
    cleanup_spec_process struct spec_process *process = calloc(1, sizeof *process);
    if (!process)
        return fail(err, ENOMEM, "find the user");
    TRY(user_resolve(x->files->root, user, NULL, process, err));
    x->owner.given = true;
    x->owner.uid = process->uid;
    x->owner.gid = process->gid;
    return 0;
}

static int copy_in(struct request *request, struct copying *x, struct error *err)
{
    const char *path, *user = NULL;
    TRY(request_string(request, "path", &path, err));
    if (path[0] != '/')
        return fail_kind(err, "invalid", 0, "the request's \"path\" must be absolute");
    TRY(request_optional_string(request, "user", &user, err));
    TRY(request_bool(request, "keepKinds", false, &x->keep_kinds, err));
    x->user_namespace = in_user_namespace();
    x->owner.nobody = x->user_namespace && in_single_id_namespace();
    if (user)
        TRY(find_owner(x, user, err));
    TRY(find_target(x, path, err));
    umask(0);
    TRY(intake_open(&x->intake, request->connection, err));
    x->tar = archive_read_new();
    int status = x->tar ? write_all(x, err) : fail(err, ENOMEM, "read the archive");
    intake_stop(&x->intake);
    apply_directory_times(x);
    archive_read_free(x->tar);
    forget_parent(x);
    return status;
}

int archive_write_op(struct request *request, struct error *err)
{
    static struct copying x;
    const struct sigaction interrupt = {.sa_handler = cancel}; /* a read that waits for the client is interrupted */
    sigaction(SIGTERM, &interrupt, NULL);
    setlocale(LC_ALL, "C"); /* where names are their bytes; see unpack.c */
    cleanup_files struct container_files files = CONTAINER_FILES_INIT;
    TRY(files_open(request, FILES_TO_WRITE, &files, err));
    x.files = &files;
    x.parent = -1;
    TRY(copy_in(request, &x, err));
    return request_answer(request, err);
}
