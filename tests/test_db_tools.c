/* Merge, diff, gc, upgrade. */
#include "base/mem.h"
#include "db/db_private.h"
#include "db/db_tools.h"
#include "tests/db_case.h"
#include "tests/run_suite.h"

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *path_of(char path[120], const char *name)
{
    snprintf(path, 120, "%s/%s", fix.folder, name);
    return path;
}

static struct db *create(const char *path)
{
    struct db *db = db_create(path, &fix_layout, &err);
    ck_assert_msg(db != NULL, "%s", err.text);
    return db;
}

static struct db *open_read(const char *path)
{
    struct db *db = db_open(path, DB_READ, &err);
    ck_assert_msg(db != NULL, "%s", err.text);
    return db;
}

/* ---- merge ---- */

/* A shard: trials `from`.. of the fixture as its own numbers 0.., by a run of its own. */
static void shard(const char *path, int64_t from, int64_t n, double change)
{
    struct db *db = create(path);
    struct db_run run = {.command = path, .threads = 1};
    struct db_value v[FIX_COLUMNS];
    ck_assert_int_eq(db_begin_run(db, &run, &err), 0);
    for (int64_t i = 0; i < n; i++) {
        struct db_trial t = fix_trial(from + i, v);
        t.number = i;
        if (change != 0.0 && i == n / 2) {
            v[FIX_CLOCK] = db_real(change);
        }
        ck_assert_msg(!db_put_trial(db, &t, &err), "%s", err.text);
        ck_assert_int_eq(db_cache_put(db, DB_EVALUATIONS, t.hash, &t.state, sizeof t.state, &err), 0);
    }
    ck_assert_int_eq(db_end_run(db, DB_EXIT_DONE, &err), 0);
    ck_assert_int_eq(db_close(db, &err), 0);
}

static int keep_hash(void *ctx, const struct db_row *row)
{
    strbuf_add(ctx, row->hash.byte, HASH_BYTES);
    return 0;
}

static void hashes(struct db *db, bool front, struct strbuf *sb)
{
    strbuf_reset(sb);
    struct db_query q = {.all_states = !front, .front_only = front, .order_by = "hash"};
    ck_assert_msg(!db_query(db, &q, keep_hash, sb, &err), "%s", err.text);
}

START_TEST(merging_shards_is_the_union)
{
    char name[3][120], out[120];
    const char *paths[3];
    for (int i = 0; i < 3; i++) {
        char file[32];
        snprintf(file, sizeof file, "shard'%d.db", i);
        paths[i] = path_of(name[i], file);
        shard(paths[i], 300 * i, 500, 0.0); /* they overlap by 200 */
    }
    struct db *whole = create(fix.path);
    fix_put(whole, 0, 1100);
    ck_assert_int_eq(db_flush(whole, &err), 0);
    struct db_merge_report r;
    path_of(out, "out.db");
    ck_assert_msg(!db_merge(out, paths, 3, false, &r, &err), "%s", err.text);
    struct db *db = open_read(out);
    struct db_status s;
    ck_assert_int_eq(db_status(db, &s, &err), 0);
    ck_assert_int_eq(r.trials, 1500);
    ck_assert_int_eq(s.trials, 1500);
    ck_assert_int_eq(s.designs, r.designs);
    ck_assert_int_eq(s.front, r.front);
    ck_assert_int_eq(s.cached[DB_EVALUATIONS], r.designs);
    ck_assert_int_gt(r.duplicates, 300);
    ck_assert_int_eq(s.n_runs, 3);
    ck_assert_str_eq(s.runs[2].command, paths[2]);
    db_status_release(&s);
    struct strbuf a = STRBUF_INIT, b = STRBUF_INIT;
    for (int front = 0; front < 2; front++) {
        hashes(db, front, &a);
        hashes(whole, front, &b);
        ck_assert_uint_eq(a.len, b.len);
        ck_assert(a.len && !memcmp(a.buf, b.buf, a.len));
    }
    struct db_diff_report d;
    ck_assert_int_eq(db_diff(db, whole, &d, NULL, NULL, &err), 0);
    ck_assert_int_eq(d.only[0] + d.only[1] + d.different, 0);
    ck_assert_int_eq(d.same, r.designs);
    ck_assert(strstr(db_meta(db, "merged"), "shard'2.db") != NULL);
    db_close(db, NULL);
    db_close(whole, NULL);
    strbuf_release(&a);
    strbuf_release(&b);
    /* It cannot be continued, nor overwritten. */
    db = db_open(out, DB_WRITE, &err);
    struct db_value v[FIX_COLUMNS];
    struct db_trial t = fix_trial(1500, v);
    ck_assert_int_eq(db_put_trial(db, &t, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "can be asked, not continued"));
    db_close(db, NULL);
    err = (struct err)ERR_INIT;
    ck_assert_int_eq(db_merge(out, paths, 3, false, &r, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "exists already"));
}
END_TEST

