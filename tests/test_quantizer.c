/* Quantizers against their definitions written plainly, numbers that each format holds exactly, and counts of scales. */
#include "base/rng.h"
#include "sw/quantizer.h"
#include "tests/run_suite.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 96 };

/* Round-half-even of x / scale into [-steps, steps], by the C library. */
static double plain_noise(const float *v, int n, int bits, double clip)
{
    double steps = pow(2, bits - 1) - 1, scale = clip / steps, sum = 0;
    for (int i = 0; i < n; i++) {
        double q = rint((double)v[i] / scale);
        q = q > steps ? steps : q < -steps ? -steps : q;
        sum += ((double)v[i] - q * scale) * ((double)v[i] - q * scale);
    }
    return sum;
}

static double plain_best(const float *v, int n, int bits, double most)
{
    double best = plain_noise(v, n, bits, most);
    for (int k = 0; k < 29; k++) {
        best = fmin(best, plain_noise(v, n, bits, most * (0.3 + 0.025 * k)));
    }
    return best;
}

static double about_normal(struct rng *rng)
{
    double sum = -6;
    for (int i = 0; i < 12; i++) {
        sum += rng_uniform(rng);
    }
    return sum;
}

static float largest(const float *v, int n)
{
    float most = 0;
    for (int i = 0; i < n; i++) {
        most = fmaxf(most, fabsf(v[i]));
    }
    return most;
}

START_TEST(test_int_against_the_definition)
{
    struct rng rng;
    rng_init(&rng, 7, 1, RNG_TEST);
    int checked = 0;
    for (int round = 0; round < 300; round++) {
        float v[MOST];
        int channels = 1 + (int)rng_below(&rng, 4), per = 1 + (int)rng_below(&rng, 24),
            bits = 2 + (int)rng_below(&rng, 7), group = 1 + (int)rng_below(&rng, 30);
        for (int i = 0; i < channels * per; i++) {
            v[i] = (float)(about_normal(&rng) * (rng_below(&rng, 8) == 0 ? 10 : 1));
        }
        const struct quantizer tensor = {.per = QUANTIZER_TENSOR}, best = {.per = QUANTIZER_CHANNEL, .clip = CLIP_MSE};
        const struct quantizer grouped = {.per = QUANTIZER_GROUP, .group = group};
        double want_best = 0, want_group = 0;
        for (int c = 0; c < channels; c++) {
            want_best += plain_best(v + c * per, per, bits, (double)largest(v + c * per, per));
            for (int at = 0; at < per; at += group) {
                int n = per - at < group ? per - at : group;
                want_group += plain_noise(v + c * per + at, n, bits, (double)largest(v + c * per + at, n));
            }
        }
        double want = plain_noise(v, channels * per, bits, (double)largest(v, channels * per));
        ck_assert_double_eq_tol(quantizer_noise(&tensor, bits, v, channels, per), want, 1e-9 * want + 1e-30);
        ck_assert_double_eq_tol(quantizer_noise(&best, bits, v, channels, per), want_best, 1e-9 * want_best + 1e-30);
        ck_assert_double_eq_tol(quantizer_noise(&grouped, bits, v, channels, per), want_group,
                                1e-9 * want_group + 1e-30);
        checked++;
    }
    printf("checked %d random tensors\n", checked);
}
END_TEST

