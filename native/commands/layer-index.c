#include "layer-index.h"

#include "../base/cleanup.h"
#include "../kernel/whiteout.h"
#include "mount-points.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <zlib.h>

#define FILE_NAME "index"
#define NEW_NAME "index.new"
#define MAGIC "slip-ix1"

_Static_assert(sizeof(struct layer_node) == 64, "an index is read as it lies on disk");

struct header {
    char magic[8];
    /* Of the directory it was made from: another one, or one unpacked anew, is read again. */
    uint64_t inode;
    int64_t changed;
    uint32_t changed_ns;
    uint32_t checksum; /* of all that follows */
    uint64_t text;     /* bytes of it, after the nodes */
    uint32_t count;    /* of nodes */
    uint32_t layout;   /* bytes of one */
};

struct walk {
    struct layer_node *nodes;
    size_t count, room;
    char *text;
    size_t used, text_room;
    void *linked; /* a search tree of the files met that have several names */
    const struct below *below;
    bool own;
};

struct link {
    dev_t dev;
    ino_t ino;
    uint32_t first;
};

/* ---- what is read goes here ---- */

static int add_text(struct walk *walk, const char *text, size_t length, uint32_t *at, struct error *err)
{
    if (walk->used + length + 1 > walk->text_room) {
        size_t room = walk->text_room * 2 + length + 4096;
        char *more = room > UINT32_MAX ? NULL : realloc(walk->text, room);
        if (!more)
            return fail(err, ENOMEM, "index a layer");
        walk->text = more;
        walk->text_room = room;
    }
    *at = (uint32_t)walk->used;
    memcpy(walk->text + walk->used, text, length);
    walk->text[walk->used + length] = '\0';
    walk->used += length + 1;
    return 0;
}

static int add_nodes(struct walk *walk, const struct layer_node *nodes, size_t count, struct error *err)
{
    if (walk->count + count > walk->room) {
        size_t room = walk->room * 2 + count + 256;
        struct layer_node *more = room > INT32_MAX ? NULL : realloc(walk->nodes, room * sizeof *more);
        if (!more)
            return fail(err, ENOMEM, "index a layer");
        walk->nodes = more;
        walk->room = room;
    }
    if (count > 0)
        memcpy(walk->nodes + walk->count, nodes, count * sizeof *nodes);
    walk->count += count;
    return 0;
}

static int compare_links(const void *a, const void *b)
{
    const struct link *left = a, *right = b;
    if (left->dev != right->dev)
        return left->dev < right->dev ? -1 : 1;
    return left->ino < right->ino ? -1 : left->ino > right->ino;
}

/* ---- one name ---- */

