/* Ask and tell: the same trials however they are asked for and however often the run is interrupted; no point twice; known
 * constraints; conditions; every stop reason. */
#include "base/mem.h"
#include "base/rng.h"
#include "search/dominance.h"
#include "search/hypervolume.h"
#include "search/search.h"
#include "search/visited.h"
#include "tests/problems.h"
#include "tests/run_suite.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct search *start(const struct search_problem *p, const char *algorithm, int64_t budget, int lag)
{
    struct err err = ERR_INIT;
    struct search_options o = {.algorithm = algorithm, .budget = budget, .lag = lag, .seed = 7};
    struct search *s = search_new(p, &o, &err);
    ck_assert_msg(s != NULL, "%s", err.text);
    return s;
}

/* Asks and tells in random portions, and starts again from the log at random moments, as a killed run would. */
static int64_t rough_run(const struct problem *p, const struct search_problem *sp, const char *algorithm,
                         int64_t budget, int lag, struct rng *r, double *x, double *f, double *g)
{
    struct search *s = start(sp, algorithm, budget, lag);
    int64_t asked = 0, logged = 0;
    int kills = 3;
    for (;;) {
        int64_t can = search_askable(s);
        if (can > 0 && (asked == logged || rng_below(r, 2))) {
            for (int64_t n = 1 + rng_below(r, can); n > 0 && search_ask(s, x + asked * p->n); n--) {
                asked++;
            }
        } else if (logged < asked) {
            p->eval(x + logged * p->n, f + logged * p->m, g + logged * (p->c + 1));
            search_tell(s, f + logged * p->m, g + logged * (p->c + 1));
            logged++;
        } else {
            break;
        }
        if (kills > 0 && logged > 0 && rng_below(r, budget) < 4) {
            search_free(s);
            kills--;
            s = start(sp, algorithm, budget, lag);
            double *again = mem_calloc((size_t)p->n, sizeof *again);
            int64_t told = 0;
            asked = 0;
            while (told < logged) { /* the log answers */
                while (asked < logged && search_askable(s) > 0) {
                    if (kills == 1) { /* the shorter way */
                        ck_assert(search_recall(s, x + asked * p->n));
                        asked++;
                        continue;
                    }
                    ck_assert(search_ask(s, again));
                    ck_assert_msg(memcmp(again, x + asked * p->n, (size_t)p->n * sizeof *x) == 0,
                                  "%s on %s, lag %d, trial %d", algorithm, p->name, lag, (int)asked);
                    asked++;
                }
                search_tell(s, f + told * p->m, g + told * (p->c + 1));
                told++;
            }
            mem_free(again);
        }
    }
    search_free(s);
    return asked;
}

/* Runs that are interrupted ask what one that is left alone asks. Returns how many were. */
static int compare_runs(const struct problem *p, const char *algorithm, int64_t budget, int lag, int times)
{
    struct space space;
    problem_space(p, &space);
    struct search_problem sp = problem_search(p, &space);
    size_t rows = (size_t)budget;
    double *x = mem_calloc(rows * (size_t)p->n, sizeof *x), *y = mem_calloc(rows * (size_t)p->n, sizeof *y);
    double *f = mem_calloc(rows * (size_t)p->m, sizeof *f), *g = mem_calloc(rows * (size_t)(p->c + 1), sizeof *g);
    struct search *s = start(&sp, algorithm, budget, lag);
    int64_t n = problem_run(p, s, 0, x, NULL);
    search_free(s);
    for (int t = 0; t < times; t++) {
        struct rng r;
        rng_init(&r, (uint64_t)t, (uint64_t)p->n, RNG_TEST);
        ck_assert_int_eq(rough_run(p, &sp, algorithm, budget, lag, &r, y, f, g), n);
        ck_assert_msg(memcmp(x, y, (size_t)(n * p->n) * sizeof *x) == 0, "%s on %s, lag %d", algorithm, p->name, lag);
    }
    mem_free(x);
    mem_free(y);
    mem_free(f);
    mem_free(g);
    space_release(&space);
    return times;
}

START_TEST(same_trials)
{
    static const char *const names[] = {"BNH", "HWXD", "OSY", "ZDT5", "RE36", "DTLZ2-5", "ZDT1"};
    static const int cheap_lags[] = {0, 7, 45}, expensive_lags[] = {0, 3, 20};
    int runs = 0;
    for (const struct search_algorithm *a = search_algorithms; a->name; a++) {
        for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
            if (a->expensive && k > 0 && (strcmp(a->name, "bayes") != 0 || strcmp(names[k], "ZDT1") != 0)) {
                continue; /* ZDT1 has enough variables for a trust region */
            }
            for (int l = 0; l < 3; l++) {
                runs += a->expensive ? compare_runs(problem_find(names[k]), a->name, 32, expensive_lags[l], 1)
                                     : compare_runs(problem_find(names[k]), a->name, 900, cheap_lags[l], 3);
            }
        }
    }
    printf("test_search: %d interrupted runs asked the same trials\n", runs);
}
END_TEST

