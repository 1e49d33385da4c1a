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
#include "costmodel/mapper_lattice.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* What the walk carries from level to level: lower bounds. */
struct walk {
    double energy_pj;
    double read_bits[HW_LEVELS], write_bits[HW_LEVELS]; /* all instances */
};

struct chain {
    const struct mp_problem *p;
    const struct mp_spatial *s;
    const uint32_t *keep;
    struct mp_search *m;
    struct mapper_work *w;
    int top;                           /* n_levels - 1 */
    int parent[HW_LEVELS][MP_TENSORS]; /* next outer level that keeps the tensor */
    double pj[HW_LEVELS][MP_TENSORS]
             [2]; /* of one word fetched into level l; output: by whether a reduction runs outside */
    double shared[HW_LEVELS][MP_TENSORS]; /* multicast between level l and its parent */
    double first_pj[HW_LEVELS][2];        /* what first visits of the output save of that */
    bool wide[HW_LEVELS][2];              /* width at level l by whether a reduction runs outside */
    double first[HW_LEVELS];              /* words of the output first visited, all instances */
    bool innermost[HW_LEVELS];            /* no level inside keeps the output */
    uint32_t fixed[HW_LEVELS];            /* dimensions in which a tile need not be maximal */
    double rest_pj[HW_LEVELS + 1];        /* least energy of the levels below l */
    struct walk start;
    double mac_padding_pj;            /* of the MACs' accesses, which physical words add */
    double least_cycles;              /* of compute, and of ports when every word moves once */
    const uint8_t *at[HW_LEVELS];     /* the walk's nodes */
    struct mp_loops loops[HW_LEVELS]; /* of each level, once the node below is chosen */
    double outer[HW_LEVELS];          /* product of all temporal loops above the level */
};

/* Bounds that rule out any gain. */
static bool hopeless(const struct chain *c, double energy_pj, double cycles)
{
    return mp_hopeless(c->m, energy_pj + c->p->leak_pj_per_cycle * cycles, cycles);
}

/* --- nodes of a level ---------------------------------------------------------------- */

/* Volumes are kept as products over the dimensions d, d+1, ..: to step the first
 * dimension of the lattice costs one multiplication a tensor and the sliding ranks. */
struct scan {
    double x[MP_DIMS];
    double loops[MP_DIMS];                 /* iterations left outside */
    double plain[MP_DIMS + 1][MP_TENSORS]; /* volume without sliding ranks */
    double run[MP_DIMS + 1][MP_TENSORS];   /* iterations left that do not move the tensor */
    double moves[MP_DIMS + 1][MP_TENSORS]; /* those that move a rank of one term */
    double size[MP_DIMS + 1];
    double all[MP_DIMS + 1];          /* iterations left */
    double coef[MP_TENSORS][MP_DIMS]; /* of a rank of one term; 0: not relevant, -1: sliding */
};

static void scan_init(const struct chain *c, struct scan *s)
{
    const struct mp_problem *p = c->p;
    memset(s->coef, 0, sizeof s->coef);
    s->size[p->nd] = s->all[p->nd] = 1;
    for (int t = 0; t < p->nt; t++) {
        const struct mp_tensor *mt = &p->tensor[t];
        s->plain[p->nd][t] = s->run[p->nd][t] = s->moves[p->nd][t] = 1;
        for (int r = 0; r < mt->n_ranks; r++) {
            const struct mp_rank *k = &mt->rank[r];
            for (int i = 0; i < k->n_terms; i++) {
                s->coef[t][k->dim[i]] = k->n_terms > 1 ? -1 : k->coef[i];
            }
        }
    }
}

static void scan_set(const struct chain *c, int l, int from, const uint8_t *at, struct scan *s)
{
    const struct mp_problem *p = c->p;
    for (int d = from; d >= 0; d--) {
        double x = (double)(c->s->inner[l][d] * c->w->div[d][at[d]]);
        double loops = c->w->loops[d][at[d]];
        s->x[d] = x;
        s->loops[d] = loops;
        s->size[d] = s->size[d + 1] * x;
        s->all[d] = s->all[d + 1] * loops;
        for (int t = 0; t < p->nt; t++) {
            double k = s->coef[t][d];
            bool plain = k > 0, slides = k < 0;
            s->plain[d][t] = s->plain[d + 1][t] * (plain ? 1 + k * (x - 1) : 1);
            s->run[d][t] = s->run[d + 1][t] * (plain || slides ? 1 : loops);
            s->moves[d][t] = s->moves[d + 1][t] * (plain ? loops : 1);
        }
    }
}

