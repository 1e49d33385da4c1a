/* The exact mapper: time per layer of known networks on the templates and archC, one core, all bypass choices that the template leaves; and
 * against what Timeloop's own mapper found on archC (Timeloop 4cf6d4c, runs of ours on a 2-core machine: best energy and cycles, CPU seconds). */
#include "base/diag.h"
#include "base/mem.h"
#include "costmodel/mapper.h"
#include "hw/template.h"
#include "sw/network.h"
#include "tests/arch_c.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double wall_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

enum { MOST = 1024 };
/* About a second; a layer that needs more is reported as not proven, with its gap. */
static const int64_t budget = 500000;

struct times {
    double ms[MOST];
    int n, late;
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
        double start = cpu_seconds();
        int rc = mapper_best(a, &net->op[i].einsum, &opt, work, &r, &err);
        double ms = 1e3 * (cpu_seconds() - start);
        t->ms[t->n++] = ms;
        if (rc < 0 || !r.proven) {
            t->late++;
            printf("  %s %s on %s, %s: %s\n", net->name, net->op[i].name, a->name, goal_names[goal],
                   rc < 0 ? err.text : "not proven within the budget");
        } else if (ms > 2000) {
            printf("  %s %s on %s, %s: %.0f ms\n", net->name, net->op[i].name, a->name, goal_names[goal], ms);
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
static const char *const machines[] = {"eyeriss_like", "tpu_like", "nvdla_like", "simba_like", "edge_npu", "archC"};

static void bench_layers(void)
{
    struct mapper_work *work = mapper_work_new();
    printf("%-14s %-8s %6s %10s %10s %10s %10s\n", "machine", "goal", "layers", "median ms", "p99 ms", "worst ms",
           "late");
    for (size_t k = 0; k < sizeof machines / sizeof *machines; k++) {
        struct accelerator a;
        if (machine(machines[k], &a) < 0) {
            printf("%-14s cannot be built\n", machines[k]);
            continue;
        }
        for (int g = GOAL_EDP; g <= GOAL_EDP; g++) {
            static struct times t;
            t.n = t.late = 0;
            for (size_t i = 0; i < sizeof networks / sizeof *networks; i++) {
                struct network *net = load(networks[i].name, networks[i].args, networks[i].n_args);
                if (net) {
                    map_layers(&a, net, (enum goal)g, work, &t);
                }
                network_free(net);
            }
            qsort(t.ms, (size_t)t.n, sizeof *t.ms, by_value);
            printf("%-14s %-8s %6d %10.2f %10.1f %10.1f %10d\n", machines[k], goal_names[g], t.n, t.ms[t.n / 2],
                   t.ms[(int)(0.99 * t.n)], t.ms[t.n - 1], t.late);
            fflush(stdout);
        }
    }
    mapper_work_free(work);
}

/* The best that any Timeloop run of 120 s on two threads found, and its CPU seconds. */
static const struct {
    const char *layer;
    double energy_uj, cycles, cpu_s;
} timeloop[] = {
    {"resnet50_c2_3x3", 686.27, 516096, 118.63}, {"vgg_c3_2", 14071.58, 7225344, 79.46},
    {"gemm1k", 8102.22, 4194304, 51.71},         {"bert_qk", 197.57, 65536, 46.55},
    {"mbv2_dw", 274.07, 117162, 50.88},          {"alexnet_c3", 969.75, 718848, 41.17},
    {"resnet50_c4_1x1", 572.86, 229376, 44.04},
};

static void bench_timeloop(void)
{
    struct accelerator a;
    arch_c(true, &a);
    printf("\nEDP on archC, Timeloop's accounting and spatial rule; proven optimum against the best Timeloop run\n");
    printf("%-16s %12s %12s %8s %10s %10s %10s\n", "layer", "Timeloop", "ours", "ratio", "their s", "our ms",
           "CPU ratio");
    for (size_t i = 0; i < sizeof timeloop / sizeof *timeloop; i++) {
        struct mapper_options opt = {.goal = GOAL_EDP,
                                     .effort = MAPPER_EXACT,
                                     .accounting = ACCOUNTING_TIMELOOP,
                                     .one_axis = true,
                                     .core_split = CORE_ONE};
        struct mapper_result r;
        struct einsum e;
        struct err err = ERR_INIT;
        arch_c_einsum(timeloop[i].layer, &e);
        double start = cpu_seconds();
        int rc = mapper_best(&a, &e, &opt, NULL, &r, &err);
        double s = cpu_seconds() - start;
        double theirs = timeloop[i].energy_uj * timeloop[i].cycles * 1e-6;
        double ours = rc == 0 ? r.cost.energy_pj * r.cost.cycles * 1e-12 : HUGE_VAL;
        printf("%-16s %12.5g %12.5g %8.3f %10.2f %10.2f %10.0f%s\n", timeloop[i].layer, theirs, ours, theirs / ours,
               timeloop[i].cpu_s, 1e3 * s, timeloop[i].cpu_s / s, rc == 0 && r.proven ? "" : "  not proven");
    }
}

static void bench_cold(void)
{
    struct accelerator a;
    struct network *net = load("resnet50", NULL, 0);
    if (!net || machine("edge_npu", &a) < 0) {
        return;
    }
    int *unique = mem_calloc((size_t)net->n_ops + 1, sizeof *unique);
    network_unique(net, unique);
    for (int effort = MAPPER_FAST; effort <= MAPPER_EXACT; effort++) {
        double start = wall_seconds();
        int n_ops = net->n_ops;
#pragma omp parallel for schedule(dynamic, 1) default(none) shared(net, unique, a, effort, n_ops)
        for (int i = 0; i < n_ops; i++) {
            struct mapper_options opt = {
                .goal = GOAL_EDP, .effort = (enum mapper_effort)effort, .core_split = CORE_ONE};
            struct mapper_result r;
            struct err err = ERR_INIT;
            if (unique[i] == i) {
                mapper_best(&a, &net->op[i].einsum, &opt, NULL, &r, &err);
            }
        }
        printf("ResNet-50 at 8 bits on edge_npu, all layers, cold, all threads, %s: %.1f ms\n",
               effort == MAPPER_FAST ? "fast" : "exact", 1e3 * (wall_seconds() - start));
    }
    mem_free(unique);
    network_free(net);
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    bench_timeloop();
    bench_cold();
    bench_layers();
    return 0;
}
