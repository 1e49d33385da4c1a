/* Trials in and out: bits, order, alarms, duplicates, prefix lookup, replay speed is bench_db's. */
#include "base/mem.h"
#include "tests/db_case.h"
#include "tests/run_suite.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static struct db *create(void)
{
    struct db *db = db_create(fix.path, &fix_layout, &err);
    ck_assert_msg(db != NULL, "%s", err.text);
    return db;
}

static struct db *open_again(enum db_mode mode)
{
    struct db *db = db_open(fix.path, mode, &err);
    ck_assert_msg(db != NULL, "%s", err.text);
    return db;
}

START_TEST(every_bit_comes_back)
{
    struct db *db = create();
    fix_put(db, 0, 5000);
    ck_assert_int_eq(db_flush(db, &err), 0);
    ck_assert_int_eq(db_stored(db), 5000);
    ck_assert_int_eq(fix_verify(db), 5000);
    ck_assert_int_eq(db_close(db, &err), 0);
    db = open_again(DB_READ);
    ck_assert_int_eq(db_stored(db), 5000);
    ck_assert_int_eq(fix_verify(db), 5000);
    ck_assert_str_eq(db_meta(db, "name"), "fixture");
    ck_assert_ptr_null(db_meta(db, "nothing"));
    const struct db_column *c;
    ck_assert_int_eq(db_columns(db, &c), FIX_COLUMNS);
    ck_assert_str_eq(c[FIX_EDP].sql, "energy_j * latency_s");
    ck_assert_int_eq(c[FIX_ACCURACY].objective, 3);
    ck_assert_int_eq(db_column(db, "clock_hz"), FIX_CLOCK);
    ck_assert_int_eq(db_close(db, &err), 0);
    printf("checked 5000 trials, every bit, twice\n");
}
END_TEST

START_TEST(continuing_compares_what_is_there)
{
    struct db *db = create();
    fix_put(db, 0, 300);
    ck_assert_int_eq(db_close(db, &err), 0);
    db = open_again(DB_WRITE);
    ck_assert_int_eq(db_queued(db), 300);
    fix_put(db, 0, 600); /* the first 300 again: the same, so nothing happens */
    ck_assert_int_eq(db_flush(db, &err), 0);
    ck_assert_int_eq(fix_verify(db), 600);
    struct db_value v[FIX_COLUMNS];
    struct db_trial t = fix_trial(41, v);
    v[FIX_ENERGY] = db_real(nextafter(v[FIX_ENERGY].u.d, 1.0));
    ck_assert_int_eq(db_put_trial(db, &t, &err), -1);
    ck_assert_int_eq(err.code, ERR_BUG);
    ck_assert_ptr_nonnull(strstr(err.text, "energy_j"));
    ck_assert_ptr_nonnull(strstr(err.text, "not reproducible"));
    ck_assert_int_eq(db_close(db, NULL), 0); /* the alarm stored nothing and broke nothing */
}
END_TEST

START_TEST(a_design_that_changes_is_an_alarm)
{
    struct db *db = create();
    struct db_value v[FIX_COLUMNS];
    fix_put(db, 0, 10);
    struct db_trial t = fix_trial(4, v);
    t.number = 10;
    v[FIX_FLOW] = db_text("other");
    ck_assert_int_eq(db_put_trial(db, &t, &err), 0); /* found by the writer ... */
    ck_assert_int_eq(db_flush(db, &err), -1);        /* ... and told here */
    ck_assert_int_eq(err.code, ERR_BUG);
    ck_assert_ptr_nonnull(strstr(err.text, "dataflow"));
    ck_assert_ptr_nonnull(strstr(err.text, "trial 4 "));
    ck_assert_ptr_nonnull(db_failed(db));
    struct err again = ERR_INIT;
    ck_assert_int_eq(db_close(db, &again), -1); /* never lost */
    ck_assert_int_eq(again.code, ERR_BUG);
}
END_TEST

