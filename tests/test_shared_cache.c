/* A damaged entry of a cache file is not known, whatever bytes it has; what is put in its place stays. */
#include "base/mem.h"
#include "experiments/shared_cache.h"
#include "tests/db_case.h"
#include "tests/run_suite.h"

#include <check.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

enum { ENTRIES = 3, OPS = 2 }; /* metrics, a design that cannot be mapped, one that cannot be built; operators */

static struct hash key_of(int i)
{
    return hash_bytes(&i, sizeof i);
}

static void metrics_of(double metric[METRIC_COUNT])
{
    for (int i = 0; i < METRIC_COUNT; i++) {
        metric[i] = 1.5 * i;
    }
}

static struct err failure_of(int i)
{
    struct err e = ERR_INIT;
    int rc = i == 1 ? err_set(&e, ERR_NO, "no mapping of 'conv1'") : err_set(&e, ERR_DATA, "operands are too wide");
    ck_assert_int_eq(rc, -1);
    return e;
}

static void put_all(struct db *cache, struct memo *memo)
{
    double metric[METRIC_COUNT];
    metrics_of(metric);
    for (int i = 0; i < ENTRIES; i++) {
        struct err e = i > 0 ? failure_of(i) : (struct err)ERR_INIT;
        shared_cache_put(cache, key_of(i), metric, i > 0 ? &e : NULL);
    }
    for (int i = 0; i < OPS; i++) {
        struct op_cost op;
        memset(&op, 0, sizeof op);
        op.fits = 1;
        op.cycles = 100 + i;
        memo_put(memo, key_of(i), &op);
    }
}

/* How many entries are known, all of which must be right. */
static int count_known(struct db *cache, struct memo *memo)
{
    int known = 0;
    for (int i = 0; i < ENTRIES; i++) {
        double metric[METRIC_COUNT], right[METRIC_COUNT];
        struct err e = ERR_INIT;
        metrics_of(right);
        int rc = shared_cache_get(cache, key_of(i), metric, &e);
        if (rc == 0) {
            ck_assert_int_eq(e.code, ERR_NONE);
            continue;
        }
        known++;
        ck_assert_int_eq(rc, i == 0 ? 1 : -1);
        ck_assert(i > 0 || memcmp(metric, right, sizeof right) == 0);
        ck_assert(i == 0 || (e.code == failure_of(i).code && strcmp(e.text, failure_of(i).text) == 0));
    }
    for (int i = 0; i < OPS; i++) {
        struct op_cost op;
        if (memo_get(memo, key_of(i), &op)) {
            known++;
            ck_assert(op.fits == 1 && op.cycles >= 100 + i && op.cycles <= 100 + i);
        }
    }
    return known;
}

static void run_sql(const char *text)
{
    sqlite3 *sql;
    char *why = NULL;
    ck_assert_int_eq(sqlite3_open(fix.path, &sql), SQLITE_OK);
    ck_assert_msg(sqlite3_exec(sql, text, NULL, NULL, &why) == SQLITE_OK, "%s: %s", text, why);
    sqlite3_close(sql);
}

/* Opens the file, looks, puts everything as a search would, and looks again. */
static void check_file(int expected)
{
    for (int pass = 0; pass < 2; pass++) {
        struct db *cache = db_open_cache(fix.path, &err);
        ck_assert_msg(cache != NULL, "%s", err.text);
        struct memo *memo = shared_cache_memo(cache, 1 << 16);
        ck_assert_int_eq(count_known(cache, memo), pass == 0 ? expected : ENTRIES + OPS);
        if (pass == 0) {
            put_all(cache, memo);
        }
        memo_free(memo);
        ck_assert_msg(db_close(cache, &err) == 0, "%s", err.text);
    }
}

static const char *const damage[] = {
    "x'580061'", /* an error without a code, as the format was before */
    "x'587f61'",
    "x'58ff61'",
    "x'4d'",
    "x''",
    "zeroblob(16)",
    "zeroblob(100000)",
    "substr(value, 1, length(value) - 1)",
    "substr(value, 1, 15)",
    "CAST(value || x'00' AS BLOB)",
    "(SELECT value FROM evaluation_cache ORDER BY rowid DESC LIMIT 1)", /* another entry's */
};

START_TEST(damaged_entries_are_not_known)
{
    const int n = sizeof damage / sizeof *damage;
    check_file(0);
    for (int i = 0; i < n; i++) {
        char text[400];
        bool other = i == n - 1; /* one entry then has its own */
        snprintf(text, sizeof text,
                 "UPDATE mapping_cache SET value = %s; "
                 "UPDATE evaluation_cache SET value = %s",
                 damage[i], damage[i]);
        run_sql(text);
        check_file(other ? 1 : 0);
    }
}
END_TEST

/* One byte of every entry at a time. */
START_TEST(flipped_bytes)
{
    check_file(0);
    for (int at = 1; at < 60; at++) {
        char text[400];
        snprintf(text, sizeof text,
                 "UPDATE evaluation_cache SET value = CAST(substr(value, 1, %d) || x'fe' || substr(value, %d) AS BLOB) "
                 "WHERE length(value) > %d AND substr(value, %d, 1) <> x'fe'",
                 at - 1, at + 1, at, at);
        run_sql(text);
        struct db *cache = db_open_cache(fix.path, &err);
        struct memo *memo = shared_cache_memo(cache, 1 << 16);
        int known = count_known(cache, memo);
        ck_assert_int_le(known, ENTRIES + OPS - 1);
        put_all(cache, memo);
        memo_free(memo);
        ck_assert_msg(db_close(cache, &err) == 0, "%s", err.text);
    }
    check_file(ENTRIES + OPS);
}
END_TEST

START_TEST(counts_stay_right)
{
    check_file(0);
    run_sql("UPDATE evaluation_cache SET value = x'58'");
    check_file(OPS);
    /* fails where they differ */
    run_sql("CREATE TEMP TABLE t(ok CHECK(ok)); INSERT INTO t SELECT n = (SELECT count(*) FROM evaluation_cache) FROM "
            "counts "
            "WHERE what = 'evaluation_cache'; INSERT INTO t SELECT count(*) = 1 FROM counts WHERE what = "
            "'evaluation_cache'");
}
END_TEST

START_TEST(what_is_no_cache)
{
    FILE *f = fopen(fix.path, "w");
    ck_assert_ptr_nonnull(f);
    for (int i = 0; i < 5000; i++) {
        fputs("no database ", f);
    }
    fclose(f);
    ck_assert_ptr_null(db_open_cache(fix.path, &err));
    ck_assert(strstr(err.text, fix.path) != NULL);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("shared_cache");
    TCase *tc = tcase_create("shared_cache");
    tcase_set_timeout(tc, 0);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, damaged_entries_are_not_known);
    tcase_add_test(tc, flipped_bytes);
    tcase_add_test(tc, counts_stay_right);
    tcase_add_test(tc, what_is_no_cache);
    suite_add_tcase(s, tc);
    return run_suite(s, CK_FORK_GETENV);
}
