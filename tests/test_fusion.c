/* Which element-wise work rides on its producer, what stays alive then, and what it saves. */
#include "base/diag.h"
#include "base/mem.h"
#include "costmodel/network_cost.h"
#include "hw/template.h"
#include "sw/network.h"
#include "tests/run_suite.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

static struct network *load(const char *text)
{
    struct diags d = DIAGS_INIT;
    struct network *net = strchr(text, '\n') ? network_load_text("t.yaml", text, strlen(text), NULL, 0, 1, &d)
                                             : network_load(text, NULL, 0, 1, &d);
    ck_assert_msg(net != NULL, "%s", d.n ? d.list[0].message : "");
    diags_release(&d);
    return net;
}

static void fuse(struct network *net, bool on)
{
    struct err err = ERR_INIT;
    ck_assert_msg(network_fuse(net, on, &err) == 0, "%s", err.text);
}

static const struct op *find(const struct network *net, const char *name)
{
    int i = network_find_op(net, name);
    ck_assert_msg(i >= 0, "no operator '%s'", name);
    return &net->op[i];
}

#define HEAD "dovetail: 1\nnetwork: t\nsource: a test\ninput: [8, 4, 4]\nlayers:\n"

/* A residual: 8 x 4 x 4 bytes each. Alone, the second convolution's result is written, read, and written again. */
START_TEST(test_residual)
{
    struct network *net = load(HEAD "  - {name: a, conv: {k: 8, kernel: 3, pad: 1}}\n"
                                    "  - {name: b, conv: {k: 8, kernel: 3, pad: 1}}\n"
                                    "  - {name: c, conv: {k: 8, kernel: 3, pad: 1}}\n"
                                    "  - {name: sum, from: [c, a], add: {}}\n"
                                    "  - {name: d, conv: {k: 8}}\n");
    struct network_totals before, t;
    network_totals(net, &before);
    ck_assert_int_eq(before.peak_activation_bits, 3 * 128 * 8); /* a, b, c; then a, c, sum */
    ck_assert_int_eq(before.peak_in_place_bits, 3 * 128 * 8);
    ck_assert_int_eq(before.fused, 0);
    fuse(net, true);
    network_totals(net, &t);
    ck_assert_int_eq(t.fused, 1);
    ck_assert_int_eq(find(net, "sum")->fused_input, 1);
    ck_assert_int_eq(t.activation_bits, before.activation_bits - 128 * 8);
    ck_assert_int_eq(t.peak_activation_bits, 3 * 128 * 8); /* a, b, c while c runs */
    ck_assert_int_eq(net->act[find(net, "sum")->output].bits, 0);
    ck_assert_int_eq(net->act[find(net, "c")->output].last_use, network_find_op(net, "d"));
    /* c's result has the width that d asks for. */
    struct err err = ERR_INIT;
    ck_assert_int_eq(network_set_bits(net, BITS_ALL, 0, 0, 8, 0, &err), 0);
    fuse(net, false);
    struct network_totals again;
    network_totals(net, &again);
    ck_assert_mem_eq(&again, &before, sizeof again);
    network_free(net);
}
END_TEST

/* Not where others read the result, nor where the other side is made later, nor for norms. */
START_TEST(test_what_stands_alone)
{
    struct network *net = load(HEAD "  - {name: a, conv: {k: 8}}\n"
                                    "  - {name: n, norm: {type: layer}}\n"
                                    "  - {name: b, from: a, conv: {k: 8}}\n"
                                    "  - {name: s, from: [b, n], add: {}}\n"
                                    "  - {name: c, conv: {k: 8}}\n"
                                    "  - {name: u, from: [c, b], add: {}}\n"
                                    "  - {name: e, from: u, conv: {k: 8}}\n"
                                    "  - {name: m, from: s, norm: {type: layer}}\n"
                                    "  - {name: v, from: [e, m], mul: {}}\n"
                                    "  - {name: w, act: {type: gelu}}\n");
    fuse(net, true);
    ck_assert_int_eq(find(net, "n")->fused_input, 0);
    ck_assert_int_eq(find(net, "s")->fused_input, 0); /* b is read by u too */
    ck_assert_int_eq(find(net, "u")->fused_input, 1);
    ck_assert_int_eq(find(net, "v")->fused_input, 0); /* m is made after e */
    ck_assert_int_eq(find(net, "w")->fused_input, 0); /* v is vector work of its own */
    network_free(net);
    net = load("resnet50");
    fuse(net, true);
    struct network_totals t;
    network_totals(net, &t);
    ck_assert_int_eq(t.fused, 16); /* each block's addition */
    network_free(net);
}
END_TEST

static double dram_bits(const struct network *net, double *energy)
{
    struct diags d = DIAGS_INIT;
    struct err err = ERR_INIT;
    struct template *t = template_load("edge_npu", &d);
    int n;
    template_params(t, &n);
    double *values = mem_calloc((size_t)n + 1, sizeof *values);
    template_defaults(t, values);
    struct accelerator a;
    ck_assert_int_eq(template_build(t, values, &a, &err), 0);
    struct op_place *place = mem_calloc((size_t)net->n_ops + 1, sizeof *place);
    for (int i = 0; i < net->n_ops; i++) {
        place[i] = (struct op_place){SPLIT_CHANNELS, 0};
    }
    const struct network_options o = {.goal = GOAL_EDP, .budget = 200};
    struct network_cost *c = network_cost_new(net->n_ops);
    ck_assert_msg(network_cost_evaluate(&a, net, place, &o, NULL, NULL, c, &err) == 0, "%s", err.text);
    double bits = c->dram_bits;
    *energy = c->energy_pj;
    network_cost_free(c);
    mem_free(place);
    mem_free(values);
    template_free(t);
    diags_release(&d);
    return bits;
}

/* Each fused addition saves the writing and the reading of one operand. */
START_TEST(test_traffic)
{
    struct network *net = load("mlperf_tiny_ic");
    double alone_pj, fused_pj, alone = dram_bits(net, &alone_pj);
    fuse(net, true);
    double fused = dram_bits(net, &fused_pj), saved = 0;
    for (int i = 0; i < net->n_ops; i++) {
        saved += net->op[i].fused_input > 0 ? 2.0 * 8 * (double)net->act[net->op[i].output].elements : 0;
    }
    printf("mlperf_tiny_ic: %.0f bytes of %.0f saved\n", saved / 8, alone / 8);
    ck_assert_double_gt(saved, 0);
    ck_assert_double_eq_tol(alone - fused, saved, 1);
    ck_assert_double_lt(fused_pj, alone_pj);
    network_free(net);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("fusion");
    TCase *t = tcase_create("all");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_residual);
    tcase_add_test(t, test_what_stands_alone);
    tcase_add_test(t, test_traffic);
    suite_add_tcase(s, t);
    return run_suite(s, CK_FORK_GETENV);
}
