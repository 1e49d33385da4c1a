/* Bayesian optimization of few, expensive evaluations: the next trial is the point with the best score of the model
 * (surrogate.h), searched for among random points and offspring of the front, then by climbing with shrinking steps.
 * `hybrid` proposes so for a while, then hands all results to evolution. */
#include "base/mem.h"
#include "search/algorithm.h"
#include "search/evolution.h"
#include "search/surrogate.h"
#include "search/variation.h"

#include <math.h>
#include <string.h>

void openblas_set_num_threads(int n);

enum {
    POOL = 400, /* first candidates of a proposal */
    STARTS = 4, /* of them climb, then follow the slope of the score */
    ROUNDS = 12,
    NEIGHBOURS = 12,
    BRED_EVERY = 6,     /* a trial in so many is bred from the front without asking the model, in case it errs */
    HYBRID_LEAST = 250, /* proposed by the model before evolution takes over: half of the plan, within these; */
    HYBRID_MOST = 500,
    HYBRID_MANY = 2000 /* the least for a longer plan, whose evaluations are cheap and make up for it */
};

/* Beyond so many variables a model is good near its data only, and uniform points are everywhere else: half of the candidates come from
 * a region of changing size around the front (Eriksson et al., TuRBO, NeurIPS 2019; Daulton et al., MORBO, UAI 2022). */
enum { TRUST_FROM = 30, TRUST_VARIABLES = 20, TRUST_GOOD = 3, TRUST_BAD = 5 };
/* Where a model errs, as among many local optima, its points would displace everything else in the population at once; so in a long plan evolution
 * begins by itself, on this share of what is left, and gets the model's results then. */
static const double HYBRID_APART = 0.3;
static const double TRUST_FIRST = 0.8, TRUST_LEAST = 0.01, TRUST_MOST = 1.6; /* its side, of each variable's range */

struct bayes {
    struct search *s;
    struct surrogate m;
    struct variation v;
    void *evolution; /* hybrid: takes over at trial `until`; NULL otherwise */
    int64_t until;
    int64_t from, join; /* evolution's trial 0; the trial whose result ends its time by itself, -1: it has none */
    int64_t lag, first; /* first: points of the initial sample */
    double *sample;     /* [first][n] */
    double side;        /* of the trust region */
    int good, bad;      /* trials in a row that entered the archive, that did not */
    int64_t entered;    /* archive.entered before the last result */
};

/* ---- its maximum ---- */

static const double *some_parent(const struct bayes *b, const int *best, int n_best, struct rng *r)
{
    const struct archive *a = &b->s->archive;
    if (a->n > 0) {
        return a->x + rng_below(r, a->n) * b->s->n;
    }
    return b->m.x + (int64_t)best[rng_below(r, n_best)] * b->s->n;
}

/* Up to 10 results of least violation: parents while nothing is feasible. */
static int least_violating(const struct bayes *b, int *best)
{
    int n = 0;
    for (int64_t i = 0; i < b->m.n; i++) {
        int at = n < 10 ? n++ : 9;
        if (at == 9 && n == 10 && i >= 10 && b->m.violation[best[9]] <= b->m.violation[i]) {
            continue;
        }
        for (; at > 0 && b->m.violation[best[at - 1]] > b->m.violation[i]; at--) {
            best[at] = best[at - 1];
        }
        best[at] = (int)i;
    }
    return n;
}

/* A point of the trust region: around a member of the front, in some 20 variables. */
static void trusted(const struct bayes *b, const double *around, struct rng *r, double *x)
{
    const struct space *space = b->s->problem.space;
    int n = space->n, sure = (int)rng_below(r, n);
    memcpy(x, around, (size_t)n * sizeof *x);
    for (int i = 0; i < n; i++) {
        const struct variable *v = &space->var[i];
        if (i != sure && rng_uniform(r) * n >= TRUST_VARIABLES) {
            continue;
        }
        if (v->kind == VARIABLE_CATEGORY || (v->kind == VARIABLE_ORDERED && v->n <= 4)) {
            x[i] = rng_uniform(r) < b->side ? search_uniform_value(v, r) : x[i];
        } else {
            double u = space_to_unit(v, x[i]) + b->side * (rng_uniform(r) - 0.5);
            x[i] = space_from_unit(v, u < 0 ? 0 : u > 1 ? 1 : u);
        }
    }
}

