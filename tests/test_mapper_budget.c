/* Small budgets: whatever the fast mapper may look at, it finds a mapping where the plainest one is legal, which this test builds by itself: all
 * loops at the outermost level, one element of each tensor elsewhere, only what must be kept. Every template, every network. */
#include "base/diag.h"
#include "base/rng.h"
#include "costmodel/mapper.h"
#include "hw/template.h"
#include "sw/network.h"
#include "tests/run_suite.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const int64_t budgets[] = {1, 10, 100, 500};
enum { BUDGETS = sizeof budgets / sizeof *budgets, OPS = 1024, NAMES = 32, RANDOM = 12 };

/* The first ones with all budgets, the others with the least. */
static const char *const networks[] = {"bert_base",      "mlperf_tiny_kws", "mobilenet_v2", "alexnet",      "gpt2",
                                       "mlperf_tiny_ad", "mlperf_tiny_ic",  "resnet18",     "mobilenet_v1", "resnet50",
                                       "vgg16",          "mlperf_tiny_vww", "resnet50_v1_5"};
enum { NETWORKS = sizeof networks / sizeof *networks, ALL_BUDGETS = 4 };

struct tally {
    long found, none, designs;
};

static void plainest(const struct accelerator *a, const struct einsum *e, struct mapping *m)
{
    memset(m, 0, sizeof *m);
    m->n_levels = a->n_levels;
    struct mapping_level *top = &m->level[a->n_levels - 1];
    for (int d = 0; d < e->n_dims; d++) {
        if (e->bound[d] > 1) {
            top->temporal[top->n_temporal++] = (struct loop){d, e->bound[d]};
        }
    }
    for (int l = 0; l < a->n_levels; l++) {
        for (int t = 0; t < e->n_tensors; t++) {
            bool kept = l == a->n_levels - 1 || a->level[l].keep[e->tensor[t].role] == KEEP_ALWAYS;
            m->level[l].keep |= (uint32_t)kept << t;
        }
    }
}

static void check_op(const struct accelerator *a, const struct einsum *e, struct mapper_options opt,
                     struct mapper_work *work, const char *where, struct tally *tally)
{
    struct mapping plain;
    struct err why = ERR_INIT, err = ERR_INIT;
    struct mapper_result r, again;
    plainest(a, e, &plain);
    bool exists = mapping_check(&plain, a, e, &why) == 0;
    bool found = mapper_best(a, e, &opt, work, &r, &err) == 0;
    ck_assert_msg(found || !exists, "%s, budget %lld: %s", where, (long long)opt.budget, err.text);
    ck_assert_msg(found || strstr(err.text, "no tiles") == NULL, "%s: %s, but %s", where, err.text, why.text);
    tally->found += found;
    tally->none += !found;
    if (found) {
        ck_assert_msg(mapping_check(&r.mapping, a, e, &err) == 0, "%s: %s", where, err.text);
    }
    if (found && tally->found % 8 == 0) { /* other memory, the same mapping */
        ck_assert_int_eq(mapper_best(a, e, &opt, NULL, &again, &err), 0);
        ck_assert_mem_eq(&r.mapping, &again.mapping, sizeof r.mapping);
    }
}

static void check_network(const struct accelerator *a, const struct network *net, const struct mapper_options *opt,
                          struct mapper_work *work, const char *where, struct tally *tally)
{
    int unique[OPS];
    ck_assert_int_le(net->n_ops, OPS);
    network_unique(net, unique);
    for (int i = 0; i < net->n_ops; i++) {
        if (unique[i] == i) {
            char text[160];
            snprintf(text, sizeof text, "%s, %s", where, net->op[i].name);
            check_op(a, &net->op[i].einsum, *opt, work, text, tally);
        }
    }
}

static struct network *load(const char *name)
{
    struct diags d = DIAGS_INIT;
    struct network *net = network_load(name, NULL, 0, 1, &d);
    ck_assert_msg(net != NULL, "%s", name);
    diags_release(&d);
    return net;
}

static struct template *load_template(const char *name, double *values)
{
    struct diags d = DIAGS_INIT;
    struct template *t = template_load(name, &d);
    ck_assert_msg(t != NULL, "%s", name);
    template_defaults(t, values);
    diags_release(&d);
    return t;
}

START_TEST(every_template_and_network)
{
    char name[NAMES][HW_NAME];
    int n = template_list(name, NAMES);
    struct mapper_work *work = mapper_work_new();
    struct tally tally = {0};
    for (int i = 0; i < n; i++) {
        double values[64];
        struct accelerator a;
        struct err err = ERR_INIT;
        struct template *t = load_template(name[i], values);
        ck_assert_msg(template_build(t, values, &a, &err) == 0, "%s", err.text);
        tally.designs++;
        for (int k = 0; k < NETWORKS; k++) {
            struct network *net = load(networks[k]);
            for (int b = 0; b < (k < ALL_BUDGETS ? BUDGETS : 1); b++) {
                const struct mapper_options opt = {.goal = GOAL_EDP, .budget = budgets[b], .core_split = CORE_ONE};
                char where[HW_NAME + 64];
                snprintf(where, sizeof where, "%.*s, %s", HW_NAME - 1, name[i], networks[k]);
                check_network(&a, net, &opt, work, where, &tally);
            }
            network_free(net);
        }
        template_free(t);
    }
    mapper_work_free(work);
    printf("%ld templates: %ld mappings found, %ld times none\n", tally.designs, tally.found, tally.none);
    ck_assert_int_ge(tally.designs, 8);
    ck_assert_int_eq(tally.none, 0);
}
END_TEST

