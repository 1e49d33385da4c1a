/* mapping: -> struct mapping, and back. As Timeloop reads it (src/mapping/parser.cpp at 4cf6d4c): a permutation names the loops from the innermost outwards,
 * dimensions that it leaves out follow; of a spatial one the first `split` are along x; a factor of 0 stands for what is left of the dimension; "P=16,10" is a
 * loop of 16 whose last pass has 10; all data spaces are kept where nothing is said. */
#include "base/mem.h"
#include "base/schema.h"
#include "base/strbuf.h"
#include "experiments/timeloop_read.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What one entry of type temporal or spatial says. */
struct nest {
    const struct node *node;       /* NULL: nothing */
    int64_t factor[EINSUM_DIMS];   /* 0: what is left */
    int64_t residual[EINSUM_DIMS]; /* 0: not stated */
    struct mark mark[EINSUM_DIMS];
    int order[EINSUM_DIMS]; /* innermost first */
    int64_t split;
};

struct reader {
    struct timeloop *t;
    struct nest temporal[HW_LEVELS];
    struct nest spatial[TIMELOOP_ARRAYS];
    const struct node *kept[HW_LEVELS]; /* the dataspace entry */
    struct diags *d;
};

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

static int unknown_target(const struct reader *r, const struct node *target, bool spatial)
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
static int read_factor(struct reader *r, struct nest *nest, const char *text, struct mark at)
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

static int read_factors(struct reader *r, struct nest *nest, const struct node *v)
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

static int add_to_order(struct reader *r, struct nest *nest, int *n, const char *name, struct mark at)
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
static int read_permutation(struct reader *r, struct nest *nest, const struct node *v)
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

static int read_nest(struct reader *r, struct nest *nest, const struct node *entry)
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

static int read_entry(struct reader *r, const struct node *entry)
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

static struct nest *nest_at(struct reader *r, int i)
{
    return i < HW_LEVELS ? &r->temporal[i] : &r->spatial[i - HW_LEVELS];
}
enum { N_NESTS = HW_LEVELS + TIMELOOP_ARRAYS };

/* Puts what is left of a dimension where its factor is 0, and checks that the factors cover it. */
static int settle_dim(struct reader *r, int dim)
{
    const struct einsum *e = &r->t->einsum;
    struct nest *open = NULL;
    struct mark at = {NULL, 0, 0, 0};
    int64_t product = 1;
    for (int i = 0; i < N_NESTS; i++) {
        struct nest *nest = nest_at(r, i);
        if (!nest->node) {
            continue;
        }
        at = nest->factor[dim] != 1 || !at.source ? nest->mark[dim] : at;
        if (nest->factor[dim] == 0) {
            if (open) {
                return diags_error(r->d, nest->mark[dim], NULL, "'%s' has the factor 0 twice", e->dim[dim]);
            }
            open = nest;
        } else if (__builtin_mul_overflow(product, nest->factor[dim], &product)) {
            return diags_error(r->d, nest->mark[dim], NULL, "the factors of '%s' are too large", e->dim[dim]);
        }
    }
    if (open) {
        open->factor[dim] = e->bound[dim] / product + (e->bound[dim] % product != 0);
        return 0;
    }
    if (product < e->bound[dim]) {
        return diags_error(r->d, at, NULL, "the factors of '%s' multiply to %lld, the problem has %lld", e->dim[dim],
                           (long long)product, (long long)e->bound[dim]);
    }
    return 0;
}

static void add_temporal(struct reader *r, int level)
{
    const struct nest *nest = &r->temporal[level];
    struct mapping_level *ml = &r->t->mapping.level[level];
    for (int i = r->t->einsum.n_dims - 1; nest->node && i >= 0; i--) {
        int dim = nest->order[i];
        if (nest->factor[dim] > 1) {
            ml->temporal[ml->n_temporal++] = (struct loop){dim, nest->factor[dim]};
        }
    }
}

