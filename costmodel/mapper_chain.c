/* The chain search: tiles level by level, outermost first, for given spatial factors and
 * given keep masks.
 *
 * A node is a vector tau of temporal iterations inside a level (tau divides `rest` in each
 * dimension); the tile is inner * tau. All levels draw from one lattice of nodes. At a
 * level the nodes that fit are sorted by a lower bound of what their own level's transfers
 * cost (runs as long as the whole operator allows); a depth-first walk takes them in that
 * order and stops a level when the bound of the walk so far, of the node and of the levels
 * inside reaches the incumbent.
 *
 * Only maximal tiles count: to take a factor of the loops above into a tile never adds
 * traffic, neither there nor further in (docs/mapper.md), so a node of which a multiple
 * fits, under the same outer tile, is skipped. Not so for a dimension of a tensor that
 * bypasses the level: there the loop would come between it and its run further out.
 *
 * Loops of one level, innermost first: those that the stationary tensor does not depend
 * on, then the others; in each group first the one whose sliding window keeps most. */
#include "costmodel/mapper_problem.h"

#include "base/mem.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DIVISORS = 48, MAX_NODES = 2048, MAX_COVERS = 30 };

struct node {
    double base[MP_TENSORS];   /* words a MAC: volume / |extent|, 0 when not kept */
    double bound_pj;           /* least energy of this level's transfers */
    uint32_t fits;             /* covers (one prime more) that fit as well */
    uint8_t at[MP_DIMS];       /* index of tau in the dimension's divisors */
};

struct mapper_work {
    int n_div[MP_DIMS];
    int64_t div[MP_DIMS][MAX_DIVISORS];
    int16_t times[MP_DIMS][MAX_DIVISORS][MAX_DIVISORS]; /* div[j] / div[i], 0: not whole */
    int n_covers;
    struct {
        int dim;
        int16_t prime;
    } cover[MAX_COVERS];
    int8_t cover_at[MAX_COVERS][MAX_DIVISORS];          /* index of div * prime; -1 */
    int n_nodes[HW_LEVELS];
    struct node node[HW_LEVELS][MAX_NODES];
    struct {
        double key;
        int i;
    } order[HW_LEVELS][MAX_NODES];
};

struct mapper_work *mapper_work_new(void)
{
    return mem_alloc(sizeof(struct mapper_work));
}

void mapper_work_free(struct mapper_work *w)
{
    mem_free(w);
}

/* What the walk carries from level to level. */
struct walk {
    double energy_pj;
    double read_bits[HW_LEVELS], write_bits[HW_LEVELS]; /* all instances */
};

struct chain {
    const struct mp_problem *p;
    const struct mp_spatial *s;
    const uint32_t *keep;
    enum goal goal;
    struct mapper_work *w;
    int64_t *budget;
    struct mp_best *best;
    int parent[HW_LEVELS][MP_TENSORS];      /* next outer level that keeps the tensor */
    double pj[HW_LEVELS][MP_TENSORS];       /* of one word fetched into level l */
    double shared[HW_LEVELS][MP_TENSORS];   /* multicast between level l and its parent */
    double rest_pj[HW_LEVELS + 1];          /* least energy of the levels below l */
    double const_pj;
    int top;                                /* n_levels - 1 */
    uint32_t fixed[HW_LEVELS];              /* dimensions in which a tile need not be maximal */
    const uint8_t *at[HW_LEVELS];           /* the walk's nodes */
    int stationary[HW_LEVELS], window[HW_LEVELS];
};

/* --- lattice --------------------------------------------------------------------- */

/* Drops inner divisors of the longest lists until the lattice is small enough. */
static void thin(struct mapper_work *w, int nd)
{
    for (;;) {
        double n = 1;
        int longest = 0;
        for (int d = 0; d < nd; d++) {
            n *= w->n_div[d];
            if (w->n_div[d] > w->n_div[longest]) {
                longest = d;
            }
        }
        if (n <= MAX_NODES) {
            return;
        }
        int64_t *v = w->div[longest];
        int at = 1;
        double least = INFINITY;
        for (int i = 1; i + 1 < w->n_div[longest]; i++) {
            double gap = (double)v[i + 1] / (double)v[i - 1];
            if (gap < least) {
                least = gap;
                at = i;
            }
        }
        w->n_div[longest]--;
        memmove(v + at, v + at + 1, (size_t)(w->n_div[longest] - at) * sizeof *v);
    }
}

