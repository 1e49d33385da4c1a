/* What `search:` of a study may say beyond numbers: differences that do not matter, guesses by the roofline. Mistakes are reported at their
 * place; runs hold the same trials on one and two threads and after any stop; the roofline ranks designs. */
#include "base/mem.h"
#include "base/strbuf.h"
#include "experiments/record.h"
#include "experiments/transfer.h"
#include "tests/run_suite.h"
#include "tests/shell.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STUDY "tests/fixtures/resume.yaml"
#define GUESSES "--set 'search.fidelity=[roofline, mapped]'"

static void expect_error_in(const char *study, const char *set, const char *message)
{
    struct shell sh = {0};
    shell_run(&sh, "dovetail validate %s --set '%s'", study, set);
    ck_assert_int_eq(sh.status, 65);
    ck_assert_msg(strstr(strbuf_str(&sh.err), message) != NULL, "%s: '%s' is not in\n%s", set, message,
                  strbuf_str(&sh.err));
    shell_release(&sh);
}

static void expect_error(const char *set, const char *message)
{
    expect_error_in(STUDY, set, message);
}

START_TEST(mistakes)
{
    expect_error("search.epsilon={enrgy: 1uJ}", "did you mean 'energy'?");
    expect_error("search.epsilon={area: 1mm2}", "'epsilon' is of objectives, not of 'area'");
    expect_error("search.epsilon={energy: 1}", "needs a unit");
    expect_error("search.epsilon={energy: 1ms}", "energy");
    expect_error("search.epsilon={energy: 0J}", "above 0");
    expect_error("search.epsilon={energy: -1J}", "above 0");
    expect_error("search.epsilon=1", "mapping from objectives");
    expect_error("search.fidelity=[rofline, mapped]", "did you mean 'roofline'?");
    expect_error("search.fidelity=[mapped, roofline]", "from the cheapest on");
    expect_error("search.fidelity=[roofline]", "the last fidelity is 'mapped'");
    expect_error("search.fidelity=roofline", "a list of levels");
    expect_error_in("tests/fixtures/evaluator/study.yaml", "search.fidelity=[roofline, mapped]",
                    "there is no roofline of 'accuracy'");
    expect_error("search.start=old.db", "a list of databases");
    expect_error("search={algorithm: random, start: [old.db]}", "begins with no designs of other studies");
    expect_error("search.fidelity=[[roofline], mapped]", "fidelity");
}
END_TEST

/* Runs the study with more options into build/NAME.db and returns its export; *front is the last line's. With a limit, a time limit
 * of so many microseconds stops the run again and again; *stops tells how often. */
static char *run_limited(const char *name, int budget, const char *more, int limit_us, int *stops, int *front)
{
    struct shell sh = {0};
    struct strbuf limit = STRBUF_INIT;
    shell_run(&sh, "rm -f build/%s.db*", name);
    if (limit_us > 0) {
        strbuf_addf(&limit, "--time %dus", limit_us);
    }
    *stops = 0;
    do {
        shell_run(&sh, "dovetail search " STUDY " -o build/%s.db -q --json --budget %d %s %s", name, budget, more,
                  strbuf_str(&limit));
    } while (sh.status == 75 && limit_us > 0 && ++*stops < 400);
    ck_assert_msg(sh.status == 0, "%s", strbuf_str(&sh.err));
    const char *at = strstr(strbuf_str(&sh.out), "\"front\": ");
    ck_assert_ptr_nonnull(at);
    *front = atoi(at + strlen("\"front\": "));
    shell_run(&sh, "dovetail export build/%s.db --all --format jsonl", name);
    char *text = strbuf_detach(&sh.out);
    strbuf_release(&limit);
    shell_release(&sh);
    return text;
}

static char *run(const char *name, int budget, const char *more, int *front)
{
    int stops;
    return run_limited(name, budget, more, 0, &stops, front);
}

/* The same in pieces: the limit is halved until it stops the run at all, however fast the machine is. */
static char *run_in_pieces(const char *name, int budget, const char *more, int *front)
{
    int stops = 0;
    char *text = NULL;
    for (int limit_us = 64000; stops == 0; limit_us /= 2) {
        ck_assert_int_gt(limit_us, 0);
        free(text);
        text = run_limited(name, budget, more, limit_us, &stops, front);
    }
    return text;
}

