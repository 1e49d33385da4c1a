/* How fast the study file is, against bare SQLite in the same run and against Optuna's storage (Optuna 5.0.0.dev, SQLite backend, 17 parameters
 * and 3 objectives a trial, measured by us: 6.7 to 10.8 trials/s; 100,000 trials load in 90.0 CPU s, their front takes 17.2 CPU s).
 * DOVETAIL_BENCH_DESIGNS (default 1,000,000) is the size of the large file. */
#include "base/clock.h"
#include "base/mem.h"
#include "db/db_private.h"
#include "tests/db_fixture.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PARAMETERS = 16, OBJECTIVES = 4, COLUMNS = PARAMETERS + OBJECTIVES };

static struct db_column columns[COLUMNS];
static char names[COLUMNS][16];
static const struct db_layout layout = {NULL, 0, columns, COLUMNS};
static char folder[64];

static void make_layout(void)
{
    static const char *const metrics[OBJECTIVES] = {"energy_j", "latency_s", "area_mm2", "accuracy_drop"};
    for (int i = 0; i < COLUMNS; i++) {
        bool metric = i < OBJECTIVES;
        snprintf(names[i], sizeof names[i], metric ? "%s" : "%sp%d", metric ? metrics[i] : "", i);
        columns[i] = (struct db_column){.name = names[i],
                                        .kind = metric ? DB_METRIC : DB_PARAMETER,
                                        .type = metric       ? DB_REAL
                                                : i % 4 == 3 ? DB_TEXT
                                                             : DB_INTEGER,
                                        .unit = "",
                                        .goal = metric ? "min" : "",
                                        .objective = i < 3 ? i + 1 : 0,
                                        .description = ""};
    }
}

static void die(const struct err *err)
{
    fprintf(stderr, "bench_db: %s\n", err->text);
    exit(1);
}

static double noise(uint64_t *s)
{
    *s = *s * 6364136223846793005U + 1442695040888963407U;
    return (double)(*s >> 11) * 0x1p-53;
}

/* Energy, latency and area trade against each other with noise; one design in three breaks a constraint. */
static struct db_trial make_trial(int64_t number, struct db_value *v)
{
    static const char *const flows[] = {"row_stationary", "weight_stationary", "output_stationary"};
    uint64_t s = (uint64_t)number * 0x9E3779B97F4A7C15U + 1;
    struct db_trial t = {.number = number, .generation = (int)(number / 100), .eval_us = 100.0, .values = v};
    t.hash = hash_bytes(&number, sizeof number);
    t.state = number % 3 ? DB_OK : DB_INFEASIBLE;
    t.violated = t.state == DB_OK ? NULL : "area";
    t.proposed_by = "crossover";
    noise(&s);
    double a = noise(&s), b = noise(&s), waste = 1.0 - log(noise(&s) + 1e-9);
    v[0] = db_real(1e-3 * waste * exp(3.0 * a));
    v[1] = db_real(1e-2 * waste * exp(-3.0 * a + b));
    v[2] = db_real((0.5 + noise(&s)) * waste * exp(1.0 - b));
    v[3] = db_real(noise(&s) * 2.0);
    for (int i = OBJECTIVES; i < COLUMNS; i++) {
        v[i] = i % 4 == 3 ? db_text(flows[(int)(noise(&s) * 3.0)]) : db_integer((int64_t)(noise(&s) * 5000.0));
    }
    return t;
}

static void path_of(char path[96], const char *name)
{
    snprintf(path, 96, "%s/%s", folder, name);
}

static struct db *create(const char *path)
{
    struct err err = ERR_INIT;
    struct db *db = db_create(path, &layout, &err);
    if (!db) {
        die(&err);
    }
    return db;
}

/* Seconds to store trials [from, to) and have them acknowledged. */
static double store(struct db *db, int64_t from, int64_t to)
{
    struct err err = ERR_INIT;
    struct db_value v[COLUMNS];
    double start = clock_wall_s();
    for (int64_t i = from; i < to; i++) {
        struct db_trial t = make_trial(i, v);
        if (db_put_trial(db, &t, &err)) {
            die(&err);
        }
    }
    if (db_flush(db, &err)) {
        die(&err);
    }
    return clock_wall_s() - start;
}

/* ---- bare SQLite: the same rows into the same tables with prepared statements, 1,000 a transaction ---- */

