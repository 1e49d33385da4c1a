/* Nothing is tuned to these figures; the table says how far the model is from them. Published values: as the AccelForge notebooks and
 * mit-emze/cimloop 1_macro tests quote the papers. */
#include "tests/cim_chips.h"

#include "hw/cim.h"
#include "hw/compute.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

struct list {
    const struct tables *tables;
    struct cim_figure *figure;
    int n;
    struct err *err;
};

static void add(struct list *l, double model, double published, const char *unit, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
static void add(struct list *l, double model, double published, const char *unit, const char *fmt, ...)
{
    struct cim_figure *f = &l->figure[l->n++];
    va_list args;
    va_start(args, fmt);
    vsnprintf(f->what, sizeof f->what, fmt, args);
    va_end(args);
    f->model = model;
    f->published = published;
    f->unit = unit;
}

static int at(struct list *l, const char *node, double v, struct technology *t)
{
    return technology_at_voltage(l->tables, node, v, 1e6, 0, t, l->err);
}

static double tops_per_w(const struct cim_cost *c)
{
    return 2.0 * (double)c->macs / c->energy_pj;
}

/* Jia: 2304 rows, one 8-bit converter a column, 1-bit weights and inputs. Published for one use of a column: ADC, array. */
static int jia(struct list *l, double v, double adc, double array)
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
    struct technology t;
    struct cim_cost c;
    if (at(l, "65nm", v, &t) < 0 || cim_price(&t, &m, 1, 1, &c, l->err) < 0) {
        return -1;
    }
    add(l, c.adc_pj / m.cols, adc, "pJ a column", "Jia JSSC 2020, 65 nm, %.2f V: ADC", v);
    add(l, (c.cell_pj + c.dac_pj) / m.cols, array, "pJ a column", "the same: array with drivers");
    add(l, tops_per_w(&c), 2.0 * m.rows / (adc + array), "TOPS/W", "the same: macro without datapath, 1 x 1 bit");
    return 0;
}

/* Sinangil: 64 x 64 cells as 16 weights of 4 bits a row, inputs of 4 bits as pulses, one 4-bit flash converter a weight. */
static int sinangil(struct list *l)
{
    static const struct cim_macro m = {.rows = 64,
                                       .cols = 16,
                                       .rows_on = 64,
                                       .cell_bits = 4,
                                       .dac_bits = 4,
                                       .columns_per_adc = 1,
                                       .adc_bits = 4,
                                       .adc_hz = 1.8e8,
                                       .acc_bits = 8};
    struct technology t;
    struct cim_cost c;
    if (at(l, "7nm", 0.77, &t) < 0 || cim_price(&t, &m, 4, 4, &c, l->err) < 0) {
        return -1;
    }
    add(l, tops_per_w(&c), 351, "TOPS/W", "Sinangil JSSC 2021, 7 nm, 0.8 V (model: 0.77 V), 4 x 4 bit");
    return 0;
}

/* NeuRRAM: 256 x 256 devices, a weight in two rows: 128 weights a column; energy is mostly the neuron (converter) circuit. */
static int neurram(struct list *l)
{
    static const struct {
        int in, out;
        double tops_w;
    } rows[] = {{1, 3, 43.079}, {2, 4, 40.334}, {3, 5, 23.091}, {4, 6, 15.954}};
    struct technology t;
    if (at(l, "130nm", 1.3, &t) < 0) {
        return -1;
    }
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct cim_macro m = {.rows = 256,
                              .cols = 256,
                              .rows_on = 256,
                              .cell_bits = 4,
                              .dac_bits = rows[i].in,
                              .columns_per_adc = 1,
                              .adc_bits = rows[i].out,
                              .adc_hz = 1e6,
                              .acc_bits = 16};
        struct cim_cost c;
        if (cim_price(&t, &m, 4, rows[i].in, &c, l->err) < 0) {
            return -1;
        }
        add(l, 2.0 * (double)c.macs / c.adc_pj, rows[i].tops_w, "TOPS/W",
            "NeuRRAM Nature 2022, 130 nm, %d bit in, %d out, ADC bound", rows[i].in, rows[i].out);
    }
    return 0;
}

/* Colonnade: digital, bit-serial; a MAC of b x b bits. */
static int colonnade(struct list *l)
{
    static const struct {
        int bits;
        double fj;
    } rows[] = {{1, 68.1}, {2, 161.64}, {4, 423.43}, {8, 1169.65}, {16, 3995.18}};
    struct technology t;
    if (at(l, "65nm", 0.8, &t) < 0) {
        return -1;
    }
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct mac m;
        compute_mac(&t, MAC_BIT_SERIAL, rows[i].bits, rows[i].bits, 2 * rows[i].bits + 7, &m);
        add(l, 1e3 * (m.mul_pj + m.add_pj), rows[i].fj, "fJ/MAC", "Colonnade JSSC 2021, 65 nm, 0.8 V, %d x %d bit",
            rows[i].bits, rows[i].bits);
    }
    return 0;
}

int cim_figures(const struct tables *tables, struct cim_figure out[CIM_FIGURES], struct err *err)
{
    struct list l = {.tables = tables, .figure = out, .err = err};
    bool bad = jia(&l, 0.85, 1.79, 9.7) < 0 || jia(&l, 1.2, 3.56, 20.4) < 0 || sinangil(&l) < 0 || neurram(&l) < 0 ||
               colonnade(&l) < 0;
    return bad ? -1 : l.n;
}

double cim_factor(const struct cim_figure *f, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++) {
        sum += fabs(log(f[i].model / f[i].published));
    }
    return exp(sum / n);
}