static void lattice_init(struct mapper_work *w, int nd, const int64_t *rest)
{
    w->n_covers = 0;
    for (int d = 0; d < nd; d++) {
        w->n_div[d] = 0;
        for (int64_t f = 1; f <= rest[d] / f; f++) {
            if (rest[d] % f == 0 && w->n_div[d] < MAX_DIVISORS / 2) {
                w->div[d][w->n_div[d]++] = f;
            }
        }
        for (int i = w->n_div[d] - 1; i >= 0; i--) {
            int64_t f = rest[d] / w->div[d][i];
            if (f != w->div[d][i] && f > w->div[d][w->n_div[d] - 1]) {
                w->div[d][w->n_div[d]++] = f;
            }
        }
    }
    thin(w, nd);
    for (int d = 0; d < nd; d++) {
        for (int i = 0; i < w->n_div[d]; i++) {
            for (int j = 0; j < w->n_div[d]; j++) {
                bool whole = w->div[d][j] % w->div[d][i] == 0;
                int64_t q = whole ? w->div[d][j] / w->div[d][i] : 0;
                w->times[d][i][j] = (int16_t)(q > INT16_MAX ? 0 : q);
            }
        }
        for (int i = 0; i < w->n_div[d] && w->n_covers < MAX_COVERS; i++) {
            bool prime = w->div[d][i] > 1; /* minimal above 1 among those kept */
            for (int j = 1; j < i; j++) {
                prime = prime && w->div[d][i] % w->div[d][j] != 0;
            }
            if (!prime) {
                continue;
            }
            int c = w->n_covers++;
            w->cover[c].dim = d;
            w->cover[c].prime = (int16_t)w->div[d][i];
            for (int j = 0; j < w->n_div[d]; j++) {
                w->cover_at[c][j] = -1;
                for (int k = j + 1; k < w->n_div[d]; k++) {
                    if (w->div[d][k] == w->div[d][j] * w->div[d][i]) {
                        w->cover_at[c][j] = (int8_t)k;
                    }
                }
            }
        }
    }
}

static void extent_of(const struct chain *c, int l, const uint8_t *at, double *x)
{
    for (int d = 0; d < c->p->nd; d++) {
        x[d] = (double)(c->s->inner[l][d] * c->w->div[d][at[d]]);
    }
}

static bool node_fits(const struct chain *c, int l, const double *x)
{
    return mp_tile_bits(c->p, c->keep[l], x) <= c->p->capacity[l];
}

/* Share of a tile that is new when dimension d ticks at the level above tile x. */
static double fresh(const struct mp_tensor *t, int d, const double *x, double step)
{
    for (int r = 0; r < t->n_ranks; r++) {
        const struct mp_rank *k = &t->rank[r];
        double extent = 1, coef = 0;
        for (int i = 0; i < k->n_terms; i++) {
            extent += k->coef[i] * (x[k->dim[i]] - 1);
            coef = k->dim[i] == d ? k->coef[i] : coef;
        }
        if (coef > 0) {
            double new = coef * step / extent;
            return new < 1 ? new : 1;
        }
    }
    return 1;
}

/* Least energy of the transfers into level l with the tile of node n. */
static double node_bound(const struct chain *c, int l, const struct node *n,
                         const double *x)
{
    const struct mp_problem *p = c->p;
    double pj[MP_TENSORS], sum = 0, most = 0;
    for (int t = 0; t < p->nt; t++) {
        double run = 1, keeps = 1;
        const struct mp_tensor *mt = &p->tensor[t];
        pj[t] = n->base[t] * c->pj[l][t];
        for (int d = 0; d < p->nd; d++) {
            double loops = (double)c->s->rest[d] / (double)c->w->div[d][n->at[d]];
            if (!(mt->relevant >> d & 1)) {
                run *= loops;
            } else if ((mt->sliding >> d & 1) && loops > 1) {
                double f = fresh(mt, d, x, x[d]);
                double h = (1 + (loops - 1) * f) / loops;
                keeps = h < keeps ? h : keeps;
            }
        }
        sum += pj[t] * keeps;
        double saved = pj[t] * keeps * (1 - 1 / run);
        most = saved > most ? saved : most;
    }
    return (sum - most) * c->s->padded_macs;
}

