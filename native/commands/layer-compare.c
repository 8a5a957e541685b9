/* commands/layer-compare.c: how two stacks of layers differ. Times are no difference; what has the same size is read. */
#include "layers.h"

#include "../base/cleanup.h"
#include "layer-text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>

#define MAGIC "slip-df1"
#define ENTRIES_MAX 10000
/* So many bytes are read to find out whether files of one size are the same; after that, those of one time are. */
#define PATIENCE (4LL << 30)
/* A directory stands for its parent's growth where it has so much of it. */
#define MOST_OF 0.8

enum side { BEFORE, AFTER };

struct what {
    uint64_t size;
    uint32_t mode, uid, gid, layer; /* mode 0: not there */
};

struct counts {
    int64_t net; /* bytes more */
    uint32_t added, changed, removed; /* files */
    uint32_t any;                     /* changes of any kind, directories too */
};

/* One name that differs, or has something in it that does. As it lies on disk: no padding. */
struct difference {
    struct what sides[2];
    struct counts all, quiet; /* quiet: without caches */
    uint32_t name, first, count;
    uint32_t flags; /* 1: the content differs, 2: it is noise, 4: it differs itself (not only in what it holds) */
};

struct header {
    char magic[8];
    uint64_t text;
    uint32_t count, layout;
};

_Static_assert(sizeof(struct difference) == 112, "a difference is read as it lies on disk");

struct comparison {
    struct tree sides[2];
    struct difference *items;
    size_t count, room;
    char *text;
    size_t used, text_room;
    int64_t patience;
    uint32_t unsure; /* files judged by their times */
    char path[PATH_MAX];
};

/* ---- what is found goes here ---- */

static int add_text(struct comparison *x, const char *text, uint32_t *at, struct error *err)
{
    size_t length = strlen(text) + 1;
    if (x->used + length > x->text_room) {
        size_t room = x->text_room * 2 + length + 4096;
        char *more = room > UINT32_MAX ? NULL : realloc(x->text, room);
        if (!more)
            return fail(err, ENOMEM, "note a difference");
        x->text = more;
        x->text_room = room;
    }
    *at = (uint32_t)x->used;
    memcpy(x->text + x->used, text, length);
    x->used += length;
    return 0;
}

struct list {
    struct difference *items;
    size_t count, room;
};

static void list_clear(struct list *list)
{
    free(list->items);
}
#define cleanup_list __attribute__((cleanup(list_clear)))

static int list_add(struct list *list, const struct difference *item, struct error *err)
{
    if (list->count == list->room) {
        size_t room = list->room ? list->room * 2 : 32;
        struct difference *more = realloc(list->items, room * sizeof *more);
        if (!more)
            return fail(err, ENOMEM, "note a difference");
        list->items = more;
        list->room = room;
    }
    list->items[list->count++] = *item;
    return 0;
}

static int by_name(const void *a, const void *b, void *text)
{
    return strcmp((char *)text + ((const struct difference *)a)->name, (char *)text + ((const struct difference *)b)->name);
}

/* A directory's, all together: what holds it knows where. */
static int keep(struct comparison *x, struct list *list, struct difference *holder, struct error *err)
{
    if (list->count == 0)
        return 0;
    qsort_r(list->items, list->count, sizeof *list->items, by_name, x->text);
    if (x->count + list->count > x->room) {
        size_t room = x->room * 2 + list->count + 256;
        struct difference *more = room > INT32_MAX ? NULL : realloc(x->items, room * sizeof *more);
        if (!more)
            return fail(err, ENOMEM, "note a difference");
        x->items = more;
        x->room = room;
    }
    memcpy(x->items + x->count, list->items, list->count * sizeof *list->items);
    holder->first = (uint32_t)x->count;
    holder->count = (uint32_t)list->count;
    x->count += list->count;
    return 0;
}

/* ---- is it the same? ---- */

static bool same_bytes(int one, int other, struct comparison *x)
{
    char buffers[2][65536];
    for (off_t at = 0;;) {
        ssize_t length = pread(one, buffers[0], sizeof buffers[0], at);
        if (length <= 0)
            return length == 0;
        for (ssize_t got = 0, more; got < length; got += more)
            if ((more = pread(other, buffers[1] + got, (size_t)(length - got), at + got)) <= 0)
                return false;
        if (memcmp(buffers[0], buffers[1], (size_t)length) != 0)
            return false;
        x->patience -= length;
        at += length;
    }
}

