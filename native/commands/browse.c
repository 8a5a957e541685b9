#include "browse.h"

#include "../base/cleanup.h"
#include "../kernel/beneath.h"
#include "../kernel/resolve.h"
#include "edit.h"
#include "files.h"
#include "found.h"
#include "marks.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>

#define ENTRIES_MAX 10000
#define PASSWD_MAX (1u << 20)

/* ---- a directory ---- */

struct names {
    char **items;
    size_t count, room;
};

static void names_clear(struct names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->items[i]);
    free(names->items);
}
#define cleanup_names __attribute__((cleanup(names_clear)))

static int names_add(struct names *names, const char *name, struct error *err)
{
    if (names->count == names->room) {
        size_t room = names->room ? names->room * 2 : 256;
        char **more = realloc(names->items, room * sizeof *more);
        if (!more)
            return fail(err, ENOMEM, "list a directory");
        names->items = more;
        names->room = room;
    }
    char *copy = strdup(name);
    if (!copy)
        return fail(err, ENOMEM, "list a directory");
    names->items[names->count++] = copy;
    return 0;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* All of those after `after`, by name; what is deleted among them. */
static int read_names(int directory, const char *path, const char *after, const struct marks *marks, struct names *names, struct error *err)
{
    int copy = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cleanup_closedir DIR *listing = copy < 0 ? NULL : fdopendir(copy);
    if (!listing)
        return files_refuse(errno, "open", path, err);
    struct dirent *entry;
    while (errno = 0, (entry = readdir(listing)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 && strcmp(entry->d_name, after) > 0)
            TRY(names_add(names, entry->d_name, err));
    if (errno != 0)
        return fail(err, errno, "read directory %s", path);
    for (size_t i = 0; i < marks->count; i++)
        if (marks->items[i].kind == 'D' && strcmp(marks->items[i].name, after) > 0 &&
            faccessat(directory, marks->items[i].name, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
            TRY(names_add(names, marks->items[i].name, err));
    if (names->count > 0)
        qsort(names->items, names->count, sizeof *names->items, by_bytes);
    return 0;
}

static const char *kind_of(mode_t mode)
{
    return S_ISDIR(mode)   ? "directory"
           : S_ISREG(mode) ? "file"
           : S_ISLNK(mode) ? "link"
           : S_ISFIFO(mode) ? "fifo"
           : S_ISSOCK(mode) ? "socket"
                            : "device";
}

static json_object *describe(const char *name, mode_t mode, int64_t size, uid_t uid, gid_t gid, int64_t seconds, int64_t nanoseconds)
{
    json_object *entry = json_object_new_object(), *mtime = json_object_new_array();
    json_object_array_add(mtime, json_object_new_int64(seconds));
    json_object_array_add(mtime, json_object_new_int64(nanoseconds));
    json_object_object_add(entry, "name", json_object_new_string(name));
    json_object_object_add(entry, "kind", json_object_new_string(kind_of(mode)));
    json_object_object_add(entry, "size", json_object_new_int64(size));
    json_object_object_add(entry, "mode", json_object_new_int64(mode & 07777));
    json_object_object_add(entry, "uid", json_object_new_int64(uid));
    json_object_object_add(entry, "gid", json_object_new_int64(gid));
    json_object_object_add(entry, "mtime", mtime);
    return entry;
}

void browse_describe(json_object *reply, const char *name, const struct stat *stat)
{
    json_object_object_add(reply, "stat", describe(name, stat->st_mode, stat->st_size, stat->st_uid, stat->st_gid, stat->st_mtim.tv_sec, stat->st_mtim.tv_nsec));
}

static void add_target(json_object *entry, int directory, const char *name)
{
    char target[PATH_MAX];
    ssize_t length = readlinkat(directory, name, target, sizeof target);
    if (length >= 0)
        json_object_object_add(entry, "target", json_object_new_string_len(target, (int)length));
}

/* NULL where it has gone meanwhile. */
static json_object *entry_of(int directory, const char *name, const struct mark *mark)
{
    static const char *const words[] = {['A'] = "added", ['C'] = "changed", ['D'] = "deleted"};
    struct statx there;
    json_object *entry;
    if (statx(directory, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_BASIC_STATS, &there) == 0) {
        entry = describe(name, there.stx_mode, (int64_t)there.stx_size, there.stx_uid, there.stx_gid, there.stx_mtime.tv_sec, there.stx_mtime.tv_nsec);
        if (S_ISLNK(there.stx_mode))
            add_target(entry, directory, name);
        if (there.stx_attributes & STATX_ATTR_MOUNT_ROOT)
            json_object_object_add(entry, "mount", json_object_new_boolean(true));
        else if (mark && mark->kind != 'D')
            json_object_object_add(entry, "change", json_object_new_string(words[(int)mark->kind]));
        return entry;
    }
    if (!mark || mark->kind != 'D')
        return NULL;
    const struct stat *was = &mark->before;
    entry = describe(name, was->st_mode, was->st_size, was->st_uid, was->st_gid, was->st_mtim.tv_sec, was->st_mtim.tv_nsec);
    json_object_object_add(entry, "change", json_object_new_string(words['D']));
    return entry;
}

/* A name may be any bytes, and a cursor travels in a document. */
static json_object *cursor_of(const char *name)
{
    char text[2 * NAME_MAX + 1] = "";
    for (size_t i = 0; name[i] && i < NAME_MAX; i++)
        sprintf(text + 2 * i, "%02x", (unsigned char)name[i]);
    return json_object_new_string(text);
}

static int read_cursor(const struct request *request, char after[NAME_MAX + 1], struct error *err)
{
    const char *text = "";
    TRY(request_optional_string(request, "after", &text, err));
    size_t length = strlen(text);
    if (length % 2 != 0 || length > 2 * NAME_MAX || strspn(text, "0123456789abcdef") != length)
        return fail_kind(err, "invalid", 0, "the place to go on from is not one that was given out");
    for (size_t i = 0; i < length / 2; i++) {
        char digits[3] = {text[2 * i], text[2 * i + 1], '\0'};
        after[i] = (char)strtol(digits, NULL, 16);
    }
    after[length / 2] = '\0';
    return 0;
}

/* What is mounted there is none of the container's layers. */
static int is_of_rootfs(int root, int directory, struct error *err)
{
    struct statx whole, part;
    if (statx(root, "", AT_EMPTY_PATH, STATX_MNT_ID, &whole) < 0 || statx(directory, "", AT_EMPTY_PATH, STATX_MNT_ID, &part) < 0)
        return fail(err, errno, "look at the directory");
    return whole.stx_mnt_id == part.stx_mnt_id;
}

static int open_directory(int root, const char *path, char resolved[PATH_MAX], struct error *err)
{
    if (resolve_in_root(root, path, resolved) < 0)
        return files_refuse(errno, "open", path, err);
    int directory = open_how(root, resolved, O_PATH | O_DIRECTORY, 0, RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
    return directory < 0 ? files_refuse(errno, "open", path, err) : directory;
}

int file_list_op(struct request *request, struct error *err)
{
    cleanup_files struct container_files files = CONTAINER_FILES_INIT;
    cleanup_marks struct marks marks = {0};
    cleanup_names struct names names = {0};
    const char *path, *upper = NULL;
    char resolved[PATH_MAX], after[NAME_MAX + 1];
    int64_t limit = 1000;
    TRY(found_path_of(request, "path", &path, err));
    TRY(request_optional_string(request, "upper", &upper, err));
    TRY(request_optional_integer(request, "limit", 1, ENTRIES_MAX, &limit, err));
    TRY(read_cursor(request, after, err));
    TRY(files_reach(request, FILES_TO_READ, &files, err));
    cleanup_close int directory = open_directory(files.root, path, resolved, err);
    TRY(directory);
    int ours = is_of_rootfs(files.root, directory, err);
    TRY(ours);
    if (ours)
        TRY(marks_of(upper, json_object_object_get(request->fields, "lower"), resolved, &marks, err));
    TRY(files_take_ids(&files, err));
    TRY(read_names(directory, path, after, &marks, &names, err));
    json_object *entries = json_object_new_array();
    size_t count = names.count < (size_t)limit ? names.count : (size_t)limit;
    for (size_t i = 0; i < count; i++) {
        json_object *entry = entry_of(directory, names.items[i], marks_find(&marks, names.items[i]));
        if (entry)
            json_object_array_add(entries, entry);
    }
    json_object_object_add(request->reply, "path", json_object_new_string(resolved));
    json_object_object_add(request->reply, "entries", entries);
    if (count < names.count)
        json_object_object_add(request->reply, "more", cursor_of(names.items[count - 1]));
    return 0;
}

/* ---- a file ---- */

int browse_reopen(int file, int flags)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    return open(path, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

int browse_refuse_special(const char *path, mode_t mode, struct error *err)
{
    return fail_kind(err, "conflict", 0, "%s is a %s, not a file", path, kind_of(mode));
}

int file_read_op(struct request *request, struct error *err)
{
    cleanup_files struct container_files files = CONTAINER_FILES_INIT;
    const char *path;
    char resolved[PATH_MAX], buffer[65536];
    struct stat stat;
    int64_t offset = 0, length = INT64_MAX;
    TRY(found_path_of(request, "path", &path, err));
    TRY(request_optional_integer(request, "offset", 0, INT64_MAX, &offset, err));
    TRY(request_optional_integer(request, "length", 0, INT64_MAX, &length, err));
    TRY(files_open(request, FILES_TO_READ, &files, err));
    if (resolve_in_root(files.root, path, resolved) < 0)
        return files_refuse(errno, "open", path, err);
    /* Only looked at until it is known to be a file: opening a device can do things. */
    cleanup_close int seen = open_how(files.root, resolved, O_PATH | O_NOFOLLOW, 0, RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
    if (seen < 0 || fstat(seen, &stat) < 0)
        return files_refuse(errno, "open", path, err);
    if (!S_ISREG(stat.st_mode))
        return browse_refuse_special(path, stat.st_mode, err);
    cleanup_close int file = browse_reopen(seen, O_RDONLY);
    if (file < 0)
        return files_refuse(errno, "open", path, err);
    browse_describe(request->reply, strrchr(resolved, '/') + 1, &stat);
    TRY(request_answer(request, err));
    while (length > 0) {
        size_t wanted = length < (int64_t)sizeof buffer ? (size_t)length : sizeof buffer;
        ssize_t got = pread(file, buffer, wanted, offset);
        if (got < 0)
            return fail(err, errno, "read %s", path);
        if (got == 0)
            break;
        TRY(request_write(request, buffer, (size_t)got, err));
        offset += got;
        length -= got;
    }
    return 0;
}

/* ---- shells ---- */

static bool is_program(int root, const char *path)
{
    char resolved[PATH_MAX];
    struct stat stat;
    if (resolve_in_root(root, path, resolved) < 0)
        return false;
    cleanup_close int file = open_how(root, resolved, O_PATH | O_NOFOLLOW, 0, RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
    return file >= 0 && fstat(file, &stat) == 0 && S_ISREG(stat.st_mode) && (stat.st_mode & 0111) && stat.st_size > 0;
}

static void add_shell(json_object *shells, int root, const char *path)
{
    for (size_t i = 0; i < json_object_array_length(shells); i++)
        if (strcmp(json_object_get_string(json_object_array_get_idx(shells, i)), path) == 0)
            return;
    if (is_program(root, path))
        json_object_array_add(shells, json_object_new_string(path));
}

/* What keeps people out is no shell, though it stands in the place of one. */
static bool lets_in(const char *shell)
{
    static const char *const others[] = {"nologin", "false", "true", "sync", "halt", "shutdown", "git-shell"};
    const char *name = strrchr(shell, '/');
    if (shell[0] != '/' || strlen(shell) >= PATH_MAX)
        return false;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcmp(name + 1, others[i]) == 0)
            return false;
    return true;
}

/* The last field of the user's line in /etc/passwd, by name or by number; the caller's to free. NULL where there is none. */
static char *shell_of(int root, const char *user)
{
    struct error ignored;
    cleanup_free char *text = read_in_root(root, "/etc/passwd", PASSWD_MAX, &ignored);
    size_t length = strcspn(user, ":");
    cleanup_free char *wanted = strndup(length > 0 ? user : "0", length > 0 ? length : 1);
    char *rest = text, *line;
    while (wanted && rest && (line = strsep(&rest, "\n"))) {
        char *fields[7];
        size_t count = 0;
        for (char *at = line, *field; count < 7 && (field = strsep(&at, ":")); count++)
            fields[count] = field;
        if (count < 7 || (strcmp(fields[0], wanted) != 0 && strcmp(fields[2], wanted) != 0))
            continue;
        for (size_t end = strlen(fields[6]); end > 0 && isspace((unsigned char)fields[6][end - 1]); end--)
            fields[6][end - 1] = '\0';
        return lets_in(fields[6]) ? strdup(fields[6]) : NULL;
    }
    return NULL;
}

int file_shells_op(struct request *request, struct error *err)
{
    static const char *const names[] = {"bash", "zsh", "ash", "sh"}, *const directories[] = {"/bin", "/usr/bin", "/usr/local/bin"};
    cleanup_files struct container_files files = CONTAINER_FILES_INIT;
    const char *user = "";
    TRY(request_optional_string(request, "user", &user, err));
    TRY(files_open(request, FILES_TO_READ, &files, err));
    json_object *shells = json_object_new_array();
    json_object_object_add(request->reply, "shells", shells);
    cleanup_free char *own = shell_of(files.root, user);
    if (own)
        add_shell(shells, files.root, own);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t before = json_object_array_length(shells);
        for (size_t j = 0; j < sizeof directories / sizeof *directories && json_object_array_length(shells) == before; j++) {
            char path[64];
            snprintf(path, sizeof path, "%s/%s", directories[j], names[i]);
            if (own && strcmp(strrchr(own, '/') + 1, names[i]) == 0 && before > 0)
                break; /* the user's own one is of that name */
            add_shell(shells, files.root, path);
        }
    }
    return 0;
}
