#include "layers.h"

#include "../base/cleanup.h"
#include "../kernel/beneath.h"
#include "edit.h"
#include "layer-text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>

#define ENTRIES_MAX 10000
#define FOUND_MAX 5000

/* ---- words ---- */

const char *layer_kind(uint32_t mode)
{
    return S_ISDIR(mode)   ? "directory"
           : S_ISREG(mode) ? "file"
           : S_ISLNK(mode) ? "link"
           : S_ISFIFO(mode) ? "fifo"
           : S_ISSOCK(mode) ? "socket"
                            : "device";
}

static const char *word_of(char mark)
{
    return mark == 'A' ? "added" : mark == 'C' ? "changed" : "deleted";
}

static void add_number(json_object *object, const char *name, uint64_t number)
{
    json_object_object_add(object, name, json_object_new_int64((int64_t)number));
}

json_object *layer_describe(const struct layer_index *index, uint32_t node)
{
    const struct layer_node *what = &index->nodes[node];
    json_object *entry = json_object_new_object(), *mtime = json_object_new_array();
    json_object_array_add(mtime, json_object_new_int64(what->mtime));
    json_object_array_add(mtime, json_object_new_int64(what->mtime_ns));
    json_object_object_add(entry, "name", text_of(index->text + what->name));
    json_object_object_add(entry, "kind", json_object_new_string(layer_kind(what->mode)));
    add_number(entry, "size", what->size);
    add_number(entry, "mode", what->mode & 07777);
    add_number(entry, "uid", what->uid);
    add_number(entry, "gid", what->gid);
    json_object_object_add(entry, "mtime", mtime);
    if (S_ISLNK(what->mode))
        json_object_object_add(entry, "target", text_of(index->text + what->target));
    return entry;
}

int layer_path_of(const struct request *request, const char *field, char **path, struct error *err)
{
    const char *text;
    TRY(request_string(request, field, &text, err));
    if (text[0] != '/' || strlen(text) >= 3 * PATH_MAX || !(*path = strdup(text)))
        return fail_kind(err, "invalid", 0, "the request's \"%s\" must be an absolute path", field);
    bytes_of(*path);
    return 0;
}

static int open_stack(const struct request *request, bool fates, struct tree *tree, struct error *err)
{
    TRY(layers_open(json_object_object_get(request->fields, "layers"), tree, err));
    return tree_build(tree, fates, err);
}

/* ---- the layers as wholes ---- */

int layer_index_op(struct request *request, struct error *err)
{
    cleanup_tree struct tree tree = {0};
    return layers_open(json_object_object_get(request->fields, "layers"), &tree, err);
}

static void add_place(json_object *to, const char *name, const struct tree *tree, uint32_t at, uint64_t bytes)
{
    char path[PATH_MAX];
    if (at == NOBODY || bytes == 0 || tree_path(tree, at, path, sizeof path) < 0)
        return;
    json_object *place = json_object_new_object();
    json_object_object_add(place, "path", text_of(path));
    add_number(place, "bytes", bytes);
    json_object_object_add(to, name, place);
}

int layer_sums_op(struct request *request, struct error *err)
{
    cleanup_tree struct tree tree = {0};
    TRY(open_stack(request, true, &tree, err));
    TRY(tree_count(&tree, err));
    json_object *layers = json_object_new_array();
    json_object_object_add(request->reply, "layers", layers);
    for (size_t i = 0; i < tree.count; i++) {
        const struct layer_sums *sums = &tree.sums[i];
        json_object *layer = json_object_new_object();
        add_number(layer, "size", sums->size);
        add_number(layer, "files", sums->files);
        add_number(layer, "added", sums->added);
        add_number(layer, "changed", sums->changed);
        add_number(layer, "removed", sums->removed);
        add_number(layer, "wasted", sums->wasted);
        add_number(layer, "removes", sums->removes);
        add_number(layer, "replaces", sums->replaces);
        add_number(layer, "caches", sums->caches);
        add_place(layer, "mostRemoved", &tree, sums->most, sums->most_bytes);
        add_place(layer, "mostCaches", &tree, sums->most_caches, sums->most_caches_bytes);
        json_object_array_add(layers, layer);
    }
    return 0;
}

/* ---- a directory ---- */

struct measure {
    uint64_t size; /* bytes below that show, or showed until the topmost layer */
    uint64_t own;  /* bytes of the topmost layer's own */
    bool changed;  /* by it, more than caches */
};

