/* What the tables of a finished study say about its designs adds up to the designs' own numbers, merges, and stays out of the exports. */
#include "tests/run_suite.h"
#include "tests/shell.h"

#include <check.h>
#include <jansson.h>
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct shell sh;
static char folder[] = "/tmp/breakdownXXXXXX";

static void ok(const char *args)
{
    shell_run(&sh, "cd %s && \"$OLDPWD/$DOVETAIL\" %s", folder, args);
    ck_assert_msg(sh.status == 0, "%s: %s", args, strbuf_str(&sh.err));
}

static void eval(const char *name, const char *id, const char *options)
{
    shell_run(&sh, "cd %s && \"$OLDPWD/$DOVETAIL\" eval %s %s %s", folder, name, id, options);
}

static void execute(const char *name, const char *text)
{
    char path[100];
    sqlite3 *sql;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    ck_assert_int_eq(sqlite3_open(path, &sql), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(sql, text, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(sql);
}

static void query(const char *name, const char *text, void (*use)(sqlite3_stmt *row, void *ctx), void *ctx)
{
    char path[100];
    sqlite3 *sql;
    sqlite3_stmt *row;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    ck_assert_int_eq(sqlite3_open(path, &sql), SQLITE_OK);
    ck_assert_msg(sqlite3_prepare_v2(sql, text, -1, &row, NULL) == SQLITE_OK, "%s", sqlite3_errmsg(sql));
    ck_assert_int_eq(sqlite3_step(row), SQLITE_ROW);
    use(row, ctx);
    sqlite3_finalize(row);
    sqlite3_close(sql);
}

static void as_number(sqlite3_stmt *row, void *ctx)
{
    *(double *)ctx = sqlite3_column_double(row, 0);
}

static void as_id(sqlite3_stmt *row, void *ctx)
{
    snprintf(ctx, 13, "%s", (const char *)sqlite3_column_text(row, 0));
}

static double number(const char *name, const char *text)
{
    double v = NAN;
    query(name, text, as_number, &v);
    return v;
}

START_TEST(sums_are_the_designs)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ok("search demo --budget 120 --seed 1 -o a.db -q");
    ok("search demo --budget 120 --seed 2 -o b.db -q");
    double front = number("a.db", "SELECT count(*) FROM front");
    ck_assert_double_gt(front, 5);
    ck_assert_double_eq(number("a.db", "SELECT count(DISTINCT design) FROM layer_cost"), front);
    ck_assert_double_gt(number("a.db", "SELECT count(*) FROM layers WHERE macs > 0 AND dims <> ''"), 50);
    /* energy of every design: its parts and leakage; DRAM traffic: what the outermost level moved (vector work reads whole bits there) */
    static const char *const off =
        "SELECT max(abs(s.energy + f.energy_leakage_j - f.energy_j) / f.energy_j) FROM front f JOIN (SELECT hash,"
        " sum(energy_j + network_j) AS energy FROM energy_by_level GROUP BY hash) s ON s.hash = f.hash";
    double worst = number("a.db", off);
    printf("parts = whole on %.0f designs, at most %.2g off\n", front, worst);
    ck_assert_double_lt(worst, 1e-12);
    ck_assert_double_lt(number("a.db", "SELECT max(abs(e.bits / 8 - f.dram_bytes) / f.dram_bytes) FROM"
                                       " front f JOIN energy_by_level e ON e.hash = f.hash AND e.level = 'DRAM'"),
                        1e-12);
    ck_assert_double_eq(number("a.db", "SELECT count(*) FROM mappings"), 0);
    char id[13], command[64];
    query("a.db", "SELECT hash FROM front ORDER BY id", as_id, id);
    snprintf(command, sizeof command, "eval a.db %s --save", id);
    ok(command);
    ck_assert_double_gt(number("a.db", "SELECT count(*) FROM mappings JOIN layers USING(layer_id) WHERE macs > 0"), 50);
    /* --json tells what --explain and --mapping tell, of --layer too; an operator that there is not is an error in both */
    eval("a.db", id, "--explain --mapping --json --layer layer1.0.conv2");
    json_t *doc = json_loads(strbuf_str(&sh.out), 0, NULL), *explain = json_object_get(doc, "explain");
    json_t *op = json_array_get(json_object_get(explain, "operators"), 0);
    json_t *mapping = json_array_get(json_object_get(doc, "mappings"), 0);
    ck_assert_uint_eq(json_array_size(json_object_get(doc, "mappings")), 1);
    ck_assert_ptr_nonnull(strstr(json_string_value(json_object_get(mapping, "mapping")), "DRAM"));
    ck_assert_double_eq(json_number_value(json_object_get(mapping, "energy_j")),
                        json_number_value(json_object_get(op, "energy_j")));
    double parts = json_number_value(json_object_get(explain, "energy_mac_j")) +
                   json_number_value(json_object_get(explain, "energy_vector_j")) +
                   json_number_value(json_object_get(explain, "energy_leakage_j"));
    json_t *row;
    size_t i;
    json_array_foreach(json_object_get(explain, "energy"), i, row)
    {
        parts +=
            json_number_value(json_object_get(row, "storage_j")) + json_number_value(json_object_get(row, "network_j"));
    }
    double whole = json_number_value(json_object_get(json_object_get(doc, "metrics"), "energy_j"));
    ck_assert_double_eq_tol(parts, whole, 1e-12 * whole);
    json_decref(doc);
    static const char *const no_operator[] = {"--explain --layer conv9", "--explain --json --layer conv9",
                                              "--mapping --json --layer conv9", "--layer conv1"};
    for (size_t k = 0; k < sizeof no_operator / sizeof *no_operator; k++) {
        eval("a.db", id, no_operator[k]);
        ck_assert_msg(sh.status == 64, "%s: %d", no_operator[k], sh.status);
    }
    /* what is saved is the database's own model, what is shown may be another's */
    eval("a.db", id, "--save --set mapping.goal=energy");
    ck_assert_int_eq(sh.status, 64);
    eval("a.db", id, "--set mapping.goal=energy");
    ck_assert_int_eq(sh.status, 0);
    ck_assert_ptr_nonnull(strstr(strbuf_str(&sh.err), "another model than that of 'a.db'"));
    shell_run(&sh, "cp %s/a.db %s/old.db", folder, folder);
    execute("old.db", "UPDATE study SET value = 'x' WHERE key = 'model_hash'");
    eval("old.db", id, "--save");
    ck_assert_int_eq(sh.status, 65);
    ck_assert_ptr_nonnull(strstr(strbuf_str(&sh.err), "nothing is saved beside them"));
    shell_run(&sh, "rm %s/old.db*", folder);
}
END_TEST

START_TEST(merged_files_keep_them)
{
    ok("merge a.db b.db -o c.db");
    double both = number("a.db", "SELECT count(*) FROM layer_cost") + number("b.db", "SELECT count(*) FROM layer_cost");
    ck_assert_double_gt(number("c.db", "SELECT count(*) FROM layer_cost"), 0.7 * both); /* designs of both stand once */
    ck_assert_double_eq(number("c.db", "SELECT count(*) FROM layer_cost WHERE design NOT IN (SELECT id FROM designs)"),
                        0);
    ok("gc c.db");
    ck_assert_double_eq(number("c.db", "SELECT count(*) FROM layer_cost WHERE design NOT IN (SELECT id FROM front)"),
                        0);
    shell_run(&sh, "rm -r %s", folder);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("breakdown");
    TCase *t = tcase_create("all");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, sums_are_the_designs);
    tcase_add_test(t, merged_files_keep_them);
    suite_add_tcase(s, t);
    int status = run_suite(s, CK_NOFORK);
    shell_release(&sh);
    return status;
}
