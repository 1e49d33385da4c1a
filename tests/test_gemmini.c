/* Cycles of Gemmini: Timeloop's (DOSA's data set), and its RTL's before and after calibration on other rows. */
#include "base/mem.h"
#include "experiments/calibration.h"
#include "experiments/gemmini_select.h"
#include "experiments/pricing.h"
#include "tests/run_suite.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define FOLDER "tests/fixtures/gemmini/"
#define SHIPPED 1 /* of the candidates */
#define BAR 0.12

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

/* The shipped calibration is the fit of the shipped form to the training rows, and predicts the held-out ones. The form is that which
 * experiments/gemmini_select.h selects (docs/validation.md; that takes minutes). */
START_TEST(rtl)
{
    struct gemmini_rows train, test;
    struct gemmini_score before, after;
    struct calibration shipped, fitted;
    struct err err = ERR_INIT;
    load(FOLDER "gemmini_rtl_train.csv", "rtl_cycle", ACCOUNTING_EXACT, &train);
    load(FOLDER "gemmini_rtl_test.csv", "rtl_cycle", ACCOUNTING_EXACT, &test);
    ck_assert_msg(calibration_load(&shipped, &err) == 0, "%s", err.text);
    ck_assert_msg(gemmini_fit(&train, &gemmini_candidates[SHIPPED], NULL, &fitted, &err) == 0, "%s", err.text);
    gemmini_score(&test, NULL, &before);
    gemmini_score(&test, &shipped, &after);
    printf("Gemmini RTL, %d test rows: rank correlation %.3f, mean error %.1f%%; calibrated on other rows: %.3f, "
           "%.2f%%, median %.1f%%\n",
           test.n, before.spearman, 100 * before.mean_error, after.spearman, 100 * after.mean_error,
           100 * after.median_error);
    fflush(stdout);
    ck_assert_uint_eq(shipped.form, fitted.form);
    for (int i = 0; i < GEMMINI_COEFFICIENTS; i++) {
        ck_assert_msg(fabs(shipped.coef[i] / fitted.coef[i] - 1) < 0.01, CALIBRATION_FILE ": %s is %g, fitted %.5f",
                      gemmini_coefficient_names[i], shipped.coef[i], fitted.coef[i]);
    }
    ck_assert(before.spearman >= 0.97);
    ck_assert(after.spearman >= 0.99);
    ck_assert(after.mean_error < BAR);
    gemmini_release(&train);
    gemmini_release(&test);
}
END_TEST

/* No mapping of an operator is in both tables, and no fit takes held-out rows. */
START_TEST(apart)
{
    struct gemmini_rows train, test;
    struct calibration k;
    struct err err = ERR_INIT;
    load(FOLDER "gemmini_rtl_train.csv", "rtl_cycle", ACCOUNTING_EXACT, &train);
    load(FOLDER "gemmini_rtl_test.csv", "rtl_cycle", ACCOUNTING_EXACT, &test);
    ck_assert(!train.held_out);
    ck_assert(test.held_out);
    int shared = 0, equal = 0;
    for (int i = 0; i < test.n; i++) {
        bool same_operator = false, same_row = false;
        for (int j = 0; j < train.n; j++) {
            bool same = strcmp(test.row[i].name, train.row[j].name) == 0;
            same_operator = same_operator || same;
            same_row = same_row || (same && strcmp(test.row[i].mapping, train.row[j].mapping) == 0);
        }
        shared += same_operator;
        equal += same_row;
    }
    printf("Held-out rows: %d, of operators that the training rows have too %d, of mappings too %d\n", test.n, shared,
           equal);
    ck_assert_int_eq(equal, 0);
    ck_assert_int_ne(gemmini_fit(&test, &gemmini_candidates[SHIPPED], NULL, &k, &err), 0);
    ck_assert_msg(strstr(err.text, "held out") != NULL, "%s", err.text);
    gemmini_release(&train);
    gemmini_release(&test);
}
END_TEST

