/* commands/layer-tree.h: what a stack of layers comes to, and what the topmost of them does to those below. */
#ifndef SLIPWAY_COMMANDS_LAYER_TREE_H
#define SLIPWAY_COMMANDS_LAYER_TREE_H

#include "layer-index.h"
#include "serve.h"

#define NOBODY UINT32_MAX

struct layer {
    int parent;       /* the directory that holds it */
    const char *name; /* its name there */
    int root;         /* itself; -1 until layer_root() is asked for it */
    bool own;         /* a container's, written to */
    struct layer_index index;
};

/* What one layer does, and what becomes of it. */
struct layer_sums {
    uint64_t size;      /* bytes of the files in it, each once */
    uint32_t files;     /* names in it that are no directory */
    uint32_t added, changed, removed; /* files */
    uint64_t wasted;    /* of size: what a higher layer removed or replaced */
    uint64_t removes, replaces; /* bytes of lower layers that it removes, that it has others for */
    uint64_t caches;    /* of size: what is cache, log or package list, and shows at the top */
    uint32_t most;      /* the place (tree node) that removes most, or NOBODY */
    uint64_t most_bytes;
    uint32_t most_caches; /* the highest place that is all cache and has most, or NOBODY */
    uint64_t most_caches_bytes;
};

struct tree_node {
    uint32_t parent, first, next; /* NOBODY: none */
    uint32_t layer, node;         /* what shows here, or showed last */
    uint32_t marked;              /* the layer that `mark` is of */
    char mark;                    /* A, C, D, or 0 */
    bool gone;
};

/* What a name in a layer is there for, and what became of it. */
struct fate {
    uint16_t hidden; /* 1 + the layer that hides it; 0: it shows */
    bool removed;    /* hidden by removing */
    char mark;       /* A, C, D, or 0 */
};

struct tree {
    struct layer *layers;
    size_t count;
    struct tree_node *nodes; /* the root first */
    size_t used, room;
    uint32_t *slots; /* a hash table of places by parent and name */
    size_t slot_count;
    struct fate **fates;      /* for each layer and node. NULL where that is not asked for */
    struct layer_sums *sums;  /* for each layer, the same */
};

/* {"layers":[{"path":DIR,"own":true?}, bottom first]}, indexed. `err` "not-found": one of them is not there any more. */
int layers_open(json_object *list, struct tree *tree, struct error *err);
/* Its directory; -1 with an error. */
int layer_root(struct layer *layer, struct error *err);
/* Stacks them. With `fates`, what becomes of each name in each layer is kept, too. */
int tree_build(struct tree *tree, bool fates, struct error *err);
/* Adds to `sums`, after that, what can only be known at the end. */
int tree_count(struct tree *tree, struct error *err);
void tree_clear(struct tree *tree);
#define cleanup_tree __attribute__((cleanup(tree_clear)))

/* The place under that name, or NOBODY; one that is gone is found, too. */
uint32_t tree_find(const struct tree *tree, uint32_t parent, const char *name);
/* The place of an absolute path without links in it. */
uint32_t tree_at(const struct tree *tree, const char *path);

static inline const struct layer_node *tree_shown(const struct tree *tree, uint32_t at)
{
    return &tree->layers[tree->nodes[at].layer].index.nodes[tree->nodes[at].node];
}
static inline const char *tree_name(const struct tree *tree, uint32_t at)
{
    return layer_name(&tree->layers[tree->nodes[at].layer].index, tree->nodes[at].node);
}
/* The topmost layer's mark; 0: none. */
static inline char tree_mark(const struct tree *tree, uint32_t at)
{
    return tree->count > 0 && tree->nodes[at].marked == tree->count - 1 ? tree->nodes[at].mark : 0;
}
/* With its slash before it; "/" for the root. */
int tree_path(const struct tree *tree, uint32_t at, char *path, size_t room);

static inline bool is_directory(const struct layer_node *node)
{
    return S_ISDIR(node->mode);
}

/* Whether what is in this directory under this name is only cache, log or package list: it says nothing of what was meant. */
bool is_noise(const char *directory, const char *name);

#endif
