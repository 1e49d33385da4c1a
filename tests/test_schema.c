/* base/schema: all errors at once, each with its place and help; every key misspelt by one letter finds itself. */
#include "base/mem.h"
#include "base/schema.h"
#include "base/strbuf.h"
#include "tests/run_suite.h"

#include <check.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

struct budget {
    int64_t evaluations;
    double time;
};

struct study {
    char *name, *title;
    int64_t seed, pe_rows, x;
    double area, clock, ratio;
    bool fast;
    int dataflow;
    struct budget budget;
    const struct node *space;
};

static const char *const dataflows[] = {"weight_stationary", "output_stationary", "row_stationary", NULL};

static const struct field budget_fields[] = {
    {.key = "evaluations", .type = FIELD_INT, .offset = offsetof(struct budget, evaluations), .min = 1, .max = 1e9},
    {.key = "time", .type = FIELD_QUANTITY, .offset = offsetof(struct budget, time), .dim = &DIM_TIME},
};
static const struct schema budget_schema = {"budget", budget_fields, 2};

static const struct field study_fields[] = {
    {.key = "name", .type = FIELD_NAME, .offset = offsetof(struct study, name), .required = true},
    {.key = "title", .type = FIELD_STRING, .offset = offsetof(struct study, title)},
    {.key = "seed", .type = FIELD_INT, .offset = offsetof(struct study, seed)},
    {.key = "x", .type = FIELD_INT, .offset = offsetof(struct study, x), .min = 1, .max = (double)INFINITY},
    {.key = "pe_rows", .type = FIELD_INT, .offset = offsetof(struct study, pe_rows), .min = 1, .max = 1024},
    {.key = "area",
     .type = FIELD_QUANTITY,
     .offset = offsetof(struct study, area),
     .dim = &DIM_AREA,
     .min = 1e-9,
     .max = 1e-3},
    {.key = "clock", .type = FIELD_QUANTITY, .offset = offsetof(struct study, clock), .dim = &DIM_FREQUENCY},
    {.key = "ratio", .type = FIELD_REAL, .offset = offsetof(struct study, ratio), .min = 0, .max = 1},
    {.key = "fast", .type = FIELD_BOOL, .offset = offsetof(struct study, fast)},
    {.key = "dataflow", .type = FIELD_CHOICE, .offset = offsetof(struct study, dataflow), .choices = dataflows},
    {.key = "budget", .type = FIELD_MAP, .offset = offsetof(struct study, budget), .sub = &budget_schema},
    {.key = "space",
     .type = FIELD_NODE,
     .offset = offsetof(struct study, space),
     .required = true,
     .help = "what varies"},
};
enum { N_FIELDS = sizeof study_fields / sizeof *study_fields };
static const struct schema study_schema = {"a study", study_fields, N_FIELDS};

static int read_study(const char *text, struct study *study, struct diags *d, struct doc **doc)
{
    *doc = doc_read_text("s.yaml", text, strlen(text), d);
    ck_assert_ptr_nonnull(*doc);
    return schema_read(&study_schema, &(*doc)->root, study, NULL, d);
}

static void free_study(struct study *s)
{
    mem_free(s->name);
    mem_free(s->title);
}

START_TEST(reads_all_types)
{
    struct study s = {.ratio = 0.25, .title = mem_strdup("preset")};
    struct diags d = DIAGS_INIT;
    struct doc *doc;
    int rc = read_study("name: edge_cnn\ntitle: a b\nseed: 9223372036854775807\npe_rows: "
                        "20\nx: 20k\narea: 4mm2\nclock: 500MHz\nfast: true\n"
                        "dataflow: row_stationary\nbudget: {evaluations: 1e6, time: "
                        "10min}\nspace: {a: [1]}\n",
                        &s, &d, &doc);
    ck_assert_int_eq(rc, 0);
    ck_assert_int_eq(d.n, 0);
    ck_assert_str_eq(s.name, "edge_cnn");
    ck_assert_str_eq(s.title, "a b");
    ck_assert(s.seed == INT64_MAX && s.pe_rows == 20 && s.x == 20000 && s.fast && s.dataflow == 2);
    ck_assert(s.area == 4e-6 && s.clock == 5e8 && s.ratio == 0.25);
    ck_assert(s.budget.evaluations == 1000000 && s.budget.time == 600);
    ck_assert_ptr_eq(s.space, node_get(&doc->root, "space"));
    free_study(&s);
    doc_free(doc);
    diags_release(&d);
}
END_TEST

