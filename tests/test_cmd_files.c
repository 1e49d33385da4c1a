/* The verbs on whole files: merge, diff, gc, upgrade; what they print, as text and JSON, and their exit codes. */
#include "tests/db_fixture.h"
#include "tests/run_suite.h"
#include "tests/shell.h"

#include <check.h>
#include <jansson.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct shell sh;
static struct fix fix;

/* <folder>/<name> with trials `from`.. of the fixture as its own; `change` != 0 gives trial 10 another clock. */
static void make(const char *name, int64_t from, int64_t n, double change)
{
    struct err err = ERR_INIT;
    char path[200];
    snprintf(path, sizeof path, "%s/%s", fix.folder, name);
    struct db *db = db_create(path, &fix_layout, &err);
    ck_assert_msg(db != NULL, "%s", err.text);
    for (int64_t i = 0; i < n; i++) {
        struct db_value v[FIX_COLUMNS];
        struct db_trial t = fix_trial(from + i, v);
        t.number = i;
        if (change != 0.0 && i == 10) {
            v[FIX_CLOCK] = db_real(change);
        }
        ck_assert_msg(!db_put_trial(db, &t, &err), "%s", err.text);
    }
    ck_assert_int_eq(db_close(db, &err), 0);
}

static void setup(void)
{
    fix_begin(&fix);
    make("a.db", 0, 60, 0.0);
    make("b.db", 30, 60, 0.0);
}

static void teardown(void)
{
    fix_end(&fix);
}

static json_t *json(const char *verb, const char *args)
{
    shell_run(&sh, "cd %s && \"$OLDPWD/$DOVETAIL\" %s --json %s", fix.folder, verb, args);
    json_t *doc = json_loads(strbuf_str(&sh.out), 0, NULL);
    ck_assert_msg(doc != NULL, "%s %s: %s%s", verb, args, strbuf_str(&sh.out), strbuf_str(&sh.err));
    return doc;
}

static void text(const char *args)
{
    shell_run(&sh, "cd %s && \"$OLDPWD/$DOVETAIL\" %s", fix.folder, args);
}

static json_int_t integer(const json_t *doc, const char *key)
{
    const json_t *v = json_object_get(doc, key);
    ck_assert_msg(json_is_integer(v), "%s", key);
    return json_integer_value(v);
}

static void says(int status, const char *part)
{
    ck_assert_msg(sh.status == status, "%d: %s", sh.status, strbuf_str(&sh.err));
    ck_assert_msg(strstr(strbuf_str(&sh.err), part) != NULL, "%s", strbuf_str(&sh.err));
}

START_TEST(merging)
{
    json_t *doc = json("merge", "a.db b.db -o all.db");
    ck_assert_int_eq(sh.status, 0);
    ck_assert_int_eq(integer(doc, "files"), 2);
    ck_assert_int_eq(integer(doc, "trials"), 120);
    ck_assert_int_gt(integer(doc, "duplicates"), 20);
    ck_assert_uint_eq(json_object_size(doc), 6);
    json_int_t designs = integer(doc, "designs"), front = integer(doc, "front");
    json_decref(doc);
    doc = json("status", "all.db");
    ck_assert_int_eq(integer(doc, "designs"), designs);
    ck_assert_int_eq(integer(doc, "front"), front);
    json_decref(doc);
    text("merge a.db b.db -o all.db");
    says(74, "exists already");
    text("merge a.db b.db");
    says(64, "-o");
    text("merge a.db none.db -o x.db");
    says(66, "none.db");
    text("merge . -o three.db"); /* a, b, and their union */
    ck_assert_int_eq(sh.status, 0);
    ck_assert_ptr_nonnull(strstr(strbuf_str(&sh.out), "3 files, "));
    make("c.db", 20, 30, 5.0);
    text("merge a.db c.db -o x.db");
    says(70, "c.db' (trial 10");
    says(70, "a.db' (trial 30");
    ck_assert_int_ne(access("x.db", F_OK), 0);
}
END_TEST

START_TEST(differing)
{
    make("c.db", 0, 60, 0.0);
    make("d.db", 0, 60, 5.0);
    text("diff a.db c.db");
    ck_assert_int_eq(sh.status, 0);
    json_t *doc = json("diff", "a.db d.db");
    ck_assert_int_eq(sh.status, 1);
    ck_assert_int_eq(integer(doc, "different"), 1);
    ck_assert_int_gt(integer(doc, "same"), 50);
    json_t *d = json_array_get(json_object_get(doc, "differences"), 0);
    ck_assert_str_eq(json_string_value(json_object_get(d, "field")), "clock_hz");
    ck_assert_double_eq(json_number_value(json_array_get(json_object_get(d, "values"), 1)), 5.0);
    ck_assert_int_eq(json_integer_value(json_array_get(json_object_get(d, "trials"), 0)), 10);
    ck_assert_uint_eq(strlen(json_string_value(json_object_get(d, "hash"))), 32);
    ck_assert_uint_eq(json_array_size(json_object_get(doc, "facts")), 0);
    json_decref(doc);
    text("diff a.db d.db --limit 0");
    ck_assert_ptr_nonnull(strstr(strbuf_str(&sh.out), "... and 1 more"));
    text("diff a.db b.db");
    ck_assert_int_eq(sh.status, 1);
    ck_assert_ptr_nonnull(strstr(strbuf_str(&sh.out), "only in    b.db: "));
}
END_TEST

START_TEST(tidying)
{
    json_t *doc = json("gc", "a.db --caches");
    ck_assert_int_eq(sh.status, 0);
    ck_assert_int_le(integer(doc, "bytes_after"), integer(doc, "bytes_before"));
    ck_assert_int_eq(integer(doc, "ranks"), 0);
    ck_assert_int_eq(integer(doc, "cached"), 0);
    ck_assert_int_eq(integer(doc, "layer_rows"), 0);
    json_decref(doc);
    text("gc b.db");
    ck_assert_int_eq(sh.status, 0);
    text("gc none.db");
    says(66, "none.db");
}
END_TEST

START_TEST(upgrading)
{
    char path[200];
    snprintf(path, sizeof path, "%s/a.db", fix.folder);
    sqlite3 *sql;
    sqlite3_open(path, &sql);
    ck_assert_int_eq(
        sqlite3_exec(sql,
                     "ALTER TABLE runs DROP COLUMN origin; ALTER TABLE layers RENAME COLUMN weights TO weight_bytes;"
                     "PRAGMA user_version = 1",
                     NULL, NULL, NULL),
        SQLITE_OK);
    sqlite3_close(sql);
    text("status a.db");
    says(65, "dovetail upgrade");
    json_t *doc = json("upgrade", "a.db");
    ck_assert_int_eq(sh.status, 0);
    ck_assert_int_eq(integer(doc, "from"), 1);
    ck_assert_int_gt(integer(doc, "to"), 1);
    json_decref(doc);
    text("upgrade a.db");
    ck_assert_ptr_nonnull(strstr(strbuf_str(&sh.out), "already"));
    text("status a.db");
    ck_assert_int_eq(sh.status, 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("cmd_files");
    TCase *t = tcase_create("all");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, merging);
    tcase_add_test(t, differing);
    tcase_add_test(t, tidying);
    tcase_add_test(t, upgrading);
    suite_add_tcase(s, t);
    int status = run_suite(s, CK_FORK_GETENV);
    shell_release(&sh);
    return status;
}