static void bare_row(sqlite3_stmt *design, sqlite3_stmt *trial, int64_t i)
{
    struct db_value v[COLUMNS];
    char hex[HASH_HEX];
    struct db_trial t = make_trial(i, v);
    hash_hex(t.hash, hex);
    sqlite3_bind_int64(design, 1, i);
    sqlite3_bind_null(design, 2);
    sqlite3_bind_text(design, 3, hex, -1, SQLITE_STATIC);
    sqlite3_bind_text(design, 4, db_state_names[t.state], -1, SQLITE_STATIC);
    sqlite3_bind_text(design, 5, t.violated, -1, SQLITE_STATIC);
    sqlite3_bind_null(design, 6);
    sqlite3_bind_int64(design, 7, (int64_t)t.eval_us);
    sqlite3_bind_null(design, 8);
    for (int k = 0; k < COLUMNS; k++) {
        if (v[k].type == DB_REAL) {
            sqlite3_bind_double(design, 9 + k, v[k].u.d);
        } else if (v[k].type == DB_INTEGER) {
            sqlite3_bind_int64(design, 9 + k, v[k].u.i);
        } else {
            sqlite3_bind_text(design, 9 + k, v[k].u.s, -1, SQLITE_STATIC);
        }
    }
    sqlite3_step(design);
    sqlite3_reset(design);
    if (!trial) {
        return;
    }
    sqlite3_bind_int64(trial, 1, i);
    sqlite3_bind_int64(trial, 2, i);
    sqlite3_bind_null(trial, 3);
    sqlite3_bind_int64(trial, 4, t.generation);
    sqlite3_bind_text(trial, 5, t.proposed_by, -1, SQLITE_STATIC);
    sqlite3_step(trial);
    sqlite3_reset(trial);
}