static void collect_nodes(struct chain *c, int l)
{
    struct mapper_work *w = c->w;
    const struct mp_problem *p = c->p;
    uint8_t at[MP_DIMS] = {0};
    double x[MP_DIMS];
    int n = 0;
    extent_of(c, l, at, x);
    for (;;) {
        bool fits = node_fits(c, l, x);
        if (fits) {
            struct node *v = &w->node[l][n];
            double size = 1;
            memcpy(v->at, at, sizeof v->at);
            for (int d = 0; d < p->nd; d++) {
                size *= x[d];
            }
            for (int t = 0; t < p->nt; t++) {
                v->base[t] = c->keep[l] >> t & 1 ? mp_volume(&p->tensor[t], x) / size : 0;
            }
            v->fits = 0;
            for (int k = 0; k < w->n_covers; k++) {
                int d = w->cover[k].dim;
                if (w->cover_at[k][at[d]] < 0 || (c->fixed[l] >> d & 1)) {
                    continue;
                }
                double keep_x = x[d];
                x[d] *= w->cover[k].prime;
                v->fits |= (uint32_t)node_fits(c, l, x) << k;
                x[d] = keep_x;
            }
            if (l < c->top - 1 || v->fits == 0) {
                v->bound_pj = node_bound(c, l, v, x);
                n++;
            }
        }
        int d = 0; /* next node; a dimension that no longer fits is as good as full */
        while (d < p->nd && (!fits || ++at[d] == w->n_div[d])) {
            if (!fits && at[d] == 0) {
                d++;
                continue;
            }
            at[d] = 0;
            x[d] = (double)c->s->inner[l][d];
            fits = true;
            d++;
        }
        if (d == p->nd) {
            break;
        }
        x[d] = (double)(c->s->inner[l][d] * w->div[d][at[d]]);
    }
    w->n_nodes[l] = n;
}

static int by_key(const void *a, const void *b)
{
    const struct {
        double key;
        int i;
    } *x = a, *y = b;
    if (x->key < y->key || x->key > y->key) {
        return x->key < y->key ? -1 : 1;
    }
    return (x->i > y->i) - (x->i < y->i);
}

static void sort_nodes(struct mapper_work *w, int l)
{
    for (int i = 0; i < w->n_nodes[l]; i++) {
        w->order[l][i].key = w->node[l][i].bound_pj;
        w->order[l][i].i = i;
    }
    qsort(w->order[l], (size_t)w->n_nodes[l], sizeof w->order[l][0], by_key);
}

/* --- walk ------------------------------------------------------------------------- */

static double loops_at(const struct chain *c, int level, int d)
{
    return c->w->times[d][c->at[level - 1][d]][c->at[level][d]];
}

/* Words a MAC that tensor t fetches into level l: base / run * window. */
static double words(const struct chain *c, int l, int t, double base, int *window)
{
    const struct mp_tensor *mt = &c->p->tensor[t];
    double run = 1;
    for (int u = l + 1; u <= c->top; u++) {
        double same = 1;
        bool moves = false;
        for (int d = 0; d < c->p->nd; d++) {
            double n = loops_at(c, u, d);
            if (mt->relevant >> d & 1) {
                moves = moves || n > 1;
            } else {
                same *= n;
            }
        }
        if (!moves) {
            run *= same;
            continue;
        }
        int st = c->stationary[u];
        if (st == t) {
            run *= same;
        }
        double keeps = 1;
        uint32_t slide = mt->sliding;
        if (st >= 0 && st != t) {
            slide &= ~c->p->tensor[st].relevant;
        }
        if (slide) {
            double x[MP_DIMS];
            extent_of(c, l, c->at[l], x);
            for (int d = 0; d < c->p->nd; d++) {
                double n = loops_at(c, u, d);
                if (!(slide >> d & 1) || n <= 1) {
                    continue;
                }
                double step = (double)(c->s->inner[u - 1][d] * c->s->s[u][d] *
                                       c->w->div[d][c->at[u - 1][d]]);
                double h = (1 + (n - 1) * fresh(mt, d, x, step)) / n;
                if (h < keeps) {
                    keeps = h;
                    *window = d;
                }
            }
        }
        return base / run * keeps;
    }
    return base / run;
}

/* Adds the transfers of `n` words (all instances) of tensor t into level l. */
static void add_transfer(const struct chain *c, int l, int t, double n, struct walk *w)
{
    const struct mp_problem *p = c->p;
    int up = c->parent[l][t];
    double bits = n * p->bits[t];
    double up_bits = bits / c->shared[l][t];
    w->energy_pj += n * c->pj[l][t];
    w->write_bits[l] += bits;
    w->read_bits[up] += up_bits;
    if (p->tensor[t].output) {
        w->read_bits[l] += bits;
        w->write_bits[up] += up_bits;
    }
}

