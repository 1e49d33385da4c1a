/* Canonical form, checks and scales of search spaces. */
#include "base/rng.h"
#include "search/algorithm.h"
#include "search/space.h"
#include "tests/run_suite.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* x1 is active when x0 is level 1, x2 when x1 is active and at its top. */
static bool active(const void *ctx, const double *x, int i)
{
    (void)ctx;
    return i == 1 ? x[0] > 0.5 : i == 2 ? x[0] > 0.5 && x[1] > 1.5 : true;
}

static void example(struct space *s)
{
    space_init(s);
    space_add(s, "kind", VARIABLE_CATEGORY)->n = 2;
    space_add(s, "level", VARIABLE_ORDERED)->n = 3;
    struct variable *v = space_add(s, "share", VARIABLE_REAL);
    v->lo = 0.5;
    v->hi = 8;
    v->log = true;
    s->active = active;
}

START_TEST(canonical)
{
    struct space s;
    example(&s);
    double x[] = {0.4, 2, 3}, y[] = {7, 1.6, -1}, z[] = {1, nan(""), 3};
    space_canonical(&s, x);
    ck_assert(x[0] < 0.5 && x[1] < 0.5 && x[2] < 0.25); /* all zero: what hangs on an inactive variable is inactive */
    space_canonical(&s, y);
    ck_assert_double_eq_tol(y[0], 1, 1e-300);
    ck_assert_double_eq_tol(y[1], 2, 1e-300);
    ck_assert_double_eq_tol(y[2], 0.5, 1e-300);
    space_canonical(&s, z);
    ck_assert_double_eq_tol(z[1], 0, 1e-300);
    ck_assert_double_eq_tol(z[2], 0, 1e-300);
    space_release(&s);
}
END_TEST

START_TEST(canonical_is_idempotent)
{
    struct space s;
    example(&s);
    struct rng r;
    rng_init(&r, 1, 0, RNG_TEST);
    for (int t = 0; t < 1000; t++) {
        double x[3], y[3];
        for (int i = 0; i < 3; i++) {
            x[i] = 12 * rng_uniform(&r) - 2;
        }
        space_canonical(&s, x);
        memcpy(y, x, sizeof y);
        space_canonical(&s, y);
        ck_assert_mem_eq(x, y, sizeof x);
        ck_assert(visited_key(x, 3) == visited_key(y, 3));
    }
    printf("test_space: checked 1000 canonical points\n");
    space_release(&s);
}
END_TEST

START_TEST(scales)
{
    struct space s;
    example(&s);
    const struct variable *v = &s.var[2];
    ck_assert_double_eq_tol(space_to_unit(v, 2), 0.5, 1e-12);
    for (double u = 0; u < 1; u += 0.01) {
        ck_assert_double_eq_tol(space_to_unit(v, space_from_unit(v, u)), u, 1e-12);
    }
    int count[3] = {0};
    for (int k = 0; k < 300; k++) {
        count[(int)space_from_unit(&s.var[1], (k + 0.5) / 300)]++;
    }
    ck_assert(count[0] == 100 && count[1] == 100 && count[2] == 100);
    ck_assert(isinf(space_cardinality(&s)));
    space_release(&s);
}
END_TEST

static void refused(struct space *s, const char *part)
{
    struct err err = ERR_INIT;
    ck_assert_int_eq(space_check(s, &err), -1);
    ck_assert_msg(strstr(err.text, part) != NULL, "'%s' is not in '%s'", part, err.text);
    space_release(s);
}

START_TEST(bad_spaces)
{
    struct space s;
    space_init(&s);
    refused(&s, "no variables");
    space_add(&s, "a", VARIABLE_ORDERED);
    refused(&s, "'a' has no levels");
    space_add(&s, "a", VARIABLE_REAL)->lo = 1;
    refused(&s, "low < high");
    struct variable *v = space_add(&s, "a", VARIABLE_REAL);
    v->hi = 1;
    v->log = true;
    refused(&s, "log scale");
    space_add(&s, "a", VARIABLE_ORDERED)->n = 2;
    space_add(&s, "a", VARIABLE_ORDERED)->n = 2;
    refused(&s, "two variables");
}
END_TEST

/* The walk meets every canonical point once: compared with all points of the full grid made canonical. */
START_TEST(walk_meets_all)
{
    struct space s;
    example(&s);
    struct walk w;
    walk_init(&w, &s, 4);
    struct visited seen = {NULL, 0, 0}, want = {NULL, 0, 0};
    for (int k = 0; k < 2 * 3 * 4; k++) {
        double x[] = {k % 2, k / 2 % 3, space_from_unit(&s.var[2], k / 6 / 3.0)};
        space_canonical(&s, x);
        visited_add(&want, visited_key(x, 3));
    }
    for (; !w.done; walk_step(&w)) {
        double x[3];
        walk_point(&w, x);
        uint64_t key = visited_key(x, 3);
        ck_assert(!visited_has(&seen, key) && visited_has(&want, key));
        visited_add(&seen, key);
    }
    ck_assert_int_eq(seen.n, want.n);
    ck_assert_int_eq(seen.n, 1 + 2 + 4);
    visited_release(&seen);
    visited_release(&want);
    walk_release(&w);
    space_release(&s);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("space");
    TCase *c = tcase_create("all");
    tcase_add_test(c, canonical);
    tcase_add_test(c, canonical_is_idempotent);
    tcase_add_test(c, scales);
    tcase_add_test(c, bad_spaces);
    tcase_add_test(c, walk_meets_all);
    suite_add_tcase(s, c);
    return run_suite(s, CK_FORK_GETENV);
}
