/* The loop: ask all that may be asked, answer what the trial log knows, let the pool evaluate the rest, tell and store what is done in the order of
 * asking, and again.
 *
 * How much is asked at once never changes what is asked (search.h), only how much runs at once. When a stop is asked for, what is already done
 * up to the first trial that is not is told and stored; the others are asked again by the next run. */
#include "experiments/runner.h"

#include "base/clock.h"
#include "base/mem.h"
#include "experiments/transfer.h"
#include "search/hypervolume.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define HISTORY_LINES 100

struct guesser { /* what the search knows of a study */
    const struct study *study;
    struct evaluator *evaluator; /* NULL: no guesses */
};

struct running {
    const struct study *study;
    struct record *record;
    struct db *db;
    struct pool *pool;
    const struct run_options *options;
    struct guesser guesser;
    struct search *search;
    struct db_cursor *log; /* stored trials still to be told, or NULL */
    double start_s;
    double
        replayed_s; /* when the log was at its end: a time limit counts from then, so that the shortest one gets on */
    struct pool_window window; /* trials asked and not told yet */
    bool *stored;              /* [window.room] the trial stands in the log */
    double *front;             /* objectives of every told trial: [trials][n_objectives], for the hypervolume */
    int64_t n_told, cap_told;
    double reference[STUDY_OBJECTIVES], ideal[STUDY_OBJECTIVES];
    bool have_reference;
    double last_hv;
    double last_progress_s;
    struct progress progress;
    int64_t evaluated;
    int64_t failed_in_a_row;
};

static bool must_stop(const void *running)
{
    const struct running *l = running;
    bool late = l->log == NULL && clock_wall_s() - l->replayed_s > l->options->max_s;
    return (l->options->stop != NULL && *l->options->stop) || late;
}

static double *point(const struct running *l, int64_t at)
{
    return l->window.x + at * l->window.dims;
}

