/* base/rng: known answers, independence of streams, GSL's distributions on top. */
#include "base/rng.h"
#include "tests/run_suite.h"

#include <check.h>
#include <gsl/gsl_randist.h>
#include <math.h>
#include <string.h>

/* Random123 1.14, tests/kat_vectors, "philox4x32 10". */
START_TEST(known_answers)
{
    static const struct {
        uint32_t ctr[4], key[2], out[4];
    } kat[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof kat / sizeof *kat; i++) {
        struct rng r;
        rng_init(&r, 0, 0, RNG_INIT);
        memcpy(r.key, kat[i].key, sizeof r.key);
        memcpy(r.ctr, kat[i].ctr, sizeof r.ctr);
        for (int k = 0; k < 4; k++) {
            ck_assert_uint_eq(rng_u32(&r), kat[i].out[k]);
        }
    }
}
END_TEST

START_TEST(a_stream_is_a_function_of_its_name)
{
    struct rng a, b;
    rng_init(&a, 7, 3, RNG_MUTATE);
    rng_init(&b, 7, 3, RNG_MUTATE);
    for (int i = 0; i < 1000; i++) {
        ck_assert_uint_eq(rng_u32(&a), rng_u32(&b));
    }
    struct rng copy = a;
    ck_assert_uint_eq(rng_u32(&a), rng_u32(&copy));
}
END_TEST

/* Every pair of 3 seeds x 4 trials x all purposes: the first 64 numbers differ nearly
 * everywhere, and do not correlate. */
START_TEST(streams_are_independent)
{
    enum { N = 64, STREAMS = 3 * 4 * RNG_PURPOSE_COUNT };
    static double u[STREAMS][N];
    int n = 0;
    for (uint64_t seed = 0; seed < 3; seed++) {
        for (uint64_t trial = 0; trial < 4; trial++) {
            for (int p = 0; p < RNG_PURPOSE_COUNT; p++, n++) {
                struct rng r;
                rng_init(&r, seed, trial << 32 | trial, (enum rng_purpose)p);
                for (int i = 0; i < N; i++) {
                    u[n][i] = rng_uniform(&r);
                }
            }
        }
    }
    for (int a = 0; a < n; a++) {
        for (int b = a + 1; b < n; b++) {
            double dot = 0;
            for (int i = 0; i < N; i++) {
                ck_assert(u[a][i] != u[b][i]);
                dot += (u[a][i] - 0.5) * (u[b][i] - 0.5);
            }
            ck_assert_double_lt(fabs(dot / N * 12), 6 / sqrt(N)); /* 6 standard deviations */
        }
    }
    printf("checked %d pairs of streams\n", n * (n - 1) / 2);
}
END_TEST

START_TEST(below_is_in_range_and_even)
{
    struct rng r;
    rng_init(&r, 1, 0, RNG_TEST);
    int count[7] = {0};
    for (int i = 0; i < 70000; i++) {
        int64_t x = rng_below(&r, 7);
        ck_assert(x >= 0 && x < 7);
        count[x]++;
    }
    for (int i = 0; i < 7; i++) {
        ck_assert_int_lt(abs(count[i] - 10000), 500);
    }
    static const int64_t sizes[] = {1, 2, 3, UINT32_MAX, (int64_t)UINT32_MAX + 1, INT64_MAX};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (int k = 0; k < 1000; k++) {
            int64_t x = rng_below(&r, sizes[i]);
            ck_assert(x >= 0 && x < sizes[i]);
        }
    }
    ck_assert_int_eq(rng_below(&r, 1), 0);
}
END_TEST

START_TEST(uniform_is_in_range_and_even)
{
    struct rng r;
    rng_init(&r, 2, 0, RNG_TEST);
    double sum = 0;
    for (int i = 0; i < 100000; i++) {
        double x = rng_uniform(&r);
        ck_assert(x >= 0 && x < 1);
        sum += x;
    }
    ck_assert_double_lt(fabs(sum / 100000 - 0.5), 0.005);
}
END_TEST

START_TEST(gsl_distributions)
{
    gsl_rng *g = rng_gsl(5, 9, RNG_MODEL);
    struct rng r;
    rng_init(&r, 5, 9, RNG_MODEL);
    ck_assert_uint_eq(gsl_rng_get(g), rng_u32(&r)); /* the same stream */
    double sum = 0, squares = 0;
    for (int i = 0; i < 100000; i++) {
        double x = gsl_ran_gaussian_ziggurat(g, 2.0);
        sum += x;
        squares += x * x;
    }
    ck_assert_double_lt(fabs(sum / 100000), 0.03);
    ck_assert_double_lt(fabs(squares / 100000 - 4), 0.1);
    gsl_rng *copy = gsl_rng_clone(g);
    ck_assert_uint_eq(gsl_rng_uniform_int(g, 1000), gsl_rng_uniform_int(copy, 1000));
    gsl_rng_free(copy);
    gsl_rng_free(g);
}
END_TEST

START_TEST(the_counter_carries)
{
    struct rng r;
    rng_init(&r, 1, 2, RNG_TEST);
    r.ctr[0] = UINT32_MAX;
    for (int i = 0; i < 5; i++) {
        rng_u32(&r);
    }
    ck_assert_uint_eq(r.ctr[0], 1);
    ck_assert_uint_eq(r.ctr[1], ((uint32_t)RNG_TEST << 24) + 1);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("rng");
    TCase *t = tcase_create("all");
    tcase_add_test(t, known_answers);
    tcase_add_test(t, a_stream_is_a_function_of_its_name);
    tcase_add_test(t, streams_are_independent);
    tcase_add_test(t, below_is_in_range_and_even);
    tcase_add_test(t, uniform_is_in_range_and_even);
    tcase_add_test(t, gsl_distributions);
    tcase_add_test(t, the_counter_carries);
    suite_add_tcase(s, t);
    return run_suite(s, CK_FORK_GETENV);
}
