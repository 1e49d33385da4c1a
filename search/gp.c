/* With r^2 the squared distance over length scales, the correlation is
 *     k(r) = (1 + sqrt5 r + 5/3 r^2) exp(-sqrt5 r),  dk / d log l_v = 5/3 (1 + sqrt5 r) exp(-sqrt5 r) d_v,
 * where d_v is variable v's part of r^2 (Rasmussen and Williams, Gaussian Processes for Machine Learning, 2006, 4.2 and 5.4).
 * The process variance is concentrated out: s = y' R^-1 y / n. Maximised by bounded L-BFGS (NLopt) over log length scales and
 * log noise:
 *     -n/2 log s - 1/2 log |R| + log prior,  R = k + noise I,
 * with gradient 1/2 tr((a a'/s - R^-1) dR), a = R^-1 y. Prior of length scales: log-normal with location
 * sqrt2 + log(d)/2 and scale sqrt3 (Hvarfner, Hellsten, Nardi, ICML 2024: scales grow with the dimension).
 * Linear algebra is LAPACK's, in OpenBLAS. */
#include "search/gp.h"

#include "base/mem.h"

#include <assert.h>
#include <math.h>
#include <nlopt.h>
#include <stdbool.h>
#include <string.h>

void dpotrf_(const char *uplo, const int *n, double *a, const int *lda, int *info);
void dpotri_(const char *uplo, const int *n, double *a, const int *lda, int *info);
void dpotrs_(const char *uplo, const int *n, const int *nrhs, const double *a, const int *lda, double *b,
             const int *ldb, int *info);
void dtrsm_(const char *side, const char *uplo, const char *trans, const char *diag, const int *m, const int *n,
            const double *alpha, const double *a, const int *lda, double *b, const int *ldb);

static const double ROOT5 = 2.23606797749978969641;
static const double LOG_SCALE_MIN = -3.5, LOG_SCALE_MAX = 4.5; /* 0.03 to 90 of a variable's range */
static const double LOG_NOISE_MIN = -18.4, LOG_NOISE_MAX = -4.6, LOG_NOISE_MEAN = -13.8, LOG_NOISE_SD = 2;

void gp_init(struct gp *g, struct gp_shape shape)
{
    memset(g, 0, sizeof *g);
    g->shape = shape;
    g->log_scale = mem_calloc((size_t)shape.n_vars, sizeof *g->log_scale);
    g->log_noise = LOG_NOISE_MEAN;
}

void gp_release(struct gp *g)
{
    mem_free(g->log_scale);
    mem_free(g->row);
    mem_free(g->factor);
    mem_free(g->weight);
    memset(g, 0, sizeof *g);
}

static void reserve(struct gp *g, int n)
{
    if (n > g->cap) {
        g->cap = n + n / 4 + 16;
        size_t cap = (size_t)g->cap;
        g->row = mem_realloc(g->row, cap * (size_t)g->shape.d, sizeof *g->row);
        g->factor = mem_realloc(g->factor, cap * cap, sizeof *g->factor);
        g->weight = mem_realloc(g->weight, cap, sizeof *g->weight);
    }
    g->n = n;
}

static void scale_rows(const struct gp *g, const double *x, int n, double *out)
{
    int d = g->shape.d;
    double *by = mem_alloc((size_t)d * sizeof *by);
    for (int j = 0; j < d; j++) {
        by[j] = exp(-g->log_scale[g->shape.variable[j]]);
    }
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < d; j++) {
            out[(long)i * d + j] = x[(long)i * d + j] * by[j];
        }
    }
    mem_free(by);
}

/* Four sums side by side, so that the additions need not wait for each other. */
static double distance2(const double *a, const double *b, int d)
{
    double s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    int j = 0;
    for (; j + 4 <= d; j += 4) {
        s0 += (a[j] - b[j]) * (a[j] - b[j]);
        s1 += (a[j + 1] - b[j + 1]) * (a[j + 1] - b[j + 1]);
        s2 += (a[j + 2] - b[j + 2]) * (a[j + 2] - b[j + 2]);
        s3 += (a[j + 3] - b[j + 3]) * (a[j + 3] - b[j + 3]);
    }
    for (; j < d; j++) {
        s0 += (a[j] - b[j]) * (a[j] - b[j]);
    }
    return (s0 + s1) + (s2 + s3);
}

/* Fills the lower triangle of the correlation matrix and, where not NULL, of its slope 5/3 (1 + sqrt5 r) exp(-sqrt5 r). */
static void correlate(const struct gp *g, double *k, double *slope)
{
    int n = g->n, d = g->shape.d;
    for (int i = 0; i < n; i++) {
        for (int j = i; j < n; j++) {
            double r2 = distance2(g->row + (long)i * d, g->row + (long)j * d, d), t = ROOT5 * sqrt(r2), e = exp(-t);
            k[(long)i * n + j] = (1 + t + 5.0 / 3 * r2) * e;
            if (slope) {
                slope[(long)i * n + j] = 5.0 / 3 * (1 + t) * e;
            }
        }
        k[(long)i * n + i] += exp(g->log_noise);
    }
}

/* Factors the correlation matrix and solves for the weights; the noise grows tenfold until it can. y is centred already. */
static double factorise(struct gp *g, const double *y, double *slope)
{
    int n = g->n, one = 1, info = 1;
    for (int t = 0; t < 12 && info != 0; t++) {
        g->log_noise += t > 0 ? 2.3 : 0;
        correlate(g, g->factor, slope);
        dpotrf_("L", &n, g->factor, &n, &info);
    }
    assert(info == 0);
    memcpy(g->weight, y, (size_t)n * sizeof *y);
    dpotrs_("L", &n, &one, g->factor, &n, g->weight, &n, &info);
    double sum = 0;
    for (int i = 0; i < n; i++) {
        sum += y[i] * g->weight[i];
    }
    return sum / n > 1e-12 ? sum / n : 1e-12;
}

