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
 * Which tensors may be open together after a dimension grew: those of a set in mp_problem.stay. Closing commutes with everything but
 * growing, so only subsets of these sets are carried from level to level. */
#include "costmodel/mapper_inner.h"

#include "base/mem.h"

#include <math.h>
#include <string.h>

enum { CLOSED = HW_LEVELS };

static double *slot(const struct mapper_work *w, int i)
{
    return w->inner.pool + (size_t)i * (size_t)w->inner.n;
}

static int new_slot(struct mapper_work *w, double value)
{
    struct mp_inner *in = &w->inner;
    size_t need = (size_t)(in->n_slots + 1) * (size_t)in->n;
    if (need > in->cap) {
        in->cap = 2 * need;
        in->pool = mem_realloc(in->pool, in->cap, sizeof *in->pool);
    }
    double *v = slot(w, in->n_slots);
    for (int i = 0; i < in->n; i++) {
        v[i] = value;
    }
    return in->n_slots++;
}

/* The state of a level with these open tensors; made when it is new. */
static int find_state(struct mapper_work *w, struct mp_states *s, const uint8_t *from)
{
    int i = 0;
    while (i < s->n && memcmp(s->state[i].from, from, MP_TENSORS) != 0) {
        i++;
    }
    if (i == s->n) {
        memcpy(s->state[i].from, from, MP_TENSORS);
        s->state[i].slot = new_slot(w, HUGE_VAL);
        s->n++;
    }
    return i;
}

bool inner_init(const struct chain *c)
{
    struct mapper_work *w = c->w;
    struct mp_inner *in = &w->inner;
    uint8_t closed[MP_TENSORS];
    int64_t n = 1;
    memset(closed, CLOSED, sizeof closed);
    for (int d = 0; d < c->p->nd; d++) {
        in->stride[d] = (int)n;
        n *= w->n_div[d];
        if (n > MP_INNER_NODES) {
            return false;
        }
    }
    if (w->n_covers == MP_COVERS) {
        return false;
    }
    in->n = (int)n;
    in->n_slots = 0;
    in->states[0].n = 0;
    int i = find_state(w, &in->states[0], closed);
    memset(slot(w, in->states[0].state[i].slot), 0, (size_t)n * sizeof(double));
    return true;
}

/* f(v) becomes the least f of v and of all that differ from it by a divisor in dimension d. */
static void grow_dim(const struct mapper_work *w, int d, double *f)
{
    const struct mp_inner *in = &w->inner;
    int stride = in->stride[d], n = w->n_div[d];
    for (int i = 0; i < n; i++) {
        for (int k = 0; k < w->n_covers; k++) {
            int j = w->cover[k].dim == d ? w->cover_at[k][i] : -1;
            if (j < 0) {
                continue;
            }
            for (int block = 0; block < in->n; block += stride * n) {
                const double *a = f + block + i * stride;
                double *b = f + block + j * stride;
                for (int q = 0; q < stride; q++) {
                    b[q] = a[q] < b[q] ? a[q] : b[q];
                }
            }
        }
    }
}

/* Adds what tensor t pays at every node, for its keepers from level `from` to l. */
static void add_closing(const struct chain *c, int t, int from, int l, bool stays, double *sum)
{
    const struct mp_inner *in = &c->w->inner;
    for (int k = from; k <= l; k++) {
        if (c->keep[k] >> t & 1) {
            const double *v = slot(c->w, stays ? in->stays[k][t] : in->moved[k][t]);
            for (int i = 0; i < in->n; i++) {
                sum[i] += v[i];
            }
        }
    }
}

static int n_open(const struct chain *c, const uint8_t *from)
{
    int n = 0;
    for (int t = 0; t < c->p->nt; t++) {
        n += from[t] != CLOSED;
    }
    return n;
}

/* From a state (open tensors `from`, energies f, levels up to l) to those that close all tensors outside of a stay set. */
static void close_some(const struct chain *c, int l, const uint8_t *from, int slot_f, struct mp_states *out)
{
    struct mp_inner *in = &c->w->inner;
    for (int s = 0; s <= c->p->n_stay; s++) {
        uint32_t stay = s < c->p->n_stay ? c->p->stay[s] : 0;
        uint8_t left[MP_TENSORS];
        memcpy(left, from, sizeof left);
        bool closes = false;
        int sum = new_slot(c->w, 0);
        for (int t = 0; t < c->p->nt; t++) {
            if (from[t] != CLOSED && !(stay >> t & 1)) {
                add_closing(c, t, from[t], l, false, slot(c->w, sum));
                left[t] = CLOSED;
                closes = true;
            }
        }
        int to = out->state[find_state(c->w, out, left)].slot;
        if (closes || to != slot_f) {
            const double *a = slot(c->w, slot_f), *b = slot(c->w, sum);
            double *v = slot(c->w, to);
            for (int i = 0; i < in->n; i++) {
                double x = a[i] + b[i];
                v[i] = x < v[i] ? x : v[i];
            }
        }
        if (to != sum + 1) { /* else a new state lies behind it */
            in->n_slots--;
        }
    }
}

