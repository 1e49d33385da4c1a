/* Study files: every mistake is reported at once and at its place, every key of the schemas finds itself when misspelt by one letter,
 * a point of the space goes to text and back, and the hashes tell apart what they must. */
#include "base/mem.h"
#include "base/rng.h"
#include "base/strbuf.h"
#include "experiments/domain.h"
#include "experiments/study.h"
#include "tests/run_suite.h"
#include "tests/shell.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const small =
    "dovetail: 1\n"
    "name: small\n"
    "workload: {model: resnet18, accuracy: {proxy: hawqv3}}\n"
    "hardware: {template: edge_npu}\n"
    "space:\n"
    "  pe_rows: [8, 16]\n"
    "  cores: [1, 2, 4]\n"
    "  glb: {pow2: [64KiB, 256KiB]}\n"
    "  bits: {values: [4, 8], per: block}\n"
    "  partition: {values: [output_channels, rows, core0, core1], per: block, when: cores > 1}\n"
    "objectives: [energy, latency, accuracy_drop]\n"
    "constraints: [area <= 20mm2, pe_rows * cores <= 32, bits_mean >= 5]\n"
    "search: {algorithm: nsga2, budget: {evaluations: 100}, seed: 3}\n";

static struct study *parse(const char *text, struct diags *d)
{
    return study_parse("small.yaml", text, strlen(text), NULL, 0, d);
}

static struct study *parse_good(const char *text)
{
    struct diags d = DIAGS_INIT;
    struct study *s = parse(text, &d);
    struct strbuf t = STRBUF_INIT;
    diags_format(&d, false, &t);
    ck_assert_msg(s != NULL, "%s", strbuf_str(&t));
    strbuf_release(&t);
    diags_release(&d);
    return s;
}

START_TEST(all_errors_at_once)
{
    static const char *const expected[] = {
        "tests/fixtures/broken.yaml:6:",
        "did you mean 'resnet50'?",
        "tests/fixtures/broken.yaml:13:3: error: unknown parameter of template 'edge_npu': 'clok'",
        "did you mean 'clock'?",
        "tests/fixtures/broken.yaml:16:",
        "'pe_rows' must lie in",
        "tests/fixtures/broken.yaml:17:15: error: 'weight_stationery' is no value of 'dataflow'",
        "did you mean 'weight_stationary'?",
        "tests/fixtures/broken.yaml:18:3: error: unknown parameter of template 'edge_npu': 'glb_kib'",
        "did you mean 'glb'?",
        "tests/fixtures/broken.yaml:19:22: error:",
        "needs a unit",
        "tests/fixtures/broken.yaml:20:",
        "did you mean 'block'?",
        "tests/fixtures/broken.yaml:22:1: error: unknown key 'objectve'",
        "did you mean 'objectives'?",
        "tests/fixtures/broken.yaml:26:",
        "write '4mm2'",
        "tests/fixtures/broken.yaml:27:5: error:",
        "did you mean 'latency'?",
        "tests/fixtures/broken.yaml:28:",
        "tests/fixtures/broken.yaml:31:14: error: unknown algorithm 'nsga'",
        "tests/fixtures/broken.yaml:32:3: error: unknown key 'budgett'",
        "did you mean 'budget'?",
        "tests/fixtures/broken.yaml:33:",
        "nothing was run",
    };
    struct shell sh = {0, STRBUF_INIT, STRBUF_INIT};
    shell_run(&sh, "dovetail search tests/fixtures/broken.yaml -o build/broken.db");
    ck_assert_int_eq(sh.status, 65);
    ck_assert_int_ne(access("build/broken.db", F_OK), 0);
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        ck_assert_msg(strstr(strbuf_str(&sh.err), expected[i]) != NULL, "no '%s' in\n%s", expected[i],
                      strbuf_str(&sh.err));
    }
    ck_assert_ptr_null(strstr(strbuf_str(&sh.err), "missing"));
    shell_release(&sh);
}
END_TEST