START_TEST(a_conflict_names_both_origins)
{
    char a[120], b[120], c[120], out[120];
    const char *paths[3] = {path_of(a, "a.db"), path_of(b, "b.db"), path_of(c, "c.db")};
    shard(a, 0, 100, 0.0);
    shard(b, 1000, 100, 0.0);
    shard(c, 1010, 80, 123.0); /* its trial 40, the design of b's trial 50, has another clock */
    struct db_merge_report r;
    ck_assert_int_eq(db_merge(path_of(out, "out.db"), paths, 3, false, &r, &err), -1);
    ck_assert_int_eq(err.code, ERR_BUG);
    ck_assert_ptr_nonnull(r.conflict);
    ck_assert_ptr_nonnull(strstr(r.conflict, "b.db' (trial 50 on "));
    ck_assert_ptr_nonnull(strstr(r.conflict, "c.db' (trial 40 on "));
    ck_assert_ptr_nonnull(strstr(r.conflict, "clock_hz = 123"));
    ck_assert_int_ne(access(out, F_OK), 0);
    db_merge_report_release(&r);
}
END_TEST

/* Why a design failed, or had to be asked for again, is told in other words each time; the result is the same. */
START_TEST(other_words_are_no_conflict)
{
    char file[2][120], out[120];
    const char *paths[2] = {path_of(file[0], "a.db"), path_of(file[1], "b.db")};
    for (int k = 0; k < 2; k++) {
        struct db *db = create(paths[k]);
        for (int i = 0; i < 60; i++) {
            struct db_value v[FIX_COLUMNS];
            struct db_trial t = fix_trial(i, v);
            t.error = k == 0 ? "timeout: no answer within 30s" : "crashed: signal 9";
            ck_assert_msg(!db_put_trial(db, &t, &err), "%s", err.text);
        }
        ck_assert_int_eq(db_close(db, &err), 0);
    }
    struct db_merge_report r;
    ck_assert_msg(!db_merge(path_of(out, "out.db"), paths, 2, false, &r, &err), "%s", err.text);
    ck_assert_int_eq(r.trials, 120);
    ck_assert_int_le(r.designs, 60);
    db_merge_report_release(&r);
}
END_TEST

START_TEST(what_does_not_fit_is_refused)
{
    char a[120], b[120], out[120];
    const char *paths[2] = {path_of(a, "a.db"), path_of(b, "b.db")};
    struct db_merge_report r;
    shard(a, 0, 10, 0.0);
    struct db_pair model[] = {{"name", "x"}, {"space_hash", "other"}, {"model_hash", "2"}};
    struct db_layout layout = fix_layout;
    layout.meta = model;
    db_close(db_create(b, &layout, &err), &err);
    ck_assert_int_eq(db_merge(path_of(out, "o.db"), paths, 2, false, &r, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "different cost models"));
    err = (struct err)ERR_INIT;
    ck_assert_msg(!db_merge(out, paths, 2, true, &r, &err), "%s", err.text);
    struct db *db = open_read(out);
    ck_assert_str_eq(db_meta(db, "name"), "fixture"); /* the first one's */
    ck_assert_ptr_null(db_meta(db, "space_hash"));    /* they differ */
    db_close(db, NULL);
    remove(out);
    remove(b);
    layout.n_columns--;
    db_close(db_create(b, &layout, &err), &err);
    ck_assert_int_eq(db_merge(out, paths, 2, true, &r, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "different columns"));
    err = (struct err)ERR_INIT;
    paths[1] = "/nowhere.db";
    ck_assert_int_eq(db_merge(out, paths, 2, true, &r, &err), -1);
    ck_assert_int_eq(err.code, ERR_NOINPUT);
}
END_TEST

