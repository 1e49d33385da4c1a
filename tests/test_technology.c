/* Technology tables, scaling between nodes, voltage and frequency, the SRAM table, components. */
#include "base/rng.h"
#include "hw/component.h"
#include "hw/sram.h"
#include "tests/run_suite.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct tables *tables; /* loaded once for all cases; read only */

static void load(void)
{
    struct err err = ERR_INIT;
    tables = tables_load(&err);
    ck_assert_msg(tables != NULL, "%s", err.text);
}

static void unload(void)
{
    tables_free(tables);
}

static struct technology at(const char *node, double clock_hz)
{
    struct technology t;
    struct err err = ERR_INIT;
    ck_assert_msg(technology_at_clock(tables, node, clock_hz, 0, &t, &err) == 0, "%s", err.text);
    return t;
}

static struct technology at_voltage(const char *node, double v)
{
    struct technology t;
    struct err err = ERR_INIT;
    ck_assert_msg(technology_at_voltage(tables, node, v, 1e6, 0, &t, &err) == 0, "%s", err.text);
    return t;
}

START_TEST(test_every_row_has_a_source)
{
    ck_assert_int_eq(tables->n_sram, 256);
    ck_assert_int_ge(tables->n_nodes, 18);
    for (int i = 0; i < tables->n_rules; i++) {
        ck_assert(tables->rule[i].source[0] != '\0');
    }
    for (int i = 1; i < tables->n_arith; i++) { /* sorted by kind, then bits: one source for a kind */
        const struct arith_row *a = &tables->arith[i - 1], *b = &tables->arith[i];
        ck_assert(a->kind < b->kind || (a->kind == b->kind && a->bits < b->bits));
        ck_assert(a->kind < b->kind || strcmp(a->source, b->source) == 0);
    }
    for (int i = 1; i < tables->n_sram; i++) {
        ck_assert_str_eq(tables->sram[i].source, tables->sram[0].source);
    }
}
END_TEST

START_TEST(test_law_fits_published_delay)
{
    for (int i = 0; i < tables->n_nodes; i++) {
        const struct node_row *n = &tables->node[i];
        ck_assert(n->alpha >= 1 && n->vth_v < n->min_v && n->min_v < n->nominal_v && n->nominal_v < n->max_v);
        if (strcmp(n->kind, "table") != 0) {
            continue;
        }
        double sum = 0;
        for (int k = 0; k <= 40;
             k++) { /* the law was fitted up to nominal (45, 32 nm: the cubic rises again above) or to max_v */
            double top = n->nm == 45 || n->nm == 32 ? n->nominal_v : n->max_v;
            double v = n->min_v + (top - n->min_v) * k / 40;
            double cubic = ((n->delay[0] * v + n->delay[1]) * v + n->delay[2]) * v + n->delay[3];
            sum += pow(log(technology_fo4_ps(n, v) / cubic), 2);
        }
        double rms = 100 * sqrt(sum / 41);
        printf("%6s: alpha-power law against the published cubic: rms %.1f %% (table: "
               "%.1f)\n",
               n->name, rms, n->law_rms_percent);
        ck_assert(fabs(rms - n->law_rms_percent) < 0.2);
    }
}
END_TEST

START_TEST(test_lowest_voltage_meets_clock)
{
    struct technology slow = at("22nm", 100e6), fast = at("22nm", 1e9);
    ck_assert_double_eq(slow.voltage_v, slow.node->min_v);
    ck_assert(fast.voltage_v > slow.voltage_v);
    ck_assert(technology_max_hz(tables, fast.node, fast.voltage_v, 0) >= 1e9);
    ck_assert(technology_max_hz(tables, fast.node, fast.voltage_v - 1e-6, 0) < 1e9);

    struct technology t;
    struct err err = ERR_INIT;
    ck_assert_int_eq(technology_at_clock(tables, "22nm", 5e9, 0, &t, &err), -1);
    ck_assert_int_eq(err.code, ERR_NO);
    ck_assert_msg(strstr(err.text, "at most 132") != NULL, "%s", err.text);
    err = (struct err)ERR_INIT;
    ck_assert_int_eq(technology_at_clock(tables, "250nm", 1e6, 0, &t, &err), -1);
    ck_assert_int_eq(err.code, ERR_DATA);
    ck_assert(strstr(err.text, "180nm to 3nm") != NULL);
    err = (struct err)ERR_INIT;
    ck_assert_int_eq(technology_at_voltage(tables, "22nm", 0.3, 1e6, 0, &t, &err), -1);
    ck_assert_int_eq(err.code, ERR_NO);
}
END_TEST