static double walk_cycles(const struct chain *c, const struct walk *w)
{
    double cycles = c->s->cycles;
    for (int l = 0; l <= c->top; l++) {
        const struct level *v = &c->p->a->level[l];
        double n = c->s->instances[l];
        double r = w->read_bits[l] / n, q = w->write_bits[l] / n;
        double a = r / v->read_bits_per_cycle;
        double b = q / v->write_bits_per_cycle;
        double both = (r + q) / v->shared_bits_per_cycle;
        cycles = a > cycles ? a : cycles;
        cycles = b > cycles ? b : cycles;
        cycles = both > cycles ? both : cycles;
    }
    return cycles;
}

static bool worse(const struct chain *c, double energy_pj, double cycles)
{
    const struct mp_best *b = c->best;
    double e = energy_pj + c->p->leak_pj_per_cycle * cycles;
    double v = mp_goal(c->goal, e, cycles);
    if (!b->found || v < b->value * (1 - 1e-12)) {
        return false;
    }
    if (v > b->value * (1 + 1e-12)) {
        return true;
    }
    return !(e < b->energy_pj * (1 - 1e-12) || cycles < b->cycles * (1 - 1e-12));
}

static void record(const struct chain *c, const struct walk *w)
{
    struct mp_best *b = c->best;
    double cycles = ceil(walk_cycles(c, w));
    if (worse(c, w->energy_pj, cycles)) {
        return;
    }
    b->found = true;
    b->energy_pj = w->energy_pj + c->p->leak_pj_per_cycle * cycles;
    b->cycles = cycles;
    b->value = mp_goal(c->goal, b->energy_pj, cycles);
    b->spatial = *c->s;
    memcpy(b->keep, c->keep, sizeof b->keep);
    for (int l = 0; l <= c->top; l++) {
        b->chain.stationary[l] = c->stationary[l];
        b->chain.window[l] = c->window[l];
        for (int d = 0; d < c->p->nd; d++) {
            b->chain.tau[l][d] = c->w->div[d][c->at[l][d]];
        }
    }
}

/* A multiple of node n that fits divides the outer tile too: n is not maximal. */
static bool grows(const struct chain *c, int l, const struct node *n)
{
    const struct mapper_work *w = c->w;
    for (int k = 0; k < w->n_covers; k++) {
        int d = w->cover[k].dim;
        if ((n->fits >> k & 1) &&
            w->times[d][w->cover_at[k][n->at[d]]][c->at[l + 1][d]] != 0) {
            return true;
        }
    }
    return false;
}

static void descend(struct chain *c, int l, const struct walk *so_far);

static void with_node(struct chain *c, int l, const struct node *n,
                      const struct walk *so_far)
{
    const struct mp_problem *p = c->p;
    int forced = l == 0 ? (int)p->a->dataflow.stationary : TENSOR_ROLE_COUNT;
    bool any = false;
    c->at[l] = n->at;
    for (int st = 0; st <= p->nt; st++) {
        if (st < p->nt) {
            uint32_t loops = 0;
            for (int d = 0; d < p->nd; d++) {
                loops |= (uint32_t)(loops_at(c, l + 1, d) > 1) << d;
            }
            if (!(loops & ~p->tensor[st].relevant)) {
                continue;
            }
            if (forced != TENSOR_ROLE_COUNT && (int)p->tensor[st].role != forced) {
                continue;
            }
        } else if (any) {
            break;
        }
        any = true;
        c->stationary[l + 1] = st < p->nt ? st : -1;
        c->window[l + 1] = -1;
        struct walk w = *so_far;
        for (int t = 0; t < p->nt; t++) {
            if (n->base[t] > 0) {
                double x = words(c, l, t, n->base[t], &c->window[l + 1]);
                add_transfer(c, l, t, x * c->s->padded_macs, &w);
            }
        }
        if (worse(c, w.energy_pj + c->rest_pj[l], walk_cycles(c, &w))) {
            continue;
        }
        if (l == 0) {
            record(c, &w);
        } else {
            descend(c, l - 1, &w);
        }
    }
}

static bool divides(const struct chain *c, int l, const struct node *n)
{
    for (int d = 0; d < c->p->nd; d++) {
        if (c->w->times[d][n->at[d]][c->at[l + 1][d]] == 0) {
            return false;
        }
    }
    return true;
}