static int same_content(struct comparison *x, uint32_t before, uint32_t after, struct error *err)
{
    const struct layer_node *one = tree_shown(&x->sides[BEFORE], before), *other = tree_shown(&x->sides[AFTER], after);
    if (S_ISLNK(one->mode))
        return strcmp(x->sides[BEFORE].layers[x->sides[BEFORE].nodes[before].layer].index.text + one->target,
                      x->sides[AFTER].layers[x->sides[AFTER].nodes[after].layer].index.text + other->target) == 0;
    if (!S_ISREG(one->mode))
        return one->device == other->device;
    if (one->size != other->size || one->size == 0)
        return one->size == other->size;
    if (x->patience < (int64_t)one->size) {
        x->unsure++;
        return one->mtime == other->mtime && one->mtime_ns == other->mtime_ns;
    }
    cleanup_close int left = layer_open_file(&x->sides[BEFORE], before, err);
    TRY(left);
    cleanup_close int right = layer_open_file(&x->sides[AFTER], after, err);
    TRY(right);
    return same_bytes(left, right, x);
}

/* The very same file of the very same layer. */
static bool identical(const struct comparison *x, uint32_t before, uint32_t after)
{
    const struct tree_node *one = &x->sides[BEFORE].nodes[before], *other = &x->sides[AFTER].nodes[after];
    const struct layer *left = &x->sides[BEFORE].layers[one->layer], *right = &x->sides[AFTER].layers[other->layer];
    struct stat stats[2];
    if (one->node != other->node || one->layer != other->layer || strcmp(left->name, right->name) != 0 || left->own != right->own)
        return false;
    return fstat(left->parent, &stats[0]) == 0 && fstat(right->parent, &stats[1]) == 0 && stats[0].st_ino == stats[1].st_ino &&
           stats[0].st_dev == stats[1].st_dev;
}

/* ---- directories ---- */

static struct what what_of(const struct tree *tree, uint32_t at)
{
    const struct layer_node *node = tree_shown(tree, at);
    return (struct what){is_directory(node) ? 0 : node->size, node->mode, node->uid, node->gid, tree->nodes[at].layer};
}

static void sum_up(struct counts *whole, const struct counts *part)
{
    whole->net += part->net;
    whole->added += part->added;
    whole->changed += part->changed;
    whole->removed += part->removed;
    whole->any += part->any;
}

static int64_t size_at(const struct comparison *x, enum side side, uint32_t at)
{
    if (at == NOBODY)
        return 0;
    const struct layer_node *node = tree_shown(&x->sides[side], at);
    return S_ISREG(node->mode) && node->primary == x->sides[side].nodes[at].node ? (int64_t)node->size : 0;
}

static int compare_inside(struct comparison *x, uint32_t before, uint32_t after, size_t length, bool noise, struct difference *holder, struct error *err);

/* Either may be NOBODY. 1: it was added to `list`. */
static int compare_place(struct comparison *x, uint32_t before, uint32_t after, size_t length, bool noise, struct list *list, struct error *err)
{
    struct difference item = {0};
    const struct layer_node *was = before == NOBODY ? NULL : tree_shown(&x->sides[BEFORE], before);
    const struct layer_node *is = after == NOBODY ? NULL : tree_shown(&x->sides[AFTER], after);
    const char *name = is ? tree_name(&x->sides[AFTER], after) : tree_name(&x->sides[BEFORE], before);
    size_t more = strlen(name), inside = length;
    bool both = was && is && (was->mode & S_IFMT) == (is->mode & S_IFMT), content = !both;
    noise = noise || is_noise(length ? x->path : "/", name);
    if (both && !is_directory(is) && !identical(x, before, after)) {
        int same = same_content(x, before, after, err);
        TRY(same);
        content = !same;
    }
    if (was)
        item.sides[BEFORE] = what_of(&x->sides[BEFORE], before);
    if (is)
        item.sides[AFTER] = what_of(&x->sides[AFTER], after);
    bool itself = content || was->mode != is->mode || was->uid != is->uid || was->gid != is->gid;
    item.flags = (content ? 1 : 0) | (noise ? 2 : 0) | (itself ? 4 : 0);
    if (itself) {
        item.all.any = 1;
        if (!(was && is_directory(was)) && !(is && is_directory(is)))
            (*(!was ? &item.all.added : !is ? &item.all.removed : &item.all.changed))++;
        else if (is && !is_directory(is)) /* in place of a directory */
            item.all.added++;
        else if (was && !is_directory(was))
            item.all.removed++;
    }
    item.all.net = size_at(x, AFTER, after) - size_at(x, BEFORE, before);
    if (!noise)
        item.quiet = item.all;
    if (length + more + 2 <= sizeof x->path) {
        x->path[length] = '/';
        memcpy(x->path + length + 1, name, more + 1);
        inside = length + 1 + more;
    }
    int status = compare_inside(x, was && is_directory(was) ? before : NOBODY, is && is_directory(is) ? after : NOBODY, inside, noise, &item, err);
    x->path[length] = '\0';
    TRY(status);
    if (item.all.any == 0)
        return 0;
    TRY(add_text(x, name, &item.name, err));
    TRY(list_add(list, &item, err));
    return 1;
}

