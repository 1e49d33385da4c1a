/* Networks: totals are the sums of their parts, a memo changes nothing, placement on cores is priced as it says. */
#include "base/diag.h"
#include "base/rng.h"
#include "costmodel/network_cost.h"
#include "hw/template.h"
#include "tests/run_suite.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static struct network *net;
static struct accelerator four, one; /* cores */

static void machine(double cores, struct accelerator *out)
{
    struct diags d = DIAGS_INIT;
    struct err err = ERR_INIT;
    double v[64];
    struct template *t = template_load("edge_npu", &d);
    ck_assert_ptr_nonnull(t);
    template_defaults(t, v);
    v[template_param(t, "cores")] = cores;
    ck_assert_msg(template_build(t, v, out, &err) == 0, "%s", err.text);
    template_free(t);
    diags_release(&d);
}

static void setup(void)
{
    struct diags d = DIAGS_INIT;
    net = network_load("resnet18", NULL, 0, 1, &d);
    ck_assert_ptr_nonnull(net);
    diags_release(&d);
    machine(4, &four);
    machine(1, &one);
}

static void teardown(void)
{
    network_free(net);
}

static const struct network_options edp = {.goal = GOAL_EDP};

static void evaluate(const struct accelerator *a, const struct op_place *place, struct memo *memo,
                     struct network_cost *out)
{
    struct err err = ERR_INIT;
    ck_assert_msg(network_cost_evaluate(a, net, place, &edp, memo, NULL, out, &err) == 0, "%s", err.text);
}

static void random_places(struct rng *r, struct op_place *place)
{
    for (int i = 0; i < net->n_ops; i++) {
        int64_t k = rng_below(r, 5);
        place[i] = k < 2 ? (struct op_place){k == 0 ? SPLIT_CHANNELS : SPLIT_ROWS, 0}
                         : (struct op_place){PLACE_CORE, (int)rng_below(r, 4)};
    }
}

static bool near(double a, double b)
{
    return fabs(a - b) <= 1e-9 * fmax(fabs(a), fabs(b));
}

static void check_totals(const struct accelerator *a, const struct network_cost *c)
{
    double cycles = 0, pj = 0, dram = 0, parts = c->mac_pj + c->vector_pj + c->leak_pj;
    int64_t macs = 0;
    for (int i = 0; i < c->n_ops; i++) {
        const struct op_cost *o = &c->op[i];
        cycles += o->cycles;
        dram += o->dram_bits;
        macs += o->macs;
        pj += o->mac_pj + o->vector_pj;
        ck_assert(o->cycles >= o->compute_cycles || o->cycles == 0);
        for (int l = 0; l < a->n_levels; l++) {
            ck_assert(o->level_cycles[l] <= o->cycles);
            for (int t = 0; t < TENSOR_ROLE_COUNT; t++) {
                ck_assert(o->storage_pj[l][t] >= 0 && o->network_pj[l][t] >= 0);
                pj += o->storage_pj[l][t] + o->network_pj[l][t];
            }
        }
    }
    for (int l = 0; l < a->n_levels; l++) {
        for (int t = 0; t < TENSOR_ROLE_COUNT; t++) {
            parts += c->storage_pj[l][t] + c->network_pj[l][t];
        }
    }
    struct network_totals t;
    network_totals(net, &t);
    ck_assert_int_eq(macs, t.macs);
    ck_assert(near(c->cycles, cycles));
    ck_assert(near(c->dram_bits, dram));
    ck_assert(near(c->energy_pj, pj + c->leak_pj));
    ck_assert(near(c->energy_pj, parts));
    ck_assert(near(c->leak_pj, a->leak_w * c->latency_s * 1e12));
    ck_assert(near(c->power_w * c->latency_s * 1e12, c->energy_pj));
    ck_assert(c->peak_power_w >= c->power_w * (1 - 1e-9));
    ck_assert(c->utilization > 0 && c->utilization <= 1);
    ck_assert(c->busiest_cycles <= c->cycles * (1 + 1e-9));
    ck_assert(c->throughput_hz >= 1 / c->latency_s * (1 - 1e-9));
    /* weights and the network's input and output cross the outermost level at least once */
    ck_assert(c->dram_bits >= (double)t.weights * 8);
}