/* Sizes and choices at random; what sets speeds stays. */
static void random_values(struct rng *r, const struct template *t, double *v)
{
    int n;
    const struct template_param *p = template_params(t, &n);
    for (int i = 0; i < n; i++) {
        double u = rng_uniform(r);
        if (p[i].type == PARAM_INT && p[i].min > 0) {
            v[i] = floor(p[i].min * pow(p[i].max / p[i].min, u));
        } else if (p[i].type == PARAM_CAPACITY) {
            v[i] = exp2(floor(log2(p[i].min) + 0.999 + u * log2(p[i].max / p[i].min)));
            v[i] = fmin(v[i], p[i].max);
        } else if ((p[i].type == PARAM_CHOICE || p[i].type == PARAM_BOOL) && strcmp(p[i].name, "technology") != 0) {
            v[i] = floor(u * (p[i].max + 0.999));
        }
    }
}

START_TEST(random_designs)
{
    static const char *const some[] = {"mobilenet_v2", "bert_base", "resnet18"};
    char name[NAMES][HW_NAME];
    int n = template_list(name, NAMES);
    struct mapper_work *work = mapper_work_new();
    struct tally tally = {0};
    for (int i = 0; i < RANDOM * n; i++) {
        double values[64];
        struct accelerator a;
        struct err err = ERR_INIT;
        struct rng r;
        rng_init(&r, 9, (uint64_t)i, RNG_TEST);
        struct template *t = load_template(name[i % n], values);
        random_values(&r, t, values);
        struct network *net = load(some[rng_below(&r, 3)]);
        int w = 4 << rng_below(&r, 2), act = 4 << rng_below(&r, 2);
        ck_assert_int_eq(network_set_bits(net, BITS_ALL, 0, w, act, 0, &err), 0);
        struct mapper_options opt = {.goal = (enum goal)rng_below(&r, GOAL_COUNT), .core_split = CORE_ONE};
        opt.budget = budgets[rng_below(&r, BUDGETS)];
        opt.core_split = rng_below(&r, 2) ? CORE_ANY : CORE_ONE;
        if (template_build(t, values, &a, &err) == 0) {
            tally.designs++;
            check_network(&a, net, &opt, work, name[i % n], &tally);
        }
        network_free(net);
        template_free(t);
    }
    mapper_work_free(work);
    printf("%ld random designs: %ld mappings found, %ld times none\n", tally.designs, tally.found, tally.none);
    ck_assert_int_gt(tally.designs, 3 * n);
}
END_TEST

/* Other ways: exact search, all trade-offs, factors that must divide, the least budget of each; and dimensions with more divisors than the search
 * has room for, where only the mapping that needs least room is left. */
START_TEST(other_ways)
{
    double values[64];
    struct accelerator a;
    struct err err = ERR_INIT;
    struct template *t = load_template("simba_like", values);
    const struct conv_shape shape = {1, 1, 256, 128, 28, 28, 3, 3, 2, 2, 1, 1};
    struct einsum conv, many;
    struct mapper_result r;
    struct mapper_front front;
    ck_assert_int_eq(template_build(t, values, &a, &err), 0);
    einsum_conv(&conv, "conv", &shape, 8, 8, 24);
    einsum_matmul(&many, "many", 1, 1, 735134400, 3, true, 8, 8, 24); /* 1,344 divisors */
    struct mapper_options opt = {.goal = GOAL_EDP, .budget = 1, .core_split = CORE_ONE};
    ck_assert_msg(mapper_best(&a, &many, &opt, NULL, &r, &err) == 0, "%s", err.text);
    opt.perfect = true;
    ck_assert_msg(mapper_best(&a, &conv, &opt, NULL, &r, &err) == 0, "%s", err.text);
    ck_assert_msg(mapper_pareto(&a, &conv, &opt, NULL, &front, &err) == 0, "%s", err.text);
    ck_assert_int_ge(front.n, 1);
    mapper_front_release(&front);
    opt.effort = MAPPER_EXACT;
    ck_assert_msg(mapper_best(&a, &conv, &opt, NULL, &r, &err) == 0, "%s", err.text);
    ck_assert(!r.proven && r.bound <= mapper_value(GOAL_EDP, &r.cost));
    template_free(t);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("mapper_budget");
    TCase *tc = tcase_create("mapper_budget");
    tcase_set_timeout(tc, 0);
    tcase_add_test(tc, every_template_and_network);
    tcase_add_test(tc, random_designs);
    tcase_add_test(tc, other_ways);
    suite_add_tcase(s, tc);
    return run_suite(s, CK_FORK_GETENV);
}