static int compare_inside(struct comparison *x, uint32_t before, uint32_t after, size_t length, bool noise, struct difference *holder, struct error *err)
{
    cleanup_list struct list list = {0};
    const struct tree *one = &x->sides[BEFORE], *other = &x->sides[AFTER];
    for (uint32_t child = after == NOBODY ? NOBODY : other->nodes[after].first; child != NOBODY; child = other->nodes[child].next) {
        if (other->nodes[child].gone)
            continue;
        uint32_t match = before == NOBODY ? NOBODY : tree_find(one, before, tree_name(other, child));
        TRY(compare_place(x, match != NOBODY && one->nodes[match].gone ? NOBODY : match, child, length, noise, &list, err));
    }
    for (uint32_t child = before == NOBODY ? NOBODY : one->nodes[before].first; child != NOBODY; child = one->nodes[child].next) {
        if (one->nodes[child].gone)
            continue;
        uint32_t match = after == NOBODY ? NOBODY : tree_find(other, after, tree_name(one, child));
        if (match == NOBODY || other->nodes[match].gone)
            TRY(compare_place(x, child, NOBODY, length, noise, &list, err));
    }
    for (size_t i = 0; i < list.count; i++) {
        sum_up(&holder->all, &list.items[i].all);
        sum_up(&holder->quiet, &list.items[i].quiet);
    }
    return keep(x, &list, holder, err);
}

/* ---- the whole ---- */

static int write_all(int file, const void *bytes, size_t length, struct error *err)
{
    for (const char *at = bytes; length > 0;) {
        ssize_t written = write(file, at, length);
        if (written <= 0)
            return fail(err, errno, "keep the comparison");
        at += written;
        length -= (size_t)written;
    }
    return 0;
}

static int write_down(const struct comparison *x, const char *path, struct error *err)
{
    struct header header = {.text = x->used, .count = (uint32_t)x->count, .layout = sizeof(struct difference)};
    memcpy(header.magic, MAGIC, sizeof header.magic);
    cleanup_close int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file < 0)
        return fail(err, errno, "keep the comparison in %s", path);
    TRY(write_all(file, &header, sizeof header, err));
    TRY(write_all(file, x->items, x->count * sizeof *x->items, err));
    return write_all(file, x->text, x->used, err);
}

static json_object *counts_of(const struct counts *counts)
{
    json_object *object = json_object_new_object();
    json_object_object_add(object, "net", json_object_new_int64(counts->net));
    json_object_object_add(object, "added", json_object_new_int64(counts->added));
    json_object_object_add(object, "changed", json_object_new_int64(counts->changed));
    json_object_object_add(object, "removed", json_object_new_int64(counts->removed));
    return object;
}

static int64_t weight(const struct difference *item, int sign)
{
    return sign * item->quiet.net;
}

