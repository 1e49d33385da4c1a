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
    double base[MP_TENSORS]; /* words a MAC: volume / |extent|, 0 when not kept */
    double bound_pj;         /* least energy of this level's transfers */
    uint32_t fits;           /* covers (one prime more) that fit as well */
    bool grown;              /* fits is known */
    uint8_t at[MP_DIMS];     /* index of tau in the dimension's divisors */
};

struct key {
    double pj;
    int i;
};

struct level_nodes {
    struct node node[MAX_NODES + 1];
    struct key heap[MAX_NODES]; /* those not yet asked for */
    int16_t sorted[MAX_NODES];  /* by bound, the smallest first */
    int n_heap, n_sorted;
};

struct mapper_work {
    int n_div[MP_DIMS];
    int64_t div[MP_DIMS][MAX_DIVISORS];
    int16_t times[MP_DIMS][MAX_DIVISORS]
                 [MAX_DIVISORS]; /* div[j] / div[i], 0: not whole */
    int n_covers;
    struct {
        int dim;
        int16_t prime;
    } cover[MAX_COVERS];
    int8_t cover_at[MAX_COVERS][MAX_DIVISORS]; /* index of div * prime; -1 */
    double loops[MP_DIMS][MAX_DIVISORS];       /* rest / div */
    struct level_nodes level[HW_LEVELS];
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
    int parent[HW_LEVELS][MP_TENSORS]; /* next outer level that keeps the tensor */
    double pj
        [HW_LEVELS][MP_TENSORS]
        [2]; /* of one word fetched into level l; output: by whether a reduction runs outside */
    double first_pj[HW_LEVELS][2]; /* what first visits of the output save of that */
    bool wide[HW_LEVELS][2]; /* width at level l by whether a reduction runs outside */
    double first[HW_LEVELS]; /* words of the output first visited, all instances */
    double shared[HW_LEVELS][MP_TENSORS]; /* multicast between level l and its parent */
    double rest_pj[HW_LEVELS + 1];        /* least energy of the levels below l */
    double const_pj;
    int top;                      /* n_levels - 1 */
    uint32_t fixed[HW_LEVELS];    /* dimensions in which a tile need not be maximal */
    const uint8_t *at[HW_LEVELS]; /* the walk's nodes */
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
            w->loops[d][i] = (double)rest[d] / (double)w->div[d][i];
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

/* Share of a tile that is new when dimension d ticks by `step` over tile x. */
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
            double share = coef * step / extent;
            return share < 1 ? share : 1;
        }
    }
    return 1;
}

/* --- nodes of a level ---------------------------------------------------------------- */

/* Volumes are kept as products over the dimensions d, d+1, ..: to step the first
 * dimension of the lattice costs one multiplication a tensor and the sliding ranks. */
struct scan {
    double x[MP_DIMS];
    double loops[MP_DIMS];                 /* iterations left outside */
    double plain[MP_DIMS + 1][MP_TENSORS]; /* volume without sliding ranks */
    double run[MP_DIMS + 1]
              [MP_TENSORS]; /* iterations left that do not move the tensor */
    double size[MP_DIMS + 1];
    double coef[MP_TENSORS]
               [MP_DIMS]; /* of a rank of one term; 0: not relevant, -1: sliding */
};

static void scan_init(const struct chain *c, struct scan *s)
{
    const struct mp_problem *p = c->p;
    memset(s->coef, 0, sizeof s->coef);
    s->size[p->nd] = 1;
    for (int t = 0; t < p->nt; t++) {
        const struct mp_tensor *mt = &p->tensor[t];
        s->plain[p->nd][t] = s->run[p->nd][t] = 1;
        for (int r = 0; r < mt->n_ranks; r++) {
            const struct mp_rank *k = &mt->rank[r];
            for (int i = 0; i < k->n_terms; i++) {
                s->coef[t][k->dim[i]] = k->n_terms > 1 ? -1 : k->coef[i];
            }
        }
    }
}

