/* How good a search algorithm is: on 23 problems, at several budgets, over several seeds, beside what other optimizers reached
 * (tests/fixtures/search/README.md says where these numbers and the reference fronts come from).
 *
 *   bench_search [-a algorithm] [-b budget,...] [-s seeds] [-p problem,...] [-d fixtures]
 *
 * Without arguments: the quick part, budget 10,000 and 5 seeds. `make bench-search`: budgets 200, 1,000 and 10,000, 11 seeds;
 * some two hours of one core, most of it Gaussian processes.
 * Prints for every cell the median of the volume ratio (hypervolume of the feasible front over that of the reference front,
 * in the reference front's unit box, reference point 1.1) and of IGD+; the best peer; ranks; CPU per evaluation. */
#include "base/mem.h"
#include "search/dominance.h"
#include "search/hypervolume.h"
#include "tests/problems.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_PEERS = 2000, MAX_SEEDS = 101, MAX_NAMES = 64 };

struct peer {
    char problem[16], optimizer[24];
    int budget;
    double volume, igd;
};

struct front {
    double volume, low[8], high[8];
    double *at; /* [n][m] normalised */
    int n;
};

struct score {
    double volume, igd, us;
};

static const char *dir = "tests/fixtures/search";

static FILE *open_fixture(const char *name, const char *suffix)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s%s", dir, name, suffix);
    FILE *f = fopen(path, "r");
    if (!f) {
        fprintf(stderr, "bench_search: cannot open '%s'\n", path);
        exit(66);
    }
    return f;
}

static int read_peers(struct peer *p)
{
    FILE *f = open_fixture("peers", ".csv");
    char line[256];
    int n = 0;
    while (n < MAX_PEERS && fgets(line, sizeof line, f)) {
        struct peer *q = &p[n];
        n += sscanf(line, "%15[^,],%d,%23[^,],%*d,%lf,%lf", q->problem, &q->budget, q->optimizer, &q->volume,
                    &q->igd) == 5;
    }
    fclose(f);
    return n;
}

static struct front read_front(const struct problem *p)
{
    FILE *f = open_fixture(p->name, ".txt");
    struct front r = {.at = mem_calloc(2000 * (size_t)p->m, sizeof(double))};
    bool good = fscanf(f, "volume %lf low", &r.volume) == 1;
    for (int j = 0; j < p->m; j++) {
        good = good && fscanf(f, "%lf", &r.low[j]) == 1;
    }
    good = good && fscanf(f, " high") == 0;
    for (int j = 0; j < p->m; j++) {
        good = good && fscanf(f, "%lf", &r.high[j]) == 1;
    }
    for (double v; good && fscanf(f, "%lf", &v) == 1; r.n++) {
        int j = r.n % p->m;
        r.at[r.n] = (v - r.low[j]) / (r.high[j] - r.low[j]);
    }
    r.n /= p->m;
    fclose(f);
    return r;
}

/* Mean over the reference front of the distance by which the nearest point is worse (Ishibuchi et al., EMO 2015). */
static double igd_plus(const struct front *r, int m, const double *a, int n)
{
    double sum = 0;
    for (int i = 0; i < r->n; i++) {
        double least = HUGE_VAL;
        for (int k = 0; k < n; k++) {
            double d2 = 0;
            for (int j = 0; j < m; j++) {
                double d = a[k * m + j] - r->at[i * m + j];
                d2 += d > 0 ? d * d : 0;
            }
            least = d2 < least ? d2 : least;
        }
        sum += sqrt(least);
    }
    return n > 0 ? sum / r->n : nan("");
}

