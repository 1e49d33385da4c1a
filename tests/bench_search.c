/* How good a search algorithm is: on 23 problems, at several budgets, over several seeds, beside what other optimizers reached
 * (tests/fixtures/search/README.md says where these numbers and the reference fronts come from).
 *
 *   bench_search [-a algorithm] [-b budget,...] [-s seeds] [-p problem,...] [-l lag] [-d fixtures] [--markdown]
 *
 * Without arguments: the quick part, budget 10,000 and 3 seeds. `make bench-search`: budgets 200, 1,000 and 10,000, 11 seeds.
 * Runs are spread over the processors, the longest first; each is the work of one thread, so what is printed hangs on their number only by the
 * CPU times. --markdown: the tables of docs/search.md.
 *
 * Prints for every cell the median of the volume ratio (hypervolume of the feasible front over that of the reference front,
 * in the reference front's unit box, reference point 1.1) and of IGD+; the best peer; in how many seeds we are better than the
 * peer's median and, by a sign test, how likely so many would be if we were no better (peers.csv has medians only, so a rank-sum
 * test is not possible); ranks; CPU per evaluation. */
#include "base/clock.h"
#include "base/mem.h"
#include "search/dominance.h"
#include "search/hypervolume.h"
#include "tests/problems.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_PEERS = 2000, MAX_SEEDS = 101, MAX_NAMES = 64, MAX_PROBLEMS = 32, MAX_BUDGETS = 8 };

struct peer {
    char problem[16], optimizer[24];
    int budget;
    double volume, igd;
};

struct score {
    double volume, igd, us;
};

static const char *dir = "tests/fixtures/search";

