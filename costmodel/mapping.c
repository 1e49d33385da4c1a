/* What makes a mapping legal. Strides and tiles follow from the bounds: the extent of a dimension at a level is the product of its loops'
 * bounds at and below that level, and no tile is larger than the operator. */
#include "costmodel/mapping.h"

#include "base/strbuf.h"
#include "costmodel/packing.h"
#include "costmodel/sparse.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Nominal extent of dimension d at and below `level`. */
static int64_t extent(const struct mapping *m, int level, int d)
{
    int64_t x = 1;
    for (int l = 0; l <= level; l++) {
        const struct mapping_level *ml = &m->level[l];
        for (int i = 0; i < ml->n_temporal; i++) {
            x *= ml->temporal[i].dim == d ? ml->temporal[i].bound : 1;
        }
        for (int i = 0; i < ml->n_spatial; i++) {
            x *= ml->spatial[i].dim == d ? ml->spatial[i].bound : 1;
        }
    }
    return x;
}

int64_t mapping_tile(const struct mapping *m, const struct einsum *e, int level, int tensor)
{
    int64_t ext[EINSUM_DIMS];
    for (int d = 0; d < e->n_dims; d++) {
        int64_t x = extent(m, level, d);
        ext[d] = x < e->bound[d] ? x : e->bound[d];
    }
    return einsum_volume(e, tensor, ext);
}

/* The next level inside that keeps the tensor; -1: the MACs. */
static int keeper_below(const struct mapping *m, int level, int tensor)
{
    int below = level - 1;
    while (below >= 0 && !(m->level[below].keep >> tensor & 1)) {
        below--;
    }
    return below;
}

int mapping_bits(const struct mapping *m, const struct einsum *e, int level, int tensor)
{
    const struct einsum_tensor *t = &e->tensor[tensor];
    if (!t->output) {
        return t->bits;
    }
    for (int l = keeper_below(m, level, tensor) + 1; l < m->n_levels; l++) {
        const struct mapping_level *ml = &m->level[l];
        for (int i = 0; i < ml->n_temporal; i++) {
            if (ml->temporal[i].bound > 1 && einsum_reduction(e, ml->temporal[i].dim)) {
                return t->partial_bits;
            }
        }
        for (int i = 0; i < ml->n_spatial && l > level; i++) {
            if (ml->spatial[i].bound > 1 && einsum_reduction(e, ml->spatial[i].dim)) {
                return t->partial_bits;
            }
        }
    }
    return t->bits;
}

bool mapping_finished(const struct mapping *m, const struct einsum *e, int level, int tensor)
{
    int below = keeper_below(m, level, tensor);
    bool left = below < 0; /* the tile of the keeper inside has moved on; a MAC keeps nothing */
    for (int l = below + 1; l < m->n_levels && e->tensor[tensor].output; l++) {
        const struct mapping_level *ml = &m->level[l];
        for (int i = ml->n_temporal - 1; i >= 0; i--) { /* innermost first */
            bool runs = ml->temporal[i].bound > 1, reduces = einsum_reduction(e, ml->temporal[i].dim);
            if (runs && reduces && left) {
                return false;
            }
            left = left || (runs && !reduces);
        }
        for (int i = 0; i < ml->n_spatial && l > level; i++) {
            if (ml->spatial[i].bound > 1 && einsum_reduction(e, ml->spatial[i].dim)) {
                return false;
            }
        }
    }
    return true;
}