static uint32_t capability_of(int directory, const char *name)
{
    char path[NAME_MAX + 64];
    unsigned char value[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d/%s", directory, name);
    ssize_t length = lgetxattr(path, "security.capability", value, sizeof value);
    if (length <= 0)
        return 0;
    uint32_t sum = (uint32_t)crc32(0, value, (uInt)length);
    return sum ? sum : 1;
}

static int add_target(struct walk *walk, int directory, const char *name, struct layer_node *node, struct error *err)
{
    char target[PATH_MAX];
    ssize_t length = readlinkat(directory, name, target, sizeof target);
    return length > 0 ? add_text(walk, target, (size_t)length, &node->target, err) : 0;
}

static void describe(struct layer_node *node, const struct stat *stat)
{
    bool device = S_ISCHR(stat->st_mode) || S_ISBLK(stat->st_mode);
    node->mode = stat->st_mode;
    node->size = S_ISREG(stat->st_mode) || S_ISLNK(stat->st_mode) ? (uint64_t)stat->st_size : 0;
    node->uid = stat->st_uid;
    node->gid = stat->st_gid;
    node->mtime = stat->st_mtim.tv_sec;
    node->mtime_ns = (uint32_t)stat->st_mtim.tv_nsec;
    node->device = device ? major(stat->st_rdev) << 20 | minor(stat->st_rdev) : 0;
}

/* ---- a directory ---- */

struct found {
    struct layer_node node;
    ino_t ino;
    dev_t dev;
    bool linked;
};

struct listing {
    struct found *items;
    size_t count, room;
};

static void listing_clear(struct listing *listing)
{
    free(listing->items);
}
#define cleanup_listing __attribute__((cleanup(listing_clear)))

static int add_found(struct walk *walk, struct listing *listing, int directory, const char *path, const char *name, struct error *err)
{
    cleanup_free char *full = NULL;
    struct stat stat;
    if (fstatat(directory, name, &stat, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : fail(err, errno, "look at %s/%s", path, name);
    if (walk->own) {
        if (asprintf(&full, "%s%s%s", path, *path ? "/" : "", name) < 0)
            return fail(err, ENOMEM, "index a layer");
        if (is_mount_point(full, directory, name, &stat, walk->below))
            return 0;
    }
    if (listing->count == listing->room) {
        size_t room = listing->room ? listing->room * 2 : 64;
        struct found *more = realloc(listing->items, room * sizeof *more);
        if (!more)
            return fail(err, ENOMEM, "index a layer");
        listing->items = more;
        listing->room = room;
    }
    struct found *found = &listing->items[listing->count++];
    *found = (struct found){.ino = stat.st_ino, .dev = stat.st_dev, .linked = S_ISREG(stat.st_mode) && stat.st_nlink > 1};
    describe(&found->node, &stat);
    TRY(add_text(walk, name, strlen(name), &found->node.name, err));
    if (whiteout_is(&stat))
        found->node.flags = LAYER_WHITEOUT;
    else if (S_ISLNK(stat.st_mode))
        return add_target(walk, directory, name, &found->node, err);
    else if (S_ISREG(stat.st_mode) && (stat.st_mode & 0111))
        found->node.capability = capability_of(directory, name);
    return 0;
}

static int by_name(const void *a, const void *b, void *text)
{
    const struct found *left = a, *right = b;
    return strcmp((char *)text + left->node.name, (char *)text + right->node.name);
}

static int note_link(struct walk *walk, const struct found *found, uint32_t at, struct error *err)
{
    struct link *link = malloc(sizeof *link);
    if (!link)
        return fail(err, ENOMEM, "index a layer");
    *link = (struct link){found->dev, found->ino, at};
    struct link **known = tsearch(link, &walk->linked, compare_links);
    if (!known || *known != link)
        free(link);
    if (!known)
        return fail(err, ENOMEM, "index a layer");
    walk->nodes[at].primary = (*known)->first;
    return 0;
}

static int walk_directory(struct walk *walk, int fd, uint32_t at, const char *path, struct error *err)
{
    cleanup_listing struct listing listing = {0};
    cleanup_closedir DIR *directory = fdopendir(fd);
    struct dirent *entry;
    if (!directory) {
        close(fd);
        return fail(err, errno, "read directory /%s", path);
    }
    if (opaque_is(fd))
        walk->nodes[at].flags |= LAYER_OPAQUE;
    while (errno = 0, (entry = readdir(directory)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 && !is_overlay_file(entry->d_name))
            TRY(add_found(walk, &listing, fd, path, entry->d_name, err));
    if (errno != 0)
        return fail(err, errno, "read directory /%s", path);
    if (listing.count > 0)
        qsort_r(listing.items, listing.count, sizeof *listing.items, by_name, walk->text);
    uint32_t first = (uint32_t)walk->count;
    walk->nodes[at].first = first;
    walk->nodes[at].count = (uint32_t)listing.count;
    for (uint32_t i = 0; i < listing.count; i++) {
        listing.items[i].node.primary = first + i;
        TRY(add_nodes(walk, &listing.items[i].node, 1, err));
        if (listing.items[i].linked)
            TRY(note_link(walk, &listing.items[i], first + i, err));
    }
    for (uint32_t i = 0; i < listing.count; i++) {
        if (!S_ISDIR(listing.items[i].node.mode))
            continue;
        cleanup_free char *name = strdup(walk->text + listing.items[i].node.name), *below = NULL;
        if (!name || asprintf(&below, "%s%s%s", path, *path ? "/" : "", name) < 0)
            return fail(err, ENOMEM, "index a layer");
        int inside = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (inside < 0 && errno != ENOENT && errno != ENOTDIR) /* a running container may have taken it away */
            return fail(err, errno, "open /%s", below);
        if (inside >= 0)
            TRY(walk_directory(walk, inside, first + i, below, err));
    }
    return 0;
}

static int walk_layer(struct walk *walk, int fs, const struct stat *stat, struct error *err)
{
    struct layer_node root = {0};
    int copy = openat(fs, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (copy < 0)
        return fail(err, errno, "read the layer's directory");
    describe(&root, stat);
    if (add_text(walk, "", 0, &root.name, err) < 0 || add_nodes(walk, &root, 1, err) < 0) {
        close(copy);
        return -1;
    }
    return walk_directory(walk, copy, 0, "", err);
}

/* ---- what was read before ---- */

static uint32_t checksum_of(const struct layer_node *nodes, size_t count, const char *text, size_t length)
{
    uLong sum = crc32_z(0, (const Bytef *)nodes, count * sizeof *nodes);
    return (uint32_t)crc32_z(sum, (const Bytef *)text, length);
}

static bool points_inside(const struct layer_index *index, size_t text)
{
    for (uint32_t i = 0; i < index->count; i++) {
        const struct layer_node *node = &index->nodes[i];
        if (node->name >= text || node->target >= text || node->primary >= index->count || node->first > index->count ||
            node->count > index->count - node->first || (node->count > 0 && node->first <= i))
            return false;
    }
    return text > 0 && index->text[text - 1] == '\0' && index->count > 0;
}

/* False where there is none that fits, whatever the reason: it is made anew then. */
static bool take_kept(int parent, const struct stat *fs, struct layer_index *index)
{
    struct stat stat;
    cleanup_close int file = openat(parent, FILE_NAME, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (file < 0 || fstat(file, &stat) < 0 || !S_ISREG(stat.st_mode) || stat.st_size < (off_t)sizeof(struct header))
        return false;
    size_t length = (size_t)stat.st_size;
    void *mapped = mmap(NULL, length, PROT_READ, MAP_PRIVATE | MAP_POPULATE, file, 0);
    if (mapped == MAP_FAILED)
        return false;
    const struct header *header = mapped;
    size_t nodes = (size_t)header->count * sizeof(struct layer_node);
    *index = (struct layer_index){.nodes = (const void *)(header + 1), .count = header->count, .text = (const char *)(header + 1) + nodes,
                                  .mapped = mapped, .mapped_length = length};
    if (memcmp(header->magic, MAGIC, sizeof header->magic) == 0 && header->layout == sizeof(struct layer_node) && header->inode == fs->st_ino &&
        header->changed == fs->st_ctim.tv_sec && header->changed_ns == (uint32_t)fs->st_ctim.tv_nsec && header->text <= length &&
        nodes + header->text + sizeof *header == length &&
        header->checksum == checksum_of(index->nodes, index->count, index->text, header->text) && points_inside(index, header->text))
        return true;
    layer_index_close(index);
    return false;
}

static bool write_all(int file, const void *bytes, size_t length)
{
    for (const char *at = bytes; length > 0;) {
        ssize_t written = write(file, at, length);
        if (written <= 0)
            return false;
        at += written;
        length -= (size_t)written;
    }
    return true;
}

/* Where it cannot be kept (a full disk), it is read again the next time. What a power cut leaves of it does not pass for one. */
static void keep(int parent, const struct stat *fs, const struct walk *walk)
{
    struct header header = {.inode = fs->st_ino, .changed = fs->st_ctim.tv_sec, .changed_ns = (uint32_t)fs->st_ctim.tv_nsec, .text = walk->used,
                            .count = (uint32_t)walk->count, .layout = sizeof(struct layer_node)};
    memcpy(header.magic, MAGIC, sizeof header.magic);
    header.checksum = checksum_of(walk->nodes, walk->count, walk->text, walk->used);
    unlinkat(parent, NEW_NAME, 0); /* of one that was killed; who writes at the same time writes the same */
    cleanup_close int file = openat(parent, NEW_NAME, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file < 0)
        return;
    if (!write_all(file, &header, sizeof header) || !write_all(file, walk->nodes, walk->count * sizeof *walk->nodes) ||
        !write_all(file, walk->text, walk->used) || renameat(parent, NEW_NAME, parent, FILE_NAME) < 0)
        unlinkat(parent, NEW_NAME, 0);
}

int layer_index_open(int parent, const char *fs, bool kept, const struct below *below, struct layer_index *index, struct error *err)
{
    struct walk walk = {.below = below, .own = below != NULL};
    struct stat stat;
    cleanup_close int directory = openat(parent, fs, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (directory < 0 || fstat(directory, &stat) < 0)
        return fail(err, errno, "open the layer's directory %s", fs);
    if (kept && take_kept(parent, &stat, index))
        return 0;
    int status = walk_layer(&walk, directory, &stat, err);
    tdestroy(walk.linked, free);
    *index = (struct layer_index){.nodes = walk.nodes, .count = (uint32_t)walk.count, .text = walk.text, .owned_nodes = walk.nodes, .owned_text = walk.text};
    if (status < 0)
        layer_index_close(index);
    else if (kept)
        keep(parent, &stat, &walk);
    return status;
}

void layer_index_close(struct layer_index *index)
{
    if (index->mapped)
        munmap(index->mapped, index->mapped_length);
    free(index->owned_nodes);
    free(index->owned_text);
    *index = (struct layer_index){0};
}