static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static struct score run(const struct problem *p, const struct front *r, const char *algorithm, int budget, int seed)
{
    struct space space;
    problem_space(p, &space);
    struct search_problem sp = problem_search(p, &space);
    struct search_options o = {.algorithm = algorithm, .budget = budget, .seed = (uint64_t)seed};
    struct err err = ERR_INIT;
    struct search *s = search_new(&sp, &o, &err);
    if (!s) {
        fprintf(stderr, "bench_search: %s\n", err.text);
        exit(64);
    }
    double *f = mem_calloc((size_t)budget * (size_t)p->m, sizeof *f), start = cpu_seconds();
    problem_run(p, s, 0, NULL, f);
    struct score score = {.us = (cpu_seconds() - start) / budget * 1e6};
    int64_t n;
    const int64_t *front = search_front(s, &n);
    double *a = mem_calloc((size_t)(n * p->m) + 1, sizeof *a), ref[8];
    for (int64_t k = 0; k < n; k++) {
        for (int j = 0; j < p->m; j++) {
            a[k * p->m + j] = (f[front[k] * p->m + j] - r->low[j]) / (r->high[j] - r->low[j]);
            ref[j] = 1.1;
        }
    }
    score.volume = n > 0 ? hypervolume(a, (int)n, p->m, ref) / r->volume : 0;
    score.igd = igd_plus(r, p->m, a, (int)n);
    mem_free(a);
    mem_free(f);
    search_free(s);
    space_release(&space);
    return score;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return isnan(x) || isnan(y) ? isnan(x) - isnan(y) : (x > y) - (x < y);
}

static double quantile(double *v, int n, double q)
{
    qsort(v, (size_t)n, sizeof *v, by_size);
    return v[(int)(q * (n - 1) + 0.5)];
}

/* Sum of ranks and number of cells of every optimizer; ours is entry 0. */
struct league {
    char name[MAX_NAMES][24];
    double volume[MAX_NAMES], igd[MAX_NAMES];
    int cells[MAX_NAMES], n;
};

static int league_find(struct league *l, const char *name)
{
    int i = 0;
    while (i < l->n && strcmp(l->name[i], name) != 0) {
        i++;
    }
    if (i == l->n) {
        snprintf(l->name[l->n++], sizeof l->name[0], "%s", name);
    }
    return i;
}

/* Rank of value i among n, 1 the best; ties share the mean. NaN is worst. */
static double rank_of(const double *v, int n, int i, bool high)
{
    double rank = 1;
    for (int k = 0; k < n; k++) {
        double a = isnan(v[k]) ? HUGE_VAL : high ? -v[k] : v[k], b = isnan(v[i]) ? HUGE_VAL : high ? -v[i] : v[i];
        rank += k == i ? 0 : a < b ? 1 : a <= b ? 0.5 : 0;
    }
    return rank;
}

struct totals {
    int cells, best_volume, best_igd, below;
};

static void report(const struct problem *p, int budget, const struct peer *peer, int n_peers, struct score ours,
                   double q25, struct league *l, struct totals *t)
{
    double volume[MAX_NAMES] = {ours.volume}, igd[MAX_NAMES] = {ours.igd};
    int who[MAX_NAMES] = {0}, n = 1, best = 0, best_igd = 0;
    for (int i = 0; i < n_peers; i++) {
        if (peer[i].budget == budget && strcmp(peer[i].problem, p->name) == 0) {
            who[n] = league_find(l, peer[i].optimizer);
            volume[n] = peer[i].volume;
            igd[n] = peer[i].igd;
            best = best == 0 || volume[n] > volume[best] ? n : best;
            best_igd = best_igd == 0 || !(igd[n] >= igd[best_igd]) ? n : best_igd;
            n++;
        }
    }
    for (int i = 0; i < n && n > 1; i++) {
        l->volume[who[i]] += rank_of(volume, n, i, true);
        l->igd[who[i]] += rank_of(igd, n, i, false);
        l->cells[who[i]]++;
    }
    printf("%-8s %6d  %8.5f (q25 %7.5f)  %8.5f  %9.1f", p->name, budget, ours.volume, q25, ours.igd, ours.us);
    if (n > 1) {
        t->cells++;
        t->best_volume += ours.volume >= volume[best] - 1e-5;
        t->best_igd += ours.igd <= igd[best_igd] + 1e-5;
        t->below += ours.volume < 0.97 * volume[best];
        printf("  | %8.5f %-12s %8.5f %-12s rank %4.1f %4.1f of %d%s", volume[best], l->name[who[best]], igd[best_igd],
               l->name[who[best_igd]], rank_of(volume, n, 0, true), rank_of(igd, n, 0, false), n,
               ours.volume >= volume[best] - 1e-5   ? ""
               : ours.volume >= 0.97 * volume[best] ? " -"
                                                    : " <0.97");
    }
    printf("\n");
    fflush(stdout);
}