/* What the optimizer of the hyper-parameters works on. */
struct likelihood {
    struct gp *g;
    const double *x, *y;
    double *inverse, *slope; /* [n][n] */
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

/* Adds 1/2 tr(W dR) for every length scale and the noise; W = a a'/s - R^-1 from its lower triangle. */
static void add_slopes(const struct likelihood *l, double signal, double *gradient)
{
    const struct gp *g = l->g;
    int n = g->n, d = g->shape.d;
    double *part = mem_calloc((size_t)d, sizeof *part), trace = 0;
    for (int i = 0; i < n; i++) {
        const double *a = g->row + (long)i * d;
        trace += g->weight[i] * g->weight[i] / signal - l->inverse[(long)i * n + i];
        for (int j = i + 1; j < n; j++) {
            const double *b = g->row + (long)j * d;
            double w = g->weight[i] * g->weight[j] / signal - l->inverse[(long)i * n + j];
            double c = w * l->slope[(long)i * n + j]; /* both triangles: 2 * 1/2 */
#pragma omp simd
            for (int q = 0; q < d; q++) {
                part[q] += c * (a[q] - b[q]) * (a[q] - b[q]);
            }
        }
    }
    for (int q = 0; q < d; q++) {
        gradient[g->shape.variable[q]] += part[q];
    }
    gradient[g->shape.n_vars] += 0.5 * trace * exp(g->log_noise);
    mem_free(part);
}

static double log_posterior(unsigned dims, const double *theta, double *gradient, void *data)
{
    const struct likelihood *l = data;
    struct gp *g = l->g;
    int n = g->n, info;
    memcpy(g->log_scale, theta, (dims - 1) * sizeof *theta);
    g->log_noise = theta[dims - 1];
    scale_rows(g, l->x, n, g->row);
    double signal = factorise(g, l->y, l->slope), value = -0.5 * n * log(signal);
    for (int i = 0; i < n; i++) {
        value -= log(g->factor[(long)i * n + i]);
    }
    double *unused = mem_calloc(dims, sizeof *unused);
    value += prior(g, gradient ? gradient : unused);
    if (gradient) {
        memcpy(l->inverse, g->factor, (size_t)n * (size_t)n * sizeof *l->inverse);
        dpotri_("L", &n, l->inverse, &n, &info);
        add_slopes(l, signal, gradient);
    }
    mem_free(unused);
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

void gp_fit(struct gp *g, const double *x, const double *y, int n, int evaluations)
{
    unsigned dims = (unsigned)g->shape.n_vars + 1;
    reserve(g, n);
    size_t square = (size_t)n * (size_t)n;
    double *theta = mem_alloc((3 * dims + (size_t)n) * sizeof *theta), *lo = theta + dims, *hi = lo + dims,
           *out = hi + dims;
    struct likelihood l = {g, x, out, mem_alloc(square * sizeof(double)), mem_alloc(square * sizeof(double))};
    centre(y, n, out);
    for (unsigned v = 0; v < dims; v++) {
        bool noise = v + 1 == dims;
        lo[v] = noise ? LOG_NOISE_MIN : LOG_SCALE_MIN;
        hi[v] = noise ? LOG_NOISE_MAX : LOG_SCALE_MAX;
        theta[v] = noise ? LOG_NOISE_MEAN : log(0.5) + 0.5 * log(g->shape.n_vars);
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
    gp_condition(g, x, y, n);
    mem_free(theta);
    mem_free(l.inverse);
    mem_free(l.slope);
}

void gp_condition(struct gp *g, const double *x, const double *y, int n)
{
    reserve(g, n);
    double *out = mem_alloc(((size_t)n + 1) * sizeof *out), noise = g->log_noise;
    g->mean = centre(y, n, out);
    scale_rows(g, x, n, g->row);
    g->signal = factorise(g, out, NULL);
    g->log_noise = noise; /* grown for this data only */
    mem_free(out);
}

void gp_predict(const struct gp *g, const double *x, int q, double *mean, double *sd)
{
    int n = g->n, d = g->shape.d;
    double one = 1, *row = mem_alloc(((size_t)q * (size_t)d + 1) * sizeof *row),
           *k = mem_alloc(((size_t)q * (size_t)n + 1) * sizeof *k);
    scale_rows(g, x, q, row);
    for (int c = 0; c < q; c++) {
        double sum = 0;
        for (int i = 0; i < n; i++) {
            double r2 = distance2(row + (long)c * d, g->row + (long)i * d, d), t = ROOT5 * sqrt(r2);
            k[(long)c * n + i] = (1 + t + 5.0 / 3 * r2) * exp(-t);
            sum += k[(long)c * n + i] * g->weight[i];
        }
        mean[c] = g->mean + sum;
    }
    dtrsm_("L", "L", "N", "N", &n, &q, &one, g->factor, &n, k, &n);
    for (int c = 0; c < q; c++) {
        double explained = 0;
        for (int i = 0; i < n; i++) {
            explained += k[(long)c * n + i] * k[(long)c * n + i];
        }
        sd[c] = sqrt(g->signal * (explained < 1 - 1e-12 ? 1 - explained : 1e-12));
    }
    mem_free(row);
    mem_free(k);
}
