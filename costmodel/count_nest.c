/* The loops of a mapping as mixed-radix digits. A position along a dimension is the sum of digit * stride over its loops; strides are the
 * products of the bounds inside, so positions are ordered as the loops run, and an operator's bound D that is no product of factors cuts
 * off the last ones. Hence along one dimension all tiles are whole ones but the last, and the inner loops run in full under all
 * positions of the outer ones but the last: nest_runs() needs at most one kind of position a loop, found in one walk down the
 * digits, instead of visiting the positions. With perfect factors there is one kind. */
#include "costmodel/count_nest.h"

#include <assert.h>
#include <string.h>

static void add_loop(struct nest *n, int level, bool temporal, int dim, int64_t bound)
{
    if (bound == 1) {
        return;
    }
    assert(n->n_loops < NEST_LOOPS);
    assert(n->n_of[dim] < NEST_DIM_LOOPS);
    n->of[dim][n->n_of[dim]++] = n->n_loops;
    n->spatial[dim] |= temporal ? 0 : 1u << level;
    n->loop[n->n_loops++] = (struct nest_loop){.dim = dim, .level = level, .temporal = temporal, .bound = bound};
}

void nest_init(struct nest *n, const struct einsum *e, const struct mapping *m)
{
    n->e = e;
    n->n_levels = m->n_levels;
    n->n_loops = 0;
    memset(n->n_of, 0, sizeof n->n_of);
    memset(n->spatial, 0, sizeof n->spatial);
    for (int l = m->n_levels - 1; l >= 0; l--) {
        const struct mapping_level *ml = &m->level[l];
        n->above[l + 1] = n->n_loops;
        for (int i = 0; i < ml->n_temporal; i++) {
            add_loop(n, l, true, ml->temporal[i].dim, ml->temporal[i].bound);
        }
        for (int i = 0; i < ml->n_spatial; i++) {
            add_loop(n, l, false, ml->spatial[i].dim, ml->spatial[i].bound);
        }
    }
    n->above[0] = n->n_loops;

    int64_t inner[EINSUM_DIMS];
    for (int d = 0; d < e->n_dims; d++) {
        inner[d] = 1;
        n->extent[0][d] = 1;
    }
    int level = 0;
    for (int i = n->n_loops - 1; i >= 0; i--) {
        struct nest_loop *loop = &n->loop[i];
        for (; level < loop->level; level++) {
            memcpy(n->extent[level + 1], inner, sizeof inner);
        }
        loop->stride = inner[loop->dim];
        inner[loop->dim] *= loop->bound;
    }
    for (; level < n->n_levels; level++) {
        memcpy(n->extent[level + 1], inner, sizeof inner);
    }
    for (int c = 0; c <= n->n_levels; c++) {
        for (int d = 0; d < e->n_dims; d++) {
            n->tiles[c][d] = n->extent[c][d] > 1 ? (e->bound[d] - 1) / n->extent[c][d] + 1 : e->bound[d];
        }
    }
    n->perfect = true;
    for (int d = 0; d < e->n_dims; d++) {
        n->perfect = n->perfect && inner[d] == e->bound[d];
    }
}

/* One dimension's digits above the child, outermost first, with what lies below each. */
struct digits {
    int n;
    struct {
        int64_t bound, stride;
        bool outer; /* its positions are counted; else it is an inner temporal loop */
    } digit[NEST_DIM_LOOPS];
    int64_t reach[NEST_DIM_LOOPS + 1]; /* extent that digits i.. span, the tile included */
    int64_t shift[NEST_DIM_LOOPS + 1]; /* of the inner temporal loops among digits i.. when they run in full */
    int64_t count[NEST_DIM_LOOPS + 1]; /* positions of the outer ones among digits i.. */
};

static void digits_init(struct digits *g, const struct nest *n, const struct nest_view *v, int dim, int cut)
{
    g->n = 0;
    for (int k = 0; k < n->n_of[dim] && n->of[dim][k] < n->above[v->child + 1]; k++) {
        int i = n->of[dim][k];
        const struct nest_loop *loop = &n->loop[i];
        if (!nest_runs_loop(v, loop)) {
            continue;
        }
        assert(g->n < NEST_DIM_LOOPS);
        g->digit[g->n].bound = loop->bound;
        g->digit[g->n].stride = loop->stride;
        g->digit[g->n].outer = !loop->temporal || i < cut;
        g->n++;
    }
    g->reach[g->n] = n->extent[v->child + 1][dim];
    g->shift[g->n] = 0;
    g->count[g->n] = 1;
    for (int i = g->n - 1; i >= 0; i--) {
        int64_t span = (g->digit[i].bound - 1) * g->digit[i].stride;
        bool outer = g->digit[i].outer;
        g->reach[i] = g->reach[i + 1] + span;
        g->shift[i] = g->shift[i + 1] + (outer ? 0 : span);
        g->count[i] = g->count[i + 1] * (outer ? g->digit[i].bound : 1);
    }
}

