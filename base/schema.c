/* The walk over a table and a mapping. Every error is reported, none twice: a required key that is there but misspelt is named once, as
 * the suggestion for the unknown key. */
#include "base/schema.h"

#include "base/mem.h"
#include "base/strbuf.h"

#include <string.h>

/* Which fields a mapping has, and which it seems to mean. */
struct reading {
    const struct schema *schema;
    const struct node *node;
    bool *present; /* [schema->n] */
    bool *meant;   /* [schema->n]: a misspelt key is near it */
    struct diags *d;
};

static const char *absent_name(int i, const void *data)
{
    const struct reading *r = data;
    return r->present[i] || r->meant[i] ? NULL : r->schema->fields[i].key;
}

static const char *any_name(int i, const void *data)
{
    const struct reading *r = data;
    return r->schema->fields[i].key;
}

static void list_keys(const struct reading *r, struct strbuf *out)
{
    enum { MAX_LISTED = 20 };
    for (int i = 0; i < r->schema->n && i < MAX_LISTED; i++) {
        strbuf_addf(out, "%s%s", i ? ", " : "known keys: ", r->schema->fields[i].key);
    }
    strbuf_adds(out, r->schema->n > MAX_LISTED ? ", ..." : "");
}

static void report_unknown(struct reading *r, const struct node *entry)
{
    struct strbuf help = STRBUF_INIT;
    int near = suggest_index(entry->key, r->schema->n, absent_name, r);
    near = near >= 0 ? near : suggest_index(entry->key, r->schema->n, any_name, r);
    if (near >= 0) {
        r->meant[near] = true;
        strbuf_addf(&help, "did you mean '%s'?", r->schema->fields[near].key);
    } else {
        list_keys(r, &help);
    }
    diags_error(r->d, entry->key_mark, strbuf_str(&help), "unknown key '%s'", entry->key);
    strbuf_release(&help);
}

static void set_string(char **field, const char *text)
{
    mem_free(*field);
    *field = mem_strdup(text);
}

/* Reads one value into its place. Errors are in d. */
static void read_field(const struct field *f, const struct node *node, char *base, struct diags *d)
{
    void *at = base + f->offset;
    bool any = f->min == 0 && f->max == 0;
    const char *text;
    switch (f->type) {
    case FIELD_STRING:
    case FIELD_NAME:
        text = f->type == FIELD_NAME ? schema_read_name(node, f->key, d) : schema_read_text(node, f->key, d);
        if (text) {
            set_string(at, text);
        }
        break;
    case FIELD_INT:
        schema_read_int(node, f->key, f->min > -9e18 ? (int64_t)f->min : INT64_MIN,
                        any             ? 0
                        : f->max < 9e18 ? (int64_t)f->max
                                        : INT64_MAX,
                        at, d);
        break;
    case FIELD_REAL:
        schema_read_real(node, f->key, f->min, f->max, at, d);
        break;
    case FIELD_QUANTITY:
        schema_read_quantity_in(node, f->key, f->dim ? *f->dim : DIM_ONE, f->min, f->max, at, d);
        break;
    case FIELD_BOOL:
        schema_read_bool(node, f->key, at, d);
        break;
    case FIELD_CHOICE:
        schema_read_choice(node, f->key, f->choices, at, d);
        break;
    case FIELD_MAP:
        if (schema_want(node, f->key, NODE_MAPPING, d) == 0) {
            schema_read(f->sub, node, at, NULL, d);
        }
        break;
    case FIELD_NODE:
        memcpy(at, &node, sizeof node);
        break;
    }
}

static int find_field(const struct schema *schema, const char *key)
{
    for (int i = 0; i < schema->n; i++) {
        if (strcmp(schema->fields[i].key, key) == 0) {
            return i;
        }
    }
    return -1;
}

static void report_missing(const struct reading *r)
{
    struct mark at = r->node->key ? r->node->key_mark : r->node->mark;
    for (int i = 0; i < r->schema->n; i++) {
        const struct field *f = &r->schema->fields[i];
        if (f->required && !r->present[i] && !r->meant[i]) {
            diags_error(r->d, at, f->help, "missing key '%s' of %s", f->key, r->schema->what);
        }
    }
}

int schema_read(const struct schema *schema, const struct node *node, void *out, bool *seen, struct diags *d)
{
    int errors = d->n_errors;
    if (schema_want(node, node->key ? node->key : schema->what, NODE_MAPPING, d)) {
        return -1;
    }
    struct reading r = {schema, node, mem_calloc((size_t)schema->n, sizeof(bool)),
                        mem_calloc((size_t)schema->n, sizeof(bool)), d};
    for (int i = 0; i < node->n_children; i++) {
        int f = find_field(schema, node->child[i].key);
        if (f >= 0) {
            r.present[f] = true;
        }
    }
    for (int i = 0; i < node->n_children; i++) {
        int f = find_field(schema, node->child[i].key);
        if (f < 0) {
            report_unknown(&r, &node->child[i]);
        } else {
            read_field(&schema->fields[f], &node->child[i], out, d);
        }
    }
    report_missing(&r);
    if (seen) {
        memcpy(seen, r.present, (size_t)schema->n * sizeof *seen);
    }
    mem_free(r.present);
    mem_free(r.meant);
    return d->n_errors > errors ? -1 : 0;
}