START_TEST(totals_are_sums)
{
    struct network_cost *c = network_cost_new(net->n_ops);
    struct op_place place[256];
    struct memo *memo = memo_new(NETWORK_MEMO_VALUE, 1 << 22, NULL);
    int checked = 0;
    for (uint64_t i = 0; i < 20; i++) {
        struct rng r;
        rng_init(&r, 3, i, RNG_TEST);
        random_places(&r, place);
        evaluate(&four, place, memo, c);
        check_totals(&four, c);
        checked++;
    }
    printf("checked %d placements\n", checked);
    memo_free(memo);
    network_cost_free(c);
}
END_TEST

START_TEST(memo_changes_nothing)
{
    struct network_cost *a = network_cost_new(net->n_ops);
    struct network_cost *b = network_cost_new(net->n_ops);
    struct memo *memo = memo_new(NETWORK_MEMO_VALUE, 1 << 22, NULL);
    struct op_place place[256];
    struct memo_stats stats;
    struct rng r;
    rng_init(&r, 5, 0, RNG_TEST);
    random_places(&r, place);
    evaluate(&four, place, NULL, a);
    for (int pass = 0; pass < 2; pass++) {
        evaluate(&four, place, memo, b);
        ck_assert_mem_eq(a->op, b->op, (size_t)net->n_ops * sizeof *a->op);
        ck_assert(!(a->energy_pj < b->energy_pj) && !(a->energy_pj > b->energy_pj));
        ck_assert(!(a->cycles < b->cycles) && !(a->cycles > b->cycles));
    }
    memo_stats(memo, &stats);
    ck_assert_int_ge(stats.hits, stats.misses);
    ck_assert_int_eq(stats.entries, stats.misses);
    memo_free(memo);
    network_cost_free(a);
    network_cost_free(b);
}
END_TEST

/* Designs that differ in DRAM's bandwidth share their searches. */
START_TEST(families_change_nothing)
{
    struct network_cost *a = network_cost_new(net->n_ops), *b = network_cost_new(net->n_ops);
    struct memo *families = memo_new(NETWORK_FAMILY_VALUE, (size_t)16 << 20, NULL);
    struct op_place place[256];
    struct memo_stats first, last;
    memset(place, 0, sizeof place);
    for (int i = 0; i < net->n_ops; i++) {
        place[i].split = PLACE_CORE;
    }
    for (int k = -1; k <= 1; k++) {
        struct accelerator other = four;
        struct network_options exact = {.goal = GOAL_EDP, .effort = MAPPER_EXACT};
        struct memo *memo = memo_new(NETWORK_MEMO_VALUE, 1 << 22, NULL),
                    *memo_b = memo_new(NETWORK_MEMO_VALUE, 1 << 22, NULL);
        struct err err = ERR_INIT;
        other.level[other.n_levels - 1].shared_bits_per_cycle *= exp2(3 * k);
        ck_assert_msg(network_cost_evaluate(&other, net, place, &exact, memo, NULL, a, &err) == 0, "%s", err.text);
        exact.families = families;
        ck_assert_msg(network_cost_evaluate(&other, net, place, &exact, memo_b, NULL, b, &err) == 0, "%s", err.text);
        for (int i = 0; i < net->n_ops; i++) { /* energies without leakage, so only nearly the goal */
            ck_assert_msg(fabs(a->op[i].cycles / fmax(1, b->op[i].cycles) - 1) < 0.02 || !(a->op[i].cycles > 0),
                          "operator %d: %g and %g cycles", i, a->op[i].cycles, b->op[i].cycles);
        }
        ck_assert_msg(fabs(a->energy_pj / b->energy_pj - 1) < 0.01, "%g and %g pJ", a->energy_pj, b->energy_pj);
        memo_stats(families, k < 0 ? &first : &last);
        memo_free(memo);
        memo_free(memo_b);
    }
    ck_assert_int_gt(first.entries, 0);
    ck_assert_int_eq(first.entries, last.entries);
    ck_assert_int_eq(last.misses, first.misses);
    printf("checked 3 bandwidths with %lld families\n", (long long)last.entries);
    memo_free(families);
    network_cost_free(a);
    network_cost_free(b);
}
END_TEST