static void descend(struct chain *c, int l, const struct walk *so_far)
{
    const struct mapper_work *w = c->w;
    double cycles = walk_cycles(c, so_far);
    for (int i = 0; i < w->n_nodes[l] && *c->budget > 0; i++) {
        const struct node *n = &w->node[l][w->order[l][i].i];
        if (worse(c, so_far->energy_pj + n->bound_pj + c->rest_pj[l], cycles)) {
            break;
        }
        --*c->budget;
        if (divides(c, l, n) && !grows(c, l, n)) {
            with_node(c, l, n, so_far);
        }
    }
}

/* --- constants of spatial factors and masks ------------------------------------------ */

static void init_transfers(struct chain *c)
{
    const struct mp_problem *p = c->p;
    for (int t = 0; t < p->nt; t++) {
        bool below = false;
        for (int l = 0; l < c->top; l++) {
            double share = 1;
            if (!(c->keep[l] >> t & 1)) {
                c->pj[l][t] = 0;
                c->fixed[l] |= below ? p->tensor[t].relevant : 0;
                continue;
            }
            below = true;
            int up = l + 1;
            double pj = p->write_pj[l][t];
            if (p->tensor[t].output) {
                pj += p->read_pj[l][t];
            }
            for (;; up++) {
                share *= c->s->share[up][t];
                pj += c->s->net_pj[up][t] / share;
                if (c->keep[up] >> t & 1) {
                    break;
                }
            }
            pj += p->read_pj[up][t] / share;
            if (p->tensor[t].output) {
                pj += p->write_pj[up][t] / share;
            }
            c->parent[l][t] = up;
            c->shared[l][t] = share;
            c->pj[l][t] = pj;
        }
    }
}

/* Operand reads of the MACs at the innermost level that keeps each tensor, MACs, and first
 * visits of output words, which need neither refill nor accumulation. */
static void init_constants(struct chain *c, struct walk *w)
{
    const struct mp_problem *p = c->p;
    w->energy_pj = p->macs * p->mac_pj;
    for (int t = 0; t < p->nt; t++) {
        int l = 0;
        double n = c->s->padded_macs / c->s->share[0][t];
        w->energy_pj += n * c->s->net_pj[0][t];
        while (!(c->keep[l] >> t & 1)) {
            l++;
            n /= c->s->share[l][t];
            w->energy_pj += n * c->s->net_pj[l][t];
        }
        w->energy_pj += n * p->read_pj[l][t];
        w->read_bits[l] += n * p->bits[t];
        if (!p->tensor[t].output) {
            continue;
        }
        w->energy_pj += n * p->write_pj[l][t];
        w->write_bits[l] += n * p->bits[t];
        for (double copies = 1; l <= c->top; l++) {
            copies = 1;
            for (int b = l + 1; b <= c->top; b++) {
                copies *= c->s->share[b][t];
            }
            if (!(c->keep[l] >> t & 1)) {
                continue;
            }
            double first = p->volume_out * copies;
            double fill = l < c->top ? p->write_pj[l][t] : 0;
            w->energy_pj -= first * (p->read_pj[l][t] + fill);
            w->read_bits[l] -= first * p->bits[t];
            w->write_bits[l] -= l < c->top ? first * p->bits[t] : 0;
        }
    }
}

bool mp_chain_search(const struct mp_problem *p, const struct mp_spatial *s,
                     const uint32_t *keep, enum goal goal, struct mapper_work *w,
                     int64_t *budget, struct mp_best *best)
{
    struct chain c = {.p = p, .s = s, .keep = keep, .goal = goal, .w = w,
                      .budget = budget, .best = best, .top = p->n_levels - 1};
    struct walk start;
    uint8_t full[MP_DIMS];
    memset(&start, 0, sizeof start);
    init_transfers(&c);
    init_constants(&c, &start);
    lattice_init(w, p->nd, s->rest);
    for (int d = 0; d < p->nd; d++) {
        full[d] = (uint8_t)(w->n_div[d] - 1);
    }
    c.at[c.top] = full;
    c.stationary[0] = c.window[0] = -1;
    for (int l = 0; l < c.top; l++) {
        collect_nodes(&c, l);
        if (w->n_nodes[l] == 0) {
            return false;
        }
        sort_nodes(w, l);
        c.rest_pj[l + 1] = c.rest_pj[l] + w->node[l][w->order[l][0].i].bound_pj;
    }
    if (c.top == 0) {
        record(&c, &start);
    } else {
        descend(&c, c.top - 1, &start);
    }
    return true;
}
