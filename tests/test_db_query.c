/* Questions against brute force over the trials; the stored front against the definition; runs, history, layers, status. */
#include "base/mem.h"
#include "db/db_private.h"
#include "tests/db_fixture.h"
#include "tests/run_suite.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { TRIALS = 1500 };

static struct fix fix;
static struct err err;
static struct db *db;

static void setup(void)
{
    err = (struct err)ERR_INIT;
    fix_begin(&fix);
    db = db_create(fix.path, &fix_layout, &err);
    ck_assert_msg(db != NULL, "%s", err.text);
}

static void teardown(void)
{
    ck_assert_msg(!db_close(db, &err), "%s", err.text);
    fix_end(&fix);
}

/* ---- brute force ---- */

struct point {
    double f[3];
    int64_t number;
    bool in; /* passes the condition */
};

/* First trial of its design, state ok, all objectives there. */
static int points_of(struct point *p, int n, const int *columns, const double *sign, int m)
{
    struct db_value v[FIX_COLUMNS];
    int count = 0;
    for (int i = 0; i < n; i++) {
        struct db_trial t = fix_trial(i, v);
        if (i % 17 == 16 || t.state != DB_OK) {
            continue;
        }
        bool whole = true;
        for (int k = 0; k < m; k++) {
            p[count].f[k] = sign[k] * db_number(v[columns[k]]);
            whole = whole && !isnan(p[count].f[k]);
        }
        p[count].number = i;
        p[count].in = whole && db_number(v[FIX_ACCURACY]) >= 0.25;
        count += whole;
    }
    return count;
}

static bool beats(const struct point *a, const struct point *b, int m)
{
    bool better = false;
    for (int k = 0; k < m; k++) {
        if (a->f[k] > b->f[k]) {
            return false;
        }
        better = better || a->f[k] < b->f[k];
    }
    return better || a->number < b->number;
}

/* Numbers of the non-dominated among those with (or without) the condition, ascending. */
static int brute_front(const struct point *p, int n, int m, bool condition, int64_t *out)
{
    int count = 0;
    for (int i = 0; i < n; i++) {
        bool alive = !condition || p[i].in;
        for (int j = 0; j < n && alive; j++) {
            alive = i == j || (condition && !p[j].in) || !beats(&p[j], &p[i], m);
        }
        if (alive) {
            out[count++] = p[i].number;
        }
    }
    return count;
}

/* ---- asking ---- */

struct answer {
    int n;
    int64_t number[TRIALS];
    double first[TRIALS]; /* first column */
};

static int take(void *ctx, const struct db_row *row)
{
    struct answer *a = ctx;
    a->number[a->n] = row->number;
    a->first[a->n++] = db_number(row->values[0]);
    return 0;
}

static void ask(const struct db_query *q, struct answer *a)
{
    a->n = 0;
    ck_assert_msg(!db_query(db, q, take, a, &err), "%s", err.text);
}

static const struct db_objective all_three[] = {{"energy_j", false}, {"latency_s", false}, {"accuracy", true}};
static const int objective_columns[] = {FIX_ENERGY, FIX_LATENCY, FIX_ACCURACY};
static const double signs[] = {1.0, 1.0, -1.0};

static void same_numbers(const int64_t *expected, int n, const int64_t *got, int64_t n_got)
{
    ck_assert_int_eq(n_got, n);
    for (int i = 0; i < n; i++) {
        ck_assert_int_eq(got[i], expected[i]);
    }
}

START_TEST(the_stored_front_is_the_front)
{
    static struct point p[TRIALS];
    static int64_t expected[TRIALS];
    int steps = 0;
    for (int n = 50; n <= TRIALS; n += 290, steps++) {
        fix_put(db, db_queued(db), n);
        ck_assert_int_eq(db_flush(db, &err), 0);
        int count = points_of(p, n, objective_columns, signs, 3);
        int size = brute_front(p, count, 3, false, expected);
        int64_t *numbers;
        int64_t got = db_front(db, &numbers, &err);
        same_numbers(expected, size, numbers, got);
        mem_free(numbers);
        if (steps == 2) { /* and across a reopening */
            ck_assert_int_eq(db_close(db, &err), 0);
            db = db_open(fix.path, DB_WRITE, &err);
        }
    }
    printf("checked the front of %d prefixes of %d trials\n", steps, TRIALS);
}
END_TEST

