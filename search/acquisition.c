/* Candidates: half or two thirds bred from the front, the rest uniform; from TRUST_FROM variables on half of all lie in a trust region. The best few
 * climb with shrinking steps, then follow the slope of the score over the real variables. */
#include "search/acquisition.h"

#include "base/mem.h"

#include <math.h>
#include <string.h>

enum {
    POOL = 400, /* first candidates of a proposal */
    STARTS = 4, /* of them climb, then follow the slope of the score */
    ROUNDS = 12,
    NEIGHBOURS = 12,
    PARENTS = 10, /* the least infeasible, while nothing is feasible */
    BREED_TRIES = 4
};

/* Beyond so many variables a model is good near its data only, and uniform points are everywhere else: half of the candidates come from
 * a region of changing size around the front (Eriksson et al., TuRBO, NeurIPS 2019; Daulton et al., MORBO, UAI 2022). */
enum { TRUST_FROM = 30, TRUST_VARIABLES = 20, TRUST_GOOD = 3, TRUST_BAD = 5 };
static const double TRUST_FIRST = 0.8, TRUST_LEAST = 0.01, TRUST_MOST = 1.6; /* its side, of each variable's range */

void acquisition_init(struct acquisition *a, struct search *s, struct surrogate *m, const struct variation *v)
{
    *a = (struct acquisition){.s = s, .m = m, .v = v, .side = TRUST_FIRST};
}

static const double *some_parent(const struct acquisition *a, const int *best, int n_best, struct rng *r)
{
    const struct archive *front = &a->s->archive;
    if (front->n > 0) {
        return front->x + rng_below(r, front->n) * a->s->n;
    }
    return a->m->x + (int64_t)best[rng_below(r, n_best)] * a->s->n;
}

/* Up to PARENTS results of least violation: parents while nothing is feasible. */
static int least_violating(const struct acquisition *a, int *best)
{
    int n = 0;
    for (int64_t i = 0; i < a->m->n; i++) {
        int at = n < PARENTS ? n++ : PARENTS - 1;
        if (at == PARENTS - 1 && n == PARENTS && i >= PARENTS &&
            a->m->violation[best[PARENTS - 1]] <= a->m->violation[i]) {
            continue;
        }
        for (; at > 0 && a->m->violation[best[at - 1]] > a->m->violation[i]; at--) {
            best[at] = best[at - 1];
        }
        best[at] = (int)i;
    }
    return n;
}

/* A point of the trust region: around a member of the front, in some 20 variables. */
static void trusted(const struct acquisition *a, const double *around, struct rng *r, double *x)
{
    const struct space *space = a->s->problem.space;
    int n = space->n, sure = (int)rng_below(r, n);
    memcpy(x, around, (size_t)n * sizeof *x);
    for (int i = 0; i < n; i++) {
        const struct variable *v = &space->var[i];
        if (i != sure && rng_uniform(r) * n >= TRUST_VARIABLES) {
            continue;
        }
        if (v->kind == VARIABLE_CATEGORY || (v->kind == VARIABLE_ORDERED && v->n <= 4)) {
            x[i] = rng_uniform(r) < a->side ? search_uniform_value(v, r) : x[i];
        } else {
            double u = space_to_unit(v, x[i]) + a->side * (rng_uniform(r) - 0.5);
            x[i] = space_from_unit(v, u < 0 ? 0 : u > 1 ? 1 : u);
        }
    }
}

/* The region grows while the model's trials enter the archive, and shrinks while they do not; from a speck it starts anew. */
void acquisition_adjust(struct acquisition *a, bool entered)
{
    a->good = entered ? a->good + 1 : 0;
    a->bad = entered ? 0 : a->bad + 1;
    if (a->good == TRUST_GOOD) {
        a->side = fmin(TRUST_MOST, 2 * a->side);
        a->good = 0;
    } else if (a->bad == TRUST_BAD) {
        a->side = a->side / 2 < TRUST_LEAST ? TRUST_FIRST : a->side / 2;
        a->bad = 0;
    }
}

/* A point bred from the front by this move. */
static void offspring(const struct acquisition *a, enum variation_move move, const int *best, int n_best, struct rng *r,
                      double *x)
{
    const double *p[3];
    for (int k = 0; k < 3; k++) {
        p[k] = some_parent(a, best, n_best, r);
    }
    variation_make(a->v, move, r, p, x);
}