static int read_peers(struct peer *p)
{
    FILE *f = problem_fixture(dir, "peers", ".csv");
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

/* Mean over the reference front of the distance by which the nearest point is worse (Ishibuchi et al., EMO 2015). */
static double igd_plus(const struct problem_front *r, int m, const double *a, int n)
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

struct request {
    const char *algorithm, *budgets, *names;
    int seeds, lag;
    bool markdown;
};

static struct score run(const struct problem *p, const struct problem_front *r, const struct request *q, int budget,
                        int seed)
{
    struct space space;
    problem_space(p, &space);
    struct search_problem sp = problem_search(p, &space);
    struct search_options o = {.algorithm = q->algorithm, .budget = budget, .lag = q->lag, .seed = (uint64_t)seed};
    struct err err = ERR_INIT;
    struct search *s = search_new(&sp, &o, &err);
    if (!s) {
        fprintf(stderr, "bench_search: %s\n", err.text);
        exit(64);
    }
    double *f = mem_calloc((size_t)budget * (size_t)p->m, sizeof *f), start = clock_thread_s();
    problem_run(p, s, 0, NULL, f);
    struct score score = {.us = (clock_thread_s() - start) / budget * 1e6};
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
    int cells, best_volume, best_igd, below, surely;
    double least;   /* our volume over the best peer's, where that is not 0 */
    char where[32]; /* in which cell */
};

/* What one problem at one budget came to. */
struct cell {
    const struct problem *problem;
    struct problem_front front;
    struct score seed[MAX_SEEDS];
    double volume, q25, igd, us;               /* ours: medians, and the lower quartile of the volume */
    double peer_volume, peer_igd;              /* the best ones; none: NaN */
    char peer[24], igd_peer[24];               /* whose */
    double rank_volume, rank_igd, probability; /* that so many seeds are better, were ours no better */
    int n, better;                             /* optimizers ranked; our seeds above peer_volume */
};

static double round5(double v)
{
    return floor(v * 1e5 + 0.5) / 1e5; /* as the peers' figures are */
}

/* P(at least k of n heads). */
static double sign_test(int k, int n)
{
    double sum = 0;
    for (int i = k; i <= n; i++) {
        sum += exp(lgamma(n + 1) - lgamma(i + 1) - lgamma(n - i + 1) - n * log(2));
    }
    return sum < 1 ? sum : 1;
}

static void summarise(struct cell *c, int seeds)
{
    double volume[MAX_SEEDS], igd[MAX_SEEDS], us[MAX_SEEDS];
    for (int k = 0; k < seeds; k++) {
        volume[k] = round5(c->seed[k].volume);
        igd[k] = round5(c->seed[k].igd);
        us[k] = c->seed[k].us;
    }
    c->volume = quantile(volume, seeds, 0.5);
    c->q25 = quantile(volume, seeds, 0.25);
    c->igd = quantile(igd, seeds, 0.5);
    c->us = quantile(us, seeds, 0.5);
}

static void compare(struct cell *c, int budget, int seeds, const struct peer *peer, int n_peers, struct league *l)
{
    double volume[MAX_NAMES] = {c->volume}, igd[MAX_NAMES] = {c->igd};
    int who[MAX_NAMES] = {0}, n = 1;
    c->peer_volume = c->peer_igd = nan("");
    for (int i = 0; i < n_peers; i++) {
        if (peer[i].budget != budget || strcmp(peer[i].problem, c->problem->name) != 0) {
            continue;
        }
        who[n] = league_find(l, peer[i].optimizer);
        volume[n] = peer[i].volume;
        igd[n++] = peer[i].igd;
        if (!(peer[i].volume <= c->peer_volume)) {
            c->peer_volume = peer[i].volume;
            snprintf(c->peer, sizeof c->peer, "%s", peer[i].optimizer);
        }
        if (!isnan(peer[i].igd) && !(peer[i].igd >= c->peer_igd)) {
            c->peer_igd = peer[i].igd;
            snprintf(c->igd_peer, sizeof c->igd_peer, "%s", peer[i].optimizer);
        }
    }
    c->n = n;
    for (int i = 0; i < n && n > 1; i++) {
        l->volume[who[i]] += rank_of(volume, n, i, true);
        l->igd[who[i]] += rank_of(igd, n, i, false);
        l->cells[who[i]]++;
    }
    c->rank_volume = rank_of(volume, n, 0, true);
    c->rank_igd = rank_of(igd, n, 0, false);
    int differ = 0;
    for (int k = 0; k < seeds; k++) {
        double v = round5(c->seed[k].volume);
        c->better += v > c->peer_volume;
        differ += v > c->peer_volume || v < c->peer_volume;
    }
    c->probability = sign_test(c->better, differ);
}

static void count(const struct cell *c, int budget, struct totals *t)
{
    double ratio = c->peer_volume > 0 ? c->volume / c->peer_volume : (double)INFINITY;
    if (c->n > 1 && (t->cells == 0 || ratio < t->least)) {
        t->least = ratio;
        snprintf(t->where, sizeof t->where, "%s at %d", c->problem->name, budget);
    }
    if (c->n > 1) {
        t->cells++;
        t->best_volume += c->volume >= c->peer_volume;
        t->best_igd += c->igd <= c->peer_igd || isnan(c->peer_igd);
        t->below += c->volume < 0.97 * c->peer_volume;
        t->surely += c->probability < 0.05;
    }
}

static void print_cell(const struct cell *c, int budget, int seeds)
{
    printf("%-8s %6d  %8.5f (q25 %7.5f)  %8.5f  %9.1f", c->problem->name, budget, c->volume, c->q25, c->igd, c->us);
    if (c->n > 1) {
        printf("  | %8.5f %-12s %2d of %d, p %.3f %8.5f %-12s rank %4.1f %4.1f of %d%s", c->peer_volume, c->peer,
               c->better, seeds, c->probability, c->peer_igd, c->igd_peer, c->rank_volume, c->rank_igd, c->n,
               c->volume >= c->peer_volume          ? ""
               : c->volume >= 0.97 * c->peer_volume ? " -"
                                                    : " <0.97");
    }
    printf("\n");
}

static void print_league(const struct league *l, const struct totals *t, int most)
{
    double share = t->cells > 0 ? 100.0 / t->cells : 0;
    printf("\n%d cells: at least the best single peer in %d by volume (%.0f %%), %d by IGD+ (%.0f %%); surely better "
           "by volume (sign test, "
           "p < 0.05) in %d;\nbelow 0.97 of its volume in %d; the smallest ratio is %.4f (%s)\n\n",
           t->cells, t->best_volume, share * t->best_volume, t->best_igd, share * t->best_igd, t->surely, t->below,
           t->least, t->where);
    printf("| %-14s | %6s | %11s | %9s |\n| --- | --- | --- | --- |\n", "optimizer", "cells", "rank volume",
           "rank IGD+");
    bool done[MAX_NAMES] = {false};
    for (int k = 0; k < l->n && k < most; k++) {
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
        printf("| %-14s | %6d | %11.2f | %9.2f |\n", l->name[best], l->cells[best], l->volume[best] / l->cells[best],
               l->igd[best] / l->cells[best]);
    }
}

/* One row a problem, one pair of columns a budget: ours, then the best peer. A star: surely better. */
static void print_markdown(struct cell (*cell)[MAX_PROBLEMS], int n, const int *budget, int n_budgets, bool igd)
{
    printf(igd ? "\n| IGD+ |" : "| volume |");
    for (int b = 0; b < n_budgets; b++) {
        printf(" %d | best peer |", budget[b]);
    }
    printf("\n| --- |");
    for (int b = 0; b < n_budgets; b++) {
        printf(" --- | --- |");
    }
    for (int i = 0; i < n; i++) {
        printf("\n| %s |", cell[0][i].problem->name);
        for (int b = 0; b < n_budgets; b++) {
            const struct cell *c = &cell[b][i];
            if (igd) {
                printf(" %.5f | %.5f %s |", c->igd, c->peer_igd, c->igd_peer);
            } else {
                printf(" %.4f%s | %.4f %s |", c->volume, c->probability < 0.05 ? "*" : "", c->peer_volume, c->peer);
            }
        }
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
    struct request q = {"auto", "10000", NULL, 3, 0, false};
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--markdown") == 0) {
            q.markdown = true;
            continue;
        }
        switch (argv[i][1]) {
        case 'a':
            q.algorithm = value;
            break;
        case 'b':
            q.budgets = value;
            break;
        case 'd':
            dir = value;
            break;
        case 'l':
            q.lag = atoi(value);
            break;
        case 'p':
            q.names = value;
            break;
        case 's':
            q.seeds = atoi(value);
            break;
        }
        i++;
    }
    q.seeds = q.seeds < 1 ? 1 : q.seeds > MAX_SEEDS ? MAX_SEEDS : q.seeds;
    return q;
}