/* The region grows while the model's trials enter the archive, and shrinks while they do not; from a speck it starts anew. */
static void adjust_trust(struct bayes *b)
{
    bool entered = b->s->archive.entered > b->entered;
    b->good = entered ? b->good + 1 : 0;
    b->bad = entered ? 0 : b->bad + 1;
    if (b->good == TRUST_GOOD) {
        b->side = fmin(TRUST_MOST, 2 * b->side);
        b->good = 0;
    } else if (b->bad == TRUST_BAD) {
        b->side = b->side / 2 < TRUST_LEAST ? TRUST_FIRST : b->side / 2;
        b->bad = 0;
    }
}

/* Fills `pool` with points that may be asked: in many dimensions half of them in the trust region; of the others a third uniform, the
 * rest bred from the front. Returns how many. */
static int candidates(struct bayes *b, struct rng *r, int want, double *pool)
{
    struct search *s = b->s;
    int best[10], n_best = least_violating(b, best), n = 0;
    for (int t = 0; t < 4 * want && n < want; t++) {
        double *x = pool + (int64_t)n * s->n;
        if (s->n >= TRUST_FROM && want > 1 && rng_below(r, 2)) {
            trusted(b, some_parent(b, best, n_best, r), r, x);
        } else if (t % 3 == 0 && want > 1) {
            search_uniform(s->problem.space, r, x);
        } else {
            const double *p[3];
            for (int k = 0; k < 3; k++) {
                p[k] = some_parent(b, best, n_best, r);
            }
            variation_make(&b->v, (enum variation_move)rng_below(r, MOVE_COUNT), r, p, x);
        }
        enum search_fresh fresh = search_fresh(s, x);
        n += fresh == SEARCH_FRESH || (fresh == SEARCH_VIOLATES && search_repair(s, r, x));
    }
    return n;
}

static double normal(struct rng *r)
{
    return sqrt(-2 * log(1 - rng_uniform(r))) * cos(2 * M_PI * rng_uniform(r));
}

/* A neighbour of x at the given step, on the scale of the variables' ranges. */
static void neighbour(const struct bayes *b, struct rng *r, const double *x, double step, double *out)
{
    const struct space *space = b->s->problem.space;
    int n = space->n;
    double rate = rng_below(r, 3) ? 1.5 / n : rng_uniform(r);
    memcpy(out, x, (size_t)n * sizeof *x);
    int sure = (int)rng_below(r, n);
    for (int i = 0; i < n; i++) {
        const struct variable *v = &space->var[i];
        if (i != sure && rng_uniform(r) >= rate) {
            continue;
        }
        if (v->kind == VARIABLE_REAL) {
            double u = space_to_unit(v, x[i]) + step * normal(r);
            out[i] = space_from_unit(v, u < 0 ? 0 : u > 1 ? 1 : u);
        } else if (v->kind == VARIABLE_ORDERED && v->n > 2) {
            double by = step * (double)(v->n - 1) * normal(r);
            out[i] = x[i] + (fabs(by) < 1 ? (by < 0 ? -1 : 1) : by);
        } else {
            out[i] = search_uniform_value(v, r);
        }
    }
}

/* Points that climb, and their scores. */
struct climb {
    struct bayes *b;
    double *at, *next; /* [POOL][n] the best STARTS in front; [STARTS * NEIGHBOURS][n] scratch */
    double score[POOL];
    int n, starts;
};

/* The best of the pool to the front. */
static void choose_starts(struct climb *c)
{
    size_t width = (size_t)c->b->s->n;
    for (int k = 0; k < c->starts; k++) {
        int best = k;
        for (int i = k + 1; i < c->n; i++) {
            best = c->score[i] > c->score[best] ? i : best;
        }
        double t = c->score[k], *a = c->at + (size_t)k * width, *z = c->at + (size_t)best * width;
        c->score[k] = c->score[best];
        c->score[best] = t;
        for (size_t j = 0; j < width; j++) {
            t = a[j];
            a[j] = z[j];
            z[j] = t;
        }
    }
}

