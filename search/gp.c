/* With r^2 the squared distance over length scales, the correlation is
 *     k(r) = (1 + sqrt5 r + 5/3 r^2) exp(-sqrt5 r),  dk / d log l_v = 5/3 (1 + sqrt5 r) exp(-sqrt5 r) d_v,
 * where d_v is variable v's part of r^2 (Rasmussen and Williams, Gaussian Processes for Machine Learning, 2006, 4.2 and 5.4).
 * The process variance is concentrated out: s = y' R^-1 y / n. Maximised by bounded L-BFGS (NLopt) over log length scales and
 * log noise:
 *     -n/2 log s - 1/2 log |R| + log prior,  R = k + noise I,
 * with gradient 1/2 tr((a a'/s - R^-1) dR), a = R^-1 y. Prior of length scales: log-normal with location
 * sqrt2 + log(d)/2 and scale sqrt3 (Hvarfner, Hellsten, Nardi, ICML 2024: scales grow with the dimension).
 *
 * Distances are |a|^2 + |b|^2 - 2 a.b, so that they, the factors and the predictions are all matrix products (LAPACK and BLAS, in
 * OpenBLAS). What is kept is the inverse of the Cholesky factor, R^-1 = V V': a row is added to it in O(n^2), and a prediction is a
 * product instead of a solution. */
#include "search/gp.h"

#include "base/mem.h"
#include "search/matern.h"

#include <assert.h>
#include <math.h>
#include <nlopt.h>
#include <stdbool.h>
#include <string.h>

void dpotrf_(const char *uplo, const int *n, double *a, const int *lda, int *info);
void dtrtri_(const char *uplo, const char *diag, const int *n, double *a, const int *lda, int *info);
void dlauum_(const char *uplo, const int *n, double *a, const int *lda, int *info);
void dtrmm_(const char *side, const char *uplo, const char *trans, const char *diag, const int *m, const int *n,
            const double *alpha, const double *a, const int *lda, double *b, const int *ldb);
void dtrmv_(const char *uplo, const char *trans, const char *diag, const int *n, const double *a, const int *lda,
            double *x, const int *incx);
void dgemm_(const char *transa, const char *transb, const int *m, const int *n, const int *k, const double *alpha,
            const double *a, const int *lda, const double *b, const int *ldb, const double *beta, double *c,
            const int *ldc);
void dgemv_(const char *trans, const int *m, const int *n, const double *alpha, const double *a, const int *lda,
            const double *x, const int *incx, const double *beta, double *y, const int *incy);
void dsymm_(const char *side, const char *uplo, const int *m, const int *n, const double *alpha, const double *a,
            const int *lda, const double *b, const int *ldb, const double *beta, double *c, const int *ldc);

static const double LOG_SCALE_MIN = -3.5, LOG_SCALE_MAX = 4.5; /* 0.03 to 90 of a variable's range */
static const double LOG_NOISE_MIN = -18.4, LOG_NOISE_MAX = -4.6, LOG_NOISE_MEAN = -13.8, LOG_NOISE_SD = 2;
static const double NONE = 0, ONE = 1, MINUS_TWO = -2;

static double default_scale(const struct gp *g)
{
    return log(0.5) + 0.5 * log(g->shape.n_vars);
}

void gp_init(struct gp *g, struct gp_shape shape)
{
    memset(g, 0, sizeof *g);
    g->shape = shape;
    g->log_scale = mem_calloc((size_t)shape.n_vars, sizeof *g->log_scale);
    for (int v = 0; v < shape.n_vars; v++) {
        g->log_scale[v] = default_scale(g);
    }
    g->log_noise = LOG_NOISE_MEAN;
}

void gp_release(struct gp *g)
{
    mem_free(g->log_scale);
    mem_free(g->row);
    mem_free(g->norm);
    mem_free(g->inverse);
    mem_free(g->weight);
    memset(g, 0, sizeof *g);
}

