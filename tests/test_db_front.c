/* The incremental front against the definition: for all points so far, who is dominated by nobody. */
#include "db/db_private.h"
#include "tests/run_suite.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { POINTS = 300 };

static bool dominated_or_later_equal(const double *f, int m, int i, int n)
{
    for (int j = 0; j < n; j++) {
        bool no_worse = j != i, better = false;
        for (int k = 0; k < m; k++) {
            no_worse = no_worse && f[j * m + k] <= f[i * m + k];
            better = better || f[j * m + k] < f[i * m + k];
        }
        if (no_worse && (better || j < i)) {
            return true;
        }
    }
    return false;
}

static uint64_t next(uint64_t *state)
{
    *state = *state * 6364136223846793005U + 1442695040888963407U;
    return *state >> 33;
}

/* Few levels make ties, many make none. */
static void fill(double *f, int n, uint64_t seed, uint64_t levels)
{
    for (int i = 0; i < n; i++) {
        f[i] = (double)(next(&seed) % levels);
        if (levels == 5 && f[i] == 4.0) {
            f[i] = (double)INFINITY;
        }
    }
}

static void check_against_definition(int m, uint64_t seed, uint64_t levels)
{
    double f[POINTS * 5];
    bool in[POINTS] = {false};
    struct front front;
    fill(f, POINTS * m, seed, levels);
    front_init(&front, m);
    for (int n = 1; n <= POINTS; n++) {
        in[n - 1] = front_add(&front, f + (n - 1) * m, n - 1);
        for (int64_t k = 0; k < front.n_removed; k++) {
            ck_assert(in[front.removed[k]]);
            in[front.removed[k]] = false;
        }
        if (n % 50 && n != POINTS) {
            continue;
        }
        int64_t size = 0;
        for (int i = 0; i < n; i++) {
            ck_assert_int_eq(in[i], !dominated_or_later_equal(f, m, i, n));
            size += in[i];
        }
        ck_assert_int_eq(front.n, size);
    }
    front_release(&front);
}

START_TEST(as_defined)
{
    const uint64_t levels[] = {2, 5, 30, 1000000};
    int sets = 0;
    for (int m = 1; m <= 5; m++) {
        for (uint64_t seed = 1; seed <= 5; seed++) {
            for (int l = 0; l < 4; l++, sets++) {
                check_against_definition(m, seed, levels[l]);
            }
        }
    }
    printf("checked %d sets of %d points\n", sets, POINTS);
}
END_TEST

START_TEST(nan_is_never_on_a_front)
{
    struct front front;
    front_init(&front, 2);
    ck_assert(!front_add(&front, (double[]){(double)NAN, 0.0}, 0));
    ck_assert(front_add(&front, (double[]){1.0, 1.0}, 1));
    ck_assert(!front_add(&front, (double[]){0.0, (double)NAN}, 2));
    ck_assert_int_eq(front.n, 1);
    front_release(&front);
    front_init(&front, 0);
    ck_assert(!front_add(&front, (double[]){0.0}, 0));
    front_release(&front);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("db_front");
    TCase *t = tcase_create("all");
    tcase_add_test(t, as_defined);
    tcase_add_test(t, nan_is_never_on_a_front);
    suite_add_tcase(s, t);
    return run_suite(s, CK_FORK_GETENV);
}
