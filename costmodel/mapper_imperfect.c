/* Factors that need not divide their dimensions: for given spatial factors and keep masks every tile and order, priced by the cost model.
 *
 * A loop of n iterations over tiles that reach P positions of a dimension D goes with P * (n - 1) < D: its last iteration has work. The
 * outermost temporal loop takes what is left, ceil(D / P). Tiles are chosen from the innermost level out; one that does not fit is not
 * continued, as outer ones only grow. Counts under such factors are no products, so none of the rules of the search over divisors is used
 * here, and it is for small operators, or for an answer with a gap (mapper_options.budget). What bounds whole cases is mp_floor(), with
 * the MACs that there are and the cycles ceil(D / spatial factors) that some instance needs at least. */
#include "costmodel/mapper_search.h"

#include <string.h>

struct ragged {
    struct mp_search *m;
    const struct mp_problem *p;
    const struct mp_spatial *s;
    const uint32_t *keep;
    int top;
    int64_t n[HW_LEVELS][MP_DIMS];     /* temporal iterations */
    int64_t reach[HW_LEVELS][MP_DIMS]; /* positions that a tile of the level reaches */
    struct mapping map;
};

static void add_spatial(const struct ragged *r, int l, struct mapping_level *v)
{
    v->n_spatial = 0;
    for (int axis = 0; axis < 2; axis++) {
        for (int d = 0; d < r->p->nd; d++) {
            if (r->s->f[l][axis][d] > 1) {
                v->spatial[v->n_spatial++] =
                    (struct spatial_loop){r->p->dim[d], r->s->f[l][axis][d], axis ? AXIS_Y : AXIS_X};
            }
        }
    }
}

static void price(struct ragged *r)
{
    struct mp_search *m = r->m;
    struct cost_options how = {.accounting = m->accounting, .fidelity = FIDELITY_BANDWIDTH};
    struct cost cost;
    m->priced++;
    m->budget -= MP_PAIR;
    if (mapping_check(&r->map, r->p->a, r->p->e, NULL) == 0 &&
        cost_evaluate(r->p->a, r->p->e, &r->map, &how, &cost, NULL) == 0) {
        mp_offer(m, &r->map, cost.energy_pj, cost.cycles);
    }
}

/* Loops of level 1 that do not move the stationary tensor stand innermost. */
static bool obeys(const struct ragged *r, int l)
{
    const struct mapping_level *v = &r->map.level[l];
    for (int t = 0; t < r->p->nt && l == 1; t++) {
        if (r->p->tensor[t].role != r->p->a->dataflow.stationary) {
            continue;
        }
        bool outside = false; /* a loop that moves it was met */
        for (int i = v->n_temporal - 1; i >= 0; i--) {
            bool moves = einsum_relevant(r->p->e, t, v->temporal[i].dim);
            if (!moves && outside) {
                return false;
            }
            outside = outside || moves;
        }
    }
    return true;
}

/* Every order of level l's loops (Heap's algorithm), then of the levels further out. */
static void orders(struct ragged *r, int l, int n)
{
    struct loop *t = r->map.level[l].temporal;
    if (r->m->budget <= 0) {
        return;
    }
    if (n <= 1) {
        if (l == r->top) {
            if (obeys(r, l)) {
                price(r);
            }
        } else if (l == 0 || obeys(r, l)) {
            orders(r, l + 1, r->map.level[l + 1].n_temporal);
        }
        return;
    }
    for (int i = 0; i < n; i++) {
        orders(r, l, l == 0 ? 1 : n - 1);
        if (l == 0) { /* inside the innermost tile the order does not matter */
            return;
        }
        int j = n % 2 ? 0 : i;
        struct loop x = t[j];
        t[j] = t[n - 1];
        t[n - 1] = x;
    }
}

static void finish(struct ragged *r)
{
    r->m->looked++;
    r->map.n_levels = r->top + 1;
    for (int l = 0; l <= r->top; l++) {
        struct mapping_level *v = &r->map.level[l];
        v->keep = r->keep[l];
        v->n_temporal = 0;
        for (int d = 0; d < r->p->nd; d++) {
            if (r->n[l][d] > 1) {
                v->temporal[v->n_temporal++] = (struct loop){r->p->dim[d], r->n[l][d]};
            }
        }
        add_spatial(r, l, v);
    }
    orders(r, 0, r->map.level[0].n_temporal);
}

/* Do the tiles of level l fit with dimensions up to d chosen and the others as small as they can be? */
static bool may_fit(const struct ragged *r, int l, int d)
{
    double x[MP_DIMS];
    for (int i = 0; i < r->p->nd; i++) {
        int64_t reach = i <= d ? r->reach[l][i] : (l > 0 ? r->reach[l - 1][i] : 1) * r->s->s[l][i];
        x[i] = (double)(reach < r->p->bound[i] ? reach : r->p->bound[i]);
    }
    return mp_tile_bits(r->p, l, r->keep[l], false, x) <= r->p->capacity[l];
}

/* Positions after the spatial loops of level l, of which Y stands inside X; 0: one of them has an empty iteration. */
static int64_t spread(const struct ragged *r, int l, int d)
{
    int64_t reach = l > 0 ? r->reach[l - 1][d] : 1;
    for (int axis = 1; axis >= 0; axis--) {
        int64_t n = r->s->f[l][axis][d];
        if (n > 1 && reach * (n - 1) >= r->p->bound[d]) {
            return 0;
        }
        reach *= n;
    }
    return reach;
}

static void choose(struct ragged *r, int l, int d)
{
    if (r->m->budget <= 0) {
        return;
    }
    if (d == r->p->nd) {
        if (l == r->top) {
            finish(r);
        } else {
            choose(r, l + 1, 0);
        }
        return;
    }
    int64_t reach = spread(r, l, d), bound = r->p->bound[d];
    if (reach == 0) {
        return;
    }
    int64_t least = l == r->top ? (bound + reach - 1) / reach : 1;
    for (int64_t n = least; n == least || (l < r->top && reach * (n - 1) < bound); n++) {
        r->n[l][d] = n;
        r->reach[l][d] = reach * n;
        if (l < r->top && !may_fit(r, l, d)) {
            return;
        }
        choose(r, l, d + 1);
    }
}

void mp_imperfect_search(struct mp_search *m, const struct mp_spatial *s, const uint32_t *keep)
{
    struct ragged r = {.m = m, .p = m->p, .s = s, .keep = keep, .top = m->p->n_levels - 1};
    if (m->p->nd == 0) {
        finish(&r);
        return;
    }
    choose(&r, 0, 0);
}
