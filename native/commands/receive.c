#include "receive.h"

#include "../base/cleanup.h"
#include "../base/feed.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <locale.h>
#include <openssl/evp.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BEGINNING 512
#define TELL_EVERY (4 << 20)

struct reception {
    struct request *request;
    const char *prefix;
    struct feed *feed;
    struct archive *tar;
    struct error *read_error; /* why the feed stopped */
    unsigned count;
    EVP_MD_CTX *hash;
};

/* A file on its way. */
struct arrival {
    const char *name; /* in the archive; NULL: there is none */
    char *path;
    int fd;
    uint64_t size, told;
    bool begun; /* somebody has heard of it */
    unsigned char beginning[BEGINNING];
};

static volatile sig_atomic_t cancelled;

static void cancel(int signal)
{
    (void)signal;
    cancelled = 1;
}

/* ---- one file ---- */

static void arrival_clear(struct arrival *file)
{
    if (file->fd >= 0)
        close(file->fd);
    free(file->path);
}
#define cleanup_arrival __attribute__((cleanup(arrival_clear)))

static int tell(struct reception *r, struct arrival *file, const char *digest, struct error *err)
{
    json_object *progress = json_object_new_object();
    if (file->name)
        json_object_object_add(progress, "name", json_object_new_string(file->name));
    json_object_object_add(progress, "path", json_object_new_string(file->path));
    json_object_object_add(progress, "bytes", json_object_new_int64((int64_t)file->size));
    if (!file->begun) {
        char begins[2 * BEGINNING + 1] = "";
        for (size_t i = 0; i < BEGINNING && i < file->size; i++)
            sprintf(begins + 2 * i, "%02x", file->beginning[i]);
        json_object_object_add(progress, "begins", json_object_new_string(begins));
    }
    if (digest)
        json_object_object_add(progress, "digest", json_object_new_string(digest));
    file->begun = true;
    file->told = file->size;
    return request_progress(r->request, progress, err);
}

static int begin(struct reception *r, struct arrival *file, struct error *err)
{
    if (asprintf(&file->path, "%s-%u", r->prefix, r->count++) < 0) {
        file->path = NULL;
        return fail(err, ENOMEM, "receive a file");
    }
    file->fd = open(file->path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file->fd < 0)
        return fail(err, errno, "make %s", file->path);
    if (!EVP_DigestInit_ex(r->hash, EVP_sha256(), NULL))
        return fail(err, ENOMEM, "receive a file");
    return 0;
}

static int take(struct reception *r, struct arrival *file, const void *bytes, size_t count, struct error *err)
{
    if (file->size < BEGINNING) {
        size_t part = BEGINNING - file->size < count ? BEGINNING - file->size : count;
        memcpy(file->beginning + file->size, bytes, part);
    }
    EVP_DigestUpdate(r->hash, bytes, count);
    for (const char *next = bytes; count > 0;) {
        ssize_t written = write(file->fd, next, count);
        if (written < 0 && errno != EINTR)
            return fail(err, errno, "write %s", file->path);
        if (written > 0) {
            next += written;
            count -= (size_t)written;
            file->size += (uint64_t)written;
        }
    }
    bool first = !file->begun && file->size >= BEGINNING;
    return first || file->size - file->told >= TELL_EVERY ? tell(r, file, NULL, err) : 0;
}

static int finish(struct reception *r, struct arrival *file, struct error *err)
{
    unsigned char sum[32];
    char digest[72], *end = digest + sprintf(digest, "sha256:");
    EVP_DigestFinal_ex(r->hash, sum, NULL);
    for (size_t i = 0; i < sizeof sum; i++)
        end += sprintf(end, "%02x", sum[i]);
    return tell(r, file, digest, err);
}

/* ---- an archive ---- */

static int read_entry(struct reception *r, struct arrival *file, struct error *err)
{
    const void *bytes;
    size_t count;
    la_int64_t offset;
    int status;
    TRY(begin(r, file, err));
    while ((status = archive_read_data_block(r->tar, &bytes, &count, &offset)) == ARCHIVE_OK) {
        if ((uint64_t)offset != file->size)
            return fail_kind(err, "invalid", 0, "the archive has %s with holes in it", file->name);
        TRY(take(r, file, bytes, count, err));
    }
    if (status != ARCHIVE_EOF)
        return fail_kind(err, "invalid", 0, "the archive cannot be read: it is damaged at %s: %s", file->name, archive_error_string(r->tar));
    return finish(r, file, err);
}

