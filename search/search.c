/* The common part of every search: asking and telling in order, duplicates, known constraints, the archive, why it stopped.
 *
 * Law 1 in this file: a result told waits in a ring until the next proposal needs it (advance()); only then do the archive,
 * the scale of the constraints and the algorithm see it. So all three are functions of the number of results that the next
 * trial depends on, and asking in other portions cannot change them. */
#include "search/search.h"

#include "base/mem.h"
#include "search/algorithm.h"
#include "search/hypervolume.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STALL_LOOKS = 20, FALLBACK_GRID = 16, MODEL_BUDGET = 20000 };
static const double STALL_GAIN = 1e-4; /* relative growth of the hypervolume that still counts */

const char *const search_stop_names[] = {
    [SEARCH_RUNNING] = "running", [SEARCH_BUDGET] = "budget", [SEARCH_EXHAUSTED] = "exhausted",
    [SEARCH_STALLED] = "stalled", [SEARCH_EMPTY] = "empty",
};

const struct search_algorithm search_algorithms[] = {
    {"auto", "picks one of those below by budget, variables and objectives", "", true, NULL},
    {"nsga2", "evolution: fronts, crowding, archive parents, mixed variables",
     "Deb, Pratap, Agarwal, Meyarivan, IEEE TEC 6(2), 2002, doi:10.1109/4235.996017", false, &search_nsga2_ops},
    {"sms_emoa",
     "evolution: fronts, hypervolume contribution; the best of them for 2 to 4 "
     "objectives",
     "Beume, Naujoks, Emmerich, EJOR 181(3), 2007, doi:10.1016/j.ejor.2006.08.008", false, &search_sms_emoa_ops},
    {"spea2_sde", "evolution: fronts, shift-based density; for 4 objectives and more",
     "Li, Yang, Liu, IEEE TEC 18(3), 2014, doi:10.1109/TEVC.2013.2262178", false, &search_spea2_sde_ops},
    {"bayes", "Gaussian processes, expected hypervolume improvement; for evaluations of seconds and more",
     "Yang, Emmerich, Deutz, Baeck, J. Global Optimization 75, 2019, doi:10.1007/s10898-019-00798-7", true,
     &search_bayes_ops},
    {"hybrid", "bayes for the first 250 to 500 evaluations, then evolution", "", true, &search_hybrid_ops},
    {"random", "every point drawn uniformly, none twice", "", false, &search_random_ops},
    {"exhaustive", "every point in order, reals on a grid", "", false, &search_exhaustive_ops},
    {NULL, NULL, NULL, false, NULL},
};

static const struct search_algorithm *find(const char *name)
{
    for (const struct search_algorithm *a = search_algorithms; a->name; a++) {
        if (strcmp(a->name, name) == 0) {
            return a;
        }
    }
    return NULL;
}

/* What "auto" stands for. */
static const char *pick(const struct search *s)
{
    if (space_cardinality(s->problem.space) <= (double)s->options.plan) {
        return "exhaustive";
    }
    if (s->options.plan <= MODEL_BUDGET) {
        return "hybrid";
    }
    return s->m <= 3 ? "sms_emoa" : "spea2_sde";
}

static int check_options(const struct search_problem *p, const struct search_options *o, struct err *err)
{
    if (space_check(p->space, err) != 0) {
        return -1;
    }
    if (p->n_objectives < 1 || p->n_objectives > SEARCH_MAX_OBJECTIVES) {
        return err_set(err, ERR_DATA, "a search has 1 to %d objectives, not %d", SEARCH_MAX_OBJECTIVES,
                       p->n_objectives);
    }
    if (p->n_constraints < 0 || p->n_constraints > SEARCH_MAX_CONSTRAINTS) {
        return err_set(err, ERR_DATA, "a search has 0 to %d constraints, not %d", SEARCH_MAX_CONSTRAINTS,
                       p->n_constraints);
    }
    if (o->budget < 1) {
        return err_set(err, ERR_DATA, "the budget must be at least one evaluation, not %lld", (long long)o->budget);
    }
    if (o->stall < 0 || o->plan < 0 || o->population < 0 || o->lag < 0 || o->n_start < 0 || o->grid < 0 ||
        o->grid == 1 || o->exchange < 0) {
        return err_set(
            err, ERR_DATA,
            "'stall', 'plan', 'population', 'lag', 'exchange' and 'n_start' must be >= 0, and 'grid' 0 or at "
            "least 2");
    }
    for (int j = 0; o->epsilon && j < p->n_objectives; j++) {
        if (!(o->epsilon[j] >= 0 && isfinite(o->epsilon[j]))) {
            return err_set(err, ERR_DATA, "'epsilon' of objective %d must be a number >= 0", j);
        }
    }
    if (!find(o->algorithm ? o->algorithm : "auto")) {
        return err_set(err, ERR_DATA, "there is no search algorithm '%s'", o->algorithm);
    }
    return 0;
}

