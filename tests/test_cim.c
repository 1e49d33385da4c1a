/* Compute-in-memory macros against published silicon. Nothing is tuned to these figures; the table says how far the model is from them. Published
 * values: as the AccelForge notebooks and mit-emze/cimloop 1_macro tests quote the papers. */
#include "base/rng.h"
#include "hw/cim.h"
#include "hw/component.h"
#include "hw/compute.h"

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

static void row(const char *what, double model, double published, const char *unit, double *sum, int *n)
{
    double ratio = model / published;
    printf("%-58s %9.4g %9.4g %-8s x%.2f\n", what, model, published, unit, ratio);
    ck_assert_msg(ratio > 0.05 && ratio < 20, "%s", what);
    *sum += fabs(log(ratio));
    *n += 1;
}

static double tops_per_w(const struct cim_cost *c)
{
    return 2.0 * (double)c->macs / c->energy_pj;
}

/* Jia: 2304 rows, one 8-bit converter a column, 1-bit weights and inputs. Published per use of a column: ADC, array, datapath. */
static void jia(const struct tables *tables, double v, double tops_w, double adc, double array, double datapath,
                double *sum, int *n)
{
    static const struct cim_macro m = {.rows = 2304,
                                       .cols = 256,
                                       .rows_on = 2304,
                                       .cell_bits = 1,
                                       .dac_bits = 1,
                                       .columns_per_adc = 1,
                                       .adc_bits = 8,
                                       .adc_hz = 1.85e6,
                                       .acc_bits = 24};
    struct technology t = at(tables, "65nm", v);
    struct cim_cost c;
    ck_assert_int_eq(cim_price(&t, &m, 1, 1, &c, NULL), 0);
    char what[64];
    snprintf(what, sizeof what, "Jia JSSC 2020, 65 nm, %.2f V: ADC", v);
    row(what, c.adc_pj / m.cols, adc, "pJ/col", sum, n);
    snprintf(what, sizeof what, "Jia JSSC 2020, 65 nm, %.2f V: array with drivers", v);
    row(what, (c.cell_pj + c.dac_pj) / m.cols, array, "pJ/col", sum, n);
    snprintf(what, sizeof what, "Jia JSSC 2020, 65 nm, %.2f V: macro without datapath", v);
    row(what, tops_per_w(&c), 2.0 * m.rows / (adc + array), "TOPS/W", sum, n);
    printf("  (the paper's figure is %.0f TOPS/W; its datapath of %.1f pJ/col is in neither)\n", tops_w, datapath);
}

START_TEST(test_published_macros)
{
    struct err err = ERR_INIT;
    struct tables *tables = tables_load(&err);
    ck_assert(tables != NULL);
    double sum = 0;
    int n = 0;
    struct cim_cost c;
    printf("%-58s %9s %9s\n", "compute in memory", "model", "published");
    jia(tables, 0.85, 400, 1.79, 9.7, 8.3, &sum, &n);
    jia(tables, 1.2, 192, 3.56, 20.4, 14.7, &sum, &n);

    /* Sinangil: 64 x 64 cells as 16 weights of 4 bits a row, inputs of 4 bits as pulses, one 4-bit flash converter a weight. */
    static const struct cim_macro sinangil = {.rows = 64,
                                              .cols = 16,
                                              .rows_on = 64,
                                              .cell_bits = 4,
                                              .dac_bits = 4,
                                              .columns_per_adc = 1,
                                              .adc_bits = 4,
                                              .adc_hz = 1.8e8,
                                              .acc_bits = 8};
    struct technology t = at(tables, "7nm", 0.77);
    ck_assert_int_eq(cim_price(&t, &sinangil, 4, 4, &c, NULL), 0);
    row("Sinangil JSSC 2021, 7 nm, 0.8 V, 4x4 bit (model: 0.77 V)", tops_per_w(&c), 351, "TOPS/W", &sum, &n);

    /* NeuRRAM: 256 x 256 devices, a weight in two rows: 128 weights a column; energy is mostly the neuron (converter) circuit. */
    static const struct {
        int in, out;
        double tops_w;
    } neurram[] = {{1, 3, 43.079}, {2, 4, 40.334}, {3, 5, 23.091}, {4, 6, 15.954}};
    t = at(tables, "130nm", 1.3);
    for (size_t i = 0; i < sizeof neurram / sizeof *neurram; i++) {
        struct cim_macro m = {.rows = 256,
                              .cols = 256,
                              .rows_on = 256,
                              .cell_bits = 4,
                              .dac_bits = neurram[i].in,
                              .columns_per_adc = 1,
                              .adc_bits = neurram[i].out,
                              .adc_hz = 1e6,
                              .acc_bits = 16};
        ck_assert_int_eq(cim_price(&t, &m, 4, neurram[i].in, &c, NULL), 0);
        char what[64];
        snprintf(what, sizeof what, "NeuRRAM Nature 2022, 130 nm, %d bit in, %d out: ADC bound", neurram[i].in,
                 neurram[i].out);
        row(what, 2.0 * (double)c.macs / c.adc_pj, neurram[i].tops_w, "TOPS/W", &sum, &n);
    }

    /* Colonnade: digital, bit-serial; a MAC of b x b bits at 0.8 V. */
    static const struct {
        int bits;
        double fj;
    } colonnade[] = {{1, 68.1}, {2, 161.64}, {4, 423.43}, {8, 1169.65}, {16, 3995.18}};
    t = at(tables, "65nm", 0.8);
    for (size_t i = 0; i < sizeof colonnade / sizeof *colonnade; i++) {
        struct mac m;
        compute_mac(&t, MAC_BIT_SERIAL, colonnade[i].bits, colonnade[i].bits, 2 * colonnade[i].bits + 7, &m);
        char what[64];
        snprintf(what, sizeof what, "Colonnade JSSC 2021, 65 nm, 0.8 V, %dx%d bit", colonnade[i].bits,
                 colonnade[i].bits);
        row(what, 1e3 * (m.mul_pj + m.add_pj), colonnade[i].fj, "fJ/MAC", &sum, &n);
    }
    printf("geometric mean factor between model and silicon over %d figures: %.2f\n", n, exp(sum / n));
    ck_assert(exp(sum / n) < 3);
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
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