START_TEST(holes_and_wrong_types_are_refused)
{
    struct db *db = create();
    struct db_value v[FIX_COLUMNS];
    struct db_trial t = fix_trial(1, v);
    ck_assert_int_eq(db_put_trial(db, &t, &err), -1);
    ck_assert_str_eq(err.text, "trial 1 was put where 0 comes next");
    err = (struct err)ERR_INIT;
    t = fix_trial(0, v);
    v[FIX_ROWS] = db_real(1.5);
    ck_assert_int_eq(db_put_trial(db, &t, &err), -1);
    ck_assert_str_eq(err.text, "trial 0: column 'pe_rows' is INTEGER, its value is REAL");
    ck_assert_int_eq(db_close(db, NULL), 0);
}
END_TEST

START_TEST(prefixes)
{
    struct db *db = create();
    fix_put(db, 0, 2000);
    ck_assert_int_eq(db_flush(db, &err), 0);
    struct db_value v[FIX_COLUMNS];
    char hex[HASH_HEX];
    int checked = 0;
    for (int64_t i = 0; i < 2000; i += 7) {
        struct db_trial t = fix_trial(i, v), found;
        struct db_cursor *hold;
        struct hash h;
        int64_t number;
        hash_hex(t.hash, hex);
        hex[12] = '\0';
        ck_assert_msg(!db_find(db, hex, &h, &number, &err), "%s", err.text);
        ck_assert(hash_equal(h, t.hash));
        ck_assert_int_le(number, i);
        ck_assert_int_eq(db_get(db, h, &found, &hold, &err), 1);
        ck_assert_int_eq(found.number, number);
        ck_assert(hash_equal(found.hash, t.hash));
        db_cursor_free(hold);
        checked++;
    }
    struct hash h = {{0}};
    int64_t number;
    struct db_trial t;
    struct db_cursor *hold;
    ck_assert_int_eq(db_get(db, h, &t, &hold, &err), 0);
    ck_assert_ptr_null(hold);
    ck_assert_int_eq(db_find(db, "a", &h, &number, &err), -1);
    ck_assert_int_eq(err.code, ERR_NO);
    ck_assert_ptr_nonnull(strstr(err.text, "several designs"));
    err = (struct err)ERR_INIT;
    ck_assert_int_eq(db_find(db, "0123456789ab", &h, &number, &err), -1);
    ck_assert_int_eq(err.code, ERR_NO);
    err = (struct err)ERR_INIT;
    ck_assert_int_eq(db_find(db, "xyz", &h, &number, &err), -1);
    ck_assert_int_eq(err.code, ERR_USAGE);
    ck_assert_int_eq(db_close(db, NULL), 0);
    printf("checked %d prefixes\n", checked);
}
END_TEST

START_TEST(groups_of_every_size)
{
    const struct db_tuning tunings[] = {{.commit_rows = 1},
                                        {.commit_rows = 7, .commit_ms = 1},
                                        {.durable = true},
                                        {.queue_bytes = 2000},
                                        {.sync_rows = 10, .sync_ms = 1}};
    for (size_t i = 0; i < sizeof tunings / sizeof *tunings; i++) {
        struct db *db = create();
        db_tune(db, &tunings[i]);
        fix_put(db, 0, 100);
        ck_assert_int_eq(db_flush(db, &err), 0);
        fix_put(db, 100, 150);
        ck_assert_int_eq(db_sync(db, &err), 0);
        ck_assert_int_eq(db_sync(db, &err), 0); /* nothing new: comes back at once */
        ck_assert_int_eq(fix_verify(db), 150);
        ck_assert_int_eq(db_close(db, &err), 0);
        remove(fix.path);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("db_trial");
    TCase *t = tcase_create("all");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, every_bit_comes_back);
    tcase_add_test(t, continuing_compares_what_is_there);
    tcase_add_test(t, a_design_that_changes_is_an_alarm);
    tcase_add_test(t, holes_and_wrong_types_are_refused);
    tcase_add_test(t, prefixes);
    tcase_add_test(t, groups_of_every_size);
    suite_add_tcase(s, t);
    return run_suite(s, CK_FORK_GETENV);
}