bool acquisition_breed(const struct acquisition *a, enum variation_move move, struct rng *r, double *x)
{
    int best[PARENTS], n_best = least_violating(a, best);
    for (int t = 0; t < BREED_TRIES; t++) {
        offspring(a, move, best, n_best, r, x);
        enum search_fresh fresh = search_fresh(a->s, x);
        if (fresh == SEARCH_FRESH || (fresh == SEARCH_VIOLATES && search_repair(a->s, r, x))) {
            return true;
        }
    }
    return false;
}

/* Fills `pool` with points that may be asked: in many dimensions half of them in the trust region; of the others a third uniform, the
 * rest bred from the front. Returns how many. */
static int candidates(const struct acquisition *a, struct rng *r, double *pool)
{
    struct search *s = a->s;
    int best[PARENTS], n_best = least_violating(a, best), n = 0;
    for (int t = 0; t < 4 * POOL && n < POOL; t++) {
        double *x = pool + (int64_t)n * s->n;
        if (s->n >= TRUST_FROM && rng_below(r, 2)) {
            trusted(a, some_parent(a, best, n_best, r), r, x);
        } else if (t % 3 == 0) {
            search_uniform(s->problem.space, r, x);
        } else {
            offspring(a, (enum variation_move)rng_below(r, MOVE_COUNT), best, n_best, r, x);
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
static void neighbour(const struct acquisition *a, struct rng *r, const double *x, double step, double *out)
{
    const struct space *space = a->s->problem.space;
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
    const struct acquisition *a;
    double *at, *next; /* [POOL][n] the best STARTS in front; [STARTS * NEIGHBOURS][n] scratch */
    double score[POOL];
    int n, starts;
};

/* The best of the pool to the front. */
static void choose_starts(struct climb *c)
{
    size_t width = (size_t)c->a->s->n;
    for (int k = 0; k < c->starts; k++) {
        int best = k;
        for (int i = k + 1; i < c->n; i++) {
            best = c->score[i] > c->score[best] ? i : best;
        }
        double t = c->score[k], *y = c->at + (size_t)k * width, *z = c->at + (size_t)best * width;
        c->score[k] = c->score[best];
        c->score[best] = t;
        for (size_t j = 0; j < width; j++) {
            t = y[j];
            y[j] = z[j];
            z[j] = t;
        }
    }
}

static void improve(struct climb *c, int k, const double *x, double score)
{
    size_t width = (size_t)c->a->s->n;
    if (score > c->score[k]) {
        c->score[k] = score;
        memcpy(c->at + (size_t)k * width, x, width * sizeof *x);
    }
}

/* Every start moves to the best of some neighbours, if that is better. */
static void climb_round(struct climb *c, struct rng *r, double step)
{
    size_t width = (size_t)c->a->s->n;
    int made = 0, from[STARTS * NEIGHBOURS];
    double score[STARTS * NEIGHBOURS];
    for (int k = 0; k < c->starts; k++) {
        for (int t = 0; t < NEIGHBOURS; t++) {
            double *y = c->next + (size_t)made * width;
            neighbour(c->a, r, c->at + (size_t)k * width, step, y);
            if (search_fresh(c->a->s, y) == SEARCH_FRESH) {
                from[made++] = k;
            }
        }
    }
    if (made > 0) {
        surrogate_score(c->a->m, c->next, made, score);
    }
    for (int i = 0; i < made; i++) {
        improve(c, from[i], c->next + (size_t)i * width, score[i]);
    }
}

static void follow_slopes(struct climb *c)
{
    size_t width = (size_t)c->a->s->n;
    for (int k = 0; k < c->starts; k++) {
        double *y = c->next + (size_t)k * width, score;
        memcpy(y, c->at + (size_t)k * width, width * sizeof *y);
        surrogate_refine(c->a->m, y);
        if (search_fresh(c->a->s, y) == SEARCH_FRESH) {
            surrogate_score(c->a->m, y, 1, &score);
            improve(c, k, y, score);
        }
    }
}

/* x: the best point found that may be asked. */
bool acquisition_best(const struct acquisition *a, struct rng *r, double *x)
{
    size_t width = (size_t)a->s->n;
    struct climb c = {.a = a};
    c.at = mem_calloc((size_t)POOL * width, sizeof *c.at);
    c.next = mem_calloc((size_t)(STARTS * NEIGHBOURS) * width, sizeof *c.next);
    c.n = candidates(a, r, c.at);
    c.starts = c.n < STARTS ? c.n : STARTS;
    if (c.n > 0) {
        surrogate_score(a->m, c.at, c.n, c.score);
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