/* Every run, those of the largest budget first, the next one to whoever is free. */
static void run_all(struct cell (*cell)[MAX_PROBLEMS], int n, const struct request *q, const int *budget, int n_budgets)
{
    int runs = n * q->seeds;
#pragma omp parallel for schedule(dynamic) default(none) shared(cell, n, q, budget, n_budgets, runs)
    for (int i = 0; i < runs * n_budgets; i++) {
        int b = n_budgets - 1 - i / runs, k = i % runs / n;
        struct cell *c = &cell[b][i % runs % n];
        c->seed[k] = run(c->problem, &c->front, q, budget[b], k);
    }
}

static int by_number(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static int read_budgets(const char *list, int *budget)
{
    int n = 0;
    for (const char *b = list; b && n < MAX_BUDGETS; b = strchr(b, ',') ? strchr(b, ',') + 1 : NULL) {
        budget[n++] = atoi(b);
    }
    qsort(budget, (size_t)n, sizeof *budget, by_number);
    return n;
}

int main(int argc, char **argv)
{
    struct request q = read_arguments(argc, argv);
    static struct peer peer[MAX_PEERS];
    static struct cell cell[MAX_BUDGETS][MAX_PROBLEMS];
    int n_peers = read_peers(peer), n = 0, budget[MAX_BUDGETS], n_budgets = read_budgets(q.budgets, budget);
    struct league league = {.n = 0};
    struct totals totals = {0};
    league_find(&league, "DOVETAIL");
    for (const struct problem *p = problems; p->name; p++) {
        if (listed(q.names, p->name) && strcmp(p->name, "DTLZ2-5") != 0) {
            struct problem_front front = problem_front_read(dir, p);
            for (int b = 0; b < n_budgets; b++) {
                cell[b][n].problem = p;
                cell[b][n].front = front;
            }
            n++;
        }
    }
    run_all(cell, n, &q, budget, n_budgets);
    if (!q.markdown) {
        printf("%-8s %6s  %-22s  %8s  %9s  | best peer\n", "problem", "budget", "volume ratio", "IGD+", "us/eval");
    }
    for (int b = 0; b < n_budgets; b++) {
        for (int i = 0; i < n; i++) {
            struct cell *c = &cell[b][i];
            summarise(c, q.seeds);
            compare(c, budget[b], q.seeds, peer, n_peers, &league);
            count(c, budget[b], &totals);
            if (!q.markdown) {
                print_cell(c, budget[b], q.seeds);
            }
        }
    }
    if (q.markdown) {
        print_markdown(cell, n, budget, n_budgets, false);
        print_markdown(cell, n, budget, n_budgets, true);
    }
    print_league(&league, &totals, q.markdown ? 8 : MAX_NAMES);
    for (int i = 0; i < n; i++) {
        mem_free(cell[0][i].front.at);
    }
    return 0;
}