static void scan_set(const struct chain *c, int l, int from, const uint8_t *at,
                     struct scan *s)
{
    const struct mp_problem *p = c->p;
    for (int d = from; d >= 0; d--) {
        double x = (double)(c->s->inner[l][d] * c->w->div[d][at[d]]);
        double loops = c->w->loops[d][at[d]];
        s->x[d] = x;
        s->loops[d] = loops;
        s->size[d] = s->size[d + 1] * x;
        for (int t = 0; t < p->nt; t++) {
            double k = s->coef[t][d];
            s->plain[d][t] = s->plain[d + 1][t] * (k > 0 ? 1 + k * (x - 1) : 1);
            s->run[d][t] = s->run[d + 1][t] * (k < 0 || k > 0 ? 1 : loops);
        }
    }
}

/* Volume of tensor t at the scan's tile, and the least share of it that is new when one
 * of its sliding dimensions ticks all its remaining iterations. */
static double scan_volume(const struct mp_problem *p, const struct scan *s, int t,
                          double *keeps)
{
    const struct mp_tensor *mt = &p->tensor[t];
    double v = s->plain[0][t];
    *keeps = 1;
    if (!mt->sliding) {
        return v;
    }
    for (int r = 0; r < mt->n_ranks; r++) {
        const struct mp_rank *k = &mt->rank[r];
        double extent = 1;
        if (k->n_terms == 1) {
            continue;
        }
        for (int i = 0; i < k->n_terms; i++) {
            extent += k->coef[i] * (s->x[k->dim[i]] - 1);
        }
        for (int i = 0; i < k->n_terms; i++) {
            double n = s->loops[k->dim[i]];
            double f = k->coef[i] * s->x[k->dim[i]] / extent;
            double h = f < 1 ? (1 + (n - 1) * f) / n : 1;
            *keeps = h < *keeps ? h : *keeps;
        }
        v *= extent;
    }
    return v;
}

/* Fills a node from the scan; false when its tiles do not fit. bound_pj: least energy of
 * the transfers into the level, one tensor stationary for as long as can be. */
static bool scan_node(const struct chain *c, int l, const struct scan *s,
                      struct node *v)
{
    const struct mp_problem *p = c->p;
    double bits = 0, sum = 0, most = 0, keeps;
    int held = c->s->partial || c->s->partial_above[l];
    for (int t = 0; t < p->nt; t++) {
        int width = MP_NARROW;
        v->base[t] = 0;
        if (!(c->keep[l] >> t & 1)) {
            continue;
        }
        double volume = scan_volume(p, s, t, &keeps);
        bits += ceil(volume * p->width[l][t][held].port_bits);
        v->base[t] = volume / s->size[0];
        if (t == p->out) {
            width = s->run[0][t] > 1;
            sum -= c->first_pj[l][width] / c->s->padded_macs;
        }
        double pj = v->base[t] * c->pj[l][t][width] * keeps;
        double saved = pj * (1 - 1 / s->run[0][t]);
        sum += pj;
        most = saved > most ? saved : most;
    }
    v->bound_pj = (sum - most) * c->s->padded_macs;
    v->grown = false;
    return bits <= c->p->capacity[l];
}

/* Which covers of a node fit too; asked of few nodes, so found when asked. */
static uint32_t covers(const struct chain *c, int l, struct node *n)
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
        if (w->cover_at[k][n->at[d]] >= 0 && !(c->fixed[l] >> d & 1)) {
            double before = x[d];
            x[d] *= w->cover[k].prime;
            n->fits |= (uint32_t)(mp_tile_bits(c->p, l, c->keep[l], held, x) <=
                                  c->p->capacity[l])
                       << k;
            x[d] = before;
        }
    }
    n->grown = true;
    return n->fits;
}

static bool key_less(const struct key *a, const struct key *b)
{
    return a->pj < b->pj || (!(b->pj < a->pj) && a->i < b->i);
}

