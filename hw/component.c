/* Components out of the tables, moved to the node, voltage and clock asked for.
 *
 * Logic: E(n, V) = E_row * f_n(V) / f_row(V_row), f of Stillmaker & Baas; area by their area table; leakage like energy (the rule of
 * hwcomponents). Memory: sram.c, then dynamic energy ~ V^2 and leakage ~ V around the table's supply, cycle time ~ FO4(V). */
#include "hw/component.h"

#include "base/strbuf.h"
#include "base/units.h"
#include "hw/sram.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static void put_source(struct component *c, const char *what, const char *source)
{
    int n = snprintf(c->source, sizeof c->source, "%s: %s", what, source);
    if (n >= (int)sizeof c->source) { /* cut, and say so */
        memcpy(c->source + sizeof c->source - 4, "...", 4);
    }
}

static double energy_ratio(const struct technology *t, double from_nm, double from_v)
{
    return technology_energy_factor(t->node, t->voltage_v) / technology_energy_factor_nm(t->tables, from_nm, from_v);
}

/* Leakage of placed logic in W: the flip-flop row's leakage per cell area, moved like energy. `um2` is cell area at this node. */
static double logic_leak_w(const struct technology *t, double um2)
{
    const struct tables *tb = t->tables;
    const struct arith_row *ff = NULL;
    for (int i = 0; i < tb->n_arith; i++) {
        if (tb->arith[i].kind == ARITH_FLIP_FLOP) {
            ff = &tb->arith[i];
        }
    }
    assert(ff != NULL);
    double um2_there = um2 * technology_area_nm(tb, ff->nm) / t->node->area;
    return ff->leak_uw / ff->area_um2 * um2_there * energy_ratio(t, ff->nm, ff->voltage_v) * 1e-6;
}

/* The table's rows of one kind as a piecewise linear function of x = bits^power through the origin; beyond the last row proportional. */
struct curve_point {
    double energy_pj, area_um2, nm, voltage_v;
    const char *source;
};

static struct curve_point curve(const struct tables *t, enum arith kind, double x, int power)
{
    double x0 = 0, e0 = 0, a0 = 0;
    for (int i = 0; i < t->n_arith; i++) {
        const struct arith_row *r = &t->arith[i];
        if (r->kind != kind) {
            continue;
        }
        double x1 = pow(r->bits, power);
        bool last = i + 1 == t->n_arith || t->arith[i + 1].kind != kind;
        if (x <= x1 || last) {
            double from = x > x1 ? 0 : x0, ef = x > x1 ? 0 : e0, af = x > x1 ? 0 : a0;
            double s = (x - from) / (x1 - from);
            return (struct curve_point){ef + s * (r->energy_pj - ef), af + s * (r->area_um2 - af), r->nm, r->voltage_v,
                                        r->source};
        }
        x0 = x1;
        e0 = r->energy_pj;
        a0 = r->area_um2;
    }
    assert(!"no rows of this kind");
    return (struct curve_point){0, 0, 1, 1, ""};
}

static void logic(const struct technology *t, enum arith kind, double x, int power, struct component *out)
{
    struct curve_point p = curve(t->tables, kind, x, power);
    double um2 = p.area_um2 * t->node->area / technology_area_nm(t->tables, p.nm);
    *out = (struct component){.read_pj = p.energy_pj * energy_ratio(t, p.nm, p.voltage_v),
                              .leak_w = logic_leak_w(t, um2),
                              .area_mm2 = um2 * 1e-6 / tables_value(t->tables, "layout_utilization")};
    put_source(out, arith_names[kind], p.source);
}

void component_adder(const struct technology *t, double bits, struct component *out)
{
    assert(bits >= 1);
    logic(t, ARITH_INT_ADD, bits, 1, out);
}

void component_multiplier(const struct technology *t, double bits_a, double bits_b, struct component *out)
{
    assert(bits_a >= 1 && bits_b >= 1);
    logic(t, ARITH_INT_MUL, bits_a * bits_b, 2, out);
}

void component_fp_adder(const struct technology *t, double bits, struct component *out)
{
    logic(t, ARITH_FP_ADD, bits, 1, out);
}

void component_fp_multiplier(const struct technology *t, double bits, struct component *out)
{
    logic(t, ARITH_FP_MUL, bits * bits, 2, out);
}

void component_register(const struct technology *t, double bits, struct component *out)
{
    logic(t, ARITH_FLIP_FLOP, bits, 1, out);
    out->write_pj = out->read_pj;
    out->read_pj = 0;
    out->cycle_s = 1 / t->clock_hz;
}

double component_wire_pj_per_bit_mm(const struct technology *t)
{
    const struct tables *tb = t->tables;
    int i = 0;
    while (i < tb->n_wire - 1 && tb->wire[i].nm > t->node->nm) {
        i++;
    }
    const struct wire_row *lo = &tb->wire[i];
    double pf = lo->pf_per_mm; /* held outside the table */
    if (i > 0 && lo->nm < t->node->nm) {
        const struct wire_row *hi = &tb->wire[i - 1];
        pf += (t->node->nm - lo->nm) / (hi->nm - lo->nm) * (hi->pf_per_mm - lo->pf_per_mm);
    }
    return tables_value(tb, "wire_activity") * tables_value(tb, "wire_repeater_factor") * pf * t->voltage_v *
           t->voltage_v;
}