static double bare(const char *path, int64_t n, bool with_trials)
{
    struct err err = ERR_INIT;
    struct strbuf text = STRBUF_INIT;
    struct db *db = create(path);
    db_schema_insert_design(db, &text);
    sqlite3 *sql;
    sqlite3_stmt *design, *trial = NULL;
    if (db_close(db, &err) || db_sql_open(path, SQLITE_OPEN_READWRITE, &sql, &err) ||
        db_sql_exec(sql, path, "PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=4000", &err) ||
        db_sql_prepare(sql, path, text.buf, &design, &err) ||
        (with_trials && db_sql_prepare(sql, path,
                                       "INSERT INTO trials(number, design, run_id, "
                                       "generation, proposed_by) VALUES(?,?,?,?,?)",
                                       &trial, &err))) {
        die(&err);
    }
    double start = clock_wall_s();
    for (int64_t i = 0; i < n; i++) {
        if (i % 1000 == 0) {
            sqlite3_exec(sql, i ? "COMMIT; BEGIN IMMEDIATE" : "BEGIN IMMEDIATE", NULL, NULL, NULL);
        }
        bare_row(design, trial, i);
    }
    sqlite3_exec(sql, "COMMIT", NULL, NULL, NULL);
    double seconds = clock_wall_s() - start;
    sqlite3_finalize(design);
    sqlite3_finalize(trial);
    sqlite3_close(sql);
    strbuf_release(&text);
    remove(path);
    return seconds;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median3(double *x)
{
    qsort(x, 3, sizeof *x, by_value);
    return x[1];
}

static void verdict(bool met)
{
    printf("   %s\n", met ? "met" : "MISSED");
}

static void bench_store(void)
{
    const int64_t n = 100000;
    char path[96];
    double ours[3], rows[3], both[3];
    path_of(path, "store.db");
    for (int k = 0; k < 3; k++) {
        struct db *db = create(path);
        ours[k] = (double)n / store(db, 0, n);
        db_close(db, NULL);
        remove(path);
        rows[k] = (double)n / bare(path, n, false);
        both[k] = (double)n / bare(path, n, true);
    }
    double a = median3(ours), b = median3(rows), c = median3(both);
    printf("store      %8.0f trials/s, 20 columns, %lld of them (target 20,000)", a, (long long)n);
    verdict(a >= 20000.0);
    printf("  bare     %8.0f/s table designs alone: ratio %.2f (target 0.70)", b, a / b);
    verdict(a >= 0.7 * b);
    printf("  bare     %8.0f/s designs and trials:  ratio %.2f\n", c, a / c);
    printf("  Optuna   %8.1f/s: %.0f times faster (target 1,000)", 10.8, a / 10.8);
    verdict(a >= 1000.0 * 10.8);
}

static void bench_durable(void)
{
    char path[96];
    path_of(path, "durable.db");
    struct db *db = create(path);
    db_tune(db, &(struct db_tuning){.durable = true});
    printf("durable    %8.0f trials/s, every group synced\n", 20000.0 / store(db, 0, 20000));
    db_close(db, NULL);
    remove(path);
}

static void bench_replay(void)
{
    const int64_t n = 100000;
    char path[96];
    struct err err = ERR_INIT;
    struct db_trial t;
    path_of(path, "replay.db");
    struct db *db = create(path);
    store(db, 0, n);
    db_close(db, NULL);
    double start = clock_wall_s(), start_cpu = clock_process_s();
    db = db_open(path, DB_READ, &err);
    struct db_cursor *c = db_trials(db, 0, &err);
    double sum = 0.0;
    int64_t count = 0;
    while (db_next(c, &t, &err) == 1) {
        sum += t.values[0].u.d;
        count++;
    }
    double wall = clock_wall_s() - start, load_cpu = clock_process_s() - start_cpu;
    db_cursor_free(c);
    printf("replay     %8.3f s for %lld trials, every value (sum %.3g; target 0.3)", wall, (long long)count, sum);
    verdict(wall < 0.3 && count == n);
    start_cpu = clock_process_s();
    int64_t *numbers, front = db_front(db, &numbers, &err);
    double front_cpu = clock_process_s() - start_cpu;
    mem_free(numbers);
    printf("  Optuna   90.0 CPU s: %.0f times faster (target 1,000)", 90.0 / load_cpu);
    verdict(90.0 / load_cpu >= 1000.0);
    printf("front      %8.2e s for %lld designs of %lld; Optuna 17.2 CPU s: %.0f times "
           "faster (target 1,000)",
           front_cpu, (long long)front, (long long)n, 17.2 / front_cpu);
    verdict(17.2 / front_cpu >= 1000.0);
    db_close(db, NULL);
    remove(path);
}

static void bench_lookups(void)
{
    const int64_t n = 200000;
    char path[96];
    struct err err = ERR_INIT;
    char value[200] = "a mapping";
    path_of(path, "cache.db");
    struct db *db = create(path);
    double start = clock_wall_s();
    for (int64_t i = 0; i < n; i++) {
        db_cache_put(db, DB_MAPPINGS, hash_bytes(&i, sizeof i), value, sizeof value, &err);
    }
    if (db_flush(db, &err)) {
        die(&err);
    }
    printf("cache put  %8.0f/s, 200 bytes each\n", (double)n / (clock_wall_s() - start));
    uint64_t s = 7;
    int64_t found = 0;
    start = clock_wall_s();
    for (int64_t i = 0; i < n; i++) {
        int64_t k = (int64_t)(noise(&s) * 1.25 * (double)n);
        void *p;
        size_t size;
        found += db_cache_get(db, DB_MAPPINGS, hash_bytes(&k, sizeof k), &p, &size, &err);
        mem_free(p);
    }
    double rate = (double)n / (clock_wall_s() - start);
    printf("lookups    %8.0f/s in %lld entries, %.0f%% hits (target 50,000)", rate, (long long)n,
           100.0 * (double)found / (double)n);
    verdict(rate >= 50000.0);
    db_close(db, NULL);
    remove(path);
}

/* ---- a large file ---- */

static int count_row(void *ctx, const struct db_row *row)
{
    (void)row;
    (*(int64_t *)ctx)++;
    return 0;
}

static double ask(const char *path, const struct db_query *q, int64_t *rows)
{
    struct err err = ERR_INIT;
    double start = clock_wall_s();
    *rows = 0;
    struct db *db = db_open(path, DB_READ, &err);
    if (!db || db_query(db, q, count_row, rows, &err)) {
        die(&err);
    }
    db_close(db, NULL);
    return clock_wall_s() - start;
}

static double peak_mb(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)u.ru_maxrss / 1024.0;
}