static void improve(struct climb *c, int k, const double *x, double score)
{
    size_t width = (size_t)c->b->s->n;
    if (score > c->score[k]) {
        c->score[k] = score;
        memcpy(c->at + (size_t)k * width, x, width * sizeof *x);
    }
}

/* Every start moves to the best of some neighbours, if that is better. */
static void climb_round(struct climb *c, struct rng *r, double step)
{
    size_t width = (size_t)c->b->s->n;
    int made = 0, from[STARTS * NEIGHBOURS];
    double score[STARTS * NEIGHBOURS];
    for (int k = 0; k < c->starts; k++) {
        for (int t = 0; t < NEIGHBOURS; t++) {
            double *y = c->next + (size_t)made * width;
            neighbour(c->b, r, c->at + (size_t)k * width, step, y);
            if (search_fresh(c->b->s, y) == SEARCH_FRESH) {
                from[made++] = k;
            }
        }
    }
    if (made > 0) {
        surrogate_score(&c->b->m, c->next, made, score);
    }
    for (int i = 0; i < made; i++) {
        improve(c, from[i], c->next + (size_t)i * width, score[i]);
    }
}

static void follow_slopes(struct climb *c)
{
    size_t width = (size_t)c->b->s->n;
    for (int k = 0; k < c->starts; k++) {
        double *y = c->next + (size_t)k * width, score;
        memcpy(y, c->at + (size_t)k * width, width * sizeof *y);
        surrogate_refine(&c->b->m, y);
        if (search_fresh(c->b->s, y) == SEARCH_FRESH) {
            surrogate_score(&c->b->m, y, 1, &score);
            improve(c, k, y, score);
        }
    }
}

/* x: the best point found that may be asked. */
static bool maximise(struct bayes *b, struct rng *r, double *x)
{
    size_t width = (size_t)b->s->n;
    struct climb c = {.b = b};
    c.at = mem_calloc((size_t)POOL * width, sizeof *c.at);
    c.next = mem_calloc((size_t)(STARTS * NEIGHBOURS) * width, sizeof *c.next);
    c.n = candidates(b, r, POOL, c.at);
    c.starts = c.n < STARTS ? c.n : STARTS;
    if (c.n > 0) {
        surrogate_score(&b->m, c.at, c.n, c.score);
        choose_starts(&c);
        double step = 0.2;
        for (int round = 0; round < ROUNDS; round++, step *= 0.65) {
            climb_round(&c, r, step);
        }
        follow_slopes(&c);
        int best = 0;
        for (int k = 1; k < c.starts; k++) {
            best = c.score[k] > c.score[best] ? k : best;
        }
        memcpy(x, c.at + (size_t)best * width, width * sizeof *x);
    }
    mem_free(c.at);
    mem_free(c.next);
    return c.n > 0;
}

/* ---- the algorithm ---- */

static void *create(struct search *s, int64_t until, enum survival rule)
{
    struct bayes *b = mem_calloc(1, sizeof *b);
    openblas_set_num_threads(1); /* its sums change with the number of threads */
    b->s = s;
    b->side = TRUST_FIRST;
    b->until = until;
    b->lag = s->options.lag > 0 ? s->options.lag : 1;
    b->first = 2 * s->n + 2;
    b->first = b->first > s->options.plan / 6 ? s->options.plan / 6 : b->first;
    b->first = b->first < 8 ? 8 : b->first;
    b->first = b->first < s->options.n_start ? s->options.n_start : b->first;
    b->sample = search_latin(s, (int)b->first);
    variation_init(&b->v, s->problem.space);
    surrogate_init(&b->m, s, b->first + 1 - b->lag > 8 ? b->first + 1 - b->lag : 8);
    b->evolution = until < s->options.plan ? evolution_create(s, rule) : NULL;
    b->join = -1;
    if (b->evolution && s->options.plan > HYBRID_MANY) {
        b->from = until;
        b->join = until + (int64_t)(HYBRID_APART * (double)(s->options.plan - until));
        evolution_apart(b->evolution, true);
    }
    return b;
}