/* Room for n rows; what is there stays. */
static void reserve(struct gp *g, int n)
{
    if (n <= g->cap) {
        return;
    }
    int old = g->cap;
    g->cap = n + n / 4 + 16;
    size_t cap = (size_t)g->cap;
    g->row = mem_realloc(g->row, cap * (size_t)g->shape.d, sizeof *g->row);
    g->norm = mem_realloc(g->norm, cap, sizeof *g->norm);
    g->weight = mem_realloc(g->weight, cap, sizeof *g->weight);
    double *bigger = mem_alloc(cap * cap * sizeof *bigger);
    for (int j = 0; j < g->n; j++) {
        memcpy(bigger + (size_t)j * cap, g->inverse + (size_t)j * (size_t)old, ((size_t)j + 1) * sizeof *bigger);
    }
    mem_free(g->inverse);
    g->inverse = bigger;
}

/* Features over their length scales, and their squared lengths. */
static void scale_rows(const struct gp *g, const double *x, int n, double *out, double *norm)
{
    int d = g->shape.d;
    double *by = mem_alloc((size_t)d * sizeof *by);
    for (int j = 0; j < d; j++) {
        by[j] = exp(-g->log_scale[g->shape.variable[j]]);
    }
    for (int i = 0; i < n; i++) {
        norm[i] = 0;
        for (int j = 0; j < d; j++) {
            double v = x[(long)i * d + j] * by[j];
            out[(long)i * d + j] = v;
            norm[i] += v * v;
        }
    }
    mem_free(by);
}

/* k[c * ld + i], i < n: correlation of the process's row i with row c of q others. */
static void cross(const struct gp *g, int n, const double *row, const double *norm, int q, double *k, int ld)
{
    int d = g->shape.d;
    dgemm_("T", "N", &n, &q, &d, &MINUS_TWO, g->row, &d, row, &d, &NONE, k, &ld);
    for (int c = 0; c < q; c++) {
        double *at = k + (long)c * ld;
        for (int i = 0; i < n; i++) {
            at[i] += g->norm[i] + norm[c];
        }
        matern(at, NULL, n);
    }
}

/* Upper triangle of the correlation matrix and, where not NULL, of its slope 5/3 (1 + sqrt5 r) exp(-sqrt5 r); ld: g->cap. */
static void correlate(const struct gp *g, double *k, double *slope)
{
    int n = g->n, d = g->shape.d, ld = g->cap;
    dgemm_("T", "N", &n, &n, &d, &MINUS_TWO, g->row, &d, g->row, &d, &NONE, k, &ld);
    for (int j = 0; j < n; j++) {
        double *at = k + (long)j * ld;
        for (int i = 0; i < j; i++) {
            at[i] += g->norm[i] + g->norm[j];
        }
        matern(at, slope ? slope + (long)j * ld : NULL, j);
        at[j] = 1 + exp(g->log_noise);
    }
}

/* Makes V of the rows that stand; the noise grows tenfold until it can. log_determinant of the correlation matrix. */
static double factorise(struct gp *g, double *slope)
{
    int n = g->n, info = 1;
    double log_determinant = 0;
    for (int t = 0; t < 12 && info != 0; t++) {
        g->log_noise += t > 0 ? 2.3 : 0;
        correlate(g, g->inverse, slope);
        dpotrf_("U", &n, g->inverse, &g->cap, &info);
    }
    assert(info == 0);
    for (int i = 0; i < n; i++) {
        log_determinant += 2 * log(g->inverse[(long)i * (g->cap + 1)]);
    }
    dtrtri_("U", "N", &n, g->inverse, &g->cap, &info);
    return log_determinant;
}

/* Weights of centred targets; returns the process variance. */
static double weigh(struct gp *g, const double *y)
{
    int n = g->n, one = 1;
    double sum = 0;
    memcpy(g->weight, y, (size_t)n * sizeof *y);
    dtrmv_("U", "T", "N", &n, g->inverse, &g->cap, g->weight, &one);
    for (int i = 0; i < n; i++) {
        sum += g->weight[i] * g->weight[i];
    }
    dtrmv_("U", "N", "N", &n, g->inverse, &g->cap, g->weight, &one);
    return sum / n > 1e-12 ? sum / n : 1e-12;
}

