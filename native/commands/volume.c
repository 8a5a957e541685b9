#include "volume.h"

#include "../base/cleanup.h"
#include "../kernel/copy-up.h"
#include "discard.h"
#include "pack.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <openssl/evp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#define END_SIZE 64
#define TELL_EVERY_MS 100

/* One descriptor or more for each level. */
static void many_files(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
}

static int open_directory(const char *path, struct error *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd >= 0 ? fd
           : errno == ENOENT ? fail_kind(err, "not-found", errno, "open %s", path)
                             : fail(err, errno, "open %s", path);
}

/* ---- packed ---- */

/* The tar, hashed and compressed on its way to the client or a file. */
struct parcel {
    struct request *request;
    struct archive *filter; /* compresses; or NULL */
    EVP_MD_CTX *hash;       /* of the tar; or NULL */
    int file;               /* or -1: to the client */
    struct pack_sum *sum;
    uint64_t written;
    struct timespec told;
    struct error *write_error;
};

static int write_file(int file, const char *bytes, size_t length, struct error *err)
{
    while (length > 0) {
        ssize_t count = write(file, bytes, length);
        if (count < 0 && errno != EINTR)
            return fail(err, errno, "write the archive");
        if (count > 0) {
            bytes += count;
            length -= (size_t)count;
        }
    }
    return 0;
}

static int put(struct parcel *parcel, const void *bytes, size_t length, struct error *err)
{
    parcel->written += length;
    return parcel->file >= 0 ? write_file(parcel->file, bytes, length, err) : request_write(parcel->request, bytes, length, err);
}

static la_ssize_t put_compressed(struct archive *filter, void *context, const void *bytes, size_t length)
{
    struct parcel *parcel = context;
    if (put(parcel, bytes, length, parcel->write_error) == 0)
        return (la_ssize_t)length;
    archive_set_error(filter, EIO, "%s", parcel->write_error->message);
    return -1;
}

static int filter_failure(const struct parcel *parcel, struct error *err)
{
    if (!parcel->write_error->message[0])
        return fail(err, 0, "compress the archive: %s", archive_error_string(parcel->filter));
    *err = *parcel->write_error;
    return -1;
}

static int tell(struct parcel *parcel, struct error *err)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t passed = (now.tv_sec - parcel->told.tv_sec) * 1000 + (now.tv_nsec - parcel->told.tv_nsec) / 1000000;
    if (parcel->file < 0 || passed < TELL_EVERY_MS)
        return 0;
    parcel->told = now;
    json_object *progress = json_object_new_object();
    json_object_object_add(progress, "bytes", json_object_new_int64((int64_t)parcel->sum->bytes));
    json_object_object_add(progress, "written", json_object_new_int64((int64_t)parcel->written));
    return request_progress(parcel->request, progress, err);
}

static int write_parts(void *context, struct iovec *parts, size_t count, struct error *err)
{
    struct parcel *parcel = context;
    TRY(tell(parcel, err));
    for (size_t i = 0; i < count; i++) {
        const struct iovec *part = &parts[i];
        if (part->iov_len == 0)
            continue;
        if (parcel->hash)
            EVP_DigestUpdate(parcel->hash, part->iov_base, part->iov_len);
        if (!parcel->filter)
            TRY(put(parcel, part->iov_base, part->iov_len, err));
        else if (archive_write_data(parcel->filter, part->iov_base, part->iov_len) < 0)
            return filter_failure(parcel, err);
    }
    return 0;
}

