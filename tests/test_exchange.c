/* Islands inside the search: the same trials and the same emigrants however the run is cut into portions and however often it starts again from
 * its log, when the same immigrants come at the same moments; nobody asks what an immigrant has brought; emigrants are of the front. */
#include "base/mem.h"
#include "base/rng.h"
#include "search/algorithm.h"
#include "tests/problems.h"
#include "tests/run_suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BUDGET = 600, EVERY = 55, GUESTS = 8, MOMENTS = BUDGET / EVERY };

/* What comes at each moment: feasible points drawn at random. */
struct guests {
    int n[MOMENTS + 1];
    double *x, *f; /* [MOMENTS + 1][GUESTS][n], [m] */
};

struct log {
    double *x, *f, *g; /* of the trials */
    int64_t n;
    int64_t emigrant[MOMENTS + 1][GUESTS];
    int emigrants[MOMENTS + 1], moments;
};

static void invite(const struct problem *p, const struct space *space, struct guests *guests)
{
    struct rng r;
    double g[8] = {0};
    rng_init(&r, 3, 1, RNG_TEST);
    guests->x = mem_calloc((size_t)((MOMENTS + 1) * GUESTS * p->n), sizeof(double));
    guests->f = mem_calloc((size_t)((MOMENTS + 1) * GUESTS * p->m), sizeof(double));
    for (int m = 0; m <= MOMENTS; m++) {
        guests->n[m] = 0;
        for (int t = 0; t < 200 && guests->n[m] < GUESTS - m % 3; t++) {
            int at = m * GUESTS + guests->n[m];
            search_uniform(space, &r, guests->x + at * p->n);
            p->eval(guests->x + at * p->n, guests->f + at * p->m, g);
            bool good = true;
            for (int j = 0; j < p->c; j++) {
                good = good && !(g[j] > 0);
            }
            guests->n[m] += good;
        }
    }
}

static struct search *begin(const struct search_problem *sp, const char *algorithm, int lag)
{
    struct err err = ERR_INIT;
    struct search_options o = {.algorithm = algorithm, .budget = BUDGET, .lag = lag, .seed = 5, .exchange = EVERY};
    struct search *s = search_new(sp, &o, &err);
    ck_assert_msg(s != NULL, "%s", err.text);
    return s;
}

/* The moment that is due, if one is: what goes must be what went before. */
static bool meet(const struct problem *p, struct search *s, const struct guests *guests, struct log *log)
{
    int m = (int)search_moment(s);
    if (m == 0) {
        return false;
    }
    double x[GUESTS * PROBLEM_MAX_N], f[GUESTS * 8];
    int64_t trial[GUESTS];
    int n = search_emigrants(s, GUESTS, trial, x, f);
    for (int i = 0; i < n; i++) {
        ck_assert_int_lt(trial[i], m * EVERY);
        ck_assert(i == 0 || trial[i] > trial[i - 1]);
        ck_assert(memcmp(x + i * p->n, log->x + trial[i] * p->n, (size_t)p->n * sizeof *x) == 0);
        ck_assert(memcmp(f + i * p->m, log->f + trial[i] * p->m, (size_t)p->m * sizeof *f) == 0);
    }
    if (m <= log->moments) {
        ck_assert_int_eq(n, log->emigrants[m]);
        ck_assert(memcmp(trial, log->emigrant[m], (size_t)n * sizeof *trial) == 0);
    } else {
        log->moments = m;
        log->emigrants[m] = n;
        memcpy(log->emigrant[m], trial, (size_t)n * sizeof *trial);
    }
    search_immigrate(s, guests->n[m], guests->x + m * GUESTS * p->n, guests->f + m * GUESTS * p->m);
    return true;
}

/* In random portions, begun again from the log `kills` times. */
static void run(const struct problem *p, const struct search_problem *sp, const char *algorithm, int lag, int kills,
                const struct guests *guests, struct log *log)
{
    struct rng r;
    rng_init(&r, (uint64_t)kills, (uint64_t)lag, RNG_TEST);
    struct search *s = begin(sp, algorithm, lag);
    int64_t asked = 0, told = 0;
    for (;;) {
        int64_t can = search_askable(s);
        if (can > 0 && (asked == told || rng_below(&r, 2))) {
            for (int64_t k = kills > 0 ? 1 + rng_below(&r, can) : can; k > 0; k--, asked++) {
                double *x = log->x + asked * p->n;
                if (asked < log->n ? !search_recall(s, x) : !search_ask(s, x)) {
                    ck_assert_int_ge(asked, log->n);
                    break;
                }
            }
        } else if (told < asked) {
            p->eval(log->x + told * p->n, log->f + told * p->m, log->g);
            search_tell(s, log->f + told * p->m, log->g);
            told++;
            log->n = told > log->n ? told : log->n;
        } else if (!meet(p, s, guests, log)) {
            break;
        }
        if (kills > 0 && told == log->n && rng_below(&r, BUDGET) < 5) {
            search_free(s);
            s = begin(sp, algorithm, lag);
            asked = told = 0;
            kills--;
        }
    }
    search_free(s);
}