static void print_league(const struct league *l, const struct totals *t)
{
    printf("\ncells %d: at least the best peer in %d (volume), %d (IGD+); below 0.97 "
           "of it in %d\n",
           t->cells, t->best_volume, t->best_igd, t->below);
    printf("%-14s %6s %12s %10s\n", "optimizer", "cells", "rank volume", "rank IGD+");
    bool done[MAX_NAMES] = {false};
    for (int k = 0; k < l->n; k++) {
        int best = -1;
        for (int i = 0; i < l->n; i++) {
            if (!done[i] && l->cells[i] > 0 &&
                (best < 0 || l->volume[i] / l->cells[i] < l->volume[best] / l->cells[best])) {
                best = i;
            }
        }
        if (best < 0) {
            break;
        }
        done[best] = true;
        printf("%-14s %6d %12.2f %10.2f\n", l->name[best], l->cells[best], l->volume[best] / l->cells[best],
               l->igd[best] / l->cells[best]);
    }
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

int main(int argc, char **argv)
{
    const char *algorithm = "auto", *budgets = "10000", *names = NULL;
    int seeds = 5;
    for (int i = 1; i + 1 < argc; i += 2) {
        switch (argv[i][1]) {
        case 'a':
            algorithm = argv[i + 1];
            break;
        case 'b':
            budgets = argv[i + 1];
            break;
        case 'd':
            dir = argv[i + 1];
            break;
        case 'p':
            names = argv[i + 1];
            break;
        case 's':
            seeds = atoi(argv[i + 1]);
            break;
        }
    }
    seeds = seeds < 1 ? 1 : seeds > MAX_SEEDS ? MAX_SEEDS : seeds;
    static struct peer peer[MAX_PEERS];
    int n_peers = read_peers(peer);
    struct league league = {.n = 0};
    struct totals totals = {0, 0, 0, 0};
    league_find(&league, "DOVETAIL");
    printf("%-8s %6s  %-22s  %8s  %9s  | best peer\n", "problem", "budget", "volume ratio", "IGD+", "us/eval");
    for (const char *b = budgets; b; b = strchr(b, ',') ? strchr(b, ',') + 1 : NULL) {
        int budget = atoi(b);
        for (const struct problem *p = problems; p->name; p++) {
            if (!listed(names, p->name) || strcmp(p->name, "DTLZ2-5") == 0) {
                continue;
            }
            struct front r = read_front(p);
            double volume[MAX_SEEDS], igd[MAX_SEEDS], us[MAX_SEEDS];
#pragma omp parallel for schedule(dynamic) default(none) shared(seeds, volume, igd, us, p, r, algorithm, budget)
            for (int k = 0; k < seeds; k++) {
                struct score s = run(p, &r, algorithm, budget, k);
                volume[k] = s.volume;
                igd[k] = s.igd;
                us[k] = s.us;
            }
            struct score ours = {quantile(volume, seeds, 0.5), quantile(igd, seeds, 0.5), quantile(us, seeds, 0.5)};
            report(p, budget, peer, n_peers, ours, quantile(volume, seeds, 0.25), &league, &totals);
            mem_free(r.at);
        }
    }
    print_league(&league, &totals);
    return 0;
}