START_TEST(test_formats_hold_their_own_numbers)
{
    static const float e4m3[] = {448, -416, 0.013671875F, 1.125F, 0.001953125F, -3.5F, 0};
    static const float e5m2[] = {57344, -49152, 0.0000152587890625F, 1.25F, -7, 0};
    static const float mx[] = {6, -4, 3, 2, 1.5F, 1, 0.5F, 0, -0.5F, 24, -16};
    static const float nf[] = {1, -1, 0.0795803F, -0.0910500F, 0.4407098F, 0, 0.7229568F, -0.5250731F};
    const struct quantizer q4 = {.format = FORMAT_FP8_E4M3, .per = QUANTIZER_TENSOR};
    const struct quantizer q5 = {.format = FORMAT_FP8_E5M2, .per = QUANTIZER_TENSOR};
    const struct quantizer qm = {.format = FORMAT_MXFP4, .per = QUANTIZER_GROUP, .group = 32};
    const struct quantizer qn = {.format = FORMAT_NF4, .per = QUANTIZER_TENSOR};
    ck_assert_double_eq_tol(quantizer_noise(&q4, 8, e4m3, 1, 7), 0, 1e-9);
    ck_assert_double_eq_tol(quantizer_noise(&q5, 8, e5m2, 1, 6), 0, 1e-9);
    ck_assert_double_eq(quantizer_noise(&qm, 4, mx, 1, 9), 0);
    ck_assert_double_eq(quantizer_noise(&qm, 4, mx + 9, 1, 2), 0); /* 24 = 6 * 4 */
    ck_assert_double_eq_tol(quantizer_noise(&qn, 4, nf, 1, 8), 0, 1e-12);
    static const float between[] = {6, 2.5F}; /* half way: to the even code, 2 */
    ck_assert_double_eq(quantizer_noise(&qm, 4, between, 1, 2), 0.25);
    static const float over[] = {7, 1}; /* the scale stays 1: the largest code is 6 */
    ck_assert_double_eq(quantizer_noise(&qm, 4, over, 1, 2), 1);
    static const float one_bit[] = {2, -2, 1};
    const struct quantizer q1 = {.per = QUANTIZER_TENSOR};
    ck_assert_double_eq(quantizer_noise(&q1, 1, one_bit, 1, 3), 1);
}
END_TEST

START_TEST(test_normal_numbers)
{
    /* J. Max, "Quantizing for minimum distortion", IRE Trans. IT-6, 1960, table II has 16 steps at 0.01154; ours are 15, one of them 0. */
    double last = 1;
    for (int bits = 2; bits <= 12; bits++) {
        double ratio = quantizer_normal(FORMAT_INT, bits);
        ck_assert_double_lt(ratio, last / 3);
        last = ratio;
    }
    ck_assert_double_eq_tol(quantizer_normal(FORMAT_INT, 4), 0.0128, 0.0002);
    ck_assert_double_lt(quantizer_normal(FORMAT_NF4, 4), quantizer_normal(FORMAT_INT, 4));
}
END_TEST

START_TEST(test_counts_and_refusals)
{
    struct err err = ERR_INIT;
    struct quantizer q = {.per = QUANTIZER_GROUP, .group = 64, .scale_bits = 16, .zero_bits = 4};
    ck_assert_int_eq(quantizer_scales(&q, 10, 100), 20);
    ck_assert_int_eq(quantizer_scale_bits(&q, 10, 100), 400);
    q.per = QUANTIZER_CHANNEL;
    ck_assert_int_eq(quantizer_scales(&q, 10, 100), 10);
    q.per = QUANTIZER_TENSOR;
    ck_assert_int_eq(quantizer_scale_bits(&q, 10, 100), 20);
    ck_assert_int_eq(quantizer_scales(&q, 0, 0), 0);
    ck_assert_int_eq(quantizer_check(&q, 33, &err), -1);
    q.format = FORMAT_NF4;
    ck_assert_int_eq(quantizer_check(&q, 8, &err), -1);
    ck_assert_int_eq(quantizer_check(&q, 4, &err), 0);
    q.format = FORMAT_MXFP4;
    ck_assert_int_eq(quantizer_check(&q, 4, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "32"));
    ck_assert_double_eq(sqnr_db(0), 999);
    ck_assert_double_eq_tol(sqnr_db(0.01), 20, 1e-12);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("quantizer");
    TCase *t = tcase_create("all");
    tcase_add_test(t, test_int_against_the_definition);
    tcase_add_test(t, test_formats_hold_their_own_numbers);
    tcase_add_test(t, test_normal_numbers);
    tcase_add_test(t, test_counts_and_refusals);
    suite_add_tcase(s, t);
    return run_suite(s, CK_FORK_GETENV);
}
