/* The reference cases: our exact counts are the brute-force ones, our Timeloop accounting is Timeloop. Where Timeloop is known to differ the
 * case is named here with the reason (docs/validation-operator.md), and the test fails should the difference go away. */
#include "base/strbuf.h"
#include "experiments/case.h"

#include <check.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FOLDER "tests/fixtures/cases/"
static const char *const files[] = {FOLDER "timeloop_handmade.jsonl", FOLDER "timeloop_fuzz.jsonl",
                                    FOLDER "timeloop_imperfect.jsonl"};

/* Differences that Timeloop's own behaviour explains. */
static const struct {
    const char *id, *why;
} known[] = {
    {"h70_link", "a neighbour forwards inputs: link transfers"},
    {"i02_gemm_spatial", "counts 3 of 4 columns at work, so 576 of 640 MACs"},
    {"i03_conv_p", "runs 16 steps of 13, and reads a halo past the input's end"},
    {"i04_conv_k", "counts 3 of 4 PEs at work, so 3456 of 4032 MACs"},
    {"i05_gemm_k", "runs 12 steps of 10"},
    {"i06_conv_psp", "counts 3 of 4 columns at work, and a halo past the input's end"},
    {"i07_two_dims", "runs 12 x 8 steps of 10 x 7"},
    {"i08_two_dims_sp", "counts 11 of 16 PEs at work"},
    {"i12_alexnet13", "counts 10 of 16 PEs at work, and halos past the input's end"},
};

static bool is_known(const char *id)
{
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(known[i].id, id) == 0) {
            return true;
        }
    }
    return false;
}

static double at(const json_t *o, const char *key)
{
    return json_number_value(json_object_get(o, key));
}

static json_t *price(const char *line, enum accounting accounting)
{
    struct strbuf out = STRBUF_INIT;
    case_run(line, strlen(line), accounting, &out);
    json_t *answer = json_loadb(out.buf, out.len, 0, NULL);
    ck_assert_ptr_nonnull(answer);
    ck_assert_msg(json_object_get(answer, "error") == NULL, "%s", out.buf);
    strbuf_release(&out);
    return answer;
}

/* Numbers that differ between our answer and Timeloop's: counts and cycles at all, energies by more than 0.1 %. */
static int differences(const json_t *mine, json_t *timeloop)
{
    static const char *const counts[] = {"tile", "instances", "reads", "fills", "updates"};
    const char *level, *tensor;
    json_t *lv, *tv;
    int n = at(mine, "cycles") != at(timeloop, "cycles");
    n += at(mine, "computes") != at(timeloop, "computes");
    n += fabs(at(mine, "energy_pj") / at(timeloop, "energy_pj") - 1) > 1e-3;
    json_object_foreach(json_object_get(timeloop, "levels"), level, lv)
    {
        const json_t *l = json_object_get(json_object_get(mine, "levels"), level);
        json_t *tensors = json_object_get(lv, "tensors");
        n += at(l, "cycles") != at(lv, "cycles");
        n += json_object_size(json_object_get(l, "tensors")) != json_object_size(tensors);
        json_object_foreach(tensors, tensor, tv)
        {
            const json_t *t = json_object_get(json_object_get(l, "tensors"), tensor);
            for (int k = 0; k < 5; k++) {
                n += at(t, counts[k]) != at(tv, counts[k]);
            }
            n += fabs(at(t, "energy_pj") - at(tv, "energy_pj")) > 1e-3 * at(tv, "energy_pj");
        }
    }
    return n;
}

static int walk_differences(const json_t *mine, json_t *truth)
{
    static const char *const counts[] = {"reads", "fills", "updates"};
    const char *level, *tensor;
    json_t *lv, *tv;
    int n = at(mine, "compute_cycles") != at(truth, "compute_cycles");
    n += at(mine, "computes") != at(truth, "computes");
    json_object_foreach(json_object_get(truth, "levels"), level, lv)
    {
        const json_t *l = json_object_get(json_object_get(mine, "levels"), level);
        json_object_foreach(lv, tensor, tv)
        {
            const json_t *t = json_object_get(json_object_get(l, "tensors"), tensor);
            for (int k = 0; k < 3; k++) {
                double total = at(json_object_get(t, "total"), counts[k]);
                n += total != at(tv, counts[k]);
                n += fabs(at(t, counts[k]) * at(t, "instances") - total) > 1e-6;
            }
        }
    }
    return n;
}

/* Calls `check` with each case; returns how many there were. */
static int each(const char *file, void (*check)(const char *line, json_t *c, void *data), void *data)
{
    FILE *in = fopen(file, "r");
    ck_assert_msg(in != NULL, "cannot open %s: run the tests in the root", file);
    char *line = NULL;
    size_t cap = 0;
    int n = 0;
    while (getline(&line, &cap, in) >= 0) {
        json_t *c = json_loads(line, 0, NULL);
        ck_assert_ptr_nonnull(c);
        check(line, c, data);
        json_decref(c);
        n++;
    }
    free(line);
    fclose(in);
    return n;
}