START_TEST(fronts_over_any_objectives)
{
    static struct point p[TRIALS];
    static int64_t expected[TRIALS];
    static struct answer a;
    fix_put(db, 0, TRIALS);
    ck_assert_int_eq(db_flush(db, &err), 0);
    const struct db_value quarter = db_real(0.25);
    int checked = 0;
    for (int m = 1; m <= 3; m++) {
        for (int condition = 0; condition < 2; condition++, checked++) {
            struct db_query q = {.objectives = all_three, .n_objectives = m};
            if (condition) {
                q.where = "accuracy >= ?";
                q.params = &quarter;
                q.n_params = 1;
            }
            int count = points_of(p, TRIALS, objective_columns, signs, m);
            int size = brute_front(p, count, m, condition, expected);
            ask(&q, &a);
            same_numbers(expected, size, a.number, a.n);
        }
    }
    struct db_objective turned[] = {{"energy_j", true}, {"accuracy", false}};
    const int columns[] = {FIX_ENERGY, FIX_ACCURACY};
    const double other[] = {-1.0, 1.0};
    int count = points_of(p, TRIALS, columns, other, 2);
    int size = brute_front(p, count, 2, false, expected);
    ask(&(struct db_query){.objectives = turned, .n_objectives = 2}, &a);
    same_numbers(expected, size, a.number, a.n);
    printf("checked %d fronts\n", checked + 1);
}
END_TEST

START_TEST(the_views_agree)
{
    fix_put(db, 0, TRIALS);
    ck_assert_int_eq(db_flush(db, &err), 0);
    static struct answer a;
    const struct {
        const char *view;
        int first, second;
    } views[] = {
        {"front_energy_j_latency_s", 0, 1}, {"front_energy_j_accuracy", 0, 2}, {"front_latency_s_accuracy", 1, 2}};
    for (int i = 0; i < 3; i++) {
        struct db_objective o[] = {all_three[views[i].first], all_three[views[i].second]};
        char text[100];
        int64_t n;
        ask(&(struct db_query){.objectives = o, .n_objectives = 2}, &a);
        snprintf(text, sizeof text, "SELECT count(*) FROM %s", views[i].view);
        ck_assert_int_eq(db_sql_integer(db->read, fix.path, text, 0, &n, &err), 0);
        ck_assert_int_eq(n, a.n);
        snprintf(text, sizeof text, "SELECT sum(id) FROM %s", views[i].view);
        ck_assert_int_eq(db_sql_integer(db->read, fix.path, text, 0, &n, &err), 0);
        for (int k = 0; k < a.n; k++) {
            n -= a.number[k];
        }
        ck_assert_int_eq(n, 0);
    }
}
END_TEST

START_TEST(order_limit_columns_states)
{
    static struct answer a;
    fix_put(db, 0, TRIALS);
    ck_assert_int_eq(db_flush(db, &err), 0);
    const char *const columns[] = {"latency_s", "hash", "edp_js"};
    struct db_query q = {.columns = columns, .n_columns = 3, .order_by = "latency_s", .limit = 20};
    ask(&q, &a);
    ck_assert_int_eq(a.n, 20);
    for (int i = 1; i < a.n; i++) {
        ck_assert_double_le(a.first[i - 1], a.first[i]);
    }
    q.descending = true;
    ask(&q, &a);
    for (int i = 1; i < a.n; i++) {
        ck_assert_double_ge(a.first[i - 1], a.first[i]);
    }
    struct db_query every = {.all_states = true};
    ask(&every, &a);
    struct db_status s;
    ck_assert_int_eq(db_status(db, &s, &err), 0);
    ck_assert_int_eq(a.n, s.designs);
    ck_assert_int_eq(s.trials, TRIALS);
    ask(&(struct db_query){0}, &a);
    ck_assert_int_eq(a.n, s.state[DB_OK]);
    ask(&(struct db_query){.front_only = true, .order_by = "energy_j"}, &a);
    ck_assert_int_eq(a.n, s.front);
    db_status_release(&s);
}
END_TEST

