/* The least energy of the levels inside a tile, for every tile of the lattice at once.
 *
 * A tile v of level c, tensor t: if every loop above moves t, its transfers cost `moved(t,c,v)`. Loops that do not move t, right
 * above, save: what they make of v is `moved(t,c,z)`, z being v extended by their iterations (X = MACs * V / |e| / R, and R
 * multiplies |e|). So a run of such loops is a walk through the lattice during which t is "open", and t pays where it ends, in
 * whichever level that is. Walk from the smallest tile to the whole operator:
 *
 *   - at a tile that fits level c, the tensors that c keeps become open (they stay so next to keepers further in);
 *   - any open tensor may be closed: it pays for all its keepers at the present node;
 *   - a dimension may grow if it moves no open tensor.
 *
 * A chain of tiles with its loop orders is such a walk, and pays no less than the walk: so the cheapest walk is a lower bound. It is
 * found by dynamic programming over (node, open tensors): to grow a dimension is a minimum over divisors, prime by prime, for the
 * whole lattice at once. No pair of tiles is ever looked at: levels * states * nodes * primes additions in all. For operators without
 * sliding windows the bound is the energy itself but for the filling of physical words.
 *
 * A keeper of the output may hold finished sums, which are narrower, only where the next keeper inside gives it no others: the walk
 * remembers whether the last keeper's tile left reduction loops outside ("sealed": it did not).
 *
 * Which tensors may be open together after a dimension grew: those of a set in mp_problem.stay. Closing commutes with everything but
 * growing, so only subsets of these sets are carried from level to level. */
#include "costmodel/mapper_inner.h"

#include "base/mem.h"

#include <math.h>
#include <string.h>

enum { CLOSED = HW_LEVELS };

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define SANITIZED
#endif
#endif
#if defined(__x86_64__) && defined(__linux__) && !defined(SANITIZED)
#define CLONES __attribute__((target_clones("avx2", "default")))
#else
#define CLONES
#endif

double *inner_slot(const struct mapper_work *w, int i)
{
    return w->inner.pool + (size_t)i * (size_t)w->inner.n;
}

int inner_new_slot(struct mapper_work *w)
{
    struct mp_inner *in = &w->inner;
    size_t need = (size_t)(in->n_slots + 1) * (size_t)in->n;
    if (need > in->cap) {
        in->cap = 2 * need;
        in->pool = mem_realloc(in->pool, in->cap, sizeof *in->pool);
    }
    return in->n_slots++;
}

static int filled_slot(struct mapper_work *w, double value)
{
    int i = inner_new_slot(w);
    double *v = inner_slot(w, i);
    for (int k = 0; k < w->inner.n; k++) {
        v[k] = value;
    }
    return i;
}

/* --- arithmetic on whole slots; no sum depends on the width of the registers ------------------------------------ */

/* b = least of a and b. */
CLONES static void keep_least(int n, const double *restrict a, double *restrict b)
{
#pragma omp simd
    for (int i = 0; i < n; i++) {
        b[i] = a[i] < b[i] ? a[i] : b[i];
    }
}

/* b = a + x, or the least of that and b. */
CLONES static void add_one(int n, bool fresh, const double *a, const double *x, double *b)
{
    double most = fresh ? HUGE_VAL : 0;
#pragma omp simd
    for (int i = 0; i < n; i++) {
        double y = a[i] + x[i], z = fresh ? most : b[i];
        b[i] = y < z ? y : z;
    }
}

CLONES static void add_weighed(int n, double weight, const double *restrict x, double *restrict sum)
{
#pragma omp simd
    for (int i = 0; i < n; i++) {
        sum[i] += weight * x[i];
    }
}

/* The sum rounds a fraction below 2^51 to a whole number. */
#define WHOLE 4503599627370496.0

