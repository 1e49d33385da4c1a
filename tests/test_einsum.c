/* Einsums: closed forms against counting, refusals, canonical text. */
#include "base/strbuf.h"
#include "sw/einsum.h"
#include "tests/run_suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct conv_shape shape_of(int64_t g, int64_t k, int64_t c, int64_t p, int64_t r, int64_t stride,
                                  int64_t dilation)
{
    struct conv_shape s = {
        .n = 1,
        .g = g,
        .k = k,
        .c = c,
        .p = p,
        .q = p,
        .r = r,
        .s = r,
        .stride_h = stride,
        .stride_w = stride,
        .dilation_h = dilation,
        .dilation_w = dilation,
    };
    return s;
}

START_TEST(conv_is_what_the_papers_say)
{
    struct einsum e;
    struct conv_shape s = shape_of(1, 64, 3, 112, 7, 2, 1); /* conv1 of ResNet */
    einsum_conv(&e, "conv1", &s, 8, 8, 32);
    ck_assert_int_eq(einsum_check(&e, NULL), 0);
    ck_assert_int_eq(einsum_macs(&e), 118013952); /* 64*3*7*7*112*112 */
    ck_assert_int_eq(einsum_volume(&e, 0, e.bound), 9408);
    ck_assert_int_eq(einsum_volume(&e, 1, e.bound), 3 * 229 * 229); /* (112-1)*2 + 7 */
    ck_assert_int_eq(einsum_volume(&e, 2, e.bound), 64 * 112 * 112);
    ck_assert_int_eq(einsum_output(&e), 2);
    ck_assert_int_eq(e.tensor[2].partial_bits, 32);
    ck_assert_int_eq(einsum_dim(&e, "G"), -1);
    ck_assert(einsum_reduction(&e, einsum_dim(&e, "C")));
    ck_assert(einsum_reduction(&e, einsum_dim(&e, "R")));
    ck_assert(!einsum_reduction(&e, einsum_dim(&e, "P")));
    ck_assert(einsum_relevant(&e, 1, einsum_dim(&e, "P")));
    ck_assert(!einsum_relevant(&e, 0, einsum_dim(&e, "P")));
}
END_TEST

START_TEST(depthwise_has_a_channel_per_group)
{
    struct einsum e;
    struct conv_shape s = shape_of(32, 1, 1, 10, 3, 1, 2);
    einsum_conv(&e, "dw", &s, 8, 8, 32);
    ck_assert_int_eq(einsum_check(&e, NULL), 0);
    ck_assert_int_eq(einsum_macs(&e), 32 * 9 * 100);
    ck_assert_int_eq(einsum_volume(&e, 0, e.bound), 32 * 9);
    ck_assert_int_eq(einsum_volume(&e, 1, e.bound), 32 * 14 * 14);
    for (int t = 0; t < 3; t++) {
        ck_assert(einsum_relevant(&e, t, einsum_dim(&e, "G")));
    }
}
END_TEST

START_TEST(matmul_shares_its_weights_or_not)
{
    struct einsum e;
    einsum_matmul(&e, "ffn", 4, 128, 3072, 768, true, 8, 8, 32);
    ck_assert_int_eq(einsum_check(&e, NULL), 0);
    ck_assert_int_eq(einsum_macs(&e), (int64_t)4 * 128 * 3072 * 768);
    ck_assert_int_eq(einsum_volume(&e, 0, e.bound), 3072 * 768);
    einsum_matmul(&e, "scores", 12, 128, 128, 64, false, 8, 8, 32);
    ck_assert_int_eq(einsum_macs(&e), 12 * 128 * 128 * 64);
    ck_assert_int_eq(einsum_volume(&e, 0, e.bound), 12 * 128 * 64);
    ck_assert_int_eq(einsum_volume(&e, 1, e.bound), 12 * 128 * 64);
    ck_assert_int_eq(einsum_volume(&e, 2, e.bound), 12 * 128 * 128);
}
END_TEST

/* The extent of a window, found by visiting every position: exact where the kernel
 * covers the stride. */
static int64_t count_window(int64_t out, int64_t stride, int64_t kernel, int64_t dilation)
{
    int64_t last = 0;
    for (int64_t p = 0; p < out; p++) {
        for (int64_t r = 0; r < kernel; r++) {
            int64_t at = p * stride + r * dilation;
            last = at > last ? at : last;
        }
    }
    return last + 1;
}

START_TEST(volumes_equal_counting)
{
    int checked = 0;
    srand(1);
    for (int i = 0; i < 1000; i++) {
        struct conv_shape s = shape_of(1 + rand() % 4, 1 + rand() % 5, 1 + rand() % 5, 1 + rand() % 9, 1 + rand() % 4,
                                       1 + rand() % 3, 1 + rand() % 3);
        s.q = 1 + rand() % 9;
        s.n = 1 + rand() % 3;
        s.stride_w = 1 + rand() % 3;
        struct einsum e;
        einsum_conv(&e, "random", &s, 4, 8, 24);
        ck_assert_int_eq(einsum_check(&e, NULL), 0);
        ck_assert_int_eq(einsum_macs(&e), s.n * s.g * s.k * s.c * s.p * s.q * s.r * s.s);
        ck_assert_int_eq(einsum_volume(&e, 1, e.bound), s.n * s.g * s.c *
                                                            count_window(s.p, s.stride_h, s.r, s.dilation_h) *
                                                            count_window(s.q, s.stride_w, s.s, s.dilation_w));
        ck_assert_int_eq(einsum_volume(&e, 2, e.bound), s.n * s.g * s.k * s.p * s.q);
        checked++;
    }
    printf("einsum: checked %d random convolutions\n", checked);
}
END_TEST

