/* Joint against separate search on the demo study, same number of evaluations: the reason why this tool exists, measured.
 *
 *   joint     all variables at once
 *   one       hardware first (8 bits, split over output channels), then bit widths on the hardware of least energy x latency, then the partition
 *             of the best of those: what teams do that hand a decision down
 *   front     the same three stages, but each hands its whole front down (the stage also chooses which of its members it builds on): the strongest
 *             separate search that we could think of
 *
 * Each stage gets a third of the evaluations. Every feasible design that a way evaluated counts, in all stages. The hypervolume is that of one box for all ways
 * and seeds: near corner the best value of each objective seen anywhere, far corner the worst on any way's front.
 *
 * usage: bench_joint [evaluations [seeds]] */
#include "base/mem.h"
#include "costmodel/memo.h"
#include "experiments/evaluator.h"
#include "experiments/study.h"
#include "search/hypervolume.h"
#include "search/search.h"

#include "base/strbuf.h"

#include <gsl/gsl_errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum way { WAY_JOINT, WAY_ONE, WAY_FRONT, WAY_COUNT };
static const char *const way_names[WAY_COUNT] = {"joint", "separate, one handed down", "separate, front handed down"};

/* Results of one way: objectives and points of the feasible designs. */
struct results {
    double *f, *x;
    int64_t n, cap;
};

struct bench {
    const struct study *study;
    struct evaluator *evaluator;
};

/* A stage: some variables of the study move, the rest comes from one of the carried points. */
struct stage {
    const struct bench *bench;
    struct space space;
    int *full;             /* [space.n] variable of the study; -1: which carried point */
    const double *carried; /* [n_carried][study variables] */
    int64_t n_carried;
};

static void expand(const struct stage *st, const double *x, double *out)
{
    const struct study *s = st->bench->study;
    int64_t from = 0;
    for (int i = 0; i < st->space.n; i++) {
        from = st->full[i] < 0 ? (int64_t)x[i] : from;
    }
    memcpy(out, st->carried + from * s->space.n, (size_t)s->space.n * sizeof *out);
    for (int i = 0; i < st->space.n; i++) {
        if (st->full[i] >= 0) {
            out[st->full[i]] = x[i];
        }
    }
}

static bool stage_active(const void *ctx, const double *x, int i)
{
    const struct stage *st = ctx;
    const struct study *s = st->bench->study;
    if (st->full[i] < 0) {
        return true;
    }
    double out[512];
    expand(st, x, out);
    return s->space.active(s->space.ctx, out, st->full[i]);
}

static double stage_violation(const void *ctx, const double *x)
{
    const struct stage *st = ctx;
    double out[512];
    expand(st, x, out);
    space_canonical(&st->bench->study->space, out);
    return study_known_violation(st->bench->study, out);
}

static void stage_add(struct stage *st, int variable)
{
    const struct variable *from = &st->bench->study->space.var[variable];
    struct variable *v = space_add(&st->space, from->name, from->kind);
    double *values = NULL;
    if (from->values != NULL) {
        values = mem_calloc((size_t)from->n, sizeof *values);
        memcpy(values, from->values, (size_t)from->n * sizeof *values);
    }
    *v = *from;
    v->values = values;
    st->full[st->space.n - 1] = variable;
}

static void stage_init(struct stage *st, const struct bench *b, bool (*moves)(enum binding), const double *carried,
                       int64_t n)
{
    const struct study *s = b->study;
    memset(st, 0, sizeof *st);
    space_init(&st->space);
    st->bench = b;
    st->full = mem_calloc((size_t)s->space.n + 1, sizeof *st->full);
    st->carried = carried;
    st->n_carried = n;
    if (n > 1) {
        struct variable *v = space_add(&st->space, "handed down", VARIABLE_CATEGORY);
        v->n = n;
        st->full[0] = -1;
    }
    for (int i = 0; i < s->n_families; i++) {
        for (int k = 0; moves(s->family[i].binding) && k < s->family[i].count; k++) {
            stage_add(st, s->family[i].first + k);
        }
    }
    st->space.active = stage_active;
    st->space.ctx = st;
}

static void keep(struct results *r, const struct study *s, const double *f, const double *x)
{
    if (r->n == r->cap) {
        r->cap = r->cap ? 2 * r->cap : 1024;
        r->f = mem_realloc(r->f, (size_t)(r->cap * s->n_objectives), sizeof *r->f);
        r->x = mem_realloc(r->x, (size_t)(r->cap * s->space.n), sizeof *r->x);
    }
    memcpy(r->f + r->n * s->n_objectives, f, (size_t)s->n_objectives * sizeof *f);
    memcpy(r->x + r->n * s->space.n, x, (size_t)s->space.n * sizeof *x);
    r->n++;
}

