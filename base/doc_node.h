/* Nodes of a document while it is read. Internal to doc.c and doc_node.c. */
#ifndef BASE_DOC_NODE_H
#define BASE_DOC_NODE_H

#include "base/doc.h"

void node_release(struct node *node);
/* False, with errors, when a key of the mapping appears twice. O(n log n): a hostile file may have a million. */
bool node_keys_are_unique(const struct node *mapping, struct diags *d);
/* Replaces the entry '<<' by what it merges; cap: room in mapping->child. */
bool node_merge(struct node *mapping, int *cap, struct diags *d);

#endif
