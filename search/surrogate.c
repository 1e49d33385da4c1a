/* What the model is, and why so (measured in docs/search.md):
 * - hyper-parameters, bends and scales are chosen at fixed numbers of results from those results alone (law 1): what is kept
 *   between proposals is a cache;
 * - trials in flight stand in the data with their predicted values (Kriging believer, Ginsbourger, Le Riche, Carraro, 2010). */
#include "search/surrogate.h"

#include "base/mem.h"
#include "search/dominance.h"
#include "search/hypervolume.h"

#include <assert.h>
#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    FIT_MAX = 300,        /* results that hyper-parameters are chosen from, the best ranked */
    FIT_EVALUATIONS = 10, /* of the likelihood */
    ENOUGH = 3            /* results that did not fail, to learn anything from */
};
/* In the unit box of the front. Two objectives: a point beyond one end of the front is often worse in the other objective than
 * the box's edge, and yet worth asking for. With three, such points are mostly worthless ones that make the box larger. */
static const double REFERENCE = 1.1, REFERENCE_TWO = 1.5;
/* Their extremes make the box so large early on that all within it looks alike: every other proposal is for the box of this share of the front. */
static const double INSIDE = 0.85;

void surrogate_init(struct surrogate *b, struct search *s, int64_t first, int most)
{
    size_t m = (size_t)s->m;
    memset(b, 0, sizeof *b);
    b->s = s;
    b->first = first;
    b->most = most;
    features_init(&b->features, s->problem.space, s->options.seed);
    targets_init(&b->targets, s->m, s->c);
    b->n_gp = s->m + s->c + 1;
    b->gp = mem_calloc((size_t)b->n_gp, sizeof *b->gp);
    b->known = mem_calloc((size_t)b->n_gp, sizeof *b->known);
    for (int q = 0; q < b->n_gp; q++) {
        gp_init(&b->gp[q], (struct gp_shape){b->features.d, s->n, b->features.variable});
    }
    b->low = mem_calloc(2 * m, sizeof *b->low);
    b->high = b->low + m;
    b->optimism = -gsl_cdf_ugaussian_Pinv(0.5 * pow(0.5, 1 / (double)m)); /* Ponweiser et al.: 0.20 for 4, 0.14 for 6 */
    b->reference = m == 2 ? REFERENCE_TWO : REFERENCE;
}

void surrogate_release(struct surrogate *b)
{
    for (int q = 0; q < b->n_gp; q++) {
        gp_release(&b->gp[q]);
    }
    ehvi_release(&b->ehvi);
    mem_free(b->gp);
    features_release(&b->features);
    targets_release(&b->targets);
    mem_free(b->base);
    mem_free(b->known);
    mem_free(b->row);
    mem_free(b->x);
    mem_free(b->f);
    mem_free(b->g);
    mem_free(b->violation);
    mem_free(b->low);
    mem_free(b->front);
    memset(b, 0, sizeof *b);
}

/* ---- the model ---- */

int64_t surrogate_checkpoint(const struct surrogate *b, int64_t n)
{
    int64_t at = b->first;
    while (at + 3 + at / 10 <= n) {
        at += 3 + at / 10;
    }
    return at < n ? at : n;
}

/* Results to learn from at a checkpoint, the best ranked first: all, or so many. */
static void choose_base(struct surrogate *b, int64_t n)
{
    const struct search *s = b->s;
    int *rank = mem_calloc((size_t)n + 1, sizeof *rank);
    int fronts = n > FIT_MAX ? dominance_sort_constrained(b->f, b->violation, (int)n, s->m, rank) : 1;
    b->base = mem_realloc(b->base, (size_t)n + 1, sizeof *b->base);
    b->n_base = 0;
    for (int front = 0; front < fronts && b->n_base < b->most; front++) {
        for (int i = (int)n - 1; i >= 0 && b->n_base < b->most; i--) { /* the newest first */
            if (rank[i] == front) {
                b->base[b->n_base++] = i;
            }
        }
    }
    mem_free(rank);
}

/* Does process q learn from result i? From a failed evaluation only that it failed. */
static bool teaches(const struct surrogate *b, int q, int64_t i)
{
    return q == b->n_gp - 1 || isfinite(b->violation[i]);
}

static double target(const struct surrogate *b, int q, int64_t i)
{
    const struct search *s = b->s;
    return q < s->m          ? targets_objective(&b->targets, q, b->f[i * s->m + q])
           : q < s->m + s->c ? targets_constraint(&b->targets, q - s->m, b->g[i * s->c + q - s->m])
                             : (isfinite(b->violation[i]) ? -1 : 1);
}