static void sift(struct key *heap, int n, int i)
{
    struct key k = heap[i];
    for (;;) {
        int j = 2 * i + 1;
        if (j >= n) {
            break;
        }
        j += j + 1 < n && key_less(&heap[j + 1], &heap[j]);
        if (!key_less(&heap[j], &k)) {
            break;
        }
        heap[i] = heap[j];
        i = j;
    }
    heap[i] = k;
}

/* The k-th node of a level by its bound, or NULL: a heap gives up as many as are asked. */
static struct node *nth_node(struct mapper_work *w, int l, int k)
{
    struct level_nodes *v = &w->level[l];
    while (v->n_sorted <= k && v->n_heap > 0) {
        v->sorted[v->n_sorted++] = (int16_t)v->heap[0].i;
        v->heap[0] = v->heap[--v->n_heap];
        if (v->n_heap > 0) {
            sift(v->heap, v->n_heap, 0);
        }
    }
    return k < v->n_sorted ? &v->node[v->sorted[k]] : NULL;
}

static void collect_nodes(const struct chain *c, int l)
{
    struct mapper_work *w = c->w;
    struct level_nodes *v = &w->level[l];
    uint8_t at[MP_DIMS] = {0};
    struct scan s;
    int n = 0, d = c->p->nd - 1;
    v->n_sorted = 0;
    scan_init(c, &s);
    while (d < c->p->nd) {
        scan_set(c, l, d, at, &s);
        bool fits = scan_node(c, l, &s, &v->node[n]);
        if (fits) {
            memcpy(v->node[n].at, at, sizeof at);
            v->heap[n] = (struct key){v->node[n].bound_pj, n};
            n++;
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
    v->n_heap = n;
    for (int i = n / 2 - 1; i >= 0; i--) {
        sift(v->heap, n, i);
    }
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

/* Adds the transfers of n words (all instances) of operand t into level l. */
static void add_operand(const struct chain *c, int l, int t, double n, struct walk *w)
{
    const struct mp_problem *p = c->p;
    int up = c->parent[l][t];
    w->energy_pj += n * c->pj[l][t][MP_NARROW];
    w->write_bits[l] += n * p->width[l][t][MP_NARROW].port_bits;
    w->read_bits[up] += n / c->shared[l][t] * p->width[up][t][MP_NARROW].port_bits;
}

/* Does a reduction loop run outside of level l? */
static bool is_open(const struct chain *c, int l)
{
    for (int d = 0; d < c->p->nd; d++) {
        if ((c->p->reduction >> d & 1) &&
            c->w->times[d][c->at[l][d]][c->at[c->top][d]] != 1) {
            return true;
        }
    }
    return false;
}

/* The same for the output: drains and refills of level l, updates of its parent. Sums are
 * wide while a reduction loop runs further out than what arrives. What an outer keeper
 * drains was counted narrow where no reduction loop runs outside of it; it is wide when one
 * runs inside of it but outside of l. */
static void add_output(const struct chain *c, int l, double n, struct walk *w)
{
    const struct mp_problem *p = c->p;
    int t = p->out, up = c->parent[l][t];
    bool open = is_open(c, l);
    const struct mp_width *a = &p->width[l][t][c->wide[l][open]];
    const struct mp_width *b = &p->width[up][t][open || c->s->partial_above[up]];
    double up_n = n / c->shared[l][t];
    w->energy_pj += n * c->pj[l][t][open] - c->first_pj[l][open];
    w->read_bits[l] += n * a->port_bits;
    w->write_bits[l] += (n - c->first[l]) * a->port_bits;
    w->write_bits[up] += up_n * b->port_bits;
    w->read_bits[up] += (up_n - c->first[up]) * b->port_bits;
    if (open && up < c->top && !c->wide[up][0] && !is_open(c, up)) {
        const struct mp_width *o = &p->width[up][t][MP_NARROW];
        w->energy_pj += c->first[up] * (b->read_pj - o->read_pj);
        w->read_bits[up] += c->first[up] * (b->port_bits - o->port_bits);
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
static bool grows(const struct chain *c, int l, struct node *n)
{
    const struct mapper_work *w = c->w;
    uint32_t fits = covers(c, l, n);
    for (int k = 0; k < w->n_covers; k++) {
        int d = w->cover[k].dim;
        if ((fits >> k & 1) &&
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
                if (t == p->out) {
                    add_output(c, l, x * c->s->padded_macs, &w);
                } else {
                    add_operand(c, l, t, x * c->s->padded_macs, &w);
                }
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
    double cycles = walk_cycles(c, so_far);
    struct node *n;
    for (int i = 0; *c->budget > 0 && (n = nth_node(c->w, l, i)) != NULL; i++) {
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

static void init_first_visits(struct chain *c)
{
    double copies = 1;
    for (int l = c->top; l >= 0; l--) {
        c->first[l] = c->p->volume_out * copies;
        copies *= c->s->share[l][c->p->out];
    }
}

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
    for (int open = 0; open < 2; open++) {
        c->wide[l][open] =
            open || c->s->partial_above[l] || (innermost && c->s->partial);
        const struct mp_width *a = &p->width[l][t][c->wide[l][open]], *b;
        double pj = a->write_pj + a->read_pj, first = c->first[l] * a->write_pj;
        share = 1;
        up = l;
        do {
            up++;
            double before = share;
            share *= c->s->share[up][t];
            b = &p->width[up][t][open || c->s->partial_above[up]];
            pj += c->s->hop_pj[up][t] / share * 2 * b->bits;
            first += c->first[up] * c->s->hop_pj[up][t] * b->bits;
            pj += (1 / before - 1 / share) * p->width[up][t][MP_WIDE].bits *
                  p->a->level[up].add_pj_per_bit;
        } while (!(c->keep[up] >> t & 1));
        c->pj[l][t][open] = pj + (b->read_pj + b->write_pj) / share;
        c->first_pj[l][open] = first + c->first[up] * b->read_pj;
    }
    c->parent[l][t] = up;
    c->shared[l][t] = share;
}

static void init_transfers(struct chain *c)
{
    const struct mp_problem *p = c->p;
    init_first_visits(c);
    for (int t = 0; t < p->nt; t++) {
        bool below = false;
        for (int l = 0; l < c->top; l++) {
            if (!(c->keep[l] >> t & 1)) {
                c->fixed[l] |= below ? p->tensor[t].relevant : 0;
                continue;
            }
            if (t == p->out) {
                init_output(c, l, !below);
            } else {
                init_operand(c, t, l);
            }
            below = true;
        }
    }
}

/* MACs, and their operand reads and updates at the innermost level that keeps each. */
static void init_constants(struct chain *c, struct walk *w)
{
    const struct mp_problem *p = c->p;
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
                w->energy_pj += (asked - n) * p->width[l][t][MP_WIDE].bits *
                                p->a->level[l].add_pj_per_bit;
            }
            if (!(c->keep[l] >> t & 1)) {
                continue;
            }
            double reads = output ? known : n, writes = output ? n : 0;
            w->energy_pj += reads * a->read_pj + writes * a->write_pj;
            w->read_bits[l] += reads * a->port_bits;
            w->write_bits[l] += writes * a->port_bits;
            break;
        }
    }
}

bool mp_chain_search(const struct mp_problem *p, const struct mp_spatial *s,
                     const uint32_t *keep, enum goal goal, struct mapper_work *w,
                     int64_t *budget, struct mp_best *best)
{
    struct chain c = {.p = p,
                      .s = s,
                      .keep = keep,
                      .goal = goal,
                      .w = w,
                      .budget = budget,
                      .best = best,
                      .top = p->n_levels - 1};
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
        const struct node *least = nth_node(w, l, 0);
        if (!least) {
            return false;
        }
        c.rest_pj[l + 1] = c.rest_pj[l] + least->bound_pj;
        if (worse(&c, start.energy_pj + c.rest_pj[l + 1], s->cycles)) {
            return true;
        }
    }
    if (c.top == 0) {
        record(&c, &start);
    } else {
        descend(&c, c.top - 1, &start);
    }
    return true;
}