struct look {
    const struct tree *tree;
    bool quiet;
    char path[PATH_MAX];
};

/* Longer than a path can be: what is so deep down has no caches that we know. */
static size_t go_down(struct look *look, size_t length, const char *name)
{
    size_t more = strlen(name);
    if (length + more + 2 > sizeof look->path)
        return length;
    look->path[length] = '/';
    memcpy(look->path + length + 1, name, more + 1);
    return length + 1 + more;
}

/* A file counts where its first name of the layer shows; else once for each directory that is asked for would need a list of all. */
static void measure(struct look *look, uint32_t at, size_t length, struct measure *sum)
{
    const struct tree *tree = look->tree;
    const struct layer_node *node = tree_shown(tree, at);
    char mark = tree_mark(tree, at);
    if (!is_directory(node)) {
        bool counts = S_ISREG(node->mode) && (node->primary == tree->nodes[at].node);
        sum->size += counts ? node->size : 0;
        sum->own += counts && mark != 'D' && tree->nodes[at].layer == tree->count - 1 ? node->size : 0;
        sum->changed = sum->changed || mark;
        return;
    }
    /* A directory that is C only for what is in it says nothing yet. */
    sum->changed = sum->changed || mark == 'A' || mark == 'D';
    for (uint32_t child = tree->nodes[at].first; child != NOBODY; child = tree->nodes[child].next) {
        bool gone = tree->nodes[child].gone;
        if (gone && (tree_mark(tree, child) != 'D' || mark != 'D')) {
            if (tree_mark(tree, child) == 'D' && !(look->quiet && is_noise(length ? look->path : "/", tree_name(tree, child))))
                sum->changed = true;
            continue;
        }
        if (look->quiet && is_noise(length ? look->path : "/", tree_name(tree, child)))
            continue;
        size_t inside = go_down(look, length, tree_name(tree, child));
        measure(look, child, inside, sum);
        look->path[length] = '\0';
    }
}

static int by_name(const void *a, const void *b, void *tree)
{
    return strcmp(tree_name(tree, *(const uint32_t *)a), tree_name(tree, *(const uint32_t *)b));
}

static json_object *entry_of(struct look *look, uint32_t at, size_t length, bool *changed)
{
    const struct tree *tree = look->tree;
    const struct tree_node *place = &tree->nodes[at];
    const struct layer_node *node = tree_shown(tree, at);
    char mark = tree_mark(tree, at);
    struct measure sum = {0};
    bool noise = is_noise(length ? look->path : "/", tree_name(tree, at));
    size_t inside = go_down(look, length, tree_name(tree, at));
    measure(look, at, inside, &sum);
    look->path[length] = '\0';
    *changed = mark && (sum.changed || !look->quiet || !is_directory(node));
    json_object *entry = layer_describe(&tree->layers[place->layer].index, place->node);
    if (is_directory(node))
        add_number(entry, "size", sum.size);
    add_number(entry, "own", sum.own);
    add_number(entry, "layer", place->layer);
    if (mark)
        json_object_object_add(entry, "change", json_object_new_string(word_of(mark)));
    if (noise)
        json_object_object_add(entry, "noise", json_object_new_boolean(true));
    return entry;
}

static bool is_listed(const struct tree *tree, uint32_t at)
{
    return !tree->nodes[at].gone || tree_mark(tree, at) == 'D';
}

