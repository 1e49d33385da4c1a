/* Sorting, filtering and crowding against pairwise comparison on random sets, biased to ties and duplicates. */
#include "base/mem.h"
#include "base/rng.h"
#include "search/dominance.h"
#include "tests/run_suite.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Peels front after front by comparing all pairs. */
static int slow_sort(const double *f, int n, int m, int *rank)
{
    int left = n, fronts = 0;
    for (int i = 0; i < n; i++) {
        rank[i] = -1;
    }
    for (; left > 0; fronts++) {
        for (int i = 0; i < n; i++) {
            bool dominated = rank[i] >= 0 && rank[i] < fronts;
            for (int k = 0; k < n && !dominated; k++) {
                dominated = (rank[k] < 0 || rank[k] == fronts) && dominates(f + k * m, f + i * m, m);
            }
            if (!dominated && rank[i] < 0) {
                rank[i] = fronts;
                left--;
            }
        }
    }
    return fronts;
}

static void random_rows(double *f, int n, int m, int levels, struct rng *r)
{
    for (int i = 0; i < n * m; i++) {
        f[i] = levels > 0 ? (double)rng_below(r, levels) : rng_uniform(r);
    }
}

START_TEST(sort_equals_peeling)
{
    static const int levels[] = {0, 2, 5, 40};
    int checked = 0;
    for (int m = 1; m <= 6; m++) {
        for (int t = 0; t < 40; t++) {
            struct rng r;
            rng_init(&r, 1, (uint64_t)(100 * m + t), RNG_TEST);
            int n = 1 + (int)rng_below(&r, t < 36 ? 150 : 1500);
            double *f = mem_calloc((size_t)(n * m), sizeof *f);
            int *rank = mem_calloc((size_t)n, sizeof *rank), *want = mem_calloc((size_t)n, sizeof *want);
            bool *keep = mem_calloc((size_t)n, sizeof *keep);
            random_rows(f, n, m, levels[t % 4], &r);
            ck_assert_int_eq(dominance_sort(f, n, m, rank), slow_sort(f, n, m, want));
            int kept = dominance_filter(f, n, m, keep), found = 0;
            for (int i = 0; i < n; i++) {
                ck_assert_int_eq(rank[i], want[i]);
                bool first = want[i] == 0;
                for (int k = 0; k < i && first; k++) {
                    first = false;
                    for (int j = 0; j < m; j++) {
                        first = first || f[k * m + j] < f[i * m + j] || f[k * m + j] > f[i * m + j];
                    }
                }
                ck_assert_int_eq(keep[i], first);
                found += first;
            }
            ck_assert_int_eq(kept, found);
            checked++;
            mem_free(f);
            mem_free(rank);
            mem_free(want);
            mem_free(keep);
        }
    }
    printf("test_dominance: checked %d random sets of 1 to 6 objectives\n", checked);
}
END_TEST

START_TEST(feasible_first)
{
    const double f[] = {1, 1, 0, 0, 2, 2, 5, 5, 9, 9};
    const double violation[] = {0, 0.5, 0, 0.25, 0.5};
    const int want[] = {0, 3, 1, 2, 3};
    int rank[5];
    ck_assert_int_eq(dominance_sort_constrained(f, violation, 5, 2, rank), 4);
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(rank[i], want[i]);
    }
}
END_TEST

START_TEST(crowding_by_hand)
{
    const double f[] = {0, 4, 1, 2, 2, 1, 4, 0};
    const int member[] = {3, 1, 0, 2};
    double crowd[4];
    dominance_crowding(f, 2, member, 4, crowd);
    ck_assert(isinf(crowd[0]) && isinf(crowd[2]));
    ck_assert_double_eq_tol(crowd[1], 2.0 / 4 + 3.0 / 4, 1e-15);
    ck_assert_double_eq_tol(crowd[3], 3.0 / 4 + 2.0 / 4, 1e-15);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("dominance");
    TCase *c = tcase_create("all");
    tcase_add_test(c, sort_equals_peeling);
    tcase_add_test(c, feasible_first);
    tcase_add_test(c, crowding_by_hand);
    suite_add_tcase(s, c);
    return run_suite(s, CK_FORK_GETENV);
}