static void check_walk(const char *line, json_t *c, void *data)
{
    json_t *truth = json_object_get(c, "oracle_totals");
    if (truth == NULL) {
        return;
    }
    json_t *mine = price(line, ACCOUNTING_EXACT);
    ck_assert_msg(walk_differences(mine, truth) == 0, "%s: not the walk's counts",
                  json_string_value(json_object_get(c, "id")));
    json_decref(mine);
    ++*(int *)data;
}

START_TEST(exact_is_brute_force)
{
    int checked = 0;
    each(files[_i], check_walk, &checked);
    printf("%s: %d cases equal to brute force\n", files[_i], checked);
    ck_assert_int_gt(checked, 0);
}
END_TEST

struct tally {
    int equal, explained, defaults;
};

static void check_timeloop(const char *line, json_t *c, void *data)
{
    struct tally *tally = data;
    const char *id = json_string_value(json_object_get(c, "id"));
    json_t *full = json_object_get(c, "expected_full_iteration");
    json_t *normal = json_object_get(c, "expected");
    json_t *mine = price(line, ACCOUNTING_TIMELOOP);
    json_t *quick = price(line, ACCOUNTING_TIMELOOP_DEFAULT);
    bool equal = differences(mine, full != NULL ? full : normal) == 0;
    bool quick_equal = differences(quick, normal) == 0;
    ck_assert_msg(equal != is_known(id), "%s: %s Timeloop", id, equal ? "no longer differs from" : "differs from");
    ck_assert_msg(quick_equal || is_known(id), "%s: differs from Timeloop's default", id);
    tally->equal += equal;
    tally->explained += !equal;
    tally->defaults += quick_equal;
    json_decref(mine);
    json_decref(quick);
}

START_TEST(timeloop_accounting_is_timeloop)
{
    struct tally t = {0, 0, 0};
    int n = each(files[_i], check_timeloop, &t);
    printf("%s: %d of %d cases equal to Timeloop, %d to its default run, %d differences "
           "explained\n",
           files[_i], t.equal, n, t.defaults, t.explained);
    ck_assert_int_eq(t.equal + t.explained, n);
}
END_TEST

/* What is not understood is answered, with the place. */
START_TEST(errors_are_answers)
{
#define WORKLOAD                                                                                                       \
    "\"workload\":{\"dims\":{\"M\":4},\"tensors\":[{\"name\":\"A\",\"proj\":[[[\"M\","                                 \
    "1]"                                                                                                               \
    "]]},{\"name\":\"Z\",\"proj\":[[[\"M\",1]]],\"rw\":1}]}"
#define ARCH(extra)                                                                                                    \
    "\"arch\":{\"mac\":{\"instances\":1,\"energy_pj\":1},\"levels\":[{\"name\":\"B\","                                 \
    "\"energy_pj\":1" extra "}]}"
#define MAPPING(loops, keep) "\"mapping\":[{\"level\":\"B\",\"temporal\":" loops ",\"spatial\":[],\"keep\":" keep "}]"
    static const struct {
        const char *line, *says;
    } rows[] = {
        {"{", "not JSON"},
        {"[]", "must be an object"},
        {"{\"id\":7}", "'id' needs a name"},
        {"{\"id\":\"x\"}", "dimensions"},
        {"{\"id\":\"x\"," WORKLOAD "}", "'arch' must be an object"},
        {"{\"id\":\"x\"," WORKLOAD "," ARCH(",\"banks\":2") "}", "unknown key 'banks'"},
        {"{\"id\":\"x\"," WORKLOAD "," ARCH("") "," MAPPING("[[\"M\",3]]", "[\"A\",\"Z\"]") "}", "cover 3 of 4"},
        {"{\"id\":\"x\"," WORKLOAD "," ARCH("") "," MAPPING("[[\"N\",4]]", "[\"A\",\"Z\"]") "}", "not a temporal loop"},
        {"{\"id\":\"x\"," WORKLOAD "," ARCH("") "," MAPPING("[[\"M\",4]]", "[\"A\",\"Q\"]") "}", "unknown tensor 'Q'"},
        {"{\"id\":\"x\"," WORKLOAD "," ARCH(",\"entries\":7") "," MAPPING("[[\"M\",4]]", "[\"A\",\"Z\"]") "}",
         "holds 7 bits"},
        {"{\"id\":\"x\"," WORKLOAD "," ARCH("") "," MAPPING("[[\"M\",4,3]]", "[\"A\",\"Z\"]") "}", "residual"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct strbuf out = STRBUF_INIT;
        ck_assert_int_eq(case_run(rows[i].line, strlen(rows[i].line), ACCOUNTING_EXACT, &out), -1);
        ck_assert_msg(strstr(out.buf, rows[i].says) != NULL, "%s", out.buf);
        strbuf_release(&out);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("case");
    TCase *tc = tcase_create("case");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, exact_is_brute_force, 0, 3);
    tcase_add_loop_test(tc, timeloop_accounting_is_timeloop, 0, 3);
    tcase_add_test(tc, errors_are_answers);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