/* `hybrid` after 250 trials: evolution takes over, in the longer plan by itself at first, and then gets the model's results. */
START_TEST(handovers)
{
    compare_runs(problem_find("RE23"), "hybrid", 320, 3, 1);
    compare_runs(problem_find("RE23"), "hybrid", 2050, 0, 1);
}
END_TEST

/* Every algorithm: no duplicates, canonical points, and search_front() is the front of what was told. */
START_TEST(no_duplicates_and_front)
{
    int64_t points = 0;
    for (const struct search_algorithm *a = search_algorithms; a->name; a++) {
        const struct problem *p = problem_find("HWXD");
        int64_t budget = a->expensive ? 45 : 3000, n, n_front;
        struct space space;
        problem_space(p, &space);
        struct search_problem sp = problem_search(p, &space);
        double *x = mem_calloc((size_t)(budget * p->n), sizeof *x), *f = mem_calloc((size_t)(budget * p->m), sizeof *f);
        struct search *s = start(&sp, a->name, budget, 0);
        n = problem_run(p, s, 0, x, f);
        ck_assert_int_eq(n, budget);
        ck_assert_int_eq(search_stop(s), SEARCH_BUDGET);
        struct visited seen = {NULL, 0, 0};
        bool any_feasible = false;
        for (int64_t k = 0; k < n; k++, points++) {
            double y[17], g[4], v[3];
            memcpy(y, x + k * p->n, sizeof y);
            space_canonical(&space, y);
            ck_assert_mem_eq(y, x + k * p->n, sizeof y);
            ck_assert(!visited_has(&seen, visited_key(y, p->n)));
            visited_add(&seen, visited_key(y, p->n));
            p->eval(y, v, g);
            bool feasible = true;
            for (int i = 0; i < p->c; i++) {
                feasible = feasible && !(g[i] > 0);
            }
            any_feasible = any_feasible || feasible;
            for (int j = 0; j < p->m && !feasible; j++) {
                f[k * p->m + j] = HUGE_VAL; /* out of the way of the check below */
            }
        }
        bool *keep = mem_calloc((size_t)n, sizeof *keep);
        int64_t want = dominance_filter(f, (int)n, p->m, keep);
        const int64_t *front = search_front(s, &n_front);
        ck_assert_int_eq(n_front, any_feasible ? want : 0);
        for (int64_t k = 0; k < n_front; k++) {
            ck_assert(keep[front[k]]);
        }
        visited_release(&seen);
        search_free(s);
        mem_free(keep);
        mem_free(x);
        mem_free(f);
        space_release(&space);
    }
    printf("test_search: checked %lld points of all algorithms\n", (long long)points);
}
END_TEST

static void tiny(struct space *s)
{
    space_init(s);
    for (int i = 0; i < 3; i++) {
        char name[2] = {(char)('a' + i), 0};
        space_add(s, name, VARIABLE_ORDERED)->n = 4;
    }
}

static void tiny_eval(const double *x, double *f, double *g)
{
    (void)g;
    f[0] = x[0] + x[1];
    f[1] = 6 - x[0] - x[1] + x[2];
}

static const struct problem tiny_problem = {"tiny", "", 3, 2, 0, NULL, tiny_eval};

static double odd_sum(const void *ctx, const double *x)
{
    (void)ctx;
    return fmod(x[0] + x[1] + x[2], 2); /* half of the points violate */
}

static double always(const void *ctx, const double *x)
{
    (void)ctx;
    return 1 + x[0];
}

START_TEST(exhaustion)
{
    struct space space;
    tiny(&space);
    for (const struct search_algorithm *a = search_algorithms; a->name; a++) {
        for (int known = 0; known < 2; known++) {
            struct search_problem sp = problem_search(&tiny_problem, &space);
            sp.known_violation = known ? odd_sum : NULL;
            struct search *s = start(&sp, a->name, 1000, 0);
            double x[64 * 3];
            int64_t n = problem_run(&tiny_problem, s, 0, x, NULL), n_front;
            ck_assert_msg(n == (known ? 32 : 64), "%s asked %lld points", a->name, (long long)n);
            ck_assert_int_eq(search_stop(s), SEARCH_EXHAUSTED);
            for (int64_t k = 0; known && k < n; k++) {
                ck_assert(odd_sum(NULL, x + 3 * k) < 0.5);
            }
            search_front(s, &n_front);
            ck_assert_int_eq(n_front, known ? 4 : 7);
            search_free(s);
        }
    }
    space_release(&space);
}
END_TEST

