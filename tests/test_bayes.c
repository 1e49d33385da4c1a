/* The Bayesian algorithm's parts: the Gaussian process against direct formulas, EHVI against sampling. */
#include "base/mem.h"
#include "base/rng.h"
#include "search/ehvi.h"
#include "search/gp.h"
#include "search/hypervolume.h"
#include "search/matern.h"
#include "tests/run_suite.h"

#include <check.h>
#include <gsl/gsl_randist.h>
#include <math.h>
#include <stdio.h>

/* EHVI is the mean of hypervolume_gain() over draws from the posterior. */
START_TEST(ehvi_is_a_mean)
{
    int checked = 0;
    for (int m = 2; m <= 3; m++) {
        for (int t = 0; t < 12; t++) {
            gsl_rng *g = rng_gsl((uint64_t)t, (uint64_t)m, RNG_TEST);
            int n = (int)gsl_rng_uniform_int(g, 9), draws = 40000;
            double f[27], ref[] = {1, 1, 1}, mean[3], sd[3], sum = 0, sum2 = 0;
            for (int i = 0; i < n * m; i++) {
                f[i] = t % 2 ? floor(5 * gsl_rng_uniform(g)) / 5 : gsl_rng_uniform(g);
            }
            for (int j = 0; j < m; j++) {
                mean[j] = 0.8 * gsl_rng_uniform(g);
                sd[j] = 0.05 + 0.3 * gsl_rng_uniform(g);
            }
            struct ehvi e;
            ehvi_init(&e, f, n, m, ref);
            double want = ehvi_value(&e, mean, sd);
            for (int k = 0; k < draws; k++) {
                double p[3];
                for (int j = 0; j < m; j++) {
                    p[j] = mean[j] + gsl_ran_gaussian(g, sd[j]);
                }
                double v = hypervolume_gain(f, n, m, ref, p);
                sum += v / draws;
                sum2 += v * v / draws;
            }
            double error = sqrt((sum2 - sum * sum) / draws);
            ck_assert_msg(fabs(sum - want) < 4.5 * error + 1e-9, "m %d, n %d: %g is not %g +- %g", m, n, want, sum,
                          error);
            ehvi_release(&e);
            gsl_rng_free(g);
            checked++;
        }
    }
    printf("test_bayes: checked %d expected improvements\n", checked);
}
END_TEST

START_TEST(matern_is_its_formula)
{
    enum { N = 5003 }; /* no multiple of a vector */
    double r2[N], k[N], slope[N], worst = 0;
    struct rng r;
    rng_init(&r, 6, 0, RNG_TEST);
    for (int i = 0; i < N; i++) {
        r2[i] = i == 0 ? 0 : i == 1 ? -1e-17 : pow(10, -20 + 25 * rng_uniform(&r));
        k[i] = r2[i];
    }
    matern(k, slope, N);
    for (int i = 0; i < N; i++) {
        double t = sqrt(5 * fmax(r2[i], 0)), e = exp(-t), want = (1 + t + t * t / 3) * e;
        worst = t < 690 ? fmax(worst, fabs(k[i] - want) / want) : worst;
        worst = t < 690 ? fmax(worst, fabs(slope[i] - 5.0 / 3 * (1 + t) * e) / (5.0 / 3 * (1 + t) * e)) : worst;
    }
    ck_assert_msg(worst < 1e-12, "off by %g", worst);
    printf("test_bayes: checked %d correlations\n", N);
}
END_TEST

/* The mean and deviation of the textbook, by Gaussian elimination on the whole matrix. */
static void slow_predict(const struct gp *g, const double *x, const double *y, int n, const double *at, double *mean,
                         double *sd)
{
    int d = g->shape.d, w = n + 2;
    double *a = mem_calloc((size_t)n * (size_t)w, sizeof *a), *k = mem_calloc((size_t)n, sizeof *k);
    for (int i = 0; i < n; i++) {
        for (int j = 0; j <= n; j++) {
            double r2 = 0;
            for (int q = 0; q < d; q++) {
                double step = (x[i * d + q] - (j < n ? x[j * d + q] : at[q])) / exp(g->log_scale[q]);
                r2 += step * step;
            }
            a[i * w + j] = (1 + sqrt(5 * r2) + 5.0 / 3 * r2) * exp(-sqrt(5 * r2)) + (i == j ? exp(g->log_noise) : 0);
        }
        k[i] = a[i * w + n];
        a[i * w + n + 1] = y[i] - g->mean;
    }
    for (int p = 0; p < n; p++) {
        for (int i = 0; i < n; i++) {
            double by = i == p ? 0 : a[i * w + p] / a[p * w + p];
            for (int j = p; j < w && i != p; j++) {
                a[i * w + j] -= by * a[p * w + j];
            }
        }
    }
    double explained = 0;
    *mean = g->mean;
    for (int i = 0; i < n; i++) {
        explained += k[i] * a[i * w + n] / a[i * w + i];
        *mean += k[i] * a[i * w + n + 1] / a[i * w + i];
    }
    *sd = sqrt(g->signal * (1 - explained));
    mem_free(a);
    mem_free(k);
}

