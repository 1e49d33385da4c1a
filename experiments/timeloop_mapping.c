/* mapping: -> struct mapping, and back. As Timeloop reads it (src/mapping/parser.cpp at 4cf6d4c): a permutation names the loops from the innermost outwards,
 * dimensions that it leaves out follow; of a spatial one the first `split` are along x; a factor of 0 stands for what is left of the dimension; "P=16,10" is a
 * loop of 16 whose last pass has 10; all data spaces are kept where nothing is said. */
#include "base/mem.h"
#include "base/schema.h"
#include "experiments/timeloop_nest.h"

#include <string.h>

static struct timeloop_nest *nest_at(struct timeloop_entries *r, int i)
{
    return i < HW_LEVELS ? &r->temporal[i] : &r->spatial[i - HW_LEVELS];
}
enum { N_NESTS = HW_LEVELS + TIMELOOP_ARRAYS };

/* Puts what is left of a dimension where its factor is 0, and checks that the factors cover it. */
static int settle_dim(struct timeloop_entries *r, int dim)
{
    const struct einsum *e = &r->t->einsum;
    struct timeloop_nest *open = NULL;
    struct mark at = {NULL, 0, 0, 0};
    int64_t product = 1;
    for (int i = 0; i < N_NESTS; i++) {
        struct timeloop_nest *nest = nest_at(r, i);
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

static void add_temporal(struct timeloop_entries *r, int level)
{
    const struct timeloop_nest *nest = &r->temporal[level];
    struct mapping_level *ml = &r->t->mapping.level[level];
    for (int i = r->t->einsum.n_dims - 1; nest->node && i >= 0; i--) {
        int dim = nest->order[i];
        if (nest->factor[dim] > 1) {
            ml->temporal[ml->n_temporal++] = (struct loop){dim, nest->factor[dim]};
        }
    }
}

/* The loops of one mesh, inside those of the meshes before it. */
static int add_spatial(struct timeloop_entries *r, int array)
{
    struct timeloop_nest *nest = &r->spatial[array];
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

static int read_kept(struct timeloop_entries *r, int level)
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

int64_t timeloop_residual(const struct timeloop *t, int level, bool spatial, int loop)
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

/* A residual that is stated must be the one that follows from the bounds. */
static int check_residuals(struct timeloop_entries *r)
{
    int errors = r->d->n_errors;
    for (int l = 0; l < r->t->mapping.n_levels; l++) {
        const struct mapping_level *ml = &r->t->mapping.level[l];
        for (int i = 0; i < ml->n_temporal; i++) {
            const struct timeloop_nest *nest = &r->temporal[l];
            int dim = ml->temporal[i].dim;
            int64_t follows = timeloop_residual(r->t, l, false, i);
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
    struct timeloop_entries *r = mem_alloc(sizeof *r);
    struct err err = ERR_INIT;
    int errors = d->n_errors;
    *r = (struct timeloop_entries){.t = t, .d = d};
    memset(&t->mapping, 0, sizeof t->mapping);
    t->mapping.n_levels = t->arch.n_levels;
    if (schema_want(mapping, "mapping", NODE_SEQUENCE, d) == 0) {
        for (int i = 0; i < mapping->n_children; i++) {
            timeloop_read_entry(r, &mapping->child[i]);
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
