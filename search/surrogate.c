/* What the model is, and why so (measured in docs/search.md):
 * - objectives are compressed above the worst of the front, so that a range over orders of magnitude leaves resolution where
 *   the front is; constraints are modelled on their own scale, with both signs;
 * - hyper-parameters, bends and scales are chosen at fixed numbers of results from those results alone (law 1): what is kept
 *   between proposals is a cache;
 * - trials in flight stand in the data with their predicted values (Kriging believer, Ginsbourger, Le Riche, Carraro, 2010).
 *
 * The score of a point is log EHVI(x) + sum over constraints of log P(g <= 0); without the first term while nothing feasible is
 * known. One objective: expected improvement. Four and more, where exact EHVI costs too much: the hypervolume gain of the
 * optimistic point mean - sd (SMS-EGO: Ponweiser, Wagner, Biermann, Vincze, PPSN X, 2008). */
#include "search/surrogate.h"

#include "base/mem.h"
#include "search/dominance.h"
#include "search/hypervolume.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum {
    DATA_MAX = 300,       /* results that a process is conditioned on */
    FIT_EVALUATIONS = 10, /* of the likelihood */
    ENOUGH = 3,           /* results that did not fail, to learn anything from */
    CATEGORY_MAX = 64     /* levels of a category that get features of their own */
};
/* In the unit box of the front. Two objectives: a point beyond one end of the front is often worse in the other objective than
 * the box's edge, and yet worth asking for. With three, such points are mostly worthless ones that make the box larger. */
static const double REFERENCE = 1.1, REFERENCE_TWO = 1.5;
static const double INACTIVE = 0.95; /* how far an inactive variable is from an active one, over its range */

/* ---- features ---- */

static void find_sleepers(struct surrogate *b)
{
    const struct space *space = b->s->problem.space;
    double *x = mem_calloc((size_t)space->n, sizeof *x);
    struct rng r;
    rng_init(&r, b->s->options.seed, 0, RNG_MODEL);
    for (int t = 0; t < 300 && space->active; t++) {
        search_uniform(space, &r, x);
        for (int i = 0; i < space->n; i++) {
            b->may_sleep[i] = b->may_sleep[i] || !space_active(space, x, i);
        }
    }
    mem_free(x);
}

static int width_of(const struct surrogate *b, int i)
{
    const struct variable *v = &b->s->problem.space->var[i];
    return v->kind == VARIABLE_CATEGORY && v->n <= CATEGORY_MAX ? (int)v->n : 1 + b->may_sleep[i];
}

static void shape(struct surrogate *b)
{
    int n = b->s->n;
    b->may_sleep = mem_calloc((size_t)n, sizeof *b->may_sleep);
    b->offset = mem_calloc((size_t)n, sizeof *b->offset);
    find_sleepers(b);
    for (int i = 0; i < n; i++) {
        b->offset[i] = b->d;
        b->d += width_of(b, i);
    }
    b->variable = mem_calloc((size_t)b->d, sizeof *b->variable);
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < width_of(b, i); j++) {
            b->variable[b->offset[i] + j] = i;
        }
    }
}

/* Ordered variables lie on [0, 1]; different categories are at distance 1; so, nearly, is inactive from active. */
static void featurise(const struct surrogate *b, const double *x, double *out)
{
    const struct space *space = b->s->problem.space;
    memset(out, 0, (size_t)b->d * sizeof *out);
    for (int i = 0; i < space->n; i++) {
        double *at = out + b->offset[i];
        bool awake = !b->may_sleep[i] || space_active(space, x, i);
        if (space->var[i].kind == VARIABLE_CATEGORY && space->var[i].n <= CATEGORY_MAX) {
            if (awake) {
                at[(int)x[i]] = 0.70710678118654752440;
            }
        } else if (b->may_sleep[i]) {
            at[0] = awake ? space_to_unit(&space->var[i], x[i]) : 0.5;
            at[1] = awake ? 0 : INACTIVE;
        } else {
            at[0] = space_to_unit(&space->var[i], x[i]);
        }
    }
}