static void add_run(struct runs *out, int64_t count, int64_t shift, int64_t first, int64_t last)
{
    if (count > 0) {
        assert(out->n < NEST_DIM_LOOPS + 2);
        out->run[out->n++] = (struct run){count, shift, first, last};
    }
}

/* Walks down the digits i.. along the tail, of which `left` elements remain, and returns how many positions are not empty. Each digit
 * splits off the iterations that are whole; what remains is the next digit's tail. Under an inner temporal digit the positions that
 * reach into its tail run one iteration more than the others. `shift`: of the inner digits passed; `whole`: one of them has whole
 * iterations, so the first tile is whole. */
static int64_t tail(const struct digits *g, int i, int64_t left, int64_t shift, bool whole, struct runs *out)
{
    int64_t tile = g->reach[g->n];
    if (left <= 0) {
        return 0;
    }
    if (left >= g->reach[i]) {
        add_run(out, g->count[i], shift + g->shift[i], tile, tile);
        return g->count[i];
    }
    if (i == g->n) {
        add_run(out, 1, shift, whole ? tile : left, left);
        return 1;
    }
    int64_t stride = g->digit[i].stride;
    int64_t below = g->reach[i + 1];
    int64_t full = left >= below ? (left - below) / stride + 1 : 0;
    int64_t rest = left - full * stride;
    if (g->digit[i].outer) {
        add_run(out, full * g->count[i + 1], shift + g->shift[i + 1], tile, tile);
        return full * g->count[i + 1] + tail(g, i + 1, rest, shift, whole, out);
    }
    int64_t reached = tail(g, i + 1, rest, shift + full * stride, whole || full > 0, out);
    if (full == 0) {
        return reached;
    }
    add_run(out, g->count[i + 1] - reached, shift + (full - 1) * stride + g->shift[i + 1], tile, tile);
    return g->count[i + 1];
}

/* All positions alike, as always with perfect factors: no tile is cut off. */
static bool whole(const struct nest *n, const struct nest_view *v, int dim, int cut, struct run *out)
{
    int64_t tile = n->extent[v->child + 1][dim], reach = tile, shift = 0, count = 1;
    int end = n->above[v->child + 1];
    for (int k = 0; k < n->n_of[dim] && n->of[dim][k] < end; k++) {
        const struct nest_loop *loop = &n->loop[n->of[dim][k]];
        if (!nest_runs_loop(v, loop)) {
            continue;
        }
        int64_t span = (loop->bound - 1) * loop->stride;
        bool outer = !loop->temporal || n->of[dim][k] < cut;
        reach += span;
        shift += outer ? 0 : span;
        count *= outer ? loop->bound : 1;
    }
    *out = (struct run){count, shift, tile, tile};
    return reach <= n->e->bound[dim];
}

void nest_runs(const struct nest *n, const struct nest_view *v, int dim, int cut, struct runs *out)
{
    struct digits g;
    if (nest_all_run(n, v, dim, cut)) {
        int64_t tile = n->extent[v->child + 1][dim], whole_tiles = n->tiles[v->child + 1][dim] - 1;
        int64_t last = n->e->bound[dim] - whole_tiles * tile;
        out->n = 0;
        add_run(out, whole_tiles + (last == tile), 0, tile, tile);
        add_run(out, last < tile, 0, last, last);
        return;
    }
    out->n = 1;
    if (whole(n, v, dim, cut, &out->run[0])) {
        return;
    }
    digits_init(&g, n, v, dim, cut);
    out->n = 0;
    tail(&g, 0, n->e->bound[dim], 0, false, out);
}

void nest_move(const struct nest *n, int tensor, int loop, int child, bool extrapolate, int64_t move[EINSUM_RANKS])
{
    const struct einsum_tensor *t = &n->e->tensor[tensor];
    int64_t at[EINSUM_DIMS] = {0};
    at[n->loop[loop].dim] = n->loop[loop].stride;
    for (int i = loop + 1; i < n->above[child + 1]; i++) {
        const struct nest_loop *in = &n->loop[i];
        if (in->temporal) {
            at[in->dim] -= (extrapolate ? 1 : in->bound - 1) * in->stride;
        }
    }
    for (int r = 0; r < t->n_ranks; r++) {
        move[r] = 0;
        for (int i = 0; i < t->rank[r].n_terms; i++) {
            move[r] += t->rank[r].term[i].coef * at[t->rank[r].term[i].dim];
        }
    }
}

int64_t runs_total(const struct runs *r)
{
    int64_t total = 0;
    for (int i = 0; i < r->n; i++) {
        total += r->run[i].count;
    }
    return total;
}
