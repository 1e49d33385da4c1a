/* The verbs that ask a database: status, pareto, export, on a small study whose answers are known by hand.
 *
 * 100 designs (i, j), i and j in 0..9: energy i mJ + 1, latency j ms + 1, area (i - 5)^2 + 1 mm2, throughput i. Two are
 * infeasible, one failed. Non-dominated in (energy, latency): the one with i = j = 0, unless conditions take it away. */
#include "base/mem.h"
#include "db/db.h"
#include "tests/run_suite.h"
#include "tests/shell.h"

#include <check.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct shell sh;
static char folder[] = "/tmp/dovetail_query_XXXXXX";

static const struct db_column columns[] = {
    {"pe_rows", DB_PARAMETER, DB_REAL, "", "", 0, "rows", NULL},
    {"glb_bytes", DB_PARAMETER, DB_REAL, "B", "", 0, "buffer", NULL},
    {"dataflow", DB_PARAMETER, DB_TEXT, "", "", 0, "dataflow", NULL},
    {"w_bits", DB_PARAMETER, DB_TEXT, "", "", 0, "bits of each block", NULL},
    {"energy_j", DB_METRIC, DB_REAL, "J", "min", 1, "energy", NULL},
    {"latency_s", DB_METRIC, DB_REAL, "s", "min", 2, "latency", NULL},
    {"area_mm2", DB_METRIC, DB_REAL, "mm2", "min", 0, "area", NULL},
    {"throughput_per_s", DB_METRIC, DB_REAL, "1/s", "max", 0, "throughput", NULL},
    {"note", DB_METRIC, DB_TEXT, "", "", 0, "a text that CSV must quote", NULL},
};
enum { N_COLUMNS = sizeof columns / sizeof columns[0], DESIGNS = 100 };

static void put_design(struct db *db, int n)
{
    static const char *const flows[] = {"weight_stationary", "row_stationary"};
    int i = n % 10;
    int j = n / 10;
    struct err err = ERR_INIT;
    struct db_value values[N_COLUMNS] = {db_real(i + 1),
                                         db_real(1024.0 * (j + 1)),
                                         db_text(flows[(i + j) % 2]),
                                         db_text("[8,4,4]"),
                                         db_real(1e-3 * (i + 1)),
                                         db_real(1e-3 * (j + 1)),
                                         db_real((i - 5.0) * (i - 5.0) + 1.0),
                                         i == 3 ? db_null() : db_real(i + 0.1),
                                         db_text(n == 7 ? "a \"b\", c" : "plain")};
    char key[16];
    int len = snprintf(key, sizeof key, "%d", n);
    struct db_trial t = {.number = n,
                         .hash = hash_bytes(key, (size_t)len),
                         .state = n == 0              ? DB_FAILED
                                  : n == 1 || n == 10 ? DB_INFEASIBLE
                                                      : DB_OK,
                         .generation = -1,
                         .eval_us = -1,
                         .values = values};
    ck_assert_msg(db_put_trial(db, &t, &err) == 0, "%s", err.text);
}

/* Writes study.db into the test's folder. */
static void make_db(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
    char path[64];
    snprintf(path, sizeof path, "%s/study.db", folder);
    const struct db_pair meta[] = {{"name", "grid"}, {"budget", "200"}};
    struct db_layout layout = {meta, 2, columns, N_COLUMNS};
    struct err err = ERR_INIT;
    struct db *db = db_create(path, &layout, &err);
    ck_assert_msg(db != NULL, "%s", err.text);
    struct db_run run = {.command = "test", .version = "0", .threads = 1};
    ck_assert_int_eq(db_begin_run(db, &run, &err), 0);
    for (int n = 0; n < DESIGNS; n++) {
        put_design(db, n);
    }
    struct db_history line = {DESIGNS, 0.75, 3, 1.0};
    ck_assert_int_eq(db_put_history(db, &line, &err), 0);
    ck_assert_int_eq(db_end_run(db, DB_EXIT_INTERRUPTED, &err), 0);
    ck_assert_int_eq(db_close(db, &err), 0);
}

static void remove_db(void)
{
    shell_run(&sh, "rm -r %s", folder);
    memcpy(folder + strlen(folder) - 6, "XXXXXX", 6);
}

static json_t *ask(const char *command)
{
    shell_run(&sh, "dovetail %s", command);
    json_t *doc = json_loads(strbuf_str(&sh.out), 0, NULL);
    ck_assert_msg(doc != NULL, "%s: %s%s", command, strbuf_str(&sh.out), strbuf_str(&sh.err));
    return doc;
}