int layer_list_op(struct request *request, struct error *err)
{
    cleanup_tree struct tree tree = {0};
    cleanup_free char *path = NULL;
    const char *cursor = "";
    int64_t limit = 1000;
    bool only_changed;
    struct look look = {.tree = &tree};
    TRY(layer_path_of(request, "path", &path, err));
    TRY(request_optional_string(request, "after", &cursor, err));
    TRY(request_optional_integer(request, "limit", 1, ENTRIES_MAX, &limit, err));
    TRY(request_bool(request, "changed", false, &only_changed, err));
    TRY(request_bool(request, "quiet", false, &look.quiet, err));
    cleanup_free char *after = strdup(cursor);
    if (!after)
        return fail(err, ENOMEM, "list a directory");
    bytes_of(after);
    TRY(open_stack(request, false, &tree, err));
    json_object *entries = json_object_new_array();
    json_object_object_add(request->reply, "entries", entries);
    uint32_t at = tree.count > 0 ? tree_at(&tree, path) : NOBODY;
    if (tree.count == 0 && path[1] == '\0')
        return 0;
    if (at == NOBODY || !is_listed(&tree, at))
        return fail_kind(err, "not-found", 0, "there is no %s in these layers", path);
    if (!is_directory(tree_shown(&tree, at)))
        return fail_kind(err, "conflict", 0, "%s is a %s, not a directory", path, layer_kind(tree_shown(&tree, at)->mode));
    TRY(tree_path(&tree, at, look.path, sizeof look.path) < 0 ? fail(err, ENAMETOOLONG, "%s", path) : 0);
    size_t count = 0, length = at == 0 ? 0 : strlen(look.path);
    look.path[length] = '\0';
    for (uint32_t child = tree.nodes[at].first; child != NOBODY; child = tree.nodes[child].next)
        count++;
    cleanup_free uint32_t *children = malloc((count + 1) * sizeof *children);
    if (!children)
        return fail(err, ENOMEM, "list a directory");
    count = 0;
    for (uint32_t child = tree.nodes[at].first; child != NOBODY; child = tree.nodes[child].next)
        if (is_listed(&tree, child) && strcmp(tree_name(&tree, child), after) > 0 && (!only_changed || tree_mark(&tree, child)) &&
            !(look.quiet && is_noise(length ? look.path : "/", tree_name(&tree, child))))
            children[count++] = child;
    qsort_r(children, count, sizeof *children, by_name, &tree);
    for (size_t i = 0; i < count; i++) {
        bool changed;
        if ((int64_t)json_object_array_length(entries) == limit) {
            json_object_object_add(request->reply, "more", text_of(tree_name(&tree, children[i - 1])));
            break;
        }
        json_object *entry = entry_of(&look, children[i], length, &changed);
        if (only_changed && !changed)
            json_object_put(entry);
        else
            json_object_array_add(entries, entry);
    }
    return 0;
}

/* ---- a file ---- */

int layer_open_file(struct tree *tree, uint32_t at, struct error *err)
{
    char path[PATH_MAX];
    struct stat stat;
    const struct layer_node *node = tree_shown(tree, at);
    if (tree_path(tree, at, path, sizeof path) < 0)
        return fail(err, ENAMETOOLONG, "open a file in a layer");
    if (!S_ISREG(node->mode))
        return fail_kind(err, "conflict", 0, "%s is a %s, not a file", path, layer_kind(node->mode));
    int root = layer_root(&tree->layers[tree->nodes[at].layer], err);
    TRY(root);
    /* What a container writes to may be another thing by now: looked at before it is opened in earnest. */
    cleanup_close int seen = open_how(root, path + 1, O_PATH | O_NOFOLLOW, 0, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV);
    if (seen < 0 || fstat(seen, &stat) < 0 || !S_ISREG(stat.st_mode))
        return fail_kind(err, "not-found", 0, "%s is not there any more", path);
    int file = browse_reopen(seen, O_RDONLY);
    return file < 0 ? fail(err, errno, "open %s", path) : file;
}