static int64_t compare(const struct problem *p, const char *algorithm, int lag)
{
    struct space space;
    problem_space(p, &space);
    struct search_problem sp = problem_search(p, &space);
    struct guests guests;
    struct log log[2];
    invite(p, &space, &guests);
    for (int k = 0; k < 2; k++) {
        log[k] = (struct log){.x = mem_calloc((size_t)(BUDGET * p->n), sizeof(double)),
                              .f = mem_calloc((size_t)(BUDGET * p->m), sizeof(double)),
                              .g = mem_calloc(8, sizeof(double))};
        run(p, &sp, algorithm, lag, 4 * k, &guests, &log[k]);
    }
    ck_assert_int_eq(log[0].n, log[1].n);
    ck_assert_int_ge(log[0].moments, MOMENTS - 1);
    ck_assert_int_eq(log[0].moments, log[1].moments);
    ck_assert_msg(memcmp(log[0].x, log[1].x, (size_t)(log[0].n * p->n) * sizeof(double)) == 0, "%s on %s, lag %d",
                  algorithm, p->name, lag);
    int met = 0; /* guests that were there before the trial was asked */
    for (int64_t k = 0; k < log[0].n; k++) {
        for (int64_t m = 1; m <= MOMENTS && m * EVERY <= k - 2 * (lag + 40); m++) {
            for (int i = 0; i < guests.n[m]; i++, met++) {
                const double *guest = guests.x + (m * GUESTS + i) * p->n;
                ck_assert(memcmp(guest, log[0].x + k * p->n, (size_t)p->n * sizeof *guest) != 0);
            }
        }
    }
    ck_assert_int_gt(met, 0);
    int64_t moments = log[0].moments;
    for (int k = 0; k < 2; k++) {
        mem_free(log[k].x);
        mem_free(log[k].f);
        mem_free(log[k].g);
    }
    mem_free(guests.x);
    mem_free(guests.f);
    space_release(&space);
    return moments;
}

START_TEST(same_trials)
{
    static const char *const algorithms[] = {"nsga2", "sms_emoa", "spea2_sde"};
    static const char *const names[] = {"HWXD", "OSY", "DTLZ2", "RE36"};
    static const int lags[] = {0, 1, 7, 45};
    int64_t moments = 0;
    for (size_t a = 0; a < sizeof algorithms / sizeof *algorithms; a++) {
        for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
            for (size_t l = 0; l < sizeof lags / sizeof *lags; l++) {
                moments += compare(problem_find(names[k]), algorithms[a], lags[l]);
            }
        }
    }
    printf("test_exchange: %lld moments, the same trials\n", (long long)moments);
}
END_TEST

/* An immigrant better than all there is: its offspring soon are better than without it. */
START_TEST(guests_have_children)
{
    const struct problem *p = problem_find("ZDT1");
    struct space space;
    double f[2 * BUDGET], best[2];
    problem_space(p, &space);
    struct search_problem sp = problem_search(p, &space);
    for (int with = 0; with < 2; with++) {
        struct search *s = begin(&sp, "nsga2", 0);
        double x[PROBLEM_MAX_N] = {0.5}, out[2], g[8];
        p->eval(x, out, g); /* of the best front */
        best[with] = 1e9;
        do {
            problem_run(p, s, 0, NULL, f);
            if (search_moment(s) > 0) {
                search_immigrate(s, with, x, out);
            }
        } while (search_stop(s) == SEARCH_RUNNING);
        for (int64_t k = 0; k < search_told(s); k++) {
            best[with] = f[2 * k + 1] < best[with] ? f[2 * k + 1] : best[with];
        }
        search_free(s);
    }
    ck_assert_msg(best[1] < 0.8 * best[0], "%g with a guest, %g without", best[1], best[0]);
    space_release(&space);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("exchange");
    TCase *c = tcase_create("exchange");
    tcase_set_timeout(c, 120);
    tcase_add_test(c, same_trials);
    tcase_add_test(c, guests_have_children);
    suite_add_tcase(s, c);
    return run_suite(s, CK_FORK);
}