/* "pareto %s/study.db <args> --json": trials shown as "2,11,20". */
static const char *front_of(const char *args, char *buf, size_t size)
{
    char command[400];
    snprintf(command, sizeof command, "pareto %s/study.db %s --json", folder, args);
    json_t *doc = ask(command);
    buf[0] = '\0';
    size_t i;
    json_t *d;
    json_array_foreach(json_object_get(doc, "designs"), i, d)
    {
        size_t used = strlen(buf);
        snprintf(buf + used, size - used, "%s%lld", i ? "," : "",
                 (long long)json_integer_value(json_object_get(d, "trial")));
    }
    json_decref(doc);
    return buf;
}

START_TEST(fronts_known_by_hand)
{
    static const struct {
        const char *args, *trials;
    } cases[] = {
        {"", "20,11,2"}, /* (0,2) (1,1) (2,0): nearer the corner is infeasible or failed */
        {"energy,latency", "20,11,2"},
        {"latency,energy_j", "2,11,20"},
        {"energy", "20"},
        {"energy,latency --where 'pe_rows >= 4'", "3"},
        {"energy,latency --where 'glb >= 4KiB and pe_rows > 2'", "32"},
        {"energy,latency -w 'glb_bytes >= 4096B' -w 'not pe_rows <= 2'", "32"},
        {"energy,latency --where 'dataflow == row_stationary'", "30,21,12,3"},
        {"energy,latency --where 'dataflow in [row_stationary, weight_stationary]'", "20,11,2"},
        {"area,energy", "5,4,3,2,11,20"},
        {"area,energy --where 'area <= 2mm2'", "5,4"},
        {"throughput,energy", "9,8,7,6,5,4,2,11,20"},
        {"max:pe_rows,latency", "9"},
        {"min:pe_rows,latency", "20,11,2"},
        {"--knee", "11"},
        {"--top 1", "20"},
        {"--top 2 --by latency", "11,2"},
        {"energy,latency --where 'energy >= 2mJ' --eps 60%", "11,2"},
        {"throughput,energy --eps 50%", "9,5,2,20"},
    };
    make_db();
    char buf[200];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ck_assert_msg(strcmp(front_of(cases[i].args, buf, sizeof buf), cases[i].trials) == 0, "%s: %s, not %s\n%s",
                      cases[i].args, buf, cases[i].trials, strbuf_str(&sh.err));
    }
    printf("checked %zu fronts\n", sizeof cases / sizeof cases[0]);
    remove_db();
}
END_TEST

START_TEST(json_tells_values_goals_and_volume)
{
    make_db();
    char command[300];
    snprintf(command, sizeof command, "pareto %s --hv --ref 3mJ,3ms --columns note,glb --json", folder);
    json_t *doc = ask(command);
    /* Ideal (1, 1) mJ, ms, reference (3, 3): of the 2 x 2 box, (1,3) and (3,1) give nothing, (2,2) one of four. */
    ck_assert_double_eq_tol(json_number_value(json_object_get(doc, "hypervolume")), 0.25, 1e-12);
    ck_assert_int_eq(json_integer_value(json_object_get(doc, "front")), 3);
    json_t *objective = json_array_get(json_object_get(doc, "objectives"), 0);
    ck_assert_str_eq(json_string_value(json_object_get(objective, "name")), "energy");
    ck_assert_str_eq(json_string_value(json_object_get(objective, "goal")), "min");
    json_t *design = json_array_get(json_object_get(doc, "designs"), 1);
    ck_assert_str_eq(json_string_value(json_object_get(design, "why")), "knee");
    json_t *values = json_object_get(design, "values");
    ck_assert_uint_eq(json_object_size(values), 2);
    ck_assert_double_eq(json_number_value(json_object_get(values, "glb_bytes")), 2048.0);
    json_decref(doc);
    remove_db();
}
END_TEST

START_TEST(tables_are_read_by_people)
{
    make_db();
    shell_run(&sh, "dovetail pareto %s --plot --hv", folder);
    ck_assert_int_eq(sh.status, 0);
    static const char *const says[] = {"3 designs on the front",
                                       "least energy",
                                       "knee",
                                       "1mJ",
                                       "2ms",
                                       "pe_rows",
                                       "in all: dataflow weight_stationary",
                                       "●",
                                       "hypervolume 0.",
                                       "latency"};
    for (size_t i = 0; i < sizeof says / sizeof says[0]; i++) {
        ck_assert_msg(strstr(strbuf_str(&sh.out), says[i]), "no '%s' in\n%s", says[i], strbuf_str(&sh.out));
    }
    ck_assert_int_eq((int)sh.err.len, 0);
    remove_db();
}
END_TEST