START_TEST(cores_and_distance)
{
    struct network_cost *near_port = network_cost_new(net->n_ops);
    struct network_cost *far = network_cost_new(net->n_ops);
    struct network_cost *split = network_cost_new(net->n_ops);
    struct op_place place[256];
    for (int i = 0; i < net->n_ops; i++) {
        place[i] = (struct op_place){PLACE_CORE, 0};
    }
    evaluate(&four, place, NULL, near_port);
    for (int i = 0; i < net->n_ops; i++) {
        place[i].core = 3;
    }
    evaluate(&four, place, NULL, far);
    for (int i = 0; i < net->n_ops; i++) {
        place[i].split = SPLIT_CHANNELS;
    }
    evaluate(&four, place, NULL, split);
    double a = 0, b = 0;
    for (int t = 0; t < TENSOR_ROLE_COUNT; t++) {
        a += near_port->network_pj[four.core_level][t];
        b += far->network_pj[four.core_level][t];
    }
    ck_assert(four.level[four.core_level].hop_pj_per_bit <= 0 || b > a);
    ck_assert(near(near_port->cycles, far->cycles));
    ck_assert_int_eq(near_port->busiest_core, 0);
    ck_assert(far->busiest_core == 3 || far->busiest_level >= 0);
    ck_assert_msg(split->cycles < near_port->cycles, "%g cycles split, %g on one core", split->cycles,
                  near_port->cycles);
    network_cost_free(near_port);
    network_cost_free(far);
    network_cost_free(split);
}
END_TEST

START_TEST(refusals)
{
    struct network_cost *c = network_cost_new(net->n_ops);
    struct op_place place[256];
    struct err err = ERR_INIT;
    for (int i = 0; i < net->n_ops; i++) {
        place[i] = (struct op_place){PLACE_CORE, 4};
    }
    ck_assert_int_eq(network_cost_evaluate(&four, net, place, &edp, NULL, NULL, c, &err), -1);
    ck_assert_int_eq(err.code, ERR_DATA);
    ck_assert_ptr_nonnull(strstr(err.text, "is placed on core 4 of 4"));
    for (int i = 0; i < net->n_ops; i++) {
        place[i] = (struct op_place){SPLIT_BATCH, 0};
    }
    evaluate(&four, place, NULL, c);
    ck_assert_int_eq(c->unsplit_ops, 21); /* 20 convolutions and the classifier, batch 1 */
    struct accelerator tiny = four;
    tiny.level[0].capacity_bits = tiny.level[0].word_bits = 4;
    tiny.level[0].keep[TENSOR_WEIGHTS] = KEEP_ALWAYS;
    err = (struct err)ERR_INIT;
    ck_assert_int_eq(network_cost_evaluate(&tiny, net, place, &edp, NULL, NULL, c, &err), -1);
    ck_assert_int_eq(err.code, ERR_NO);
    ck_assert_msg(strstr(err.text, "holds 4 bits, its smallest tiles need"), "%s", err.text);
    tiny =
        four; /* an outermost level that is no DRAM must hold whole tensors: 3 x 229 x 229, 64 x 3 x 7 x 7, 64 x 112 x 112 bytes */
    tiny.level[tiny.n_levels - 1].capacity_bits = 8 << 20;
    err = (struct err)ERR_INIT;
    ck_assert_int_eq(network_cost_evaluate(&tiny, net, place, &edp, NULL, NULL, c, &err), -1);
    ck_assert_int_eq(err.code, ERR_NO);
    ck_assert_msg(strstr(err.text, "holds 8388608 bits, its tensors need"), "%s", err.text);
    network_cost_free(c);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("network_cost");
    TCase *c = tcase_create("network_cost");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_set_timeout(c, 60);
    tcase_add_test(c, totals_are_sums);
    tcase_add_test(c, memo_changes_nothing);
    tcase_add_test(c, families_change_nothing);
    tcase_add_test(c, cores_and_distance);
    tcase_add_test(c, refusals);
    suite_add_tcase(s, c);
    return run_suite(s, CK_NOFORK);
}
