/* kill -9 at random moments: the file stays whole, nothing acknowledged is lost, and continuing ends at the same trials. A child writes with
 * groups of random size and says in shared memory what is acknowledged; the parent kills it. DOVETAIL_KILLS=200 makes it long. */
#include "db/db_private.h"
#include "tests/db_fixture.h"
#include "tests/run_suite.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TRIALS = 200000 };

struct shared {
    volatile int64_t acknowledged; /* trials */
    volatile int64_t cached;
};

static uint64_t state = 12345;

static uint64_t next(void)
{
    state = state * 6364136223846793005U + 1442695040888963407U;
    return state >> 33;
}

static int64_t entries_of(int64_t trials)
{
    return trials / 4;
}

/* Never returns but by being killed, or when all is put. */
static void write_until_killed(const char *path, struct shared *shared, int commit_rows, bool durable)
{
    struct err err = ERR_INIT;
    struct db *db = db_open(path, DB_WRITE, &err);
    struct db_run run = {.command = "crash", .threads = 1};
    struct db_tuning tuning = {.commit_rows = commit_rows, .commit_ms = 2, .durable = durable};
    if (!db) {
        fprintf(stderr, "%s\n", err.text);
        _exit(1);
    }
    db_tune(db, &tuning);
    if (db_begin_run(db, &run, &err)) {
        fprintf(stderr, "%s\n", err.text);
        _exit(2);
    }
    /* Trial n is put after the entries of trial n - 1: those are there. */
    int64_t key = entries_of(db_queued(db) > 1 ? db_queued(db) - 2 : 0);
    for (int64_t i = db_queued(db); i < TRIALS; i++) {
        fix_put(db, i, i + 1);
        for (; key < entries_of(i); key++) {
            db_cache_put(db, DB_EVALUATIONS, hash_bytes(&key, sizeof key), &key, sizeof key, &err);
        }
        shared->acknowledged = db_stored(db);
        if (i % 1000 == 999) {
            if (db_flush(db, &err)) {
                fprintf(stderr, "%s\n", err.text);
                _exit(3);
            }
            shared->acknowledged = i + 1;
            shared->cached = key;
        }
    }
    _exit(db_close(db, &err) ? 4 : 0);
}

static void integrity(const char *path)
{
    sqlite3 *sql;
    sqlite3_stmt *stmt;
    ck_assert_int_eq(sqlite3_open(path, &sql), SQLITE_OK);
    ck_assert_int_eq(sqlite3_prepare_v2(sql, "PRAGMA integrity_check", -1, &stmt, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(stmt), SQLITE_ROW);
    ck_assert_str_eq((const char *)sqlite3_column_text(stmt, 0), "ok");
    sqlite3_finalize(stmt);
    sqlite3_close(sql);
}

static int count_entry(void *ctx, struct hash key, const void *value, size_t n)
{
    int64_t i = (*(int64_t *)ctx)++;
    return n != sizeof i || memcmp(value, &i, n) || !hash_equal(key, hash_bytes(&i, sizeof i));
}

/* Everything in the file is right, and at least what was acknowledged is there. Returns the trials. */
static int64_t inspect(const char *path, const struct shared *shared)
{
    struct err err = ERR_INIT;
    struct db_status s;
    integrity(path);
    struct db *db = db_open(path, DB_READ, &err);
    ck_assert_msg(db != NULL, "%s", err.text);
    int64_t trials = fix_verify(db), entries = 0;
    ck_assert_int_ge(trials, shared->acknowledged);
    ck_assert_int_eq(db_cache_load(db, DB_EVALUATIONS, count_entry, &entries, &err), 0);
    ck_assert_int_ge(entries, shared->cached);
    ck_assert_int_eq(db_status(db, &s, &err), 0);
    ck_assert_int_eq(s.trials, trials);
    ck_assert_int_eq(s.cached[DB_EVALUATIONS], entries);
    int64_t designs, front;
    ck_assert_int_eq(db_sql_integer(db->read, path, "SELECT count(*) FROM designs", 0, &designs, &err), 0);
    ck_assert_int_eq(s.designs, designs);
    /* The stored front is what a scan finds. */
    ck_assert_int_eq(db_sql_integer(db->read, path,
                                    "SELECT count(*) FROM designs a WHERE rank = 0 AND EXISTS (SELECT 1 FROM"
                                    " designs b WHERE b.rank = 0 AND b.id <> a.id AND b.energy_j <= a.energy_j"
                                    " AND b.latency_s <= a.latency_s AND b.accuracy >= a.accuracy)",
                                    0, &front, &err),
                     0);
    ck_assert_int_eq(front, 0);
    db_status_release(&s);
    ck_assert_int_eq(db_close(db, &err), 0);
    return trials;
}

START_TEST(killed_at_random)
{
    const char *more = getenv("DOVETAIL_KILLS");
    int kills = more ? (int)strtol(more, NULL, 10) : 12, done = 0, early = 0;
    struct fix fix;
    struct err err = ERR_INIT;
    fix_begin(&fix);
    struct shared *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(shared, MAP_FAILED);
    int64_t trials = 0, last = 0;
    while (done < kills) {
        if (trials == 0) {
            db_close(db_create(fix.path, &fix_layout, &err), &err);
            shared->acknowledged = shared->cached = last = 0;
        }
        int rows = 1 << next() % 11;
        pid_t child = fork();
        if (!child) {
            write_until_killed(fix.path, shared, rows, next() % 8 == 0);
        }
        usleep((useconds_t)(2000 + next() % 60000));
        kill(child, SIGKILL);
        int status;
        waitpid(child, &status, 0);
        ck_assert(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
        trials = inspect(fix.path, shared);
        ck_assert_int_ge(trials, last);
        early += trials == last;
        last = trials;
        done++;
        if (trials > 30000) { /* a fresh file now and then */
            remove(fix.path);
            trials = 0;
        }
    }
    munmap(shared, sizeof *shared);
    fix_end(&fix);
    ck_assert_int_lt(early, kills);
    printf("killed %d writers (%d before their first commit)\n", done, early);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("db_crash");
    TCase *t = tcase_create("all");
    tcase_set_timeout(t, 600);
    tcase_add_test(t, killed_at_random);
    suite_add_tcase(s, t);
    return run_suite(s, CK_FORK_GETENV);
}