static int lines(const char *text)
{
    int n = 0;
    for (; *text != '\0'; text++) {
        n += *text == '\n';
    }
    return n;
}

START_TEST(guesses_come_first_and_are_no_trials)
{
    int front;
    char *plain = run("guess_none", 80, "-j2", &front), *one = run("guess_one", 80, GUESSES " -j1", &front);
    char *two = run("guess_two", 80, GUESSES " -j2", &front),
         *cut = run_in_pieces("guess_cut", 80, GUESSES " -j2", &front);
    ck_assert_int_eq(lines(one), 80);
    ck_assert_str_ne(one, plain);
    ck_assert_str_eq(one, two);
    ck_assert_str_eq(one, cut);
    free(plain);
    free(one);
    free(two);
    free(cut);
}
END_TEST

/* A study of another clock-less space and another network begins with what the first one found. */
START_TEST(earlier_studies_teach)
{
    int front;
    char *old = run("start_old", 80, "-j2", &front);
    static const char *const first = "--set search.start=[build/start_old.db] --set 'space.glb={pow2: [64KiB, 256KiB]}'"
                                     " --set workload.model=mlperf_tiny_vww";
    struct strbuf more = STRBUF_INIT;
    strbuf_addf(&more, "%s -j2", first);
    char *a = run("start_two", 40, strbuf_str(&more), &front);
    strbuf_reset(&more);
    strbuf_addf(&more, "%s -j1", first);
    struct shell sh = {0};
    char *b = run_in_pieces("start_one", 40, strbuf_str(&more), &front);
    ck_assert_str_eq(a, b);
    ck_assert_int_eq(lines(a), 40);
    /* Once it has begun, the old file is not needed. */
    shell_run(&sh, "rm -f build/start_old.db* && dovetail search " STUDY " %s --budget 50 -o build/start_two.db -q",
              first);
    ck_assert_msg(sh.status == 0, "%s", strbuf_str(&sh.err));
    shell_run(&sh, "dovetail search " STUDY " %s --budget 40 -o build/start_new.db -q", first);
    ck_assert_int_ne(sh.status, 0);
    ck_assert_ptr_nonnull(strstr(strbuf_str(&sh.err), "start_old.db"));
    /* The first trials are old ones: four that differ from a study without. */
    shell_run(&sh,
              "dovetail search " STUDY " --set 'space.glb={pow2: [64KiB, 256KiB]}' --set workload.model=mlperf_tiny_vww"
              " --budget 40 -o build/start_none.db -q && dovetail export build/start_none.db --all --format jsonl");
    ck_assert_str_ne(strbuf_str(&sh.out), a);
    shell_run(&sh, "rm -f build/start_*.db*");
    shell_release(&sh);
    strbuf_release(&more);
    free(old);
    free(a);
    free(b);
}
END_TEST

/* What one study stored is what another is told, by the nearest value. */
START_TEST(designs_are_carried_over)
{
    struct diags d = DIAGS_INIT;
    struct err err = ERR_INIT;
    struct shell sh = {0};
    shell_run(&sh, "rm -f build/carry.db* && dovetail search " STUDY " -o build/carry.db -q --budget 60");
    ck_assert_int_eq(sh.status, 0);
    const struct study_override set[] = {{"search.start", "[build/carry.db]"},
                                         {"search.budget.evaluations", "1000"},
                                         {"space.pe_rows", "[5, 15, 30]"},
                                         {"space.bits", "[4, 8]"}};
    struct study *s = study_load(STUDY, set, 4, &d);
    ck_assert_ptr_nonnull(s);
    struct strbuf text = STRBUF_INIT;
    ck_assert_int_eq(transfer_read(s, &text, &err), 0);
    int n;
    double *x = transfer_points(s, strbuf_str(&text), &n);
    ck_assert_int_gt(n, 3);
    int64_t *number, rows = 0;
    struct db *db = db_open("build/carry.db", DB_READ, &err);
    int64_t front = db_front(db, &number, &err);
    ck_assert_int_eq(front, n); /* fewer than 40 */
    struct db_cursor *log = db_trials(db, 0, &err);
    struct db_trial t;
    for (int k = 0; k < n; k++) {
        while (rows <= number[k]) {
            ck_assert_int_eq(db_next(log, &t, &err), 1);
            rows++;
        }
        double slots[STUDY_SLOTS], *p = x + (int64_t)k * s->space.n;
        study_slots(s, p, slots);
        double rows_there = db_number(t.values[db_column(db, "pe_rows")]),
               here = slots[template_param(s->hardware, "pe_rows")];
        ck_assert_double_eq(here, rows_there <= 8 ? 5 : rows_there <= 16 ? 15 : 30);
        ck_assert_double_eq(slots[template_param(s->hardware, "glb")],
                            8 * db_number(t.values[db_column(db, "glb_bytes")]));
    }
    db_cursor_free(log);
    db_close(db, &err);
    mem_free(number);
    mem_free(x);
    strbuf_release(&text);
    study_free(s);
    diags_release(&d);
    shell_run(&sh, "rm -f build/carry.db*");
    shell_release(&sh);
}
END_TEST

