/* The exact mapper, as markdown (docs/validation.md, section mapper): the time to the proof on every distinct layer of known networks, on the
 * templates and archC, one core, all bypass choices; what Timeloop's mapper and ZigZag's found on archC (Timeloop 4cf6d4c, ZigZag 3d12a96e, runs
 * of ours on a 2-core machine: best energy and cycles, CPU seconds); all of ResNet-50 on a new design and on one of a known family. */
#include "base/clock.h"
#include "base/diag.h"
#include "base/mem.h"
#include "costmodel/network_cost.h"
#include "hw/template.h"
#include "sw/network.h"
#include "tests/arch_c.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 1024, LAYERS = 128 };
/* A layer that needs more (about ten seconds) is reported as not proven. */
static const int64_t budget = 20000000;

struct times {
    double ms[MOST];
    int n, late;
    double cases, priced, space;
};

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static struct network *load(const char *model, const struct network_arg *args, int n_args)
{
    struct diags d = DIAGS_INIT;
    struct network *net = network_load(model, args, n_args, 1, &d);
    diags_release(&d);
    return net;
}

static int machine(const char *name, struct accelerator *a)
{
    struct diags d = DIAGS_INIT;
    struct err err = ERR_INIT;
    if (strcmp(name, "archC") == 0) {
        arch_c(true, a);
        return 0;
    }
    struct template *t = template_load(name, &d);
    diags_release(&d);
    if (!t) {
        return -1;
    }
    double v[64];
    template_defaults(t, v);
    int rc = template_build(t, v, a, &err);
    template_free(t);
    return rc;
}

static void map_layers(const struct accelerator *a, const struct network *net, enum goal goal, struct mapper_work *work,
                       struct times *t)
{
    int *unique = mem_calloc((size_t)net->n_ops + 1, sizeof *unique);
    network_unique(net, unique);
    for (int i = 0; i < net->n_ops && t->n < MOST; i++) {
        struct mapper_options opt = {.goal = goal, .effort = MAPPER_EXACT, .budget = budget, .core_split = CORE_ANY};
        struct mapper_result r;
        struct err err = ERR_INIT;
        if (unique[i] != i) {
            continue;
        }
        double start = clock_process_s();
        int rc = mapper_best(a, &net->op[i].einsum, &opt, work, &r, &err);
        t->ms[t->n++] = 1e3 * (clock_process_s() - start);
        if (rc < 0 || !r.proven) {
            t->late++;
            fprintf(stderr, "%s %s on %s, %s: %s\n", net->name, net->op[i].name, a->name, goal_names[goal],
                    rc < 0 ? err.text : "not proven within the budget");
        } else {
            t->priced += (double)r.priced;
            t->space += log10(r.space);
        }
    }
    mem_free(unique);
}

static const struct network_arg prefill[] = {{"tokens", 1024}};
static const struct network_arg decode[] = {{"tokens", 1}, {"context", 1024}};
static const struct {
    const char *name;
    const struct network_arg *args;
    int n_args;
} networks[] = {{"resnet50", NULL, 0},  {"mobilenet_v2", NULL, 0}, {"vgg16", NULL, 0},
                {"bert_base", NULL, 0}, {"gpt2", prefill, 1},      {"gpt2", decode, 2}};
static const char *const machines[] = {"eyeriss_like", "tpu_like", "nvdla_like", "simba_like", "archC", "edge_npu"};

static void layers_of(const char *name, enum goal goal, struct mapper_work *work)
{
    static struct times t;
    struct accelerator a;
    memset(&t, 0, sizeof t);
    if (machine(name, &a) < 0) {
        return;
    }
    for (size_t i = 0; i < sizeof networks / sizeof *networks; i++) {
        struct network *net = load(networks[i].name, networks[i].args, networks[i].n_args);
        if (net) {
            map_layers(&a, net, goal, work, &t);
        }
        network_free(net);
    }
    int proven = t.n - t.late;
    qsort(t.ms, (size_t)t.n, sizeof *t.ms, by_value);
    printf("| %s | %s | %d | %d | 1e%.0f | %.0f | %.2f | %.0f | %.0f |\n", name, goal_names[goal], t.n, proven,
           t.space / fmax(1, proven), t.priced / fmax(1, proven), t.ms[t.n / 2], t.ms[(99 * t.n + 99) / 100 - 1],
           t.ms[t.n - 1]);
}

static void bench_layers(void)
{
    struct mapper_work *work = mapper_work_new();
    printf("| machine | goal | layers | proven optimal | mappings in the space (geometric mean) | priced (mean) | "
           "median ms | 99th "
           "percentile ms | worst ms |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n");
    for (int g = GOAL_COUNT - 1; g >= 0; g--) {
        for (size_t k = 0; k < sizeof machines / sizeof *machines; k++) {
            layers_of(machines[k], (enum goal)g, work);
        }
    }
    mapper_work_free(work);
}

