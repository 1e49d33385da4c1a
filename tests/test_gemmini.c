/* Cycles of Gemmini: Timeloop's (DOSA's data set), and its RTL's before and after calibration on other rows. */
#include "experiments/gemmini.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define FOLDER "tests/fixtures/gemmini/"

static void load(const char *path, const char *cycles, enum accounting accounting, struct gemmini_rows *out)
{
    struct err err = ERR_INIT;
    struct csv csv;
    FILE *f = fopen(path, "r");
    ck_assert_msg(f != NULL, "cannot open %s: run the tests in the root", path);
    static char text[1 << 19];
    size_t len = fread(text, 1, sizeof text, f);
    ck_assert(len < sizeof text);
    fclose(f);
    ck_assert_msg(csv_parse(path, text, len, &csv, &err) == 0, "%s", err.text);
    ck_assert_msg(gemmini_load(&csv, cycles, accounting, out, &err) == 0, "%s", err.text);
    csv_release(&csv);
}

START_TEST(dosa_sample)
{
    struct gemmini_rows rows;
    struct gemmini_score s;
    load(FOLDER "dosa_gemmini_timeloop_sample.csv", "tl_cycle", ACCOUNTING_TIMELOOP, &rows);
    gemmini_score(&rows, NULL, &s);
    printf("DOSA's sample of Timeloop cycles: %d rows, %.1f%% within 2%%, %.1f%% within 5%%, mean error %.2f%%\n",
           rows.n, 100 * s.within[0], 100 * s.within[1], 100 * s.mean_error);
    ck_assert_int_ge(rows.n, 500);
    ck_assert(s.within[0] >= 0.96);
    gemmini_release(&rows);
}
END_TEST

START_TEST(rtl)
{
    struct gemmini_rows train, test;
    struct gemmini_score before, after;
    struct gemmini_fit fit;
    struct err err = ERR_INIT;
    load(FOLDER "gemmini_rtl_train.csv", "rtl_cycle", ACCOUNTING_EXACT, &train);
    load(FOLDER "gemmini_rtl_test.csv", "rtl_cycle", ACCOUNTING_EXACT, &test);
    ck_assert_msg(gemmini_calibrate(&train, &fit, &err) == 0, "%s", err.text);
    gemmini_score(&test, NULL, &before);
    gemmini_score(&test, &fit, &after);
    printf("Gemmini RTL, %d test rows: rank correlation %.3f, mean error %.1f%%; calibrated on %d other rows: %.3f, "
           "%.1f%%\n",
           test.n, before.spearman, 100 * before.mean_error, train.n, after.spearman, 100 * after.mean_error);
    printf("coefficients:");
    for (int i = 0; i < GEMMINI_FEATURES; i++) {
        printf(" %.3f", fit.coef[i]);
    }
    printf("\n");
    fflush(stdout);
    ck_assert(before.spearman >= 0.97);
    ck_assert(after.spearman >= 0.98);
    ck_assert(after.mean_error < 0.18);
    gemmini_release(&train);
    gemmini_release(&test);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("gemmini");
    TCase *tc = tcase_create("gemmini");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, dosa_sample);
    tcase_add_test(tc, rtl);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
