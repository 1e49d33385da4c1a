/* The chain search: tiles level by level, outermost first, for given spatial factors and
 * given keep masks.
 *
 * A node is a vector of temporal iterations inside a level; the tile follows from it. At a
 * level the nodes that fit come in the order of a lower bound of what the level's own
 * transfers cost; a depth-first walk leaves a level when the bound of the walk so far, of
 * the node and of the levels inside reaches the incumbent. For a pair of neighbouring tiles
 * the bound is sharpened to the best order of the loops between them. A complete chain is
 * priced by the cost model under every order of loops that is not dominated.
 *
 * Proofs that the bounds never exceed what they bound, and of the rule that only maximal
 * innermost tiles count: docs/mapper.md. Where the answer need not be proven, only maximal
 * tiles count at every level, and lattices are thinned. */
#include "costmodel/mapper_chain.h"
#include "costmodel/mapper_inner.h"

#include <stddef.h>
#include <string.h>

enum { PATIENCE = 1000 }; /* pairs */
enum { DIVE = 4096 };     /* nodes */

/* The loops of level u, between the nodes of u - 1 and u. */
static void set_loops(struct chain *c, int u)
{
    struct mp_loops *l = &c->loops[u];
    l->m = 0;
    l->all = 1;
    for (int d = 0; d < c->p->nd; d++) {
        int32_t n = c->w->times[d][c->at[u - 1][d]][c->at[u][d]];
        if (n > 1) {
            l->dim[l->m] = d;
            l->n[l->m] = n;
            l->step[l->m++] = (double)(c->s->inner[u][d] * c->w->div[d][c->at[u - 1][d]]);
            l->all *= n;
        }
    }
    c->outer[u - 1] = c->outer[u] * l->all;
}

/* Loops of a level that must stand inside the others: the dataflow's stationary tensor. */
uint32_t chain_inner_first(const struct chain *c, int u)
{
    const struct mp_loops *l = &c->loops[u];
    uint32_t set = 0;
    if (u != 1 || c->p->a->dataflow.stationary == TENSOR_ROLE_COUNT) {
        return (1u << l->m) - 1;
    }
    for (int t = 0; t < c->p->nt; t++) {
        for (int j = 0; j < l->m; j++) {
            if (c->p->tensor[t].role == c->p->a->dataflow.stationary && !(c->p->tensor[t].relevant >> l->dim[j] & 1)) {
                set |= 1u << j;
            }
        }
    }
    return set;
}

/* Tensor t, kept at level l, seen from the loops of level u. */
void chain_tick(const struct chain *c, int t, int l, int u, struct mp_tick *k)
{
    double x[MP_DIMS], wrap[MP_DIMS] = {0};
    chain_extent(c, l, c->at[l], x);
    for (int v = l + 1; v < u; v++) {
        const struct mp_loops *in = &c->loops[v];
        for (int j = 0; j < in->m; j++) {
            wrap[in->dim[j]] += (in->n[j] - 1) * in->step[j];
        }
    }
    mp_tick_init(k, &c->p->tensor[t], &c->loops[u], x, wrap);
    k->weight = c->outer[u] * c->s->instances[l];
}

/* Words of all instances of level l, tensor t: first tiles and what the loops of the levels
 * from u on cause at least, each level by its best order for this tensor alone. */
static double least_words(const struct chain *c, int t, int l, int u)
{
    double words = 0;
    for (; u <= c->top; u++) {
        struct mp_tick k;
        if (c->loops[u].m > 0) {
            chain_tick(c, t, l, u, &k);
            if (k.closed) { /* the rest is fetched anew at every step */
                return words + (c->outer[u - 1] - 1) * c->s->instances[l] * k.volume;
            }
            words += mp_order_min(&c->loops[u], &k, 1, chain_inner_first(c, u));
        }
    }
    return words;
}

/* The outer keeper's tile of the output was taken as narrow: does it fit as it is? */
static bool parent_fits(const struct chain *c, int l)
{
    int up = c->parent[l][c->p->out];
    double x[MP_DIMS];
    if (!(c->keep[l] >> c->p->out & 1) || up == c->top || !chain_open(c, l) || c->held_wide[up] || chain_open(c, up)) {
        return true;
    }
    chain_extent(c, up, c->at[up], x);
    return mp_tile_bits(c->p, up, c->keep[up], true, x) <= c->p->capacity[up];
}