START_TEST(epsilon_thins_the_front)
{
    int all, coarse, one, two;
    char *plain = run("cells_none", 80, "-j2", &all);
    char *a = run("cells_two", 80, "-j2 --set 'search.epsilon={energy: 0.5uJ, latency: 10us}'", &two);
    char *b = run_in_pieces("cells_one", 80, "-j1 --set 'search.epsilon={energy: 0.5uJ, latency: 10us}'", &one);
    char *c =
        run("cells_coarse", 80, "-j2 --set 'search.epsilon={energy: 1J, latency: 1s, weight_size: 1GiB}'", &coarse);
    ck_assert_str_eq(a, b);
    ck_assert_int_eq(one, two);
    ck_assert_msg(coarse == 1 && two > 1 && two < all, "fronts of %d, %d and %d", coarse, two, all);
    free(plain);
    free(a);
    free(b);
    free(c);
}
END_TEST

START_TEST(a_stalled_search_stops)
{
    struct shell sh = {0};
    char *exports[2];
    for (int k = 0; k < 2; k++) {
        shell_run(&sh,
                  "rm -f build/stall.db* && dovetail search " STUDY " -o build/stall.db -q --json -j%d"
                  " --set search.budget.stall=80 --budget 100k",
                  k + 1);
        ck_assert_int_eq(sh.status, 0);
        ck_assert_msg(strstr(strbuf_str(&sh.out), "\"stop\": \"stalled\"") != NULL, "%s", strbuf_str(&sh.out));
        shell_run(&sh, "dovetail export build/stall.db --all --format jsonl");
        exports[k] = strbuf_detach(&sh.out);
        ck_assert_int_gt(lines(exports[k]), 80);
    }
    ck_assert_str_eq(exports[0], exports[1]);
    shell_run(&sh, "dovetail resume build/stall.db -q --json && rm -f build/stall.db*");
    ck_assert_ptr_nonnull(strstr(strbuf_str(&sh.out), "\"new\": 0"));
    shell_release(&sh);
    free(exports[0]);
    free(exports[1]);
}
END_TEST

