/* The overlay copies the arrays of children that it changes and nothing else: a node is plain data whose children are a pointer and a count. */
#include "experiments/overlay.h"

#include "base/mem.h"
#include "base/strbuf.h"

#include <string.h>

void overlay_init(struct overlay *o, const struct node *base)
{
    memset(o, 0, sizeof *o);
    o->root = *base;
}

void overlay_release(struct overlay *o)
{
    for (int i = 0; i < o->n_blocks; i++) {
        mem_free(o->blocks[i]);
    }
    mem_free(o->blocks);
    memset(o, 0, sizeof *o);
}

/* A copy of m's children with room for one more, owned by the overlay. */
static struct node *own_children(struct overlay *o, struct node *m, int room)
{
    struct node *copy = mem_calloc((size_t)(m->n_children + room), sizeof *copy);
    if (m->n_children > 0) {
        memcpy(copy, m->child, (size_t)m->n_children * sizeof *copy);
    }
    MEM_GROW(o->blocks, o->n_blocks, o->cap_blocks);
    o->blocks[o->n_blocks++] = copy;
    m->child = copy;
    return copy;
}

static struct node *find(struct node *m, const char *key, size_t len)
{
    for (int i = 0; i < m->n_children; i++) {
        const char *k = m->child[i].key;
        if (k != NULL && strlen(k) == len && memcmp(k, key, len) == 0) {
            return &m->child[i];
        }
    }
    return NULL;
}

static void merge(struct overlay *o, struct node *below, const struct node *top, int depth)
{
    own_children(o, below, top->n_children);
    for (int i = 0; i < top->n_children; i++) {
        const struct node *t = &top->child[i];
        struct node *b = find(below, t->key, strlen(t->key));
        if (b == NULL) {
            below->child[below->n_children++] = *t;
        } else if (depth > 1 && b->kind == NODE_MAPPING && t->kind == NODE_MAPPING) {
            merge(o, b, t, depth - 1);
        } else {
            *b = *t;
        }
    }
}

void overlay_merge(struct overlay *o, const struct node *top, int depth)
{
    merge(o, &o->root, top, depth);
}

int overlay_set(struct overlay *o, const char *path, const struct node *value)
{
    struct node *m = &o->root;
    for (;;) {
        if (m->kind != NODE_MAPPING) {
            return -1;
        }
        size_t len = strcspn(path, ".");
        own_children(o, m, 1);
        struct node *at = find(m, path, len);
        if (at == NULL) {
            at = &m->child[m->n_children++];
            memset(at, 0, sizeof *at);
            at->kind = NODE_MAPPING;
            at->mark = at->key_mark = value->mark;
            at->key = mem_strndup(path, len);
            MEM_GROW(o->blocks, o->n_blocks, o->cap_blocks);
            o->blocks[o->n_blocks++] = at->key;
        }
        if (path[len] == '\0') {
            char *key = at->key;
            *at = *value;
            at->key = key;
            at->key_mark = value->mark;
            return 0;
        }
        m = at;
        path += len + 1;
    }
}

static void print_scalar(const struct node *node, struct strbuf *out)
{
    bool plain = !node->quoted && node->text[0] != '\0' && strpbrk(node->text, ":#[]{},&*!|>'\"%@`\n\t") == NULL;
    if (plain) {
        strbuf_adds(out, node->text);
        return;
    }
    strbuf_adds(out, "\"");
    for (const char *p = node->text; *p != '\0'; p++) {
        switch (*p) {
        case '"':
        case '\\':
            strbuf_addf(out, "\\%c", *p);
            break;
        case '\n':
            strbuf_adds(out, "\\n");
            break;
        case '\t':
            strbuf_adds(out, "\\t");
            break;
        default:
            strbuf_add(out, p, 1);
        }
    }
    strbuf_adds(out, "\"");
}

static void print_flow(const struct node *node, struct strbuf *out)
{
    switch (node->kind) {
    case NODE_NULL:
        strbuf_adds(out, "null");
        break;
    case NODE_SCALAR:
        print_scalar(node, out);
        break;
    case NODE_SEQUENCE:
    case NODE_MAPPING:
        strbuf_adds(out, node->kind == NODE_SEQUENCE ? "[" : "{");
        for (int i = 0; i < node->n_children; i++) {
            strbuf_adds(out, i ? ", " : "");
            if (node->kind == NODE_MAPPING) {
                strbuf_addf(out, "%s: ", node->child[i].key);
            }
            print_flow(&node->child[i], out);
        }
        strbuf_adds(out, node->kind == NODE_SEQUENCE ? "]" : "}");
        break;
    }
}

static void print_block(const struct node *node, int block, int indent, struct strbuf *out)
{
    for (int i = 0; i < node->n_children; i++) {
        const struct node *c = &node->child[i];
        strbuf_addf(out, "%*s%s:", indent, "", c->key);
        if (c->kind == NODE_MAPPING && c->n_children > 0 && block > 1) {
            strbuf_adds(out, "\n");
            print_block(c, block - 1, indent + 2, out);
        } else {
            strbuf_adds(out, " ");
            print_flow(c, out);
            strbuf_adds(out, "\n");
        }
    }
}

void overlay_print(const struct node *node, int block, struct strbuf *out)
{
    if (node->kind == NODE_MAPPING && block > 0) {
        print_block(node, block, 0, out);
    } else {
        print_flow(node, out);
        strbuf_adds(out, "\n");
    }
}
