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

#include <assert.h>
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
static int find_state(struct mapper_work *w, struct mp_states *s, const uint8_t *from, int sealed)
{
    int i = 0;
    while (i < s->n && (memcmp(s->state[i].from, from, MP_TENSORS) != 0 || s->state[i].sealed != sealed)) {
        i++;
    }
    if (i == s->n) {
        assert(i < MP_STATES);
        memcpy(s->state[i].from, from, MP_TENSORS);
        s->state[i].sealed = (uint8_t)sealed;
        s->state[i].slot = new_slot(w, HUGE_VAL);
        s->n++;
    }
    return i;
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
static void add_closing(const struct chain *c, const struct mp_table *table, int t, int from, int l, bool stays,
                        double *sum)
{
    const struct mp_inner *in = &c->w->inner;
    for (int k = from; k <= l; k++) {
        if (!(c->keep[k] >> t & 1)) {
            continue;
        }
        for (int m = 0; m < MP_MEASURES; m++) {
            double weight = table->weight[m];
            if (weight > 0) {
                const double *v = slot(c->w, stays ? in->stays[m][k][t] : in->moved[m][k][t]);
                for (int i = 0; i < in->n; i++) {
                    sum[i] += weight * v[i];
                }
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

/* From a state (levels up to l, energies in slot_f) to those that close all tensors outside of a stay set. */
static void close_some(const struct chain *c, const struct mp_table *table, int l, struct mp_state x,
                       struct mp_states *out)
{
    struct mp_inner *in = &c->w->inner;
    for (int s = 0; s <= c->p->n_stay; s++) {
        uint32_t stay = s < c->p->n_stay ? c->p->stay[s] : 0;
        struct mp_state left = x;
        bool closes = false;
        for (int t = 0; t < c->p->nt; t++) {
            if (x.from[t] != CLOSED && !(stay >> t & 1)) {
                left.from[t] = CLOSED;
                closes = true;
            }
        }
        int to = out->state[find_state(c->w, out, left.from, left.sealed)].slot;
        if (!closes && to == x.slot) {
            continue;
        }
        double *sum = slot(c->w, new_slot(c->w, 0)), *v = slot(c->w, to);
        const double *a = slot(c->w, x.slot);
        for (int t = 0; t < c->p->nt; t++) {
            if (x.from[t] != left.from[t]) {
                add_closing(c, table, t, x.from[t], l, false, sum);
            }
        }
        for (int i = 0; i < in->n; i++) {
            double y = a[i] + sum[i];
            v[i] = y < v[i] ? y : v[i];
        }
        in->n_slots--;
    }
}

/* The loops of the level above l, over dimensions of `dims` only. */
static void walk_level(const struct chain *c, struct mp_table *table, int l, uint32_t dims)
{
    struct mp_states *s = &table->states[l + 1];
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
                close_some(c, table, l, s->state[i], s);
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
static void open_state(const struct chain *c, struct mp_table *table, int l, struct mp_state x)
{
    struct mp_inner *in = &c->w->inner;
    const uint8_t *open = in->fits[c->top], *fits = in->fits[l];
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
        x.slot = new_slot(c->w, HUGE_VAL);
        x.sealed = output ? (uint8_t)way : x.sealed;
        const double *a = slot(c->w, from_slot);
        double *v = slot(c->w, x.slot);
        for (int i = 0; i < in->n; i++) {
            bool mine = n_ways == 1 || open[i] != way;
            v[i] = mine && fits[i] >= least ? a[i] : HUGE_VAL;
        }
        close_some(c, table, l, x, &table->states[l + 1]);
    }
}

/* key: the cheapest state when the tensors that are open stay so to the end. */
static void set_key(const struct chain *c, struct mp_table *table, int l)
{
    struct mp_inner *in = &c->w->inner;
    const struct mp_states *s = &table->states[l + 1];
    table->key[l] = new_slot(c->w, HUGE_VAL);
    for (int i = 0; i < s->n; i++) {
        int f = new_slot(c->w, 0);
        double *sum = slot(c->w, f), *key = slot(c->w, table->key[l]);
        const double *a = slot(c->w, s->state[i].slot);
        for (int t = 0; t < c->p->nt; t++) {
            if (s->state[i].from[t] != CLOSED) {
                add_closing(c, table, t, s->state[i].from[t], l, true, sum);
            }
        }
        for (int k = 0; k < in->n; k++) {
            double x = a[k] + sum[k];
            key[k] = x < key[k] ? x : key[k];
        }
        in->n_slots--;
    }
}

static void table_init(const struct chain *c, struct mp_table *table, const double *weight)
{
    struct mapper_work *w = c->w;
    uint8_t closed[MP_TENSORS];
    memcpy(table->weight, weight, sizeof table->weight);
    memset(closed, CLOSED, sizeof closed);
    table->states[0].n = 0;
    int i = find_state(w, &table->states[0], closed, 0);
    memset(slot(w, table->states[0].state[i].slot), 0, (size_t)w->inner.n * sizeof(double));
    for (int l = 0; l < c->top; l++) {
        table->states[l + 1].n = 0;
        for (int k = 0; k < table->states[l].n; k++) {
            open_state(c, table, l, table->states[l].state[k]);
        }
        set_key(c, table, l);
        uint32_t first = innermost_dims(c, l + 1);
        if (first) {
            walk_level(c, table, l, first);
        }
        walk_level(c, table, l, ~first);
    }
}

/* From words to energy. A node at which no reduction loop is left outside may end a run of such loops: the keeper's own tile then
 * had one outside. The less of both holds. */
static void price_pj(const struct chain *c, int t, int l, const double *words, const uint8_t *open, double *pj)
{
    for (int i = 0; i < c->w->inner.n; i++) {
        pj[i] = chain_link_pj(c, t, l, true, words[i]);
        if (t == c->p->out) {
            pj[i] -= c->first_pj[l][1];
            double x = open[i] ? HUGE_VAL : chain_link_pj(c, t, l, false, words[i]) - c->first_pj[l][0];
            pj[i] = x < pj[i] ? x : pj[i];
        }
    }
}

/* From words to cycles of the port. */
static void price_cycles(const struct chain *c, int port, int t, int l, const double *words, const uint8_t *open,
                         double *cycles)
{
    double none[2], one[2];
    for (int f = 0; f < 2; f++) {
        struct walk w;
        memset(&w, 0, sizeof w);
        chain_link_bits(c, t, l, f, 0, &w);
        none[f] = chain_port_cycles(c, &w, port);
        memset(&w, 0, sizeof w);
        chain_link_bits(c, t, l, f, 1, &w);
        one[f] = chain_port_cycles(c, &w, port) - none[f];
    }
    for (int i = 0; i < c->w->inner.n; i++) {
        double x = none[0] + words[i] * one[0];
        cycles[i] = none[1] + words[i] * one[1];
        cycles[i] = x < cycles[i] && !open[i] ? x : cycles[i];
    }
}

/* Bit by node: a reduction loop is left outside. */
static uint8_t *open_nodes(const struct chain *c)
{
    struct mapper_work *w = c->w;
    uint8_t *open = w->inner.fits[c->top], at[MP_DIMS] = {0};
    for (int i = 0; i < w->inner.n; i++) {
        open[i] = 0;
        for (int d = 0; d < c->p->nd; d++) {
            open[i] |= (c->p->reduction >> d & 1) && at[d] + 1 < w->n_div[d];
        }
        for (int d = 0; d < c->p->nd && ++at[d] == w->n_div[d]; d++) {
            at[d] = 0;
        }
    }
    return open;
}

static int *measure_slot(struct mp_inner *in, int stays, int measure, int l, int t)
{
    return stays ? &in->stays[measure][l][t] : &in->moved[measure][l][t];
}

static void tabulate_level(const struct chain *c, int l, const uint8_t *open)
{
    struct mapper_work *w = c->w;
    struct mp_inner *in = &w->inner;
    double *moved[MP_TENSORS] = {0}, *stays[MP_TENSORS] = {0};
    for (int t = 0; t < c->p->nt; t++) {
        for (int k = 0; k < 2 && (c->keep[l] >> t & 1); k++) {
            in->words[k][l][t] = new_slot(w, 0);
            *measure_slot(in, k, 0, l, t) = new_slot(w, 0);
        }
    }
    for (int t = 0; t < c->p->nt; t++) {
        if (c->keep[l] >> t & 1) {
            moved[t] = slot(w, in->words[0][l][t]);
            stays[t] = slot(w, in->words[1][l][t]);
        }
    }
    chain_tabulate(c, l, moved, stays, in->fits[l]);
    for (int t = 0; t < c->p->nt; t++) {
        for (int k = 0; k < 2 && (c->keep[l] >> t & 1); k++) {
            price_pj(c, t, l, k ? stays[t] : moved[t], open, slot(w, *measure_slot(in, k, 0, l, t)));
        }
    }
}

bool inner_init(struct chain *c)
{
    struct mapper_work *w = c->w;
    struct mp_inner *in = &w->inner;
    int64_t n = 1;
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
    for (int l = 0; l <= c->top; l++) {
        if (in->n > in->fits_cap[l]) {
            in->fits_cap[l] = in->n;
            in->fits[l] = mem_realloc(in->fits[l], (size_t)in->n, 1);
        }
    }
    const uint8_t *open = open_nodes(c);
    for (int l = 0; l < c->top; l++) {
        tabulate_level(c, l, open);
    }
    in->n_tables = 1;
    table_init(c, &in->table[0], (const double[MP_MEASURES]){1});
    c->n_ports = 0;
    return true;
}

/* The cycles of port q at every node. */
static void tabulate_cycles(const struct chain *c, int q)
{
    struct mapper_work *w = c->w;
    struct mp_inner *in = &w->inner;
    const uint8_t *open = in->fits[c->top];
    for (int l = 0; l < c->top; l++) {
        for (int t = 0; t < c->p->nt; t++) {
            for (int k = 0; k < 2 && (c->keep[l] >> t & 1); k++) {
                int *at = measure_slot(in, k, 1 + q, l, t);
                *at = new_slot(w, 0);
                price_cycles(c, c->port[q], t, l, slot(w, in->words[k][l][t]), open, slot(w, *at));
            }
        }
    }
}

void inner_add_port(struct chain *c, int port)
{
    struct mp_inner *in = &c->w->inner;
    const struct mp_best *b = &c->m->best;
    double weight[MP_MEASURES] = {0};
    int q = c->n_ports++;
    c->port[q] = port;
    tabulate_cycles(c, q);
    c->pj_per_cycle = c->p->leak_pj_per_cycle + (b->found ? b->energy_pj / b->cycles : 0);
    weight[1 + q] = 1;
    table_init(c, &in->table[in->n_tables++], weight);
    if (c->m->goal == GOAL_EDP && b->found && !c->m->front && !inner_root_hopeless(c)) {
        weight[0] = 1;
        weight[1 + q] = c->pj_per_cycle;
        table_init(c, &in->table[in->n_tables++], weight);
    }
}

/* Least energy (without leakage), cycles of the port, and their weighed sum: is there no gain? For the product: energy and cycles are both
 * bounded, and so is a line across; the product is least at one of the ends of what the line leaves. */
static bool no_gain(const struct chain *c, double pj, double cycles, double sum)
{
    const struct mp_search *m = c->m;
    double lambda = c->pj_per_cycle - c->p->leak_pj_per_cycle;
    double all_pj = pj + c->p->leak_pj_per_cycle * cycles;
    if (mp_hopeless(m, all_pj, cycles)) {
        return true;
    }
    if (!(sum > all_pj + lambda * cycles)) {
        return false;
    }
    return mp_hopeless(m, all_pj, (sum - all_pj) / lambda) && mp_hopeless(m, sum - lambda * cycles, cycles);
}

/* value[k]: bounds of the tables; what `w` holds is added. */
static bool bounds_hopeless(const struct chain *c, const struct walk *w, double cycles, const double *value)
{
    const struct mp_inner *in = &c->w->inner;
    double held[MP_MEASURES] = {w->energy_pj}, sum = 0;
    for (int q = 0; q < c->n_ports; q++) {
        held[1 + q] = chain_port_cycles(c, w, c->port[q]);
    }
    for (int k = 1; k < in->n_tables; k++) {
        const double *weight = in->table[k].weight;
        double x = value[k];
        for (int m = 0; m <= c->n_ports; m++) {
            x += weight[m] * held[m];
        }
        if (weight[0] > 0) {
            sum = x > sum ? x : sum;
        } else {
            x = ceil(x * (1 - 1e-12));
            cycles = x > cycles ? x : cycles;
        }
    }
    return no_gain(c, w->energy_pj + value[0], cycles, sum);
}

bool inner_root_hopeless(const struct chain *c)
{
    const struct mp_inner *in = &c->w->inner;
    double value[MP_TABLES];
    for (int k = 0; k < in->n_tables; k++) {
        const struct mp_states *s = &in->table[k].states[c->top];
        value[k] = HUGE_VAL;
        for (int i = 0; i < s->n; i++) {
            double x = n_open(c, s->state[i].from) == 0 ? slot(c->w, s->state[i].slot)[in->n - 1] : HUGE_VAL;
            value[k] = x < value[k] ? x : value[k];
        }
    }
    return bounds_hopeless(c, &c->start, c->least_cycles, value);
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

/* What the tensors that are open in a state pay at the ends of their runs. */
static double pay_open(const struct chain *c, const struct mp_table *table, int l, const uint8_t *from, const int *end)
{
    const struct mp_inner *in = &c->w->inner;
    double sum = 0;
    for (int t = 0; t < c->p->nt; t++) {
        for (int k = from[t]; k < l; k++) {
            if (c->keep[k] >> t & 1) {
                for (int m = 0; m <= c->n_ports; m++) {
                    double weight = table->weight[m];
                    sum += weight > 0 ? slot(c->w, in->moved[m][k][t])[end[t]] * weight : 0;
                }
            }
        }
    }
    return sum;
}

bool inner_hopeless(const struct chain *c, int l, const struct walk *w)
{
    const struct mp_inner *in = &c->w->inner;
    int at = 0, end[MP_TENSORS];
    double value[MP_TABLES];
    for (int d = 0; d < c->p->nd; d++) {
        at += c->at[l][d] * in->stride[d];
    }
    for (int t = 0; t < c->p->nt; t++) {
        end[t] = run_end(c, t, l);
    }
    for (int k = 0; k < in->n_tables; k++) {
        const struct mp_states *s = &in->table[k].states[l];
        value[k] = HUGE_VAL;
        for (int i = 0; i < s->n; i++) {
            if (in->fits[l][at] == MP_FITS_SEALED && !s->state[i].sealed) {
                continue;
            }
            double x = slot(c->w, s->state[i].slot)[at];
            x += x < value[k] ? pay_open(c, &in->table[k], l, s->state[i].from, end) : 0;
            value[k] = x < value[k] ? x : value[k];
        }
    }
    return bounds_hopeless(c, w, chain_cycles(c, w), value);
}

void inner_collect(const struct chain *c, int l)
{
    struct mapper_work *w = c->w;
    struct mp_inner *in = &w->inner;
    struct mp_level_nodes *v = &w->level[l];
    uint8_t at[MP_DIMS] = {0};
    int n = 0;
    for (int i = 0; i < in->n; i++) {
        double value[MP_TABLES];
        for (int k = 0; k < in->n_tables; k++) {
            value[k] = slot(w, in->table[k].key[l])[i];
        }
        if (value[0] < HUGE_VAL && !bounds_hopeless(c, &c->start, c->least_cycles, value)) {
            mp_level_reserve(w, l, n + 1);
            v->node[n].bound_pj = value[0];
            v->node[n].grown = false;
            memcpy(v->node[n++].at, at, sizeof at);
        }
        for (int d = 0; d < c->p->nd && ++at[d] == w->n_div[d]; d++) {
            at[d] = 0;
        }
    }
    mp_level_heap(w, l, n);
}