/* The slopes of mean and deviation against differences. */
static void check_slopes(const struct gp *g, double *x)
{
    enum { D = 4 };
    double mean, sd, dmean[D], dsd[D], m[2], v[2];
    gp_slope(g, x, &mean, &sd, dmean, dsd);
    gp_predict(g, x, 1, m, v);
    ck_assert(fabs(mean - m[0]) < 1e-9 && fabs(sd - v[0]) < 1e-7);
    for (int q = 0; q < D; q++) {
        const double step = 1e-4;
        for (int k = 0; k < 2; k++) {
            x[q] += k ? 2 * step : -step;
            gp_predict(g, x, 1, &m[k], &v[k]);
        }
        x[q] -= step;
        ck_assert_msg(fabs((m[1] - m[0]) / (2 * step) - dmean[q]) < 1e-4 * (1 + fabs(dmean[q])),
                      "mean's slope %g is not %g", dmean[q], (m[1] - m[0]) / (2 * step));
        ck_assert_msg(fabs((v[1] - v[0]) / (2 * step) - dsd[q]) < 1e-3 * (1 + fabs(dsd[q])),
                      "deviation's slope %g is not %g", dsd[q], (v[1] - v[0]) / (2 * step));
    }
}

/* Rows added one by one, and taken back, are the same process as all rows at once, and that of the textbook. */
START_TEST(gp_grows)
{
    enum { N = 40, D = 4 };
    static const int variable[D] = {0, 1, 2, 3};
    double x[N * D], y[N], z[D], mean[3], sd[3];
    struct rng r;
    rng_init(&r, 7, 0, RNG_TEST);
    struct gp all, some;
    gp_init(&all, (struct gp_shape){D, D, variable});
    gp_init(&some, (struct gp_shape){D, D, variable});
    for (int t = 0; t < 50; t++) {
        for (int i = 0; i < N * D; i++) {
            x[i] = rng_uniform(&r);
        }
        for (int i = 0; i < N; i++) {
            y[i] = sin(5 * x[i * D]) * x[i * D + 1] + rng_uniform(&r);
        }
        for (int v = 0; v < D; v++) {
            all.log_scale[v] = some.log_scale[v] = -1 + 2 * rng_uniform(&r);
            z[v] = rng_uniform(&r);
        }
        all.log_noise = some.log_noise = -14 * rng_uniform(&r) - 2;
        int first = 1 + (int)rng_below(&r, N);
        gp_rows(&all, x, N);
        gp_targets(&all, y);
        gp_rows(&some, x, first);
        for (int i = first; i < N; i++) {
            gp_append(&some, z);
            gp_truncate(&some, i);
            gp_append(&some, x + i * D);
        }
        gp_targets(&some, y);
        slow_predict(&all, x, y, N, z, &mean[0], &sd[0]);
        gp_predict(&all, z, 1, &mean[1], &sd[1]);
        gp_predict(&some, z, 1, &mean[2], &sd[2]);
        check_slopes(&all, z);
        for (int k = 1; k < 3; k++) {
            ck_assert_msg(fabs(mean[k] - mean[0]) < 1e-6 && fabs(sd[k] - sd[0]) < 1e-6,
                          "test %d: %.9g +- %.9g is not %.9g +- %.9g", t, mean[k], sd[k], mean[0], sd[0]);
        }
    }
    gp_release(&all);
    gp_release(&some);
    printf("test_bayes: checked 50 processes that grew\n");
}
END_TEST

START_TEST(gp_learns)
{
    enum { N = 60, Q = 200, D = 3 };
    static const int variable[D] = {0, 1, 2};
    double x[N * D], y[N], z[Q * D], mean[Q], sd[Q], worst = 0, off = 0;
    struct rng r;
    rng_init(&r, 5, 0, RNG_TEST);
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < D; j++) {
            x[i * D + j] = rng_uniform(&r);
        }
        y[i] = 5 + sin(4 * x[i * D]) + x[i * D + 1] * x[i * D + 1]; /* the third variable does not matter */
    }
    struct gp g;
    gp_init(&g, (struct gp_shape){D, D, variable});
    gp_fit(&g, x, y, N, 60);
    gp_rows(&g, x, N);
    gp_targets(&g, y);
    ck_assert_msg(g.log_scale[2] > g.log_scale[0] + 1, "scales %g %g %g", g.log_scale[0], g.log_scale[1],
                  g.log_scale[2]);
    gp_predict(&g, x, N, mean, sd);
    for (int i = 0; i < N; i++) {
        worst = fmax(worst, fabs(mean[i] - y[i]));
    }
    ck_assert_msg(worst < 0.01, "misses its data by %g", worst);
    int inside = 0;
    for (int i = 0; i < Q * D; i++) {
        z[i] = rng_uniform(&r);
    }
    gp_predict(&g, z, Q, mean, sd);
    for (int i = 0; i < Q; i++) {
        double error = fabs(mean[i] - (5 + sin(4 * z[i * D]) + z[i * D + 1] * z[i * D + 1]));
        off = fmax(off, error);
        inside += error < 3 * sd[i] + 1e-3;
    }
    ck_assert_msg(off < 0.1 && inside > 0.95 * Q, "worst %g, %d of %d within three deviations", off, inside, Q);
    gp_release(&g);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("bayes");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 60);
    tcase_add_test(c, ehvi_is_a_mean);
    tcase_add_test(c, matern_is_its_formula);
    tcase_add_test(c, gp_grows);
    tcase_add_test(c, gp_learns);
    suite_add_tcase(s, c);
    return run_suite(s, CK_FORK_GETENV);
}
