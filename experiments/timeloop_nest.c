/* Entries of a mapping: targets, factors, permutations, splits. */
#include "experiments/timeloop_nest.h"
#include "base/schema.h"
#include "base/strbuf.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static int find_level(const struct timeloop_arch *a, const char *name)
{
    for (int l = 0; l < a->n_levels; l++) {
        if (strcmp(a->level[l].name, name) == 0) {
            return l;
        }
    }
    return -1;
}

static int find_array(const struct timeloop_arch *a, const char *name)
{
    for (int i = 0; i < a->n_arrays; i++) {
        if (strcmp(a->array[i].name, name) == 0) {
            return i;
        }
    }
    return -1;
}

static int unknown_target(const struct timeloop_entries *r, const struct node *target, bool spatial)
{
    const char *names[HW_LEVELS + TIMELOOP_ARRAYS];
    const struct timeloop_arch *a = &r->t->arch;
    int n = 0;
    struct strbuf help = STRBUF_INIT;
    for (int i = 0; spatial && i < a->n_arrays; i++) {
        names[n++] = a->array[i].name;
    }
    for (int l = a->n_levels - 1; !spatial && l >= 0; l--) {
        names[n++] = a->level[l].name;
    }
    suggest_help(target->text, names, n, &help);
    diags_error(r->d, target->mark, strbuf_str(&help), "'%s' is no %s of the architecture", target->text,
                spatial ? "container or component with a mesh" : "storage");
    strbuf_release(&help);
    return -1;
}

/* "R=3", "R3", "P=16,10" */
static int read_factor(struct timeloop_entries *r, struct timeloop_nest *nest, const char *text, struct mark at)
{
    char name[64];
    int n = 0;
    const char *s = text;
    bool equals = strchr(text, '=') != NULL;
    while (n < (int)sizeof name - 1 &&
           (isalpha((unsigned char)*s) || *s == '_' || (equals && isdigit((unsigned char)*s)))) {
        name[n++] = *s++;
    }
    name[n] = '\0';
    s += *s == '=';
    char *end;
    int64_t factor = strtoll(s, &end, 10);
    bool good = n > 0 && isdigit((unsigned char)*s) && factor >= 0 && factor < INT64_MAX;
    int64_t residual = 0;
    if (good && *end == ',') {
        s = end + 1;
        residual = strtoll(s, &end, 10);
        good = isdigit((unsigned char)*s) && residual >= 1 && residual <= factor;
    }
    if (!good || *end) {
        return diags_error(r->d, at, "write DIMENSION=FACTOR, a whole number", "the factor '%s' is not understood",
                           text);
    }
    int dim = einsum_dim(&r->t->einsum, name);
    if (dim < 0) {
        return diags_error(r->d, at, NULL, "'%s' is no dimension of the problem", name);
    }
    nest->factor[dim] = factor;
    nest->residual[dim] = residual;
    nest->mark[dim] = at;
    return 0;
}

static int read_factors(struct timeloop_entries *r, struct timeloop_nest *nest, const struct node *v)
{
    int errors = r->d->n_errors;
    if (v && v->kind == NODE_MAPPING) {
        for (int i = 0; i < v->n_children; i++) {
            int64_t x;
            int dim = einsum_dim(&r->t->einsum, v->child[i].key);
            if (dim < 0) {
                diags_error(r->d, v->child[i].key_mark, NULL, "'%s' is no dimension of the problem", v->child[i].key);
            } else if (timeloop_int(&v->child[i], v->child[i].key, 0, &x, r->d) == 0) {
                nest->factor[dim] = x;
                nest->mark[dim] = v->child[i].mark;
            }
        }
    } else {
        struct words w = {.node = v};
        while (words_next(&w, r->d)) {
            read_factor(r, nest, w.text, w.mark);
        }
    }
    return r->d->n_errors > errors ? -1 : 0;
}

