/* How good a search algorithm is where it was not tuned: the problems of tests/unseen.h. Read what that says before a constant is
 * chosen by these.
 *
 *   bench_unseen [-b budget] [-s seeds] [-a algorithm,...] [-p problem,...]
 *
 * Default: budget 200, 3 seeds, auto, nsga2, sms_emoa (to four objectives), spea2_sde (from four) and random; what -a names runs
 * everywhere. Runs are spread over the processors, those of the first algorithm first; each is the work of one thread.
 *
 * Prints for every problem and algorithm the median of the volume ratio: hypervolume of a run's feasible front over that of the union
 * of the fronts of all these runs, in the union's unit box, reference point 1.1. So a ratio hangs on what else is run, by the box and by
 * the divisor: compare columns of one call, not calls; a run alone is its own union and reads 1. Volumes of many points in five and six
 * objectives are sampled (0.3 % or better). Then the CPU time of an evaluation, median too. Last line: in how many problems each
 * algorithm's median is the best or within 0.1 % of it. */
#include "base/clock.h"
#include "base/mem.h"
#include "search/dominance.h"
#include "search/hypervolume.h"
#include "tests/unseen.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_SEEDS = 101, MAX_ALGORITHMS = 8, MAX_PROBLEMS = 32, SAMPLES = 200000 };

struct request {
    const char *algorithm[MAX_ALGORITHMS]; /* names within `list` */
    char list[256];
    const char *names; /* problems; NULL: all */
    int n_algorithms, budget, seeds;
    bool by_objectives; /* algorithms for fewer or more objectives sit out */
};

struct outcome {
    double *f; /* [n][m] the front */
    int n;
    double us; /* CPU of an evaluation */
};

/* Runs of one problem: run[algorithm * seeds + seed]. */
struct row {
    const struct problem *problem;
    struct outcome *run;
    double volume[MAX_ALGORITHMS], us[MAX_ALGORITHMS]; /* medians; NaN: not run */
};

static bool takes_part(const struct request *q, int algorithm, int m)
{
    const char *name = q->algorithm[algorithm];
    return !q->by_objectives || (strcmp(name, "sms_emoa") == 0    ? m <= 4
                                 : strcmp(name, "spea2_sde") == 0 ? m >= 4
                                                                  : true);
}

static struct outcome run(const struct problem *p, const char *algorithm, int budget, int seed)
{
    struct space space;
    problem_space(p, &space);
    struct search_problem sp = problem_search(p, &space);
    struct search_options o = {.algorithm = algorithm, .budget = budget, .seed = (uint64_t)seed};
    struct err err = ERR_INIT;
    struct search *s = search_new(&sp, &o, &err);
    if (!s) {
        fprintf(stderr, "bench_unseen: %s\n", err.text);
        exit(64);
    }
    double *f = mem_calloc((size_t)budget * (size_t)p->m, sizeof *f), start = clock_thread_s();
    int64_t asked = problem_run(p, s, 0, NULL, f), n;
    struct outcome out = {.us = (clock_thread_s() - start) / (double)asked * 1e6};
    const int64_t *front = search_front(s, &n);
    out.n = (int)n;
    out.f = mem_calloc((size_t)(n * p->m) + 1, sizeof *out.f);
    for (int64_t k = 0; k < n; k++) {
        memcpy(out.f + k * p->m, f + front[k] * p->m, (size_t)p->m * sizeof *f);
    }
    mem_free(f);
    search_free(s);
    space_release(&space);
    return out;
}

static void run_all(struct row *row, int n, const struct request *q)
{
    int runs = n * q->seeds;
#pragma omp parallel for schedule(dynamic) default(none) shared(row, n, q, runs)
    for (int i = 0; i < runs * q->n_algorithms; i++) {
        int a = i / runs, k = i % runs / n;
        struct row *r = &row[i % n];
        if (takes_part(q, a, r->problem->m)) {
            r->run[a * q->seeds + k] = run(r->problem, q->algorithm[a], q->budget, k);
        }
    }
}

static double volume(const double *f, int n, int m)
{
    double reference[SEARCH_MAX_OBJECTIVES], error;
    for (int j = 0; j < m; j++) {
        reference[j] = 1.1;
    }
    return m <= 4 || pow(n, m - 3) < 1e7 ? hypervolume(f, n, m, reference)
                                         : hypervolume_sampled(f, n, m, reference, SAMPLES, 1, &error);
}

/* The non-dominated rows of all runs into all[]; returns how many. */
static int unite(const struct row *r, int n_runs, double *all)
{
    int m = r->problem->m, n = 0, kept = 0;
    for (int i = 0; i < n_runs; i++) {
        if (r->run[i].n > 0) {
            memcpy(all + (int64_t)n * m, r->run[i].f, (size_t)r->run[i].n * (size_t)m * sizeof *all);
            n += r->run[i].n;
        }
    }
    bool *keep = mem_calloc((size_t)n + 1, sizeof *keep);
    dominance_filter(all, n, m, keep);
    for (int i = 0; i < n; i++) {
        if (keep[i]) {
            memmove(all + (int64_t)kept++ * m, all + (int64_t)i * m, (size_t)m * sizeof *all);
        }
    }
    mem_free(keep);
    return kept;
}

/* The box of the n rows of f; where all are equal in an objective its side is 1. */
static void find_box(const double *f, int n, int m, double *low, double *side)
{
    for (int j = 0; j < m; j++) {
        double high = -HUGE_VAL;
        low[j] = HUGE_VAL;
        for (int i = 0; i < n; i++) {
            low[j] = fmin(low[j], f[(int64_t)i * m + j]);
            high = fmax(high, f[(int64_t)i * m + j]);
        }
        side[j] = high > low[j] ? high - low[j] : 1;
    }
}

