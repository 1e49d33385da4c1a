/* Study files built on others: `extends:` and `--set path=value` as an overlay of document trees, and the writing of a tree back to text.
 * Mappings merge key by key, everything else is replaced. The overlay shares the nodes of its documents, so those must outlive it. */
#ifndef EXPERIMENTS_OVERLAY_H
#define EXPERIMENTS_OVERLAY_H

#include "base/doc.h"

struct overlay {
    struct node root;
    void **blocks; /* child arrays and keys made for the merge, owned */
    int n_blocks, cap_blocks;
};

void overlay_init(struct overlay *o, const struct node *base);
void overlay_release(struct overlay *o);
/* Puts every key of `top` over the tree, at most `depth` mappings deep. */
void overlay_merge(struct overlay *o, const struct node *top, int depth);
/* Sets the node at a dotted path ("search.seed"), making mappings on the way; `value` is borrowed. 0, or -1 when a part of the path is no mapping. */
int overlay_set(struct overlay *o, const char *path, const struct node *value);

/* YAML text of a tree: block style for mappings to depth `block`, flow style below; scalars quoted where they were. */
void overlay_print(const struct node *node, int block, struct strbuf *out);

#endif