/* What the optimizer of the hyper-parameters works on. */
struct likelihood {
    struct gp *g;
    const double *x, *y;
    double *slope, *precision; /* [n][cap] */
    double *sides;             /* [n][d] */
};

static double prior(const struct gp *g, double *gradient)
{
    double at = sqrt(2) + 0.5 * log(g->shape.n_vars), sum = 0;
    for (int v = 0; v < g->shape.n_vars; v++) {
        double z = (g->log_scale[v] - at) / 3; /* variance sqrt3 squared */
        sum -= 0.5 * z * (g->log_scale[v] - at);
        gradient[v] = -z;
    }
    double z = (g->log_noise - LOG_NOISE_MEAN) / LOG_NOISE_SD;
    gradient[g->shape.n_vars] = -z / LOG_NOISE_SD;
    return sum - 0.5 * z * z;
}

/* Adds 1/2 tr(W dR) for every length scale and the noise; W = a a'/s - R^-1. With C = W * slope and feature q of row i a_iq,
 *     1/2 sum_ij C_ij (a_iq - a_jq)^2 = sum_i a_iq (a_iq sum_j C_ij - sum_j C_ij a_jq). */
static void add_slopes(const struct likelihood *l, double signal, double *gradient)
{
    const struct gp *g = l->g;
    int n = g->n, d = g->shape.d, ld = g->cap, info;
    double trace = 0, *c = l->precision, *total = mem_calloc((size_t)n, sizeof *total);
    for (int j = 0; j < n; j++) {
        memcpy(c + (long)j * ld, g->inverse + (long)j * ld, ((size_t)j + 1) * sizeof *c);
    }
    dlauum_("U", &n, c, &ld, &info);
    for (int j = 0; j < n; j++) {
        double *at = c + (long)j * ld, by = g->weight[j] / signal, sum = 0;
        const double *slope = l->slope + (long)j * ld;
        trace += g->weight[j] * by - at[j];
        for (int i = 0; i < j; i++) {
            at[i] = (g->weight[i] * by - at[i]) * slope[i];
            total[i] += at[i];
            sum += at[i];
        }
        total[j] += sum;
        at[j] = 0;
    }
    dsymm_("R", "U", &d, &n, &ONE, c, &ld, g->row, &d, &NONE, l->sides, &d);
    for (int i = 0; i < n; i++) {
        const double *a = g->row + (long)i * d, *side = l->sides + (long)i * d;
        for (int q = 0; q < d; q++) {
            gradient[g->shape.variable[q]] += a[q] * (a[q] * total[i] - side[q]);
        }
    }
    gradient[g->shape.n_vars] += 0.5 * trace * exp(g->log_noise);
    mem_free(total);
}

static double log_posterior(unsigned dims, const double *theta, double *gradient, void *data)
{
    const struct likelihood *l = data;
    struct gp *g = l->g;
    memcpy(g->log_scale, theta, (dims - 1) * sizeof *theta);
    g->log_noise = theta[dims - 1];
    scale_rows(g, l->x, g->n, g->row, g->norm);
    double *slopes = mem_calloc(dims, sizeof *slopes);
    double value = -0.5 * factorise(g, l->slope), signal = weigh(g, l->y);
    value += prior(g, slopes) - 0.5 * g->n * log(signal);
    if (gradient) {
        add_slopes(l, signal, slopes);
        memcpy(gradient, slopes, dims * sizeof *slopes);
    }
    mem_free(slopes);
    return value;
}

static double centre(const double *y, int n, double *out)
{
    double mean = 0;
    for (int i = 0; i < n; i++) {
        mean += y[i] / n;
    }
    for (int i = 0; i < n; i++) {
        out[i] = y[i] - mean;
    }
    return mean;
}