CLONES static void add_pad(int n, const struct link_pad *pad, const double *restrict words, double *restrict pj)
{
    double scale = pad->scale, offset = pad->offset, each = pad->pj;
#pragma omp simd
    for (int i = 0; i < n; i++) {
        double x = words[i] * scale - offset, y = x * (1 - 1e-12);
        double up = (y + WHOLE) - WHOLE;
        up += up < y ? 1 : 0;
        pj[i] += (up - x) * each;
    }
}

void inner_price(int n, const struct link_price *price, const double *words, double *pj)
{
    for (int i = 0; i < n; i++) {
        pj[i] = words[i] * price->pj - price->first_pj;
    }
    for (int k = 0; k < price->n_pads; k++) {
        add_pad(n, &price->pad[k], words, pj);
    }
}

/* In each block of n rows of `stride` numbers: row j becomes the least of rows i and j. */
CLONES static void keep_least_rows(int all, int stride, int n, int i, int j, double *f)
{
    for (int block = 0; block < all; block += stride * n) {
        const double *restrict a = f + block + i * stride;
        double *restrict b = f + block + j * stride;
#pragma omp simd
        for (int q = 0; q < stride; q++) {
            b[q] = a[q] < b[q] ? a[q] : b[q];
        }
    }
}

/* b = a where the tile fits (and `open` is not `but`), else infinite. */
CLONES static void mask(int n, const double *restrict a, const uint8_t *restrict fits, uint8_t least,
                        const uint8_t *restrict open, uint8_t but, double *restrict b)
{
    for (int i = 0; i < n; i++) {
        b[i] = fits[i] >= least && open[i] != but ? a[i] : HUGE_VAL;
    }
}

/* f(v) becomes the least f of v and of all that differ from it by a divisor in dimension d. */
static void grow_dim(const struct mapper_work *w, int d, double *f)
{
    for (int i = 0; i < w->n_div[d]; i++) {
        for (int k = 0; k < w->n_covers; k++) {
            int j = w->cover[k].dim == d ? w->cover_at[k][i] : -1;
            if (j >= 0) {
                keep_least_rows(w->inner.n, w->inner.stride[d], w->n_div[d], i, j, f);
            }
        }
    }
}

/* --- the walk ------------------------------------------------------------------------------------------------------ */

/* What an open tensor pays when it is closed (stays: when its run never ends), for keepers from `from` to l: slots. */
struct closing {
    int moved[MP_TENSORS][HW_LEVELS], stays[MP_TENSORS][HW_LEVELS];
};

/* Slot of the weighed measures of tensor t at keeper k, on top of slot `before` (-1: none). */
static int weigh(const struct chain *c, const struct mp_table *table, const int (*slots)[HW_LEVELS][MP_TENSORS], int t,
                 int k, int before)
{
    struct mapper_work *w = c->w;
    int only = -1, n = 0;
    for (int m = 0; m <= c->n_ports; m++) {
        if (table->weight[m] > 0) {
            only = m;
            n++;
        }
    }
    if (before < 0 && n == 1 && !(table->weight[only] < 1 || table->weight[only] > 1)) {
        return slots[only][k][t];
    }
    int to = inner_new_slot(w);
    if (before < 0) {
        memset(inner_slot(w, to), 0, (size_t)w->inner.n * sizeof(double));
    } else {
        memcpy(inner_slot(w, to), inner_slot(w, before), (size_t)w->inner.n * sizeof(double));
    }
    for (int m = 0; m <= c->n_ports; m++) {
        if (table->weight[m] > 0) {
            add_weighed(w->inner.n, table->weight[m], inner_slot(w, slots[m][k][t]), inner_slot(w, to));
        }
    }
    return to;
}

static void closings(const struct chain *c, const struct mp_table *table, int l, struct closing *x)
{
    const struct mp_inner *in = &c->w->inner;
    for (int t = 0; t < c->p->nt; t++) {
        int moved = -1, stays = -1;
        for (int k = l; k >= 0; k--) {
            if (c->keep[k] >> t & 1) {
                x->moved[t][k] = moved = weigh(c, table, in->moved, t, k, moved);
                x->stays[t][k] = stays = weigh(c, table, in->stays, t, k, stays);
            }
        }
    }
}