/* ---- misspelt keys ---- */

static int tried;

static void expect_suggestion(const struct schema *schema, const char *wrong, const char *right)
{
    struct strbuf text = STRBUF_INIT, out = STRBUF_INIT;
    strbuf_addf(&text, "%s: 1\n", wrong);
    struct diags d = DIAGS_INIT;
    struct doc *doc = doc_read_text("key.yaml", text.buf, text.len, &d);
    ck_assert_ptr_nonnull(doc);
    char room[4096] = {0}; /* nothing is read into it: the only key is unknown */
    schema_read(schema, &doc->root, room, NULL, &d);
    diags_format(&d, false, &out);
    struct strbuf help = STRBUF_INIT;
    strbuf_addf(&help, "did you mean '%s'?", right);
    ck_assert_msg(strstr(strbuf_str(&out), strbuf_str(&help)) != NULL, "%s: '%s' does not suggest '%s':\n%s",
                  schema->what, wrong, right, strbuf_str(&out));
    tried++;
    doc_free(doc);
    diags_release(&d);
    strbuf_release(&text);
    strbuf_release(&out);
    strbuf_release(&help);
}

static bool is_key(const struct schema *s, const char *word)
{
    for (int i = 0; i < s->n; i++) {
        if (strcmp(s->fields[i].key, word) == 0) {
            return true;
        }
    }
    return false;
}

/* Every deletion, doubling, replacement and exchange of neighbours. */
static void misspell(const struct schema *schema, const char *key)
{
    int n = (int)strlen(key);
    for (int kind = 0; kind < 4; kind++) {
        for (int at = 0; at < n; at++) {
            char wrong[64];
            strcpy(wrong, key);
            if (kind == 0) {
                memmove(wrong + at, wrong + at + 1, (size_t)(n - at));
            } else if (kind == 1) {
                memmove(wrong + at + 1, wrong + at, (size_t)(n - at) + 1);
            } else if (kind == 2) {
                wrong[at] = wrong[at] == 'z' ? 'y' : 'z';
            } else if (at + 1 < n) {
                wrong[at] = key[at + 1];
                wrong[at + 1] = key[at];
            }
            if (wrong[0] != '\0' && strcmp(wrong, key) != 0 && !is_key(schema, wrong)) {
                expect_suggestion(schema, wrong, key);
            }
        }
    }
}

static void walk(const struct schema *schema, int depth)
{
    for (int i = 0; i < schema->n; i++) {
        misspell(schema, schema->fields[i].key);
        if (schema->fields[i].sub != NULL && depth < 8) {
            walk(schema->fields[i].sub, depth + 1);
        }
    }
}

START_TEST(every_misspelt_key_finds_itself)
{
    walk(study_schema(), 0);
    walk(domain_schema(), 0);
    printf("checked %d misspelt keys of study files\n", tried);
    ck_assert_int_gt(tried, 300);
}
END_TEST

/* ---- points ---- */

static void random_point(const struct study *s, struct rng *r, double *x)
{
    for (int i = 0; i < s->space.n; i++) {
        x[i] = (double)rng_below(r, s->space.var[i].n);
    }
    space_canonical(&s->space, x);
}

/* Assigns every `name=value` line of the text to a default point. */
static void point_from_text(const struct study *s, char *text, double *x)
{
    study_default(s, x);
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        char *equal = strchr(line, '=');
        *equal = '\0';
        struct err err = ERR_INIT;
        struct strbuf value = STRBUF_INIT;
        strbuf_addf(&value, "%s%s", equal + 1, strcmp(line, "glb") == 0 ? "bit" : "");
        ck_assert_msg(study_assign(s, line, strbuf_str(&value), x, &err) == 0, "%s", err.text);
        strbuf_release(&value);
    }
    space_canonical(&s->space, x);
}

