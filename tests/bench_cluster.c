/* What rank 0 of an MPI job does for each evaluation, in microseconds of processor time: ask a point, tell its result, store the trial (its own
 * thread, and SQLite's beside it). From it docs/clusters.md derives how many cores one study feeds. The evaluation itself is made up and not
 * counted; messages are measured by tests/cluster/mpi_busy.c. `bench_cluster [EVALUATIONS]`, 20,000 when not said. */
#include "base/clock.h"
#include "base/mem.h"
#include "experiments/pool.h"
#include "experiments/record.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LAG = 256 };

struct times {
    double ask, tell, store, writer; /* s in all */
};

/* A number in 0..1 of the point, and another for another `k`. */
static double mix(const struct study *s, const double *x, int k)
{
    double sum = 0;
    for (int i = k; i < s->space.n; i += 3) {
        double part = fabs(x[i]) * 0.6180339887 * (i + 1);
        sum += part - floor(part);
    }
    return 3 * sum / s->space.n;
}

/* An eighth of a sphere (DTLZ2), so that the front is as large as that of a real study. */
static void make_up(const struct study *s, const double *x, struct evaluation *out)
{
    double a = 1.5 * mix(s, x, 0), b = 1.5 * mix(s, x, 1), r = 1 + 0.1 * mix(s, x, 2);
    double f[] = {r * cos(a) * cos(b), r * cos(a) * sin(b), r * sin(a)};
    memset(out, 0, sizeof *out);
    for (int i = 0; i < s->n_objectives; i++) {
        out->metric[s->objective[i].metric] = f[i % 3];
    }
    out->us = 1000;
}

static void one_round(const struct study *s, struct search *search, struct record *record, struct db *db,
                      struct times *t)
{
    static double x[LAG * 4][256];
    double f[STUDY_OBJECTIVES], g[STUDY_CONSTRAINTS + 1], start = clock_thread_s();
    int64_t n = 0, first = search_asked(search);
    for (int64_t k = search_askable(search); n < k && n < LAG * 4 && search_ask(search, x[n]); n++) {
    }
    t->ask += clock_thread_s() - start;
    for (int64_t i = 0; i < n; i++) {
        struct evaluation v;
        struct err err = ERR_INIT;
        make_up(s, x[i], &v);
        start = clock_thread_s();
        evaluation_tell(s, &v, f, g);
        if (record_put(record, db, first + i, x[i], &v, search_algorithm_name(search), &err) < 0) {
            fprintf(stderr, "bench_cluster: %s\n", err.text);
            exit(1);
        }
        double stored = clock_thread_s();
        search_tell(search, f, g);
        t->store += stored - start;
        t->tell += clock_thread_s() - stored;
    }
}

static void measure(const char *name, const char *algorithm, const char *evaluations)
{
    struct err err = ERR_INIT;
    struct diags d = DIAGS_INIT;
    char file[] = "/tmp/dovetail_bench_XXXXXX.db";
    close(mkstemps(file, 3));
    unlink(file);
    const struct study_override set[] = {{"search.budget.evaluations", evaluations}};
    struct study *s = study_load(name, set, 1, &d);
    struct record *record = s != NULL ? record_new(s) : NULL;
    struct db *db = record != NULL ? record_create(record, file, "bench_cluster", &err) : NULL;
    if (db == NULL) {
        fprintf(stderr, "bench_cluster: %s %s\n", name, err.text);
        exit(1);
    }
    struct search_problem problem = {&s->space, s->n_objectives, s->n_constraints + 1, study_known_violation, s};
    struct search_options options = {.algorithm = algorithm, .budget = s->evaluations, .lag = LAG, .seed = 1};
    struct search *search = search_new(&problem, &options, &err);
    struct times t = {0, 0, 0, 0};
    double others = clock_process_s() - clock_thread_s();
    while (search_stop(search) == SEARCH_RUNNING) {
        one_round(s, search, record, db, &t);
    }
    int64_t n = search_told(search), front;
    search_front(search, &front);
    search_free(search);
    if (db_close(db, &err) < 0) {
        fprintf(stderr, "bench_cluster: %s\n", err.text);
    }
    t.writer = clock_process_s() - clock_thread_s() - others;
    double us = 1e6 / (double)n, all = (t.ask + t.tell + t.store) * us;
    printf("%-8s %-10s %5d %8lld %8.1f %8.1f %8.1f %8.1f %8.1f %8.0f\n", s->name, algorithm, s->space.n,
           (long long)front, t.ask * us, t.tell * us, t.store * us, all, t.writer * us, 10000 / all);
    record_free(record);
    study_free(s);
    diags_release(&d);
    unlink(file);
}

int main(int argc, char **argv)
{
    const char *evaluations = argc > 1 ? argv[1] : "20000";
    printf("rank 0, microseconds an evaluation, lag %d, %s evaluations; cores: fed at 10 ms an evaluation\n", LAG,
           evaluations);
    puts("study    algorithm    vars    front      ask     tell    store      sum   SQLite    cores");
    static const char *const algorithms[] = {"nsga2", "sms_emoa", "spea2_sde", "random"};
    for (int i = 0; i < 4; i++) {
        measure("demo", algorithms[i], evaluations);
    }
    measure("tests/fixtures/resume.yaml", "nsga2", evaluations);
    return 0;
}