/* The loops of one mesh, inside those of the meshes before it. */
static int add_spatial(struct reader *r, int array)
{
    struct nest *nest = &r->spatial[array];
    const struct timeloop_array *a = &r->t->arch.array[array];
    struct mapping_level *ml = &r->t->mapping.level[a->above];
    int64_t x = 1, y = 1;
    if (nest->node && nest->split < 0) {
        if (a->x > 1 && a->y > 1) {
            return diags_error(r->d, nest->node->mark, NULL,
                               "'%s' has meshX and meshY: 'split' must say which loops are along x", a->name);
        }
        nest->split = a->x > 1 ? EINSUM_DIMS : 0;
    }
    for (int i = r->t->einsum.n_dims - 1; nest->node && i >= 0; i--) {
        int dim = nest->order[i];
        enum axis axis = i < nest->split ? AXIS_X : AXIS_Y;
        int64_t *used = axis == AXIS_X ? &x : &y;
        int64_t mesh = axis == AXIS_X ? a->x : a->y;
        if (nest->factor[dim] == 1) {
            continue;
        }
        if (__builtin_mul_overflow(*used, nest->factor[dim], used) || *used > mesh) {
            return diags_error(r->d, nest->mark[dim], NULL,
                               "the loops of '%s' along %c need %lld instances, it has %lld", a->name,
                               axis == AXIS_X ? 'x' : 'y', (long long)*used, (long long)mesh);
        }
        if (ml->n_spatial == 2 * EINSUM_DIMS) {
            return diags_error(r->d, nest->node->mark, NULL, "more than %d spatial loops below one level",
                               2 * EINSUM_DIMS);
        }
        ml->spatial[ml->n_spatial++] = (struct spatial_loop){dim, nest->factor[dim], axis};
    }
    return 0;
}

static int find_tensor(const struct einsum *e, const char *name)
{
    for (int t = 0; t < e->n_tensors; t++) {
        if (strcmp(e->tensor[t].name, name) == 0) {
            return t;
        }
    }
    return -1;
}

static int read_kept(struct reader *r, int level)
{
    const struct einsum *e = &r->t->einsum;
    static const char *const keys[] = {"keep", "bypass"};
    uint32_t said[2] = {0, 0};
    int errors = r->d->n_errors;
    for (int i = 0; i < 2; i++) {
        struct words w = {.node = timeloop_get(r->kept[level], keys[i])};
        while (r->kept[level] && words_next(&w, r->d)) {
            int t = find_tensor(e, w.text);
            if (t < 0) {
                diags_error(r->d, w.mark, NULL, "'%s' is no data space of the problem", w.text);
            } else if (said[1 - i] & 1u << t) {
                diags_error(r->d, w.mark, NULL, "'%s' is both kept and bypassed", w.text);
            } else {
                said[i] |= 1u << t;
            }
        }
    }
    const struct timeloop_level *l = &r->t->arch.level[level];
    for (int t = 0; l->only_keep && t < e->n_tensors && !r->kept[level]; t++) {
        said[1] |= 1u << t;
        for (int i = 0; i < l->n_keep; i++) {
            said[1] &= strcmp(l->keep[i], e->tensor[t].name) == 0 ? ~(1u << t) : ~0u;
        }
    }
    r->t->mapping.level[level].keep = ((1u << e->n_tensors) - 1) & ~said[1];
    return r->d->n_errors > errors ? -1 : 0;
}

/* A residual that is stated must be the one that follows from the bounds. */
static int64_t residual_of(const struct timeloop *t, int level, bool spatial, int loop)
{
    const struct mapping *m = &t->mapping;
    const struct mapping_level *ml = &m->level[level];
    int dim = spatial ? ml->spatial[loop].dim : ml->temporal[loop].dim;
    int64_t inside = 1;
    for (int l = 0; l <= level; l++) {
        const struct mapping_level *in = &m->level[l];
        for (int i = 0; i < in->n_spatial; i++) {
            bool counts = l < level || (spatial ? i > loop : true);
            inside *= counts && in->spatial[i].dim == dim ? in->spatial[i].bound : 1;
        }
        for (int i = 0; i < in->n_temporal; i++) {
            bool counts = l < level || (!spatial && i > loop);
            inside *= counts && in->temporal[i].dim == dim ? in->temporal[i].bound : 1;
        }
    }
    int64_t bound = spatial ? ml->spatial[loop].bound : ml->temporal[loop].bound;
    return (t->einsum.bound[dim] - 1) / inside % bound + 1;
}