START_TEST(questions_that_cannot_be_answered)
{
    static const struct {
        const char *args;
        int status;
        const char *says;
    } cases[] = {
        {"pareto DB energy,latncy", 64, "did you mean 'latency'?"},
        {"pareto DB pe_rows", 64, "write min:pe_rows"},
        {"pareto DB max:dataflow", 64, "is text"},
        {"pareto DB energy,energy", 64, "stands twice"},
        {"pareto DB ''", 64, "at least one objective"},
        {"pareto DB --where 'area <= 2'", 64, "unit"},
        {"pareto DB --where 'aria <= 2mm2'", 64, "did you mean 'area'?"},
        {"pareto DB --where 'dataflow == row_stationery'", 64, "row_stationary"},
        {"pareto DB --where 'area + 1mm2'", 64, "true or false"},
        {"pareto DB --where 'area <= 0mm2'", 1, "no feasible design satisfies"},
        {"pareto DB --columns enrgy", 64, "did you mean 'energy'?"},
        {"pareto DB --by latency", 64, "goes with --top"},
        {"pareto DB --top 3 --by area", 64, "not one of the objectives"},
        {"pareto DB --hv --ref 1mJ", 64, "2 values"},
        {"pareto DB --hv --ref 1mm2,1ms", 64, "energy"},
        {"pareto DB --hv --ref 0.5mJ,9ms", 64, "not worse than the best"},
        {"pareto DB energy --plot", 64, "two objectives"},
        {"pareto /nonexistent.db", 66, "cannot open"},
        {"pareto Makefile", 65, "Makefile"},
        {"status /nonexistent.db", 66, "cannot open"},
        {"status tests", 66, "no database"},
        {"export /nonexistent.db", 66, "cannot open"},
        {"export DB --columns nothing_like_it", 64, "no column"},
        {"export DB -o /nonexistent/x.csv", 74, "cannot make"},
        {"export DB > /dev/full", 74, "cannot write"},
        {"export DB --front --all", 64, "exclude each other"},
        {"pareto DB --where \"dataflow == 'row_stationary'\"", 64, "without quotes"},
    };
    make_db();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *at = strstr(cases[i].args, "DB");
        int before = (int)(at ? at - cases[i].args : 0);
        if (at) {
            shell_run(&sh, "dovetail %.*s%s/study.db%s", before, cases[i].args, folder, at + 2);
        } else {
            shell_run(&sh, "dovetail %s", cases[i].args);
        }
        ck_assert_msg(sh.status == cases[i].status, "%s: status %d, not %d\n%s", cases[i].args, sh.status,
                      cases[i].status, strbuf_str(&sh.err));
        ck_assert_msg(strstr(strbuf_str(&sh.err), cases[i].says), "%s: %s", cases[i].args, strbuf_str(&sh.err));
    }
    printf("checked %zu refusals\n", sizeof cases / sizeof cases[0]);
    remove_db();
}
END_TEST

static int lines(const char *text)
{
    int n = 0;
    for (; *text; text++) {
        n += *text == '\n';
    }
    return n;
}

START_TEST(export_gives_the_same_bytes_again)
{
    make_db();
    shell_run(&sh, "dovetail export %s --all", folder);
    ck_assert_int_eq(sh.status, 0);
    const char *head = "trial,hash,state,pe_rows,glb_bytes,dataflow,w_bits,energy_j,"
                       "latency_s,area_mm2,"
                       "throughput_per_s,note\n0,";
    ck_assert_msg(strncmp(strbuf_str(&sh.out), head, strlen(head)) == 0, "%s", strbuf_str(&sh.out));
    ck_assert_int_eq(lines(strbuf_str(&sh.out)), DESIGNS + 1);
    ck_assert_ptr_nonnull(strstr(strbuf_str(&sh.out), ",ok,8,1024,row_stationary,\"[8,4,4]\",0.008,0.001,5,7.1,"
                                                      "\"a \"\"b\"\", c\"\n"));
    ck_assert_ptr_nonnull(strstr(strbuf_str(&sh.out), ",0.004,0.001,5,,plain\n")); /* an empty cell for NULL */
    char *first = mem_strdup(strbuf_str(&sh.out));
    shell_run(&sh, "dovetail export %s --all", folder);
    ck_assert_str_eq(first, strbuf_str(&sh.out));
    mem_free(first);
    shell_run(&sh,
              "dovetail export %s | wc -l; dovetail export %s --front | wc -l; "
              "dovetail export %s --where 'area <= 2mm2' --format jsonl | wc -l; "
              "dovetail export %s --where 'area <= 2mm2' --columns area --format json "
              "| wc -l",
              folder, folder, folder, folder);
    ck_assert_str_eq(strbuf_str(&sh.out), "98\n4\n30\n32\n");
    remove_db();
}
END_TEST

