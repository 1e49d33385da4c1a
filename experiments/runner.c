/* The loop: ask a batch, answer what the trial log knows, evaluate the rest in parallel, tell and store in the order of asking.
 *
 * The batch never changes what is asked (search.h), only how much runs at once. When a stop is asked for, the points of the batch that are
 * already done up to the first that is not are told and stored; the others are asked again by the next run. */
#include "experiments/runner.h"

#include "base/mem.h"
#include "search/hypervolume.h"

#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BATCH 256
#define HISTORY_LINES 100

struct running {
    const struct study *study;
    struct record *record;
    struct db *db;
    struct evaluator *evaluator;
    struct memo *memo;
    const struct run_options *options;
    struct search *search;
    struct db_cursor *log; /* stored trials still to be told, or NULL */
    double start_s;
    double *x;                /* [BATCH][n] */
    struct evaluation *value; /* [BATCH] */
    bool *have;               /* [BATCH] */
    double *front;            /* objectives of every told trial: [trials][n_objectives], for the hypervolume */
    int64_t n_told, cap_told;
    double reference[STUDY_OBJECTIVES], ideal[STUDY_OBJECTIVES];
    bool have_reference;
    double last_hv;
    double last_progress_s;
    struct progress progress;
    int64_t evaluated;
};

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static bool must_stop(const struct running *l)
{
    return (l->options->stop != NULL && *l->options->stop) || now_s() - l->start_s > l->options->max_s;
}

/* The next trial of the log becomes point i and its result. 1: done, 0: the log is at its end, -1: it holds what this study cannot have asked. */
static int recall(struct running *l, int64_t i, struct err *err)
{
    struct db_trial t;
    double *x = l->x + i * l->study->space.n;
    int got = db_next(l->log, &t, err);
    if (got == 0) {
        db_cursor_free(l->log);
        l->log = NULL;
    }
    if (got <= 0 || record_point(l->study, &t, x, err) < 0) {
        return got < 0 || l->log != NULL ? -1 : 0;
    }
    if (!hash_equal(study_design_hash(l->study, x), t.hash) || !search_recall(l->search, x)) {
        char have[HASH_HEX];
        hash_hex(t.hash, have);
        return err_set(err, ERR_DATA,
                       "trial %lld of '%s' is design %.7s, which this study cannot have asked there: it was made by "
                       "another version of the "
                       "program; start anew under another name",
                       (long long)t.number, db_path(l->db), have);
    }
    record_read(l->record, &t, &l->value[i]);
    l->have[i] = true;
    l->progress.replayed++;
    return 1;
}

/* Points 0..*n-1 of a batch: from the log while it lasts (their number in *known), then new ones. Less than asked when the space runs out. */
static int gather(struct running *l, int64_t *n, int64_t *known, struct err *err)
{
    *known = 0;
    for (int64_t i = 0; i < *n; i++) {
        int got = l->log != NULL ? recall(l, i, err) : 0;
        if (got < 0) {
            return -1;
        }
        *known += got;
        l->have[i] = got;
        if (!got && !search_ask(l->search, l->x + i * l->study->space.n)) {
            *n = i;
        }
    }
    return 0;
}

static void evaluate(struct running *l, int64_t from, int64_t n)
{
    struct evaluator *evaluator = l->evaluator;
    const double *x = l->x;
    const int dims = l->study->space.n;
    struct evaluation *value = l->value;
    bool *have = l->have;
    int threads = l->options->threads > 0 ? l->options->threads : omp_get_max_threads();
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads) default(none)                                       \
    shared(l, evaluator, x, dims, value, have, from, n)
    for (int64_t i = from; i < n; i++) {
        if (!must_stop(l)) {
            evaluator_run(evaluator, x + i * dims, &value[i]);
            have[i] = true;
        }
    }
}

/* The box of the hypervolume: fixed by the first HISTORY_LINES trials that hold a feasible one, so it is the same in every run. Its far corner is
 * 1.1 times the worst feasible value, its near one the best value that a metric can have, or the best seen where none is known. */