/* Takes over the points to start from: the caller's, then what looks good by the problem's estimate. */
static void gather_start(struct search *s)
{
    const struct search_ops *ops = s->algorithm->ops;
    struct search_options *o = &s->options;
    double *estimated = NULL;
    int more = 0;
    if (s->problem.estimate && ops != &search_random_ops && ops != &search_exhaustive_ops) {
        more = search_estimated(&s->problem, o, &estimated);
    }
    size_t own = (size_t)o->n_start * (size_t)s->n, all = own + (size_t)more * (size_t)s->n;
    s->start = mem_calloc(all + 1, sizeof *s->start);
    if (own > 0) {
        memcpy(s->start, o->start, own * sizeof *s->start);
    }
    if (all > own) {
        memcpy(s->start + own, estimated, (all - own) * sizeof *s->start);
    }
    o->n_start += more;
    o->start = NULL;
    mem_free(estimated);
}

struct search *search_new(const struct search_problem *p, const struct search_options *o, struct err *err)
{
    if (check_options(p, o, err) != 0) {
        return NULL;
    }
    struct search *s = mem_calloc(1, sizeof *s);
    s->problem = *p;
    s->options = *o;
    s->options.plan = o->plan > 0 ? o->plan : o->budget;
    s->n = p->space->n;
    s->m = p->n_objectives;
    s->c = p->n_constraints;
    s->moment = o->exchange > 0 ? 1 : 0;
    if (o->grid == 0) {
        s->options.grid = FALLBACK_GRID;
    }
    archive_init_cells(&s->archive, s->m, s->n, o->epsilon);
    s->options.epsilon = s->archive.epsilon;
    walk_init(&s->walk, p->space, s->options.grid);
    s->scratch = mem_calloc(3 * (size_t)s->n, sizeof *s->scratch);
    s->scale = mem_calloc((size_t)s->c + 1, sizeof *s->scale);
    s->scale_n = mem_calloc((size_t)s->c + 1, sizeof *s->scale_n);
    s->stall_ref = mem_calloc(3 * (size_t)s->m, sizeof *s->stall_ref);
    const char *name = o->algorithm ? o->algorithm : "auto";
    s->algorithm = find(strcmp(name, "auto") == 0 ? pick(s) : name);
    snprintf(s->name, sizeof s->name, "%s", s->algorithm->name);
    gather_start(s);
    s->state = s->algorithm->ops->create(s, err);
    if (!s->state) {
        search_free(s);
        return NULL;
    }
    return s;
}

void search_free(struct search *s)
{
    if (!s) {
        return;
    }
    if (s->state) {
        s->algorithm->ops->destroy(s->state);
    }
    visited_release(&s->visited);
    archive_release(&s->archive);
    walk_release(&s->walk);
    mem_free(s->ring);
    mem_free(s->start);
    mem_free(s->scratch);
    mem_free(s->scale);
    mem_free(s->scale_n);
    mem_free(s->stall_ref);
    mem_free(s->front);
    mem_free(s);
}

const char *search_algorithm_name(const struct search *s)
{
    return s->name;
}

enum search_stop search_stop(const struct search *s)
{
    return s->stop;
}

int64_t search_asked(const struct search *s)
{
    return s->asked;
}