static int open_filter(struct parcel *parcel, const char *compress, struct error *err)
{
    if (strcmp(compress, "none") == 0)
        return 0;
    parcel->filter = archive_write_new();
    int status = !parcel->filter ? ARCHIVE_FATAL
                 : strcmp(compress, "zstd") == 0 ? archive_write_add_filter_zstd(parcel->filter)
                                                 : archive_write_add_filter_gzip(parcel->filter);
    struct archive_entry *entry = archive_entry_new();
    archive_entry_set_pathname(entry, "tar");
    archive_entry_set_filetype(entry, AE_IFREG);
    bool opened = entry && status == ARCHIVE_OK &&
                  /* An archive of the same files is the same. */
                  (strcmp(compress, "zstd") == 0 || archive_write_set_filter_option(parcel->filter, "gzip", "timestamp", NULL) == ARCHIVE_OK) &&
                  archive_write_set_format_raw(parcel->filter) == ARCHIVE_OK &&
                  archive_write_set_bytes_per_block(parcel->filter, 0) == ARCHIVE_OK &&
                  archive_write_open(parcel->filter, parcel, NULL, put_compressed, NULL) == ARCHIVE_OK &&
                  archive_write_header(parcel->filter, entry) == ARCHIVE_OK;
    archive_entry_free(entry);
    return opened ? 0 : fail(err, 0, "libarchive cannot compress with %s", compress);
}

static int pack_all(struct parcel *parcel, int root, const char *compress, struct error *err)
{
    struct error write_error = {0};
    const struct pack_output output = {.write = write_parts, .context = parcel};
    parcel->write_error = &write_error;
    int status = open_filter(parcel, compress, err);
    if (status == 0)
        status = pack_volume(root, &output, parcel->sum, err);
    if (status == 0 && parcel->filter && archive_write_close(parcel->filter) != ARCHIVE_OK)
        status = filter_failure(parcel, err);
    if (parcel->filter && status < 0)
        archive_write_fail(parcel->filter);
    archive_write_free(parcel->filter);
    return status;
}

static int send_all(struct request *request, int root, const char *compress, struct error *err)
{
    struct pack_sum sum = {0};
    struct parcel parcel = {.request = request, .file = -1, .sum = &sum};
    char end[END_SIZE + 1];
    pack_to_client(request); /* for the room in its socket */
    TRY(request_answer(request, err));
    TRY(pack_all(&parcel, root, compress, err));
    int length = snprintf(end, sizeof end, "slipway-end %" PRIu64 " %" PRIu64, sum.files, sum.bytes);
    memset(end + length, ' ', sizeof end - (size_t)length);
    end[END_SIZE - 1] = '\n';
    return request_write(request, end, END_SIZE, err);
}

static void add_digest(json_object *reply, EVP_MD_CTX *hash)
{
    unsigned char digest[32];
    char text[72];
    EVP_DigestFinal_ex(hash, digest, NULL);
    char *end = text + sprintf(text, "sha256:");
    for (size_t i = 0; i < sizeof digest; i++)
        end += sprintf(end, "%02x", digest[i]);
    json_object_object_add(reply, "digest", json_object_new_string(text));
}

static int write_all(struct request *request, int root, const char *compress, const char *into, struct error *err)
{
    struct pack_sum sum = {0};
    cleanup_close int file = open(into, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file < 0)
        return fail(err, errno, "make %s", into);
    struct parcel parcel = {.request = request, .file = file, .sum = &sum, .hash = EVP_MD_CTX_new()};
    int status = parcel.hash && EVP_DigestInit_ex(parcel.hash, EVP_sha256(), NULL) ? pack_all(&parcel, root, compress, err)
                                                                                   : fail(err, ENOMEM, "pack the volume");
    if (status == 0 && fsync(file) < 0)
        status = fail(err, errno, "write the archive");
    if (status == 0) {
        add_digest(request->reply, parcel.hash);
        json_object_object_add(request->reply, "files", json_object_new_int64((int64_t)sum.files));
        json_object_object_add(request->reply, "bytes", json_object_new_int64((int64_t)sum.bytes));
        json_object_object_add(request->reply, "written", json_object_new_int64((int64_t)parcel.written));
    } else {
        unlink(into);
    }
    EVP_MD_CTX_free(parcel.hash);
    return status;
}

int volume_pack_op(struct request *request, struct error *err)
{
    const char *path, *compress = "none", *into = NULL;
    TRY(request_string(request, "path", &path, err));
    TRY(request_optional_string(request, "compress", &compress, err));
    TRY(request_optional_string(request, "into", &into, err));
    if (into)
        TRY(request_path_below_data(request, "into", &into, err));
    if (strcmp(compress, "none") != 0 && strcmp(compress, "gzip") != 0 && strcmp(compress, "zstd") != 0)
        return fail_kind(err, "invalid", 0, "compress must be none, gzip or zstd, not %s", compress);
    many_files();
    cleanup_close int root = open_directory(path, err);
    TRY(root);
    return into ? write_all(request, root, compress, into, err) : send_all(request, root, compress, err);
}