/* A multiple of node n that fits divides the outer tile too: n is not maximal. */
static bool grows(const struct chain *c, int l, struct mp_node *n)
{
    const struct mapper_work *w = c->w;
    if (l > 0 && c->m->exact) {
        return false;
    }
    uint32_t fits = chain_covers(c, l, n);
    for (int k = 0; k < w->n_covers; k++) {
        int d = w->cover[k].dim;
        if ((fits >> k & 1) && w->times[d][w->cover_at[k][n->at[d]]][c->at[l + 1][d]] != 0) {
            return true;
        }
    }
    return false;
}

/* Of every dimension, the divisors that divide the tile of level l + 1: bits by index. */
struct divisor_set {
    uint64_t bit[MP_DIMS][MP_DIVISORS / 64];
};

static void inner_divisors(const struct chain *c, int l, struct divisor_set *s)
{
    memset(s, 0, sizeof *s);
    for (int d = 0; d < c->p->nd; d++) {
        for (int i = 0; i < c->w->n_div[d]; i++) {
            bool whole = c->w->times[d][i][c->at[l + 1][d]] != 0;
            s->bit[d][i / 64] |= (uint64_t)whole << i % 64;
        }
    }
}

static bool divides(const struct divisor_set *s, int nd, const struct mp_node *n)
{
    for (int d = 0; d < nd; d++) {
        if (!(s->bit[d][n->at[d] / 64] >> n->at[d] % 64 & 1)) {
            return false;
        }
    }
    return true;
}

/* Lower bound of the transfers into level l, whose node has just been chosen. */
static void bound_level(const struct chain *c, int l, struct walk *w)
{
    struct mp_tick ticks[MP_TENSORS];
    const struct mp_loops *loops = &c->loops[l + 1];
    bool timed = c->m->goal != GOAL_ENERGY || c->m->front;
    double energy = 0, apart = 0; /* under one order; each tensor under its own, physical words filled up */
    int n = 0;
    for (int t = 0; t < c->p->nt; t++) {
        if (!(c->keep[l] >> t & 1)) {
            continue;
        }
        double pj = c->pj[l][t];
        struct mp_tick *k = &ticks[n++];
        chain_tick(c, t, l, l + 1, k);
        double words = k->volume * c->s->instances[l] + least_words(c, t, l, l + 2);
        energy += words * pj;
        words += timed || c->m->exact ? mp_order_min(loops, k, 1, chain_inner_first(c, l + 1)) : 0;
        apart += c->m->exact ? chain_link_pj(c, t, l, words) : 0;
        k->weight *= pj;
        if (t == c->p->out) {
            double first = c->first[l];
            chain_add_output(c, l, words > first ? words : first, w);
        } else {
            chain_add_operand(c, l, t, words, w);
        }
    }
    energy += mp_order_min(loops, ticks, n, chain_inner_first(c, l + 1));
    w->energy_pj += energy > apart ? energy : apart;
}

static void descend(struct chain *c, int l, const struct walk *so_far);

/* The levels inside of a node just chosen. A fast search leaves them a part of what is left
 * of its budget, so that no outer tile uses up all of it. */
static void inside(struct chain *c, int l, const struct walk *w)
{
    int64_t left = c->m->budget;
    if (l == 0) {
        c->dive = 0;
        chain_finish(c);
        return;
    }
    if (!c->m->exact) {
        c->m->budget = left / 3 + 1;
    }
    int64_t given = c->m->budget;
    descend(c, l - 1, w);
    c->m->budget = left - (given - c->m->budget);
}

/* A dive goes on where the budget has ended, down the first nodes that fit, to the first complete chain. */
static bool may_look(const struct chain *c)
{
    return (c->m->budget > 0 || c->dive > 0) && c->patience > 0;
}

