/* The Bayesian algorithm's parts: the Gaussian process against direct formulas, EHVI against sampling. */
#include "base/mem.h"
#include "base/rng.h"
#include "search/ehvi.h"
#include "search/gp.h"
#include "search/hypervolume.h"

#include <check.h>
#include <gsl/gsl_randist.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

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
    tcase_add_test(c, gp_learns);
    suite_add_tcase(s, c);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