START_TEST(other_stops)
{
    struct space space;
    tiny(&space);
    struct search_problem sp = problem_search(&tiny_problem, &space);
    sp.known_violation = always;
    for (const struct search_algorithm *a = search_algorithms; a->name; a++) {
        struct search *s = start(&sp, a->name, 100, 0);
        ck_assert_int_eq(problem_run(&tiny_problem, s, 0, NULL, NULL), 0);
        ck_assert_int_eq(search_stop(s), SEARCH_EMPTY);
        search_free(s);
    }
    space_release(&space);
    const struct problem *p = problem_find("RE25");
    problem_space(p, &space);
    sp = problem_search(p, &space);
    struct search_options o = {.algorithm = "nsga2", .budget = 1000000, .stall = 2000, .seed = 1};
    struct search *s = search_new(&sp, &o, NULL);
    int64_t n = problem_run(p, s, 0, NULL, NULL);
    ck_assert_int_eq(search_stop(s), SEARCH_STALLED);
    ck_assert(n < 50000);
    search_free(s);
    space_release(&space);
}
END_TEST

/* Evaluations may fail: the search goes on and the front holds none of them. */
static void fails_often(const double *x, double *f, double *g)
{
    tiny_eval(x, f, g);
    f[0] = x[2] > 1.5 ? nan("") : f[0];
}

START_TEST(failed_evaluations)
{
    struct problem p = tiny_problem;
    p.eval = fails_often;
    struct space space;
    tiny(&space);
    struct search_problem sp = problem_search(&p, &space);
    for (const struct search_algorithm *a = search_algorithms; a->name; a++) {
        struct search *s = start(&sp, a->name, 50, 0);
        double x[50 * 3];
        int64_t n_front;
        ck_assert_int_eq(problem_run(&p, s, 0, x, NULL), 50);
        const int64_t *front = search_front(s, &n_front);
        ck_assert(n_front > 0);
        for (int64_t k = 0; k < n_front; k++) {
            ck_assert(x[3 * front[k] + 2] < 1.5);
        }
        search_free(s);
    }
    space_release(&space);
}
END_TEST

/* Points of another study come first, repaired where they do not fit. */
START_TEST(warm_start)
{
    static const double start[] = {3, 0, 0, 9, 1, 2.4, 3, 0, 0};
    struct space space;
    tiny(&space);
    struct search_problem sp = problem_search(&tiny_problem, &space);
    for (const struct search_algorithm *a = search_algorithms; a->name; a++) {
        struct search_options o = {.algorithm = a->name, .budget = 40, .start = start, .n_start = 3, .seed = 3};
        struct search *s = search_new(&sp, &o, NULL);
        double x[40 * 3];
        ck_assert_int_eq(problem_run(&tiny_problem, s, 0, x, NULL), 40);
        if (strcmp(search_algorithm_name(s), "random") != 0 && strcmp(search_algorithm_name(s), "exhaustive") != 0) {
            ck_assert(x[0] > 2.5 && x[1] < 0.5 && x[2] < 0.5);
            ck_assert(x[3] > 2.5 && x[4] > 0.5 && x[4] < 1.5 && x[5] > 1.5 && x[5] < 2.5);
        }
        search_free(s);
    }
    space_release(&space);
}
END_TEST

/* DTLZ2 with an optimum elsewhere and a ripple: right on the whole, wrong in every number. */
static void rough(const void *ctx, const double *x, double *f, double *g)
{
    double y[12];
    for (int i = 0; i < 12; i++) {
        y[i] = i < 2 ? x[i] : fmax(0, fmin(1, x[i] + 0.05 * sin(9.0 * i)));
    }
    ((const struct problem *)ctx)->eval(y, f, g);
    for (int j = 0; j < 3; j++) {
        f[j] = 2 + 0.7 * f[j];
    }
}

START_TEST(cheap_estimates)
{
    const struct problem *p = problem_find("DTLZ2");
    static const char *const names[] = {"nsga2", "sms_emoa", "bayes"};
    const double ref[] = {2, 2, 2};
    struct space space;
    problem_space(p, &space);
    for (size_t a = 0; a < sizeof names / sizeof *names; a++) {
        double volume[2], x[2][40 * 12], f[40 * 3];
        for (int with = 0; with < 2; with++) {
            struct search_problem sp = problem_search(p, &space);
            sp.estimate = with ? rough : NULL;
            sp.ctx = p;
            for (int again = 0; again < 2; again++) { /* in portions, then all at once */
                struct search_options o = {.algorithm = names[a], .budget = 40, .seed = 5};
                struct search *s = search_new(&sp, &o, NULL);
                ck_assert_int_eq(problem_run(p, s, again ? 0 : 1, x[again], f), 40);
                search_free(s);
            }
            ck_assert_mem_eq(x[0], x[1], sizeof x[0]);
            volume[with] = hypervolume(f, 40, 3, ref);
        }
        ck_assert_msg(volume[1] > volume[0] + 0.1, "%s: %g with, %g without an estimate", names[a], volume[1],
                      volume[0]);
    }
    space_release(&space);
}
END_TEST