void surrogate_init(struct surrogate *b, struct search *s, int64_t first)
{
    size_t m = (size_t)s->m, c = (size_t)s->c;
    memset(b, 0, sizeof *b);
    b->s = s;
    b->first = first;
    shape(b);
    b->n_gp = s->m + s->c + 1;
    b->gp = mem_calloc((size_t)b->n_gp, sizeof *b->gp);
    b->known = mem_calloc((size_t)b->n_gp, sizeof *b->known);
    for (int q = 0; q < b->n_gp; q++) {
        gp_init(&b->gp[q], (struct gp_shape){b->d, s->n, b->variable});
    }
    b->low = mem_calloc(4 * m + c + 1, sizeof *b->low);
    b->high = b->low + m;
    b->bend = b->high + m;
    b->width = b->bend + m;
    b->limit = b->width + m;
}

void surrogate_release(struct surrogate *b)
{
    for (int q = 0; q < b->n_gp; q++) {
        gp_release(&b->gp[q]);
    }
    ehvi_release(&b->ehvi);
    mem_free(b->gp);
    mem_free(b->variable);
    mem_free(b->offset);
    mem_free(b->may_sleep);
    mem_free(b->base);
    mem_free(b->known);
    mem_free(b->features);
    mem_free(b->x);
    mem_free(b->f);
    mem_free(b->g);
    mem_free(b->violation);
    mem_free(b->low);
    mem_free(b->front);
    memset(b, 0, sizeof *b);
}

/* ---- targets ---- */

static double compress(const struct surrogate *b, int j, double y)
{
    double over = y - b->bend[j];
    return over > 0 ? b->bend[j] + b->width[j] * log1p(over / b->width[j]) : y;
}

/* Bends each objective above the worst value of the first n results' front (of all of them while there is none to speak of). */
static void choose_bends(struct surrogate *b, int64_t n)
{
    int m = b->s->m, known = 0;
    double *row = mem_calloc((size_t)n * (size_t)m + 1, sizeof *row);
    bool *front = mem_calloc((size_t)n + 1, sizeof *front);
    for (int64_t i = 0; i < n; i++) {
        if (!(b->violation[i] > 0)) {
            memcpy(row + (int64_t)known++ * m, b->f + i * m, (size_t)m * sizeof *row);
        }
    }
    dominance_filter(row, known, m, front);
    for (int j = 0; j < m; j++) {
        double lo = HUGE_VAL, hi = -HUGE_VAL, all_lo = HUGE_VAL, all_hi = -HUGE_VAL;
        for (int i = 0; i < known; i++) {
            lo = front[i] ? fmin(lo, row[(int64_t)i * m + j]) : lo;
            hi = front[i] ? fmax(hi, row[(int64_t)i * m + j]) : hi;
        }
        for (int64_t i = 0; i < n; i++) {
            if (isfinite(b->violation[i])) {
                all_lo = fmin(all_lo, b->f[i * m + j]);
                all_hi = fmax(all_hi, b->f[i * m + j]);
            }
        }
        if (!(hi > lo)) {
            lo = all_lo;
            hi = all_hi;
        }
        b->bend[j] = isfinite(hi) ? hi : 0;
        b->width[j] = isfinite(hi - lo) && hi > lo ? hi - lo : 1;
    }
    mem_free(row);
    mem_free(front);
}

static void choose_limits(struct surrogate *b, int64_t results)
{
    const struct search *s = b->s;
    for (int i = 0; i < s->c; i++) {
        double size = 0;
        int64_t n = 0;
        for (int64_t k = 0; k < results; k++) {
            double v = b->g[k * s->c + i];
            if (isfinite(b->violation[k]) && (v > 0 || v < 0)) {
                size += fabs(v);
                n++;
            }
        }
        b->limit[i] = n > 0 ? size / (double)n : 0;
    }
    b->failures = false;
    for (int64_t k = 0; k < results; k++) {
        b->failures = b->failures || isinf(b->violation[k]);
    }
}