/* The next trial of the log becomes the point at `at` and its result. 1: done, 0: the log is at its end, -1: it holds what this study cannot have asked. */
static int recall(struct running *l, int64_t at, struct err *err)
{
    struct db_trial t;
    double *x = point(l, at);
    int got = db_next(l->log, &t, err);
    if (got == 0) {
        db_cursor_free(l->log);
        l->log = NULL;
        l->replayed_s = clock_wall_s();
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
    record_read(l->record, &t, &l->window.value[at]);
    l->progress.replayed++;
    return 1;
}

/* Fills the window: from the log while it lasts, then with new points, until results must be told first or there is nothing left to ask. */
static int ask(struct running *l, struct err *err)
{
    struct pool_window *w = &l->window;
    int64_t n = search_askable(l->search);
    for (; n > 0 && w->end - w->begin < w->room; n--) {
        int64_t at = w->end % w->room;
        int got = l->log != NULL ? recall(l, at, err) : 0;
        if (got < 0) {
            return -1;
        }
        if (!got && !search_ask(l->search, point(l, at))) {
            break;
        }
        w->have[at] = l->stored[at] = got;
        w->end++;
    }
    return 0;
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

/* An evaluator that has nothing but failures to say wastes the budget. */
static int too_many_failures(const struct running *l, const struct evaluation *last, struct err *err)
{
    const struct study_evaluator *e = l->study->evaluator;
    if (e == NULL || e->max_failures == 0 || l->failed_in_a_row < e->max_failures) {
        return 0;
    }
    return err_set(
        err, ERR_EVALUATOR,
        "the evaluator failed on %lld trials in a row (evaluator.max_failures), at last: %s; all are stored; "
        "when it is mended, go on with `dovetail resume %s`",
        (long long)l->failed_in_a_row, last->why, db_path(l->db));
}

/* The oldest trial of the window leaves it. */
static int tell(struct running *l, struct err *err)
{
    const struct study *s = l->study;
    int64_t number = l->window.begin, at = number % l->window.room;
    const struct evaluation *value = &l->window.value[at];
    int m = s->n_objectives;
    double f[STUDY_OBJECTIVES], g[STUDY_CONSTRAINTS + 1];
    evaluation_tell(s, value, f, g);
    if (!l->stored[at] &&
        record_put(l->record, l->db, number, point(l, at), value, search_algorithm_name(l->search), err) < 0) {
        return -1;
    }
    l->evaluated += !l->stored[at];
    l->window.begin++;
    search_tell(l->search, f, g);
    while (l->n_told >= l->cap_told) {
        l->cap_told = l->cap_told ? 2 * l->cap_told : 1024;
        l->front = mem_realloc(l->front, (size_t)(l->cap_told * m), sizeof *l->front);
    }
    bool feasible = value->state == DB_OK;
    for (int k = 0; k < m; k++) {
        l->front[l->n_told * m + k] =
            feasible ? f[k] : (double)NAN; /* NaN drops out of every comparison in fix_reference() */
    }
    l->n_told++;
    l->progress.infeasible += value->state == DB_INFEASIBLE;
    l->progress.retried += value->state == DB_OK && value->why[0] != '\0';
    bool failed = value->state == DB_FAILED;
    if (failed) {
        l->progress.failed++;
        l->progress.failures[evaluation_failure(value)]++;
    }
    l->failed_in_a_row = !failed ? 0 : l->failed_in_a_row + !l->stored[at]; /* of this run: a resumed one begins anew */
    return failed ? too_many_failures(l, value, err) : 0;
}

/* What is reported has been committed before: it survives kill -9 (law 7). */
static int report(struct running *l, bool last, struct err *err)
{
    double t = clock_wall_s();
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
    struct pool_stats pool;
    l->pool->ops->stats(l->pool, &pool);
    int64_t mapped = pool.memo_hits + pool.memo_misses;
    p->memo_hits = mapped > 0 ? (double)pool.memo_hits / (double)mapped : 0;
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
    struct db_history line = {l->n_told, hypervolume_now(l), n, clock_wall_s() - l->start_s};
    return db_put_history(l->db, &line, err);
}

/* Results go and come at the moment that is due. What came is in the database before the first trial that may depend on it, so a run that
 * goes on, wherever, takes the same. 1: done, or none is due; 0: not yet; -1. */
static int meet(struct running *l, struct err *err)
{
    const struct exchange *with = l->options->exchange;
    struct elites e;
    int64_t moment = search_moment(l->search);
    if (moment == 0) {
        return 1;
    }
    elites_init(&e, l->study);
    int got = elites_recall(&e, l->db, moment, err);
    if (got == 0) {
        if (with != NULL) {
            e.moment = moment;
            e.n = search_emigrants(l->search, ELITES_MOST, e.trial, e.x, e.f);
        }
        got = with != NULL ? with->swap(with->ctx, &e, err) : 1;
        got = got > 0 && elites_store(&e, l->db, moment, err) < 0 ? -1 : got;
    }
    if (got > 0) {
        search_immigrate(l->search, e.n, e.x, e.f);
    }
    elites_release(&e);
    return got;
}

/* One round. 1: go on, 0: stop, -1: error. */
static int advance(struct running *l, struct err *err)
{
    struct pool_window *w = &l->window;
    struct err lost = ERR_INIT;
    int met = meet(l, err);
    if (met < 0 || ask(l, err) < 0) {
        return -1;
    }
    if (!met && w->begin == w->end) {
        nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
        return report(l, false, err) < 0 ? -1 : !must_stop(l);
    }
    int bad = w->begin < w->end ? l->pool->ops->work(l->pool, w, &lost) : 0;
    while (w->begin < w->end && w->have[w->begin % w->room]) {
        if (tell(l, err) < 0 || history(l, err) < 0) {
            return -1;
        }
    }
    struct pool_stats pool;
    l->pool->ops->stats(l->pool, &pool);
    db_run_counts(l->db, l->evaluated, pool.cached, l->evaluated);
    if (bad) {
        *err = lost; /* after what was done has been stored */
        return -1;
    }
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

static double known_violation(const void *guesser, const double *x)
{
    return study_known_violation(((const struct guesser *)guesser)->study, x);
}

static void guess(const void *guesser, const double *x, double *f, double *g)
{
    const struct guesser *own = guesser;
    struct evaluation v;
    evaluator_guess(own->evaluator, x, &v);
    evaluation_tell(own->study, &v, f, g);
}

static struct search *new_search(const struct guesser *own, const struct db *db, struct err *err)
{
    const struct study *s = own->study;
    struct search_problem problem = {&s->space, s->n_objectives,        s->n_constraints + 1, known_violation,
                                     own,       s->guess ? guess : NULL};
    const char *plan = db_meta(db, "plan"); /* the budget that the study began with */
    const char *exchange = db_meta(db, "exchange");
    int n_start;
    double *start = transfer_points(s, db_meta(db, "start"), &n_start);
    struct search_options options = {.algorithm = s->algorithm,
                                     .budget = s->evaluations,
                                     .plan = plan != NULL ? strtoll(plan, NULL, 10) : 0,
                                     .stall = s->stall,
                                     .population = (int)s->population,
                                     .lag = (int)s->lag,
                                     .epsilon = s->cells ? s->epsilon : NULL,
                                     .start = start,
                                     .n_start = n_start,
                                     .seed = s->seed,
                                     .exchange = exchange != NULL ? strtoll(exchange, NULL, 10) : 0};
    struct search *search = search_new(&problem, &options, err);
    mem_free(start);
    return search;
}

static void window_init(struct running *l)
{
    struct pool_window *w = &l->window;
    size_t room = (size_t)l->pool->room;
    *w = (struct pool_window){.room = l->pool->room, .dims = l->study->space.n, .stop = must_stop, .ctx = l};
    w->x = mem_calloc(room * (size_t)w->dims, sizeof *w->x);
    w->value = mem_calloc(room, sizeof *w->value);
    w->have = mem_calloc(room, sizeof *w->have);
    l->stored = mem_calloc(room, sizeof *l->stored);
}

static void release(struct running *l)
{
    db_cursor_free(l->log);
    search_free(l->search);
    evaluator_free(l->guesser.evaluator);
    mem_free(l->window.x);
    mem_free(l->window.value);
    mem_free(l->window.have);
    mem_free(l->stored);
    mem_free(l->front);
}

int runner_run(const struct study *s, struct record *record, struct db *db, struct pool *pool,
               const struct run_options *o, struct run_result *out, struct err *err)
{
    struct running l = {
        .study = s, .record = record, .db = db, .pool = pool, .options = o, .start_s = clock_wall_s(), .last_hv = NAN};
    l.guesser = (struct guesser){s, s->guess ? evaluator_new(s, NULL, NULL) : NULL};
    l.search = new_search(&l.guesser, db, err);
    if (l.search == NULL) {
        release(&l);
        return -1;
    }
    l.progress.name = s->name;
    l.progress.algorithm = search_algorithm_name(l.search);
    l.progress.total = s->evaluations;
    window_init(&l);
    l.log = db_trials(db, 0, err);
    int go = l.log != NULL && note_budget(db, s->evaluations, err) == 0 ? 1 : -1;
    while (go > 0 && (search_stop(l.search) == SEARCH_RUNNING || l.window.begin < l.window.end)) {
        go = advance(&l, err);
    }
    bool all = l.window.begin == l.window.end;
    out->stop = all ? search_stop(l.search) : SEARCH_RUNNING;
    if (go >= 0 && report(&l, true, err) < 0) {
        go = -1;
    }
    struct pool_stats stats;
    pool->ops->stats(pool, &stats);
    out->last = l.progress;
    out->evaluated = l.evaluated;
    out->cached = stats.cached;
    release(&l);
    return go < 0 ? -1 : 0;
}