START_TEST(every_error_at_once)
{
    struct study s = {.pe_rows = 7};
    struct diags d = DIAGS_INIT;
    struct doc *doc;
    int rc = read_study("nane: edge\npe_rows: 0\narea: 4\nclock: 500mhz\nratio: "
                        "1.5\nfast: yes\ndataflow: weight_stationery\n"
                        "budgett: {}\nx: 0\nzebra: 1\ntitle:\n",
                        &s, &d, &doc);
    ck_assert_int_eq(rc, -1);
    struct strbuf sb = STRBUF_INIT;
    diags_format(&d, false, &sb);
    ck_assert_str_eq(strbuf_str(&sb), "s.yaml:1:1: error: unknown key 'nane'\n"
                                      "    1 | nane: edge\n"
                                      "      | ^~~~\n"
                                      "      = help: did you mean 'name'?\n"
                                      "s.yaml:1:1: error: missing key 'space' of a study\n"
                                      "    1 | nane: edge\n"
                                      "      | ^\n"
                                      "      = help: what varies\n"
                                      "s.yaml:2:10: error: 'pe_rows' must lie in 1..1024, not 0\n"
                                      "    2 | pe_rows: 0\n"
                                      "      |          ^\n"
                                      "s.yaml:3:7: error: 'area' needs a unit\n"
                                      "    3 | area: 4\n"
                                      "      |       ^\n"
                                      "      = help: write '4mm2' (accepted: mm2, um2)\n"
                                      "s.yaml:4:11: error: unknown unit 'mhz' of 'clock'\n"
                                      "    4 | clock: 500mhz\n"
                                      "      |           ^~~\n"
                                      "      = help: did you mean 'MHz'?\n"
                                      "s.yaml:5:8: error: 'ratio' must lie in 0..1, not 1.5\n"
                                      "    5 | ratio: 1.5\n"
                                      "      |        ^~~\n"
                                      "s.yaml:6:7: error: 'fast' must be true or false, not 'yes'\n"
                                      "    6 | fast: yes\n"
                                      "      |       ^~~\n"
                                      "      = help: write true or false\n"
                                      "s.yaml:7:11: error: 'weight_stationery' is no value of 'dataflow'\n"
                                      "    7 | dataflow: weight_stationery\n"
                                      "      |           ^~~~~~~~~~~~~~~~~\n"
                                      "      = help: did you mean 'weight_stationary'?\n"
                                      "s.yaml:8:1: error: unknown key 'budgett'\n"
                                      "    8 | budgett: {}\n"
                                      "      | ^~~~~~~\n"
                                      "      = help: did you mean 'budget'?\n"
                                      "s.yaml:9:4: error: 'x' must be at least 1, not 0\n"
                                      "    9 | x: 0\n"
                                      "      |    ^\n"
                                      "s.yaml:10:1: error: unknown key 'zebra'\n"
                                      "   10 | zebra: 1\n"
                                      "      | ^~~~~\n"
                                      "      = help: known keys: name, title, seed, x, pe_rows, area, clock, ratio, "
                                      "fast, dataflow, budget, space\n"
                                      "s.yaml:11:1: error: 'title' has no value, but must be a single value\n"
                                      "   11 | title:\n"
                                      "      | ^~~~~\n");
    ck_assert_int_eq(s.pe_rows, 7);
    strbuf_release(&sb);
    free_study(&s);
    doc_free(doc);
    diags_release(&d);
}
END_TEST

START_TEST(scalar_errors)
{
    static const struct {
        const char *line, *message, *help;
        int col;
    } cases[] = {
        {"pe_rows: 1.5", "'pe_rows' must be a whole number, not 1.5", NULL, 10},
        {"pe_rows: 4mm2", "'pe_rows' must be a plain number, not an area", NULL, 10},
        {"pe_rows: four", "'pe_rows' must be a plain number, not 'four'", NULL, 10},
        {"pe_rows: 4rows", "'pe_rows' must be a plain number, not '4rows'", NULL, 10},
        {"pe_rows: '4'", "'pe_rows' must be a number, not text", "leave the quotes out", 10},
        {"pe_rows: [4]", "'pe_rows' must be a single value, not a list", NULL, 10},
        {"pe_rows: 99999999999999999999", "'pe_rows' is too large a number", NULL, 10},
        {"seed: 1e300", "'seed' is too large a number", NULL, 7},
        {"area: 4MHz", "'area' must be an area, not a frequency", "accepted: mm2, um2", 7},
        {"area: 4 mm2", "'area' has a blank before its unit", "write '4mm2', without a blank", 7},
        {"area: 4mm2 or so", "'area' cannot be read from here on: ' or so'", NULL, 11},
        {"area: 1e999mm2", "'area' is too large or too small for a number", NULL, 7},
        {"area: 4m2", "'area' must lie in 1000um2..1000mm2, not 4m2", NULL, 7},
        {"area: inf", "'area' must be an area, not 'inf'", NULL, 7},
        {"area: 4Kb", "unknown unit 'Kb' of 'area'", "write 'kbit' or 'Kibit' for bits, 'kB' or 'KiB' for bytes", 8},
        {"area: !x 4mm2", "the tag '!x' means nothing here", NULL, 10},
        {"name: a b", "'name' may hold 1 to 100 letters, digits, '_', '.', '-' only", NULL, 7},
        {"name: [a]", "'name' must be a single value, not a list", NULL, 7},
        {"budget: 5", "'budget' must be a mapping (key: value), not a single value", NULL, 9},
        {"budget: {evaluation: 5}", "unknown key 'evaluation'", "did you mean 'evaluations'?", 10},
        {"dataflow: none", "'none' is no value of 'dataflow'",
         "one of: weight_stationary, output_stationary, row_stationary", 11},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct study s = {0};
        struct diags d = DIAGS_INIT;
        struct doc *doc;
        char text[200];
        snprintf(text, sizeof text, "%s\nspace: {}\n%s", cases[i].line,
                 strncmp(cases[i].line, "name", 4) == 0 ? "" : "name: n\n");
        ck_assert_int_eq(read_study(text, &s, &d, &doc), -1);
        ck_assert_int_eq(d.n, 1);
        ck_assert_str_eq(d.list[0].message, cases[i].message);
        ck_assert_pstr_eq(d.list[0].help, cases[i].help);
        ck_assert_msg(d.list[0].mark.line == 1 && d.list[0].mark.col == cases[i].col, "%s: column %d", cases[i].line,
                      d.list[0].mark.col);
        free_study(&s);
        doc_free(doc);
        diags_release(&d);
    }
}
END_TEST

