/* Caches: round trip, loading, alarm, and one file for several processes. */
#include "base/mem.h"
#include "tests/db_case.h"
#include "tests/run_suite.h"

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct hash key_of(int i)
{
    return hash_bytes(&i, sizeof i);
}

/* Entry i: i % 50 bytes of the letter i % 26. */
static size_t value_of(int i, char value[50])
{
    memset(value, 'a' + i % 26, 50);
    return (size_t)(i % 50);
}

static void put(struct db *db, enum db_cache cache, int from, int to)
{
    char value[50];
    for (int i = from; i < to; i++) {
        size_t n = value_of(i, value);
        ck_assert_int_eq(db_cache_put(db, cache, key_of(i), value, n, &err), 0);
    }
}

struct loaded {
    int n;
    int from;
};

static int check_entry(void *ctx, struct hash key, const void *value, size_t n)
{
    struct loaded *l = ctx;
    char expected[50];
    int i = l->from + l->n++;
    return !hash_equal(key, key_of(i)) || n != value_of(i, expected) || (n && memcmp(value, expected, n));
}

START_TEST(round_trip)
{
    struct db *db = db_create(fix.path, &fix_layout, &err);
    put(db, DB_EVALUATIONS, 0, 1000);
    put(db, DB_MAPPINGS, 500, 800);
    fix_put(db, 0, 5);
    ck_assert_int_eq(db_close(db, &err), 0);
    db = db_open(fix.path, DB_WRITE, &err);
    struct loaded e = {0, 0}, m = {0, 500};
    ck_assert_int_eq(db_cache_load(db, DB_EVALUATIONS, check_entry, &e, &err), 0);
    ck_assert_int_eq(db_cache_load(db, DB_MAPPINGS, check_entry, &m, &err), 0);
    ck_assert_int_eq(e.n, 1000);
    ck_assert_int_eq(m.n, 300);
    for (int i = 0; i < 1000; i++) {
        char expected[50];
        void *value;
        size_t n;
        ck_assert_int_eq(db_cache_get(db, DB_EVALUATIONS, key_of(i), &value, &n, &err), 1);
        ck_assert_uint_eq(n, value_of(i, expected));
        ck_assert(!n || !memcmp(value, expected, n));
        mem_free(value);
        ck_assert_int_eq(db_cache_get(db, DB_MAPPINGS, key_of(i), &value, &n, &err), i >= 500 && i < 800);
        mem_free(value);
    }
    put(db, DB_EVALUATIONS, 900, 1100); /* 100 of them are known: the same */
    ck_assert_int_eq(db_flush(db, &err), 0);
    struct db_status s;
    ck_assert_int_eq(db_status(db, &s, &err), 0);
    ck_assert_int_eq(s.cached[DB_EVALUATIONS], 1100);
    ck_assert_int_eq(s.cached[DB_MAPPINGS], 300);
    db_status_release(&s);
    ck_assert_int_eq(db_cache_put(db, DB_MAPPINGS, key_of(600), "other", 5, &err), 0);
    ck_assert_int_eq(db_flush(db, &err), -1);
    ck_assert_int_eq(err.code, ERR_BUG);
    ck_assert_ptr_nonnull(strstr(err.text, "mapping cache has another value"));
    db_close(db, NULL);
}
END_TEST

/* Processes put overlapping ranges into one file, all at once, all making it. */
START_TEST(shared_by_processes)
{
    enum { PROCESSES = 6, EACH = 400, STEP = 200 };
    pid_t child[PROCESSES];
    for (int p = 0; p < PROCESSES; p++) {
        child[p] = fork();
        if (!child[p]) {
            struct db *db = db_open_cache(fix.path, &err);
            if (!db) {
                fprintf(stderr, "%s\n", err.text);
                _exit(1);
            }
            struct db_tuning t = {.commit_rows = 10};
            db_tune(db, &t);
            put(db, DB_EVALUATIONS, p * STEP, p * STEP + EACH);
            int rc = db_close(db, &err);
            fputs(err.text, stderr);
            _exit(rc ? 2 : 0);
        }
    }
    for (int p = 0; p < PROCESSES; p++) {
        int status;
        waitpid(child[p], &status, 0);
        ck_assert_int_eq(status, 0);
    }
    struct db *db = db_open_cache(fix.path, &err);
    ck_assert_msg(db != NULL, "%s", err.text);
    int n = (PROCESSES - 1) * STEP + EACH;
    for (int i = 0; i <= n; i++) {
        void *value;
        size_t size;
        ck_assert_int_eq(db_cache_get(db, DB_EVALUATIONS, key_of(i), &value, &size, &err), i < n);
        mem_free(value);
    }
    ck_assert_int_eq(db_close(db, &err), 0);
    ck_assert_ptr_null(db_open(fix.path, DB_READ, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "is a cache shared between studies"));
}
END_TEST

START_TEST(a_study_is_no_cache)
{
    db_close(db_create(fix.path, &fix_layout, &err), &err);
    ck_assert_ptr_null(db_open_cache(fix.path, &err));
    ck_assert_int_eq(err.code, ERR_DATA);
    ck_assert_ptr_nonnull(strstr(err.text, "is a study, not a shared cache"));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("db_cache");
    TCase *t = tcase_create("all");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, round_trip);
    tcase_add_test(t, shared_by_processes);
    tcase_add_test(t, a_study_is_no_cache);
    suite_add_tcase(s, t);
    return run_suite(s, CK_FORK_GETENV);
}