static double gcd(double a, double b)
{
    while (b > 0) {
        double r = fmod(a, b);
        a = b;
        b = r;
    }
    return a;
}

/* Volume of tensor t at the scan's tile. */
static double scan_volume(const struct mp_problem *p, const struct scan *s, int t)
{
    const struct mp_tensor *mt = &p->tensor[t];
    double v = s->plain[0][t];
    for (int r = 0; r < mt->n_ranks && mt->sliding; r++) {
        const struct mp_rank *k = &mt->rank[r];
        double extent = 1;
        for (int i = 0; i < k->n_terms && k->n_terms > 1; i++) {
            extent += k->coef[i] * (s->x[k->dim[i]] - 1);
        }
        v *= extent;
    }
    return v;
}

/* Shares of an iteration's tile that must be new, on average over all iterations, for a
 * tensor with sliding ranks. `once`: nothing is taken in twice under loops that do not move
 * a rank of one term: the footprint. `tick`: least share when the innermost loop moves the
 * tensor. Where two loops move one rank, a tick of the outer one may fall back on the very
 * same tile; those of the innermost loop, half of all at least, do not. */
static void scan_sliding(const struct mp_problem *p, const struct scan *s, int t, double *once, double *tick)
{
    const struct mp_tensor *mt = &p->tensor[t];
    *once = s->moves[0][t] / s->all[0];
    *tick = 1;
    for (int r = 0; r < mt->n_ranks; r++) {
        const struct mp_rank *k = &mt->rank[r];
        double extent = 1, g = 0, most = 0, others = 0;
        int looped = 0;
        if (k->n_terms == 1) {
            continue;
        }
        for (int i = 0; i < k->n_terms; i++) {
            extent += k->coef[i] * (s->x[k->dim[i]] - 1);
        }
        for (int i = 0; i < k->n_terms; i++) {
            double n = s->loops[k->dim[i]], step = k->coef[i] * s->x[k->dim[i]];
            double span = (n - 1) * ((step < extent ? step : extent) - 1);
            most = span > most ? span : most;
            others += n - 1;
            g = n > 1 ? (looped++ ? gcd(step, g) : step) : g;
        }
        *once *= (extent + most + others) / extent;
        if (looped > 0) {
            double share = (g < extent ? g / extent : 1) / (looped > 1 ? 2 : 1);
            *tick = share < *tick ? share : *tick;
        }
    }
    *tick = *tick > *once ? *tick : *once;
}

/* Least energy of the transfers into level l: the innermost loop above lets stay only the
 * tensors that it does not move. */
static double scan_bound(const struct chain *c, int l, const struct scan *s, const double *volume, bool open)
{
    const struct mp_problem *p = c->p;
    double sum = 0, most = 0, saved[MP_TENSORS];
    double iterations = c->s->padded_macs / s->size[0];
    for (int t = 0; t < p->nt; t++) {
        saved[t] = 0;
        if (!(c->keep[l] >> t & 1)) {
            continue;
        }
        double pj = volume[t] * iterations * c->pj[l][t][t == p->out && open];
        double tick = 1, stays = 1 / s->run[0][t];
        if (p->tensor[t].sliding) {
            double once;
            scan_sliding(p, s, t, &once, &tick);
            stays *= tick;
            stays = stays > once ? stays : once;
        }
        sum += pj * tick;
        saved[t] = pj * (tick - stays);
    }
    for (int i = 0; i < p->n_stay; i++) {
        double x = 0;
        for (int t = 0; t < p->nt; t++) {
            x += p->stay[i] >> t & 1 ? saved[t] : 0;
        }
        most = x > most ? x : most;
    }
    double bound = sum - most;
    bound -= c->keep[l] >> p->out & 1 ? c->first_pj[l][open] : 0;
    return bound > 0 ? bound : 0;
}

/* Fills a node from the scan; false when its tiles do not fit. */
static bool scan_node(const struct chain *c, int l, const struct scan *s, struct mp_node *v)
{
    const struct mp_problem *p = c->p;
    double bits = 0, volume[MP_TENSORS];
    bool open = s->run[0][p->out] > 1;
    bool held = c->s->partial_above[l] || (c->innermost[l] ? c->s->partial : open);
    for (int t = 0; t < p->nt; t++) {
        if (c->keep[l] >> t & 1) {
            volume[t] = scan_volume(p, s, t);
            bits += volume[t] * p->width[l][t][held].port_bits;
        }
    }
    if (bits > p->capacity[l] ||
        (bits + p->nt > p->capacity[l] && mp_tile_bits(p, l, c->keep[l], held, s->x) > p->capacity[l])) {
        return false;
    }
    v->bound_pj = scan_bound(c, l, s, volume, open);
    v->grown = false;
    return true;
}