static void fix_reference(struct running *l)
{
    int m = l->study->n_objectives;
    for (int k = 0; k < m; k++) {
        double worst = -INFINITY, best = INFINITY;
        for (int64_t i = 0; i < l->n_told; i++) {
            double v = l->front[i * m + k];
            worst = v > worst ? v : worst;
            best = v < best ? v : best;
        }
        if (!isfinite(worst) || !isfinite(best)) {
            return;
        }
        const struct study_objective *o = &l->study->objective[k];
        double bound = metrics[o->metric].bound;
        double ideal = isnan(bound) ? best : o->maximise ? -bound : bound;
        l->ideal[k] = ideal < best ? ideal : best;
        l->reference[k] = worst + 0.1 * (worst - l->ideal[k]) + (worst == l->ideal[k] ? 1 : 0);
    }
    l->have_reference = true;
}

static double hypervolume_now(struct running *l)
{
    if (!l->have_reference) {
        return NAN;
    }
    int m = l->study->n_objectives;
    int64_t n;
    const int64_t *front = search_front(l->search, &n);
    double *points = mem_calloc((size_t)(n * m) + 1, sizeof *points);
    for (int64_t i = 0; i < n; i++) {
        for (int k = 0; k < m; k++) {
            points[i * m + k] = (l->front[front[i] * m + k] - l->ideal[k]) / (l->reference[k] - l->ideal[k]);
        }
    }
    double one[STUDY_OBJECTIVES];
    for (int k = 0; k < m; k++) {
        one[k] = 1;
    }
    double hv = hypervolume(points, (int)n, m, one);
    mem_free(points);
    return hv;
}

static int tell_one(struct running *l, int64_t i, bool store, struct err *err)
{
    const struct study *s = l->study;
    int m = s->n_objectives;
    double f[STUDY_OBJECTIVES], g[STUDY_CONSTRAINTS + 1];
    evaluation_tell(s, &l->value[i], f, g);
    int64_t number = search_told(l->search);
    if (store && record_put(l->record, l->db, number, l->x + i * s->space.n, &l->value[i],
                            search_algorithm_name(l->search), err) < 0) {
        return -1;
    }
    search_tell(l->search, f, g);
    while (l->n_told >= l->cap_told) {
        l->cap_told = l->cap_told ? 2 * l->cap_told : 1024;
        l->front = mem_realloc(l->front, (size_t)(l->cap_told * m), sizeof *l->front);
    }
    bool feasible = l->value[i].state == DB_OK;
    for (int k = 0; k < m; k++) {
        l->front[l->n_told * m + k] =
            feasible ? f[k] : (double)NAN; /* NaN drops out of every comparison in fix_reference() */
    }
    l->n_told++;
    l->progress.infeasible += l->value[i].state == DB_INFEASIBLE;
    l->progress.failed += l->value[i].state == DB_FAILED;
    return 0;
}

/* What is reported has been committed before: it survives kill -9 (law 7). */
static int report(struct running *l, bool last, struct err *err)
{
    double t = now_s();
    if (l->options->progress == NULL || (!last && t - l->last_progress_s < 0.25)) {
        return 0;
    }
    if (db_flush(l->db, err) < 0) {
        return -1;
    }
    struct progress *p = &l->progress;
    int64_t n;
    search_front(l->search, &n);
    p->front = n;
    p->done = search_told(l->search);
    p->elapsed_s = t - l->start_s;
    p->rate = p->elapsed_s > 0 ? (double)l->evaluated / p->elapsed_s : 0;
    p->eta_s = p->rate > 0 ? (double)(p->total - p->done) / p->rate : (double)NAN;
    double hv = hypervolume_now(l);
    p->gain = hv - l->last_hv;
    p->hypervolume = l->last_hv = hv;
    struct memo_stats memo;
    memo_stats(l->memo, &memo);
    p->memo_hits = memo.hits + memo.misses > 0 ? (double)memo.hits / (double)(memo.hits + memo.misses) : 0;
    l->last_progress_s = t;
    l->options->progress(l->options->ctx, p);
    return 0;
}

