/* The archive of results against slow ones: without cells, the rows that no other row covers; with cells, the definition applied to
 * a list. */
#include "base/mem.h"
#include "base/rng.h"
#include "search/archive.h"
#include "tests/run_suite.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 600, M = 5 };

static bool not_above(const double *p, const double *q, int m)
{
    for (int j = 0; j < m; j++) {
        if (p[j] > q[j]) {
            return false;
        }
    }
    return true;
}

/* Rows near a front, on a grid in every other test, so that ties and equal rows occur. */
static void random_rows(double *f, int m, int test, struct rng *r)
{
    for (int i = 0; i < ROWS; i++) {
        double sum = 0;
        for (int j = 0; j < m; j++) {
            f[i * m + j] = rng_uniform(r) - 0.3;
            sum += f[i * m + j];
        }
        for (int j = 0; j < m; j++) {
            double v = f[i * m + j] + (0.5 * rng_uniform(r) - sum) / m;
            f[i * m + j] = test % 2 ? floor(20 * v) / 20 : v;
        }
    }
}

static int by_number(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void check_members(const struct archive *a, const double *f, const double *x, const int64_t *want, int n)
{
    int64_t *id = mem_calloc((size_t)a->n + 1, sizeof *id);
    ck_assert_int_eq(a->n, n);
    memcpy(id, a->id, (size_t)n * sizeof *id);
    qsort(id, (size_t)n, sizeof *id, by_number);
    ck_assert_mem_eq(id, want, (size_t)n * sizeof *id);
    for (int k = 0; k < n; k++) {
        ck_assert_mem_eq(a->f + k * a->m, f + a->id[k] * a->m, (size_t)a->m * sizeof *f);
        ck_assert_mem_eq(a->x + k * 2, x + a->id[k] * 2, 2 * sizeof *x);
    }
    mem_free(id);
}

START_TEST(keeps_what_nothing_covers)
{
    static double f[ROWS * M], x[ROWS * 2];
    int64_t want[ROWS];
    int members = 0;
    for (int t = 0; t < 60; t++) {
        int m = 1 + t % M, n = 0;
        struct rng r;
        rng_init(&r, 1, (uint64_t)t, RNG_TEST);
        random_rows(f, m, t / M, &r);
        struct archive a;
        archive_init(&a, m, 2);
        for (int i = 0; i < ROWS; i++) {
            x[2 * i] = i;
            archive_add(&a, i, f + i * m, x + 2 * i);
        }
        for (int i = 0; i < ROWS; i++) {
            bool covered = false;
            for (int k = 0; k < ROWS && !covered; k++) {
                bool same = not_above(f + i * m, f + k * m, m);
                covered = k != i && not_above(f + k * m, f + i * m, m) && (!same || k < i);
            }
            if (!covered) {
                want[n++] = i;
            }
        }
        check_members(&a, f, x, want, n);
        members += n;
        archive_release(&a);
    }
    printf("test_archive: checked %d members of 60 archives\n", members);
}
END_TEST

static double cell_of(double v, double epsilon)
{
    return epsilon > 0 ? floor(v / epsilon) : v;
}

static double above_cell(double v, double epsilon)
{
    double d = epsilon > 0 ? v / epsilon - cell_of(v, epsilon) : 0;
    return d * d;
}

/* The definition of an archive of cells, on a list. Returns its length. */
static int slow_add(int64_t *list, int n, int64_t id, const double *f, int m, const double *epsilon)
{
    const double *p = f + id * m;
    int kept = 0;
    for (int k = 0; k < n; k++) {
        const double *q = f + list[k] * m;
        bool over = true, under = true;
        double near_p = 0, near_q = 0;
        for (int j = 0; j < m; j++) {
            double a = cell_of(p[j], epsilon[j]), b = cell_of(q[j], epsilon[j]);
            over = over && b <= a;
            under = under && a <= b;
            near_p += above_cell(p[j], epsilon[j]);
            near_q += above_cell(q[j], epsilon[j]);
        }
        bool wins = over && under && !not_above(q, p, m) && (not_above(p, q, m) || near_p < near_q);
        if (over && !wins) {
            return n; /* nothing can have been removed: the list covers itself nowhere */
        }
    }
    for (int k = 0; k < n; k++) {
        const double *q = f + list[k] * m;
        bool under = true;
        for (int j = 0; j < m; j++) {
            under = under && cell_of(p[j], epsilon[j]) <= cell_of(q[j], epsilon[j]);
        }
        if (!under) {
            list[kept++] = list[k];
        }
    }
    list[kept++] = id;
    return kept;
}

START_TEST(cells)
{
    static double f[ROWS * M], x[ROWS * 2];
    int64_t want[ROWS];
    int members = 0;
    for (int t = 0; t < 60; t++) {
        int m = 1 + t % M, n = 0;
        double epsilon[M];
        struct rng r;
        rng_init(&r, 2, (uint64_t)t, RNG_TEST);
        random_rows(f, m, t / M, &r);
        for (int j = 0; j < m; j++) {
            epsilon[j] = rng_below(&r, 4) == 0 ? 0 : 0.02 + 0.2 * rng_uniform(&r);
        }
        struct archive a;
        archive_init_cells(&a, m, 2, epsilon);
        for (int i = 0; i < ROWS; i++) {
            x[2 * i] = i;
            archive_add(&a, i, f + i * m, x + 2 * i);
            n = slow_add(want, n, i, f, m, epsilon);
        }
        qsort(want, (size_t)n, sizeof *want, by_number);
        check_members(&a, f, x, want, n);
        for (int i = 0; i < ROWS; i++) { /* what it promises */
            bool near = false;
            for (int k = 0; k < n && !near; k++) {
                near = true;
                for (int j = 0; j < m; j++) {
                    near = near && f[want[k] * m + j] <= f[i * m + j] + epsilon[j] * (1 + 1e-9);
                }
            }
            ck_assert(near);
        }
        members += n;
        archive_release(&a);
    }
    printf("test_archive: checked %d members of 60 archives of cells\n", members);
}
END_TEST

START_TEST(gains)
{
    static const struct {
        double f[2];
        enum archive_gain gain;
    } told[] = {{{1, 1}, GAIN_SPREAD}, {{2, 2}, GAIN_NONE},   {{1, 1}, GAIN_NONE},
                {{0, 2}, GAIN_SPREAD}, {{0, 1}, GAIN_BETTER}, {{-1, 3}, GAIN_SPREAD}};
    struct archive a;
    struct archive_mark mark = {0, 0};
    archive_init(&a, 2, 0);
    for (size_t k = 0; k < sizeof told / sizeof *told; k++) {
        archive_add(&a, (int64_t)k, told[k].f, NULL);
        ck_assert_int_eq(archive_gain(&a, &mark), told[k].gain);
    }
    ck_assert(archive_worth(GAIN_NONE) < archive_worth(GAIN_SPREAD) &&
              archive_worth(GAIN_SPREAD) < archive_worth(GAIN_BETTER));
    archive_release(&a);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("archive");
    TCase *c = tcase_create("all");
    tcase_add_test(c, keeps_what_nothing_covers);
    tcase_add_test(c, cells);
    tcase_add_test(c, gains);
    suite_add_tcase(s, c);
    return run_suite(s, CK_FORK_GETENV);
}