/* Published points reproduced: Horowitz at 45 nm 0.9 V, the area table of Stillmaker & Baas, a hand calculation of the energy ratio. */
START_TEST(test_rows_are_exact)
{
    struct technology t = at_voltage("45nm", 0.9);
    struct component c;
    component_adder(&t, 32, &c);
    ck_assert_double_eq_tol(c.read_pj, 0.1, 1e-12);
    ck_assert_double_eq_tol(c.area_mm2 * 0.7, 137e-6, 1e-12);
    component_multiplier(&t, 8, 8, &c);
    ck_assert_double_eq_tol(c.read_pj, 0.2, 1e-12);
    component_multiplier(&t, 32, 32, &c);
    ck_assert_double_eq_tol(c.read_pj, 3.1, 1e-12);
    component_fp_multiplier(&t, 16, &c);
    ck_assert_double_eq_tol(c.read_pj, 1.1, 1e-12);

    struct technology u = at_voltage("7nm", 0.7);
    component_multiplier(&u, 8, 8, &c);
    double f7 = 0.1776 * 0.49 - 0.09097 * 0.7 + 0.02447, f45 = 1.018 * 0.81 - 0.3107 * 0.9 + 0.1539;
    ck_assert_double_eq_tol(c.read_pj, 0.2 * f7 / f45, 1e-9);
    ck_assert_double_eq_tol(c.area_mm2 * 0.7, 282e-6 * 0.059, 1e-12);
    ck_assert(strstr(c.source, "Horowitz") != NULL);
}
END_TEST

START_TEST(test_sram_exact_on_rows)
{
    for (int i = 0; i < tables->n_sram; i++) {
        const struct sram_row *r = &tables->sram[i];
        char name[24];
        snprintf(name, sizeof name, "%gnm", r->nm);
        struct sram_macro m;
        sram_macro(tables, tables_node(tables, name), r->size_bytes * 8, r->width_bits, &m);
        ck_assert_int_eq(m.how, SRAM_AT_NODE);
        ck_assert_double_eq(m.q[SRAM_READ_PJ], r->read_pj);
        ck_assert_double_eq(m.q[SRAM_WRITE_PJ], r->write_pj);
        ck_assert_double_eq(m.q[SRAM_LEAK_MW], r->leak_mw);
        ck_assert_double_eq(m.q[SRAM_AREA_MM2], r->area_mm2);
        ck_assert_double_eq(m.voltage_v, r->voltage_v);
    }
}
END_TEST

START_TEST(test_sram_leave_one_out)
{
    static const char *const name[] = {"read", "write", "leakage", "area", "cycle"};
    for (int q = 0; q < SRAM_QUANTITY_COUNT; q++) {
        double mean, max;
        int n = sram_residual(tables, (enum sram_quantity)q, &mean, &max);
        printf("SRAM leave-one-out, %-8s mean %4.1f %%, max %4.1f %% over %d rows\n", name[q], 100 * mean, 100 * max,
               n);
        ck_assert_int_ge(n, 200);
        ck_assert(q == SRAM_CYCLE_NS || mean < 0.10);
    }
}
END_TEST

static double log_uniform(struct rng *r, double lo, double hi)
{
    return lo * pow(hi / lo, rng_uniform(r));
}

/* More bits never cost less: over random components at random nodes and voltages. */
START_TEST(test_monotone)
{
    struct rng r;
    rng_init(&r, 1, 0, RNG_TEST);
    int n = 0;
    for (int i = 0; i < 34000; i++) {
        const struct node_row *node = &tables->node[rng_below(&r, tables->n_nodes)];
        double v = node->min_v + (node->max_v - node->min_v) * rng_uniform(&r);
        struct technology t = {tables, node, v, 1e6};
        double bits = (double)(1 + rng_below(&r, 64)), more = bits + 1;
        struct component a, b;
        component_multiplier(&t, bits, 8, &a);
        component_multiplier(&t, more, 8, &b);
        ck_assert(a.read_pj > 0 && a.read_pj < b.read_pj && a.area_mm2 < b.area_mm2 && a.leak_w > 0 &&
                  a.leak_w < b.leak_w);
        component_adder(&t, bits, &a);
        component_adder(&t, more, &b);
        ck_assert(a.read_pj > 0 && a.read_pj < b.read_pj && a.area_mm2 < b.area_mm2);
        double size = log_uniform(&r, 64, 1e9), width = (double)(1 + rng_below(&r, 1024));
        size = fmax(size, width);
        component_sram(&t, size, width, 1, &a);
        component_sram(&t, size * (1 + rng_uniform(&r)), width, 1, &b);
        ck_assert(isfinite(a.read_pj) && a.read_pj > 0 && a.leak_w > 0);
        ck_assert_msg(a.area_mm2 <= b.area_mm2 && a.read_pj <= b.read_pj && a.leak_w <= b.leak_w &&
                          a.write_pj <= b.write_pj,
                      "%s: %g bits x %g", node->name, size, width);
        n += 3;
    }
    printf("checked %d pairs of components\n", n);
}
END_TEST

