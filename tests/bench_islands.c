/* Do islands pay? K searches of a problem with seeds of their own, which exchange elites every N evaluations, against the same K searches
 * alone: the hypervolume of the union of their fronts over that of the reference front (tests/fixtures/search/README.md). And, as a
 * bound, one search with all K times the evaluations.
 *
 *   bench_islands [-k islands] [-b evaluations] [-n exchange] [-e elites] [-r repetitions] [-a algorithm] [-p problem,...] [-d fixtures]
 *
 * Evaluations are those of each island. Repetition r has the seeds r K to r K + K - 1 in both; the exchange is that of a sweep's tasks
 * (experiments/island.h): at moment m island i takes what ISLAND_NEIGHBOUR(i, m) had at moment m - 1. */
#include "base/mem.h"
#include "experiments/island.h"
#include "search/dominance.h"
#include "search/hypervolume.h"
#include "tests/problems.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 64 };

struct request {
    const char *algorithm, *names, *dir;
    int islands, budget, exchange, elites, repetitions;
};

struct island {
    struct search *search;
    double *f; /* [budget][m] */
    int64_t n;
    double *x[2], *out[2]; /* what it had at the last two moments: [elites][n], [elites][m] */
    int given[2];
};

static double volume_of(const struct problem *p, const struct problem_front *r, const struct island *island, int k)
{
    int64_t n = 0;
    double *all = NULL, ref[8];
    for (int i = 0; i < k; i++) {
        int64_t size;
        const int64_t *front = search_front(island[i].search, &size);
        all = mem_realloc(all, (size_t)((n + size) * p->m) + 1, sizeof *all);
        for (int64_t t = 0; t < size; t++, n++) {
            for (int j = 0; j < p->m; j++) {
                all[n * p->m + j] = (island[i].f[front[t] * p->m + j] - r->low[j]) / (r->high[j] - r->low[j]);
                ref[j] = 1.1;
            }
        }
    }
    double volume = n > 0 ? hypervolume(all, (int)n, p->m, ref) / r->volume : 0;
    mem_free(all);
    return volume;
}

static void exchange(const struct request *q, struct island *island, int64_t moment)
{
    int now = (int)(moment % 2), before = 1 - now;
    for (int i = 0; i < q->islands; i++) {
        int64_t trial[MOST];
        island[i].given[now] =
            search_emigrants(island[i].search, q->elites, trial, island[i].x[now], island[i].out[now]);
    }
    for (int i = 0; i < q->islands; i++) {
        const struct island *from = &island[island_neighbour(i, moment, q->islands)];
        search_immigrate(island[i].search, moment > 1 ? from->given[before] : 0, from->x[before], from->out[before]);
    }
}

static double run(const struct problem *p, const struct problem_front *r, const struct request *q, int every,
                  int repetition)
{
    struct space space;
    problem_space(p, &space);
    struct search_problem sp = problem_search(p, &space);
    struct island *island = mem_calloc((size_t)q->islands, sizeof *island);
    for (int i = 0; i < q->islands; i++) {
        struct err err = ERR_INIT;
        struct search_options o = {.algorithm = q->algorithm,
                                   .budget = q->budget,
                                   .exchange = every,
                                   .seed = (uint64_t)(repetition * q->islands + i)};
        island[i].search = search_new(&sp, &o, &err);
        if (!island[i].search) {
            fprintf(stderr, "bench_islands: %s\n", err.text);
            exit(64);
        }
        island[i].f = mem_calloc((size_t)q->budget * (size_t)p->m, sizeof(double));
        for (int k = 0; k < 2; k++) {
            island[i].x[k] = mem_calloc((size_t)(MOST * p->n), sizeof(double));
            island[i].out[k] = mem_calloc((size_t)(MOST * p->m), sizeof(double));
        }
    }
    for (int64_t moment = 1; moment > 0; moment++) {
        for (int i = 0; i < q->islands; i++) {
            problem_run(p, island[i].search, 0, NULL, island[i].f);
        }
        if (search_moment(island[0].search) == 0) {
            break;
        }
        exchange(q, island, moment);
    }
    double volume = volume_of(p, r, island, q->islands);
    for (int i = 0; i < q->islands; i++) {
        search_free(island[i].search);
        mem_free(island[i].f);
        for (int k = 0; k < 2; k++) {
            mem_free(island[i].x[k]);
            mem_free(island[i].out[k]);
        }
    }
    mem_free(island);
    space_release(&space);
    return volume;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *v, int n)
{
    qsort(v, (size_t)n, sizeof *v, by_size);
    return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

static bool listed(const char *list, const char *name)
{
    size_t n = strlen(name);
    const char *at = strstr(list, name);
    return at && (at == list || at[-1] == ',') && (at[n] == ',' || at[n] == '\0');
}

static struct request read_arguments(int argc, char **argv)
{
    struct request q = {"sms_emoa", "ZDT4,ZDT5,DTLZ7,OSY,MW7,RE37,HWXD,HWXM", "tests/fixtures/search", 8, 2000, 100, 20,
                        11};
    for (int i = 1; i + 1 < argc; i += 2) {
        int number = atoi(argv[i + 1]);
        switch (argv[i][1]) {
        case 'a':
            q.algorithm = argv[i + 1];
            break;
        case 'p':
            q.names = argv[i + 1];
            break;
        case 'd':
            q.dir = argv[i + 1];
            break;
        case 'k':
            q.islands = number > 2 ? number : 2;
            break;
        case 'b':
            q.budget = number;
            break;
        case 'n':
            q.exchange = number;
            break;
        case 'e':
            q.elites = number < MOST ? number : MOST;
            break;
        case 'r':
            q.repetitions = number;
            break;
        }
    }
    return q;
}

int main(int argc, char **argv)
{
    struct request q = read_arguments(argc, argv);
    double *alone = mem_calloc((size_t)q.repetitions, sizeof *alone);
    double *together = mem_calloc((size_t)q.repetitions, sizeof *together);
    double *whole = mem_calloc((size_t)q.repetitions, sizeof *whole);
    struct request one = q;
    one.budget *= one.islands;
    one.islands = 1;
    printf("%d islands of %s, %d evaluations each, up to %d elites every %d evaluations, %d repetitions\n", q.islands,
           q.algorithm, q.budget, q.elites, q.exchange, q.repetitions);
    printf("%-8s  %9s  %9s  %-10s  %9s\n", "problem", "alone", "islands", "better in", "one");
    for (const struct problem *p = problems; p->name; p++) {
        if (!listed(q.names, p->name)) {
            continue;
        }
        struct problem_front front = problem_front_read(q.dir, p);
        int better = 0;
#pragma omp parallel for schedule(dynamic) default(none) shared(q, one, p, front, alone, together, whole)
        for (int i = 0; i < q.repetitions; i++) {
            alone[i] = run(p, &front, &q, 0, i);
            together[i] = run(p, &front, &q, q.exchange, i);
            whole[i] = run(p, &front, &one, 0, i);
        }
        for (int i = 0; i < q.repetitions; i++) {
            better += together[i] > alone[i];
        }
        printf("%-8s  %9.4f  %9.4f  %2d of %-4d  %9.4f\n", p->name, median(alone, q.repetitions),
               median(together, q.repetitions), better, q.repetitions, median(whole, q.repetitions));
        fflush(stdout);
        mem_free(front.at);
    }
    mem_free(alone);
    mem_free(together);
    mem_free(whole);
    return 0;
}