int64_t search_told(const struct search *s)
{
    return s->told;
}

double search_violation(const struct search *s, const double *f, const double *g)
{
    double sum = 0;
    for (int j = 0; j < s->m; j++) {
        if (isnan(f[j])) {
            return HUGE_VAL;
        }
    }
    for (int i = 0; i < s->c; i++) {
        if (isnan(g[i])) {
            return HUGE_VAL;
        }
        if (g[i] > 0) {
            sum += s->scale_n[i] > 0 ? g[i] * (double)s->scale_n[i] / s->scale[i] : g[i];
        }
    }
    return sum;
}

static double *ring_at(const struct search *s, int64_t trial)
{
    return s->ring + trial % s->ring_cap * (s->n + s->m + s->c);
}

static void ring_grow(struct search *s)
{
    int64_t cap = s->ring_cap ? 2 * s->ring_cap : 64;
    size_t width = (size_t)(s->n + s->m + s->c);
    double *bigger = mem_calloc((size_t)cap * width, sizeof *bigger);
    for (int64_t k = s->delivered; k < s->asked; k++) {
        memcpy(bigger + (size_t)(k % cap) * width, ring_at(s, k), width * sizeof *bigger);
    }
    mem_free(s->ring);
    s->ring = bigger;
    s->ring_cap = cap;
}

/* Is the growth of the front too small to go on? Looked at STALL_LOOKS times in `stall` results. The reference, where none
 * was given, lies a tenth of the range beyond the worst feasible results before the first look. */
static void look_for_stall(struct search *s, const double *f, bool feasible)
{
    double *ref = s->stall_ref, *best = ref + s->m, *worst = best + s->m;
    bool set = s->stall_volume > 0 || s->stall_trial > 0;
    for (int j = 0; j < s->m && feasible && !set; j++) {
        best[j] = s->archive.entered <= 1 ? f[j] : fmin(best[j], f[j]);
        worst[j] = s->archive.entered <= 1 ? f[j] : fmax(worst[j], f[j]);
    }
    int64_t every = s->options.stall / STALL_LOOKS > 0 ? s->options.stall / STALL_LOOKS : 1;
    if (s->delivered % every != 0) {
        return;
    }
    if (s->archive.n == 0) {
        s->stall_trial = 0;
        return;
    }
    for (int j = 0; j < s->m && !set; j++) {
        double range = worst[j] > best[j] ? worst[j] - best[j] : fabs(worst[j]) + 1e-12;
        ref[j] = s->options.reference ? s->options.reference[j] : worst[j] + 0.1 * range;
    }
    bool exact = s->m <= 3 || (s->m == 4 && s->archive.n <= 2000);
    double volume = exact ? hypervolume(s->archive.f, s->archive.n, s->m, ref) : (double)s->archive.entered;
    if (!set || volume > s->stall_volume * (1 + (exact ? STALL_GAIN : 0))) {
        s->stall_volume = volume;
        s->stall_trial = s->delivered;
    } else if (s->delivered - s->stall_trial >= s->options.stall) {
        s->stop = SEARCH_STALLED;
    }
}

static void deliver(struct search *s)
{
    const double *x = ring_at(s, s->delivered), *f = x + s->n, *g = f + s->m;
    bool failed = isinf(search_violation(s, f, g));
    for (int i = 0; i < s->c && !failed; i++) {
        if (g[i] > 0 && isfinite(s->scale[i] + g[i])) { /* a sum that overflows would make every violation 0 */
            s->scale[i] += g[i];
            s->scale_n[i]++;
        }
    }
    double violation = search_violation(s, f, g);
    if (!(violation > 0)) {
        archive_add(&s->archive, s->delivered, f, x);
    }
    s->algorithm->ops->result(s->state, s->delivered, x, f, g, violation);
    s->delivered++;
    if (s->options.stall > 0 && s->stop == SEARCH_RUNNING) {
        look_for_stall(s, f, !(violation > 0));
    }
}

/* Results that may be handed over before the next moment of exchange. */
static int64_t gate(const struct search *s)
{
    return s->moment > 0 ? s->moment * s->options.exchange : INT64_MAX;
}

