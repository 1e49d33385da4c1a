/* For docs/validation.md: how many evaluations of the demo study each algorithm needs for its front. Every algorithm runs with the same seeds;
 * the best known front is that of all their designs together.
 *
 *   report_demo [-b budget] [-s seeds] [-d folder] [-f study] [-a algorithms]
 *
 * -f: another study (a file). -a: a list in place of auto,nsga2,bayes,random; NAME+roofline is NAME with `fidelity: [roofline, mapped]`, and
 * exhaustive goes through the whole space whatever the budget: then the best known front is the true one.
 *
 * The runs are studies in `folder` (made; default a new one that is removed in the end), so that an interrupted report goes on where it was.
 * Mappings are shared through one cache file: some 10 minutes of two cores. */
#include "base/mem.h"
#include "db/db.h"
#include "search/dominance.h"
#include "search/hypervolume.h"
#include "tests/shell.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { BAYES_MOST = 1000 }; /* evaluations of `bayes`, each of which takes longer the more there are */
enum { MAX_SEEDS = 21, MAX_M = 6, ALGORITHMS = 6, SHARES = 4, BUDGETS = 5, ROWS = 16, COLUMNS = 72 };

static const char letters[ALGORITHMS + 1] = "*n+.ox";
static const double shares[SHARES] = {0.9, 0.95, 0.98, 0.99};
static const int64_t budgets[BUDGETS] = {50, 100, 200, 500, 1000};

struct run {
    double *f; /* [n][m] minimised, NAN where infeasible */
    int64_t n;
};

static char algorithms[ALGORITHMS][40];
static int n_algorithms;
static const char *study = "demo";
static int m; /* objectives */
static double ideal[MAX_M], nadir[MAX_M];

static void fail(const char *what, const char *why)
{
    fprintf(stderr, "report_demo: %s: %s\n", what, why);
    exit(1);
}

/* ---- running and reading ---- */

static void search(const char *folder, const char *algorithm, int seed, int64_t budget, char *path, size_t size)
{
    struct shell sh = {0};
    const char *plus = strchr(algorithm, '+');
    budget = strcmp(algorithm, "exhaustive") == 0 ? 100000000 : budget;
    budget = strcmp(algorithm, "bayes") == 0 && budget > BAYES_MOST ? BAYES_MOST : budget;
    snprintf(path, size, "%s/%s-%d.db", folder, algorithm, seed);
    shell_run(&sh,
              "\"${DOVETAIL:-build/release/dovetail}\" search %s --set search.algorithm=%.*s%s --seed %d --budget %lld"
              " --cache %s/cache.db -o %s -q",
              study, plus != NULL ? (int)(plus - algorithm) : (int)strlen(algorithm), algorithm,
              plus != NULL ? " --set 'search.fidelity=[roofline, mapped]'" : "", seed, (long long)budget, folder, path);
    if (sh.status != 0) {
        fail(path, strbuf_str(&sh.err));
    }
    shell_release(&sh);
}

static void read_run(const char *path, struct run *out)
{
    struct err err = ERR_INIT;
    struct db *db = db_open(path, DB_READ, &err);
    const struct db_column *column;
    int at[MAX_M], n_columns = db != NULL ? db_columns(db, &column) : 0;
    m = 0;
    for (int i = 0; i < n_columns; i++) {
        if (column[i].objective > 0) {
            at[column[i].objective - 1] = i;
            m++;
        }
    }
    struct db_cursor *log = db != NULL ? db_trials(db, 0, &err) : NULL;
    struct db_trial t;
    int64_t cap = 0;
    *out = (struct run){NULL, 0};
    while (log != NULL && db_next(log, &t, &err) == 1) {
        if (out->n == cap) {
            cap = cap ? 2 * cap : 1024;
            out->f = mem_realloc(out->f, (size_t)(cap * m), sizeof *out->f);
        }
        for (int k = 0; k < m; k++) {
            double v = db_number(t.values[at[k]]);
            out->f[out->n * m + k] = t.state != DB_OK ? (double)NAN : strcmp(column[at[k]].goal, "max") ? v : -v;
        }
        out->n++;
    }
    db_cursor_free(log);
    if (err.code != 0 || db_close(db, &err) < 0) {
        fail(path, err.text);
    }
}

/* ---- volumes ---- */

/* The feasible rows among the first n, scaled so that the best known front spans the unit box; caller frees. */
static double *scaled(const struct run *r, int64_t n, int *kept)
{
    double *g = mem_calloc((size_t)(n * m) + 1, sizeof *g);
    *kept = 0;
    for (int64_t i = 0; i < n; i++) {
        if (!isnan(r->f[i * m])) {
            for (int k = 0; k < m; k++) {
                g[(int64_t)*kept * m + k] = (r->f[i * m + k] - ideal[k]) / (nadir[k] - ideal[k]);
            }
            ++*kept;
        }
    }
    return g;
}

