/* What is shown of a front, against the definitions computed in another way, on random fronts. */
#include "base/mem.h"
#include "experiments/pick.h"
#include "tests/run_suite.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_N = 40, MAX_M = 4, ROUNDS = 300 };

static uint64_t next(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

/* n points that do not dominate each other: on the simplex sum = const, with ties; some negative. */
static int random_front(uint64_t *state, int m, double *f)
{
    int n = 1 + (int)(next(state) % MAX_N);
    for (int i = 0; i < n; i++) {
        double rest = 12.0;
        for (int k = 0; k < m - 1; k++) {
            f[i * m + k] = (double)(next(state) % 5) - 1.0;
            rest -= f[i * m + k];
        }
        f[i * m + m - 1] = m == 1 ? 3.0 : rest;
    }
    return n;
}

static int count(const bool *keep, int n)
{
    int c = 0;
    for (int i = 0; i < n; i++) {
        c += keep[i];
    }
    return c;
}

START_TEST(extremes_and_knee_stay_in_every_choice)
{
    uint64_t state = 1;
    double f[MAX_N * MAX_M];
    bool keep[MAX_N];
    for (int round = 0; round < ROUNDS; round++) {
        int m = 1 + round % MAX_M;
        int n = random_front(&state, m, f);
        int want = 1 + (int)(next(&state) % 50);
        int kept = pick_spread(f, n, m, want, keep);
        ck_assert_int_eq(kept, count(keep, n));
        ck_assert_int_eq(kept, want < n ? want : n);
        for (int k = 0; k < m && want > m; k++) {
            ck_assert(keep[pick_least(f, n, m, k)]);
        }
        ck_assert(want <= m || keep[pick_knee(f, n, m)]);
        kept = pick_thin(f, n, m, 0.2, keep);
        ck_assert_int_eq(kept, count(keep, n));
        ck_assert(keep[pick_knee(f, n, m)]);
    }
    printf("checked %d fronts\n", ROUNDS);
}
END_TEST

START_TEST(every_row_is_near_a_kept_one)
{
    uint64_t state = 7;
    double f[MAX_N * MAX_M];
    bool keep[MAX_N];
    int left_out = 0;
    for (int round = 0; round < ROUNDS; round++) {
        int m = 1 + round % MAX_M;
        int n = random_front(&state, m, f);
        double eps = 0.1 * (double)(next(&state) % 6);
        pick_thin(f, n, m, eps, keep);
        for (int i = 0; i < n; i++) {
            bool near = false;
            for (int j = 0; j < n && !near; j++) {
                near = keep[j];
                for (int k = 0; k < m; k++) {
                    near = near && f[j * m + k] <= f[i * m + k] + eps * fabs(f[i * m + k]);
                }
            }
            ck_assert(near);
            left_out += !keep[i];
        }
    }
    printf("left out %d rows\n", left_out);
    ck_assert_int_gt(left_out, 100);
}
END_TEST

START_TEST(the_spread_starts_far_apart)
{
    /* On a line: ends, the middle, then the quarters. */
    double f[2 * 9];
    bool keep[9];
    for (int i = 0; i < 9; i++) {
        f[2 * i] = i;
        f[2 * i + 1] = 8 - i;
    }
    ck_assert_int_eq(pick_knee(f, 9, 2), 4);
    ck_assert_int_eq(pick_spread(f, 9, 2, 5, keep), 5);
    const bool want[9] = {true, false, true, false, true, false, true, false, true};
    ck_assert_mem_eq(keep, want, sizeof want);
}
END_TEST

START_TEST(volume_of_boxes_known_by_hand)
{
    const double f[] = {0, 2, 1, 1, 2, 0};
    const double ideal[] = {0, 0};
    const double reference[] = {4, 4};
    /* Cells of the 4 x 4 box that are dominated: 16 - (4 above none): rows y 0..1: x >= 2; 1..2: x >= 1; 2..4: all. */
    ck_assert_double_eq_tol(pick_hypervolume(f, 3, 2, ideal, reference), (2 + 3 + 8) / 16.0, 1e-12);
    double low[2];
    double high[2];
    pick_box(f, 3, 2, low, high);
    ck_assert_double_eq(low[0], 0);
    ck_assert_double_eq_tol(high[1], 2.2, 1e-12);
    ck_assert_int_eq(pick_least(f, 0, 2, 0), -1);
    ck_assert_int_eq(pick_knee(f, 0, 2), -1);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("pick");
    tcase_add_test(tc, extremes_and_knee_stay_in_every_choice);
    tcase_add_test(tc, every_row_is_near_a_kept_one);
    tcase_add_test(tc, the_spread_starts_far_apart);
    tcase_add_test(tc, volume_of_boxes_known_by_hand);
    Suite *s = suite_create("pick");
    suite_add_tcase(s, tc);
    return run_suite(s, CK_FORK_GETENV);
}