static int check_residuals(struct reader *r)
{
    int errors = r->d->n_errors;
    for (int l = 0; l < r->t->mapping.n_levels; l++) {
        const struct mapping_level *ml = &r->t->mapping.level[l];
        for (int i = 0; i < ml->n_temporal; i++) {
            const struct nest *nest = &r->temporal[l];
            int dim = ml->temporal[i].dim;
            int64_t follows = residual_of(r->t, l, false, i);
            if (nest->residual[dim] != 0 && nest->residual[dim] != follows) {
                diags_error(r->d, nest->mark[dim], NULL, "the last pass over '%s' has %lld, not %lld",
                            r->t->einsum.dim[dim], (long long)follows, (long long)nest->residual[dim]);
            }
        }
    }
    return r->d->n_errors > errors ? -1 : 0;
}

int timeloop_read_mapping(const struct node *mapping, struct timeloop *t, struct diags *d)
{
    struct reader *r = mem_alloc(sizeof *r);
    struct err err = ERR_INIT;
    int errors = d->n_errors;
    *r = (struct reader){.t = t, .d = d};
    memset(&t->mapping, 0, sizeof t->mapping);
    t->mapping.n_levels = t->arch.n_levels;
    if (schema_want(mapping, "mapping", NODE_SEQUENCE, d) == 0) {
        for (int i = 0; i < mapping->n_children; i++) {
            read_entry(r, &mapping->child[i]);
        }
        for (int dim = 0; dim < t->einsum.n_dims && d->n_errors == errors; dim++) {
            settle_dim(r, dim);
        }
        for (int l = 0; l < t->arch.n_levels && d->n_errors == errors; l++) {
            add_temporal(r, l);
            read_kept(r, l);
        }
        for (int i = 0; i < t->arch.n_arrays && d->n_errors == errors; i++) {
            add_spatial(r, i);
        }
        if (d->n_errors == errors && check_residuals(r) == 0 &&
            mapping_check(&t->mapping, &t->accelerator, &t->einsum, &err)) {
            diags_error(d, mapping->key_mark, NULL, "%s", err.text);
        }
    }
    mem_free(r);
    return d->n_errors > errors ? -1 : 0;
}

/* ---- writing */

/* factors and permutation of the loops, given outermost first; dimensions without a loop have factor 1. */
static void write_nest(const struct einsum *e, const int *dim, const int64_t *bound, const int64_t *residual, int n,
                       struct strbuf *out)
{
    strbuf_adds(out, "    factors: [");
    for (int d = 0; d < e->n_dims; d++) {
        int i = 0;
        while (i < n && dim[i] != d) {
            i++;
        }
        strbuf_adds(out, d ? ", " : "");
        if (i < n && residual[i] != bound[i]) { /* in quotes: a comma ends a word of a YAML list */
            strbuf_addf(out, "'%s=%lld,%lld'", e->dim[d], (long long)bound[i], (long long)residual[i]);
        } else {
            strbuf_addf(out, "%s=%lld", e->dim[d], (long long)(i < n ? bound[i] : 1));
        }
    }
    strbuf_adds(out, "]\n    permutation: [");
    for (int i = n - 1; i >= 0; i--) {
        strbuf_addf(out, "%s%s", i < n - 1 ? ", " : "", e->dim[dim[i]]);
    }
    for (int d = 0, said = n; d < e->n_dims; d++) {
        int i = 0;
        while (i < n && dim[i] != d) {
            i++;
        }
        if (i == n) {
            strbuf_addf(out, "%s%s", said++ ? ", " : "", e->dim[d]);
        }
    }
    strbuf_adds(out, "]\n");
}

static void write_kept(const struct einsum *e, const char *level, uint32_t keep, struct strbuf *out)
{
    strbuf_addf(out, "  - target: %s\n    type: dataspace\n", level);
    for (int side = 0; side < 2; side++) {
        int n = 0;
        strbuf_adds(out, side == 0 ? "    keep: [" : "    bypass: [");
        for (int t = 0; t < e->n_tensors; t++) {
            if ((keep >> t & 1) == (side == 0)) {
                strbuf_addf(out, "%s%s", n++ ? ", " : "", e->tensor[t].name);
            }
        }
        strbuf_adds(out, "]\n");
    }
}

