/* Each case is priced in the three accountings; answers are compared number by number. */
#include "tests/check_case.h"

#include "base/strbuf.h"
#include "experiments/case.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FOLDER "tests/fixtures/cases/"
const char *const case_files[CASE_FILES] = {FOLDER "timeloop_handmade.jsonl", FOLDER "timeloop_fuzz.jsonl",
                                            FOLDER "timeloop_imperfect.jsonl"};

/* Differences that Timeloop's own behaviour explains. */
static const struct {
    const char *id, *why;
} known[] = {
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
    if (json_object_get(answer, "error") != NULL) {
        printf("%s\n", out.buf);
    }
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

static void complain(struct case_tally *t, const char *id, const char *what)
{
    printf("%s: %s\n", id, what);
    fflush(stdout);
    t->unexpected++;
}

static void check_walk(const char *line, const char *id, json_t *truth, struct case_tally *t)
{
    json_t *mine = price(line, ACCOUNTING_EXACT);
    bool equal = walk_differences(mine, truth) == 0;
    t->with_totals++;
    t->walk_equal += equal;
    if (!equal) {
        complain(t, id, "not the walk's counts");
    }
    json_decref(mine);
}

static void check_timeloop(const char *line, const char *id, json_t *c, struct case_tally *t)
{
    json_t *full = json_object_get(c, "expected_full_iteration");
    json_t *normal = json_object_get(c, "expected");
    json_t *mine = price(line, ACCOUNTING_TIMELOOP);
    json_t *quick = price(line, ACCOUNTING_TIMELOOP_DEFAULT);
    bool equal = differences(mine, full != NULL ? full : normal) == 0;
    bool quick_equal = differences(quick, normal) == 0;
    if (equal == is_known(id)) {
        complain(t, id, equal ? "no longer differs from Timeloop" : "differs from Timeloop");
    }
    if (!quick_equal && !is_known(id)) {
        complain(t, id, "differs from Timeloop's default");
    }
    t->equal += equal;
    t->explained += !equal && is_known(id);
    t->default_equal += quick_equal;
    json_decref(mine);
    json_decref(quick);
}

int check_case(const char *file, struct case_tally *out)
{
    memset(out, 0, sizeof *out);
    FILE *in = fopen(file, "r");
    if (in == NULL) {
        printf("cannot open %s: run the tests in the root\n", file);
        return -1;
    }
    char *line = NULL;
    size_t cap = 0;
    while (getline(&line, &cap, in) >= 0) {
        json_t *c = json_loads(line, 0, NULL);
        const char *id = json_string_value(json_object_get(c, "id"));
        json_t *truth = json_object_get(c, "oracle_totals");
        out->cases++;
        if (truth != NULL) {
            check_walk(line, id, truth, out);
        }
        check_timeloop(line, id, c, out);
        json_decref(c);
    }
    free(line);
    fclose(in);
    return 0;
}