START_TEST(points_go_to_text_and_back)
{
    struct study *s = parse_good(small);
    struct rng r;
    rng_init(&r, 1, 0, RNG_TEST);
    double *x = mem_calloc((size_t)s->space.n, sizeof *x), *y = mem_calloc((size_t)s->space.n, sizeof *y);
    for (int k = 0; k < 500; k++) {
        random_point(s, &r, x);
        struct strbuf t = STRBUF_INIT;
        study_design_text(s, x, &t);
        char *copy = mem_strdup(strbuf_str(&t));
        point_from_text(s, copy, y);
        ck_assert_int_eq(memcmp(x, y, (size_t)s->space.n * sizeof *x), 0);
        mem_free(copy);
        strbuf_release(&t);
    }
    mem_free(x);
    mem_free(y);
    study_free(s);
}
END_TEST

START_TEST(conditions_and_known_constraints)
{
    struct study *s = parse_good(small);
    double *x = mem_calloc((size_t)s->space.n, sizeof *x);
    struct err err = ERR_INIT;
    study_default(s, x);
    ck_assert_int_eq(study_assign(s, "cores", "1", x, &err), 0);
    ck_assert_int_eq(study_assign(s, "partition", "rows", x, &err), 0);
    space_canonical(&s->space, x);
    for (int i = 0; i < s->n_families; i++) {
        const struct study_family *f = &s->family[i];
        for (int k = 0; f->binding == BIND_PARTITION && k < f->count; k++) {
            ck_assert_double_eq(x[f->first + k], 0); /* inactive on one core */
        }
    }
    ck_assert_double_eq(study_known_violation(s, x), 0);
    study_assign(s, "cores", "4", x, &err);
    study_assign(s, "pe_rows", "16", x, &err);
    ck_assert_double_gt(study_known_violation(s, x), 0); /* 64 > 32 */
    study_assign(s, "pe_rows", "8", x, &err);
    ck_assert_double_eq(study_known_violation(s, x), 0);
    study_assign(s, "bits", "4", x, &err);
    ck_assert_double_gt(study_known_violation(s, x), 0); /* mean of 4 < 5 */
    study_assign(s, "bits", "8", x, &err);
    study_assign(s, "cores", "2", x, &err);
    study_assign(s, "partition", "core1", x, &err);
    ck_assert_double_eq(study_known_violation(s, x), 0);
    mem_free(x);
    study_free(s);
}
END_TEST

static struct study *with(const char *path, const char *value)
{
    struct diags d = DIAGS_INIT;
    struct study_override set = {path, value};
    struct study *s = study_parse("small.yaml", small, strlen(small), &set, 1, &d);
    ck_assert_ptr_nonnull(s);
    diags_release(&d);
    return s;
}

/* Coordinates beyond their levels, as moves and repairs make them: conditions look at what stands before them only. */
START_TEST(any_point_becomes_canonical)
{
    struct study *s = parse_good(small);
    size_t size = (size_t)s->space.n * sizeof(double);
    double *x = mem_alloc(size), *y = mem_alloc(size);
    struct rng r;
    rng_init(&r, 5, 0, RNG_TEST);
    for (int t = 0; t < 1000; t++) {
        for (int i = 0; i < s->space.n; i++) {
            x[i] = t % 50 == 0 ? (double)NAN : (t % 10 == 0 ? 1e18 : 6.0) * (rng_uniform(&r) - 0.4);
        }
        space_canonical(&s->space, x);
        memcpy(y, x, size);
        space_canonical(&s->space, y);
        ck_assert_mem_eq(x, y, size);
        for (int i = 0; i < s->space.n; i++) {
            ck_assert(x[i] >= 0 && x[i] <= (double)(s->space.var[i].n - 1));
        }
    }
    mem_free(x);
    mem_free(y);
    study_free(s);
}
END_TEST