static void run(struct stage *st, int64_t budget, uint64_t seed, struct results *out)
{
    const struct study *s = st->bench->study;
    struct search_problem p = {&st->space, s->n_objectives, s->n_constraints + 1, stage_violation, st};
    struct search_options o = {.algorithm = s->algorithm, .budget = budget, .seed = seed};
    struct err err = ERR_INIT;
    struct search *search = search_new(&p, &o, &err);
    if (search == NULL) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    while (search_stop(search) == SEARCH_RUNNING) {
        int64_t n = search_askable(search);
        double *x = mem_calloc((size_t)(n * st->space.n) + 1, sizeof *x),
               *full = mem_calloc((size_t)(n * s->space.n) + 1, sizeof *full);
        struct evaluation *v = mem_calloc((size_t)n + 1, sizeof *v);
        for (int64_t i = 0; i < n; i++) {
            if (!search_ask(search, x + i * st->space.n)) {
                n = i;
                break;
            }
            expand(st, x + i * st->space.n, full + i * s->space.n);
            space_canonical(&s->space, full + i * s->space.n);
        }
#pragma omp parallel for schedule(dynamic, 1)
        for (int64_t i = 0; i < n; i++) {
            evaluator_run(st->bench->evaluator, full + i * s->space.n, &v[i]);
        }
        for (int64_t i = 0; i < n; i++) {
            double f[STUDY_OBJECTIVES], g[STUDY_CONSTRAINTS + 1];
            evaluation_tell(s, &v[i], f, g);
            search_tell(search, f, g);
            if (v[i].state == DB_OK) {
                keep(out, s, f, full + i * s->space.n);
            }
        }
        mem_free(x);
        mem_free(full);
        mem_free(v);
    }
    search_free(search);
    space_release(&st->space);
    mem_free(st->full);
}

static bool dominated(const struct results *r, int m, int64_t i)
{
    for (int64_t j = 0; j < r->n; j++) {
        bool le = true, lt = false;
        for (int k = 0; k < m; k++) {
            le &= r->f[j * m + k] <= r->f[i * m + k];
            lt |= r->f[j * m + k] < r->f[i * m + k];
        }
        if (le && (lt || j < i)) {
            return true;
        }
    }
    return false;
}

/* The non-dominated points of r (all = true), or the one of least product of the first two objectives. Returns how many; caller frees *x. */
static int64_t hand_down(const struct results *r, const struct study *s, bool all, double **x)
{
    int m = s->n_objectives, d = s->space.n;
    int64_t n = 0, best = 0;
    *x = mem_calloc((size_t)(r->n * d) + 1, sizeof **x);
    for (int64_t i = 0; i < r->n; i++) {
        double product = r->f[i * m] * r->f[i * m + 1];
        best = product < r->f[best * m] * r->f[best * m + 1] ? i : best;
        if (all && !dominated(r, m, i)) {
            memcpy(*x + n++ * d, r->x + i * d, (size_t)d * sizeof **x);
        }
    }
    if (!all && r->n > 0) {
        memcpy(*x, r->x + best * d, (size_t)d * sizeof **x);
        n = 1;
    }
    return n;
}

static bool moves_all(enum binding b)
{
    return b < BIND_COUNT;
}
static bool moves_hardware(enum binding b)
{
    return b == BIND_PARAMETER;
}
static bool moves_bits(enum binding b)
{
    return b == BIND_BITS || b == BIND_W_BITS || b == BIND_A_BITS;
}
static bool moves_partition(enum binding b)
{
    return b == BIND_PARTITION || b == BIND_MAPPING_GOAL;
}

static void search_way(const struct bench *b, enum way way, int64_t budget, uint64_t seed, struct results *out)
{
    static bool (*const stages[3])(enum binding) = {moves_hardware, moves_bits, moves_partition};
    double *base = mem_calloc((size_t)b->study->space.n, sizeof *base);
    study_default(b->study, base);
    struct stage st;
    if (way == WAY_JOINT) {
        stage_init(&st, b, moves_all, base, 1);
        run(&st, budget, seed, out);
        mem_free(base);
        return;
    }
    int64_t n = 1;
    for (int k = 0; k < 3 && n > 0; k++) {
        struct results stage = {0};
        stage_init(&st, b, stages[k], base, n);
        run(&st, k < 2 ? budget / 3 : budget - 2 * (budget / 3), seed, &stage);
        for (int64_t i = 0; i < stage.n; i++) {
            keep(out, b->study, stage.f + i * b->study->n_objectives, stage.x + i * b->study->space.n);
        }
        mem_free(base);
        n = hand_down(&stage, b->study, way == WAY_FRONT, &base);
        mem_free(stage.f);
        mem_free(stage.x);
    }
    mem_free(base);
}