/* ---- diff ---- */

struct found {
    int n;
    int64_t number[2];
    char field[20];
};

static int note(void *ctx, const struct db_difference *d)
{
    struct found *f = ctx;
    f->n++;
    memcpy(f->number, d->number, sizeof f->number);
    snprintf(f->field, sizeof f->field, "%s", d->field);
    return 0;
}

START_TEST(differences)
{
    char a[120], b[120];
    path_of(a, "a.db");
    path_of(b, "b.db");
    shard(a, 0, 200, 0.0);
    shard(b, 100, 202, 77.0); /* changes the design of trial 201 */
    struct db *x = open_read(a), *y = open_read(b);
    struct db_diff_report r;
    struct found f = {0};
    ck_assert_int_eq(db_diff(x, y, &r, note, &f, &err), 0);
    ck_assert_int_eq(r.different, 0);
    ck_assert_int_gt(r.same, 90);
    ck_assert_int_gt(r.only[0], 80);
    ck_assert_int_gt(r.only[1], 90);
    ck_assert(!r.facts[0] && !r.facts[1] && !r.facts[2] && !r.facts[3]);
    db_close(y, NULL);
    remove(b);
    shard(b, 100, 180, 77.0); /* that of trial 190 */
    y = open_read(b);
    ck_assert_int_eq(db_diff(x, y, &r, note, &f, &err), 0);
    ck_assert_int_eq(f.n, 1);
    ck_assert_int_eq(r.different, 1);
    ck_assert_str_eq(f.field, "clock_hz");
    ck_assert_int_eq(f.number[0], 190);
    ck_assert_int_eq(f.number[1], 90);
    db_close(x, NULL);
    db_close(y, NULL);
}
END_TEST

/* ---- gc, upgrade ---- */

static void sql(const char *text)
{
    sqlite3 *s;
    ck_assert_int_eq(sqlite3_open(fix.path, &s), SQLITE_OK);
    ck_assert_msg(sqlite3_exec(s, text, NULL, NULL, NULL) == SQLITE_OK, "%s", sqlite3_errmsg(s));
    sqlite3_close(s);
}

START_TEST(gc_tidies_and_keeps)
{
    struct db *db = create(fix.path);
    char big[4000] = "x";
    fix_put(db, 0, 500);
    for (int64_t i = 0; i < 500; i++) {
        struct db_value v[FIX_COLUMNS];
        struct db_trial t = fix_trial(i, v);
        struct db_layer_cost cost = {t.number, 1, "DRAM", "weights", 1.0, 1.0, 1, 1};
        ck_assert_int_eq(db_put_layer_cost(db, &cost, &err), 0);
        ck_assert_int_eq(db_cache_put(db, DB_MAPPINGS, t.hash, big, sizeof big, &err), 0);
    }
    ck_assert_int_eq(db_flush(db, &err), 0);
    struct db_gc_report r;
    ck_assert_int_eq(db_gc(fix.path, true, &r, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "written by another search"));
    err = (struct err)ERR_INIT;
    int64_t *numbers, front = db_front(db, &numbers, &err);
    mem_free(numbers);
    ck_assert_int_eq(db_close(db, &err), 0);
    sql("UPDATE designs SET rank = 0 WHERE id IN (SELECT id FROM designs WHERE rank IS "
        "NULL LIMIT 3);"
        "UPDATE counts SET n = 7");
    ck_assert_msg(!db_gc(fix.path, true, &r, &err), "%s", err.text);
    ck_assert_int_eq(r.ranks, 3);
    ck_assert_int_gt(r.cached, 400);
    ck_assert_int_gt(r.layer_rows, 300);
    ck_assert_int_lt(r.bytes_after, r.bytes_before / 2);
    db = open_read(fix.path);
    ck_assert_int_eq(fix_verify(db), 500);
    struct db_status s;
    ck_assert_int_eq(db_status(db, &s, &err), 0);
    ck_assert_int_eq(s.front, front);
    ck_assert_int_eq(s.cached[DB_MAPPINGS], 0);
    ck_assert_int_gt(s.state[DB_OK], 300);
    db_status_release(&s);
    db_close(db, NULL);
    ck_assert_int_eq(db_gc("/nowhere.db", false, &r, &err), -1);
    ck_assert_int_eq(err.code, ERR_NOINPUT);
}
END_TEST