/* The state of a level with these open tensors; made when it is new. */
static int find_state(struct mapper_work *w, struct mp_states *s, const struct mp_state *x, bool *fresh)
{
    int i = 0;
    while (i < s->n && (memcmp(s->state[i].from, x->from, MP_TENSORS) != 0 || s->state[i].sealed != x->sealed)) {
        i++;
    }
    if (i == MP_STATES) {
        w->inner.overflow = true;
        i--;
    }
    *fresh = i == s->n;
    if (*fresh) {
        s->state[i] = *x;
        s->state[i].slot = inner_new_slot(w);
        s->n++;
    }
    return i;
}

static int n_open(const struct chain *c, const uint8_t *from)
{
    int n = 0;
    for (int t = 0; t < c->p->nt; t++) {
        n += from[t] != CLOSED;
    }
    return n;
}

/* From state x to those that close all tensors outside of a stay set. */
static void close_some(const struct chain *c, const struct closing *pay, struct mp_state x, struct mp_states *out)
{
    struct mapper_work *w = c->w;
    uint32_t done[MP_DIMS + 1];
    int n_done = 0;
    for (int s = 0; s <= c->p->n_stay; s++) {
        uint32_t stay = s < c->p->n_stay ? c->p->stay[s] : 0, closes = 0;
        struct mp_state left = x;
        int add[MP_TENSORS], n_add = 0, twin = 0;
        for (int t = 0; t < c->p->nt; t++) {
            if (x.from[t] != CLOSED && !(stay >> t & 1)) {
                left.from[t] = CLOSED;
                closes |= 1u << t;
                add[n_add++] = pay->moved[t][x.from[t]];
            }
        }
        while (twin < n_done && done[twin] != closes) {
            twin++;
        }
        if (twin < n_done) {
            continue;
        }
        done[n_done++] = closes;
        bool fresh;
        int to = out->state[find_state(w, out, &left, &fresh)].slot;
        double *v = inner_slot(w, to);
        const double *a = inner_slot(w, x.slot);
        if (to == x.slot) {
            continue;
        }
        int sum = n_add > 1 ? inner_new_slot(w) : -1;
        v = inner_slot(w, to);
        a = inner_slot(w, x.slot);
        for (int i = 0; i + 1 < n_add; i++) {
            add_one(w->inner.n, true, i ? inner_slot(w, sum) : a, inner_slot(w, add[i]), inner_slot(w, sum));
            a = inner_slot(w, sum);
        }
        if (n_add > 0) {
            add_one(w->inner.n, fresh, a, inner_slot(w, add[n_add - 1]), v);
        } else if (fresh) {
            memcpy(v, a, (size_t)w->inner.n * sizeof *v);
        } else {
            keep_least(w->inner.n, a, v);
        }
        w->inner.n_slots -= sum >= 0;
    }
}

/* The loops of the level above l, over dimensions of `dims` only. */
static void walk_level(const struct chain *c, const struct closing *pay, uint32_t dims, struct mp_states *s)
{
    for (int open = c->p->nt; open >= 0; open--) {
        for (int i = 0; i < s->n; i++) {
            uint32_t moves = 0;
            if (n_open(c, s->state[i].from) != open) {
                continue;
            }
            for (int t = 0; t < c->p->nt; t++) {
                moves |= s->state[i].from[t] != CLOSED ? c->p->tensor[t].relevant : 0;
            }
            for (int d = 0; d < c->p->nd; d++) {
                if ((dims >> d & 1) && !(moves >> d & 1)) {
                    grow_dim(c->w, d, inner_slot(c->w, s->state[i].slot));
                }
            }
            if (open > 0) {
                close_some(c, pay, s->state[i], s);
            }
        }
    }
}