START_TEST(hashes_tell_apart)
{
    static const struct {
        const char *path, *value;
        bool space, model;
    } rows[] = {
        {"search.seed", "4", true, false},
        {"search.epsilon", "{energy: 1uJ}", true, false},
        {"search.fidelity", "[roofline, mapped]", true, false},
        {"search.fidelity", "[mapped]", false, false},
        {"search.budget.evaluations", "200", false, false},
        {"space.pe_rows", "[8, 12]", true, false},
        {"objectives", "[energy, latency]", true, false},
        {"constraints", "[area <= 21mm2]", true, false},
        {"hardware.pe_cols", "24", false, true},
        {"workload.model", "resnet50", true, true},
        {"workload.batch", "2", false, true},
        {"mapping.goal", "energy", false, true},
        {"name", "other", false, false},
    };
    struct study *base = parse_good(small);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct study *s = with(rows[i].path, rows[i].value);
        ck_assert_msg(hash_equal(s->space_hash, base->space_hash) != rows[i].space, "space hash with %s", rows[i].path);
        ck_assert_msg(hash_equal(s->model_hash, base->model_hash) != rows[i].model, "model hash with %s", rows[i].path);
        study_free(s);
    }
    study_free(base);
}
END_TEST

START_TEST(resolved_text_reads_back)
{
    struct study *s = parse_good(small);
    struct study *t = parse_good(s->resolved);
    ck_assert(hash_equal(s->space_hash, t->space_hash));
    ck_assert(hash_equal(s->model_hash, t->model_hash));
    ck_assert_str_eq(s->resolved, t->resolved);
    study_free(s);
    study_free(t);
}
END_TEST

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    fputs(text, f);
    fclose(f);
}

START_TEST(extends_takes_over)
{
    static const char *const base = "build/extends_base.yaml", *const top = "build/extends_top.yaml";
    write_file(base, small);
    write_file(top, "extends: extends_base.yaml\nname: top\nspace: {pe_rows: [4, 8]}\n");
    struct diags d = DIAGS_INIT;
    struct study *s = study_load(top, NULL, 0, &d);
    ck_assert_ptr_nonnull(s);
    ck_assert_str_eq(s->name, "top");
    ck_assert_double_eq(s->family[0].level[0], 4);
    ck_assert_int_eq(s->n_families, 5);
    study_free(s);
    diags_release(&d);
    remove(base);
    remove(top);
}
END_TEST

START_TEST(extends_in_a_circle)
{
    static const struct {
        const char *a, *b, *says;
    } cases[] = {
        {"extends: ./extends_a.yaml\n", "", "'build/extends_a.yaml' extends itself"},
        {"extends: ../build/extends_b.yaml\n", "extends: ././extends_a.yaml\n", "a circle"},
    };
    for (int i = 0; i < 2; i++) {
        struct diags d = DIAGS_INIT;
        write_file("build/extends_a.yaml", cases[i].a);
        write_file("build/extends_b.yaml", cases[i].b);
        ck_assert_ptr_null(study_load("build/extends_a.yaml", NULL, 0, &d));
        ck_assert_int_eq(d.n_errors, 1);
        ck_assert_msg(strstr(d.list[0].message, cases[i].says) != NULL, "%s", d.list[0].message);
        ck_assert_ptr_null(strstr(d.list[0].message, "./."));
        diags_release(&d);
    }
    remove("build/extends_a.yaml");
    remove("build/extends_b.yaml");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("study");
    TCase *tc = tcase_create("study");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, all_errors_at_once);
    tcase_add_test(tc, every_misspelt_key_finds_itself);
    tcase_add_test(tc, points_go_to_text_and_back);
    tcase_add_test(tc, conditions_and_known_constraints);
    tcase_add_test(tc, any_point_becomes_canonical);
    tcase_add_test(tc, hashes_tell_apart);
    tcase_add_test(tc, resolved_text_reads_back);
    tcase_add_test(tc, extends_takes_over);
    tcase_add_test(tc, extends_in_a_circle);
    suite_add_tcase(suite, tc);
    return run_suite(suite, CK_FORK_GETENV);
}
