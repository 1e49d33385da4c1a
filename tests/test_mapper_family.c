/* Families of designs: the best mapping at any bandwidth of the outermost level against a search of its own. */
#include "base/rng.h"
#include "costmodel/mapper_family.h"
#include "tests/arch_c.h"
#include "tests/run_suite.h"

#include <check.h>
#include <math.h>
#include <stdio.h>

START_TEST(equals_search)
{
    static struct mapper_family f;
    struct mapper_work *work = mapper_work_new();
    struct rng r;
    int checked = 0, pieces = 0, proven = 0;
    rng_init(&r, 5, 0, RNG_TEST);
    for (int i = 0; i < 40; i++) {
        struct accelerator a;
        struct einsum e;
        struct err err = ERR_INIT;
        struct mapper_options opt = {
            .goal = i % 4 ? GOAL_EDP : GOAL_ENERGY, .effort = MAPPER_EXACT, .core_split = CORE_ONE};
        int64_t c = 4 + rng_below(&r, 60), p = 4 + rng_below(&r, 24), k = 4 + rng_below(&r, 60),
                size = 1 + 2 * rng_below(&r, 2);
        struct conv_shape s = {1, 1, k, c, p, p, size, size, 1, 1, 1, 1};
        einsum_conv(&e, "x", &s, 16, 16, 16);
        arch_c(i % 2, &a);
        a.leak_w = i % 3 ? 0 : 1e-2;
        ck_assert_msg(mapper_family_build(&f, &a, &e, &opt, work, &err) == 0, "%s", err.text);
        pieces += f.n;
        for (int q = 0; q < 8; q++) {
            struct mapper_result got, want;
            struct accelerator b = a;
            b.level[2].shared_bits_per_cycle *= exp2((double)rng_below(&r, 1000) / 100 - 5);
            struct hash key = mapper_family_key(&b);
            ck_assert(mapper_family_best(&f, &b, &key, &got));
            ck_assert_int_eq(mapper_best(&b, &e, &opt, work, &want, &err), 0);
            double v = mapper_value(opt.goal, &got.cost), w = mapper_value(opt.goal, &want.cost);
            double leak = want.cost.leak_pj / want.cost.energy_pj;
            ck_assert_msg(v <= w * (1 + 1e-9 + 3 / want.cost.cycles + leak), "problem %d: %.12g > %.12g", i, v, w);
            ck_assert(v >= w * (1 - 1e-9));
            ck_assert_msg(got.bound <= w * (1 + 1e-9), "problem %d: bound %.12g > %.12g", i, got.bound, w);
            ck_assert(!got.proven || v <= w * (1 + 1e-9));
            proven += got.proven;
            checked++;
        }
        a.level[1].read_pj *= 2;
        struct hash other = mapper_family_key(&a);
        ck_assert(!mapper_family_best(&f, &a, &other, &(struct mapper_result){.priced = 0}));
    }
    printf("checked %d designs of 40 families with %d pieces, %d proven\n", checked, pieces, proven);
    mapper_work_free(work);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("mapper_family");
    TCase *c = tcase_create("mapper_family");
    tcase_set_timeout(c, 120);
    tcase_add_test(c, equals_search);
    suite_add_tcase(s, c);
    return run_suite(s, CK_NOFORK);
}