static int check_loops(const struct mapping *m, const struct accelerator *a, const struct einsum *e, int l,
                       struct err *err)
{
    const struct mapping_level *ml = &m->level[l];
    uint32_t temporal = 0, spatial[2] = {0, 0};
    if (ml->n_temporal < 0 || ml->n_temporal > EINSUM_DIMS || ml->n_spatial < 0 || ml->n_spatial > 2 * EINSUM_DIMS) {
        return err_set(err, ERR_DATA, "'%s' has %d temporal and %d spatial loops", a->level[l].name, ml->n_temporal,
                       ml->n_spatial);
    }
    for (int i = 0; i < ml->n_temporal + ml->n_spatial; i++) {
        bool is_spatial = i >= ml->n_temporal;
        const struct spatial_loop *s = &ml->spatial[is_spatial ? i - ml->n_temporal : 0];
        int d = is_spatial ? s->dim : ml->temporal[i].dim;
        int64_t bound = is_spatial ? s->bound : ml->temporal[i].bound;
        if (d < 0 || d >= e->n_dims) {
            return err_set(err, ERR_DATA, "'%s' has a loop over dimension %d of %d", a->level[l].name, d, e->n_dims);
        }
        if (bound < 1) {
            return err_set(err, ERR_DATA, "'%s' loops %lld times over '%s'", a->level[l].name, (long long)bound,
                           e->dim[d]);
        }
        uint32_t *seen = is_spatial ? &spatial[s->axis == AXIS_Y] : &temporal;
        if (*seen >> d & 1) {
            return err_set(err, ERR_DATA, "'%s' loops twice over '%s'%s", a->level[l].name, e->dim[d],
                           is_spatial ? " along one axis" : "");
        }
        *seen |= 1u << d;
    }
    return 0;
}

/* Every element of d is covered and no loop's last iteration is empty. */
static int check_cover(const struct mapping *m, const struct accelerator *a, const struct einsum *e, int d,
                       struct err *err)
{
    int64_t stride = 1;
    for (int l = 0; l < m->n_levels; l++) {
        const struct mapping_level *ml = &m->level[l];
        for (int i = ml->n_spatial + ml->n_temporal - 1; i >= 0; i--) {
            bool temporal = i < ml->n_temporal;
            int k = temporal ? i : i - ml->n_temporal;
            int dim = temporal ? ml->temporal[k].dim : ml->spatial[k].dim;
            int64_t bound = temporal ? ml->temporal[k].bound : ml->spatial[k].bound;
            if (dim != d || bound == 1) {
                continue;
            }
            /* (bound - 1) * stride < D, so the product stays below 2 D. */
            if (bound - 1 > (e->bound[d] - 1) / stride) {
                return err_set(err, ERR_DATA,
                               "'%s' loops %lld times over '%s' in steps of %lld: the "
                               "last ones are empty, '%s' is %lld",
                               a->level[l].name, (long long)bound, e->dim[d], (long long)stride, e->dim[d],
                               (long long)e->bound[d]);
            }
            stride *= bound;
        }
    }
    if (stride < e->bound[d]) {
        return err_set(err, ERR_DATA, "the loops over '%s' cover %lld of %lld", e->dim[d], (long long)stride,
                       (long long)e->bound[d]);
    }
    return 0;
}

static int check_fanout(const struct mapping *m, const struct accelerator *a, int l, int64_t lanes, struct err *err)
{
    const struct mapping_level *ml = &m->level[l];
    int64_t used[2] = {1, 1};
    int64_t limit[2] = {a->level[l].fanout_x, a->level[l].fanout_y};
    if (l == 0) {
        limit[0] *= lanes;
    }
    for (int i = 0; i < ml->n_spatial; i++) {
        int axis = ml->spatial[i].axis == AXIS_Y;
        if (__builtin_mul_overflow(used[axis], ml->spatial[i].bound, &used[axis]) || used[axis] > limit[axis]) {
            return err_set(err, ERR_DATA, "the loops along %c below '%s' need %lld children, it has %lld",
                           axis == 0 ? 'X' : 'Y', a->level[l].name, (long long)used[axis], (long long)limit[axis]);
        }
    }
    return 0;
}

static int check_keep(const struct mapping *m, const struct accelerator *a, const struct einsum *e, int l,
                      struct err *err)
{
    const struct level *level = &a->level[l];
    for (int t = 0; t < e->n_tensors; t++) {
        bool kept = m->level[l].keep >> t & 1;
        enum keep rule = level->keep[e->tensor[t].role];
        if (l == m->n_levels - 1 && !kept) {
            return err_set(err, ERR_DATA, "the outermost level '%s' must keep '%s'", level->name, e->tensor[t].name);
        }
        if ((kept && rule == KEEP_NEVER) || (!kept && rule == KEEP_ALWAYS)) {
            return err_set(err, ERR_DATA, "'%s' %s keep '%s'", level->name, kept ? "cannot" : "must",
                           e->tensor[t].name);
        }
    }
    return 0;
}

