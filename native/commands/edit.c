#include "edit.h"

#include "../base/cleanup.h"
#include "../kernel/copy-up.h"
#include "../kernel/resolve.h"
#include "../kernel/whiteout.h"
#include "files.h"
#include "found.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/xattr.h>

#define SIZE_MAX_TEXT (64 << 20)
#define DEEPEST 256

/* Once something is being changed it is brought to its end, client or not. */
static void hold_off_the_end(void)
{
    sigset_t end;
    sigemptyset(&end);
    sigaddset(&end, SIGTERM);
    sigprocmask(SIG_BLOCK, &end, NULL);
}

static int is_mounted_on(int parent, const char *name)
{
    struct statx there;
    return statx(parent, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_TYPE, &there) == 0 && (there.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

/* What is new belongs to whom its directory belongs to. */
static int give_to_owner_of(int parent, int file, const char *path, struct error *err)
{
    struct stat directory;
    if (in_user_namespace() && in_single_id_namespace())
        return 0;
    if (fstat(parent, &directory) < 0 || fchown(file, directory.st_uid, directory.st_gid) < 0)
        return fail(err, errno, "set the owner of %s", path);
    return 0;
}

/* ---- a file's content ---- */

struct content {
    unsigned char *bytes;
    size_t size;
};

static int receive(struct request *request, struct content *content, struct error *err)
{
    int64_t size;
    TRY(request_integer(request, "size", 0, SIZE_MAX_TEXT, &size, err));
    content->size = (size_t)size;
    content->bytes = malloc(content->size + 1);
    if (!content->bytes)
        return fail(err, ENOMEM, "take the file's content");
    for (size_t done = 0; done < content->size;) {
        ssize_t got = recv(request->connection, content->bytes + done, content->size - done, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return fail_kind(err, "unavailable", 0, "the client has gone");
        done += (size_t)got;
    }
    return 0;
}

static int put(int file, const struct content *content, const char *path, struct error *err)
{
    for (size_t done = 0; done < content->size;) {
        ssize_t written = pwrite(file, content->bytes + done, content->size - done, (off_t)done);
        if (written < 0 && errno != EINTR)
            return fail(err, errno, "write %s", path);
        done += written > 0 ? (size_t)written : 0;
    }
    return fdatasync(file) < 0 && errno != EINVAL ? fail(err, errno, "write %s", path) : 0;
}

/* What a client that has read the file knows it by. */
static int check_version(const char *version, const char *path, const struct stat *stat, bool exists, struct error *err)
{
    char now[96];
    if (!version)
        return 0;
    if (!exists)
        return fail_kind(err, "conflict", 0, "%s was removed in the meantime", path);
    snprintf(now, sizeof now, "%" PRId64 ".%09ld-%" PRId64, (int64_t)stat->st_mtim.tv_sec, stat->st_mtim.tv_nsec, (int64_t)stat->st_size);
    return strcmp(now, version) == 0 ? 0 : fail_kind(err, "conflict", 0, "%s was changed by somebody else in the meantime", path);
}

/* A file that is mounted by itself, as /etc/hosts is, has no other's place to take. */
static int write_over(const struct container_files *files, const struct found *found, const char *path, const struct content *content, struct error *err)
{
    cleanup_close int seen = openat(found->parent, found->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    struct stat stat;
    if (seen < 0 || fstat(seen, &stat) < 0)
        return files_refuse(errno, "open", path, err);
    if (!S_ISREG(stat.st_mode))
        return browse_refuse_special(path, stat.st_mode, err);
    TRY(files_check_writable(files, seen, err));
    cleanup_close int file = browse_reopen(seen, O_WRONLY | O_TRUNC);
    return file < 0 ? files_refuse(errno, "open", path, err) : put(file, content, path, err);
}

/* The looks of the one whose place it takes, but for a program's capabilities: its content is another now. */
static int dress(const struct found *found, bool exists, int file, const char *path, struct error *err)
{
    const struct timespec now[2] = {{.tv_nsec = UTIME_NOW}, {.tv_nsec = UTIME_NOW}};
    if (!exists) {
        TRY(give_to_owner_of(found->parent, file, path, err));
        return fchmod(file, 0644) < 0 ? fail(err, errno, "set the mode of %s", path) : 0;
    }
    cleanup_close int before = openat(found->parent, found->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (before < 0)
        return files_refuse(errno, "open", path, err);
    TRY(copy_up_attributes(before, file, err));
    fremovexattr(file, "security.capability");
    return futimens(file, now) < 0 ? fail(err, errno, "set the times of %s", path) : 0;
}

static int replace(const struct found *found, bool exists, const char *path, const struct content *content, struct error *err)
{
    char name[32];
    uint64_t number;
    if (getrandom(&number, sizeof number, 0) != sizeof number)
        return fail(err, errno, "choose a name");
    snprintf(name, sizeof name, ".slipway-%016" PRIx64, number);
    cleanup_close int file = openat(found->parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file < 0)
        return files_refuse(errno, "write", path, err);
    int status = put(file, content, path, err);
    if (status == 0)
        status = dress(found, exists, file, path, err);
    if (status == 0 && renameat(found->parent, name, found->parent, found->name) < 0)
        status = files_refuse(errno, "write", path, err);
    if (status < 0)
        unlinkat(found->parent, name, 0);
    return status;
}

static int write_content(struct request *request, const struct container_files *files, const char *path, const struct content *content, struct error *err)
{
    cleanup_found struct found found = {.parent = -1};
    char resolved[PATH_MAX];
    const char *version = NULL;
    struct stat stat;
    TRY(request_optional_string(request, "version", &version, err));
    int exists = find_target(files->root, path, &found, resolved, err);
    TRY(exists);
    if (exists && !S_ISREG(found.stat.st_mode))
        return browse_refuse_special(path, found.stat.st_mode, err);
    if (!exists && path[strlen(path) - 1] == '/')
        return fail_kind(err, "invalid", 0, "%s asks for a directory, not for a file", path);
    TRY(check_version(version, path, &found.stat, exists, err));
    if (exists && is_mounted_on(found.parent, found.name)) {
        TRY(write_over(files, &found, path, content, err));
    } else {
        TRY(files_check_writable(files, found.parent, err));
        TRY(replace(&found, exists, path, content, err));
    }
    if (fstatat(found.parent, found.name, &stat, AT_SYMLINK_NOFOLLOW) < 0)
        return files_refuse(errno, "lstat", path, err);
    browse_describe(request->reply, found.name, &stat);
    return 0;
}

int file_write_op(struct request *request, struct error *err)
{
    cleanup_files struct container_files files = CONTAINER_FILES_INIT;
    struct content content = {0};
    const char *path;
    TRY(found_path_of(request, "path", &path, err));
    int status = receive(request, &content, err);
    if (status == 0)
        status = files_open(request, FILES_TO_WRITE, &files, err);
    hold_off_the_end();
    umask(0);
    if (status == 0)
        status = write_content(request, &files, path, &content, err);
    free(content.bytes);
    return status;
}

/* ---- names ---- */

static int refuse_root(const char *path, const struct found *found, struct error *err)
{
    return strcmp(found->name, ".") == 0 ? fail_kind(err, "invalid", 0, "%s is a directory that this cannot be done to", path) : 0;
}

/* An entry whose directory can be written, and that nothing is mounted on. */
static int find_to_change(const struct container_files *files, const char *path, struct found *found, struct error *err)
{
    TRY(find_in_container(files->root, path, found, err));
    TRY(refuse_root(path, found, err));
    TRY(files_check_writable(files, found->parent, err));
    return is_mounted_on(found->parent, found->name) ? fail_kind(err, "conflict", 0, files->plain ? "%s is mounted there and cannot be moved or removed from here" : "%s is mounted into the container and cannot be moved or removed from here", path) : 0;
}

/* A name that nothing has, in a directory that can be written. A link is something, wherever it leads. */
static int find_free(const struct container_files *files, const char *path, struct found *found, struct error *err)
{
    char parent[PATH_MAX];
    const char *last = strrchr(path, '/') + 1;
    if (*last == '\0' || last - path + 2 > PATH_MAX)
        return fail_kind(err, "invalid", 0, "%s must end in a name", path);
    snprintf(parent, sizeof parent, "%.*s.", (int)(last - path), path);
    TRY(find_in_container(files->root, parent, found, err));
    found->name = last;
    TRY(files_check_writable(files, found->parent, err));
    if (faccessat(found->parent, last, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        return fail_kind(err, "conflict", 0, "%s is there already", path);
    return errno == ENOENT ? 0 : files_refuse(errno, "lstat", path, err);
}

int file_remove_op(struct request *request, struct error *err)
{
    cleanup_files struct container_files files = CONTAINER_FILES_INIT;
    cleanup_found struct found found = {.parent = -1};
    const char *path;
    TRY(found_path_of(request, "path", &path, err));
    TRY(files_open(request, FILES_TO_WRITE, &files, err));
    TRY(find_to_change(&files, path, &found, err));
    if (S_ISDIR(found.stat.st_mode))
        return files_remove_directory(&files, found.parent, found.name, err);
    return unlinkat(found.parent, found.name, 0) < 0 ? files_refuse(errno, "remove", path, err) : 0;
}

int file_directory_op(struct request *request, struct error *err)
{
    cleanup_files struct container_files files = CONTAINER_FILES_INIT;
    cleanup_found struct found found = {.parent = -1};
    const char *path;
    TRY(found_path_of(request, "path", &path, err));
    TRY(files_open(request, FILES_TO_WRITE, &files, err));
    TRY(find_free(&files, path, &found, err));
    hold_off_the_end();
    umask(0);
    if (mkdirat(found.parent, found.name, 0755) < 0)
        return files_refuse(errno, "mkdir", path, err);
    cleanup_close int directory = openat(found.parent, found.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return directory < 0 ? files_refuse(errno, "open", path, err) : give_to_owner_of(found.parent, directory, path, err);
}

/* ---- moving ---- */

static int not_a_dot(const struct dirent *entry)
{
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

/* Sets errno. What it has moved when it fails is moved back. */
static int move(int from, const char *name, int to, const char *new_name, int depth);

static int move_entries(int source, int target, int depth)
{
    struct dirent **names;
    int count = scandirat(source, ".", &names, not_a_dot, NULL), done = 0, reason = count < 0 ? errno : 0;
    for (; reason == 0 && done < count; done++)
        if (move(source, names[done]->d_name, target, names[done]->d_name, depth + 1) < 0) {
            reason = errno;
            break;
        }
    while (reason != 0 && done > 0) {
        done--;
        move(target, names[done]->d_name, source, names[done]->d_name, depth + 1);
    }
    for (int i = 0; i < count; i++)
        free(names[i]);
    if (count >= 0)
        free(names);
    errno = reason;
    return reason == 0 ? 0 : -1;
}

/* Overlay renames no directory that lower layers have a part in. */
static int move_directory(int from, const char *name, int to, const char *new_name, int depth)
{
    struct error ignored;
    cleanup_close int source = openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (source < 0 || mkdirat(to, new_name, 0700) < 0)
        return -1;
    cleanup_close int target = openat(to, new_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int status = target < 0 ? -1 : move_entries(source, target, depth);
    if (status == 0 && copy_up_attributes(source, target, &ignored) < 0) {
        errno = ignored.errnum;
        int reason = errno;
        move_entries(target, source, depth);
        errno = reason;
        status = -1;
    }
    int reason = errno;
    unlinkat(status == 0 ? from : to, status == 0 ? name : new_name, AT_REMOVEDIR);
    errno = reason;
    return status;
}

static int move(int from, const char *name, int to, const char *new_name, int depth)
{
    struct stat stat;
    errno = EBUSY;
    if (is_mounted_on(from, name))
        return -1;
    errno = ELOOP;
    if (depth > DEEPEST)
        return -1;
    if (renameat2(from, name, to, new_name, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EXDEV || fstatat(from, name, &stat, AT_SYMLINK_NOFOLLOW) < 0)
        return -1;
    errno = EXDEV;
    return S_ISDIR(stat.st_mode) ? move_directory(from, name, to, new_name, depth) : -1;
}

/* Whether `path` is `top` or below it, by what they are called once links are followed. */
static int is_inside(int root, const char *top, const char *path, struct error *err)
{
    char real_top[PATH_MAX], real_path[PATH_MAX], parent[PATH_MAX];
    const char *last = strrchr(top, '/');
    snprintf(parent, sizeof parent, "%.*s/", (int)(last - top), top);
    if (resolve_in_root(root, parent, real_top) < 0 || resolve_in_root(root, path, real_path) < 0)
        return files_refuse(errno, "lstat", path, err);
    size_t length = strlen(real_top);
    if (length + strlen(last) >= sizeof real_top)
        return files_refuse(ENAMETOOLONG, "lstat", top, err);
    strcpy(real_top + (length == 1 ? 0 : length), last);
    length = strlen(real_top);
    return strncmp(real_path, real_top, length) == 0 && (real_path[length] == '/' || real_path[length] == '\0');
}

static int on_one_mount(int one, int other)
{
    struct statx left, right;
    return statx(one, "", AT_EMPTY_PATH, STATX_MNT_ID, &left) == 0 && statx(other, "", AT_EMPTY_PATH, STATX_MNT_ID, &right) == 0 &&
           left.stx_mnt_id == right.stx_mnt_id;
}

int file_rename_op(struct request *request, struct error *err)
{
    cleanup_files struct container_files files = CONTAINER_FILES_INIT;
    cleanup_found struct found from = {.parent = -1}, to = {.parent = -1};
    const char *path, *target;
    TRY(found_path_of(request, "path", &path, err));
    TRY(found_path_of(request, "to", &target, err));
    TRY(files_open(request, FILES_TO_WRITE, &files, err));
    TRY(find_to_change(&files, path, &from, err));
    TRY(find_free(&files, target, &to, err));
    if (S_ISDIR(from.stat.st_mode)) {
        int inside = is_inside(files.root, path, target, err);
        TRY(inside);
        if (inside)
            return fail_kind(err, "invalid", 0, "%s cannot be moved into itself", path);
    }
    if (!on_one_mount(from.parent, to.parent))
        return fail_kind(err, "conflict", 0, "%s and %s are on different mounts: copy it, then remove it", path, target);
    hold_off_the_end();
    umask(0);
    return move(from.parent, from.name, to.parent, to.name, 0) < 0 ? files_refuse(errno, "rename", path, err) : 0;
}