static double volume(const struct results *r, int m, const double *lo, const double *hi)
{
    double *p = mem_calloc((size_t)(r->n * m) + 1, sizeof *p), one[STUDY_OBJECTIVES];
    int64_t n = 0;
    for (int64_t i = 0; i < r->n; i++) {
        if (!dominated(r, m, i)) {
            for (int k = 0; k < m; k++) {
                p[n * m + k] = (r->f[i * m + k] - lo[k]) / (hi[k] - lo[k]);
                one[k] = 1;
            }
            n++;
        }
    }
    double hv = n ? hypervolume(p, (int)n, m, one) : 0;
    mem_free(p);
    return hv;
}

static void box(const struct results *r, int n, int m, double *lo, double *hi)
{
    for (int k = 0; k < m; k++) {
        lo[k] = INFINITY;
        hi[k] = -INFINITY;
    }
    for (int w = 0; w < n; w++) {
        for (int64_t i = 0; i < r[w].n; i++) {
            bool front = !dominated(&r[w], m, i);
            for (int k = 0; k < m; k++) {
                double v = r[w].f[i * m + k];
                lo[k] = v < lo[k] ? v : lo[k];
                hi[k] = front && v > hi[k] ? v : hi[k];
            }
        }
    }
    for (int k = 0; k < m; k++) {
        hi[k] += 0.1 * (hi[k] - lo[k]) + (hi[k] == lo[k]);
    }
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    int64_t budget = argc > 1 ? atoll(argv[1]) : 3000;
    int seeds = argc > 2 ? atoi(argv[2]) : 5;
    gsl_set_error_handler_off();
    struct diags d = DIAGS_INIT;
    struct study *s = study_load("demo", NULL, 0, &d);
    if (s == NULL) {
        struct strbuf text = STRBUF_INIT;
        diags_format(&d, false, &text);
        fputs(strbuf_str(&text), stderr);
        return 1;
    }
    struct memo *memo = memo_new(NETWORK_MEMO_VALUE, (size_t)256 << 20, NULL);
    struct evaluator *e = evaluator_new(s, memo, NULL);
    struct bench b = {s, e};
    struct results *r = mem_calloc((size_t)(seeds * WAY_COUNT), sizeof *r);
    for (int i = 0; i < seeds; i++) {
        for (int w = 0; w < WAY_COUNT; w++) {
            search_way(&b, (enum way)w, budget, (uint64_t)i + 1, &r[i * WAY_COUNT + w]);
        }
    }
    double lo[STUDY_OBJECTIVES], hi[STUDY_OBJECTIVES], *ratio = mem_calloc((size_t)(seeds * WAY_COUNT), sizeof *ratio);
    box(r, seeds * WAY_COUNT, s->n_objectives, lo, hi);
    printf("joint against separate search: study %s, %lld evaluations, %d seeds\n\n  seed", s->name, (long long)budget,
           seeds);
    for (int w = 0; w < WAY_COUNT; w++) {
        printf("  %28s", way_names[w]);
    }
    printf("\n");
    for (int i = 0; i < seeds; i++) {
        printf("  %4d", i + 1);
        double joint = volume(&r[i * WAY_COUNT], s->n_objectives, lo, hi);
        for (int w = 0; w < WAY_COUNT; w++) {
            double hv = volume(&r[i * WAY_COUNT + w], s->n_objectives, lo, hi);
            ratio[w * seeds + i] = joint / hv;
            printf("  %17.4f (x%8.3f)", hv, joint / hv);
        }
        printf("\n");
    }
    printf("median hypervolume of joint over separate:");
    for (int w = 1; w < WAY_COUNT; w++) {
        qsort(ratio + w * seeds, (size_t)seeds, sizeof *ratio, compare_doubles);
        printf("  %.3f (%s)", ratio[w * seeds + seeds / 2], way_names[w]);
    }
    printf("\n");
    return 0;
}