bool surrogate_models(const struct surrogate *b, int q)
{
    int m = b->s->m, c = b->s->c;
    return q < m ? true : q < m + c ? b->targets.limit[q - m] > 0 : b->targets.failures;
}

/* Hyper-parameters from the best of the base, and the process on all of it. */
static void fit_one(struct surrogate *b, int q)
{
    size_t room = (size_t)b->n_base + 1, d = (size_t)b->features.d;
    double *x = mem_alloc(room * d * sizeof *x), *y = mem_alloc(room * sizeof *y);
    int n = 0;
    for (int k = 0; k < b->n_base; k++) {
        int64_t i = b->base[k];
        if (teaches(b, q, i)) {
            y[n] = target(b, q, i);
            memcpy(x + (size_t)n++ * d, b->row + (size_t)i * d, d * sizeof *x);
        }
    }
    gp_fit(&b->gp[q], x, y, n < FIT_MAX ? n : FIT_MAX, FIT_EVALUATIONS);
    gp_rows(&b->gp[q], x, n);
    b->known[q] = b->fitted;
    mem_free(x);
    mem_free(y);
}

/* Adds what became known since; then what is in flight, at its predicted values. */
static void learn_one(struct surrogate *b, int q, int64_t asked)
{
    struct gp *g = &b->gp[q];
    for (; b->known[q] < b->n; b->known[q]++) {
        if (teaches(b, q, b->known[q])) {
            gp_append(g, b->row + b->known[q] * b->features.d);
        }
    }
    int n = 0, n_pending = (int)(asked - b->n);
    double *y = mem_alloc((size_t)(g->n + n_pending + 1) * sizeof *y),
           *sd = mem_alloc((size_t)n_pending * sizeof *sd + 8);
    for (int k = 0; k < b->n_base; k++) {
        if (teaches(b, q, b->base[k])) {
            y[n++] = target(b, q, b->base[k]);
        }
    }
    for (int64_t i = b->fitted; i < b->n; i++) {
        if (teaches(b, q, i)) {
            y[n++] = target(b, q, i);
        }
    }
    assert(n == g->n);
    gp_targets(g, y);
    if (n_pending > 0) {
        const double *pending = b->row + b->n * b->features.d;
        gp_predict(g, pending, n_pending, y + n, sd);
        for (int i = 0; i < n_pending; i++) {
            gp_append(g, pending + (int64_t)i * b->features.d);
        }
        gp_targets(g, y);
    }
    mem_free(y);
    mem_free(sd);
}

/* Takes back the rows in flight, which learn_one() adds for one proposal only. */
static void forget_pending(struct surrogate *b)
{
    for (int q = 0; q < b->n_gp; q++) {
        int n = 0;
        for (int k = 0; k < b->n_base; k++) {
            n += teaches(b, q, b->base[k]);
        }
        for (int64_t i = b->fitted; i < b->known[q]; i++) {
            n += teaches(b, q, i);
        }
        if (surrogate_models(b, q)) {
            gp_truncate(&b->gp[q], n);
        }
    }
}