START_TEST(export_as_json_and_into_a_file)
{
    make_db();
    char command[300];
    snprintf(command, sizeof command, "export %s --all --format json", folder);
    json_t *doc = ask(command);
    ck_assert_uint_eq(json_array_size(doc), DESIGNS);
    json_t *seven = json_array_get(doc, 7);
    ck_assert_str_eq(json_string_value(json_object_get(seven, "note")), "a \"b\", c");
    ck_assert_double_eq(json_number_value(json_object_get(seven, "energy_j")), 1e-3 * 8);
    ck_assert(json_is_null(json_object_get(json_array_get(doc, 3), "throughput_per_s")));
    json_decref(doc);
    shell_run(&sh,
              "cd %s && f() { $OLDPWD/$DOVETAIL export -o x.csv \"$@\"; }; f; f; echo "
              "$?; f --force; wc -l < x.csv",
              folder);
    ck_assert_msg(strstr(strbuf_str(&sh.err), "--force overwrites it"), "%s", strbuf_str(&sh.err));
    ck_assert_str_eq(strbuf_str(&sh.out), "64\n98\n");
    shell_run(&sh, "cd %s && $OLDPWD/$DOVETAIL export -o - | wc -l && ls ./-", folder); /* standard output, no file */
    ck_assert_str_eq(strbuf_str(&sh.out), "98\n");
    ck_assert_ptr_null(strstr(strbuf_str(&sh.err), "wrote"));
    snprintf(command, sizeof command, "export %s --where 'area < 0mm2' --format json", folder);
    doc = ask(command);
    ck_assert_uint_eq(json_array_size(doc), 0);
    json_decref(doc);
    remove_db();
}
END_TEST

START_TEST(status_counts)
{
    make_db();
    char command[300];
    snprintf(command, sizeof command, "status %s --json", folder);
    json_t *doc = ask(command);
    static const struct {
        const char *key;
        int value;
    } want[] = {{"trials", 100}, {"designs", 100}, {"feasible", 97}, {"infeasible", 2},
                {"failed", 1},   {"front", 3},     {"budget", 200}};
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
        ck_assert_msg(json_integer_value(json_object_get(doc, want[i].key)) == want[i].value, "%s", want[i].key);
    }
    ck_assert_double_eq(json_number_value(json_object_get(doc, "hypervolume")), 0.75);
    json_t *run = json_array_get(json_object_get(doc, "runs"), 0);
    ck_assert_str_eq(json_string_value(json_object_get(run, "state")), "interrupted");
    json_decref(doc);
    shell_run(&sh, "dovetail status %s --runs --watch", folder);
    ck_assert_int_eq(sh.status, 0);
    static const char *const says[] = {"grid",
                                       "100 of 200 (50%)",
                                       "97 feasible, 2 infeasible, 1 failed",
                                       "3 designs",
                                       "0.7500",
                                       "dovetail resume",
                                       "interrupted",
                                       "CPU"};
    for (size_t i = 0; i < sizeof says / sizeof says[0]; i++) {
        ck_assert_msg(strstr(strbuf_str(&sh.out), says[i]), "no '%s' in\n%s", says[i], strbuf_str(&sh.out));
    }
    shell_run(&sh, "cp %s/study.db %s/other.db; dovetail status %s", folder, folder, folder);
    ck_assert_int_eq(sh.status, 64);
    ck_assert_ptr_nonnull(strstr(strbuf_str(&sh.err), "2 databases"));
    remove_db();
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("query");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, fronts_known_by_hand);
    tcase_add_test(tc, json_tells_values_goals_and_volume);
    tcase_add_test(tc, tables_are_read_by_people);
    tcase_add_test(tc, questions_that_cannot_be_answered);
    tcase_add_test(tc, export_gives_the_same_bytes_again);
    tcase_add_test(tc, export_as_json_and_into_a_file);
    tcase_add_test(tc, status_counts);
    Suite *s = suite_create("query");
    suite_add_tcase(s, tc);
    int status = run_suite(s, CK_FORK_GETENV);
    shell_release(&sh);
    return status;
}
