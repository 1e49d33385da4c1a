/* Every open, read, write, sync, truncate and sharing of memory fails once in turn, or from then on (a disk that is full stays full): no crash,
 * no wrong answer, a clear error of the right code; afterwards the file opens, holds everything acknowledged, and can be continued. */
#include "base/mem.h"
#include "db/db_private.h"
#include "db/db_tools.h"
#include "tests/db_fixture.h"
#include "tests/fault_vfs.h"
#include "tests/run_suite.h"

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { TRIALS = 120, STEP = 30 };

static int64_t acknowledged;
static bool created;

/* -1 and err at the first thing that fails. */
static int put_some(struct db *db, int64_t from, int64_t to, struct err *err)
{
    struct db_value v[FIX_COLUMNS];
    for (int64_t i = from; i < to; i++) {
        struct db_trial t = fix_trial(i, v);
        if (db_put_trial(db, &t, err) ||
            db_cache_put(db, DB_EVALUATIONS, hash_bytes(&i, sizeof i), &i, sizeof i, err)) {
            return -1;
        }
    }
    return 0;
}

static int count_row(void *ctx, const struct db_row *row)
{
    (void)row;
    (*(int64_t *)ctx)++;
    return 0;
}

/* Questions in the middle: right or an error, never wrong. */
static int ask(struct db *db, int64_t stored, struct err *err)
{
    struct db_status s;
    struct hash hash;
    struct db_value v[FIX_COLUMNS];
    struct db_trial t = fix_trial(0, v);
    char hex[HASH_HEX];
    int64_t number, rows = 0;
    hash_hex(t.hash, hex);
    if (db_status(db, &s, err)) {
        return -1;
    }
    int64_t trials = s.trials, designs = s.designs;
    db_status_release(&s);
    ck_assert_int_eq(trials, stored);
    if (db_find(db, hex, &hash, &number, err) ||
        db_query(db, &(struct db_query){.all_states = true}, count_row, &rows, err)) {
        return -1;
    }
    ck_assert_int_eq(rows, designs);
    ck_assert_int_eq(number, 0);
    return 0;
}

static int work(struct db *db, struct err *err)
{
    struct db_run run = {.command = "fault", .threads = 1};
    struct db_tuning tuning = {.commit_ms = 10000, .sync_rows = 2 * STEP};
    db_tune(db, &tuning);
    if (db_begin_run(db, &run, err)) {
        return -1;
    }
    for (int64_t i = db_queued(db); i < TRIALS; i += STEP) {
        int64_t to = i + STEP < TRIALS ? i + STEP : TRIALS;
        if (put_some(db, i, to, err) || db_flush(db, err)) {
            return -1;
        }
        acknowledged = to;
        if (ask(db, to, err)) {
            return -1;
        }
    }
    return db_end_run(db, DB_EXIT_DONE, err);
}

static int scenario(const char *path, struct err *err)
{
    struct db *db = db_create(path, &fix_layout, err);
    acknowledged = 0;
    created = db != NULL;
    if (!db) {
        return -1;
    }
    int rc = work(db, err);
    int closed = db_close(db, rc ? NULL : err);
    if (rc || closed) {
        return -1;
    }
    db = db_open(path, DB_READ, err);
    rc = db ? ask(db, TRIALS, err) : -1;
    db_close(db, NULL);
    struct db_gc_report r;
    return rc || db_gc(path, false, &r, err) ? -1 : 0;
}

static void check_error(const struct err *err)
{
    ck_assert_msg(err->code == ERR_IO || err->code == ERR_DATA, "code %d: %s", (int)err->code, err->text);
    ck_assert_ptr_nonnull(strstr(err->text, "study.db"));
}

/* All that was acknowledged is there, and the rest can be done. */
static void check_file(const char *path)
{
    struct err err = ERR_INIT;
    int64_t bad;
    if (!created) {
        ck_assert_int_ne(access(path, F_OK), 0);
        return;
    }
    struct db *db = db_open(path, DB_WRITE, &err);
    ck_assert_msg(db != NULL, "%s", err.text);
    ck_assert_int_ge(fix_verify(db), acknowledged);
    ck_assert_msg(!work(db, &err), "%s", err.text);
    ck_assert_int_eq(fix_verify(db), TRIALS);
    ck_assert_int_eq(db_sql_integer(db->read, path,
                                    "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'", 0,
                                    &bad, &err),
                     0);
    ck_assert_int_eq(bad, 0);
    ck_assert_int_eq(db_close(db, &err), 0);
}

/* Returns whether the fault was met. */
static bool once(enum fault_kind kind, int n, int code, bool stay)
{
    struct fix fix;
    struct err err = ERR_INIT;
    fix_begin(&fix);
    fault_set(kind, n, code, stay);
    int rc = scenario(fix.path, &err);
    bool met = fault_hits() > 0;
    fault_set(kind, 0, 0, false);
    if (rc) {
        ck_assert_msg(met, "without a fault: %s", err.text);
        check_error(&err);
    }
    check_file(fix.path);
    fix_end(&fix);
    return met;
}

static void all_of(enum fault_kind kind, int code, bool stay)
{
    int n = 1;
    while (once(kind, n, code, stay)) {
        n++;
    }
    printf("%-8s failed at every one of %d places%s (SQLite code %d)\n", fault_names[kind], n - 1,
           stay ? ", and stayed so" : "", code);
}

START_TEST(opens)
{
    all_of(FAULT_OPEN, SQLITE_CANTOPEN, false);
}
END_TEST

START_TEST(reads)
{
    all_of(FAULT_READ, SQLITE_IOERR_READ, false);
}
END_TEST

START_TEST(writes)
{
    all_of(FAULT_WRITE, SQLITE_IOERR_WRITE, false);
    all_of(FAULT_WRITE, SQLITE_FULL, true);
}
END_TEST

START_TEST(syncs)
{
    all_of(FAULT_SYNC, SQLITE_IOERR_FSYNC, false);
    all_of(FAULT_TRUNCATE, SQLITE_IOERR_TRUNCATE, false);
    all_of(FAULT_SHARE, SQLITE_IOERR_SHMMAP, false);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("db_fault");
    TCase *t = tcase_create("all");
    fault_install();
    tcase_set_timeout(t, 120);
    tcase_add_test(t, opens);
    tcase_add_test(t, reads);
    tcase_add_test(t, writes);
    tcase_add_test(t, syncs);
    suite_add_tcase(s, t);
    return run_suite(s, CK_FORK_GETENV);
}