/* theta: the hyper-parameters that it has, or the default ones where these are likelier. */
static void choose_start(struct likelihood *l, unsigned dims, double *theta, double *spare)
{
    const struct gp *g = l->g;
    bool same = true;
    memcpy(theta, g->log_scale, (dims - 1) * sizeof *theta);
    theta[dims - 1] = g->log_noise;
    for (unsigned v = 0; v < dims; v++) {
        spare[v] = v + 1 == dims ? LOG_NOISE_MEAN : default_scale(g);
        same = same && theta[v] >= spare[v] && theta[v] <= spare[v];
    }
    if (!same && log_posterior(dims, theta, NULL, l) < log_posterior(dims, spare, NULL, l)) {
        memcpy(theta, spare, dims * sizeof *theta);
    }
}

void gp_fit(struct gp *g, const double *x, const double *y, int n, int evaluations)
{
    unsigned dims = (unsigned)g->shape.n_vars + 1;
    g->n = 0;
    reserve(g, n);
    g->n = n;
    size_t square = (size_t)n * (size_t)g->cap;
    double *theta = mem_alloc((3 * dims + (size_t)n) * sizeof *theta), *lo = theta + dims, *hi = lo + dims,
           *out = hi + dims;
    struct likelihood l = {g,
                           x,
                           out,
                           mem_alloc(square * sizeof(double)),
                           mem_alloc(square * sizeof(double)),
                           mem_alloc((size_t)n * (size_t)g->shape.d * sizeof(double))};
    centre(y, n, out);
    choose_start(&l, dims, theta, lo);
    for (unsigned v = 0; v < dims; v++) {
        bool noise = v + 1 == dims;
        lo[v] = noise ? LOG_NOISE_MIN : LOG_SCALE_MIN;
        hi[v] = noise ? LOG_NOISE_MAX : LOG_SCALE_MAX;
        theta[v] = fmin(fmax(theta[v], lo[v]), hi[v]);
    }
    nlopt_opt opt = nlopt_create(NLOPT_LD_LBFGS, dims);
    nlopt_set_lower_bounds(opt, lo);
    nlopt_set_upper_bounds(opt, hi);
    nlopt_set_max_objective(opt, log_posterior, &l);
    nlopt_set_maxeval(opt, evaluations);
    nlopt_set_ftol_abs(opt, 0.02);
    double value;
    nlopt_optimize(opt, theta, &value); /* its best point stands in theta whatever it returns */
    nlopt_destroy(opt);
    memcpy(g->log_scale, theta, (dims - 1) * sizeof *theta);
    g->log_noise = theta[dims - 1];
    g->n = 0;
    mem_free(theta);
    mem_free(l.slope);
    mem_free(l.precision);
    mem_free(l.sides);
}

void gp_rows(struct gp *g, const double *x, int n)
{
    double noise = g->log_noise;
    g->n = 0;
    reserve(g, n);
    g->n = n;
    scale_rows(g, x, n, g->row, g->norm);
    factorise(g, NULL);
    g->log_noise = noise; /* grown for these rows only */
}

/* With z = V' k for the new row's correlations k, its column of V is (-V z, 1) / p, p^2 = 1 + noise - z'z. */
void gp_append(struct gp *g, const double *x)
{
    int n = g->n, one = 1;
    reserve(g, n + 1);
    double *new = g->inverse + (long)n * g->cap, own = exp(g->log_noise), left = 1 + own;
    scale_rows(g, x, 1, g->row + (long)n * g->shape.d, g->norm + n);
    cross(g, n, g->row + (long)n * g->shape.d, g->norm + n, 1, new, g->cap);
    dtrmv_("U", "T", "N", &n, g->inverse, &g->cap, new, &one);
    for (int i = 0; i < n; i++) {
        left -= new[i] * new[i];
    }
    left = 1 / sqrt(left > 0.5 * own ? left : 0.5 * own); /* at least half its own noise is left, but for rounding */
    dtrmv_("U", "N", "N", &n, g->inverse, &g->cap, new, &one);
    for (int i = 0; i < n; i++) {
        new[i] *= -left;
    }
    new[n] = left;
    g->n++;
}

void gp_truncate(struct gp *g, int n)
{
    assert(n <= g->n);
    g->n = n;
}