/* A constraint's target: odd, itself near 0, where it is decided what is feasible, logarithmic beyond twice its usual size. Exactly 0
 * is satisfied by an unknown amount: half that size. */
static double constraint_target(const struct surrogate *b, int i, double v)
{
    const double core = 2;
    double z = v / b->limit[i], size = fabs(z);
    if (!(size > 0)) {
        return -0.5;
    }
    return copysign(size < core ? size : core * (1 + log(size / core)), z);
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

/* Results to learn from at a checkpoint: all, or the DATA_MAX best ranked. */
static void choose_base(struct surrogate *b, int64_t n)
{
    const struct search *s = b->s;
    int *rank = mem_calloc((size_t)n + 1, sizeof *rank);
    int fronts = n > DATA_MAX ? dominance_sort_constrained(b->f, b->violation, (int)n, s->m, rank) : 1;
    b->base = mem_realloc(b->base, (size_t)n + 1, sizeof *b->base);
    b->n_base = 0;
    for (int front = 0; front < fronts && b->n_base < DATA_MAX; front++) {
        for (int i = (int)n - 1; i >= 0 && b->n_base < DATA_MAX; i--) { /* the newest first */
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
    return q < s->m          ? compress(b, q, b->f[i * s->m + q])
           : q < s->m + s->c ? constraint_target(b, q - s->m, b->g[i * s->c + q - s->m])
                             : (isfinite(b->violation[i]) ? -1 : 1);
}

static bool models(const struct surrogate *b, int q)
{
    int m = b->s->m, c = b->s->c;
    return q < m ? true : q < m + c ? b->limit[q - m] > 0 : b->failures;
}

/* Hyper-parameters from the base, and the process on it. */
static void fit_one(struct surrogate *b, int q)
{
    size_t room = (size_t)b->n_base + 1, d = (size_t)b->d;
    double *x = mem_alloc(room * d * sizeof *x), *y = mem_alloc(room * sizeof *y);
    int n = 0;
    for (int k = 0; k < b->n_base; k++) {
        int64_t i = b->base[k];
        if (teaches(b, q, i)) {
            y[n] = target(b, q, i);
            memcpy(x + (size_t)n++ * d, b->features + (size_t)i * d, d * sizeof *x);
        }
    }
    gp_fit(&b->gp[q], x, y, n, FIT_EVALUATIONS);
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
            gp_append(g, b->features + b->known[q] * b->d);
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
        const double *pending = b->features + b->n * b->d;
        gp_predict(g, pending, n_pending, y + n, sd);
        for (int i = 0; i < n_pending; i++) {
            gp_append(g, pending + (int64_t)i * b->d);
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
        if (models(b, q)) {
            gp_truncate(&b->gp[q], n);
        }
    }
}

/* The front in its unit box, with the believed values of points in flight that are believed feasible. */
static void place_front(struct surrogate *b, int n_pending)
{
    const double *pending = b->features + b->n * b->d;
    struct search *s = b->s;
    int m = s->m, known = s->archive.n;
    b->front = mem_realloc(b->front, (size_t)(known + n_pending + 1) * (size_t)m, sizeof *b->front);
    for (int j = 0; j < m; j++) {
        b->low[j] = HUGE_VAL;
        b->high[j] = -HUGE_VAL;
        for (int i = 0; i < known; i++) {
            double v = compress(b, j, s->archive.f[(int64_t)i * m + j]);
            b->low[j] = fmin(b->low[j], v);
            b->high[j] = fmax(b->high[j], v);
        }
        if (!(b->high[j] > b->low[j])) { /* one point: its box is the results' range */
            b->low[j] = b->bend[j] - b->width[j];
            b->high[j] = b->bend[j];
        }
        for (int i = 0; i < known; i++) {
            double v = compress(b, j, s->archive.f[(int64_t)i * m + j]);
            b->front[(int64_t)i * m + j] = (v - b->low[j]) / (b->high[j] - b->low[j]);
        }
        double mean, sd;
        for (int i = 0; i < n_pending; i++) {
            gp_predict(&b->gp[j], pending + (int64_t)i * b->d, 1, &mean, &sd);
            b->front[(int64_t)(known + i) * m + j] = (mean - b->low[j]) / (b->high[j] - b->low[j]);
        }
    }
    b->n_front = known > 0 ? known + n_pending : 0;
    ehvi_release(&b->ehvi);
    if (m == 2 || m == 3) {
        const double far = m == 2 ? REFERENCE_TWO : REFERENCE, reference[3] = {far, far, far};
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
        b->features = mem_realloc(b->features, (size_t)b->cap_asked * (size_t)b->d, sizeof *b->features);
    }
    memcpy(b->x + k * b->s->n, x, (size_t)b->s->n * sizeof *x);
    featurise(b, x, b->features + k * b->d);
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
        choose_bends(b, at);
        choose_limits(b, at);
        choose_base(b, at);
        b->fitted = at;
#pragma omp parallel for schedule(dynamic) default(none) shared(b)
        for (int q = 0; q < b->n_gp; q++) {
            if (models(b, q)) {
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
        if (models(b, q)) {
            learn_one(b, q, k);
        }
    }
    place_front(b, (int)(k - b->n));
    return true;
}

/* ---- the acquisition ---- */

/* log of the normal distribution function, also far in its tail. */
static double log_phi(double z)
{
    if (z > -6) {
        return log(0.5 * erfc(-z * 0.70710678118654752440));
    }
    return -0.5 * z * z - log(-z) - 0.91893853320467274178; /* leading term of the asymptotic series */
}

static double improvement(struct surrogate *b, const double *mean, const double *sd)
{
    int m = b->s->m;
    if (m == 1) { /* the front is one point at 0 or above in its box */
        double best = b->front[0], z = (best - mean[0]) / sd[0];
        return sd[0] * (exp(-0.5 * z * z) * 0.39894228040143267794 + z * 0.5 * erfc(-z * 0.70710678118654752440));
    }
    if (m <= 3) {
        return ehvi_value(&b->ehvi, mean, sd);
    }
    double p[SEARCH_MAX_OBJECTIVES], reference[SEARCH_MAX_OBJECTIVES];
    for (int j = 0; j < m; j++) {
        p[j] = mean[j] - sd[j];
        reference[j] = REFERENCE;
    }
    return hypervolume_gain(b->front, b->n_front, m, reference, p);
}

/* score[k] of q canonical points, larger is better. */
void surrogate_score(struct surrogate *b, const double *x, int q, double *score)
{
    const struct search *s = b->s;
    int m = s->m;
    double *features = mem_alloc((size_t)q * (size_t)b->d * sizeof *features);
    double *mean = mem_alloc((size_t)q * (size_t)b->n_gp * sizeof *mean),
           *sd = mem_alloc((size_t)q * (size_t)b->n_gp * sizeof *sd);
    for (int k = 0; k < q; k++) {
        featurise(b, x + (int64_t)k * s->n, features + (int64_t)k * b->d);
    }
    for (int p = 0; p < b->n_gp; p++) {
        if (models(b, p) && (p >= m || b->n_front > 0)) {
            gp_predict(&b->gp[p], features, q, mean + (int64_t)p * q, sd + (int64_t)p * q);
        }
    }
    for (int k = 0; k < q; k++) {
        double at[SEARCH_MAX_OBJECTIVES], spread[SEARCH_MAX_OBJECTIVES];
        score[k] = 0;
        for (int p = m; p < b->n_gp; p++) {
            score[k] += models(b, p) ? log_phi(-mean[(int64_t)p * q + k] / sd[(int64_t)p * q + k]) : 0;
        }
        for (int j = 0; j < m && b->n_front > 0; j++) {
            at[j] = (mean[(int64_t)j * q + k] - b->low[j]) / (b->high[j] - b->low[j]);
            spread[j] = sd[(int64_t)j * q + k] / (b->high[j] - b->low[j]);
        }
        score[k] += b->n_front > 0 ? log(improvement(b, at, spread) + 1e-300) : 0;
    }
    mem_free(features);
    mem_free(mean);
    mem_free(sd);
}

/* Slope of log improvement by means and deviations, by differences: exact formulas differ for every number of objectives. */
static double improvement_slope(struct surrogate *b, double *mean, double *sd, double *by_mean, double *by_sd)
{
    double value = log(improvement(b, mean, sd) + 1e-300);
    for (int j = 0; j < b->s->m; j++) {
        double step = 1e-4 * sd[j], kept = mean[j];
        mean[j] = kept + step;
        by_mean[j] = (log(improvement(b, mean, sd) + 1e-300) - value) / step;
        mean[j] = kept;
        kept = sd[j];
        sd[j] = kept + step;
        by_sd[j] = (log(improvement(b, mean, sd) + 1e-300) - value) / step;
        sd[j] = kept;
    }
    return value;
}

/* d log Phi(z) / dz. */
static double log_phi_slope(double z)
{
    return exp(-0.5 * z * z - 0.91893853320467274178 - log_phi(z));
}

double surrogate_slope(struct surrogate *b, const double *x, double *slope)
{
    const struct search *s = b->s;
    int m = s->m, d = b->d;
    size_t width = (size_t)d;
    double *features = mem_alloc((2 + 2 * (size_t)m + 2) * width * sizeof *features), *total = features + d,
           *dmean = total + d, *dsd = dmean + (size_t)m * width, *pm = dsd + (size_t)m * width, *ps = pm + d;
    double mean[SEARCH_MAX_OBJECTIVES], sd[SEARCH_MAX_OBJECTIVES], by_mean[SEARCH_MAX_OBJECTIVES],
        by_sd[SEARCH_MAX_OBJECTIVES], score = 0;
    featurise(b, x, features);
    memset(total, 0, width * sizeof *total);
    for (int p = m; p < b->n_gp; p++) {
        double mu, spread;
        if (!models(b, p)) {
            continue;
        }
        gp_slope(&b->gp[p], features, &mu, &spread, pm, ps);
        double z = -mu / spread, by = log_phi_slope(z);
        score += log_phi(z);
        for (int q = 0; q < d; q++) {
            total[q] -= by * (pm[q] + z * ps[q]) / spread;
        }
    }
    for (int j = 0; j < m && b->n_front > 0; j++) {
        gp_slope(&b->gp[j], features, &mean[j], &sd[j], dmean + (size_t)j * width, dsd + (size_t)j * width);
        mean[j] = (mean[j] - b->low[j]) / (b->high[j] - b->low[j]);
        sd[j] /= b->high[j] - b->low[j];
    }
    if (b->n_front > 0) {
        score += improvement_slope(b, mean, sd, by_mean, by_sd);
        for (int j = 0; j < m; j++) {
            for (int q = 0; q < d; q++) {
                size_t at = (size_t)j * width + (size_t)q;
                total[q] += (by_mean[j] * dmean[at] + by_sd[j] * dsd[at]) / (b->high[j] - b->low[j]);
            }
        }
    }
    for (int i = 0; i < s->n; i++) {
        bool moves = s->problem.space->var[i].kind == VARIABLE_REAL &&
                     (!b->may_sleep[i] || space_active(s->problem.space, x, i));
        slope[i] = moves ? total[b->offset[i]] : 0;
    }
    mem_free(features);
    return score;
}