/* ---- copied ---- */

static int tell_copy(void *context, const struct copy_progress *copy, struct error *err)
{
    json_object *progress = json_object_new_object();
    json_object_object_add(progress, "bytes", json_object_new_int64((int64_t)copy->bytes));
    return request_progress(context, progress, err);
}

int volume_copy_op(struct request *request, struct error *err)
{
    const char *path, *target;
    TRY(request_string(request, "path", &path, err));
    TRY(request_path_below_data(request, "target", &target, err));
    many_files();
    cleanup_close int stage = stage_hold(target, err);
    TRY(stage);
    cleanup_close int from = open_directory(path, err);
    TRY(from);
    umask(0);
    if (mkdir(target, 0700) < 0)
        return fail(err, errno, "make %s", target);
    cleanup_close int to = open_directory(target, err);
    TRY(to);
    struct copy_progress progress = {.told = tell_copy, .context = request, .reflink = true};
    TRY(copy_volume(from, to, &progress, err));
    if (syncfs(to) < 0)
        return fail(err, errno, "write the copy");
    json_object_object_add(request->reply, "reflink", json_object_new_boolean(progress.reflink));
    json_object_object_add(request->reply, "files", json_object_new_int64((int64_t)progress.files));
    json_object_object_add(request->reply, "bytes", json_object_new_int64((int64_t)progress.bytes));
    return 0;
}

int reflinks_op(struct request *request, struct error *err)
{
    const char *path, *target;
    TRY(request_string(request, "path", &path, err));
    TRY(request_path_below_data(request, "target", &target, err));
    cleanup_close int from = open_directory(path, err);
    TRY(from);
    cleanup_close int to = open_directory(target, err);
    TRY(to);
    struct stat one, other;
    bool can = fstat(from, &one) == 0 && fstat(to, &other) == 0 && one.st_dev == other.st_dev;
    if (can) {
        cleanup_close int source = openat(to, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        cleanup_close int copy = openat(to, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        can = source >= 0 && copy >= 0 && write(source, "x", 1) == 1 && ioctl(copy, FICLONE, source) == 0;
    }
    json_object_object_add(request->reply, "reflink", json_object_new_boolean(can));
    return 0;
}

/* ---- swapped ---- */

static int open_parent(const char *path, const char **name, struct error *err)
{
    cleanup_free char *copy = strdup(path);
    char *slash = copy ? strrchr(copy, '/') : NULL;
    if (!slash)
        return fail(err, ENOMEM, "open %s", path);
    *name = path + (slash - copy) + 1;
    *slash = '\0';
    return open_directory(copy, err);
}

int swap_op(struct request *request, struct error *err)
{
    const char *path, *with, *name, *other;
    bool alike;
    TRY(request_path_below_data(request, "path", &path, err));
    TRY(request_path_below_data(request, "with", &with, err));
    TRY(request_bool(request, "alike", false, &alike, err));
    cleanup_close int here = open_parent(path, &name, err);
    TRY(here);
    cleanup_close int there = open_parent(with, &other, err);
    TRY(there);
    if (alike) {
        cleanup_close int from = openat(here, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        cleanup_close int to = openat(there, other, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (from < 0 || to < 0)
            return fail(err, errno, "open %s", from < 0 ? path : with);
        TRY(copy_up_attributes(from, to, err));
    }
    if (renameat2(here, name, there, other, RENAME_EXCHANGE) < 0)
        return fail(err, errno, "put %s in the place of %s", with, path);
    if (fsync(here) == 0 && fsync(there) == 0)
        return 0;
    /* Who hears of a failure throws away what is in `with`: that may not be what was to stay. */
    int code = errno;
    if (renameat2(here, name, there, other, RENAME_EXCHANGE) < 0)
        return fail(err, errno, "put %s back after it could not be written", path);
    return fail(err, code, "write %s", path);
}