/* The loops of the level above l, over dimensions of `dims` only. */
static void walk_level(const struct chain *c, int l, uint32_t dims, struct mp_states *s)
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
                    grow_dim(c->w, d, slot(c->w, s->state[i].slot));
                }
            }
            if (open > 0) {
                uint8_t from[MP_TENSORS];
                memcpy(from, s->state[i].from, sizeof from);
                close_some(c, l, from, s->state[i].slot, s);
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

static void open_level(const struct chain *c, int l, struct mp_states *next)
{
    struct mp_inner *in = &c->w->inner;
    const struct mp_states *s = &in->states[l];
    const uint8_t *fits = in->fits[l];
    for (int i = 0; i < s->n; i++) {
        uint8_t from[MP_TENSORS];
        memcpy(from, s->state[i].from, sizeof from);
        for (int t = 0; t < c->p->nt; t++) {
            if ((c->keep[l] >> t & 1) && from[t] == CLOSED) {
                from[t] = (uint8_t)l;
            }
        }
        int f = new_slot(c->w, HUGE_VAL);
        const double *a = slot(c->w, s->state[i].slot);
        double *v = slot(c->w, f);
        for (int k = 0; k < in->n; k++) {
            v[k] = fits[k] ? a[k] : HUGE_VAL;
        }
        close_some(c, l, from, f, next);
    }
}

/* key: the cheapest state when the tensors that are open stay so to the end. */
static void set_keys(const struct chain *c, int l, const struct mp_states *s)
{
    struct mp_inner *in = &c->w->inner;
    in->key[l] = new_slot(c->w, HUGE_VAL);
    for (int i = 0; i < s->n; i++) {
        int f = new_slot(c->w, 0);
        double *sum = slot(c->w, f), *key = slot(c->w, in->key[l]);
        const double *a = slot(c->w, s->state[i].slot);
        for (int t = 0; t < c->p->nt; t++) {
            if (s->state[i].from[t] != CLOSED) {
                add_closing(c, t, s->state[i].from[t], l, true, sum);
            }
        }
        for (int k = 0; k < in->n; k++) {
            double x = a[k] + sum[k];
            key[k] = x < key[k] ? x : key[k];
        }
        in->n_slots--;
    }
}

void inner_add_level(const struct chain *c, int l)
{
    struct mapper_work *w = c->w;
    struct mp_inner *in = &w->inner;
    struct mp_states *next = &in->states[l + 1];
    double *moved[MP_TENSORS], *stays[MP_TENSORS];
    for (int t = 0; t < c->p->nt; t++) {
        if (c->keep[l] >> t & 1) {
            in->moved[l][t] = new_slot(w, 0);
            in->stays[l][t] = new_slot(w, 0);
        }
    }
    for (int t = 0; t < c->p->nt; t++) {
        moved[t] = slot(w, in->moved[l][t]);
        stays[t] = slot(w, in->stays[l][t]);
    }
    if (in->n > in->fits_cap[l]) {
        in->fits_cap[l] = in->n;
        in->fits[l] = mem_realloc(in->fits[l], (size_t)in->n, 1);
    }
    chain_tabulate(c, l, moved, stays, in->fits[l]);
    next->n = 0;
    open_level(c, l, next);
    set_keys(c, l, next);
    uint32_t first = innermost_dims(c, l + 1);
    if (first) {
        walk_level(c, l, first, next);
    }
    walk_level(c, l, ~first, next);
}

static int index_of(const struct chain *c, const uint8_t *at)
{
    int i = 0;
    for (int d = 0; d < c->p->nd; d++) {
        i += at[d] * c->w->inner.stride[d];
    }
    return i;
}

static double closed_energy(const struct chain *c, int l, int i)
{
    const struct mp_states *s = &c->w->inner.states[l];
    for (int k = 0; k < s->n; k++) {
        if (n_open(c, s->state[k].from) == 0) {
            return slot(c->w, s->state[k].slot)[i];
        }
    }
    return HUGE_VAL;
}

double inner_root(const struct chain *c)
{
    return closed_energy(c, c->top, c->w->inner.n - 1);
}

/* The node at which a run of tensor t ends that is open at level l: the first level above whose loops move t closes it. */
static int run_end(const struct chain *c, int t, int l)
{
    uint32_t relevant = c->p->tensor[t].relevant;
    int u = l + 1, i = 0;
    while (u < c->top) {
        bool moved = false;
        for (int j = 0; j < c->loops[u].m; j++) {
            moved = moved || (relevant >> c->loops[u].dim[j] & 1);
        }
        if (moved) {
            break;
        }
        u++;
    }
    for (int d = 0; d < c->p->nd; d++) {
        i += (relevant >> d & 1 ? c->at[l][d] : c->at[u][d]) * c->w->inner.stride[d];
    }
    return i;
}

double inner_rest(const struct chain *c, int l)
{
    const struct mp_inner *in = &c->w->inner;
    const struct mp_states *s = &in->states[l];
    int at = index_of(c, c->at[l]), end[MP_TENSORS];
    double least = HUGE_VAL;
    for (int t = 0; t < c->p->nt; t++) {
        end[t] = run_end(c, t, l);
    }
    for (int i = 0; i < s->n; i++) {
        double sum = slot(c->w, s->state[i].slot)[at];
        for (int t = 0; t < c->p->nt && sum < least; t++) {
            for (int k = s->state[i].from[t]; k < l; k++) {
                sum += c->keep[k] >> t & 1 ? slot(c->w, in->moved[k][t])[end[t]] : 0;
            }
        }
        least = sum < least ? sum : least;
    }
    return least;
}

void inner_collect(const struct chain *c, int l)
{
    struct mapper_work *w = c->w;
    struct mp_level_nodes *v = &w->level[l];
    const double *key = slot(w, w->inner.key[l]);
    uint8_t at[MP_DIMS] = {0};
    int n = 0;
    for (int i = 0; i < w->inner.n; i++) {
        if (key[i] < HUGE_VAL && !chain_hopeless(c, c->start.energy_pj + key[i], c->least_cycles)) {
            mp_level_reserve(w, l, n + 1);
            v->node[n].bound_pj = key[i];
            v->node[n].grown = false;
            memcpy(v->node[n++].at, at, sizeof at);
        }
        for (int d = 0; d < c->p->nd && ++at[d] == w->n_div[d]; d++) {
            at[d] = 0;
        }
    }
    mp_level_heap(w, l, n);
}