START_TEST(root_must_be_a_mapping)
{
    static const char *const texts[] = {"", "- a\n", "hello\n"};
    for (int i = 0; i < 3; i++) {
        struct study s = {0};
        struct diags d = DIAGS_INIT;
        struct doc *doc;
        ck_assert_int_eq(read_study(texts[i], &s, &d, &doc), -1);
        ck_assert_int_eq(d.n_errors, 1);
        doc_free(doc);
        diags_release(&d);
    }
}
END_TEST

/* With all the others present, `typo` in place of `key` must suggest `key`. */
static int check_typo(const char *key, const char *typo)
{
    struct strbuf text = STRBUF_INIT;
    for (int i = 0; i < N_FIELDS; i++) {
        const char *k = study_fields[i].key;
        if (strcmp(k, typo) == 0) {
            strbuf_release(&text);
            return 0; /* the typo is another key */
        }
        strbuf_addf(&text, "\"%s\": 1\n", strcmp(k, key) == 0 ? typo : k);
    }
    struct study s = {0};
    struct diags d = DIAGS_INIT;
    struct doc *doc;
    char want[64];
    bool found = false;
    snprintf(want, sizeof want, "did you mean '%s'?", key);
    read_study(strbuf_str(&text), &s, &d, &doc);
    for (int i = 0; i < d.n; i++) {
        found =
            found || (d.list[i].help && strcmp(d.list[i].help, want) == 0 && strstr(d.list[i].message, "unknown key"));
        ck_assert_msg(!strstr(d.list[i].message, "missing key"), "'%s' for '%s': %s", typo, key, d.list[i].message);
    }
    ck_assert_msg(found, "'%s' for '%s'", typo, key);
    free_study(&s);
    doc_free(doc);
    diags_release(&d);
    strbuf_release(&text);
    return 1;
}

START_TEST(every_key_misspelt)
{
    int checked = 0;
    for (int f = 0; f < N_FIELDS; f++) {
        const char *key = study_fields[f].key;
        int n = (int)strlen(key);
        char typo[64];
        for (int i = 0; i <= n; i++) {
            for (const char *c = "aez_"; *c; c++) {
                snprintf(typo, sizeof typo, "%.*s%c%s", i, key, *c, key + i); /* one too many */
                checked += check_typo(key, typo);
                if (i < n && key[i] != *c) {
                    snprintf(typo, sizeof typo, "%.*s%c%s", i, key, *c, key + i + 1); /* another */
                    checked += check_typo(key, typo);
                }
            }
            if (i < n && n > 1) {
                snprintf(typo, sizeof typo, "%.*s%s", i, key, key + i + 1); /* one missing */
                checked += check_typo(key, typo);
            }
            if (i + 1 < n && key[i] != key[i + 1]) {
                snprintf(typo, sizeof typo, "%.*s%c%c%s", i, key, key[i + 1], key[i], key + i + 2); /* swapped */
                checked += check_typo(key, typo);
            }
        }
    }
    printf("checked %d misspelt keys\n", checked);
    ck_assert_int_gt(checked, 500);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("schema");
    TCase *t = tcase_create("all");
    tcase_add_test(t, reads_all_types);
    tcase_add_test(t, every_error_at_once);
    tcase_add_test(t, scalar_errors);
    tcase_add_test(t, root_must_be_a_mapping);
    tcase_add_test(t, every_key_misspelt);
    suite_add_tcase(s, t);
    return run_suite(s, CK_FORK_GETENV);
}