/* Where most of the growth (or, sign -1, of the shrinking) is: as deep down as one directory has most of it. */
static json_object *most_of(const struct comparison *x, const struct difference *root, int sign)
{
    char path[PATH_MAX] = "";
    const struct difference *at = root, *largest;
    uint32_t layer = 0;
    for (;; at = largest) {
        largest = NULL;
        for (uint32_t i = at->first; i < at->first + at->count; i++)
            if (!largest || weight(&x->items[i], sign) > weight(largest, sign))
                largest = &x->items[i];
        if (!largest || weight(largest, sign) <= 0 || (at != root && (double)weight(largest, sign) < MOST_OF * (double)weight(at, sign)) ||
            !S_ISDIR(largest->sides[sign > 0 ? AFTER : BEFORE].mode))
            break;
        if (strlen(path) + strlen(x->text + largest->name) + 2 > sizeof path)
            break;
        strcat(strcat(path, "/"), x->text + largest->name);
    }
    if (at == root || weight(at, sign) <= 0)
        return NULL;
    int64_t net = weight(at, sign);
    for (; at; at = largest) { /* whose it is: of the largest file in it */
        largest = NULL;
        layer = at->sides[sign > 0 ? AFTER : BEFORE].layer;
        for (uint32_t i = at->first; i < at->first + at->count; i++)
            if (weight(&x->items[i], sign) > 0 && (!largest || weight(&x->items[i], sign) > weight(largest, sign)))
                largest = &x->items[i];
    }
    json_object *object = json_object_new_object();
    json_object_object_add(object, "path", text_of(path));
    json_object_object_add(object, "bytes", json_object_new_int64(net));
    json_object_object_add(object, "layer", json_object_new_int64(layer));
    return object;
}

static int compare(struct request *request, struct comparison *x, const char *into, struct error *err)
{
    struct difference root = {0};
    for (enum side side = BEFORE; side <= AFTER; side++) {
        TRY(layers_open(json_object_object_get(request->fields, side == BEFORE ? "before" : "after"), &x->sides[side], err));
        TRY(tree_build(&x->sides[side], false, err));
    }
    TRY(compare_inside(x, x->sides[BEFORE].count ? 0 : NOBODY, x->sides[AFTER].count ? 0 : NOBODY, 0, false, &root, err));
    struct list whole = {.items = &root, .count = 1};
    struct difference unused;
    TRY(add_text(x, "", &root.name, err));
    TRY(keep(x, &whole, &unused, err));
    TRY(write_down(x, into, err));
    json_object_object_add(request->reply, "all", counts_of(&root.all));
    json_object_object_add(request->reply, "quiet", counts_of(&root.quiet));
    json_object_object_add(request->reply, "grown", most_of(x, &root, 1));
    json_object_object_add(request->reply, "shrunk", most_of(x, &root, -1));
    json_object_object_add(request->reply, "unsure", json_object_new_int64(x->unsure));
    return 0;
}

int layer_compare_op(struct request *request, struct error *err)
{
    struct comparison x = {.patience = PATIENCE};
    const char *into;
    TRY(request_path_below_data(request, "into", &into, err));
    int status = compare(request, &x, into, err);
    tree_clear(&x.sides[BEFORE]);
    tree_clear(&x.sides[AFTER]);
    free(x.items);
    free(x.text);
    return status;
}

/* ---- one directory of it ---- */

struct kept {
    void *mapped;
    size_t length;
    const struct difference *items;
    const char *text;
    uint32_t count;
};

static void kept_close(struct kept *kept)
{
    if (kept->mapped)
        munmap(kept->mapped, kept->length);
}
#define cleanup_kept __attribute__((cleanup(kept_close)))

static int open_kept(const char *path, struct kept *kept, struct error *err)
{
    struct stat stat;
    cleanup_close int file = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (file < 0 || fstat(file, &stat) < 0)
        return errno == ENOENT ? fail_kind(err, "not-found", 0, "the comparison is not kept any more") : fail(err, errno, "open the comparison");
    kept->length = (size_t)stat.st_size;
    kept->mapped = kept->length < sizeof(struct header) ? MAP_FAILED : mmap(NULL, kept->length, PROT_READ, MAP_PRIVATE, file, 0);
    if (kept->mapped == MAP_FAILED) {
        kept->mapped = NULL;
        return fail_kind(err, "not-found", 0, "the comparison is not kept any more");
    }
    const struct header *header = kept->mapped;
    kept->items = (const void *)(header + 1);
    kept->count = header->count;
    kept->text = (const char *)(kept->items + kept->count);
    if (memcmp(header->magic, MAGIC, sizeof header->magic) != 0 || header->layout != sizeof *kept->items || kept->count == 0 ||
        sizeof *header + (size_t)kept->count * sizeof *kept->items + header->text != kept->length)
        return fail_kind(err, "not-found", 0, "the comparison is not kept any more");
    return 0;
}