static void descend(struct chain *c, int l, const struct walk *so_far)
{
    double cycles = chain_cycles(c, so_far);
    struct mp_node *n;
    struct divisor_set within;
    inner_divisors(c, l, &within);
    for (int i = 0; may_look(c) && (n = mp_nth_node(c->w, l, i)) != NULL; i++) {
        if (chain_hopeless(c, so_far->energy_pj + n->bound_pj + c->rest_pj[l], cycles)) {
            break;
        }
        c->dive -= c->m->budget <= 0;
        c->m->budget--;
        c->m->looked++;
        if (!divides(&within, c->p->nd, n) || grows(c, l, n)) {
            continue;
        }
        struct walk w = *so_far;
        c->at[l] = n->at;
        set_loops(c, l + 1);
        if (!parent_fits(c, l)) {
            continue;
        }
        c->m->budget -= MP_PAIR - 1;
        bound_level(c, l, &w);
        c->patience--;
        bool hopeless =
            c->tables ? inner_hopeless(c, l, &w) : chain_hopeless(c, w.energy_pj + c->rest_pj[l], chain_cycles(c, &w));
        if (!hopeless) {
            inside(c, l, &w);
        } else if (c->tables) {
            c->votes[chain_busiest_port(c, &w)] += chain_cycles(c, &w) > cycles;
        }
    }
}

/* The port that ended most walks, or `port`. */
static int voted_port(const struct chain *c, int port)
{
    for (int i = 0; i < 3 * (c->top + 1); i++) {
        port = c->votes[i] > c->votes[port] ? i : port;
    }
    return port;
}

/* The walk with tables: of the cycles of one port, and then of a second one if that ends many walks. */
static void walk_tables(struct chain *c, int port)
{
    bool timed = c->m->front || c->m->goal != GOAL_ENERGY;
    if (inner_root_hopeless(c)) {
        return;
    }
    do {
        if (timed) {
            inner_add_port(c, port);
            if (inner_root_hopeless(c)) {
                return;
            }
        }
        c->patience = timed && c->n_ports < MP_PORTS ? PATIENCE : INT64_MAX;
        for (int l = 0; l < c->top; l++) {
            inner_collect(c, l);
            if (c->w->level[l].n_heap == 0) {
                return;
            }
        }
        descend(c, c->top - 1, &c->start);
        c->votes[port] = -1;
        port = voted_port(c, port);
    } while (c->patience <= 0 && c->m->budget > 0);
}

void mp_chain_search(struct mp_search *m, const struct mp_spatial *s, const uint32_t *keep)
{
    struct chain c;
    struct walk traffic;
    uint8_t full[MP_DIMS];
    chain_init(&c, m, m->p, s, keep);
    if (m->exact && !(s->padded_macs > m->p->macs)) {
        c.start.energy_pj += c.mac_padding_pj;
        c.mac_padding_pj = 0;
    }
    c.patience = INT64_MAX;
    c.dive = m->dive ? DIVE : 0;
    chain_least_traffic(&c, &traffic, c.outer_pj);
    c.least_cycles = chain_cycles(&c, &traffic);
    if (!mp_lattice_init(m->work, m->p->nd, s->rest, m->exact)) {
        m->budget = 0;
        return;
    }
    for (int d = 0; d < m->p->nd; d++) {
        full[d] = (uint8_t)(m->work->n_div[d] - 1);
    }
    c.at[c.top] = full;
    c.outer[c.top] = 1;
    c.tables = m->exact && c.top > 0 && inner_init(&c);
    if (c.tables) {
        int first = m->best.found ? m->best.port : chain_busiest_port(&c, &traffic);
        walk_tables(&c, first);
        return;
    }
    for (int l = 0; l < c.top && !c.tables; l++) {
        chain_collect(&c, l);
        const struct mp_node *least = mp_nth_node(m->work, l, 0);
        if (!least) {
            return;
        }
        c.rest_pj[l + 1] = c.rest_pj[l] + least->bound_pj;
        if (chain_hopeless(&c, c.start.energy_pj + c.rest_pj[l + 1], c.least_cycles)) {
            return;
        }
    }
    if (c.top == 0) {
        c.at[0] = full;
        chain_finish(&c);
    } else {
        descend(&c, c.top - 1, &c.start);
    }
}
