/* Hypervolume and contributions against counting cells of the grid that the points' coordinates span (exact for any set),
 * for 1 to 6 objectives with ties, duplicates and points beyond the reference; and against closed forms. */
#include "base/mem.h"
#include "base/rng.h"
#include "search/hypervolume.h"
#include "tests/run_suite.h"

#include <check.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Sum of the grid cells below the reference whose low corner some row dominates. O(n^(m+1)). */
static double slow_volume(const double *f, int n, int m, const double *ref)
{
    double axis[6][16], volume = 0;
    int at[6] = {0};
    for (int j = 0; j < m; j++) {
        for (int i = 0; i < n; i++) {
            axis[j][i] = fmin(f[i * m + j], ref[j]);
        }
        axis[j][n] = ref[j];
        qsort(axis[j], (size_t)n + 1, sizeof(double), ascending);
    }
    for (bool more = n > 0; more;) {
        double cell = 1;
        bool in = false;
        for (int j = 0; j < m; j++) {
            cell *= axis[j][at[j] + 1] - axis[j][at[j]];
        }
        for (int i = 0; i < n && !in; i++) {
            in = true;
            for (int j = 0; j < m; j++) {
                in = in && f[i * m + j] <= axis[j][at[j]];
            }
        }
        volume += in ? cell : 0;
        int j = 0;
        while (j < m && ++at[j] == n) {
            at[j++] = 0;
        }
        more = j < m;
    }
    return volume;
}

static void random_set(double *f, int n, int m, int kind, struct rng *r)
{
    for (int i = 0; i < n; i++) {
        double norm = 0;
        for (int j = 0; j < m; j++) {
            double v = kind == 1 ? (double)rng_below(r, 4) / 3 : rng_uniform(r);
            f[i * m + j] = v;
            norm += v * v;
        }
        for (int j = 0; j < m && kind == 2; j++) {
            f[i * m + j] /= sqrt(norm); /* on the sphere: all non-dominated */
        }
        if (kind == 3 && i > 0 && rng_below(r, 3) == 0) {
            for (int j = 0; j < m; j++) {
                f[i * m + j] = f[(i - 1) * m + j];
            }
        }
    }
}

START_TEST(equals_counting)
{
    static const int size[] = {0, 10, 10, 9, 7, 6, 5};
    int checked = 0;
    for (int m = 1; m <= 6; m++) {
        for (int t = 0; t < 200; t++) {
            struct rng r;
            rng_init(&r, 2, (uint64_t)(1000 * m + t), RNG_TEST);
            double f[96], ref[6], out[16], others[96];
            int n = (int)rng_below(&r, size[m] + 1);
            random_set(f, n, m, t % 4, &r);
            for (int j = 0; j < m; j++) {
                ref[j] = t % 3 ? 1.1 : 0.8;
            }
            double want = slow_volume(f, n, m, ref);
            ck_assert_double_eq_tol(hypervolume(f, n, m, ref), want, 1e-12);
            hypervolume_contributions(f, n, m, ref, out);
            for (int i = 0; i < n; i++) {
                for (int k = 0; k < (n - 1) * m; k++) {
                    others[k] = f[k < i * m ? k : k + m];
                }
                double loss = want - slow_volume(others, n - 1, m, ref);
                ck_assert_double_eq_tol(out[i], loss, 1e-12);
                ck_assert_double_eq_tol(hypervolume_gain(others, n - 1, m, ref, f + i * m), loss, 1e-12);
            }
            checked++;
        }
    }
    printf("test_hypervolume: checked %d random sets of 1 to 6 objectives\n", checked);
}
END_TEST

/* The volume is the sum of what its rows add one after another: a check at sizes that counting cannot reach. */
START_TEST(sum_of_gains)
{
    for (int m = 2; m <= 6; m++) {
        struct rng r;
        rng_init(&r, 3, (uint64_t)m, RNG_TEST);
        int n = m < 5 ? 400 : 120;
        double *f = mem_calloc((size_t)(n * m), sizeof *f), ref[6], sum = 0;
        double *out = mem_calloc((size_t)n, sizeof *out);
        random_set(f, n, m, 2, &r);
        for (int j = 0; j < m; j++) {
            ref[j] = 1.1;
        }
        for (int i = 0; i < n; i++) {
            sum += hypervolume_gain(f, i, m, ref, f + i * m);
        }
        double whole = hypervolume(f, n, m, ref);
        ck_assert_double_eq_tol(whole, sum, 1e-10);
        hypervolume_contributions(f, n, m, ref, out);
        for (int i = 0; i < n; i += 37) {
            double *others = mem_calloc((size_t)(n * m), sizeof *others);
            for (int k = 0; k < (n - 1) * m; k++) {
                others[k] = f[k < i * m ? k : k + m];
            }
            ck_assert_double_eq_tol(out[i], whole - hypervolume(others, n - 1, m, ref), 1e-10);
            mem_free(others);
        }
        mem_free(out);
        mem_free(f);
    }
}
END_TEST