static void bench_questions(const char *path)
{
    static const struct db_objective o[] = {
        {"energy_j", false}, {"latency_s", false}, {"area_mm2", false}, {"accuracy_drop", false}};
    struct err err = ERR_INIT;
    struct db_status s;
    struct db_value limit = db_real(2.0);
    int64_t rows;
    double start = clock_wall_s();
    struct db *db = db_open(path, DB_READ, &err);
    if (!db || db_status(db, &s, &err)) {
        die(&err);
    }
    double seconds = clock_wall_s() - start;
    printf("status     %8.4f s, front %lld, file %.0f MB (target 0.2)", seconds, (long long)s.front,
           1e-6 * (double)s.file_bytes);
    verdict(seconds < 0.2);
    db_status_release(&s);
    db_close(db, NULL);
    seconds = ask(path, &(struct db_query){.objectives = o, .n_objectives = 3}, &rows);
    printf("pareto     %8.4f s, the study's own 3 objectives: %lld designs\n", seconds, (long long)rows);
    seconds = ask(path,
                  &(struct db_query){
                      .objectives = o, .n_objectives = 2, .where = "area_mm2 <= ?", .params = &limit, .n_params = 1},
                  &rows);
    printf("pareto     %8.4f s, 2 objectives, 1 constraint: %lld designs (target 1)", seconds, (long long)rows);
    verdict(seconds < 1.0);
    seconds = ask(path, &(struct db_query){.objectives = o, .n_objectives = 4}, &rows);
    printf("pareto     %8.4f s, 4 objectives: %lld designs (target 5)", seconds, (long long)rows);
    verdict(seconds < 5.0);
    printf("memory     %8.0f MB at most (target 500)", peak_mb());
    verdict(peak_mb() < 500.0);
}

static void bench_large(void)
{
    const char *size = getenv("DOVETAIL_BENCH_DESIGNS");
    int64_t n = size ? strtoll(size, NULL, 10) : 1000000;
    char path[96];
    path_of(path, "large.db");
    struct db *db = create(path);
    double seconds = store(db, 0, n);
    db_close(db, NULL);
    printf("large file %8.0f trials/s on average over %lld\n", (double)n / seconds, (long long)n);
    pid_t child = fork(); /* so that the peak of memory is that of the questions */
    if (!child) {
        bench_questions(path);
        exit(0);
    }
    waitpid(child, NULL, 0);
    remove(path);
}

/* ---- readers beside a search ---- */

/* A search of 8,000 evaluations of 100 us each on this thread. Seconds. */
static double searched(const char *path)
{
    struct err err = ERR_INIT;
    struct db_value v[COLUMNS];
    struct db *db = create(path);
    double start = clock_wall_s();
    for (int64_t i = 0; i < 8000; i++) {
        for (double until = clock_thread_s() + 1e-4; clock_thread_s() < until;) {
        }
        struct db_trial t = make_trial(i, v);
        if (db_put_trial(db, &t, &err)) {
            die(&err);
        }
    }
    if (db_flush(db, &err)) {
        die(&err);
    }
    double seconds = clock_wall_s() - start;
    db_close(db, NULL);
    remove(path);
    return seconds;
}

/* Asks for a front twice a second until it is killed. */
static void poll(const char *path)
{
    static const struct db_objective o[] = {{"energy_j", false}, {"latency_s", false}};
    struct db_value limit = db_real(2.0);
    for (;;) {
        int64_t rows;
        usleep(500000);
        if (!access(path, F_OK)) {
            ask(path,
                &(struct db_query){
                    .objectives = o, .n_objectives = 2, .where = "area_mm2 <= ?", .params = &limit, .n_params = 1},
                &rows);
        }
    }
}

static void bench_readers(void)
{
    enum { READERS = 8 };
    char path[96];
    double alone[3], watched[3];
    path_of(path, "watched.db");
    for (int k = 0; k < 3; k++) {
        pid_t child[READERS];
        alone[k] = searched(path);
        for (int i = 0; i < READERS; i++) {
            child[i] = fork();
            if (!child[i]) {
                poll(path);
            }
        }
        watched[k] = searched(path);
        for (int i = 0; i < READERS; i++) {
            kill(child[i], SIGKILL);
            waitpid(child[i], NULL, 0);
        }
    }
    double a = median3(alone), b = median3(watched);
    printf("readers    %8.3f s for 8,000 evaluations alone, %.3f s with %d readers asking for a front twice a second: "
           "%+.1f%% (target 10%%)",
           a, b, READERS, 100.0 * (b / a - 1.0));
    verdict(b < 1.1 * a);
}

int main(void)
{
    const char *base = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%.40s/dbbenchXXXXXX", base ? base : "/tmp");
    if (!mkdtemp(folder)) {
        perror(folder);
        return 1;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    make_layout();
    bench_store();
    bench_durable();
    bench_replay();
    bench_lookups();
    bench_readers();
    bench_large();
    rmdir(folder);
    return 0;
}