void gp_targets(struct gp *g, const double *y)
{
    double *out = mem_alloc(((size_t)g->n + 1) * sizeof *out);
    g->mean = centre(y, g->n, out);
    g->signal = weigh(g, out);
    mem_free(out);
}

/* Four sums side by side, so that the additions need not wait for each other. */
static double dot(const double *a, const double *b, int n)
{
    double s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    int i = 0;
    for (; i + 4 <= n; i += 4) {
        s0 += a[i] * b[i];
        s1 += a[i + 1] * b[i + 1];
        s2 += a[i + 2] * b[i + 2];
        s3 += a[i + 3] * b[i + 3];
    }
    for (; i < n; i++) {
        s0 += a[i] * b[i];
    }
    return (s0 + s1) + (s2 + s3);
}

void gp_predict(const struct gp *g, const double *x, int q, double *mean, double *sd)
{
    int n = g->n, d = g->shape.d;
    double *row = mem_alloc(((size_t)q * ((size_t)d + 1) + 1) * sizeof *row), *norm = row + (size_t)q * (size_t)d;
    double *k = mem_alloc(((size_t)q * (size_t)n + 1) * sizeof *k);
    scale_rows(g, x, q, row, norm);
    cross(g, n, row, norm, q, k, n);
    for (int c = 0; c < q; c++) {
        mean[c] = g->mean + dot(k + (long)c * n, g->weight, n);
    }
    dtrmm_("L", "U", "T", "N", &n, &q, &ONE, g->inverse, &g->cap, k, &n);
    for (int c = 0; c < q; c++) {
        double explained = dot(k + (long)c * n, k + (long)c * n, n);
        sd[c] = sqrt(g->signal * (explained < 1 - 1e-12 ? 1 - explained : 1e-12));
    }
    mem_free(row);
    mem_free(k);
}

/* out_q = sum_i c_i slope_i (x_q - row_iq) over the length scale of feature q: minus the slope of sum_i c_i k_i, as dk / dr^2 is
 * -slope / 2. */
static void combine(const struct gp *g, const double *x, const double *c, const double *slope, double *out)
{
    int n = g->n, d = g->shape.d, one = 1;
    double *w = mem_alloc((size_t)n * sizeof *w), sum = 0;
    for (int i = 0; i < n; i++) {
        w[i] = c[i] * slope[i];
        sum += w[i];
    }
    dgemv_("N", &d, &n, &ONE, g->row, &d, w, &one, &NONE, out, &one);
    for (int q = 0; q < d; q++) {
        out[q] = (x[q] * sum - out[q]) * exp(-g->log_scale[g->shape.variable[q]]);
    }
    mem_free(w);
}

void gp_slope(const struct gp *g, const double *x, double *mean, double *sd, double *dmean, double *dsd)
{
    int n = g->n, d = g->shape.d, one = 1;
    double *row = mem_alloc(((size_t)d + 3 * (size_t)n) * sizeof *row), *k = row + d, *slope = k + n, *u = slope + n,
           norm;
    scale_rows(g, x, 1, row, &norm);
    dgemv_("T", &d, &n, &MINUS_TWO, g->row, &d, row, &one, &NONE, k, &one);
    for (int i = 0; i < n; i++) {
        k[i] += g->norm[i] + norm;
    }
    matern(k, slope, n);
    memcpy(u, k, (size_t)n * sizeof *u);
    dtrmv_("U", "T", "N", &n, g->inverse, &g->cap, u, &one);
    double left = 1 - dot(u, u, n);
    dtrmv_("U", "N", "N", &n, g->inverse, &g->cap, u, &one);
    *mean = g->mean + dot(k, g->weight, n);
    *sd = sqrt(g->signal * (left > 1e-12 ? left : 1e-12));
    combine(g, row, g->weight, slope, dmean);
    combine(g, row, u, slope, dsd);
    for (int q = 0; q < d; q++) {
        dmean[q] = -dmean[q];
        dsd[q] *= g->signal / *sd;
    }
    mem_free(row);
}