START_TEST(closed_forms)
{
    const double one[] = {0.25, 0.25, 0.25, 0.25, 0.25, 0.25}, ref[] = {1, 1, 1, 1, 1, 1};
    double stairs[2000], unit2[] = {1, 1};
    for (int m = 1; m <= 6; m++) {
        ck_assert_double_eq_tol(hypervolume(one, 1, m, ref), pow(0.75, m), 1e-15);
        ck_assert_double_eq_tol(hypervolume(one, 0, m, ref), 0, 1e-300);
    }
    for (int i = 0; i < 1000; i++) { /* n steps of 1/n: (n + 1) / 2n of the square, less what touches the corner */
        stairs[2 * i] = i / 1000.0;
        stairs[2 * i + 1] = (999 - i) / 1000.0;
    }
    ck_assert_double_eq_tol(hypervolume(stairs, 1000, 2, unit2), 1001.0 / 2000, 1e-12);
}
END_TEST

/* Estimates against the exact volume up to six objectives, and against two boxes' inclusion and exclusion beyond. */
START_TEST(estimates_and_their_errors)
{
    int checked = 0, far = 0;
    double worst = 0;
    for (int m = 1; m <= 12; m++) {
        struct rng r;
        rng_init(&r, 4, (uint64_t)m, RNG_TEST);
        double f[60 * 12], ref[12], a = 1, b = 1, both = 1, error;
        int n = m <= 6 ? 60 : 2;
        for (int i = 0; i < 60 * 12; i++) {
            f[i] = rng_uniform(&r);
        }
        for (int j = 0; j < m; j++) {
            ref[j] = 0.9;
            f[j] = m <= 6 ? f[j] : j % 2 ? 0.1 : 0.5;
            f[m + j] = m <= 6 ? f[m + j] : j % 2 ? 0.4 : 0.2;
            a *= fmax(0, ref[j] - f[j]);
            b *= fmax(0, ref[j] - f[m + j]);
            both *= fmax(0, ref[j] - fmax(f[j], f[m + j]));
        }
        double want = m <= 6 ? hypervolume(f, n, m, ref) : a + b - both;
        for (uint64_t seed = 0; seed < 20; seed++, checked++) {
            double v = hypervolume_sampled(f, n, m, ref, 3000, seed, &error);
            ck_assert_msg(error >= 0 && error <= want * sqrt(n / 3000.0), "%d objectives: error %g of %g", m, error,
                          want);
            double off = fabs(v - want) / (error + 1e-12 * want);
            worst = fmax(worst, off);
            far += off > 2;
        }
    }
    ck_assert_msg(worst < 4.5 && far < 0.1 * checked, "worst %g errors, %d of %d beyond two", worst, far, checked);
    printf("test_hypervolume: checked %d estimates\n", checked);
}
END_TEST

/* The gain is a sum of products of coordinates between kinks, so differences are exact there but for rounding. */
START_TEST(slopes_of_gains)
{
    int checked = 0;
    struct rng r;
    rng_init(&r, 9, 0, RNG_TEST);
    for (int m = 2; m <= 6; m++) {
        for (int t = 0; t < 60; t++, checked++) {
            int n = (int)rng_below(&r, 12);
            double f[72], p[6], slope[6], ref[] = {1, 1, 1, 1, 1, 1}, step = 1e-7;
            random_set(f, n, m, 0, &r);
            for (int j = 0; j < m; j++) {
                p[j] = (t % 10 == 0 ? 1.2 : t % 3 == 0 ? 1 : 0.5) * rng_uniform(&r);
            }
            hypervolume_gain_slope(f, n, m, ref, p, slope);
            for (int j = 0; j < m; j++) {
                double here = hypervolume_gain(f, n, m, ref, p), kept = p[j];
                p[j] += step;
                double want = (hypervolume_gain(f, n, m, ref, p) - here) / step;
                p[j] = kept;
                ck_assert_msg(fabs(slope[j] - want) < 1e-6, "%d objectives, %d rows: slope %g is not %g", m, n,
                              slope[j], want);
            }
        }
    }
    printf("test_hypervolume: checked %d slopes\n", checked);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("hypervolume");
    TCase *c = tcase_create("all");
    tcase_add_test(c, equals_counting);
    tcase_add_test(c, sum_of_gains);
    tcase_add_test(c, closed_forms);
    tcase_add_test(c, estimates_and_their_errors);
    tcase_add_test(c, slopes_of_gains);
    suite_add_tcase(s, c);
    return run_suite(s, CK_FORK_GETENV);
}