void component_sram(const struct technology *t, double size_bits, double width_bits, double banks,
                    struct component *out)
{
    static const char *const how[] = {"row of sram.csv", "sram.csv, interpolated",
                                      "outside sram.csv (small-memory rule or fit)"};
    struct sram_macro m;
    sram_macro(t->tables, t->node, size_bits / banks, width_bits, &m);
    double v = t->voltage_v / m.voltage_v;
    double slow = technology_fo4_ps(t->node, t->voltage_v) / technology_fo4_ps(t->node, t->node->nominal_v);
    *out = (struct component){.read_pj = m.q[SRAM_READ_PJ] * v * v,
                              .write_pj = m.q[SRAM_WRITE_PJ] * v * v,
                              .leak_w = m.q[SRAM_LEAK_MW] * 1e-3 * v * banks,
                              .area_mm2 = m.q[SRAM_AREA_MM2] * banks,
                              .cycle_s = m.q[SRAM_CYCLE_NS] * 1e-9 * slow};
    if (banks > 1) {
        double wire = component_wire_pj_per_bit_mm(t) * width_bits * 0.5 * sqrt(out->area_mm2);
        out->read_pj += wire;
        out->write_pj += wire;
    }
    struct strbuf what = STRBUF_INIT;
    strbuf_adds(&what, banks > 1 ? "SRAM banks of " : "SRAM of ");
    quantity_print(size_bits / banks, DIM_DATA, &what);
    strbuf_addf(&what, " in words of %g bit, %s, %s", width_bits, t->node->name, how[m.how]);
    put_source(out, strbuf_str(&what), t->tables->sram[0].source);
    strbuf_release(&what);
}

int component_dram(const struct technology *t, const char *kind, double width_bits, struct component *out,
                   struct err *err)
{
    const struct dram_row *r = tables_dram(t->tables, kind);
    if (r == NULL) {
        return err_set(err, ERR_DATA, "no DRAM '%s' in dram.csv", kind);
    }
    *out = (struct component){.read_pj = r->pj_per_bit * width_bits, .write_pj = r->pj_per_bit * width_bits};
    char what[64];
    snprintf(what, sizeof what, "%s %gpJ/bit", r->kind, r->pj_per_bit);
    put_source(out, what, r->source);
    return 0;
}

/* Best figure of merit of the survey, dB: a table at whole bits, linear between them. */
static double adc_best_fom(const struct tables *t, double bits)
{
    char lo[32], hi[32];
    snprintf(lo, sizeof lo, "adc_fom_max_%02d", (int)floor(bits));
    snprintf(hi, sizeof hi, "adc_fom_max_%02d", (int)ceil(bits));
    double x = bits - floor(bits);
    return (1 - x) * tables_value(t, lo) + x * tables_value(t, hi);
}

static double adc_pj(const struct tables *t, double nm, double bits, double hz)
{
    double fom =
        fmin(tables_value(t, "adc_fom_intercept") + tables_value(t, "adc_fom_ln_hz") * log(hz), adc_best_fom(t, bits));
    double sndr = 20 * log10(2) * bits + 10 * log10(1.5);
    return 0.5 / pow(10, (fom - sndr) / 10) *
           exp(tables_value(t, "adc_energy_intercept") + tables_value(t, "adc_energy_ln_nm") * log(nm) +
               tables_value(t, "adc_energy_ln_bits") * log(bits) + tables_value(t, "adc_energy_residual"));
}

int component_adc(const struct technology *t, double bits, double hz, struct component *out, struct err *err)
{
    const struct tables *tb = t->tables;
    double least = tables_value(tb, "adc_least_bits"), nm = t->node->nm;
    bits = fmax(bits, least);
    if (bits > 20 || !(hz > 0) || log(hz) > tables_value(tb, "adc_max_ln_hz")) {
        return err_set(err, ERR_NO, "no converter of %g bits at %gMHz: the survey goes to 20 bits and %gMHz", bits,
                       hz / 1e6, exp(tables_value(tb, "adc_max_ln_hz")) / 1e6);
    }
    double pj = fmax(adc_pj(tb, nm, bits, hz), adc_pj(tb, nm, least, hz)); /* the fit dips by 1 % below 5 bits */
    double volts = t->voltage_v / t->node->nominal_v;                      /* the survey's chips: at nominal */
    double um2 = exp(tables_value(tb, "adc_area_ln_nm") * log(nm) + tables_value(tb, "adc_area_ln_hz") * log(hz) +
                     tables_value(tb, "adc_area_ln_pj") * log(pj) + tables_value(tb, "adc_area_intercept"));
    *out = (struct component){.read_pj = pj * volts * volts, .area_mm2 = um2 * 1e-6, .cycle_s = 1 / hz};
    char what[64];
    snprintf(what, sizeof what, "ADC %g bit %gMHz %s", bits, hz / 1e6, t->node->name);
    put_source(out, what, tables_rule(tb, "adc_fom_intercept")->source);
    return 0;
}