START_TEST(test_energy_rises_with_voltage)
{
    for (int i = 0; i < tables->n_nodes; i++) {
        const struct node_row *n = &tables->node[i];
        for (double v = n->min_v; v + 0.01 <= n->max_v; v += 0.01) {
            ck_assert_msg(technology_energy_factor(n, v) > 0, "%s", n->name);
            ck_assert_msg(technology_energy_factor(n, v) < technology_energy_factor(n, v + 0.01), "%s at %g V", n->name,
                          v);
            ck_assert_msg(technology_fo4_ps(n, v) > technology_fo4_ps(n, v + 0.01), "%s at %g V", n->name, v);
        }
    }
}
END_TEST

START_TEST(test_nodes_shrink)
{
    for (int i = 1; i < tables->n_nodes; i++) {
        const struct node_row *a = &tables->node[i - 1], *b = &tables->node[i];
        struct technology ta = {tables, a, a->nominal_v, 1e6}, tb = {tables, b, b->nominal_v, 1e6};
        struct component ca, cb;
        ck_assert(a->nm > b->nm && a->area > b->area);
        component_sram(&ta, 65536 * 8, 64, 1, &ca);
        component_sram(&tb, 65536 * 8, 64, 1, &cb);
        ck_assert_msg(ca.area_mm2 >= cb.area_mm2, "%s", b->name);
        ck_assert_msg(ca.read_pj >= cb.read_pj * 0.95, "%s: %g, %s: %g", a->name, ca.read_pj, b->name, cb.read_pj);
    }
}
END_TEST

START_TEST(test_wire_and_dram)
{
    struct technology t = at_voltage("40nm", 0.9);
    double wire = component_wire_pj_per_bit_mm(&t);
    printf("wire at 40 nm, 0.9 V: %.3f pJ/bit/mm (Keckler et al., IEEE Micro 2011: "
           "0.12)\n",
           wire);
    ck_assert_double_eq_tol(wire, 0.12, 0.03);
    struct component c;
    struct err err = ERR_INIT;
    ck_assert_int_eq(component_dram(&t, "LPDDR4", 64, &c, &err), 0);
    ck_assert_double_eq(c.read_pj, 512); /* the figure of the Accelergy reference outputs */
    ck_assert_int_eq(component_dram(&t, "DDR9", 64, &c, &err), -1);
}
END_TEST

