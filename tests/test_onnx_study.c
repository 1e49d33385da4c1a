/* A mixed-precision study on an ONNX file with weights, from the command line, end to end: tests/fixtures/mixed. The file is made by
 * tests/onnx_fixture.c; `test_onnx_study --write` writes it anew. */
#include "base/file.h"
#include "base/mem.h"
#include "tests/onnx_fixture.h"
#include "tests/run_suite.h"
#include "tests/shell.h"

#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char fixture[] = "tests/fixtures/mixed/cnn.onnx";
static struct shell sh;
static char folder[64];

START_TEST(test_the_file_is_ours)
{
    size_t len, own;
    struct err err = ERR_INIT;
    uint8_t *made = onnx_fixture(&own);
    char *data = file_read(fixture, 1 << 20, &len, &err);
    ck_assert_ptr_nonnull(data);
    ck_assert_uint_eq(len, own);
    ck_assert_mem_eq(data, made, len);
    mem_free(data);
    mem_free(made);
}
END_TEST

static json_t *parse(void)
{
    json_t *doc = json_loads(strbuf_str(&sh.out), 0, NULL);
    ck_assert_msg(doc != NULL, "%s%s", strbuf_str(&sh.out), strbuf_str(&sh.err));
    return doc;
}

static double number(const json_t *object, const char *key)
{
    const json_t *v = json_object_get(object, key);
    ck_assert_msg(json_is_number(v), "no number '%s'", key);
    return json_number_value(v);
}

START_TEST(test_search_to_front)
{
    shell_run(&sh, "dovetail search tests/fixtures/mixed/study.yaml -o %s/mixed.db --quiet", folder);
    ck_assert_msg(sh.status == 0, "%s", strbuf_str(&sh.err));
    shell_run(&sh, "dovetail pareto %s/mixed.db --json", folder);
    ck_assert_int_eq(sh.status, 0);
    json_t *doc = parse(), *rows = json_object_get(doc, "designs");
    ck_assert_uint_ge(json_array_size(rows), 10);
    double least = 1e9, most = -1e9, low = 1e9, high = 0;
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row)
    {
        const json_t *v = json_object_get(row, "values");
        double sqnr = number(v, "sqnr_db"), energy = number(v, "energy_j");
        ck_assert_double_ge(number(v, "sqnr_worst_db"), 6);
        least = sqnr < least ? sqnr : least;
        most = sqnr > most ? sqnr : most;
        low = energy < low ? energy : low;
        high = energy > high ? energy : high;
    }
    printf("front of %zu designs: %.1f to %.1f dB, %.3g to %.3g J\n", json_array_size(rows), least, most, low, high);
    ck_assert_double_gt(most - least, 10);
    ck_assert_double_gt(high, 1.2 * low);
    json_decref(doc);
}
END_TEST

static double evaluate(const char *set, const char *metric)
{
    shell_run(&sh, "dovetail eval tests/fixtures/mixed/study.yaml --json %s", set);
    ck_assert_msg(sh.status == 0, "%s", strbuf_str(&sh.err));
    json_t *doc = parse(), *m = json_object_get(doc, "metrics");
    double value = number(m ? m : doc, metric);
    json_decref(doc);
    return value;
}

START_TEST(test_one_design)
{
    double all8 = evaluate("w_bits=8 a_bits=8 w_per=channel", "sqnr_db");
    double one4 = evaluate("w_bits=8 a_bits=8 w_per=channel 'w_bits[down]=4'", "sqnr_db");
    double all4 = evaluate("w_bits=4 a_bits=8 w_per=channel", "sqnr_db");
    double tensor = evaluate("w_bits=4 a_bits=8 w_per=tensor", "sqnr_db");
    ck_assert_double_gt(all8, one4);
    ck_assert_double_gt(one4, all4);
    ck_assert_double_gt(all4, tensor);
    double channel = evaluate("w_bits=4 a_bits=8 w_per=channel", "weight_bytes");
    double group = evaluate("w_bits=4 a_bits=8 w_per=group", "weight_bytes");
    /* Groups of 32 in channels of 27, 72, 72, 72, 144, 144, 16 weights: 1, 3, 3, 3, 5, 5, 1 scales of 2 bytes instead of one. */
    ck_assert_double_eq(group - channel, 2.0 * (8 * 2 + 8 * 2 + 16 * 2 + 16 * 4 + 16 * 4));
}
END_TEST

/* The same designs and numbers with another thread count, and after a stop. */
START_TEST(test_resumed_and_repeated)
{
    shell_run(
        &sh,
        "dovetail search tests/fixtures/mixed/study.yaml -o %s/a.db --quiet -j 1 --set search.budget.evaluations=200",
        folder);
    ck_assert_msg(sh.status == 0, "%s", strbuf_str(&sh.err));
    shell_run(
        &sh,
        "dovetail search tests/fixtures/mixed/study.yaml -o %s/b.db --quiet -j 2 --set search.budget.evaluations=200",
        folder);
    ck_assert_msg(sh.status == 0, "%s", strbuf_str(&sh.err));
    shell_run(&sh,
              "dovetail export %s/a.db --format csv > %s/a.csv && dovetail export %s/b.db --format csv > %s/b.csv && "
              "cmp %s/a.csv %s/b.csv",
              folder, folder, folder, folder, folder, folder);
    ck_assert_msg(sh.status == 0, "%s%s", strbuf_str(&sh.out), strbuf_str(&sh.err));
}
END_TEST