/* All runs on archC that ended with a mapping. */
static const struct {
    const char *tool, *layer, *setting;
    double energy_uj, cycles, cpu_s;
} runs[] = {
    {"Timeloop", "resnet50_c2_3x3", "random_pruned, 120 s", 1050.22, 602112, 119.04},
    {"Timeloop", "resnet50_c2_3x3", "random, 120 s", 686.27, 516096, 118.63},
    {"Timeloop", "resnet50_c2_3x3", "hybrid, 120 s", 1448.82, 4128768, 106.43},
    {"Timeloop", "resnet50_c2_3x3", "linear_pruned", 2308.13, 932864, 37.88},
    {"Timeloop", "resnet50_c2_3x3", "random, 20k valid", 833.89, 516096, 12.31},
    {"Timeloop", "resnet50_c2_3x3", "random_pruned, 20k valid", 772.18, 1204224, 14.46},
    {"Timeloop", "resnet50_c2_3x3", "hybrid, 20k valid", 1881.30, 1806336, 24.24},
    {"Timeloop", "vgg_c3_2", "random_pruned, 120 s", 14071.58, 7225344, 79.46},
    {"Timeloop", "gemm1k", "random_pruned, 120 s", 8102.22, 4194304, 51.71},
    {"Timeloop", "bert_qk", "random_pruned, 120 s", 197.57, 65536, 46.55},
    {"Timeloop", "mbv2_dw", "random_pruned, 120 s", 274.07, 117162, 50.88},
    {"Timeloop", "alexnet_c3", "random_pruned, 120 s", 969.75, 718848, 41.17},
    {"Timeloop", "resnet50_c4_1x1", "random_pruned, 120 s", 572.86, 229376, 44.04},
    {"ZigZag (its own accounting)", "resnet50_c2_3x3", "LOMA lpf 6", 769.08, 930263, 4.6},
    {"ZigZag (its own accounting)", "resnet50_c2_3x3", "LOMA lpf 7", 720.20, 922499, 36.98},
};
enum { RUNS = sizeof runs / sizeof *runs };

static void bench_tools(void)
{
    struct accelerator a;
    double ratio[RUNS];
    int worse = 0;
    arch_c(true, &a);
    printf("\n| tool | layer on archC | setting | its EDP, J x cycles | its EDP over the optimum | its CPU s | ours, "
           "ms | ratio of CPU "
           "times |\n| --- | --- | --- | --- | --- | --- | --- | --- |\n");
    for (int i = 0; i < RUNS; i++) {
        struct mapper_options opt = {.goal = GOAL_EDP,
                                     .effort = MAPPER_EXACT,
                                     .accounting = ACCOUNTING_TIMELOOP,
                                     .one_axis = true,
                                     .core_split = CORE_ONE};
        struct mapper_result r;
        struct einsum e;
        struct err err = ERR_INIT;
        arch_c_einsum(runs[i].layer, &e);
        double start = clock_process_s();
        int rc = mapper_best(&a, &e, &opt, NULL, &r, &err);
        double s = clock_process_s() - start;
        double theirs = runs[i].energy_uj * runs[i].cycles * 1e-6;
        double ours = rc == 0 && r.proven ? r.cost.energy_pj * r.cost.cycles * 1e-12 : HUGE_VAL;
        worse += ours > theirs * (1 + 1e-6);
        ratio[i] = runs[i].cpu_s / s;
        printf("| %s | %s | %s | %.4g | %.3f | %.2f | %.2f | %.0f |\n", runs[i].tool, runs[i].layer, runs[i].setting,
               theirs, theirs / ours, runs[i].cpu_s, 1e3 * s, ratio[i]);
    }
    qsort(ratio, RUNS, sizeof *ratio, by_value);
    printf("\nOurs, each proven, is worse in %d of %d; the median ratio of CPU times is %.0f.\n", worse, RUNS,
           ratio[RUNS / 2]);
}

/* The distinct operators of a network. */
static int distinct(const struct network *net, const struct einsum **out)
{
    int n = 0, *unique = mem_calloc((size_t)net->n_ops + 1, sizeof *unique);
    network_unique(net, unique);
    for (int i = 0; i < net->n_ops && n < LAYERS; i++) {
        if (unique[i] == i) {
            out[n++] = &net->op[i].einsum;
        }
    }
    mem_free(unique);
    return n;
}

static double cold_ms(const struct accelerator *a, const struct einsum *const *op, int n, enum mapper_effort effort)
{
    double start = clock_wall_s();
#pragma omp parallel default(none) shared(a, op, effort, n)
    {
        struct mapper_work *work = mapper_work_new();
#pragma omp for schedule(dynamic, 1)
        for (int i = 0; i < n; i++) {
            struct mapper_options opt = {.goal = GOAL_EDP, .effort = effort, .core_split = CORE_ONE};
            struct mapper_result r;
            struct err err = ERR_INIT;
            mapper_best(a, op[i], &opt, work, &r, &err);
        }
        mapper_work_free(work);
    }
    return 1e3 * (clock_wall_s() - start);
}

