/* Compute-in-memory macros: against published silicon (cim_chips.c), by hand, and in trend. */
#include "base/rng.h"
#include "hw/cim.h"
#include "hw/component.h"
#include "tests/cim_chips.h"
#include "tests/run_suite.h"

#include <check.h>
#include <math.h>
#include <stdio.h>

static struct technology at(const struct tables *tables, const char *node, double v)
{
    struct technology t;
    struct err err = ERR_INIT;
    ck_assert_msg(technology_at_voltage(tables, node, v, 1e6, 0, &t, &err) == 0, "%s", err.text);
    return t;
}

START_TEST(test_published_macros)
{
    struct err err = ERR_INIT;
    struct tables *tables = tables_load(&err);
    ck_assert(tables != NULL);
    struct cim_figure figure[CIM_FIGURES];
    int n = cim_figures(tables, figure, &err);
    ck_assert_msg(n == CIM_FIGURES, "%s", err.text);
    for (int i = 0; i < n; i++) {
        double ratio = figure[i].model / figure[i].published;
        printf("%-64s %9.4g %9.4g %-8s x%.2f\n", figure[i].what, figure[i].model, figure[i].published, figure[i].unit,
               ratio);
        ck_assert_msg(ratio > 0.05 && ratio < 20, "%s", figure[i].what);
    }
    double factor = cim_factor(figure, n);
    printf("geometric mean factor between model and silicon over %d figures: %.2f\n", n, factor);
    ck_assert(factor < 2.5);
    tables_free(tables);
}
END_TEST

START_TEST(test_formulas)
{
    struct tables *tables = tables_load(NULL);
    struct technology t = at(tables, "22nm", 0.8);
    struct cim_macro m = {.rows = 128,
                          .cols = 64,
                          .rows_on = 128,
                          .cell_bits = 1,
                          .dac_bits = 1,
                          .columns_per_adc = 8,
                          .adc_bits = 6,
                          .adc_hz = 1e8,
                          .acc_bits = 16};
    ck_assert_int_eq(cim_lossless_bits(&m), 8); /* 0..128 */
    struct cim_cost one, eight;
    ck_assert_int_eq(cim_price(&t, &m, 1, 1, &one, NULL), 0);
    ck_assert_int_eq(cim_price(&t, &m, 8, 8, &eight, NULL), 0);
    ck_assert_int_eq(one.macs, 128 * 64);
    ck_assert_int_eq(eight.macs, 128 * 8);
    ck_assert_double_eq_tol(one.time_s, 8 / 1e8, 1e-15);
    ck_assert_double_eq_tol(eight.time_s, 64 / 1e8, 1e-15);
    ck_assert_double_eq_tol(eight.energy_pj / one.energy_pj, 8, 1e-9); /* 8 input slices */
    struct component adc;
    ck_assert_int_eq(component_adc(&t, 6, 1e8, &adc, NULL), 0);
    ck_assert_double_eq_tol(one.adc_pj, 64 * adc.read_pj, 1e-9);
    m.rows_on = 32; /* four groups: four times the conversions, the same cells */
    struct cim_cost groups;
    ck_assert_int_eq(cim_price(&t, &m, 1, 1, &groups, NULL), 0);
    ck_assert_double_eq_tol(groups.adc_pj, 4 * one.adc_pj, 1e-9);
    ck_assert_double_eq_tol(groups.cell_pj, one.cell_pj, 1e-9);
    struct err err = ERR_INIT;
    ck_assert_int_eq(cim_price(&t, &m, 65, 1, &one, &err), -1);
    ck_assert_int_eq(err.code, ERR_NO);
    err = (struct err)ERR_INIT;
    m.rows_on = 0;
    ck_assert_int_eq(cim_price(&t, &m, 1, 1, &one, &err), -1);
    ck_assert_int_eq(err.code, ERR_DATA);
    tables_free(tables);
}
END_TEST

/* More bits of weight, input or converter never cost less for a product. */
START_TEST(test_monotone)
{
    struct tables *tables = tables_load(NULL);
    struct rng r;
    rng_init(&r, 3, 0, RNG_TEST);
    int n = 0;
    for (int i = 0; i < 3000; i++) {
        const struct node_row *node = &tables->node[rng_below(&r, tables->n_nodes)];
        struct technology t = at(tables, node->name, node->nominal_v);
        struct cim_macro m = {.rows = (int)(1 + rng_below(&r, 1024)),
                              .cols = (int)(16 + rng_below(&r, 512)),
                              .cell_bits = (int)(1 + rng_below(&r, 4)),
                              .dac_bits = (int)(1 + rng_below(&r, 4)),
                              .columns_per_adc = 1,
                              .adc_bits = (double)(1 + rng_below(&r, 12)),
                              .adc_hz = 1e6 * (double)(1 + rng_below(&r, 1000)),
                              .acc_bits = 24};
        m.rows_on = (int)(1 + rng_below(&r, m.rows));
        int w = (int)(1 + rng_below(&r, 15)), a = (int)(1 + rng_below(&r, 15));
        struct cim_cost c, more_w, more_a, more_adc;
        ck_assert_int_eq(cim_price(&t, &m, w, a, &c, NULL), 0);
        ck_assert_int_eq(cim_price(&t, &m, w + 1, a, &more_w, NULL), 0);
        ck_assert_int_eq(cim_price(&t, &m, w, a + 1, &more_a, NULL), 0);
        m.adc_bits += 1;
        ck_assert_int_eq(cim_price(&t, &m, w, a, &more_adc, NULL), 0);
        double pj = c.energy_pj / (double)c.macs;
        ck_assert(isfinite(pj) && pj > 0 && c.area_mm2 > 0);
        ck_assert(more_w.energy_pj / (double)more_w.macs >= pj * (1 - 1e-12));
        ck_assert(more_a.energy_pj / (double)more_a.macs >= pj * (1 - 1e-12));
        ck_assert(more_adc.energy_pj >= c.energy_pj && more_adc.area_mm2 >= c.area_mm2);
        n += 3;
    }
    printf("checked %d pairs of macros\n", n);
    tables_free(tables);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("cim");
    TCase *tc = tcase_create("all");
    tcase_set_timeout(tc, 60); /* a loaded machine is slow */
    tcase_add_test(tc, test_published_macros);
    tcase_add_test(tc, test_formulas);
    tcase_add_test(tc, test_monotone);
    suite_add_tcase(s, tc);
    return run_suite(s, CK_FORK_GETENV);
}