/* What cannot be is said when the study is read, with its place. */
START_TEST(test_refusals)
{
    static const struct {
        const char *set, *says;
    } bad[] = {
        {"space.w_format=[int,fp8_e4m3]", "products of fp8_e4m3 need MACs of floating-point numbers"},
        {"space.kv_bits=[4,8]", "'mixed' has no KV cache"},
        {"workload.quantization.kv_block=32", "'mixed' has no KV cache"},
        {"workload.accuracy={kind: table}", "no table of published accuracies has network 'mixed'"},
        {"workload.accuracy.table=mqbench", "'table' belongs to accuracy of kind table"},
        {"objectives=[energy,perplexity]", "'perplexity' needs"},
        {"workload.model=mlperf_tiny_ic", "holds no weights"},
        {"workload.quantization.w_format=nf5", "nf4"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        shell_run(&sh, "dovetail validate tests/fixtures/mixed/study.yaml --set '%s'", bad[i].set);
        const char *text = strbuf_str(&sh.err)[0] ? strbuf_str(&sh.err) : strbuf_str(&sh.out);
        ck_assert_msg(sh.status == 65, "%s: status %d %s", bad[i].set, sh.status, text);
        ck_assert_msg(strstr(strbuf_str(&sh.out), bad[i].says) || strstr(strbuf_str(&sh.err), bad[i].says), "%s: %s%s",
                      bad[i].set, strbuf_str(&sh.out), strbuf_str(&sh.err));
    }
    printf("checked %zu refusals\n", sizeof bad / sizeof *bad);
}
END_TEST

/* Each format as the weights of a whole design; fp8 only where the MACs can. */
START_TEST(test_formats)
{
    static const char *const formats[] = {"int", "mxfp4", "nf4", "fp8_e4m3", "fp8_e5m2"};
    double sqnr[5], bytes[5];
    for (int i = 0; i < 5; i++) {
        shell_run(&sh,
                  "dovetail eval tests/fixtures/mixed/study.yaml --json --set 'space.mac=[decomposable,float]' --set "
                  "'space.w_format=[int,mxfp4,nf4,fp8_e4m3,fp8_e5m2]' mac=float w_bits=4 w_per=group w_format=%s",
                  formats[i]);
        ck_assert_msg(sh.status == 0, "%s", strbuf_str(&sh.err));
        json_t *doc = parse(), *m = json_object_get(doc, "metrics");
        sqnr[i] = number(m, "sqnr_db");
        bytes[i] = number(m, "weight_bytes");
        json_decref(doc);
        printf("%-9s %.2f dB, %.0f bytes\n", formats[i], sqnr[i], bytes[i]);
    }
    ck_assert_double_gt(sqnr[2], sqnr[0]); /* nf4 is made for normal weights */
    ck_assert_double_gt(sqnr[3], sqnr[4]); /* a bit more of fraction */
    ck_assert_double_gt(sqnr[3], sqnr[2]);
    ck_assert_double_eq(bytes[2], bytes[0]);
    ck_assert_double_lt(bytes[1], bytes[0]); /* scales of 8 bits */
    shell_run(&sh, "dovetail eval tests/fixtures/mixed/study.yaml --json --set 'space.mac=[decomposable,float]' --set "
                   "'space.w_format=[int,fp8_e4m3]' mac=decomposable w_format=fp8_e4m3");
    ck_assert_ptr_nonnull(strstr(strbuf_str(&sh.out), "need MACs of floating-point numbers, these are decomposable"));
}
END_TEST

static int write_fixture(void)
{
    size_t len;
    uint8_t *data = onnx_fixture(&len);
    FILE *f = fopen(fixture, "wb");
    int bad = f == NULL || fwrite(data, 1, len, f) != len;
    bad |= f == NULL || fclose(f) != 0;
    mem_free(data);
    return bad;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--write") == 0) {
        return write_fixture();
    }
    snprintf(folder, sizeof folder, "/tmp/dovetail_mixed_XXXXXX");
    if (mkdtemp(folder) == NULL) {
        return 1;
    }
    Suite *s = suite_create("onnx_study");
    TCase *t = tcase_create("all");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_the_file_is_ours);
    tcase_add_test(t, test_search_to_front);
    tcase_add_test(t, test_one_design);
    tcase_add_test(t, test_resumed_and_repeated);
    tcase_add_test(t, test_refusals);
    tcase_add_test(t, test_formats);
    suite_add_tcase(s, t);
    int status = run_suite(s, CK_NOFORK);
    shell_run(&sh, "rm -rf %s", folder);
    shell_release(&sh);
    return status;
}