static double families_ms(const struct accelerator *a, const struct einsum *const *op, int n, struct mapper_family *f)
{
    double start = clock_wall_s();
#pragma omp parallel default(none) shared(a, op, n, f)
    {
        struct mapper_work *work = mapper_work_new();
#pragma omp for schedule(dynamic, 1)
        for (int i = 0; i < n; i++) {
            struct mapper_options opt = {.goal = GOAL_EDP, .effort = MAPPER_EXACT, .core_split = CORE_ONE};
            struct err err = ERR_INIT;
            mapper_family_build(&f[i], a, op[i], &opt, work, &err);
        }
        mapper_work_free(work);
    }
    return 1e3 * (clock_wall_s() - start);
}

/* Milliseconds to map all operators on a design with another bandwidth of DRAM; *far: most that a value exceeds a search's. */
static double family_ms(const struct accelerator *a, const struct einsum *const *op, int n,
                        const struct mapper_family *f, double *far)
{
    double spent = 0;
    for (int k = -4; k <= 4; k++) {
        static struct mapper_result r[LAYERS];
        struct accelerator b = *a;
        struct level *v = &b.level[b.n_levels - 1];
        double by = exp2(0.9 * k);
        v->read_bits_per_cycle *= by;
        v->write_bits_per_cycle *= by;
        v->shared_bits_per_cycle *= by;
        double start = clock_process_s();
        struct hash key = mapper_family_key(&b);
        for (int i = 0; i < n; i++) {
            if (!mapper_family_best(&f[i], &b, &key, &r[i])) {
                return HUGE_VAL;
            }
        }
        double s = clock_process_s() - start;
        spent = s > spent ? s : spent;
        for (int i = 0; i < n; i++) {
            struct mapper_options opt = {.goal = GOAL_EDP, .effort = MAPPER_EXACT, .core_split = CORE_ONE};
            struct mapper_result best;
            struct err err = ERR_INIT;
            mapper_best(&b, op[i], &opt, NULL, &best, &err);
            *far = fmax(*far, mapper_value(GOAL_EDP, &r[i].cost) / mapper_value(GOAL_EDP, &best.cost) - 1);
        }
    }
    return 1e3 * spent;
}

/* Milliseconds of network_cost_evaluate() on a design that differs from a known one in DRAM's bandwidth. */
static double totals_ms(const struct accelerator *a, const struct network *net)
{
    struct memo *families = memo_new(NETWORK_FAMILY_VALUE, (size_t)64 << 20, NULL);
    struct memo *memo = memo_new(NETWORK_MEMO_VALUE, (size_t)1 << 20, NULL);
    struct network_options opt = {.goal = GOAL_EDP, .effort = MAPPER_EXACT, .families = families};
    struct network_cost *c = network_cost_new(net->n_ops);
    struct op_place *place = mem_calloc((size_t)net->n_ops, sizeof *place);
    struct mapper_work *work = mapper_work_new();
    double spent = 0;
    for (int i = 0; i < net->n_ops; i++) {
        place[i].split = PLACE_CORE;
    }
    for (int k = 0; k < 6; k++) { /* the first makes the families */
        struct accelerator b = *a;
        struct level *v = &b.level[b.n_levels - 1];
        struct err err = ERR_INIT;
        v->read_bits_per_cycle *= 1 + 0.3 * k;
        v->write_bits_per_cycle *= 1 + 0.3 * k;
        v->shared_bits_per_cycle *= 1 + 0.3 * k;
        double start = clock_process_s();
        int rc = network_cost_evaluate(&b, net, place, &opt, memo, work, c, &err);
        double s = clock_process_s() - start;
        spent = rc < 0 ? HUGE_VAL : k > 0 && s > spent ? s : spent;
    }
    mapper_work_free(work);
    mem_free(place);
    network_cost_free(c);
    memo_free(memo);
    memo_free(families);
    return 1e3 * spent;
}

static void bench_network(void)
{
    static const char *const names[] = {"edge_npu", "tpu_like", "nvdla_like", "simba_like", "eyeriss_like"};
    struct network *net = load("resnet50", NULL, 0);
    const struct einsum *op[LAYERS];
    if (!net) {
        return;
    }
    int n = distinct(net, op);
    struct mapper_family *f = mem_calloc((size_t)n, sizeof *f);
    printf("\n| ResNet-50 at 8 bits, EDP, all layers, all cores, wall clock | fast, ms | proven, ms | proven for all "
           "DRAM bandwidths, ms | "
           "another bandwidth then, one core, ms | its largest excess over a search | network totals for it, one core, "
           "ms |\n"
           "| --- | --- | --- | --- | --- | --- | --- |\n");
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        struct accelerator a;
        double far = 0;
        if (machine(names[k], &a) < 0) {
            continue;
        }
        double fast = cold_ms(&a, op, n, MAPPER_FAST), exact = cold_ms(&a, op, n, MAPPER_EXACT);
        double family = families_ms(&a, op, n, f), again = family_ms(&a, op, n, f, &far);
        printf("| %s | %.0f | %.0f | %.0f | %.2f | %.1e | %.2f |\n", names[k], fast, exact, family, again, far,
               totals_ms(&a, net));
    }
    mem_free(f);
    network_free(net);
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    bench_layers();
    bench_tools();
    bench_network();
    return 0;
}