/* One refusal: how a good einsum is spoilt, and a part of the sentence. */
static void spoil_bound(struct einsum *e)
{
    e->bound[2] = 0;
}
static void spoil_macs(struct einsum *e)
{
    e->bound[1] = (int64_t)1 << 40;
    e->bound[2] = (int64_t)1 << 40;
}
static void spoil_volume(struct einsum *e)
{
    e->tensor[1].rank[2].term[0].coef = INT64_MAX / 2;
}
static void spoil_bits(struct einsum *e)
{
    e->tensor[0].bits = e->tensor[0].partial_bits = 65;
}
static void spoil_partial(struct einsum *e)
{
    e->tensor[0].partial_bits = 32;
}
static void spoil_density(struct einsum *e)
{
    e->tensor[1].density = 0.0;
}
static void spoil_output(struct einsum *e)
{
    e->tensor[2].output = false;
    e->tensor[2].partial_bits = e->tensor[2].bits;
}
static void spoil_term(struct einsum *e)
{
    e->tensor[0].rank[0].term[0].dim = 9;
}
static void spoil_twice(struct einsum *e)
{
    e->tensor[0].rank[1].term[0].dim = e->tensor[0].rank[0].term[0].dim;
}
static void spoil_name(struct einsum *e)
{
    strcpy(e->dim[1], e->dim[0]);
}

static const struct {
    void (*spoil)(struct einsum *e);
    const char *says;
} refusals[] = {
    {spoil_bound, "bound of 'C' must be at least 1, not 0"},
    {spoil_macs, "more than 2^63 multiply-accumulates"},
    {spoil_volume, "more than 2^63"},
    {spoil_bits, "must lie in 1..64"},
    {spoil_partial, "only the output has partial sums"},
    {spoil_density, "density of 'inputs' must lie in (0, 1]"},
    {spoil_output, "has 0 outputs"},
    {spoil_term, "has dimension 9"},
    {spoil_twice, "uses dimension 'K' twice"},
    {spoil_name, "names dimension 'N' twice"},
};

START_TEST(bad_ones_are_refused)
{
    struct conv_shape s = shape_of(1, 8, 8, 8, 3, 1, 1);
    struct einsum e;
    einsum_conv(&e, "bad", &s, 8, 8, 32);
    ck_assert_int_eq(einsum_check(&e, NULL), 0);
    refusals[_i].spoil(&e);
    struct err err = ERR_INIT;
    ck_assert_int_eq(einsum_check(&e, &err), -1);
    ck_assert_int_eq(err.code, ERR_DATA);
    ck_assert_msg(strstr(err.text, refusals[_i].says), "%s", err.text);
}
END_TEST

START_TEST(canonical_text_holds_the_cost_and_no_name)
{
    struct conv_shape s = shape_of(1, 8, 4, 6, 3, 2, 1);
    struct einsum a, b;
    einsum_conv(&a, "one", &s, 8, 8, 32);
    einsum_conv(&b, "other", &s, 8, 8, 32);
    struct einsum_rank *r = &b.tensor[1].rank[2]; /* the same sum in another order */
    int64_t coef = r->term[0].coef;
    int dim = r->term[0].dim;
    r->term[0].coef = r->term[1].coef;
    r->term[0].dim = r->term[1].dim;
    r->term[1].coef = coef;
    r->term[1].dim = dim;
    struct strbuf ta = STRBUF_INIT, tb = STRBUF_INIT;
    einsum_canonical(&a, &ta);
    einsum_canonical(&b, &tb);
    ck_assert_str_eq(strbuf_str(&ta), "einsum N=1 K=8 C=4 P=6 Q=6 R=3 S=3; weights bits=8 density=1 "
                                      "[1K][1C][1R][1S]; inputs bits=8 density=1 "
                                      "[1N][1C][2P+1R][2Q+1S]; outputs output bits=8 partial=32 "
                                      "density=1 [1N][1K][1P][1Q]\n");
    ck_assert_str_eq(strbuf_str(&ta), strbuf_str(&tb));
    strbuf_reset(&tb);
    b.tensor[2].partial_bits = 24;
    einsum_canonical(&b, &tb);
    ck_assert_str_ne(strbuf_str(&ta), strbuf_str(&tb));
    strbuf_release(&ta);
    strbuf_release(&tb);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("einsum");
    TCase *tc = tcase_create("einsum");
    tcase_add_test(tc, conv_is_what_the_papers_say);
    tcase_add_test(tc, depthwise_has_a_channel_per_group);
    tcase_add_test(tc, matmul_shares_its_weights_or_not);
    tcase_add_test(tc, volumes_equal_counting);
    tcase_add_loop_test(tc, bad_ones_are_refused, 0, (int)(sizeof refusals / sizeof *refusals));
    tcase_add_test(tc, canonical_text_holds_the_cost_and_no_name);
    suite_add_tcase(suite, tc);
    return run_suite(suite, CK_FORK_GETENV);
}