/* How far a tile moves along d's rank, in extents of that rank, when the tile next to it
 * along d is taken. */
static double rank_step(const struct mp_tensor *t, int d, const double *x)
{
    for (int r = 0; r < t->n_ranks; r++) {
        const struct mp_rank *k = &t->rank[r];
        double extent = 1, coef = 0;
        for (int i = 0; i < k->n_terms; i++) {
            extent += k->coef[i] * (x[k->dim[i]] - 1);
            coef = k->dim[i] == d ? k->coef[i] : coef;
        }
        if (coef > 0) {
            return coef * x[d] / extent;
        }
    }
    return 0;
}

static void extent_of(const struct chain *c, int l, const uint8_t *at, double *x)
{
    for (int d = 0; d < c->p->nd; d++) {
        x[d] = (double)(c->s->inner[l][d] * c->w->div[d][at[d]]);
    }
}

/* Do tiles next to each other along d leave no words out between them, for every tensor kept
 * at the level? Else a larger tile holds words that nobody asks for. */
static bool gapless(const struct chain *c, int l, int d, const double *x)
{
    for (int t = 0; t < c->p->nt; t++) {
        if ((c->keep[l] >> t & 1) && (c->p->tensor[t].relevant >> d & 1) && rank_step(&c->p->tensor[t], d, x) > 1) {
            return false;
        }
    }
    return true;
}

/* Which covers of a node fit too; asked of few nodes, so found when asked. */
static uint32_t covers(const struct chain *c, int l, struct mp_node *n)
{
    const struct mapper_work *w = c->w;
    double x[MP_DIMS];
    bool held = c->s->partial || c->s->partial_above[l];
    if (n->grown) {
        return n->fits;
    }
    extent_of(c, l, n->at, x);
    n->fits = 0;
    for (int k = 0; k < w->n_covers; k++) {
        int d = w->cover[k].dim;
        if (w->cover_at[k][n->at[d]] >= 0 && !(c->fixed[l] >> d & 1) && gapless(c, l, d, x)) {
            double before = x[d];
            x[d] *= (double)w->cover[k].prime;
            n->fits |= (uint32_t)(mp_tile_bits(c->p, l, c->keep[l], held, x) <= c->p->capacity[l]) << k;
            x[d] = before;
        }
    }
    n->grown = true;
    return n->fits;
}

static void collect_nodes(const struct chain *c, int l)
{
    struct mapper_work *w = c->w;
    struct mp_level_nodes *v = &w->level[l];
    uint8_t at[MP_DIMS] = {0};
    struct scan s;
    int n = 0, d = c->p->nd - 1;
    double before = c->start.energy_pj + c->rest_pj[l];
    scan_init(c, &s);
    while (d < c->p->nd) {
        mp_level_reserve(w, l, n + 1);
        scan_set(c, l, d, at, &s);
        bool fits = scan_node(c, l, &s, &v->node[n]);
        if (fits && !hopeless(c, before + v->node[n].bound_pj, c->least_cycles)) {
            memcpy(v->node[n++].at, at, sizeof at);
        }
        d = 0; /* a dimension in which the tile no longer fits is as good as full */
        if (!fits) {
            while (d < c->p->nd && at[d] == 0) {
                d++;
            }
            if (d < c->p->nd) {
                at[d++] = 0;
            }
        }
        while (d < c->p->nd && ++at[d] == w->n_div[d]) {
            at[d++] = 0;
        }
    }
    mp_level_heap(w, l, n);
}

/* --- words ---------------------------------------------------------------------------- */

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
static uint32_t inner_first(const struct chain *c, int u)
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
static void tick_of(const struct chain *c, int t, int l, int u, struct mp_tick *k)
{
    double x[MP_DIMS], wrap[MP_DIMS] = {0};
    extent_of(c, l, c->at[l], x);
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
            tick_of(c, t, l, u, &k);
            if (k.closed) { /* the rest is fetched anew at every step */
                return words + (c->outer[u - 1] - 1) * c->s->instances[l] * k.volume;
            }
            words += mp_order_min(&c->loops[u], &k, 1, inner_first(c, u));
        }
    }
    return words;
}

/* --- walk ------------------------------------------------------------------------------ */

/* Does a reduction loop run outside of level l? */
static bool is_open(const struct chain *c, int l)
{
    for (int d = 0; d < c->p->nd; d++) {
        if ((c->p->reduction >> d & 1) && c->at[l][d] != c->at[c->top][d]) {
            return true;
        }
    }
    return false;
}

