/* dovetail.so as sqlite3 loads it: against brute force and against the library's own answers. */
#include "base/mem.h"
#include "db/db_private.h"
#include "tests/db_fixture.h"
#include "tests/run_suite.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static char extension[500]; /* beside the folder of this program */
static struct fix fix;
static struct err err;
static sqlite3 *sql;

static void setup(void)
{
    err = (struct err)ERR_INIT;
    fix_begin(&fix);
    struct db *db = db_create(fix.path, &fix_layout, &err);
    ck_assert_msg(db != NULL, "%s", err.text);
    fix_put(db, 0, 600);
    ck_assert_int_eq(db_close(db, &err), 0);
    char *message = NULL;
    ck_assert_int_eq(sqlite3_open(fix.path, &sql), SQLITE_OK);
    ck_assert_int_eq(sqlite3_db_config(sql, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 1, NULL), SQLITE_OK);
    ck_assert_msg(sqlite3_load_extension(sql, extension, NULL, &message) == SQLITE_OK, "%s", message);
}

static void teardown(void)
{
    sqlite3_close(sql);
    fix_end(&fix);
}

static double number(const char *text)
{
    sqlite3_stmt *stmt;
    ck_assert_msg(sqlite3_prepare_v2(sql, text, -1, &stmt, NULL) == SQLITE_OK, "%s", sqlite3_errmsg(sql));
    ck_assert_msg(sqlite3_step(stmt) == SQLITE_ROW, "%s", sqlite3_errmsg(sql));
    double d = sqlite3_column_type(stmt, 0) == SQLITE_NULL ? (double)NAN : sqlite3_column_double(stmt, 0);
    sqlite3_finalize(stmt);
    return d;
}

static void fails(const char *text)
{
    sqlite3_stmt *stmt;
    ck_assert_int_eq(sqlite3_prepare_v2(sql, text, -1, &stmt, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(stmt), SQLITE_ERROR);
    sqlite3_finalize(stmt);
}

START_TEST(domination)
{
    ck_assert_double_eq(number("SELECT dominates(1, 2, 1, 3)"), 1.0);
    ck_assert_double_eq(number("SELECT dominates(1, 2, 1, 2)"), 0.0);
    ck_assert_double_eq(number("SELECT dominates(1, 4, 1, 3)"), 0.0);
    ck_assert_double_eq(number("SELECT dominates(1, 2, 0, 2, 3, 0)"), 1.0);
    ck_assert_double_nan(number("SELECT dominates(1, NULL, 1, 3)"));
    fails("SELECT dominates(1, 2, 3)");
    fails("SELECT pareto(id) FROM designs");
    fails("SELECT hypervolume(1, 2, 3) FROM designs");
}
END_TEST

START_TEST(fronts)
{
    /* The study's own, and another one against the window function of the view. */
    ck_assert_double_eq(number("SELECT (SELECT pareto(id, energy_j, latency_s, -accuracy) FROM designs WHERE"
                               " state = 'ok') = (SELECT json_group_array(id) FROM (SELECT id FROM front ORDER"
                               " BY id))"),
                        1.0);
    ck_assert_double_eq(number("SELECT (SELECT pareto(id, energy_j, -accuracy) FROM designs WHERE state ="
                               " 'ok') = (SELECT json_group_array(id) FROM (SELECT id FROM"
                               " front_energy_j_accuracy ORDER BY id))"),
                        1.0);
    ck_assert_double_eq(number("SELECT pareto(id, energy_j) = '[]' FROM designs WHERE 0"), 1.0);
}
END_TEST

/* Integer points in a cube of side 6, counted cell by cell. */
static int cells(const int *p, int n, int m)
{
    int count = 0, size = 1;
    for (int k = 0; k < m; k++) {
        size *= 6;
    }
    for (int c = 0; c < size; c++) {
        bool covered = false;
        for (int i = 0; i < n && !covered; i++) {
            int rest = c;
            covered = true;
            for (int k = 0; k < m; k++, rest /= 6) {
                covered = covered && p[i * m + k] <= rest % 6;
            }
        }
        count += covered;
    }
    return count;
}

static uint64_t next(uint64_t *s)
{
    *s = *s * 6364136223846793005U + 1442695040888963407U;
    return *s >> 33;
}

START_TEST(volumes)
{
    int checked = 0;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        uint64_t s = seed;
        int m = 1 + (int)(seed % 5), n = 1 + (int)(next(&s) % 12), p[12 * 5];
        struct strbuf text = STRBUF_INIT;
        strbuf_adds(&text, "SELECT hypervolume(");
        for (int k = 0; k < m; k++) {
            strbuf_addf(&text, "%scolumn%d", k ? ", " : "", k + 1);
        }
        for (int k = 0; k < m; k++) {
            strbuf_adds(&text, ", 6");
        }
        strbuf_adds(&text, ") FROM (VALUES ");
        for (int i = 0; i < n; i++) {
            for (int k = 0; k < m; k++) {
                p[i * m + k] = (int)(next(&s) % 8); /* some beyond the reference */
                strbuf_addf(&text, "%s%d", k ? ", " : i ? "), (" : "(", p[i * m + k]);
            }
        }
        strbuf_adds(&text, "))");
        ck_assert_double_eq(number(text.buf), (double)cells(p, n, m));
        strbuf_release(&text);
        checked++;
    }
    ck_assert_double_eq(number("SELECT hypervolume(energy_j, 1.0) FROM designs WHERE 0"), 0.0);
    ck_assert_double_gt(number("SELECT hypervolume(energy_j, latency_s, 10, 10) FROM front"), 0.0);
    printf("checked %d volumes by counting cells\n", checked);
}
END_TEST