static void destroy(void *state)
{
    struct bayes *b = state;
    if (b->evolution) {
        evolution_destroy(b->evolution);
    }
    variation_release(&b->v);
    surrogate_release(&b->m);
    mem_free(b->sample);
    mem_free(b);
}

static int64_t needs(const void *state, int64_t k)
{
    const struct bayes *b = state;
    int64_t last = b->evolution && k >= b->until ? b->until - 1 : k, own = last >= b->first ? last + 1 - b->lag : 0;
    own = own > 0 ? own : 0;
    int64_t evolved = b->evolution && k >= b->until ? b->from + evolution_needs(b->evolution, k - b->from) : 0;
    return own > evolved ? own : evolved;
}

static bool propose(void *state, int64_t k, double *x)
{
    struct bayes *b = state;
    struct search *s = b->s;
    struct rng r;
    if (b->evolution && k >= b->until) {
        return evolution_propose(b->evolution, k - b->from, x);
    }
    rng_init(&r, s->options.seed, (uint64_t)k, RNG_ACQUIRE);
    bool found = false;
    if (k < b->first) {
        search_initial(s, b->sample, k, x);
        found = search_fresh(s, x) == SEARCH_FRESH || search_repair(s, &r, x);
    } else if (k % BRED_EVERY == 0 && b->m.n > 0 && candidates(b, &r, 1, x) == 1) {
        found = true;
    } else if (surrogate_learn(&b->m, k)) {
        found = maximise(b, &r, x);
    }
    found = found || search_any(s, &r, x);
    surrogate_remember(&b->m, k, x);
    return found;
}

static void result(void *state, int64_t k, const double *x, const double *f, const double *g, double violation)
{
    struct bayes *b = state;
    if (b->evolution && k >= b->from) {
        evolution_result(b->evolution, k - b->from, x, f, g, violation);
    }
    if (b->evolution && k == b->join) {
        evolution_apart(b->evolution, false);
        evolution_immigrate(b->evolution, b->s->archive.n, b->s->archive.x, b->s->archive.f);
    }
    if (k >= b->until) {
        return;
    }
    surrogate_add(&b->m, k, f, g, violation);
    if (k >= b->first) {
        adjust_trust(b);
    }
    b->entered = b->s->archive.entered;
}

static bool recall(void *state, int64_t k, const double *x)
{
    struct bayes *b = state;
    if (b->evolution && k >= b->until) {
        double *own = mem_calloc((size_t)b->s->n, sizeof *own);
        bool same =
            evolution_propose(b->evolution, k - b->from, own) && memcmp(own, x, (size_t)b->s->n * sizeof *x) == 0;
        mem_free(own);
        return same;
    }
    surrogate_remember(&b->m, k, x);
    return true;
}

/* The model knows trials only; evolution, once it takes over, all. */
static void immigrate(void *state, int n, const double *x, const double *f)
{
    const struct bayes *b = state;
    if (b->evolution) {
        evolution_immigrate(b->evolution, n, x, f);
    }
}

static void *create_bayes(struct search *s, struct err *err)
{
    (void)err;
    return create(s, INT64_MAX, SURVIVE_VOLUME);
}

static void *create_hybrid(struct search *s, struct err *err)
{
    (void)err;
    int64_t half = s->options.plan > HYBRID_MANY ? 0 : s->options.plan / 2;
    int64_t until = half < HYBRID_LEAST ? HYBRID_LEAST : half > HYBRID_MOST ? HYBRID_MOST : half;
    until = until < s->options.plan ? until : INT64_MAX;
    return create(s, until, s->m <= 3 ? SURVIVE_VOLUME : SURVIVE_SHIFT);
}

const struct search_ops search_bayes_ops = {create_bayes, destroy, needs, propose, result, recall, NULL};
const struct search_ops search_hybrid_ops = {create_hybrid, destroy, needs, propose, result, recall, immigrate};
