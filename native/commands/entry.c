#include "entry.h"

#include "../base/cleanup.h"
#include "../kernel/whiteout.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

int entry_path(const char *raw, const char *what, char **out, struct error *err)
{
    char *path = malloc(strlen(raw) + 2), *end = path;
    if (!path)
        return fail(err, ENOMEM, "read the %s", what);
    for (const char *part = raw; *part;) {
        size_t size = strcspn(part, "/");
        if (size == 2 && part[0] == '.' && part[1] == '.') {
            if (end == path) {
                free(path);
                return fail_kind(err, "invalid", 0, "the %s's entry %s leads out of the %s", what, raw, what);
            }
            while (end > path && *--end != '/')
                ;
        } else if (size > 0 && !(size == 1 && part[0] == '.')) {
            if (end > path)
                *end++ = '/';
            memcpy(end, part, size);
            end += size;
        }
        part += size;
        while (*part == '/')
            part++;
    }
    *end = '\0';
    *out = path;
    return 0;
}

/* ---- what an entry says about itself ---- */

static int set_owner(const struct entry_owner *owner, struct archive_entry *entry, int fd, const struct entry_place *place, struct error *err)
{
    int64_t uid = owner->given ? owner->uid : archive_entry_uid(entry), gid = owner->given ? owner->gid : archive_entry_gid(entry);
    if (uid < 0 || uid >= UINT32_MAX || gid < 0 || gid >= UINT32_MAX)
        return fail_kind(err, "invalid", 0, "%s belongs to user %" PRId64 ", group %" PRId64 ", which cannot be", place->path, uid, gid);
    if (owner->nobody)
        return 0;
    int status = fd >= 0 ? fchown(fd, (uid_t)uid, (gid_t)gid)
                         : fchownat(place->parent, place->name, (uid_t)uid, (gid_t)gid, AT_SYMLINK_NOFOLLOW);
    if (status < 0 && errno == EINVAL)
        return fail_kind(err, "unavailable", 0,
                         "%s belongs to user %" PRId64 ", group %" PRId64
                         ", more than your subordinate ids cover: ask for a longer range in /etc/subuid and /etc/subgid",
                         place->path, uid, gid);
    return status < 0 ? fail(err, errno, "set the owner of %s", place->path) : 0;
}

static int set_attributes(const struct entry_owner *owner, struct archive_entry *entry, int fd, const struct entry_place *place, struct error *err)
{
    const char *name;
    const void *value;
    size_t size;
    archive_entry_xattr_reset(entry);
    while (archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK) {
        /* Labels of a mandatory access policy are the host's to give. */
        if ((!owner->volume && is_overlay_attribute(name)) || strcmp(name, "security.selinux") == 0)
            continue;
        if (owner->volume && strcmp(name, ENTRY_DEFAULT_ACL) == 0)
            continue;
        int status;
        if (fd >= 0) {
            status = fsetxattr(fd, name, value, size, 0);
        } else {
            cleanup_free char *path = NULL;
            if (asprintf(&path, "/proc/self/fd/%d/%s", place->parent, place->name) < 0)
                return fail(err, ENOMEM, "set attributes of %s", place->path);
            status = lsetxattr(path, name, value, size, 0);
        }
        /* What this file system or this namespace does not know is left out, as every engine does. */
        if (status < 0 && errno != ENOTSUP && errno != EPERM)
            return fail(err, errno, "set attribute %s of %s", name, place->path);
    }
    return 0;
}

static struct timespec sane_time(time_t seconds, long nanoseconds)
{
    if (seconds < 0 || nanoseconds < 0 || nanoseconds > 999999999)
        return (struct timespec){0};
    return (struct timespec){.tv_sec = seconds, .tv_nsec = nanoseconds};
}

void entry_times(struct archive_entry *entry, struct timespec times[2])
{
    times[1] = sane_time(archive_entry_mtime(entry), archive_entry_mtime_nsec(entry));
    times[0] = archive_entry_atime_is_set(entry) ? sane_time(archive_entry_atime(entry), archive_entry_atime_nsec(entry)) : times[1];
}