/* A line of the convergence history at fixed trial numbers, so that every run writes the same ones. */
static int history(struct running *l, struct err *err)
{
    int64_t every =
        l->progress.total / HISTORY_LINES > HISTORY_LINES ? l->progress.total / HISTORY_LINES : HISTORY_LINES;
    if (l->n_told % every != 0 && l->n_told != l->progress.total) {
        return 0;
    }
    if (!l->have_reference) {
        fix_reference(l);
    }
    int64_t n;
    search_front(l->search, &n);
    struct db_history line = {l->n_told, hypervolume_now(l), n, now_s() - l->start_s};
    return db_put_history(l->db, &line, err);
}

/* One batch. 1: go on, 0: stop, -1: error. */
static int batch(struct running *l, struct err *err)
{
    int64_t n = search_askable(l->search);
    n = n > BATCH ? BATCH : n;
    int64_t known;
    if (gather(l, &n, &known, err) < 0) {
        return -1;
    }
    evaluate(l, known, n);
    for (int64_t i = 0; i < n; i++) {
        if (!l->have[i]) {
            return 0;
        }
        bool store = i >= known;
        l->evaluated += store;
        if (tell_one(l, i, store, err) < 0 || history(l, err) < 0) {
            return -1;
        }
    }
    db_run_counts(l->db, l->evaluated, evaluator_cache_hits(l->evaluator), l->evaluated);
    return report(l, false, err) < 0 ? -1 : !must_stop(l);
}

/* How far this run goes, for `status`. */
static int note_budget(struct db *db, int64_t evaluations, struct err *err)
{
    char text[32];
    snprintf(text, sizeof text, "%lld", (long long)evaluations);
    const char *had = db_meta(db, "budget");
    return had != NULL && strcmp(had, text) == 0 ? 0 : db_put_meta(db, "budget", text, err);
}

int runner_run(const struct study *s, struct record *record, struct db *db, struct evaluator *e, struct memo *memo,
               const struct run_options *o, struct run_result *out, struct err *err)
{
    struct search_problem problem = {&s->space, s->n_objectives, s->n_constraints + 1, study_known_violation, s};
    const char *plan = db_meta(db, "plan"); /* the budget that the study began with */
    struct search_options options = {.algorithm = s->algorithm,
                                     .budget = s->evaluations,
                                     .plan = plan != NULL ? strtoll(plan, NULL, 10) : 0,
                                     .stall = s->stall,
                                     .population = (int)s->population,
                                     .seed = s->seed};
    struct running l = {.study = s,
                        .record = record,
                        .db = db,
                        .evaluator = e,
                        .memo = memo,
                        .options = o,
                        .start_s = now_s(),
                        .last_hv = NAN};
    l.search = search_new(&problem, &options, err);
    if (l.search == NULL) {
        return -1;
    }
    l.progress.name = s->name;
    l.progress.algorithm = search_algorithm_name(l.search);
    l.progress.total = s->evaluations;
    l.x = mem_calloc((size_t)BATCH * (size_t)s->space.n, sizeof *l.x);
    l.value = mem_calloc(BATCH, sizeof *l.value);
    l.have = mem_calloc(BATCH, sizeof *l.have);
    l.log = db_trials(db, 0, err);
    int go = l.log != NULL && note_budget(db, s->evaluations, err) == 0 ? 1 : -1;
    while (go > 0 && search_stop(l.search) == SEARCH_RUNNING) {
        go = batch(&l, err);
    }
    out->stop = search_stop(l.search);
    if (go >= 0 && report(&l, true, err) < 0) {
        go = -1;
    }
    out->last = l.progress;
    out->evaluated = l.evaluated;
    db_cursor_free(l.log);
    search_free(l.search);
    mem_free(l.x);
    mem_free(l.value);
    mem_free(l.have);
    mem_free(l.front);
    return go < 0 ? -1 : 0;
}