/* Every design of a small study once: its front is the truth, and what a search on as many trials finds cannot beat it. */
START_TEST(exhaustive_search_certifies)
{
    static const char *const small =
        "--set 'space.bits=[4, 8]' --set 'space.partition={values: [output_channels, core0], when: cores > 1}'"
        " --set 'space.cores=[1, 2]' --set 'space.dataflow=[weight_stationary]'";
    struct shell sh = {0};
    /* 4 rows x 4 columns x 5 buffers x 2 widths x (1 + 2) places = 480 designs, 20 of them with more than 1024 PEs */
    shell_run(&sh,
              "rm -f build/whole.db* && dovetail search " STUDY
              " %s --set search.algorithm=exhaustive --budget 1000 -o build/whole.db"
              " -q --json",
              small);
    ck_assert_msg(strstr(strbuf_str(&sh.out), "\"stop\": \"exhausted\"") != NULL, "%s", strbuf_str(&sh.out));
    ck_assert_msg(strstr(strbuf_str(&sh.out), "\"evaluations\": 460") != NULL, "%s", strbuf_str(&sh.out));
    shell_run(&sh, "dovetail status build/whole.db");
    ck_assert_ptr_null(strstr(strbuf_str(&sh.out), "dovetail resume")); /* there is nothing to go on with */
    ck_assert_ptr_nonnull(strstr(strbuf_str(&sh.out), "before its budget"));
    shell_run(&sh, "dovetail pareto build/whole.db --all");
    ck_assert_int_eq(sh.status, 0);
    char *truth = strbuf_detach(&sh.out);
    /* `auto` sees that the budget covers the space. */
    shell_run(&sh,
              "rm -f build/auto.db* && dovetail search " STUDY
              " %s --set search.algorithm=auto --budget 1000 -o build/auto.db -q >build/auto.txt"
              " && dovetail pareto build/auto.db --all",
              small);
    ck_assert_msg(strcmp(strbuf_str(&sh.out), truth) == 0, "another front:\n%.400s", strbuf_str(&sh.out));
    shell_run(&sh, "rm -f build/whole.db* build/auto.*");
    shell_release(&sh);
    free(truth);
}
END_TEST

/* Kendall's tau of guess and model over n designs. */
static double concordance(const double *a, const double *b, int n)
{
    int same = 0, pairs = 0;
    for (int i = 0; i < n; i++) {
        for (int k = 0; k < i; k++) {
            double p = (a[i] - a[k]) * (b[i] - b[k]);
            same += p > 0 ? 1 : p < 0 ? -1 : 0;
            pairs++;
        }
    }
    return (double)same / pairs;
}

/* Random designs of the test's study: what both say, and that nothing else of the evaluation changes. */
START_TEST(the_roofline_ranks_designs)
{
    enum { N = 60 };
    struct diags d = DIAGS_INIT;
    struct study *s = study_load(STUDY, NULL, 0, &d);
    struct evaluator *e = evaluator_new(s, NULL, NULL);
    struct search_problem p = {&s->space, 1, 0, study_known_violation, s};
    struct search_options o = {.algorithm = "random", .budget = 1000, .seed = 3};
    struct search *walk = search_new(&p, &o, NULL);
    double energy[2][N], latency[2][N], *x = mem_calloc((size_t)s->space.n, sizeof *x);
    for (int n = 0; n < N;) {
        struct evaluation guess, model;
        ck_assert(search_ask(walk, x));
        search_tell(walk, &(double){0}, NULL);
        evaluator_guess(e, x, &guess);
        evaluator_run(e, x, &model);
        if (model.violation[s->n_constraints] > 0) {
            continue;
        }
        ck_assert_double_eq(guess.metric[METRIC_AREA], model.metric[METRIC_AREA]);
        ck_assert_double_eq(guess.metric[METRIC_WEIGHT_SIZE], model.metric[METRIC_WEIGHT_SIZE]);
        energy[0][n] = guess.metric[METRIC_ENERGY];
        energy[1][n] = model.metric[METRIC_ENERGY];
        latency[0][n] = guess.metric[METRIC_LATENCY];
        latency[1][n++] = model.metric[METRIC_LATENCY];
    }
    double te = concordance(energy[0], energy[1], N), tl = concordance(latency[0], latency[1], N);
    printf("%d designs: Kendall's tau of guess and model %.2f (energy), %.2f (latency)\n", N, te, tl);
    ck_assert_double_gt(te, 0.5);
    ck_assert_double_gt(tl, 0.5);
    mem_free(x);
    search_free(walk);
    evaluator_free(e);
    study_free(s);
    diags_release(&d);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("study_search");
    TCase *tc = tcase_create("study_search");
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, mistakes);
    tcase_add_test(tc, guesses_come_first_and_are_no_trials);
    tcase_add_test(tc, earlier_studies_teach);
    tcase_add_test(tc, designs_are_carried_over);
    tcase_add_test(tc, epsilon_thins_the_front);
    tcase_add_test(tc, a_stalled_search_stops);
    tcase_add_test(tc, exhaustive_search_certifies);
    tcase_add_test(tc, the_roofline_ranks_designs);
    suite_add_tcase(suite, tc);
    return run_suite(suite, CK_NOFORK);
}