/* Adds a point in flight to the front at its predicted values, unless it is predicted to be infeasible or to fail. */
static void believe(struct surrogate *b, const double *row)
{
    int m = b->s->m;
    double *at = b->front + (int64_t)b->n_front * m, mean, sd;
    for (int q = m; q < b->n_gp; q++) {
        if (surrogate_models(b, q)) {
            gp_predict(&b->gp[q], row, 1, &mean, &sd);
            if (mean > 0) {
                return;
            }
        }
    }
    for (int j = 0; j < m; j++) {
        gp_predict(&b->gp[j], row, 1, &mean, &sd);
        at[j] = (mean - b->low[j]) / (b->high[j] - b->low[j]);
    }
    b->n_front++;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The front's box by objective j: from its least to its greatest value or, `inside`, to what INSIDE of its members stay below. */
static void measure_front(struct surrogate *b, int j, bool inside)
{
    const struct search *s = b->s;
    int n = s->archive.n;
    double *v = mem_alloc(((size_t)n + 1) * sizeof *v);
    for (int i = 0; i < n; i++) {
        v[i] = targets_objective(&b->targets, j, s->archive.f[(int64_t)i * s->m + j]);
    }
    qsort(v, (size_t)n, sizeof *v, by_size);
    b->low[j] = n > 0 ? v[0] : HUGE_VAL;
    b->high[j] = n > 0 ? v[inside ? (int)(INSIDE * (n - 1)) : n - 1] : -HUGE_VAL;
    if (!(b->high[j] > b->low[j])) { /* one point: its box is the results' range */
        b->low[j] = b->targets.bend[j] - b->targets.width[j];
        b->high[j] = b->targets.bend[j];
    }
    mem_free(v);
}

/* The front in its unit box, with points in flight. */
static void place_front(struct surrogate *b, int n_pending, bool inside)
{
    const struct search *s = b->s;
    int m = s->m, known = s->archive.n;
    b->front = mem_realloc(b->front, (size_t)(known + n_pending + 1) * (size_t)m, sizeof *b->front);
    for (int j = 0; j < m; j++) {
        measure_front(b, j, inside);
        for (int i = 0; i < known; i++) {
            double v = targets_objective(&b->targets, j, s->archive.f[(int64_t)i * m + j]);
            b->front[(int64_t)i * m + j] = (v - b->low[j]) / (b->high[j] - b->low[j]);
        }
    }
    b->n_front = known;
    for (int i = 0; i < n_pending && known > 0; i++) {
        believe(b, b->row + (b->n + i) * b->features.d);
    }
    ehvi_release(&b->ehvi);
    if (m == 2 || m == 3) {
        const double reference[3] = {b->reference, b->reference, b->reference};
        ehvi_init(&b->ehvi, b->front, b->n_front, m, reference);
    }
}

void surrogate_add(struct surrogate *b, int64_t k, const double *f, const double *g, double violation)
{
    const struct search *s = b->s;
    if (b->n == b->cap) {
        b->cap = b->cap ? 2 * b->cap : 64;
        b->f = mem_realloc(b->f, (size_t)b->cap * (size_t)s->m, sizeof *b->f);
        b->g = mem_realloc(b->g, (size_t)b->cap * (size_t)s->c + 1, sizeof *b->g);
        b->violation = mem_realloc(b->violation, (size_t)b->cap, sizeof *b->violation);
    }
    assert(k == b->n);
    memcpy(b->f + k * s->m, f, (size_t)s->m * sizeof *f);
    memcpy(b->g + k * s->c, g, (size_t)s->c * sizeof *g);
    b->violation[k] = violation;
    b->n++;
}

void surrogate_remember(struct surrogate *b, int64_t k, const double *x)
{
    if (k >= b->cap_asked) {
        b->cap_asked = 2 * k + 64;
        b->x = mem_realloc(b->x, (size_t)b->cap_asked * (size_t)b->s->n, sizeof *b->x);
        b->row = mem_realloc(b->row, (size_t)b->cap_asked * (size_t)b->features.d, sizeof *b->row);
    }
    memcpy(b->x + k * b->s->n, x, (size_t)b->s->n * sizeof *x);
    features_of(&b->features, x, b->row + k * b->features.d);
}

/* Every checkpoint's hyper-parameters start from those of the one before, so none may be passed over. */
static void fit_up_to(struct surrogate *b, int64_t last)
{
    int64_t good = 0, counted = 0;
    for (int64_t at = b->first; at <= last; at += 3 + at / 10) {
        for (; counted < at && counted < b->n; counted++) {
            good += isfinite(b->violation[counted]);
        }
        if (at <= b->fitted || good < ENOUGH) {
            continue;
        }
        targets_choose(&b->targets, b->f, b->g, b->violation, at);
        choose_base(b, at);
        b->fitted = at;
#pragma omp parallel for schedule(dynamic) default(none) shared(b)
        for (int q = 0; q < b->n_gp; q++) {
            if (surrogate_models(b, q)) {
                fit_one(b, q);
            }
        }
    }
}

bool surrogate_learn(struct surrogate *b, int64_t k)
{
    if (b->fitted > 0) {
        forget_pending(b);
    }
    fit_up_to(b, surrogate_checkpoint(b, b->n));
    if (b->fitted == 0) {
        return false;
    }
#pragma omp parallel for schedule(dynamic) default(none) shared(b, k)
    for (int q = 0; q < b->n_gp; q++) {
        if (surrogate_models(b, q)) {
            learn_one(b, q, k);
        }
    }
    place_front(b, (int)(k - b->n), b->s->m > 2 && k % 2 == 1);
    return true;
}