/* Dimensions whose loops must stand innermost at a level. */
static uint32_t innermost_dims(const struct chain *c, int u)
{
    uint32_t set = 0;
    for (int t = 0; t < c->p->nt && u == 1; t++) {
        if (c->p->tensor[t].role == c->p->a->dataflow.stationary) {
            set |= ~c->p->tensor[t].relevant;
        }
    }
    return set;
}

/* Does it matter further out whether level l takes in finished sums only? */
static bool may_seal(const struct chain *c, int l)
{
    bool matters = false;
    for (int u = l + 1; u < c->top; u++) {
        matters = matters || (c->keep[u] >> c->p->out & 1);
    }
    return matters && (c->keep[l] >> c->p->out & 1);
}

/* The tiles of level l that fit, its tensors opened, on from state x. The output's keeper: split by whether its sums are finished. */
static void open_state(const struct chain *c, const struct closing *pay, int l, struct mp_state x,
                       struct mp_states *out)
{
    struct mp_inner *in = &c->w->inner;
    bool output = c->keep[l] >> c->p->out & 1;
    int n_ways = may_seal(c, l) ? 2 : 1;
    int from_slot = x.slot;
    for (int t = 0; t < c->p->nt; t++) {
        if ((c->keep[l] >> t & 1) && x.from[t] == CLOSED) {
            x.from[t] = (uint8_t)l;
        }
    }
    uint8_t least = x.sealed ? MP_FITS_SEALED : MP_FITS;
    for (int way = 0; way < n_ways; way++) {
        x.slot = inner_new_slot(c->w);
        x.sealed = output ? (uint8_t)way : x.sealed;
        mask(in->n, inner_slot(c->w, from_slot), in->fits[l], least, in->fits[c->top], n_ways == 1 ? 2 : (uint8_t)way,
             inner_slot(c->w, x.slot));
        close_some(c, pay, x, out);
    }
}

/* key: the cheapest state when the tensors that are open stay so to the end. */
static void set_key(const struct chain *c, const struct closing *pay, const struct mp_states *s, int key)
{
    struct mapper_work *w = c->w;
    int sum = inner_new_slot(w);
    for (int i = 0; i < s->n; i++) {
        const double *a = inner_slot(w, s->state[i].slot);
        int left = n_open(c, s->state[i].from);
        for (int t = 0; t < c->p->nt; t++) {
            if (s->state[i].from[t] != CLOSED) {
                const double *x = inner_slot(w, pay->stays[t][s->state[i].from[t]]);
                left--;
                add_one(w->inner.n, left > 0, a, x, inner_slot(w, left > 0 ? sum : key));
                a = inner_slot(w, sum);
            }
        }
        if (n_open(c, s->state[i].from) == 0) {
            keep_least(w->inner.n, a, inner_slot(w, key));
        }
    }
    w->inner.n_slots--;
}

void inner_walk_start(const struct chain *c, struct mp_table *table, const double *weight)
{
    struct mapper_work *w = c->w;
    struct mp_state start = {.sealed = 0};
    memcpy(table->weight, weight, sizeof table->weight);
    memset(start.from, CLOSED, sizeof start.from);
    start.slot = filled_slot(w, 0);
    table->states[0].n = 1;
    table->states[0].state[0] = start;
}

void inner_walk_level(const struct chain *c, struct mp_table *table, int l)
{
    struct mp_states *next = &table->states[l + 1];
    struct closing pay;
    uint32_t first = innermost_dims(c, l + 1);
    c->m->budget -= c->w->inner.n / c->top; /* about the time of a pair of tiles for each node */
    closings(c, table, l, &pay);
    next->n = 0;
    for (int k = 0; k < table->states[l].n; k++) {
        open_state(c, &pay, l, table->states[l].state[k], next);
    }
    table->key[l] = filled_slot(c->w, HUGE_VAL);
    set_key(c, &pay, next, table->key[l]);
    if (first) {
        walk_level(c, &pay, first, next);
    }
    walk_level(c, &pay, ~first, next);
}