static int add_to_order(struct timeloop_entries *r, struct timeloop_nest *nest, int *n, const char *name,
                        struct mark at)
{
    int dim = einsum_dim(&r->t->einsum, name);
    if (dim < 0) {
        return diags_error(r->d, at, NULL, "'%s' is no dimension of the problem", name);
    }
    for (int i = 0; i < *n; i++) {
        if (nest->order[i] == dim) {
            return diags_error(r->d, at, NULL, "'%s' is there twice", name);
        }
    }
    nest->order[(*n)++] = dim;
    return 0;
}

/* A list, a text of words, or a text of one-letter dimensions ("PRK"). */
static int read_permutation(struct timeloop_entries *r, struct timeloop_nest *nest, const struct node *v)
{
    int n = 0;
    struct words w = {.node = v};
    while (words_next(&w, r->d)) {
        bool letters = v->kind == NODE_SCALAR && einsum_dim(&r->t->einsum, w.text) < 0;
        for (int i = 0; letters && w.text[i]; i++) {
            char one[2] = {w.text[i], '\0'};
            struct mark at = w.mark;
            at.col += i;
            at.len = 1;
            if (add_to_order(r, nest, &n, one, at)) {
                return -1;
            }
        }
        if (!letters && add_to_order(r, nest, &n, w.text, w.mark)) {
            return -1;
        }
    }
    for (int dim = 0; dim < r->t->einsum.n_dims; dim++) {
        int i = 0;
        while (i < n && nest->order[i] != dim) {
            i++;
        }
        if (i == n) {
            nest->order[n++] = dim;
        }
    }
    return 0;
}

static int read_nest(struct timeloop_entries *r, struct timeloop_nest *nest, const struct node *entry)
{
    const struct node *split = timeloop_get(entry, "split");
    if (nest->node) {
        diags_error(r->d, entry->mark, NULL, "a second entry of this type for '%s'",
                    timeloop_get(entry, "target")->text);
        return diags_note(r->d, nest->node->mark, NULL, "the first is here"), -1;
    }
    nest->node = entry;
    nest->split = -1;
    for (int dim = 0; dim < EINSUM_DIMS; dim++) {
        nest->factor[dim] = 1;
        nest->mark[dim] = entry->mark;
    }
    return read_factors(r, nest, timeloop_get(entry, "factors")) ||
                   read_permutation(r, nest, timeloop_get(entry, "permutation")) ||
                   (split && timeloop_int(split, "split", 0, &nest->split, r->d))
               ? -1
               : 0;
}

int timeloop_read_entry(struct timeloop_entries *r, const struct node *entry)
{
    static const char *const known[] = {"target", "type", "factors", "permutation", "split", "keep", "bypass", NULL};
    static const char *const types[] = {"temporal", "spatial", "dataspace", "bypass", "datatype", NULL};
    int type;
    if (schema_want(entry, "an entry of the mapping", NODE_MAPPING, r->d) ||
        timeloop_known(entry, known, "the mapping", r->d)) {
        return -1;
    }
    const struct node *target = timeloop_get(entry, "target"), *type_node = timeloop_get(entry, "type");
    if (!target || !type_node) {
        return diags_error(r->d, entry->mark, NULL, "an entry of the mapping needs 'target' and 'type'");
    }
    if (!schema_read_text(target, "target", r->d) || schema_read_choice(type_node, "type", types, &type, r->d)) {
        return -1;
    }
    int level = find_level(&r->t->arch, target->text), array = find_array(&r->t->arch, target->text);
    if (type == 1 ? array < 0 : level < 0) {
        return unknown_target(r, target, type == 1);
    }
    if (type <= 1) {
        return read_nest(r, type == 1 ? &r->spatial[array] : &r->temporal[level], entry);
    }
    if (r->kept[level]) {
        return diags_error(r->d, entry->mark, NULL, "a second entry of this type for '%s'", target->text);
    }
    r->kept[level] = entry;
    return 0;
}
