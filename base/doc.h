/* A document tree with positions, read from YAML or JSON (JSON is a subset of YAML 1.2, so libfyaml reads both and every node
 * keeps its line and column, which jansson does not give). Scalars are plain text: their type is the schema's business, never
 * YAML's guess ('no', 'off', '1:4' stay text). Hostile input has limits: 16 MiB of text, depth 64, no aliases/anchors expansion
 * beyond 100,000 nodes, 1,000,000 nodes in all; a duplicate key is an error, and so are a second document, bytes that are not UTF-8, keys that
 * are not scalars. Aliases are copied, '<<' merges. A plain '~', 'null' or nothing is NODE_NULL; an empty file has a NODE_NULL root. */
#ifndef BASE_DOC_H
#define BASE_DOC_H

#include "base/diag.h"

enum node_kind { NODE_SCALAR, NODE_SEQUENCE, NODE_MAPPING, NODE_NULL };

struct node {
    enum node_kind kind;
    struct mark mark;     /* of the value */
    struct mark key_mark; /* of the key, in a mapping */
    char *key;            /* in a mapping, else NULL */
    char *text;           /* scalar text, else NULL */
    bool quoted;          /* scalar was quoted or a block: surely a string */
    char *tag;            /* explicit local tag, "!Container", or NULL */
    struct node *child;   /* [n_children], sequence items or mapping values in file order */
    int n_children;
};

struct doc {
    struct node root;
};

/* NULL and errors in d on failure. The source text lives in d; the tree is the caller's, freed with doc_free(). */
struct doc *doc_read_file(const char *path, struct diags *d);
struct doc *doc_read_text(const char *name, const char *text, size_t len, struct diags *d);
void doc_free(struct doc *doc);
/* The text of a file of at most so many bytes, kept by d; NULL and an error in d when it cannot be read. */
const struct source *doc_source(const char *path, size_t most, struct diags *d);

/* Where the scalar's text begins (after the quote), so that a reader of the text may point into it: column + offset in characters. */
struct mark node_text_mark(const struct node *scalar);
/* The mapping's entry of that name; NULL when absent or when `mapping` is not one. O(entries). */
const struct node *node_get(const struct node *mapping, const char *key); /* NULL when absent or not a mapping */

#endif