static int64_t tile_bits(const struct mapping *m, const struct accelerator *a, const struct einsum *e, int l, int t)
{
    const struct level *level = &a->level[l];
    int64_t tile = mapping_tile(m, e, l, t);
    struct sparse_element x;
    if (mapping_finished(m, e, l, t) && sparse_element(level, e, t, mapping_bits(m, e, l, t), &x)) {
        return (int64_t)ceil((double)tile * x.hold_bits * (1 - 1e-12));
    }
    return packing_bits(level, mapping_bits(m, e, l, t), tile);
}

static int check_capacity(const struct mapping *m, const struct accelerator *a, const struct einsum *e, int l,
                          struct err *err)
{
    const struct level *level = &a->level[l];
    if (level->capacity_bits == INT64_MAX) {
        return 0;
    }
    int64_t limit = level->capacity_bits / level->buffering, need = 0;
    struct strbuf parts = STRBUF_INIT;
    for (int t = 0; t < e->n_tensors; t++) {
        if (m->level[l].keep >> t & 1) {
            need += tile_bits(m, a, e, l, t);
        }
    }
    if (need <= limit) {
        return 0;
    }
    for (int t = 0; t < e->n_tensors; t++) {
        if (m->level[l].keep >> t & 1) {
            strbuf_addf(&parts, "%s%s %lld", parts.len > 0 ? ", " : "", e->tensor[t].name,
                        (long long)tile_bits(m, a, e, l, t));
        }
    }
    err_set(err, ERR_DATA, "'%s' holds %lld bits%s, the tiles need %lld (%s)", level->name, (long long)limit,
            level->buffering > 1 ? " in each of its buffers" : "", (long long)need, strbuf_str(&parts));
    strbuf_release(&parts);
    return -1;
}

int mapping_check(const struct mapping *m, const struct accelerator *a, const struct einsum *e, struct err *err)
{
    if (m->n_levels != a->n_levels) {
        return err_set(err, ERR_DATA, "the mapping has %d levels, '%s' has %d", m->n_levels, a->name, a->n_levels);
    }
    int w_bits, a_bits;
    int64_t lanes;
    double pj;
    mapping_operand_bits(e, &w_bits, &a_bits);
    if (mac_lanes(&a->mac, w_bits, a_bits, &lanes, &pj, err) != 0) {
        return -1;
    }
    for (int l = 0; l < m->n_levels; l++) {
        if (check_loops(m, a, e, l, err) != 0 || check_fanout(m, a, l, lanes, err) != 0 ||
            check_keep(m, a, e, l, err) != 0) {
            return -1;
        }
    }
    for (int d = 0; d < e->n_dims; d++) {
        if (check_cover(m, a, e, d, err) != 0) {
            return -1;
        }
    }
    for (int l = 0; l < m->n_levels; l++) {
        if (check_capacity(m, a, e, l, err) != 0) {
            return -1;
        }
    }
    return 0;
}

void mapping_operand_bits(const struct einsum *e, int *w_bits, int *a_bits)
{
    int bits[TENSOR_ROLE_COUNT] = {0};
    for (int t = 0; t < e->n_tensors; t++) {
        const struct einsum_tensor *tensor = &e->tensor[t];
        int *b = &bits[tensor->role], own = tensor->operand_bits > 0 ? tensor->operand_bits : tensor->bits;
        *b = !tensor->output && own > *b ? own : *b;
    }
    *w_bits = bits[TENSOR_WEIGHTS] > 0 ? bits[TENSOR_WEIGHTS] : bits[TENSOR_INPUTS];
    *a_bits = bits[TENSOR_INPUTS] > 0 ? bits[TENSOR_INPUTS] : bits[TENSOR_WEIGHTS];
}
