#include "layer-tree.h"

#include "../base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/resource.h>

#define LAYERS_MAX 500

/* ---- the layers ---- */

static int open_layer(json_object *json, const struct below *below, struct layer *layer, struct error *err)
{
    const char *path = json_object_get_string(json_object_object_get(json, "path"));
    *layer = (struct layer){.parent = -1, .root = -1, .own = json_object_get_boolean(json_object_object_get(json, "own"))};
    if (!path || path[0] != '/' || !strrchr(path, '/')[1] || strlen(path) >= PATH_MAX)
        return fail_kind(err, "invalid", 0, "the request's \"layers\" must be a list with absolute paths as \"path\"");
    cleanup_free char *parent = strndup(path, (size_t)(strrchr(path, '/') - path));
    layer->name = strrchr(path, '/') + 1;
    layer->parent = parent ? open(parent, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
    if (layer->parent < 0)
        return errno == ENOENT ? fail_kind(err, "not-found", 0, "the layer %s is not there any more", path) : fail(err, errno, "open the layer %s", path);
    if (layer_index_open(layer->parent, layer->name, !layer->own, layer->own ? below : NULL, &layer->index, err) < 0) {
        if (err->errnum == ENOENT)
            fail_kind(err, "not-found", 0, "the layer %s is not there any more", path);
        return -1;
    }
    return 0;
}

/* What is below a container's own layer, top first. */
static int open_below(json_object *list, size_t count, struct below *below, struct error *err)
{
    json_object *paths = json_object_new_array();
    for (size_t i = count; i-- > 0;)
        json_object_array_add(paths, json_object_get(json_object_object_get(json_object_array_get_idx(list, i), "path")));
    int status = below_open(paths, below, err);
    json_object_put(paths);
    return status;
}

int layers_open(json_object *list, struct tree *tree, struct error *err)
{
    struct rlimit files; /* a descriptor for each layer and each level */
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    if (!json_object_is_type(list, json_type_array) || json_object_array_length(list) > LAYERS_MAX)
        return fail_kind(err, "invalid", 0, "the request's \"layers\" must be a list of at most %d", LAYERS_MAX);
    size_t count = json_object_array_length(list);
    tree->layers = calloc(count + 1, sizeof *tree->layers);
    if (!tree->layers)
        return fail(err, ENOMEM, "open the layers");
    for (size_t i = 0; i < count; i++) {
        json_object *json = json_object_array_get_idx(list, i);
        struct below below = {0};
        int status = json_object_get_boolean(json_object_object_get(json, "own")) ? open_below(list, i, &below, err) : 0;
        tree->count++;
        if (status == 0)
            status = open_layer(json, &below, &tree->layers[i], err);
        below_close(&below);
        TRY(status);
    }
    return 0;
}

int layer_root(struct layer *layer, struct error *err)
{
    if (layer->root < 0)
        layer->root = openat(layer->parent, layer->name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return layer->root < 0 ? fail(err, errno, "open the layer") : layer->root;
}

void tree_clear(struct tree *tree)
{
    for (size_t i = 0; i < tree->count; i++) {
        layer_index_close(&tree->layers[i].index);
        cleanup_close_(&tree->layers[i].parent);
        cleanup_close_(&tree->layers[i].root);
        if (tree->fates)
            free(tree->fates[i]);
    }
    free(tree->fates);
    free(tree->sums);
    free(tree->layers);
    free(tree->nodes);
    free(tree->slots);
    *tree = (struct tree){0};
}

/* ---- places ---- */

static uint32_t hash_of(uint32_t parent, const char *name)
{
    uint32_t hash = 2166136261u ^ (parent * 2654435761u);
    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * 16777619u;
    return hash ^ hash >> 15;
}

uint32_t tree_find(const struct tree *tree, uint32_t parent, const char *name)
{
    size_t mask = tree->slot_count - 1;
    for (size_t slot = hash_of(parent, name) & mask; tree->slots[slot] != NOBODY; slot = (slot + 1) & mask) {
        uint32_t at = tree->slots[slot];
        if (tree->nodes[at].parent == parent && strcmp(tree_name(tree, at), name) == 0)
            return at;
    }
    return NOBODY;
}

static int make_room(struct tree *tree, struct error *err)
{
    size_t nodes = 1, slots = 64;
    for (size_t i = 0; i < tree->count; i++)
        nodes += tree->layers[i].index.count;
    while (slots < nodes * 2)
        slots *= 2;
    tree->room = nodes;
    tree->slot_count = slots;
    tree->nodes = malloc(nodes * sizeof *tree->nodes);
    tree->slots = malloc(slots * sizeof *tree->slots);
    if (!tree->nodes || !tree->slots)
        return fail(err, ENOMEM, "stack the layers");
    memset(tree->slots, 0xff, slots * sizeof *tree->slots);
    return 0;
}

static uint32_t add_place(struct tree *tree, uint32_t parent, uint32_t layer, uint32_t node)
{
    uint32_t at = (uint32_t)tree->used++;
    tree->nodes[at] = (struct tree_node){.parent = parent, .first = NOBODY, .next = NOBODY, .layer = layer, .node = node, .marked = NOBODY};
    if (parent == NOBODY)
        return at;
    tree->nodes[at].next = tree->nodes[parent].first;
    tree->nodes[parent].first = at;
    size_t mask = tree->slot_count - 1, slot = hash_of(parent, tree_name(tree, at)) & mask;
    while (tree->slots[slot] != NOBODY)
        slot = (slot + 1) & mask;
    tree->slots[slot] = at;
    return at;
}

uint32_t tree_at(const struct tree *tree, const char *path)
{
    uint32_t at = 0;
    for (const char *part = path + strspn(path, "/"); *part && at != NOBODY;) {
        char name[NAME_MAX + 1];
        size_t length = strcspn(part, "/");
        if (length > NAME_MAX)
            return NOBODY;
        memcpy(name, part, length);
        name[length] = '\0';
        at = tree_find(tree, at, name);
        part += length;
        part += strspn(part, "/");
    }
    return at;
}

int tree_path(const struct tree *tree, uint32_t at, char *path, size_t room)
{
    size_t end = room - 1;
    path[end] = '\0';
    for (; tree->nodes[at].parent != NOBODY; at = tree->nodes[at].parent) {
        const char *name = tree_name(tree, at);
        size_t length = strlen(name);
        if (length + 1 > end)
            return -1;
        end -= length;
        memcpy(path + end, name, length);
        path[--end] = '/';
    }
    if (end == room - 1)
        path[--end] = '/';
    memmove(path, path + end, room - end);
    return 0;
}

/* ---- one layer upon the others ---- */

static void mark(struct tree *tree, uint32_t at, uint32_t layer, char kind)
{
    tree->nodes[at].marked = layer;
    tree->nodes[at].mark = kind;
}

static void hide(struct tree *tree, uint32_t at, uint32_t by, bool removed)
{
    const struct tree_node *place = &tree->nodes[at];
    if (!tree->fates)
        return;
    tree->fates[place->layer][place->node].hidden = (uint16_t)(by + 1);
    tree->fates[place->layer][place->node].removed = removed;
}

/* How many bytes were there. */
static uint64_t take_away(struct tree *tree, uint32_t at, uint32_t by)
{
    const struct layer_node *shown = tree_shown(tree, at);
    uint64_t bytes = S_ISREG(shown->mode) && shown->primary == tree->nodes[at].node ? shown->size : 0;
    hide(tree, at, by, true);
    tree->nodes[at].gone = true;
    mark(tree, at, by, 'D');
    if (tree->sums && !is_directory(shown))
        tree->sums[by].removed++;
    for (uint32_t child = tree->nodes[at].first; child != NOBODY; child = tree->nodes[child].next)
        if (!tree->nodes[child].gone)
            bytes += take_away(tree, child, by);
    return bytes;
}

static void remove_place(struct tree *tree, uint32_t at, uint32_t by)
{
    uint64_t bytes = take_away(tree, at, by);
    if (!tree->sums || bytes <= tree->sums[by].most_bytes)
        return;
    tree->sums[by].most_bytes = bytes;
    tree->sums[by].most = at;
}

/* A file that was copied up and is as before is no change; a directory's times say nothing. What an image's layer has, it was given to have. */
static bool is_same(const struct tree *tree, uint32_t at, uint32_t layer, const struct layer_node *now)
{
    const struct layer_node *before = tree_shown(tree, at);
    if (now->mode != before->mode || now->uid != before->uid || now->gid != before->gid || now->device != before->device)
        return false;
    if (is_directory(now))
        return true;
    return tree->layers[layer].own && now->size == before->size && now->mtime == before->mtime && now->mtime_ns == before->mtime_ns &&
           now->capability == before->capability;
}

static bool apply_directory(struct tree *tree, uint32_t at, uint32_t layer, const struct layer_node *directory, bool hides);

/* A, C, D, or 0: it is as below. */
static char apply(struct tree *tree, uint32_t parent, uint32_t layer, uint32_t node, bool hides)
{
    const struct layer_node *now = &tree->layers[layer].index.nodes[node];
    uint32_t at = tree_find(tree, parent, layer_name(&tree->layers[layer].index, node));
    bool there = at != NOBODY && !tree->nodes[at].gone;
    if (now->flags & LAYER_WHITEOUT) {
        if (there)
            remove_place(tree, at, layer);
        return there ? 'D' : 0;
    }
    if (at == NOBODY)
        at = add_place(tree, parent, layer, node);
    bool was_directory = there && is_directory(tree_shown(tree, at)), same = there && is_same(tree, at, layer, now);
    for (uint32_t child = tree->nodes[at].first; was_directory && !is_directory(now) && child != NOBODY; child = tree->nodes[child].next)
        if (!tree->nodes[child].gone)
            remove_place(tree, child, layer);
    if (there && !was_directory && !same) /* a copy of the whole hides nothing that was not there before */
        hide(tree, at, layer, false);
    tree->nodes[at].gone = false;
    tree->nodes[at].layer = layer;
    tree->nodes[at].node = node;
    bool changed = is_directory(now) && apply_directory(tree, at, layer, now, hides && was_directory);
    char kind = !there ? 'A' : same && !changed ? 0 : 'C';
    mark(tree, at, layer, kind);
    if (tree->sums && kind && !is_directory(now))
        (*(kind == 'A' || was_directory ? &tree->sums[layer].added : &tree->sums[layer].changed))++;
    else if (tree->sums && there && !was_directory && is_directory(now)) /* in place of a file */
        tree->sums[layer].removed++;
    return kind;
}

/* True: something in there is another than below. */
static bool apply_directory(struct tree *tree, uint32_t at, uint32_t layer, const struct layer_node *directory, bool hides)
{
    bool changed = false;
    hides = hides || (directory->flags & LAYER_OPAQUE);
    for (uint32_t i = 0; i < directory->count; i++) {
        char kind = apply(tree, at, layer, directory->first + i, hides);
        changed = changed || kind;
        if (tree->fates)
            tree->fates[layer][directory->first + i].mark = kind;
    }
    for (uint32_t child = tree->nodes[at].first; hides && child != NOBODY; child = tree->nodes[child].next)
        if (!tree->nodes[child].gone && tree->nodes[child].layer != layer) {
            remove_place(tree, child, layer);
            changed = true;
        }
    return changed;
}

static int make_fates(struct tree *tree, struct error *err)
{
    tree->fates = calloc(tree->count + 1, sizeof *tree->fates);
    tree->sums = calloc(tree->count + 1, sizeof *tree->sums);
    if (!tree->fates || !tree->sums)
        return fail(err, ENOMEM, "stack the layers");
    for (size_t i = 0; i < tree->count; i++) {
        tree->sums[i].most = tree->sums[i].most_caches = NOBODY;
        tree->fates[i] = calloc(tree->layers[i].index.count, sizeof **tree->fates);
        if (!tree->fates[i])
            return fail(err, ENOMEM, "stack the layers");
    }
    return 0;
}

int tree_build(struct tree *tree, bool fates, struct error *err)
{
    TRY(make_room(tree, err));
    if (fates)
        TRY(make_fates(tree, err));
    for (uint32_t i = 0; i < tree->count; i++) {
        if (i == 0)
            add_place(tree, NOBODY, 0, 0);
        tree->nodes[0].layer = i;
        tree->nodes[0].node = 0;
        apply_directory(tree, 0, i, tree->layers[i].index.nodes, false);
    }
    return 0;
}

/* ---- what each layer does ---- */

struct counting {
    const struct tree *tree;
    uint8_t **shows; /* for each file: one of its names shows */
    char path[PATH_MAX];
};

static void count_caches(struct counting *counting, uint32_t at, uint64_t bytes[])
{
    const struct tree_node *place = &counting->tree->nodes[at];
    const struct layer_node *node = tree_shown(counting->tree, at);
    if (S_ISREG(node->mode) && node->primary == place->node)
        bytes[place->layer] += node->size;
    for (uint32_t child = place->first; child != NOBODY; child = counting->tree->nodes[child].next)
        if (!counting->tree->nodes[child].gone)
            count_caches(counting, child, bytes);
}

static void note_caches(struct counting *counting, uint32_t at, uint64_t bytes[])
{
    memset(bytes, 0, counting->tree->count * sizeof *bytes);
    count_caches(counting, at, bytes);
    for (size_t i = 0; i < counting->tree->count; i++) {
        struct layer_sums *sums = &counting->tree->sums[i];
        sums->caches += bytes[i];
        if (bytes[i] > sums->most_caches_bytes) {
            sums->most_caches_bytes = bytes[i];
            sums->most_caches = at;
        }
    }
}

static void look_at(struct counting *counting, uint32_t at, size_t length, uint64_t bytes[])
{
    const struct tree *tree = counting->tree;
    for (uint32_t child = tree->nodes[at].first; child != NOBODY; child = tree->nodes[child].next) {
        const struct layer_node *node = tree_shown(tree, child);
        const char *name = tree_name(tree, child);
        size_t more = strlen(name);
        if (tree->nodes[child].gone)
            continue;
        counting->shows[tree->nodes[child].layer][node->primary] = 1;
        bool noise = bytes && length + more + 2 < PATH_MAX && is_noise(length ? counting->path : "/", name);
        if (noise)
            note_caches(counting, child, bytes);
        if (!is_directory(node))
            continue;
        if (length + more + 2 >= PATH_MAX)
            noise = true; /* so deep there is nothing that we know by its path */
        else
            snprintf(counting->path + length, PATH_MAX - length, "/%s", name);
        look_at(counting, child, length + more + 1 < PATH_MAX ? length + more + 1 : length, noise ? NULL : bytes);
        counting->path[length] = '\0';
    }
}

static void count_waste(struct counting *counting)
{
    const struct tree *tree = counting->tree;
    for (size_t i = 0; i < tree->count; i++) {
        const struct layer_index *index = &tree->layers[i].index;
        struct layer_sums *sums = &tree->sums[i];
        for (uint32_t n = 1; n < index->count; n++) {
            const struct layer_node *node = &index->nodes[n];
            if (is_directory(node) || (node->flags & LAYER_WHITEOUT))
                continue;
            sums->files++;
            if (!S_ISREG(node->mode) || node->primary != n)
                continue;
            sums->size += node->size;
            const struct fate *fate = &tree->fates[i][n];
            if (counting->shows[i][n] || fate->hidden == 0)
                continue;
            struct layer_sums *by = &tree->sums[fate->hidden - 1];
            sums->wasted += node->size;
            *(fate->removed ? &by->removes : &by->replaces) += node->size;
        }
    }
}

int tree_count(struct tree *tree, struct error *err)
{
    struct counting counting = {.tree = tree};
    cleanup_free uint64_t *bytes = calloc(tree->count + 1, sizeof *bytes);
    cleanup_free uint8_t **shows = calloc(tree->count + 1, sizeof *shows);
    int status = bytes && shows ? 0 : fail(err, ENOMEM, "count");
    for (size_t i = 0; status == 0 && i < tree->count; i++)
        if (!(shows[i] = calloc(tree->layers[i].index.count, 1)))
            status = fail(err, ENOMEM, "count");
    counting.shows = shows;
    if (status == 0 && tree->count > 0) {
        look_at(&counting, 0, 0, bytes);
        count_waste(&counting);
    }
    for (size_t i = 0; shows && i < tree->count; i++)
        free(shows[i]);
    return status;
}