static double volume(const struct run *r, int64_t n)
{
    static const double corner[MAX_M] = {1.1, 1.1, 1.1, 1.1, 1.1, 1.1};
    int kept;
    double *g = scaled(r, n, &kept);
    double v = hypervolume(g, kept, m, corner);
    mem_free(g);
    return v;
}

/* The fewest evaluations with a volume of at least `want`; 0: the run never has it. */
static int64_t needs(const struct run *r, double want)
{
    if (volume(r, r->n) < want) {
        return 0;
    }
    int64_t lo = 1, hi = r->n;
    while (lo < hi) {
        int64_t mid = (lo + hi) / 2;
        if (volume(r, mid) >= want) {
            hi = mid;
        } else {
            lo = mid + 1;
        }
    }
    return lo;
}

/* All runs as one, and the box of its front. */
static struct run unite(struct run runs[][MAX_SEEDS], int seeds, int *front)
{
    struct run all = {NULL, 0};
    for (int a = 0; a < n_algorithms; a++) {
        for (int s = 0; s < seeds; s++) {
            const struct run *r = &runs[a][s];
            all.f = mem_realloc(all.f, (size_t)((all.n + r->n) * m), sizeof *all.f);
            for (int64_t i = 0; i < r->n; i++) {
                if (!isnan(r->f[i * m])) {
                    memcpy(all.f + all.n++ * m, r->f + i * m, (size_t)m * sizeof *all.f);
                }
            }
        }
    }
    bool *keep = mem_calloc((size_t)all.n + 1, sizeof *keep);
    *front = dominance_filter(all.f, (int)all.n, m, keep);
    for (int k = 0; k < m; k++) {
        ideal[k] = INFINITY;
        nadir[k] = -INFINITY;
        for (int64_t i = 0; i < all.n; i++) {
            if (keep[i]) {
                ideal[k] = fmin(ideal[k], all.f[i * m + k]);
                nadir[k] = fmax(nadir[k], all.f[i * m + k]);
            }
        }
    }
    mem_free(keep);
    return all;
}

/* ---- printing ---- */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *v, int n)
{
    qsort(v, (size_t)n, sizeof *v, by_value);
    return n % 2 ? v[n / 2] : 0.5 * (v[n / 2 - 1] + v[n / 2]);
}

static void print_cell(const struct run *runs, int seeds, double want)
{
    double v[MAX_SEEDS];
    int missed = 0;
    for (int s = 0; s < seeds; s++) {
        int64_t n = needs(&runs[s], want);
        missed += n == 0;
        v[s] = n ? (double)n : HUGE_VAL;
    }
    double mid = median(v, seeds);
    if (isinf(mid)) {
        printf(" not in %lld |", (long long)runs[0].n);
    } else if (missed) {
        printf(" %.0f (%.0f to never) |", mid, v[0]);
    } else {
        printf(" %.0f (%.0f to %.0f) |", mid, v[0], v[seeds - 1]);
    }
}

static void print_table(struct run runs[][MAX_SEEDS], int seeds, double whole)
{
    printf("| algorithm |");
    for (int k = 0; k < SHARES; k++) {
        printf(" %.0f %% |", 100 * shares[k]);
    }
    printf(" at the end |\n| --- |");
    for (int k = 0; k <= SHARES; k++) {
        printf(" --- |");
    }
    printf("\n");
    for (int a = 0; a < n_algorithms; a++) {
        double end[MAX_SEEDS];
        printf("| `%s` |", algorithms[a]);
        for (int k = 0; k < SHARES; k++) {
            print_cell(runs[a], seeds, shares[k] * whole);
        }
        for (int s = 0; s < seeds; s++) {
            end[s] = volume(&runs[a][s], runs[a][s].n) / whole;
        }
        double mid = median(end, seeds);
        printf(" %.4f (%.4f to %.4f) |\n", mid, end[0], end[seeds - 1]);
    }
}

/* The share of the best known volume after so many evaluations. */
static void print_shares(struct run runs[][MAX_SEEDS], int seeds, double whole, int64_t budget)
{
    printf("\n| share of the volume after |");
    int n = 0;
    while (n < BUDGETS && budgets[n] <= budget) {
        printf(" %lld |", (long long)budgets[n++]);
    }
    printf("\n| --- |");
    for (int k = 0; k < n; k++) {
        printf(" --- |");
    }
    for (int a = 0; a < n_algorithms; a++) {
        printf("\n| `%s` |", algorithms[a]);
        for (int k = 0; k < n; k++) {
            double v[MAX_SEEDS];
            for (int s = 0; s < seeds; s++) {
                v[s] = volume(&runs[a][s], budgets[k] < runs[a][s].n ? budgets[k] : runs[a][s].n) / whole;
            }
            double mid = median(v, seeds);
            printf(" %.3f (%.3f to %.3f) |", mid, v[0], v[seeds - 1]);
        }
    }
    printf("\n");
}