void entry_exact_times(struct archive_entry *entry, struct timespec times[2])
{
    entry_times(entry, times);
    if (archive_entry_mtime(entry) < 0)
        times[0] = times[1] = (struct timespec){.tv_sec = archive_entry_mtime(entry), .tv_nsec = archive_entry_mtime_nsec(entry)};
}

/* In this order: a chown clears setuid bits and capabilities. */
int entry_describe(const struct entry_owner *owner, struct archive_entry *entry, int fd, const struct entry_place *place, struct error *err)
{
    TRY(set_owner(owner, entry, fd, place, err));
    TRY(set_attributes(owner, entry, fd, place, err));
    mode_t type = archive_entry_filetype(entry), mode = archive_entry_perm(entry) & 07777;
    if (type != AE_IFLNK && (fd >= 0 ? fchmod(fd, mode) : fchmodat(place->parent, place->name, mode, 0)) < 0)
        return fail(err, errno, "set the mode of %s", place->path);
    if (type == AE_IFDIR)
        return 0;
    struct timespec times[2];
    (owner->volume ? entry_exact_times : entry_times)(entry, times);
    if ((fd >= 0 ? futimens(fd, times) : utimensat(place->parent, place->name, times, AT_SYMLINK_NOFOLLOW)) < 0)
        return fail(err, errno, "set the times of %s", place->path);
    return 0;
}

/* ---- one recipe for each kind of entry ---- */

static int write_content(struct archive *tar, int fd, int64_t size, const struct entry_place *place, struct error *err)
{
    const void *bytes;
    size_t count;
    la_int64_t offset;
    int64_t end = 0;
    int status;
    while ((status = archive_read_data_block(tar, &bytes, &count, &offset)) == ARCHIVE_OK) {
        const char *next = bytes;
        end = offset + (int64_t)count;
        while (count > 0) {
            ssize_t written = pwrite(fd, next, count, offset);
            if (written < 0 && errno != EINTR)
                return fail(err, errno, "write %s", place->path);
            if (written > 0) {
                next += written;
                offset += written;
                count -= (size_t)written;
            }
        }
    }
    if (status != ARCHIVE_EOF)
        return fail_kind(err, "invalid", 0, "the archive is damaged at %s: %s", place->path, archive_error_string(tar));
    if (end < size && ftruncate(fd, size) < 0) /* a sparse file that ends in a hole */
        return fail(err, errno, "write %s", place->path);
    return 0;
}

int entry_make_file(struct archive *tar, struct archive_entry *entry, const struct entry_owner *owner, const struct entry_place *place, struct error *err)
{
    cleanup_close int fd = openat(place->parent, place->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return errno == EEXIST ? -1 : fail(err, errno, "make file %s", place->path);
    int64_t size = archive_entry_size(entry);
    if (size > 0)
        TRY(write_content(tar, fd, size, place, err));
    return entry_describe(owner, entry, fd, place, err);
}

int entry_make_link(struct archive_entry *entry, const struct entry_owner *owner, const struct entry_place *place, struct error *err)
{
    const char *target = archive_entry_symlink(entry);
    if (!target || !*target)
        return fail_kind(err, "invalid", 0, "the link %s leads nowhere", place->path);
    if (symlinkat(target, place->parent, place->name) < 0)
        return fail(err, errno, "make link %s", place->path);
    return entry_describe(owner, entry, -1, place, err);
}

int entry_make_node(struct archive_entry *entry, const struct entry_owner *owner, const struct entry_place *place, struct error *err)
{
    mode_t type = archive_entry_filetype(entry);
    if (mknodat(place->parent, place->name, type | 0600, type == AE_IFIFO ? 0 : archive_entry_rdev(entry)) < 0)
        return fail(err, errno, "make %s", place->path);
    return entry_describe(owner, entry, -1, place, err);
}