static int stop_at_three(void *ctx, const struct db_row *row)
{
    (void)row;
    return ++*(int *)ctx == 3 ? 42 : 0;
}

START_TEST(bad_questions)
{
    fix_put(db, 0, 20);
    ck_assert_int_eq(db_flush(db, &err), 0);
    int n = 0;
    ck_assert_int_eq(db_query(db, &(struct db_query){0}, stop_at_three, &n, &err), 42);
    struct db_objective text = {"dataflow", false}, none = {"nothing", false};
    const char *column = "x\"; DROP TABLE designs; --";
    const struct {
        struct db_query q;
        const char *part;
    } bad[] = {
        {{.order_by = "nothing"}, "no column 'nothing'"},
        {{.columns = &column, .n_columns = 1}, "no column"},
        {{.objectives = &text, .n_objectives = 1}, "is text"},
        {{.objectives = &none, .n_objectives = 1}, "no column 'nothing'"},
        {{.objectives = &none, .n_objectives = 9}, "1 to 8"},
        {{.where = "nothing > 1"}, "cannot ask"},
        {{.where = "energy_j >"}, "cannot ask"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct err e = ERR_INIT;
        ck_assert_int_eq(db_query(db, &bad[i].q, stop_at_three, &n, &e), -1);
        ck_assert_int_eq(e.code, ERR_USAGE);
        ck_assert_msg(strstr(e.text, bad[i].part) != NULL, "%s", e.text);
    }
}
END_TEST

START_TEST(runs_and_history)
{
    struct db_run run = {.command = "dovetail search a.yaml", .version = "0.1.0", .threads = 2};
    ck_assert_int_eq(db_begin_run(db, &run, &err), 0);
    fix_put(db, 0, 100);
    db_run_counts(db, 100, 40, 90);
    struct db_history h[] = {{50, (double)NAN, 4, 0.5}, {100, 0.75, 9, 1.0}};
    ck_assert_int_eq(db_put_history(db, &h[1], &err), 0);
    ck_assert_int_eq(db_put_history(db, &h[0], &err), 0);
    ck_assert_int_eq(db_flush(db, &err), 0);
    struct db_status s;
    ck_assert_int_eq(db_status(db, &s, &err), 0);
    ck_assert_int_eq(s.n_runs, 1);
    ck_assert(s.runs[0].alive);
    db_status_release(&s);
    ck_assert_int_eq(db_end_run(db, DB_EXIT_INTERRUPTED, &err), 0);
    ck_assert_int_eq(db_begin_run(db, &run, &err), 0);
    ck_assert_int_eq(db_status(db, &s, &err), 0);
    ck_assert_int_eq(s.n_runs, 2);
    ck_assert_str_eq(s.runs[0].command, "dovetail search a.yaml");
    ck_assert_int_eq(s.runs[0].exit, DB_EXIT_INTERRUPTED);
    ck_assert_int_eq(s.runs[0].evaluations, 100);
    ck_assert_int_eq(s.runs[0].cache_hits, 40);
    ck_assert_ptr_nonnull(s.runs[0].ended_utc);
    ck_assert_ptr_null(s.runs[1].ended_utc);
    ck_assert_ptr_null(s.runs[1].slurm_job);
    ck_assert_int_eq(s.runs[1].threads, 2);
    ck_assert(!s.runs[0].alive && s.runs[1].alive);
    ck_assert_double_eq(s.hypervolume, 0.75);
    ck_assert_int_gt(s.file_bytes, 4096);
    db_status_release(&s);
    struct db_history *lines;
    ck_assert_int_eq(db_get_history(db, &lines, &err), 2);
    ck_assert(isnan(lines[0].hypervolume) && lines[0].front_size == 4);
    ck_assert_int_eq(lines[1].evaluations, 100);
    mem_free(lines);
}
END_TEST

/* A run on another machine is alive while its heartbeat is fresh; a clock that went backwards does no harm. */
START_TEST(heartbeats_of_other_machines)
{
    const struct {
        const char *when;
        bool alive;
    } beats[] = {{"strftime('%Y-%m-%dT%H:%M:%SZ', 'now')", true},
                 {"strftime('%Y-%m-%dT%H:%M:%SZ', 'now', '+1 day')", true},
                 {"strftime('%Y-%m-%dT%H:%M:%SZ', 'now', '-5 minutes')", false},
                 {"NULL", false},
                 {"'yesterday'", false}};
    struct db_run run = {.command = "far away", .threads = 1};
    ck_assert_int_eq(db_begin_run(db, &run, &err), 0);
    ck_assert_int_eq(db_close(db, &err), 0);
    for (size_t i = 0; i < sizeof beats / sizeof *beats; i++) {
        char text[200];
        struct db_status s;
        sqlite3 *sql;
        snprintf(text, sizeof text, "UPDATE runs SET host = 'elsewhere', heartbeat_utc = %s", beats[i].when);
        ck_assert_int_eq(sqlite3_open(fix.path, &sql), SQLITE_OK);
        ck_assert_int_eq(sqlite3_exec(sql, text, NULL, NULL, NULL), SQLITE_OK);
        sqlite3_close(sql);
        db = db_open(fix.path, DB_READ, &err);
        ck_assert_int_eq(db_status(db, &s, &err), 0);
        ck_assert_int_eq(s.runs[0].alive, beats[i].alive);
        db_status_release(&s);
        ck_assert_int_eq(db_close(db, &err), 0);
    }
    db = NULL;
}
END_TEST

START_TEST(layers_and_meta)
{
    fix_put(db, 0, 1);
    struct db_layer layer = {0, "conv1", "conv", 1000, 64, "K64 C3"};
    struct db_layer_cost cost = {0, 0, "DRAM", "weights", 1e-6, 2e-6, 30, 10};
    ck_assert_int_eq(db_put_layer(db, &layer, &err), 0);
    ck_assert_int_eq(db_put_layer_cost(db, &cost, &err), 0);
    cost.tensor = "inputs";
    cost.energy_j = 2e-6;
    ck_assert_int_eq(db_put_layer_cost(db, &cost, &err), 0);
    ck_assert_int_eq(db_put_layer_cost(db, &cost, &err), 0); /* replaces */
    ck_assert_int_eq(db_put_mapping(db, 0, 0, "for k", &err), 0);
    ck_assert_int_eq(db_put_meta(db, "reference_point", "[1,2]", &err), 0);
    ck_assert_str_eq(db_meta(db, "reference_point"), "[1,2]");
    ck_assert_int_eq(db_close(db, &err), 0);
    db = db_open(fix.path, DB_WRITE, &err);
    ck_assert_str_eq(db_meta(db, "reference_point"), "[1,2]");
    int64_t pj;
    ck_assert_int_eq(
        db_sql_integer(db->read, fix.path, "SELECT round(1e12 * sum(energy_j)) FROM energy_by_level", 0, &pj, &err), 0);
    ck_assert_int_eq(pj, 3000000);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("db_query");
    TCase *t = tcase_create("all");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, the_stored_front_is_the_front);
    tcase_add_test(t, fronts_over_any_objectives);
    tcase_add_test(t, the_views_agree);
    tcase_add_test(t, order_limit_columns_states);
    tcase_add_test(t, bad_questions);
    tcase_add_test(t, runs_and_history);
    tcase_add_test(t, heartbeats_of_other_machines);
    tcase_add_test(t, layers_and_meta);
    suite_add_tcase(s, t);
    return run_suite(s, CK_FORK_GETENV);
}