/* Which mesh below the level takes the loop: the first, from the outermost, that has room and comes no earlier than the last one. -1: none. */
static int choose_array(const struct timeloop_arch *arch, int level, const struct spatial_loop *loop, int from,
                        int64_t used[][2])
{
    for (int a = from; a < arch->n_arrays; a++) {
        int64_t mesh = loop->axis == AXIS_X ? arch->array[a].x : arch->array[a].y;
        int64_t *u = &used[a][loop->axis];
        if (arch->array[a].above == level && loop->bound <= mesh / *u) {
            *u *= loop->bound;
            return a;
        }
    }
    return -1;
}

/* The loops of one mesh in Timeloop's order: those along x are the inner ones. */
static int write_array(const struct timeloop *t, const struct timeloop_arch *arch, int array, const int *owner,
                       struct strbuf *out, struct err *err)
{
    const struct mapping_level *ml = &t->mapping.level[arch->array[array].above];
    int dim[2 * EINSUM_DIMS], n = 0, n_x = 0;
    int64_t bound[2 * EINSUM_DIMS], residual[2 * EINSUM_DIMS];
    for (int axis = AXIS_Y; axis >= AXIS_X; axis--) {
        for (int i = 0; i < ml->n_spatial; i++) {
            if (owner[i] != array || (int)ml->spatial[i].axis != axis || ml->spatial[i].bound == 1) {
                continue;
            }
            for (int k = 0; k < n; k++) {
                if (dim[k] == ml->spatial[i].dim) {
                    return err_set(err, ERR_DATA, "'%s' has two loops over '%s': Timeloop's format has one",
                                   arch->array[array].name, t->einsum.dim[ml->spatial[i].dim]);
                }
            }
            dim[n] = ml->spatial[i].dim;
            bound[n] = ml->spatial[i].bound;
            residual[n++] = residual_of(t, arch->array[array].above, true, i);
            n_x += axis == AXIS_X;
        }
    }
    strbuf_addf(out, "  - target: %s\n    type: spatial\n", arch->array[array].name);
    write_nest(&t->einsum, dim, bound, residual, n, out);
    strbuf_addf(out, "    split: %d\n", n_x);
    return 0;
}

static int write_level(const struct timeloop *t, const struct timeloop_arch *arch, int level, struct strbuf *out,
                       struct err *err)
{
    const struct mapping_level *ml = &t->mapping.level[level];
    int dim[EINSUM_DIMS], owner[2 * EINSUM_DIMS], n = 0, from = 0;
    int64_t bound[EINSUM_DIMS], residual[EINSUM_DIMS], used[TIMELOOP_ARRAYS][2];
    for (int i = 0; i < ml->n_temporal; i++) {
        if (ml->temporal[i].bound > 1) {
            dim[n] = ml->temporal[i].dim;
            bound[n] = ml->temporal[i].bound;
            residual[n++] = residual_of(t, level, false, i);
        }
    }
    strbuf_addf(out, "  - target: %s\n    type: temporal\n", arch->level[level].name);
    write_nest(&t->einsum, dim, bound, residual, n, out);
    write_kept(&t->einsum, arch->level[level].name, ml->keep, out);
    for (int a = 0; a < TIMELOOP_ARRAYS; a++) {
        used[a][0] = used[a][1] = 1;
    }
    for (int i = 0; i < ml->n_spatial; i++) {
        owner[i] = choose_array(arch, level, &ml->spatial[i], from, used);
        if (owner[i] < 0) {
            return err_set(err, ERR_DATA, "no mesh below '%s' has room for the loop %s:%lld", arch->level[level].name,
                           t->einsum.dim[ml->spatial[i].dim], (long long)ml->spatial[i].bound);
        }
        from = owner[i];
    }
    for (int a = 0; a < arch->n_arrays; a++) {
        if (arch->array[a].above == level && write_array(t, arch, a, owner, out, err)) {
            return -1;
        }
    }
    return 0;
}

int timeloop_mapping(const struct mapping *m, const struct timeloop_arch *arch, const struct einsum *e,
                     struct strbuf *out, struct err *err)
{
    struct timeloop *t = mem_alloc(sizeof *t);
    int rc = 0;
    t->mapping = *m;
    t->einsum = *e;
    strbuf_adds(out, "mapping:\n");
    for (int l = arch->n_levels - 1; l >= 0 && rc == 0; l--) {
        rc = write_level(t, arch, l, out, err);
    }
    mem_free(t);
    return rc;
}