/* What search_front() gives is the same however many results are told at a time, and thinner with larger cells. */
START_TEST(cells_of_results)
{
    const struct problem *p = problem_find("DTLZ2");
    struct space space;
    problem_space(p, &space);
    struct search_problem sp = problem_search(p, &space);
    int64_t before = INT64_MAX;
    for (int t = 0; t < 3; t++) {
        double epsilon[3] = {0.01 * pow(5, t), 0.01 * pow(5, t), 0.01 * pow(5, t)};
        int64_t n[2], *front[2];
        for (int again = 0; again < 2; again++) {
            struct search_options o = {.algorithm = "sms_emoa", .budget = 1500, .seed = 5, .epsilon = epsilon};
            struct search *s = search_new(&sp, &o, NULL);
            problem_run(p, s, again ? 0 : 1, NULL, NULL);
            const int64_t *at = search_front(s, &n[again]);
            front[again] = mem_calloc((size_t)n[again], sizeof **front);
            memcpy(front[again], at, (size_t)n[again] * sizeof **front);
            search_free(s);
        }
        ck_assert_int_eq(n[0], n[1]);
        ck_assert_mem_eq(front[0], front[1], (size_t)n[0] * sizeof **front);
        ck_assert_msg(n[0] < before, "%lld members after %lld", (long long)n[0], (long long)before);
        before = n[0];
        mem_free(front[0]);
        mem_free(front[1]);
    }
    space_release(&space);
}
END_TEST

START_TEST(bad_options)
{
    struct space space;
    tiny(&space);
    struct search_problem sp = problem_search(&tiny_problem, &space);
    struct search_options good = {.algorithm = "nsga2", .budget = 10}, o = good;
    struct err err = ERR_INIT;
    o.algorithm = "simplex";
    ck_assert(search_new(&sp, &o, &err) == NULL);
    ck_assert(strstr(err.text, "'simplex'") != NULL);
    const double negative[] = {1, -0.5};
    o = good;
    o.epsilon = negative;
    struct err other = ERR_INIT;
    ck_assert(search_new(&sp, &o, &other) == NULL);
    ck_assert(strstr(other.text, "'epsilon' of objective 1") != NULL);
    o = good;
    o.budget = 0;
    ck_assert(search_new(&sp, &o, NULL) == NULL);
    sp.n_objectives = 7;
    ck_assert(search_new(&sp, &good, NULL) == NULL);
    search_free(NULL);
    space_release(&space);
}
END_TEST

/* Violations that overflow their sum are violations still. */
START_TEST(huge_violations)
{
    struct space space;
    space_init(&space);
    space_add(&space, "x", VARIABLE_REAL)->hi = 1;
    struct search_problem problem = {.space = &space, .n_objectives = 1, .n_constraints = 1};
    struct search_options options = {.algorithm = "random", .budget = 20, .seed = 1};
    struct err err = ERR_INIT;
    struct search *s = search_new(&problem, &options, &err);
    double x;
    const double g = 1e308, none = 0, infinite = -HUGE_VAL;
    while (search_stop(s) == SEARCH_RUNNING && search_ask(s, &x)) {
        bool odd = search_asked(s) % 2 == 1;
        search_tell(s, odd ? &infinite : &x, odd ? &none : &g); /* an infinite objective has failed */
    }
    int64_t n;
    search_front(s, &n);
    ck_assert_int_eq(n, 0);
    search_free(s);
    space_release(&space);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("search");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 60);
    tcase_add_test(c, huge_violations);
    tcase_add_test(c, same_trials);
    tcase_add_test(c, handovers);
    tcase_add_test(c, no_duplicates_and_front);
    tcase_add_test(c, exhaustion);
    tcase_add_test(c, other_stops);
    tcase_add_test(c, failed_evaluations);
    tcase_add_test(c, warm_start);
    tcase_add_test(c, cheap_estimates);
    tcase_add_test(c, cells_of_results);
    tcase_add_test(c, bad_options);
    suite_add_tcase(s, c);
    return run_suite(s, CK_NOFORK); /* the models use OpenMP */
}
