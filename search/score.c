/* The score of a point is log EHVI(x) + sum over constraints of log P(g <= 0); without the first term while nothing feasible is
 * known. One objective: expected improvement. Four and more, where exact EHVI costs too much: the hypervolume gain of the
 * point a little better than the mean, by so many standard deviations that reaching it in every objective is about as likely however many
 * there are (SMS-EGO: Ponweiser, Wagner, Biermann, Vincze, PPSN X, 2008). A whole one is spent on corners where nothing is known. */
#include "base/mem.h"
#include "search/hypervolume.h"
#include "search/surrogate.h"

#include <math.h>
#include <nlopt.h>
#include <string.h>

enum { REFINE_STEPS = 40 }; /* evaluations of the score on the way up its slope */

/* log of the normal distribution function, also far in its tail. */
static double log_phi(double z)
{
    if (z > -6) {
        return log(0.5 * erfc(-z * 0.70710678118654752440));
    }
    return -0.5 * z * z - log(-z) - 0.91893853320467274178; /* leading term of the asymptotic series */
}

/* p[m]: the point whose gain counts, below reference[m]. */
static void be_optimistic(const struct surrogate *b, const double *mean, const double *sd, double *p, double *reference)
{
    for (int j = 0; j < b->s->m; j++) {
        p[j] = mean[j] - b->optimism * sd[j];
        reference[j] = b->reference;
    }
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
    be_optimistic(b, mean, sd, p, reference);
    return hypervolume_gain(b->front, b->n_front, m, reference, p);
}

/* score[k] of q canonical points, larger is better. */
void surrogate_score(struct surrogate *b, const double *x, int q, double *score)
{
    const struct search *s = b->s;
    int m = s->m;
    double *features = mem_alloc((size_t)q * (size_t)b->features.d * sizeof *features);
    double *mean = mem_alloc((size_t)q * (size_t)b->n_gp * sizeof *mean),
           *sd = mem_alloc((size_t)q * (size_t)b->n_gp * sizeof *sd);
    for (int k = 0; k < q; k++) {
        features_of(&b->features, x + (int64_t)k * s->n, features + (int64_t)k * b->features.d);
    }
    for (int p = 0; p < b->n_gp; p++) {
        if (surrogate_models(b, p) && (p >= m || b->n_front > 0)) {
            gp_predict(&b->gp[p], features, q, mean + (int64_t)p * q, sd + (int64_t)p * q);
        }
    }
    for (int k = 0; k < q; k++) {
        double at[SEARCH_MAX_OBJECTIVES], spread[SEARCH_MAX_OBJECTIVES];
        score[k] = 0;
        for (int p = m; p < b->n_gp; p++) {
            score[k] += surrogate_models(b, p) ? log_phi(-mean[(int64_t)p * q + k] / sd[(int64_t)p * q + k]) : 0;
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

/* Slope of the logarithm of the optimistic point's gain; 0 where there is none. */
static double gain_slope(struct surrogate *b, const double *mean, const double *sd, double *by_mean, double *by_sd)
{
    int m = b->s->m;
    double p[SEARCH_MAX_OBJECTIVES], reference[SEARCH_MAX_OBJECTIVES], value = improvement(b, mean, sd);
    be_optimistic(b, mean, sd, p, reference);
    hypervolume_gain_slope(b->front, b->n_front, m, reference, p, by_mean);
    for (int j = 0; j < m; j++) {
        by_mean[j] = value > 0 ? by_mean[j] / value : 0;
        by_sd[j] = -b->optimism * by_mean[j];
    }
    return log(value + 1e-300);
}

/* Slope of log improvement by means and deviations; up to three objectives by differences, as exact formulas differ for each number. */
static double improvement_slope(struct surrogate *b, double *mean, double *sd, double *by_mean, double *by_sd)
{
    if (b->s->m > 3) { /* every gain costs so much there that the differences would be most of a proposal */
        return gain_slope(b, mean, sd, by_mean, by_sd);
    }
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
    int m = s->m, d = b->features.d;
    size_t width = (size_t)d;
    double *features = mem_alloc((2 + 2 * (size_t)m + 2) * width * sizeof *features), *total = features + d,
           *dmean = total + d, *dsd = dmean + (size_t)m * width, *pm = dsd + (size_t)m * width, *ps = pm + d;
    double mean[SEARCH_MAX_OBJECTIVES], sd[SEARCH_MAX_OBJECTIVES], by_mean[SEARCH_MAX_OBJECTIVES],
        by_sd[SEARCH_MAX_OBJECTIVES], score = 0;
    features_of(&b->features, x, features);
    memset(total, 0, width * sizeof *total);
    for (int p = m; p < b->n_gp; p++) {
        double mu, spread;
        if (!surrogate_models(b, p)) {
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
                     (!b->features.may_sleep[i] || space_active(s->problem.space, x, i));
        slope[i] = moves ? total[b->features.offset[i]] : 0;
    }
    mem_free(features);
    return score;
}

/* What the optimizer of the score works on: the real variables that are active at x. */
struct ascent {
    struct surrogate *b;
    double *x, *slope; /* [n] the point; by all variables */
    int *variable;     /* [dims] */
};

static double score_at(unsigned dims, const double *u, double *gradient, void *data)
{
    struct ascent *a = data;
    const struct space *space = a->b->s->problem.space;
    for (unsigned k = 0; k < dims; k++) {
        a->x[a->variable[k]] = space_from_unit(&space->var[a->variable[k]], u[k]);
    }
    double score = surrogate_slope(a->b, a->x, a->slope);
    for (unsigned k = 0; k < dims && gradient; k++) {
        gradient[k] = a->slope[a->variable[k]];
    }
    return score;
}

void surrogate_refine(struct surrogate *b, double *x)
{
    const struct space *space = b->s->problem.space;
    size_t n = (size_t)space->n;
    double *room = mem_calloc(5 * n, sizeof *room), *lo = room, *hi = lo + n, *u = hi + n, value;
    struct ascent a = {b, u + n, u + 2 * n, mem_calloc(n, sizeof *a.variable)};
    unsigned dims = 0;
    memcpy(a.x, x, n * sizeof *x);
    for (int i = 0; i < space->n; i++) {
        if (space->var[i].kind == VARIABLE_REAL && space_active(space, x, i)) {
            hi[dims] = 1;
            u[dims] = space_to_unit(&space->var[i], x[i]);
            a.variable[dims++] = i;
        }
    }
    if (dims > 0) {
        nlopt_opt opt = nlopt_create(NLOPT_LD_LBFGS, dims);
        nlopt_set_lower_bounds(opt, lo);
        nlopt_set_upper_bounds(opt, hi);
        nlopt_set_max_objective(opt, score_at, &a);
        nlopt_set_maxeval(opt, REFINE_STEPS);
        nlopt_set_ftol_abs(opt, 1e-3);
        nlopt_optimize(opt, u, &value); /* its best point stands in u whatever it returns */
        nlopt_destroy(opt);
        for (unsigned k = 0; k < dims; k++) {
            x[a.variable[k]] = space_from_unit(&space->var[a.variable[k]], u[k]);
        }
    }
    mem_free(room);
    mem_free(a.variable);
}