static bool is_text(const char *name)
{
    /* What nobody can name in JSON nobody asks for. */
    for (const unsigned char *c = (const unsigned char *)name; *c; c++)
        if (*c >= 0x80 || *c < 0x20)
            return false;
    return *name != '\0';
}

static int receive_entry(struct reception *r, struct archive_entry *entry, struct error *err)
{
    const char *name = archive_entry_pathname(entry);
    if (!name || !is_text(name))
        return 0;
    const char *link = archive_entry_hardlink(entry);
    bool symbolic = !link && archive_entry_filetype(entry) == AE_IFLNK;
    if (symbolic)
        link = archive_entry_symlink(entry);
    if (link) {
        if (!is_text(link))
            return 0;
        json_object *progress = json_object_new_object();
        json_object_object_add(progress, "name", json_object_new_string(name));
        json_object_object_add(progress, symbolic ? "link" : "same", json_object_new_string(link));
        return request_progress(r->request, progress, err);
    }
    if (archive_entry_filetype(entry) != AE_IFREG)
        return 0;
    cleanup_arrival struct arrival file = {.name = name, .fd = -1};
    int status = read_entry(r, &file, err);
    if (status < 0 && file.fd >= 0)
        unlink(file.path);
    return status;
}

static la_ssize_t read_feed(struct archive *archive, void *context, const void **bytes)
{
    struct reception *r = context;
    ssize_t count = cancelled ? fail_kind(r->read_error, "unavailable", 0, "the archive's sender has gone") : feed_next(r->feed, bytes, r->read_error);
    if (count < 0)
        archive_set_error(archive, EIO, "%s", r->read_error->message);
    return count;
}

static int receive_archive(struct reception *r, struct error *err)
{
    struct error read_error = {0};
    r->read_error = &read_error;
    r->tar = archive_read_new();
    if (!r->tar)
        return fail(err, ENOMEM, "read the archive");
    archive_read_support_format_tar(r->tar);
    int status = archive_read_open(r->tar, r, NULL, read_feed, NULL);
    struct archive_entry *entry;
    while (status == ARCHIVE_OK) {
        status = archive_read_next_header(r->tar, &entry);
        if (status == ARCHIVE_WARN) /* a name that is not ASCII */
            status = ARCHIVE_OK;
        if (status == ARCHIVE_OK && receive_entry(r, entry, err) < 0) {
            if (read_error.message[0])
                *err = read_error;
            return -1;
        }
    }
    if (read_error.message[0]) {
        *err = read_error;
        return -1;
    }
    if (status != ARCHIVE_EOF)
        return fail_kind(err, "invalid", 0, "the archive cannot be read: %s", archive_error_string(r->tar));
    /* Who sends padding after the end of the archive is heard out. */
    const void *bytes;
    ssize_t count;
    while ((count = feed_next(r->feed, &bytes, err)) > 0)
        ;
    return (int)count;
}

/* ---- all of it ---- */

static int receive_stream(struct reception *r, struct error *err)
{
    cleanup_arrival struct arrival file = {.fd = -1};
    const void *bytes;
    ssize_t count;
    int status = begin(r, &file, err);
    while (status == 0 && (count = cancelled ? fail_kind(err, "unavailable", 0, "the sender has gone") : feed_next(r->feed, &bytes, err)) != 0)
        status = count < 0 ? -1 : take(r, &file, bytes, (size_t)count, err);
    if (status == 0)
        status = finish(r, &file, err);
    if (status < 0 && file.fd >= 0)
        unlink(file.path);
    return status;
}

int receive_op(struct request *request, struct error *err)
{
    struct reception r = {.request = request};
    bool archive;
    TRY(request_path_below_data(request, "prefix", &r.prefix, err));
    TRY(request_bool(request, "archive", true, &archive, err));
    setlocale(LC_ALL, "C");
    signal(SIGTERM, cancel);
    r.hash = EVP_MD_CTX_new();
    if (!r.hash)
        return fail(err, ENOMEM, "receive");
    TRY(feed_open((struct feed_source){.bytes = request->connection, .news = -1, .what = "archive", .unhashed = true}, &r.feed, err));
    int status = archive ? receive_archive(&r, err) : receive_stream(&r, err);
    archive_read_free(r.tar);
    feed_close(r.feed);
    EVP_MD_CTX_free(r.hash);
    return status;
}