/* Hands over the results that the next proposal needs; all of them once nothing more will be proposed. */
static void advance(struct search *s)
{
    while (s->delivered < s->told) {
        if (s->stop == SEARCH_RUNNING &&
            (s->delivered >= gate(s) || s->delivered >= s->algorithm->ops->needs(s->state, s->asked))) {
            break;
        }
        deliver(s);
    }
}

int64_t search_askable(const struct search *s)
{
    if (s->stop != SEARCH_RUNNING) {
        return 0;
    }
    int64_t known = s->told < gate(s) ? s->told : gate(s);
    int64_t lo = s->asked, hi = s->options.budget; /* needs() never decreases */
    while (lo < hi) {
        int64_t mid = lo + (hi - lo) / 2;
        if (s->algorithm->ops->needs(s->state, mid) <= known) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo - s->asked;
}

/* May trial `asked` be proposed? Brings the algorithm up to the results that it needs. */
static bool ready(struct search *s)
{
    assert(search_askable(s) > 0 || s->stop != SEARCH_RUNNING);
    if (s->stop == SEARCH_RUNNING) {
        advance(s);
    }
    return s->stop == SEARCH_RUNNING;
}

static void take(struct search *s, const double *x)
{
    if (!s->forgets) {
        visited_add(&s->visited, visited_key(x, s->n));
    }
    if (s->asked - s->delivered == s->ring_cap) {
        ring_grow(s);
    }
    memcpy(ring_at(s, s->asked), x, (size_t)s->n * sizeof *x);
    s->asked++;
    if (s->asked == s->options.budget) {
        s->stop = SEARCH_BUDGET;
    }
    advance(s);
}

bool search_ask(struct search *s, double *x)
{
    if (!ready(s)) {
        return false;
    }
    if (!s->algorithm->ops->propose(s->state, s->asked, x)) {
        s->stop = s->asked > 0 ? SEARCH_EXHAUSTED : SEARCH_EMPTY;
        return false;
    }
    take(s, x);
    return true;
}

bool search_recall(struct search *s, const double *x)
{
    if (!ready(s)) {
        return false;
    }
    double *own = s->scratch + 2 * s->n;
    if (s->algorithm->ops->recall) {
        if (!s->algorithm->ops->recall(s->state, s->asked, x)) {
            return false;
        }
    } else if (!s->algorithm->ops->propose(s->state, s->asked, own) || memcmp(own, x, (size_t)s->n * sizeof *x) != 0) {
        return false;
    }
    take(s, x);
    return true;
}

void search_tell(struct search *s, const double *f, const double *g)
{
    assert(s->told < s->asked);
    double *at = ring_at(s, s->told) + s->n;
    for (int j = 0; j < s->m; j++) {
        at[j] = isfinite(f[j]) ? f[j] : (double)NAN; /* what is infinite has failed, too */
    }
    for (int i = 0; i < s->c; i++) {
        at[s->m + i] = g[i];
    }
    s->told++;
    advance(s);
}

static int by_number(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

const int64_t *search_front(struct search *s, int64_t *n)
{
    struct archive all; /* the archive and what was told but not needed yet */
    archive_init_cells(&all, s->m, 0, s->archive.epsilon);
    for (int i = 0; i < s->archive.n; i++) {
        archive_add(&all, s->archive.id[i], s->archive.f + (int64_t)i * s->m, NULL);
    }
    for (int64_t k = s->delivered; k < s->told; k++) {
        const double *f = ring_at(s, k) + s->n;
        if (!(search_violation(s, f, f + s->m) > 0)) {
            archive_add(&all, k, f, NULL);
        }
    }
    s->front = mem_realloc(s->front, (size_t)all.n + 1, sizeof *s->front);
    if (all.n > 0) {
        memcpy(s->front, all.id, (size_t)all.n * sizeof *s->front);
        qsort(s->front, (size_t)all.n, sizeof *s->front, by_number);
    }
    *n = all.n;
    archive_release(&all);
    return s->front;
}