/* A snapshot holds what was put, stands without a log, and can be written again; the original goes on. */
START_TEST(a_snapshot_is_whole_and_can_be_continued)
{
    char to[120], wal[140];
    path_of(to, "copy.db");
    snprintf(wal, sizeof wal, "%s-wal", to);
    struct db *db = create(fix.path);
    fix_put(db, 0, 700);
    ck_assert_int_eq(db_snapshot(db, to, &err), 0);
    fix_put(db, 700, 900); /* not in it */
    struct db *copy = open_read(to);
    ck_assert_int_eq(fix_verify(copy), 700);
    db_close(copy, NULL);
    ck_assert_int_ne(access(wal, F_OK), 0);
    copy = db_open(to, DB_WRITE, &err);
    ck_assert_msg(copy != NULL, "%s", err.text);
    fix_put(copy, 700, 1000);
    ck_assert_int_eq(db_close(copy, &err), 0);
    copy = open_read(to);
    ck_assert_int_eq(fix_verify(copy), 1000);
    db_close(copy, NULL);
    ck_assert_int_eq(db_snapshot(db, to, &err), 0); /* replaces */
    copy = open_read(to);
    ck_assert_int_eq(fix_verify(copy), 900);
    db_close(copy, NULL);
    ck_assert_int_eq(db_snapshot(db, "/nowhere/copy.db", &err), -1);
    ck_assert_int_eq(err.code, ERR_IO);
    ck_assert_int_eq(db_close(db, NULL), 0);
}
END_TEST

START_TEST(old_files_are_upgraded_when_told)
{
    struct db *db = create(fix.path);
    fix_put(db, 0, 100);
    ck_assert_int_eq(db_close(db, &err), 0);
    sql("ALTER TABLE runs DROP COLUMN origin; ALTER TABLE layers RENAME COLUMN weights TO weight_bytes;"
        "PRAGMA user_version = 1");
    ck_assert_ptr_null(db_open(fix.path, DB_READ, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "dovetail upgrade"));
    err = (struct err)ERR_INIT;
    int from, to;
    ck_assert_msg(!db_upgrade(fix.path, &from, &to, &err), "%s", err.text);
    ck_assert_int_eq(from, 1);
    ck_assert_int_eq(to, DB_SCHEMA_VERSION);
    db = open_read(fix.path);
    ck_assert_int_eq(fix_verify(db), 100);
    db_close(db, NULL);
    sql("UPDATE runs SET origin = 'x'; INSERT INTO layers(layer_id, weights) VALUES(1, 2);"
        "INSERT INTO layer_cost(design, layer_id, level, tensor, network_j) VALUES(0, 1, 'DRAM', 'weights', 3.0)");
    ck_assert_int_eq(db_upgrade(fix.path, &from, &to, &err), 0);
    ck_assert_int_eq(from, to);
    sql("PRAGMA user_version = 99");
    ck_assert_int_eq(db_upgrade(fix.path, &from, &to, &err), -1);
    ck_assert_int_eq(err.code, ERR_DATA);
    err = (struct err)ERR_INIT;
    sql("PRAGMA user_version = 1; PRAGMA application_id = 0");
    ck_assert_int_eq(db_upgrade(fix.path, &from, &to, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "is not a Dovetail study"));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("db_tools");
    TCase *t = tcase_create("all");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, merging_shards_is_the_union);
    tcase_add_test(t, a_conflict_names_both_origins);
    tcase_add_test(t, other_words_are_no_conflict);
    tcase_add_test(t, what_does_not_fit_is_refused);
    tcase_add_test(t, differences);
    tcase_add_test(t, gc_tidies_and_keeps);
    tcase_add_test(t, a_snapshot_is_whole_and_can_be_continued);
    tcase_add_test(t, old_files_are_upgraded_when_told);
    suite_add_tcase(s, t);
    return run_suite(s, CK_FORK_GETENV);
}
