/*
 * tests/layers.c: tars of every kind of entry, with a few bytes of each turned into others, a few thousand times: whatever comes of them lies below
 * the target, or is refused without a trace. SLIPWAY_ROUNDS asks for more of them.
 */
#include "../commands/unpack.h"
#include "../kernel/tree.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static uint64_t seed = 88172645463325252ULL;
static uint32_t dice(uint32_t sides)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 16) % sides;
}

static void add(struct archive *tar, const char *path, mode_t type, const char *text, const char *link)
{
    struct archive_entry *entry = archive_entry_new();
    archive_entry_set_pathname(entry, path);
    archive_entry_set_filetype(entry, type);
    archive_entry_set_perm(entry, type == AE_IFDIR ? 0755 : 04644);
    archive_entry_set_mtime(entry, 1500000000, 123456789);
    archive_entry_set_uid(entry, getuid());
    archive_entry_set_gid(entry, getgid());
    if (type == AE_IFREG) {
        archive_entry_set_size(entry, (la_int64_t)strlen(text));
        archive_entry_xattr_add_entry(entry, "user.test", "value", 5);
    }
    if (type == AE_IFLNK)
        archive_entry_set_symlink(entry, link);
    if (!type) {
        archive_entry_set_filetype(entry, AE_IFREG);
        archive_entry_set_hardlink(entry, link);
    }
    archive_write_header(tar, entry);
    if (type == AE_IFREG)
        archive_write_data(tar, text, strlen(text));
    archive_entry_free(entry);
}

static size_t make_tar(unsigned char *bytes, size_t room, bool gnu, bool gzip)
{
    char longest[600];
    size_t used = 0;
    memset(longest, 'n', sizeof longest);
    for (size_t i = 100; i < sizeof longest; i += 100)
        longest[i] = '/';
    longest[sizeof longest - 1] = '\0';
    struct archive *tar = archive_write_new();
    if (gnu)
        archive_write_set_format_gnutar(tar);
    else
        archive_write_set_format_pax(tar);
    if (gzip)
        archive_write_add_filter_gzip(tar);
    archive_write_open_memory(tar, bytes, room, &used);
    add(tar, "d", AE_IFDIR, NULL, NULL);
    add(tar, "d/file", AE_IFREG, "text of a file", NULL);
    add(tar, "out", AE_IFLNK, NULL, "../../../../../../d");
    add(tar, "out/through", AE_IFREG, "through a link", NULL);
    add(tar, "d/link", AE_IFLNK, NULL, "/outside");
    add(tar, "d/hard", 0, NULL, "d/file");
    add(tar, "d/.wh.gone", AE_IFREG, "", NULL);
    add(tar, "d/.wh..wh..opq", AE_IFREG, "", NULL);
    add(tar, longest, AE_IFREG, "long", NULL);
    add(tar, "d/pipe", AE_IFIFO, NULL, NULL);
    add(tar, "d", AE_IFREG, "no longer a directory", NULL);
    add(tar, "implied/deep/file", AE_IFREG, "x", NULL);
    archive_write_close(tar);
    archive_write_free(tar);
    return used;
}

/* Bytes that mean something to somebody who reads a header. */
static void mutate(unsigned char *bytes, size_t length)
{
    static const char *const words[] = {"../", "/", "..", ".wh.", ".wh..wh..opq", "\0", "77777777777", "\xff\xff\xff\xff", "x", "g", "L", "K", "1", "2", "S", "0000000", "path=../x\n", "SCHILY.xattr.trusted.overlay.opaque=y\n", "GNU.sparse.realsize=99999999999\n", "\x80"};
    for (uint32_t times = 1 + dice(4); times > 0; times--) {
        size_t at = dice((uint32_t)length);
        if (dice(2)) {
            bytes[at] = (unsigned char)dice(256);
            continue;
        }
        const char *word = words[dice(sizeof words / sizeof *words)];
        size_t size = strlen(word) ? strlen(word) : 1;
        if (at + size <= length)
            memcpy(bytes + at, word, size);
    }
}

/* A header whose sum is wrong is not read any further. */
static void repair_sums(unsigned char *bytes, size_t length)
{
    for (size_t at = 0; at + 512 <= length; at += 512) {
        if (memcmp(bytes + at + 257, "ustar", 5) != 0)
            continue;
        unsigned sum = 0;
        char text[8];
        memset(bytes + at + 148, ' ', 8);
        for (size_t i = 0; i < 512; i++)
            sum += bytes[at + i];
        snprintf(text, sizeof text, "%06o", sum & 0777777);
        memcpy(bytes + at + 148, text, 7);
    }
}

static int file_of(const unsigned char *bytes, size_t length)
{
    int fd = memfd_create("layer", MFD_CLOEXEC);
    if (fd < 0 || write(fd, bytes, length) != (ssize_t)length || lseek(fd, 0, SEEK_SET) != 0)
        abort();
    return fd;
}

static bool is_empty(const char *path)
{
    return rmdir(path) == 0 && mkdir(path, 0755) == 0;
}

int main(void)
{
    static unsigned char whole[1 << 18], changed[1 << 18];
    char folder[] = "/tmp/slipway-layers-XXXXXX", target[64], outside[64];
    struct error err = {0};
    const char *asked = getenv("SLIPWAY_ROUNDS");
    int failures = 0, rounds = asked ? atoi(asked) : 800, accepted = 0;
    if (!mkdtemp(folder))
        return EXIT_FAILURE;
    snprintf(target, sizeof target, "%s/target", folder);
    snprintf(outside, sizeof outside, "%s/outside", folder);
    mkdir(outside, 0755);
    for (int round = 0; round < rounds && failures < 10; round++) {
        bool gzip = round % 8 == 7;
        size_t length = make_tar(whole, sizeof whole, round % 2, gzip);
        memcpy(changed, whole, length);
        if (round >= 8)
            mutate(changed, length);
        if (!gzip)
            repair_sums(changed, length);
        struct unpack_result result;
        struct feed_source source = {.bytes = file_of(changed, length), .news = -1};
        struct stat there;
        err = (struct error){0};
        int status = unpack(source, target, false, NULL, &result, &err);
        close(source.bytes);
        json_object_put(result.implied);
        accepted += status == 0;
        if (status < 0 && (!err.message[0] || lstat(target, &there) == 0))
            failures++, fprintf(stderr, "round %d: a refusal without a reason, or with something left: %s\n", round, err.message);
        if (round < 8 && status < 0)
            failures++, fprintf(stderr, "round %d: %s\n", round, err.message);
        if (!is_empty(outside))
            failures++, fprintf(stderr, "round %d: something got out\n", round);
        if (status == 0 && tree_remove(AT_FDCWD, target, &err) < 0)
            failures++, fprintf(stderr, "round %d: %s\n", round, err.message);
    }
    if (accepted == 0)
        failures++;
    tree_remove(AT_FDCWD, folder, &err);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