/* Adds what n words of operand t fetched into level l ask of ports. */
static void add_operand(const struct chain *c, int l, int t, double n, struct walk *w)
{
    const struct mp_problem *p = c->p;
    int up = c->parent[l][t];
    w->write_bits[l] += n * p->width[l][t][MP_NARROW].port_bits;
    w->read_bits[up] += n / c->shared[l][t] * p->width[up][t][MP_NARROW].port_bits;
}

/* The same for the output: drains and refills of level l, updates of its parent; and what
 * first visits save of the energy. Sums are wide while a reduction loop runs further out
 * than what arrives. What an outer keeper drains was counted narrow where no reduction loop
 * runs outside of it; it is wide when one runs inside of it but outside of l. */
static void add_output(const struct chain *c, int l, double n, struct walk *w)
{
    const struct mp_problem *p = c->p;
    int t = p->out, up = c->parent[l][t];
    bool open = is_open(c, l);
    const struct mp_width *a = &p->width[l][t][c->wide[l][open]];
    const struct mp_width *b = &p->width[up][t][open || c->s->partial_above[up]];
    double up_n = n / c->shared[l][t];
    w->energy_pj -= c->first_pj[l][open];
    w->read_bits[l] += p->drains ? n * a->port_bits : 0;
    w->write_bits[l] += (n - c->first[l]) * a->port_bits;
    w->write_bits[up] += up_n * b->port_bits;
    w->read_bits[up] += (up_n - c->first[up]) * b->port_bits;
    if (p->drains && open && up < c->top && !c->wide[up][0] && !is_open(c, up)) {
        const struct mp_width *o = &p->width[up][t][MP_NARROW];
        w->energy_pj += c->first[up] * (b->read_pj - o->read_pj);
        w->read_bits[up] += c->first[up] * (b->port_bits - o->port_bits);
    }
}

/* The outer keeper's tile of the output was taken as narrow: does it fit as it is? */
static bool parent_fits(const struct chain *c, int l)
{
    int up = c->parent[l][c->p->out];
    double x[MP_DIMS];
    if (!(c->keep[l] >> c->p->out & 1) || up == c->top || !is_open(c, l) || c->wide[up][0] || is_open(c, up)) {
        return true;
    }
    extent_of(c, up, c->at[up], x);
    return mp_tile_bits(c->p, up, c->keep[up], true, x) <= c->p->capacity[up];
}

static double walk_cycles(const struct chain *c, const struct walk *w)
{
    double cycles = c->least_cycles;
    for (int l = 0; l <= c->top; l++) {
        const struct level *v = &c->p->a->level[l];
        double r = w->read_bits[l] / c->s->instances[l];
        double q = w->write_bits[l] / c->s->instances[l];
        double need = r / v->read_bits_per_cycle;
        need = fmax(need, q / v->write_bits_per_cycle);
        need = fmax(need, (r + q) / v->shared_bits_per_cycle);
        cycles = need > cycles ? need : cycles;
    }
    return ceil(cycles * (1 - 1e-12));
}

/* A multiple of node n that fits divides the outer tile too: n is not maximal. */
static bool grows(const struct chain *c, int l, struct mp_node *n)
{
    const struct mapper_work *w = c->w;
    if (l > 0 && c->m->exact) {
        return false;
    }
    uint32_t fits = covers(c, l, n);
    for (int k = 0; k < w->n_covers; k++) {
        int d = w->cover[k].dim;
        if ((fits >> k & 1) && w->times[d][w->cover_at[k][n->at[d]]][c->at[l + 1][d]] != 0) {
            return true;
        }
    }
    return false;
}