/* Runs the statements of one ```sql block but for lines that begin with a dot; returns how many gave rows or nothing without an error. */
static int run_block(char *block)
{
    int n = 0;
    for (char *line = block; (line = strstr(line, ".load"));) {
        memset(line, ' ', strcspn(line, "\n"));
    }
    for (const char *text = block; *text;) {
        sqlite3_stmt *stmt;
        ck_assert_msg(sqlite3_prepare_v2(sql, text, -1, &stmt, &text) == SQLITE_OK, "%s", sqlite3_errmsg(sql));
        int rc = SQLITE_DONE;
        while (stmt && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        }
        ck_assert_msg(rc == SQLITE_DONE, "%s", sqlite3_errmsg(sql));
        n += stmt != NULL;
        sqlite3_finalize(stmt);
    }
    return n;
}

START_TEST(documented_questions_work)
{
    FILE *f = fopen("docs/database.md", "r");
    ck_assert_msg(f != NULL, "run from the root of the tree");
    static char text[40000];
    size_t size = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    text[size] = '\0';
    int n = 0;
    for (char *block = text; (block = strstr(block, "```sql\n"));) {
        char *end = strstr(block + 7, "```");
        ck_assert_ptr_nonnull(end);
        *end = '\0';
        n += run_block(block + 7);
        block = end + 1;
    }
    ck_assert_int_ge(n, 10);
    printf("ran %d documented statements\n", n);
}
END_TEST

int main(int argc, char **argv)
{
    const char *slash = argc ? strrchr(argv[0], '/') : NULL;
    snprintf(extension, sizeof extension, "%.*s/../dovetail.so", slash ? (int)(slash - argv[0]) : 1,
             slash ? argv[0] : ".");
    Suite *s = suite_create("db_extension");
    TCase *t = tcase_create("all");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, domination);
    tcase_add_test(t, fronts);
    tcase_add_test(t, volumes);
    tcase_add_test(t, documented_questions_work);
    suite_add_tcase(s, t);
    return run_suite(s, CK_FORK_GETENV);
}