/* Evaluations from 50 on, logarithmic, against the share of the volume from 0.7 to 1. */
static void print_plot(struct run runs[][MAX_SEEDS], int seeds, double whole, int64_t budget)
{
    char plot[ROWS][COLUMNS + 1];
    for (int y = 0; y < ROWS; y++) {
        memset(plot[y], ' ', COLUMNS);
        plot[y][COLUMNS] = '\0';
    }
    for (int a = n_algorithms - 1; a >= 0; a--) {
        for (int x = 0; x < COLUMNS; x++) {
            int64_t n = (int64_t)lround(50 * pow((double)budget / 50, (double)x / (COLUMNS - 1)));
            double v[MAX_SEEDS];
            for (int s = 0; s < seeds; s++) {
                v[s] = volume(&runs[a][s], n < runs[a][s].n ? n : runs[a][s].n) / whole;
            }
            int y = (int)lround((median(v, seeds) - 0.7) / 0.3 * (ROWS - 1));
            if (y >= 0 && y < ROWS) {
                plot[y][x] = letters[a];
            }
        }
    }
    printf("\n```\n");
    for (int y = ROWS - 1; y >= 0; y--) {
        printf("%5.2f |%s\n", 0.7 + 0.3 * y / (ROWS - 1), plot[y]);
    }
    printf("      +");
    for (int x = 0; x < COLUMNS; x++) {
        putchar('-');
    }
    printf("\n       50%*lld evaluations (logarithmic)\n       ", COLUMNS - 2, (long long)budget);
    for (int a = 0; a < n_algorithms; a++) {
        printf("%c %s   ", letters[a], algorithms[a]);
    }
    printf("\n```\n");
}

static void read_algorithms(const char *list)
{
    for (const char *at = list; *at != '\0' && n_algorithms < ALGORITHMS; at += *at == ',') {
        size_t n = strcspn(at, ",");
        snprintf(algorithms[n_algorithms++], sizeof algorithms[0], "%.*s", (int)n, at);
        at += n;
    }
}

int main(int argc, char **argv)
{
    int64_t budget = 5000;
    int seeds = 3;
    const char *list = "auto,nsga2,bayes,random";
    char made[] = "/tmp/report_demoXXXXXX", path[300];
    const char *folder = NULL;
    for (int i = 1; i + 1 < argc; i += 2) {
        budget = strcmp(argv[i], "-b") == 0 ? atoll(argv[i + 1]) : budget;
        seeds = strcmp(argv[i], "-s") == 0 ? atoi(argv[i + 1]) : seeds;
        folder = strcmp(argv[i], "-d") == 0 ? argv[i + 1] : folder;
        study = strcmp(argv[i], "-f") == 0 ? argv[i + 1] : study;
        list = strcmp(argv[i], "-a") == 0 ? argv[i + 1] : list;
    }
    read_algorithms(list);
    if (seeds < 1 || seeds > MAX_SEEDS || budget < 100) {
        fail("arguments", "1 to 21 seeds, a budget of at least 100");
    }
    if (folder != NULL) {
        mkdir(folder, 0777);
    } else {
        folder = mkdtemp(made);
    }
    static struct run runs[ALGORITHMS][MAX_SEEDS];
    for (int s = 0; s < seeds; s++) {
        for (int a = 0; a < n_algorithms; a++) {
            search(folder, algorithms[a], s + 1, budget, path, sizeof path);
            read_run(path, &runs[a][s]);
        }
    }
    int front;
    struct run all = unite(runs, seeds, &front);
    double whole = volume(&all, all.n);
    printf(
        "%d seeds of %lld evaluations each (`bayes`: at most 1000); best known front: %d of %lld feasible designs.\n\n",
        seeds, (long long)budget, front, (long long)all.n);
    print_table(runs, seeds, whole);
    print_shares(runs, seeds, whole, budget);
    print_plot(runs, seeds, whole, budget);
    if (folder == made) {
        struct shell sh = {0};
        shell_run(&sh, "rm -r %s", made);
        shell_release(&sh);
    }
    mem_free(all.f);
    for (int a = 0; a < n_algorithms; a++) {
        for (int s = 0; s < seeds; s++) {
            mem_free(runs[a][s].f);
        }
    }
    return 0;
}