/* The 30 vectors computed by the published formula. */
START_TEST(test_adc)
{
    static const struct {
        double bits, hz, nm, pj, um2;
    } want[] = {
        {4, 1e+07, 32, 0.9237493330950061, 2159.644554863863},   {4, 1e+08, 32, 0.9237493330950061, 3274.143146043401},
        {4, 1e+09, 32, 0.9237493330950061, 4963.785969612354},   {5, 1e+07, 32, 0.9362511818014351, 2168.346274799243},
        {5, 1e+08, 32, 0.9362511818014351, 3287.3354450358665},  {5, 1e+09, 32, 0.9362511818014351, 4983.786240133471},
        {6, 1e+07, 32, 1.0650929952792152, 2253.6068082581733},  {6, 1e+08, 32, 1.0650929952792152, 3416.5952302277674},
        {6, 1e+09, 32, 1.0650929952792152, 5179.751376522215},   {8, 1e+07, 32, 1.7137119697683674, 2598.1388235104723},
        {8, 1e+08, 32, 1.7137119697683674, 3938.925228370421},   {8, 1e+09, 32, 1.7137119697683674, 5971.633160744542},
        {10, 1e+07, 32, 3.309671661760306, 3163.4876966239935},  {10, 1e+08, 32, 3.309671661760306, 4796.026057235605},
        {10, 1e+09, 32, 13.94547907635258, 11180.068071712623},  {4, 1e+07, 65, 3.500746408596452, 6503.58127268794},
        {4, 1e+08, 65, 3.500746408596452, 9859.796604376743},    {4, 1e+09, 65, 3.500746408596452, 14948.00864378214},
        {5, 1e+07, 65, 3.548124848170759, 6529.7857435507185},   {5, 1e+08, 65, 3.548124848170759, 9899.524062526201},
        {5, 1e+09, 65, 3.548124848170759, 15008.237714587744},   {6, 1e+07, 65, 4.036398560150808, 6786.540406003894},
        {6, 1e+08, 65, 4.036398560150808, 10288.778635179126},   {6, 1e+09, 65, 4.036398560150808, 15598.36963617977},
        {8, 1e+07, 65, 6.494479409727865, 7824.0685294119285},   {8, 1e+08, 65, 6.494479409727865, 11861.729881453923},
        {8, 1e+09, 65, 6.494479409727865, 17983.052583404704},   {10, 1e+07, 65, 12.542711283721392, 9526.567366748643},
        {10, 1e+08, 65, 12.542711283721392, 14442.814295025044}, {10, 1e+09, 65, 52.84938678020919, 33667.80018258608},
    };
    int n = (int)(sizeof want / sizeof *want);
    ck_assert_int_eq(n, 30);
    for (int i = 0; i < n; i++) {
        const char *node = want[i].nm == 32 ? "32nm" : "65nm";
        struct technology t = at(node, 1e6), low = t;
        struct component c, less;
        t = at_voltage(node, t.node->nominal_v); /* as the survey's chips */
        ck_assert_int_eq(component_adc(&t, want[i].bits, want[i].hz, &c, NULL), 0);
        ck_assert_double_eq_tol(c.read_pj / want[i].pj, 1, 1e-9);
        ck_assert_double_eq_tol(c.area_mm2 * 1e6 / want[i].um2, 1, 1e-9);
        ck_assert_int_eq(component_adc(&low, want[i].bits, want[i].hz, &less, NULL), 0);
        ck_assert_double_eq_tol(less.read_pj / c.read_pj, pow(low.voltage_v / t.voltage_v, 2), 1e-9);
    }
    struct technology t = at("22nm", 1e6);
    struct component four, one, more;
    ck_assert_int_eq(component_adc(&t, 4, 1e8, &four, NULL), 0);
    ck_assert_int_eq(component_adc(&t, 1, 1e8, &one, NULL), 0);
    ck_assert_double_eq(one.read_pj, four.read_pj);
    for (double bits = 4; bits < 20; bits += 0.25) { /* never cheaper with more bits */
        ck_assert_int_eq(component_adc(&t, bits, 1e8, &one, NULL), 0);
        ck_assert_int_eq(component_adc(&t, bits + 0.25, 1e8, &more, NULL), 0);
        ck_assert_msg(more.read_pj >= one.read_pj, "%g bits: %g, %g bits: %g", bits, one.read_pj, bits + 0.25,
                      more.read_pj);
    }
    struct err err = ERR_INIT;
    ck_assert_int_eq(component_adc(&t, 8, 1e11, &four, &err), -1);
    ck_assert_int_eq(err.code, ERR_NO);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("technology");
    TCase *tc = tcase_create("all");
    tcase_set_timeout(tc, 60); /* a loaded machine is slow */
    tcase_add_unchecked_fixture(tc, load, unload);
    tcase_add_test(tc, test_every_row_has_a_source);
    tcase_add_test(tc, test_law_fits_published_delay);
    tcase_add_test(tc, test_lowest_voltage_meets_clock);
    tcase_add_test(tc, test_rows_are_exact);
    tcase_add_test(tc, test_sram_exact_on_rows);
    tcase_add_test(tc, test_sram_leave_one_out);
    tcase_add_test(tc, test_monotone);
    tcase_add_test(tc, test_energy_rises_with_voltage);
    tcase_add_test(tc, test_nodes_shrink);
    tcase_add_test(tc, test_wire_and_dram);
    tcase_add_test(tc, test_adc);
    suite_add_tcase(s, tc);
    return run_suite(s, CK_FORK_GETENV);
}