static void normalise(double *f, int n, int m, const double *low, const double *side)
{
    for (int64_t i = 0; i < (int64_t)n * m; i++) {
        f[i] = (f[i] - low[i % m]) / side[i % m];
    }
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *v, int n)
{
    qsort(v, (size_t)n, sizeof *v, by_size);
    return (v[(n - 1) / 2] + v[n / 2]) / 2;
}

/* Fills the medians; the runs' fronts are normalised in place. */
static void score(struct row *r, const struct request *q)
{
    int m = r->problem->m, n_runs = q->n_algorithms * q->seeds, total = 0;
    double low[SEARCH_MAX_OBJECTIVES], side[SEARCH_MAX_OBJECTIVES];
    for (int i = 0; i < n_runs; i++) {
        total += r->run[i].n;
    }
    double *all = mem_calloc((size_t)total * (size_t)m + 1, sizeof *all);
    int n = unite(r, n_runs, all);
    find_box(all, n, m, low, side);
    normalise(all, n, m, low, side);
    double whole = n > 0 ? volume(all, n, m) : 1;
    for (int a = 0; a < q->n_algorithms; a++) {
        double ratio[MAX_SEEDS], us[MAX_SEEDS];
        for (int k = 0; k < q->seeds; k++) {
            struct outcome *o = &r->run[a * q->seeds + k];
            normalise(o->f, o->n, m, low, side);
            ratio[k] = o->n > 0 ? volume(o->f, o->n, m) / whole : 0;
            us[k] = o->us;
        }
        bool ran = takes_part(q, a, m);
        r->volume[a] = ran ? median(ratio, q->seeds) : nan("");
        r->us[a] = ran ? median(us, q->seeds) : nan("");
    }
    mem_free(all);
}

static void score_all(struct row *row, int n, const struct request *q)
{
#pragma omp parallel for schedule(dynamic) default(none) shared(row, n, q)
    for (int i = 0; i < n; i++) {
        score(&row[i], q);
    }
}

static void print_number(double v, const char *format)
{
    char text[32] = "-";
    if (!isnan(v)) {
        snprintf(text, sizeof text, strcmp(format, "volume") == 0 ? "%.4f" : "%.1f", v);
    }
    printf(" %10s", text);
}

static void print_table(const struct row *row, int n, const struct request *q)
{
    int best[MAX_ALGORITHMS] = {0};
    printf("volume ratio, then us/evaluation; budget %d, %d seeds\n%-8s  m  c", q->budget, q->seeds, "problem");
    for (int a = 0; a < 2 * q->n_algorithms; a++) {
        printf("%s %10s", a == q->n_algorithms ? "  |" : "", q->algorithm[a % q->n_algorithms]);
    }
    printf("\n");
    for (int i = 0; i < n; i++) {
        const struct row *r = &row[i];
        double top = 0;
        printf("%-8s %2d %2d", r->problem->name, r->problem->m, r->problem->c);
        for (int a = 0; a < q->n_algorithms; a++) {
            print_number(r->volume[a], "volume");
            top = fmax(top, r->volume[a]);
        }
        printf("  |");
        for (int a = 0; a < q->n_algorithms; a++) {
            print_number(r->us[a], "us");
            best[a] += r->volume[a] > 0 && r->volume[a] >= 0.999 * top;
        }
        printf("\n");
    }
    printf("%-8s of %2d", "best", n);
    for (int a = 0; a < q->n_algorithms; a++) {
        printf(" %10d", best[a]);
    }
    printf("\n");
}

static bool listed(const char *list, const char *name)
{
    size_t n = strlen(name);
    for (const char *at = list; at && *at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
        if (strncmp(at, name, n) == 0 && (at[n] == ',' || at[n] == '\0')) {
            return true;
        }
    }
    return list == NULL;
}

static struct request read_arguments(int argc, char **argv)
{
    struct request q = {
        .list = "auto,nsga2,sms_emoa,spea2_sde,random", .budget = 200, .seeds = 3, .by_objectives = true};
    for (int i = 1; i + 1 < argc && argv[i][0] == '-'; i += 2) {
        switch (argv[i][1]) {
        case 'a':
            snprintf(q.list, sizeof q.list, "%s", argv[i + 1]);
            q.by_objectives = false;
            break;
        case 'b':
            q.budget = atoi(argv[i + 1]);
            break;
        case 'p':
            q.names = argv[i + 1];
            break;
        case 's':
            q.seeds = atoi(argv[i + 1]);
            break;
        }
    }
    q.seeds = q.seeds < 1 ? 1 : q.seeds > MAX_SEEDS ? MAX_SEEDS : q.seeds;
    return q;
}

int main(int argc, char **argv)
{
    static struct row row[MAX_PROBLEMS];
    struct request q = read_arguments(argc, argv);
    int n = 0;
    for (char *at = strtok(q.list, ","); at && q.n_algorithms < MAX_ALGORITHMS; at = strtok(NULL, ",")) {
        q.algorithm[q.n_algorithms++] = at;
    }
    for (const struct problem *p = unseen_problems; p->name && n < MAX_PROBLEMS; p++) {
        if (listed(q.names, p->name)) {
            row[n].problem = p;
            row[n++].run = mem_calloc((size_t)(q.n_algorithms * q.seeds) + 1, sizeof *row->run);
        }
    }
    run_all(row, n, &q);
    score_all(row, n, &q);
    print_table(row, n, &q);
    for (int i = 0; i < n; i++) {
        for (int k = 0; k < q.n_algorithms * q.seeds; k++) {
            mem_free(row[i].run[k].f);
        }
        mem_free(row[i].run);
    }
    return 0;
}