int layer_read_op(struct request *request, struct error *err)
{
    cleanup_tree struct tree tree = {0};
    cleanup_free char *path = NULL;
    char buffer[65536];
    int64_t offset = 0, length = INT64_MAX;
    TRY(layer_path_of(request, "path", &path, err));
    TRY(request_optional_integer(request, "offset", 0, INT64_MAX, &offset, err));
    TRY(request_optional_integer(request, "length", 0, INT64_MAX, &length, err));
    TRY(open_stack(request, false, &tree, err));
    uint32_t at = tree.count > 0 ? tree_at(&tree, path) : NOBODY;
    if (at == NOBODY || tree.nodes[at].gone)
        return fail_kind(err, "not-found", 0, "there is no %s in these layers", path);
    cleanup_close int file = layer_open_file(&tree, at, err);
    TRY(file);
    json_object *stat = layer_describe(&tree.layers[tree.nodes[at].layer].index, tree.nodes[at].node);
    add_number(stat, "layer", tree.nodes[at].layer);
    json_object_object_add(request->reply, "stat", stat);
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

/* ---- names in all layers ---- */

struct hit {
    char *path;
    uint32_t layer, node;
};

struct search {
    const struct tree *tree;
    const char *text;
    bool whole; /* looked for in the whole path, not in the name alone */
    uint32_t layer;
    struct hit *hits;
    size_t count;
    char path[PATH_MAX];
};

static void search_clear(struct search *search)
{
    for (size_t i = 0; i < search->count; i++)
        free(search->hits[i].path);
    free(search->hits);
}
#define cleanup_search __attribute__((cleanup(search_clear)))

static int search_directory(struct search *search, const struct layer_node *directory, size_t length, struct error *err)
{
    const struct layer_index *index = &search->tree->layers[search->layer].index;
    for (uint32_t i = directory->first; i < directory->first + directory->count; i++) {
        const char *name = layer_name(index, i);
        size_t more = strlen(name);
        if (length + more + 2 > sizeof search->path)
            continue;
        search->path[length] = '/';
        memcpy(search->path + length + 1, name, more + 1);
        if (strcasestr(search->whole ? search->path : name, search->text)) {
            if ((search->count & (search->count - 1)) == 0) { /* full at every power of two */
                struct hit *hits = realloc(search->hits, (search->count ? search->count * 2 : 1) * sizeof *hits);
                if (!hits)
                    return fail(err, ENOMEM, "search the layers");
                search->hits = hits;
            }
            char *copy = strdup(search->path);
            if (!copy)
                return fail(err, ENOMEM, "search the layers");
            search->hits[search->count++] = (struct hit){copy, search->layer, i};
        }
        TRY(search_directory(search, &index->nodes[i], length + 1 + more, err));
        search->path[length] = '\0';
    }
    return 0;
}

static int by_path(const void *a, const void *b)
{
    const struct hit *left = a, *right = b;
    int order = strcmp(left->path, right->path);
    return order ? order : left->layer < right->layer ? 1 : -1;
}

static json_object *hit_of(const struct tree *tree, const struct hit *hit)
{
    const struct layer_index *index = &tree->layers[hit->layer].index;
    const struct fate *fate = &tree->fates[hit->layer][hit->node];
    uint32_t at = tree_at(tree, hit->path);
    bool hides = index->nodes[hit->node].flags & LAYER_WHITEOUT && at != NOBODY; /* then it is said what there was */
    json_object *found = hides ? layer_describe(&tree->layers[tree->nodes[at].layer].index, tree->nodes[at].node) : layer_describe(index, hit->node);
    bool shows = at != NOBODY && !tree->nodes[at].gone && tree->nodes[at].layer == hit->layer;
    json_object_object_add(found, "path", text_of(hit->path));
    add_number(found, "layer", hit->layer);
    if (fate->mark)
        json_object_object_add(found, "change", json_object_new_string(word_of(fate->mark)));
    if (shows || is_directory(&index->nodes[hit->node]))
        json_object_object_add(found, "shows", json_object_new_boolean(at != NOBODY && !tree->nodes[at].gone));
    return found;
}

int layer_search_op(struct request *request, struct error *err)
{
    cleanup_tree struct tree tree = {0};
    const char *wanted;
    int64_t limit = 500;
    TRY(request_string(request, "text", &wanted, err));
    TRY(request_optional_integer(request, "limit", 1, FOUND_MAX, &limit, err));
    if (!*wanted || strlen(wanted) >= PATH_MAX)
        return fail_kind(err, "invalid", 0, "the request's \"text\" must be something to look for");
    cleanup_free char *text = strdup(wanted);
    if (!text)
        return fail(err, ENOMEM, "search the layers");
    bytes_of(text);
    TRY(open_stack(request, true, &tree, err));
    cleanup_search struct search search = {.tree = &tree, .text = text, .whole = strchr(text, '/') != NULL};
    for (search.layer = 0; search.layer < tree.count; search.layer++)
        TRY(search_directory(&search, tree.layers[search.layer].index.nodes, 0, err));
    if (search.count > 0)
        qsort(search.hits, search.count, sizeof *search.hits, by_path);
    json_object *found = json_object_new_array();
    for (size_t i = 0; i < search.count && (int64_t)json_object_array_length(found) < limit; i++) {
        const struct layer_node *node = &tree.layers[search.hits[i].layer].index.nodes[search.hits[i].node];
        const struct fate *fate = &tree.fates[search.hits[i].layer][search.hits[i].node];
        /* A directory that is only on the way, and a whiteout of nothing, are no finds. */
        if (fate->mark || !(is_directory(node) || (node->flags & LAYER_WHITEOUT)))
            json_object_array_add(found, hit_of(&tree, &search.hits[i]));
        if ((int64_t)json_object_array_length(found) == limit && i + 1 < search.count)
            json_object_object_add(request->reply, "more", json_object_new_boolean(true));
    }
    json_object_object_add(request->reply, "found", found);
    return 0;
}
