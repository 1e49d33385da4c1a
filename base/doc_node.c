/* What can be done to a document's nodes without its text: keys, '<<', freeing, asking. */
#include "base/doc_node.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

void node_release(struct node *node)
{
    for (int i = 0; i < node->n_children; i++) {
        node_release(&node->child[i]);
    }
    mem_free(node->child);
    mem_free(node->key);
    mem_free(node->text);
    mem_free(node->tag);
    *node = (struct node){.kind = NODE_NULL};
}

void doc_free(struct doc *doc)
{
    if (doc) {
        node_release(&doc->root);
        mem_free(doc);
    }
}

static int compare_keys(const void *pa, const void *pb)
{
    const struct node *a = *(const struct node *const *)pa, *b = *(const struct node *const *)pb;
    int order = strcmp(a->key, b->key);
    return order ? order : a < b ? -1 : a > b;
}

bool node_keys_are_unique(const struct node *mapping, struct diags *d)
{
    int n = mapping->n_children;
    const struct node **sorted = mem_calloc((size_t)n, sizeof *sorted);
    bool unique = true;
    for (int i = 0; i < n; i++) {
        sorted[i] = &mapping->child[i];
    }
    qsort(sorted, (size_t)n, sizeof *sorted, compare_keys);
    for (int i = 1; i < n; i++) {
        if (strcmp(sorted[i - 1]->key, sorted[i]->key) == 0) {
            diags_error(d, sorted[i]->key_mark, NULL, "key '%s' appears twice", sorted[i]->key);
            diags_note(d, sorted[i - 1]->key_mark, NULL, "the first is here");
            unique = false;
        }
    }
    mem_free(sorted);
    return unique;
}

/* Takes the entries of `from` (a mapping, or a list of them) that `mapping` does not have. */
static bool merge_from(struct node *mapping, struct node *from, int *cap, struct diags *d)
{
    if (from->kind == NODE_SEQUENCE) {
        for (int i = 0; i < from->n_children; i++) {
            if (from->child[i].kind != NODE_MAPPING || !merge_from(mapping, &from->child[i], cap, d)) {
                diags_error(d, from->key_mark, NULL, "'<<' wants mappings to merge");
                return false;
            }
        }
        return true;
    }
    for (int i = 0; i < from->n_children; i++) {
        if (!node_get(mapping, from->child[i].key)) {
            MEM_GROW(mapping->child, mapping->n_children, *cap);
            mapping->child[mapping->n_children++] = from->child[i];
            from->child[i] = (struct node){.kind = NODE_NULL};
        }
    }
    return true;
}

bool node_merge(struct node *mapping, int *cap, struct diags *d)
{
    int at = 0;
    while (at < mapping->n_children && (strcmp(mapping->child[at].key, "<<") != 0)) {
        at++;
    }
    if (at == mapping->n_children) {
        return true;
    }
    struct node from = mapping->child[at];
    bool good = from.kind == NODE_MAPPING || from.kind == NODE_SEQUENCE;
    memmove(&mapping->child[at], &mapping->child[at + 1], (size_t)(mapping->n_children - at - 1) * sizeof from);
    mapping->n_children--;
    if (!good) {
        diags_error(d, from.key_mark, NULL, "'<<' wants a mapping to merge");
    } else {
        good = merge_from(mapping, &from, cap, d);
    }
    node_release(&from);
    return good;
}

struct mark node_text_mark(const struct node *scalar)
{
    struct mark m = scalar->mark;
    bool quotes = scalar->quoted && scalar->mark.source && scalar->mark.len > 1;
    m.col += quotes;
    m.len -= quotes ? 2 : 0;
    m.len = m.len > 0 ? m.len : 1;
    return m;
}

const struct node *node_get(const struct node *mapping, const char *key)
{
    if (!mapping || mapping->kind != NODE_MAPPING) {
        return NULL;
    }
    for (int i = 0; i < mapping->n_children; i++) {
        if (strcmp(mapping->child[i].key, key) == 0) {
            return &mapping->child[i];
        }
    }
    return NULL;
}
