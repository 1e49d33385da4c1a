/* Proven optima on archC in Timeloop's accounting: found by an independent exhaustive search with pruning (checked against brute force on
 * 90 small problems), each best mapping confirmed by timeloop-model (Timeloop 4cf6d4c, runs of ours). */
#include "costmodel/mapper.h"
#include "tests/arch_c.h"
#include "tests/run_suite.h"

#include <check.h>
#include <math.h>
#include <stdio.h>

static const struct optimum {
    const char *layer;
    enum goal goal;
    bool bypass;
    double energy_uj, cycles, value; /* value: pJ, cycles, pJ * cycles */
} optima[] = {
    {"alexnet_c3", GOAL_EDP, true, 888.094, 584064, 518704e9},
    {"resnet50_c4_1x1", GOAL_EDP, false, 412.673, 200704, 82825.2e9},
    {"resnet50_c4_1x1", GOAL_EDP, true, 346.09, 200704, 69461.7e9},
    {"bert_qk", GOAL_EDP, false, 166.315, 65536, 10899.6e9},
    {"gemm1k", GOAL_EDP, false, 9193.411, 4194304, 3.856e16},
    {"gemm1k", GOAL_EDP, true, 7181.487, 4194304, 3.01213e16},
    {"vgg_c3_2", GOAL_EDP, false, 11190.56, 7225344, 8.08556e16},
    {"vgg_c3_2", GOAL_EDP, true, 9577.274, 7225344, 6.91991e16},
    {"resnet50_c1_7x7s2", GOAL_EDP, false, 848.384, 460992, 391098e9},
    {"resnet50_c1_7x7s2", GOAL_EDP, true, 728.345, 460992, 335761e9},
    {"resnet50_c2_3x3", GOAL_ENERGY, false, 682.006, 602112, 682.006e6},
    {"resnet50_c4_1x1", GOAL_ENERGY, false, 390.407, 229376, 390.407e6},
    {"gemm1k", GOAL_ENERGY, false, 9193.411, 4194304, 9193.41e6},
    {"resnet50_c2_3x3", GOAL_LATENCY, false, 0, 451584, 451584},
    {"alexnet_c3", GOAL_LATENCY, false, 0, 584064, 584064},
    {"resnet50_c4_1x1", GOAL_LATENCY, false, 0, 200704, 200704},
    {"bert_qk", GOAL_LATENCY, false, 0, 65536, 65536},
};
enum { OPTIMA = sizeof optima / sizeof *optima };

START_TEST(equals_proven_optimum)
{
    const struct optimum *o = &optima[_i];
    struct accelerator a;
    struct einsum e;
    struct mapper_result r;
    struct err err = ERR_INIT;
    struct mapper_options opt = {.goal = o->goal,
                                 .effort = MAPPER_EXACT,
                                 .accounting = ACCOUNTING_TIMELOOP,
                                 .one_axis = true,
                                 .core_split = CORE_ONE};
    arch_c(o->bypass, &a);
    arch_c_einsum(o->layer, &e);
    ck_assert_msg(mapper_best(&a, &e, &opt, NULL, &r, &err) == 0, "%s", err.text);
    double v = mapper_value(o->goal, &r.cost);
    ck_assert(r.proven);
    /* the reference prints six digits */
    ck_assert_msg(fabs(v / o->value - 1) < 2e-6, "%s %s%s: %.7g, the reference has %.7g", o->layer, goal_names[o->goal],
                  o->bypass ? " with bypass" : "", v, o->value);
    if (o->goal != GOAL_LATENCY) { /* there the reference did not mind the energy */
        ck_assert(fabs(r.cost.energy_pj * 1e-6 / o->energy_uj - 1) < 5e-6);
        ck_assert(fabs(r.cost.cycles / o->cycles - 1) < 1e-9);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("mapper_optima");
    TCase *c = tcase_create("mapper_optima");
    tcase_set_timeout(c, 60);
    tcase_add_loop_test(c, equals_proven_optimum, 0, OPTIMA);
    suite_add_tcase(s, c);
    return run_suite(s, CK_FORK_GETENV);
}
