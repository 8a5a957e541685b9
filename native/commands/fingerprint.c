#include "fingerprint.h"

#include "../base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#define PIECE (256 * 1024)

struct printing {
    EVP_MD_CTX *hash;
    void *linked;   /* a search tree of the files met that have several names */
    uint64_t count; /* entries so far: what a later name of a file is told by */
    unsigned char piece[PIECE];
    /* Not on the stack: trees are deep. */
    char list[16384], value[65536];
    char *keys[256];
};

struct linked {
    dev_t dev;
    ino_t ino;
    uint64_t first;
};

static int compare_linked(const void *a, const void *b)
{
    const struct linked *left = a, *right = b;
    if (left->dev != right->dev)
        return left->dev < right->dev ? -1 : 1;
    return left->ino < right->ino ? -1 : left->ino > right->ino;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void add(struct printing *printing, const void *bytes, size_t length)
{
    EVP_DigestUpdate(printing->hash, bytes, length);
}

/* A field with its length before it: no two lists of fields look the same. */
static void add_field(struct printing *printing, const void *bytes, size_t length)
{
    uint64_t prefix = length;
    add(printing, &prefix, sizeof prefix);
    add(printing, bytes, length);
}

static void finish(EVP_MD_CTX *hash, char digest[72])
{
    unsigned char raw[32];
    EVP_DigestFinal_ex(hash, raw, NULL);
    memcpy(digest, "sha256:", 8);
    for (size_t i = 0; i < sizeof raw; i++)
        snprintf(digest + 7 + 2 * i, 3, "%02x", raw[i]);
}

static int add_content(struct printing *printing, int fd, const char *name, struct error *err)
{
    uint64_t length = 0;
    for (ssize_t got; (got = read(fd, printing->piece, PIECE)) != 0; length += (uint64_t)got) {
        if (got < 0)
            return fail(err, errno, "read %s", name);
        add(printing, printing->piece, (size_t)got);
    }
    add(printing, &length, sizeof length);
    return 0;
}

/* Sorted: file systems list them in orders of their own. */
static int add_attributes(struct printing *printing, int fd, const char *name, struct error *err)
{
    char at[40], *list = printing->list, *value = printing->value, **keys = printing->keys;
    snprintf(at, sizeof at, "/proc/self/fd/%d", fd);
    ssize_t length = listxattr(at, list, sizeof printing->list);
    if (length < 0 && errno != ENOTSUP && errno != EPERM)
        return fail(err, errno, "read the attributes of %s", name);
    size_t count = 0;
    for (char *key = list; length > 0 && key < list + length && count < sizeof printing->keys / sizeof *keys; key += strlen(key) + 1)
        if (strcmp(key, "security.selinux") != 0)
            keys[count++] = key;
    qsort(keys, count, sizeof *keys, compare_names);
    for (size_t i = 0; i < count; i++) {
        ssize_t size = getxattr(at, keys[i], value, sizeof printing->value);
        if (size < 0)
            return fail(err, errno, "read the attribute %s of %s", keys[i], name);
        add_field(printing, keys[i], strlen(keys[i]));
        add_field(printing, value, (size_t)size);
    }
    return 0;
}

/* 0 where the file was not met before; else which entry it was. */
static int first_of(struct printing *printing, const struct stat *stat, uint64_t *first, struct error *err)
{
    struct linked *linked = malloc(sizeof *linked);
    if (!linked)
        return fail(err, ENOMEM, "look at a file");
    *linked = (struct linked){stat->st_dev, stat->st_ino, printing->count};
    struct linked **found = tsearch(linked, &printing->linked, compare_linked);
    if (!found) {
        free(linked);
        return fail(err, ENOMEM, "look at a file");
    }
    *first = *found == linked ? 0 : (*found)->first;
    if (*found != linked)
        free(linked);
    return 0;
}

static int add_directory(struct printing *printing, int fd, struct error *err);

static int add_entry(struct printing *printing, int directory, const char *name, struct error *err)
{
    cleanup_close int fd = openat(directory, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    struct stat stat;
    if (fd < 0 || fstat(fd, &stat) < 0)
        return fail(err, errno, "look at %s", name);
    printing->count++; /* the tree itself has no name: it may be called anything */
    add_field(printing, name, directory == AT_FDCWD ? 0 : strlen(name));
    char looks[160];
    bool is_directory = S_ISDIR(stat.st_mode);
    /* The times of whiteouts and of directories that a layer only implied are those of its unpacking. */
    bool is_dated = !is_directory && !(S_ISCHR(stat.st_mode) && stat.st_rdev == 0);
    int length = snprintf(looks, sizeof looks, "%o %u %u %" PRIu64 " %u:%u %" PRId64 ".%09ld", stat.st_mode, stat.st_uid, stat.st_gid,
                          is_directory ? 0 : (uint64_t)stat.st_size, major(stat.st_rdev), minor(stat.st_rdev),
                          is_dated ? (int64_t)stat.st_mtim.tv_sec : 0, is_dated ? stat.st_mtim.tv_nsec : 0);
    add_field(printing, looks, (size_t)length);
    TRY(add_attributes(printing, fd, name, err));
    if (is_directory) {
        int below = openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (below < 0)
            return fail(err, errno, "open %s", name);
        return add_directory(printing, below, err);
    }
    uint64_t first = 0;
    if (stat.st_nlink > 1)
        TRY(first_of(printing, &stat, &first, err));
    add(printing, &first, sizeof first);
    if (first > 0)
        return 0;
    if (S_ISLNK(stat.st_mode)) {
        ssize_t size = readlinkat(fd, "", (char *)printing->piece, PIECE);
        if (size < 0)
            return fail(err, errno, "read the link %s", name);
        add_field(printing, printing->piece, (size_t)size);
    } else if (S_ISREG(stat.st_mode)) {
        cleanup_close int file = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NOATIME);
        if (file < 0 && errno == EPERM)
            file = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        if (file < 0)
            return fail(err, errno, "open %s", name);
        return add_content(printing, file, name, err);
    }
    return 0;
}

static void free_names(char **names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(names[i]);
    free(names);
}

static int read_names(DIR *directory, char ***out, size_t *out_count, struct error *err)
{
    char **names = NULL;
    size_t count = 0, room = 0;
    struct dirent *entry;
    while (errno = 0, (entry = readdir(directory))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (count == room) {
            room = room ? room * 2 : 64;
            char **more = realloc(names, room * sizeof *names);
            if (!more) {
                free_names(names, count);
                return fail(err, ENOMEM, "read directory");
            }
            names = more;
        }
        names[count] = strdup(entry->d_name);
        if (!names[count]) {
            free_names(names, count);
            return fail(err, ENOMEM, "read directory");
        }
        count++;
    }
    if (errno) {
        free_names(names, count);
        return fail(err, errno, "read directory");
    }
    if (count > 0)
        qsort(names, count, sizeof *names, compare_names);
    *out = names;
    *out_count = count;
    return 0;
}

/* Takes `fd` over. */
static int add_directory(struct printing *printing, int fd, struct error *err)
{
    cleanup_closedir DIR *directory = fdopendir(fd);
    if (!directory) {
        close(fd);
        return fail(err, errno, "read directory");
    }
    char **names = NULL;
    size_t count = 0;
    TRY(read_names(directory, &names, &count, err));
    int status = 0;
    for (size_t i = 0; i < count && status == 0; i++)
        status = add_entry(printing, dirfd(directory), names[i], err);
    free_names(names, count);
    uint64_t end = count;
    add(printing, &end, sizeof end);
    return status;
}

static EVP_MD_CTX *new_hash(void)
{
    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    if (hash && EVP_DigestInit_ex(hash, EVP_sha256(), NULL))
        return hash;
    EVP_MD_CTX_free(hash);
    return NULL;
}

static int answer_digest(struct request *request, EVP_MD_CTX *hash)
{
    char digest[72];
    finish(hash, digest);
    json_object_object_add(request->reply, "digest", json_object_new_string(digest));
    return 0;
}

int fingerprint_op(struct request *request, struct error *err)
{
    const char *path;
    TRY(request_path_below_data(request, "path", &path, err));
    /* One descriptor for each level. */
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    static struct printing printing;
    printing.hash = new_hash();
    if (!printing.hash)
        return fail(err, ENOMEM, "look at %s", path);
    TRY(add_entry(&printing, AT_FDCWD, path, err));
    return answer_digest(request, printing.hash);
}

int digest_op(struct request *request, struct error *err)
{
    const char *path;
    TRY(request_path_below_data(request, "path", &path, err));
    cleanup_close int file = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    struct stat stat;
    if (file < 0 || fstat(file, &stat) < 0)
        return fail(err, errno, "open %s", path);
    if (!S_ISREG(stat.st_mode))
        return fail_kind(err, "invalid", 0, "%s is no file", path);
    EVP_MD_CTX *hash = new_hash();
    if (!hash)
        return fail(err, ENOMEM, "read %s", path);
    static unsigned char piece[PIECE];
    for (ssize_t got; (got = read(file, piece, PIECE)) != 0;) {
        if (got < 0)
            return fail(err, errno, "read %s", path);
        EVP_DigestUpdate(hash, piece, (size_t)got);
    }
    return answer_digest(request, hash);
}