static const struct difference *find(const struct kept *kept, const char *path)
{
    const struct difference *at = &kept->items[kept->count - 1];
    for (const char *part = path + strspn(path, "/"); *part;) {
        size_t length = strcspn(part, "/");
        const struct difference *next = NULL;
        for (uint32_t low = at->first, high = at->first + at->count; low < high && !next;) {
            uint32_t middle = low + (high - low) / 2;
            const char *name = kept->text + kept->items[middle].name;
            int order = strncmp(part, name, length);
            order = order ? order : name[length] ? -1 : 0;
            if (order == 0)
                next = &kept->items[middle];
            else if (order < 0)
                high = middle;
            else
                low = middle + 1;
        }
        if (!next)
            return NULL;
        at = next;
        part += length;
        part += strspn(part, "/");
    }
    return at;
}

static json_object *side_of(const struct what *what)
{
    json_object *object = json_object_new_object();
    json_object_object_add(object, "kind", json_object_new_string(layer_kind(what->mode)));
    json_object_object_add(object, "size", json_object_new_int64((int64_t)what->size));
    json_object_object_add(object, "mode", json_object_new_int64(what->mode & 07777));
    json_object_object_add(object, "uid", json_object_new_int64(what->uid));
    json_object_object_add(object, "gid", json_object_new_int64(what->gid));
    json_object_object_add(object, "layer", json_object_new_int64(what->layer));
    return object;
}

static json_object *entry_of(const struct kept *kept, const struct difference *item, bool quiet)
{
    const struct counts *counts = quiet ? &item->quiet : &item->all;
    json_object *entry = counts_of(counts);
    bool was = item->sides[BEFORE].mode, is = item->sides[AFTER].mode;
    json_object_object_add(entry, "name", text_of(kept->text + item->name));
    json_object_object_add(entry, "change", json_object_new_string(!was ? "added" : !is ? "deleted" : "changed"));
    json_object_object_add(entry, "before", was ? side_of(&item->sides[BEFORE]) : NULL);
    json_object_object_add(entry, "after", is ? side_of(&item->sides[AFTER]) : NULL);
    json_object_object_add(entry, "content", json_object_new_boolean(item->flags & 1));
    json_object_object_add(entry, "itself", json_object_new_boolean((item->flags & 4) != 0));
    if (item->flags & 2)
        json_object_object_add(entry, "noise", json_object_new_boolean(true));
    return entry;
}

int layer_differences_op(struct request *request, struct error *err)
{
    cleanup_kept struct kept kept = {0};
    cleanup_free char *path = NULL;
    const char *from, *cursor = "";
    int64_t limit = 1000;
    bool quiet;
    TRY(request_path_below_data(request, "from", &from, err));
    TRY(layer_path_of(request, "path", &path, err));
    TRY(request_optional_string(request, "after", &cursor, err));
    TRY(request_optional_integer(request, "limit", 1, ENTRIES_MAX, &limit, err));
    TRY(request_bool(request, "quiet", false, &quiet, err));
    cleanup_free char *after = strdup(cursor);
    if (!after)
        return fail(err, ENOMEM, "list a directory");
    bytes_of(after);
    TRY(open_kept(from, &kept, err));
    const struct difference *at = find(&kept, path);
    json_object *entries = json_object_new_array();
    json_object_object_add(request->reply, "entries", entries);
    if (!at)
        return fail_kind(err, "not-found", 0, "nothing differs in %s", path);
    const char *last = "";
    for (uint32_t i = at->first; i < at->first + at->count; i++) {
        const struct difference *item = &kept.items[i];
        if (strcmp(kept.text + item->name, after) <= 0 || (quiet && item->quiet.any == 0))
            continue;
        if ((int64_t)json_object_array_length(entries) == limit) {
            json_object_object_add(request->reply, "more", text_of(last));
            break;
        }
        json_object_array_add(entries, entry_of(&kept, item, quiet));
        last = kept.text + item->name;
    }
    return 0;
}