static bool divides(const struct chain *c, int l, const struct mp_node *n)
{
    for (int d = 0; d < c->p->nd; d++) {
        if (c->w->times[d][n->at[d]][c->at[l + 1][d]] == 0) {
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
    int n = 0;
    for (int t = 0; t < c->p->nt; t++) {
        if (!(c->keep[l] >> t & 1)) {
            continue;
        }
        double pj = c->pj[l][t][t == c->p->out && is_open(c, l)];
        struct mp_tick *k = &ticks[n++];
        tick_of(c, t, l, l + 1, k);
        double words = k->volume * c->s->instances[l] + least_words(c, t, l, l + 2);
        w->energy_pj += words * pj;
        words += timed ? mp_order_min(loops, k, 1, inner_first(c, l + 1)) : 0;
        k->weight *= pj;
        if (t == c->p->out) {
            double first = c->first[l];
            add_output(c, l, words > first ? words : first, w);
        } else {
            add_operand(c, l, t, words, w);
        }
    }
    w->energy_pj += mp_order_min(loops, ticks, n, inner_first(c, l + 1));
}

static void finish_chain(struct chain *c);
static void descend(struct chain *c, int l, const struct walk *so_far);

/* The levels inside of a node just chosen. A fast search leaves them a part of what is left
 * of its budget, so that no outer tile uses up all of it. */
static void inside(struct chain *c, int l, const struct walk *w)
{
    int64_t left = c->m->budget;
    if (l == 0) {
        finish_chain(c);
        return;
    }
    if (!c->m->exact) {
        c->m->budget = left / 3 + 1;
    }
    int64_t given = c->m->budget;
    descend(c, l - 1, w);
    c->m->budget = left - (given - c->m->budget);
}

static void descend(struct chain *c, int l, const struct walk *so_far)
{
    double cycles = walk_cycles(c, so_far);
    struct mp_node *n;
    for (int i = 0; c->m->budget > 0 && (n = mp_nth_node(c->w, l, i)) != NULL; i++) {
        if (hopeless(c, so_far->energy_pj + n->bound_pj + c->rest_pj[l], cycles)) {
            break;
        }
        c->m->budget--;
        c->m->looked++;
        if (!divides(c, l, n) || grows(c, l, n)) {
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
        if (!hopeless(c, w.energy_pj + c->rest_pj[l], walk_cycles(c, &w))) {
            inside(c, l, &w);
        }
    }
}

/* --- complete chains --------------------------------------------------------------------- */

static void add_spatial(const struct chain *c, int l, struct mapping_level *v)
{
    for (int axis = 0; axis < 2; axis++) {
        for (int d = 0; d < c->p->nd; d++) {
            int64_t f = c->s->f[l][axis][d];
            if (f > 1) {
                v->spatial[v->n_spatial].dim = c->p->dim[d];
                v->spatial[v->n_spatial].bound = f;
                v->spatial[v->n_spatial++].axis = axis ? AXIS_Y : AXIS_X;
            }
        }
    }
}

static void add_temporal(const struct chain *c, const struct mp_loops *l, const uint8_t *order, struct mapping_level *v)
{
    for (int i = l->m - 1; i >= 0; i--) {
        int j = order ? order[i] : i;
        v->temporal[v->n_temporal].dim = c->p->dim[l->dim[j]];
        v->temporal[v->n_temporal++].bound = (int64_t)l->n[j];
    }
}

/* A loop with *all / *bound positions inside it: cut to what the bound needs. */
static void cut(int64_t *bound, int64_t *all, int64_t whole, bool *outermost)
{
    int64_t inner = *all / *bound;
    if (*outermost) {
        int64_t need = (whole + inner - 1) / inner;
        *bound = need < *bound ? need : *bound;
        *outermost = *bound == 1;
    }
    *all = inner;
}

/* Imperfect factors: no outer iteration may be empty. */
static void trim(const struct einsum *e, int d, struct mapping *m)
{
    int64_t all = 1;
    bool outermost = true;
    for (int pass = 0; pass < 2; pass++) {
        for (int l = m->n_levels - 1; l >= 0; l--) {
            struct mapping_level *v = &m->level[l];
            for (int i = 0; i < v->n_temporal + v->n_spatial; i++) {
                bool temporal = i < v->n_temporal;
                int k = temporal ? i : i - v->n_temporal;
                int64_t *bound = temporal ? &v->temporal[k].bound : &v->spatial[k].bound;
                if ((temporal ? v->temporal[k].dim : v->spatial[k].dim) != d) {
                    continue;
                }
                if (pass == 0) {
                    all *= *bound;
                } else {
                    cut(bound, &all, e->bound[d], &outermost);
                }
            }
        }
    }
}

static void price(struct chain *c, const int *label)
{
    struct mp_search *m = c->m;
    struct cost_options how = {.accounting = m->accounting, .fidelity = FIDELITY_BANDWIDTH};
    struct mapping map;
    struct cost cost;
    memset(&map, 0, sizeof map);
    map.n_levels = c->top + 1;
    for (int l = 0; l <= c->top; l++) {
        const uint8_t *order = l > 0 ? c->w->labels.label[label[l]].order : NULL;
        map.level[l].keep = c->keep[l];
        add_temporal(c, &c->loops[l], order, &map.level[l]);
        add_spatial(c, l, &map.level[l]);
    }
    for (int d = 0; d < c->p->nd && c->s->padded_macs > c->p->macs; d++) {
        trim(c->p->e, c->p->dim[d], &map);
    }
    m->priced++;
    if (mapping_check(&map, c->p->a, c->p->e, NULL) == 0 &&
        cost_evaluate(c->p->a, c->p->e, &map, &how, &cost, NULL) == 0) {
        mp_offer(m, &map, cost.energy_pj, cost.cycles);
    }
}

static double padding(const struct chain *c, int l, const struct mp_width *w, double n);

/* Energy of the accesses that physical words add to n words of tensor t taken into level l. */
static double padding_pj(const struct chain *c, int t, int l, double n)
{
    const struct mp_problem *p = c->p;
    int up = c->parent[l][t];
    double out = n / c->shared[l][t];
    if (t != p->out) {
        const struct mp_width *a = &p->width[l][t][MP_NARROW], *b = &p->width[up][t][MP_NARROW];
        return padding(c, l, a, n) * a->write_pj + padding(c, up, b, out) * b->read_pj;
    }
    bool open = is_open(c, l);
    const struct mp_width *a = &p->width[l][t][c->wide[l][open]];
    const struct mp_width *b = &p->width[up][t][open || c->s->partial_above[up]];
    double pj = padding(c, l, a, n - c->first[l]) * a->write_pj + padding(c, up, b, out) * b->write_pj +
                padding(c, up, b, out - c->first[up]) * b->read_pj;
    return pj + (p->drains && c->wide[l][open] == c->wide[l][1] ? padding(c, l, a, n) * a->read_pj : 0);
}

/* The words of every tensor and keeper under one order a level. */
static void weigh(struct chain *c, const int *label, int n_pairs, const int *tensor, const int *keeper, struct walk *w)
{
    bool exact_words = !(c->s->padded_macs > c->p->macs);
    *w = c->start;
    w->energy_pj += exact_words ? c->mac_padding_pj : 0;
    for (int k = 0; k < n_pairs; k++) {
        int t = tensor[k], l = keeper[k];
        double x[MP_DIMS];
        extent_of(c, l, c->at[l], x);
        double words = mp_volume(&c->p->tensor[t], x) * c->s->instances[l];
        for (int u = l + 1; u <= c->top; u++) {
            words += c->w->labels.label[label[u]].words[k] * c->outer[u] * c->s->instances[l];
        }
        w->energy_pj += words * c->pj[l][t][t == c->p->out && is_open(c, l)];
        w->energy_pj += exact_words ? padding_pj(c, t, l, words) : 0;
        if (t == c->p->out) {
            add_output(c, l, words, w);
        } else {
            add_operand(c, l, t, words, w);
        }
    }
}

/* Orders are combined from the innermost level on. */
static void combine(struct chain *c, int u, const int *first, int *label, int n_pairs, const int *tensor,
                    const int *keeper)
{
    if (u > c->top) {
        struct walk w;
        weigh(c, label, n_pairs, tensor, keeper, &w);
        if (!hopeless(c, w.energy_pj, walk_cycles(c, &w))) {
            price(c, label);
        }
        return;
    }
    for (int i = first[u]; i >= 0; i = c->w->labels.label[i].next) {
        label[u] = i;
        combine(c, u + 1, first, label, n_pairs, tensor, keeper);
    }
}

static void finish_chain(struct chain *c)
{
    int tensor[MP_PAIRS], keeper[MP_PAIRS], first[HW_LEVELS], label[HW_LEVELS];
    int n = 0;
    for (int l = 0; l < c->top; l++) {
        for (int t = 0; t < c->p->nt; t++) {
            if (c->keep[l] >> t & 1) {
                tensor[n] = t;
                keeper[n++] = l;
            }
        }
    }
    c->w->labels.n = 0;
    for (int u = 1; u <= c->top; u++) {
        struct mp_tick ticks[MP_PAIRS];
        int seen = 0; /* pairs are sorted by keeper: those below u */
        while (seen < n && keeper[seen] < u) {
            tick_of(c, tensor[seen], keeper[seen], u, &ticks[seen]);
            seen++;
        }
        first[u] = mp_order_pareto(&c->loops[u], ticks, seen, inner_first(c, u), &c->w->labels);
    }
    /* the innermost level's loops, in any order */
    struct mp_loops *in = &c->loops[0];
    in->m = 0;
    for (int d = 0; d < c->p->nd; d++) {
        int64_t iterations = c->w->div[d][c->at[0][d]];
        if (iterations > 1) {
            in->dim[in->m] = d;
            in->n[in->m++] = (double)iterations;
        }
    }
    combine(c, 1, first, label, n, tensor, keeper);
}

/* --- constants of spatial factors and masks ---------------------------------------------- */

static void init_operand(struct chain *c, int t, int l)
{
    const struct mp_problem *p = c->p;
    double share = 1, pj = p->width[l][t][MP_NARROW].write_pj;
    int up = l;
    do {
        up++;
        share *= c->s->share[up][t];
        pj += c->s->hop_pj[up][t] / share * p->width[up][t][MP_NARROW].bits;
    } while (!(c->keep[up] >> t & 1));
    c->parent[l][t] = up;
    c->shared[l][t] = share;
    c->pj[l][t][0] = c->pj[l][t][1] = pj + p->width[up][t][MP_NARROW].read_pj / share;
}

static void init_output(struct chain *c, int l, bool innermost)
{
    const struct mp_problem *p = c->p;
    int t = p->out, up = l;
    double share = 1;
    c->innermost[l] = innermost;
    for (int open = 0; open < 2; open++) {
        c->wide[l][open] = open || c->s->partial_above[l] || (innermost && c->s->partial);
        const struct mp_width *a = &p->width[l][t][c->wide[l][open]], *b;
        double pj = a->write_pj + (p->drains ? a->read_pj : 0), first = c->first[l] * a->write_pj;
        share = 1;
        up = l;
        do {
            up++;
            double before = share;
            share *= c->s->share[up][t];
            b = &p->width[up][t][open || c->s->partial_above[up]];
            pj += c->s->hop_pj[up][t] / share * 2 * b->bits;
            first += c->first[up] * c->s->hop_pj[up][t] * b->bits;
            pj += (1 / before - 1 / share) * p->width[up][t][MP_WIDE].bits * p->a->level[up].add_pj_per_bit;
        } while (!(c->keep[up] >> t & 1));
        c->pj[l][t][open] = pj + (b->read_pj + b->write_pj) / share;
        c->first_pj[l][open] = first + c->first[up] * b->read_pj;
    }
    c->parent[l][t] = up;
    c->shared[l][t] = share;
}

/* Dimensions of ranks of several terms of which one is spatial: with a larger tile the
 * instances hold other words, and what neighbours share changes. */
static uint32_t spread(const struct chain *c, int t)
{
    uint32_t set = 0;
    for (int r = 0; r < c->p->tensor[t].n_ranks; r++) {
        const struct mp_rank *k = &c->p->tensor[t].rank[r];
        uint32_t dims = 0;
        bool spatial = false;
        for (int i = 0; i < k->n_terms; i++) {
            spatial = spatial || c->s->inner[c->top][k->dim[i]] > 1;
            dims |= 1u << k->dim[i];
        }
        set |= spatial && k->n_terms > 1 ? dims : 0;
    }
    return set;
}

static void init_transfers(struct chain *c)
{
    const struct mp_problem *p = c->p;
    double copies = 1;
    for (int l = c->top; l >= 0; l--) {
        c->first[l] = p->volume_out * copies;
        copies *= c->s->share[l][p->out];
    }
    for (int t = 0; t < p->nt; t++) {
        bool below = false;
        for (int l = 0; l < c->top; l++) {
            if (!(c->keep[l] >> t & 1)) {
                c->fixed[l] |= below ? p->tensor[t].relevant : 0;
                c->fixed[l] |= spread(c, t);
                continue;
            }
            c->fixed[l] |= spread(c, t);
            if (t == p->out) {
                init_output(c, l, !below);
            } else {
                init_operand(c, t, l);
            }
            below = true;
        }
    }
}

/* Elements that fill up the last physical word of each instance: `n` elements of all instances of level l. */
static double padding(const struct chain *c, int l, const struct mp_width *w, double n)
{
    double whole = c->p->a->level[l].word_bits / w->port_bits * c->s->instances[l]; /* elements of a word each */
    return whole > c->s->instances[l] ? ceil(n / whole * (1 - 1e-12)) * whole - n : 0;
}

/* MACs, and their operand reads and updates at the innermost level that keeps each. */
static void init_constants(struct chain *c)
{
    const struct mp_problem *p = c->p;
    struct walk *w = &c->start;
    w->energy_pj = p->macs * p->mac_pj;
    for (int t = 0; t < p->nt; t++) {
        bool output = t == p->out;
        double n = c->s->padded_macs;
        for (int l = 0;; l++) {
            double asked = n;
            n /= c->s->share[l][t];
            int wide = output && (c->s->partial || c->s->partial_above[l]);
            const struct mp_width *a = &p->width[l][t][wide];
            double known = output ? n - c->first[l] : 0;
            w->energy_pj += (n + known) * a->bits * c->s->hop_pj[l][t];
            if (output) {
                w->energy_pj += (asked - n) * p->width[l][t][MP_WIDE].bits * p->a->level[l].add_pj_per_bit;
            }
            if (!(c->keep[l] >> t & 1)) {
                continue;
            }
            double reads = output ? known : n, writes = output ? n : 0;
            w->energy_pj += reads * a->read_pj + writes * a->write_pj;
            c->mac_padding_pj += padding(c, l, a, reads) * a->read_pj + padding(c, l, a, writes) * a->write_pj;
            w->read_bits[l] += reads * a->port_bits;
            w->write_bits[l] += writes * a->port_bits;
            break;
        }
    }
}

static void chain_init(struct chain *c, struct mp_search *m, const struct mp_problem *p, const struct mp_spatial *s,
                       const uint32_t *keep)
{
    memset(c, 0, sizeof *c);
    c->p = p;
    c->s = s;
    c->keep = keep;
    c->m = m;
    c->w = m ? m->work : NULL;
    c->top = p->n_levels - 1;
    c->least_cycles = s->cycles;
    init_transfers(c);
    init_constants(c);
}

/* Words of tensor t that some MAC touches: distinct values of a rank of two terms a*i + b*j,
 * i < n, j < m, a and b coprime, are n*m - (n-b)+ (m-a)+. */
static double touched(const struct mp_problem *p, int t)
{
    double words = 1;
    for (int r = 0; r < p->tensor[t].n_ranks; r++) {
        const struct mp_rank *k = &p->tensor[t].rank[r];
        double n = (double)p->bound[k->dim[0]], least = n;
        for (int i = 1; i < k->n_terms; i++) {
            least += (double)p->bound[k->dim[i]] - 1;
        }
        if (k->n_terms == 2) {
            double m = (double)p->bound[k->dim[1]], g = gcd(k->coef[0], k->coef[1]);
            double a = k->coef[0] / g, b = k->coef[1] / g;
            least = n * m - fmax(0, n - b) * fmax(0, m - a);
        }
        words *= least;
    }
    return words;
}

/* Every word once over every link, whatever the tiles are. */
static void least_traffic(const struct chain *c, struct walk *w)
{
    const struct mp_problem *p = c->p;
    *w = c->start;
    for (int t = 0; t < p->nt; t++) {
        double words = touched(p, t);
        for (int l = c->top - 1; l >= 0; l--) {
            for (int d = 0; d < p->nd; d++) {
                bool copied = !(p->tensor[t].relevant >> d & 1);
                words *= copied ? (double)c->s->s[l + 1][d] : 1;
            }
            if (!(c->keep[l] >> t & 1)) {
                continue;
            }
            int up = c->parent[l][t];
            double in = words * p->width[l][t][MP_NARROW].port_bits;
            double out = words / c->shared[l][t] * p->width[up][t][MP_NARROW].port_bits;
            w->energy_pj += words * c->pj[l][t][0];
            if (t != p->out) {
                w->write_bits[l] += in;
                w->read_bits[up] += out;
                continue;
            }
            w->energy_pj -= c->first_pj[l][0];
            w->read_bits[l] += p->drains ? in : 0;
            w->write_bits[up] += out;
        }
    }
}

void mp_floor(const struct mp_problem *p, const struct mp_spatial *s, const uint32_t *keep, double *energy_pj,
              double *cycles)
{
    struct chain c;
    struct walk w;
    chain_init(&c, NULL, p, s, keep);
    least_traffic(&c, &w);
    *cycles = walk_cycles(&c, &w);
    *energy_pj = w.energy_pj + p->leak_pj_per_cycle * *cycles;
}

void mp_chain_search(struct mp_search *m, const struct mp_spatial *s, const uint32_t *keep)
{
    struct chain c;
    struct walk traffic;
    uint8_t full[MP_DIMS];
    chain_init(&c, m, m->p, s, keep);
    least_traffic(&c, &traffic);
    c.least_cycles = walk_cycles(&c, &traffic);
    if (!mp_lattice_init(m->work, m->p->nd, s->rest, m->exact)) {
        m->budget = 0;
        return;
    }
    for (int d = 0; d < m->p->nd; d++) {
        full[d] = (uint8_t)(m->work->n_div[d] - 1);
    }
    c.at[c.top] = full;
    c.outer[c.top] = 1;
    for (int l = 0; l < c.top; l++) {
        collect_nodes(&c, l);
        const struct mp_node *least = mp_nth_node(m->work, l, 0);
        if (!least) {
            return;
        }
        c.rest_pj[l + 1] = c.rest_pj[l] + least->bound_pj;
        if (hopeless(&c, c.start.energy_pj + c.rest_pj[l + 1], c.least_cycles)) {
            return;
        }
    }
    if (c.top == 0) {
        c.at[0] = full;
        finish_chain(&c);
    } else {
        descend(&c, c.top - 1, &c.start);
    }
}