/* Folds are whole layers: the prediction of a row does not change with what was measured in its own layer. */
START_TEST(folds)
{
    struct gemmini_rows train;
    struct err err = ERR_INIT;
    load(FOLDER "gemmini_rtl_train.csv", "rtl_cycle", ACCOUNTING_EXACT, &train);
    double *a = mem_calloc((size_t)train.n, sizeof *a), *b = mem_calloc((size_t)train.n, sizeof *b);
    int layer = -1, n = 0, moved = 0;
    ck_assert_msg(gemmini_cross(&train, &gemmini_candidates[SHIPPED], NULL, a, &err) == 0, "%s", err.text);
    for (int i = 0; i < train.n; i++) {
        layer = layer < 0 && train.row[i].usable ? train.row[i].layer : layer;
        train.row[i].measured *= train.row[i].layer == layer ? 3 : 1;
    }
    ck_assert_msg(gemmini_cross(&train, &gemmini_candidates[SHIPPED], NULL, b, &err) == 0, "%s", err.text);
    for (int i = 0; i < train.n; i++) {
        if (train.row[i].usable && train.row[i].layer == layer) {
            ck_assert_double_eq(a[i], b[i]);
            n++;
        }
        moved += a[i] != b[i];
    }
    ck_assert_int_gt(n, 0);
    ck_assert_int_gt(moved, 0); /* of other folds */
    mem_free(a);
    mem_free(b);
    gemmini_release(&train);
}
END_TEST

/* Prices layer1.0.conv1 of ResNet-18 with the calibrated fidelity; the first error's text in why. */
static int price(const char *arch, const char *mapping, struct pricing *out, char *why, size_t size)
{
    struct diags d = DIAGS_INIT;
    struct pricing_request r = {.arch = arch, .workload = "resnet18", .layer = "layer1.0.conv1", .mapping = mapping};
    r.options.fidelity = FIDELITY_CALIBRATED;
    int rc = pricing_run(&r, out, &d);
    snprintf(why, size, "%s", d.n > 0 ? d.list[0].message : "");
    diags_release(&d);
    return rc;
}

START_TEST(fidelity)
{
    static const char best[] = "DRAM P4 | SPAD[wi-] Q2 K4 | ACC[--o] S3 R3 C4 Q7 X:K16 Y:C16 | REG[w--] Q4 P14";
    static const char split[] = "DRAM C16 P4 | SPAD[wi-] Q2 K4 | ACC[--o] S3 R3 Q7 X:K16 Y:C4 | REG[w--] Q4 P14";
    struct pricing p, q;
    char why[256];
    ck_assert_msg(price("gemmini_like", best, &p, why, sizeof why) == 0, "%s", why);
    ck_assert_int_eq(p.cost.fidelity, FIDELITY_CALIBRATED);
    ck_assert(p.cost.cycles > (double)p.cost.compute_cycles && p.cost.cycles < 1.2 * (double)p.cost.compute_cycles);
    double sum = p.cost.mac_pj + p.cost.storage_pj + p.cost.network_pj + p.cost.leak_pj;
    ck_assert(fabs(p.cost.energy_pj / sum - 1) < 1e-12);
    ck_assert_msg(price("gemmini_like", split, &q, why, sizeof why) == 0, "%s", why);
    ck_assert(q.cost.cycles > 3 * p.cost.cycles); /* a quarter of the array works */
    ck_assert(price("eyeriss_like", NULL, &q, why, sizeof why) != 0);
    ck_assert_msg(strstr(why, "16 x 16") != NULL, "%s", why);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("gemmini");
    TCase *tc = tcase_create("gemmini");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, dosa_sample);
    tcase_add_test(tc, rtl);
    tcase_add_test(tc, apart);
    tcase_add_test(tc, folds);
    tcase_add_test(tc, fidelity);
    suite_add_tcase(s, tc);
    return run_suite(s, CK_FORK_GETENV);
}
