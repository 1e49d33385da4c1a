/* The tiles of one level, and a lower bound of what each makes of the level's own transfers (docs/mapper.md). */
#include "costmodel/mapper_chain.h"

#include <math.h>
#include <string.h>

double chain_gcd(double a, double b)
{
    while (b > 0) {
        double r = fmod(a, b);
        a = b;
        b = r;
    }
    return a;
}

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
            g = n > 1 ? (looped++ ? chain_gcd(step, g) : step) : g;
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
static double scan_bound(const struct chain *c, int l, const struct scan *s, const double *volume)
{
    const struct mp_problem *p = c->p;
    double sum = 0, most = 0, saved[MP_TENSORS];
    double iterations = c->s->padded_macs / s->size[0];
    for (int t = 0; t < p->nt; t++) {
        saved[t] = 0;
        if (!(c->keep[l] >> t & 1)) {
            continue;
        }
        double pj = volume[t] * iterations * c->pj[l][t];
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
    bound -= c->keep[l] >> p->out & 1 ? c->first_pj[l] : 0;
    return bound > 0 ? bound : 0;
}

/* Volumes of the tiles kept at level l; false when they do not fit, partial sums being held or not. */
static bool scan_fits(const struct chain *c, int l, const struct scan *s, bool held, double *volume)
{
    const struct mp_problem *p = c->p;
    double bits = 0;
    for (int t = 0; t < p->nt; t++) {
        if (c->keep[l] >> t & 1) {
            volume[t] = scan_volume(p, s, t);
            bits += volume[t] * p->width[l][t][held].port_bits;
        }
    }
    return bits + p->nt <= p->capacity[l] ||
           (bits <= p->capacity[l] && mp_tile_bits(p, l, c->keep[l], held, s->x) <= p->capacity[l]);
}

/* Fills a node from the scan; false when its tiles do not fit. */
static bool scan_node(const struct chain *c, int l, const struct scan *s, struct mp_node *v)
{
    const struct mp_problem *p = c->p;
    double volume[MP_TENSORS];
    bool held = c->held_wide[l] || s->run[0][p->out] > 1; /* a reduction loop is left outside */
    if (!scan_fits(c, l, s, held, volume)) {
        return false;
    }
    v->bound_pj = scan_bound(c, l, s, volume);
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

void chain_extent(const struct chain *c, int l, const uint8_t *at, double *x)
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
uint32_t chain_covers(const struct chain *c, int l, struct mp_node *n)
{
    const struct mapper_work *w = c->w;
    double x[MP_DIMS];
    bool held = c->s->partial || c->s->partial_above[l];
    if (n->grown) {
        return n->fits;
    }
    chain_extent(c, l, n->at, x);
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

void chain_collect(const struct chain *c, int l)
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
        if (fits && !chain_hopeless(c, before + v->node[n].bound_pj, c->least_cycles)) {
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

/* The least mean share of a tile that is new once a loop that moves it stands right above: one of a sliding rank, or all is new. */
static double least_share(const struct chain *c, int t, const struct scan *s, const uint8_t *at, double tick)
{
    const struct mp_inner *in = &c->w->inner;
    const struct mp_tensor *mt = &c->p->tensor[t];
    double others = s->all[0] / s->moves[0][t], least = 1;
    for (int r = 0; r < mt->n_ranks; r++) {
        const struct mp_rank *k = &mt->rank[r];
        double own = 1;
        for (int i = 0; i < k->n_terms; i++) {
            own *= k->n_terms > 1 ? s->loops[k->dim[i]] : 1;
        }
        if (!(own > 1)) {
            continue;
        }
        int i = at[k->dim[0]] * c->w->n_div[k->dim[1]] + at[k->dim[1]];
        double u = own / others, share = tick;
        if (in->slides[t][r] && in->slide[t][r][0][i] >= 0) {
            share = (1 - u) * in->slide[t][r][0][i] + u * in->slide[t][r][1][i];
        }
        least = share < least ? share : least;
    }
    return least;
}

static void tabulate_slides(const struct chain *c, int l)
{
    struct mp_inner *in = &c->w->inner;
    for (int t = 0; t < c->p->nt; t++) {
        const struct mp_tensor *mt = &c->p->tensor[t];
        for (int r = 0; r < mt->n_ranks; r++) {
            in->slides[t][r] =
                (c->keep[l] >> t & 1) && chain_slide(c, l, &mt->rank[r], in->slide[t][r][0], in->slide[t][r][1]);
        }
    }
}

void chain_tabulate(const struct chain *c, int l, double *const *moved, double *const *stays, uint8_t *fits)
{
    const struct mp_problem *p = c->p;
    uint8_t at[MP_DIMS] = {0};
    struct scan s;
    scan_init(c, &s);
    tabulate_slides(c, l);
    for (int i = 0, d = p->nd - 1; d < p->nd; i++) {
        double volume[MP_TENSORS];
        scan_set(c, l, d, at, &s);
        double iterations = c->s->padded_macs / s.size[0];
        bool held = c->held_wide[l] || s.run[0][p->out] > 1;
        bool may_widen = (c->keep[l] >> p->out & 1) && !held && !c->innermost[l];
        fits[i] = scan_fits(c, l, &s, held, volume) ? MP_FITS : MP_NO_FIT;
        if (fits[i] && may_widen && !scan_fits(c, l, &s, true, volume)) {
            fits[i] = MP_FITS_SEALED;
        }
        for (int t = 0; t < p->nt; t++) {
            double once = 0, tick = 1;
            if (!(c->keep[l] >> t & 1)) {
                continue;
            }
            if (p->tensor[t].sliding) {
                scan_sliding(p, &s, t, &once, &tick);
                tick = least_share(c, t, &s, at, tick);
                tick = tick > once ? tick : once;
            }
            double share = tick / s.run[0][t];
            moved[t][i] = volume[t] * iterations * tick;
            stays[t][i] = volume[t] * iterations * (share > once ? share : once);
        }
        d = 0;
        while (d < p->nd && ++at[d] == c->w->n_div[d]) {
            at[d++] = 0;
        }
    }
}
