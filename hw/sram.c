/* Lookup in sram.csv. The table is a grid in log2(size) x log2(width) per node, complete from 64 words of depth up to 4 MiB; a query
 * is reduced step by step to one that the grid can answer:
 *   wider than 512 bit       -> parallel macros
 *   narrower than 32 bit     -> 32 bit of the same depth, scaled by the rule for small memories
 *   shallower than 64 words  -> 64 words, scaled likewise
 *   smaller or larger than the grid at these widths -> its edge, scaled by the fitted exponent of size
 *   node between two of the table -> log-log between both; below 22 nm or above 65 nm: the rules of rules.csv. */
#include "hw/sram.h"

#include "hw/technology.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>

static double row_quantity(const struct sram_row *r, enum sram_quantity q)
{
    switch (q) {
    case SRAM_READ_PJ:
        return r->read_pj;
    case SRAM_WRITE_PJ:
        return r->write_pj;
    case SRAM_LEAK_MW:
        return r->leak_mw;
    case SRAM_AREA_MM2:
        return r->area_mm2;
    default:
        return r->cycle_ns;
    }
}

/* Rows of one node and width: a run in the table, rising in size. */
struct run {
    const struct sram_row *row;
    int n;
};

static struct run find_run(const struct tables *t, double nm, double width)
{
    struct run run = {NULL, 0};
    for (int i = 0; i < t->n_sram; i++) {
        if (t->sram[i].nm == nm && t->sram[i].width_bits == width) {
            run.row = run.n == 0 ? &t->sram[i] : run.row;
            run.n++;
        }
    }
    assert(run.n > 1);
    return run;
}

static double size_exponent(const struct tables *t, enum sram_quantity q)
{
    static const char *const name[] = {"sram_read_size_exponent", "sram_write_size_exponent", "sram_leak_size_exponent",
                                       "sram_area_size_exponent", "sram_cycle_size_exponent"};
    return tables_value(t, name[q]);
}

/* One quantity along a run: log-log between its rows, the fitted power of size beyond its ends. */
static double along(const struct tables *t, struct run run, double bytes, enum sram_quantity q)
{
    const struct sram_row *first = &run.row[0], *last = &run.row[run.n - 1];
    if (bytes <= first->size_bytes) {
        return row_quantity(first, q) * pow(bytes / first->size_bytes, size_exponent(t, q));
    }
    if (bytes >= last->size_bytes) {
        return row_quantity(last, q) * pow(bytes / last->size_bytes, size_exponent(t, q));
    }
    int i = 1;
    while (run.row[i].size_bytes < bytes) {
        i++;
    }
    const struct sram_row *a = &run.row[i - 1], *b = &run.row[i];
    if (b->size_bytes == bytes) {
        return row_quantity(b, q);
    }
    double x = log(bytes / a->size_bytes) / log(b->size_bytes / a->size_bytes);
    return exp((1 - x) * log(row_quantity(a, q)) + x * log(row_quantity(b, q)));
}

/* At a node of the table; width within 32..512. */
static double on_grid(const struct tables *t, double nm, double bytes, double width, enum sram_quantity q)
{
    double lo = 32;
    while (lo * 2 <= width) {
        lo *= 2;
    }
    double a = along(t, find_run(t, nm, lo), bytes, q);
    if (lo == width) {
        return a;
    }
    double b = along(t, find_run(t, nm, 2 * lo), bytes, q);
    double x = log(width / lo) / log(2.0);
    return exp((1 - x) * log(a) + x * log(b));
}

static double table_voltage(const struct tables *t, double nm)
{
    for (int i = 0; i < t->n_sram; i++) {
        if (t->sram[i].nm == nm) {
            return t->sram[i].voltage_v;
        }
    }
    assert(!"not a node of the table");
    return 1.0;
}

/* Factor on a quantity of the table's edge node `edge`, for a node outside the table. */
static double outside(const struct tables *t, const struct node_row *node, double edge, enum sram_quantity q)
{
    double r = node->nm / edge;
    if (r < 1) {
        double floor_nm = tables_value(t, "sram_area_floor_nm");
        switch (q) {
        case SRAM_AREA_MM2:
            return pow(fmax(node->nm, floor_nm) / edge, tables_value(t, "sram_below_area_exponent"));
        case SRAM_LEAK_MW:
            return pow(r, tables_value(t, "sram_below_energy_exponent")) * tables_value(t, "sram_below_leak_factor");
        case SRAM_CYCLE_NS: {
            const struct node_row *e = tables_node(t, "22nm");
            return technology_fo4_ps(node, node->nominal_v) / technology_fo4_ps(e, e->nominal_v);
        }
        default:
            return pow(r, tables_value(t, "sram_below_energy_exponent"));
        }
    }
    static const char *const name[] = {"sram_read_node_exponent", "sram_write_node_exponent", NULL,
                                       "sram_area_node_exponent", "sram_cycle_node_exponent"};
    return name[q] != NULL ? pow(r, tables_value(t, name[q])) : 1.0; /* leakage above 65 nm: held */
}

static double at_node(const struct tables *t, const struct node_row *node, double bytes, double width,
                      enum sram_quantity q)
{
    double first = t->sram[0].nm, last = t->sram[t->n_sram - 1].nm, nm = node->nm, lo = first, hi = last;
    if (nm < first || nm > last) {
        double edge = nm < first ? first : last;
        return on_grid(t, edge, bytes, width, q) * outside(t, node, edge, q);
    }
    for (int i = 0; i < t->n_sram; i++) {
        lo = t->sram[i].nm <= nm ? t->sram[i].nm : lo;
        hi = t->sram[i].nm >= nm && t->sram[i].nm < hi ? t->sram[i].nm : hi;
    }
    double a = on_grid(t, lo, bytes, width, q);
    if (lo == nm) {
        return a;
    }
    double x = log(nm / lo) / log(hi / lo);
    return exp((1 - x) * log(a) + x * log(on_grid(t, hi, bytes, width, q)));
}

static double supply(const struct tables *t, const struct node_row *node)
{
    double first = t->sram[0].nm, last = t->sram[t->n_sram - 1].nm, lo = first, hi = last;
    if (node->nm < first || node->nm > last) {
        return node->nominal_v;
    }
    for (int i = 0; i < t->n_sram; i++) {
        lo = t->sram[i].nm <= node->nm ? t->sram[i].nm : lo;
        hi = t->sram[i].nm >= node->nm && t->sram[i].nm < hi ? t->sram[i].nm : hi;
    }
    double x = hi > lo ? log(node->nm / lo) / log(hi / lo) : 0.0;
    return (1 - x) * table_voltage(t, lo) + x * table_voltage(t, hi);
}

static bool on_table(const struct tables *t, double nm, double bytes, double width)
{
    for (int i = 0; i < t->n_sram; i++) {
        if (t->sram[i].nm == nm && t->sram[i].size_bytes == bytes && t->sram[i].width_bits == width) {
            return true;
        }
    }
    return false;
}

static bool inside_table(const struct tables *t, double nm, double bytes, double width)
{
    double lo = 32;
    while (lo * 2 < width) {
        lo *= 2;
    }
    struct run run = find_run(t, t->sram[0].nm, lo < width ? 2 * lo : lo);
    return nm >= t->sram[0].nm && nm <= t->sram[t->n_sram - 1].nm && bytes >= run.row[0].size_bytes &&
           bytes <= run.row[run.n - 1].size_bytes;
}

void sram_macro(const struct tables *t, const struct node_row *node, double size_bits, double width_bits,
                struct sram_macro *out)
{
    assert(size_bits > 0 && width_bits > 0);
    const double widest = 512, narrowest = tables_value(t, "small_width_bits"),
                 shallowest = tables_value(t, "small_depth_words");
    double parallel = ceil(width_bits / widest);
    double width = width_bits / parallel, depth = size_bits / width_bits;
    double table_width = fmax(width, narrowest), table_depth = fmax(depth, shallowest);
    double bytes = table_width * table_depth / 8;

    double w = width / table_width, d = depth / table_depth, share = tables_value(t, "small_width_share");
    double access = (share * w + (1 - share)) * pow(d, tables_value(t, "small_depth_exponent"));
    const double scale[SRAM_QUANTITY_COUNT] = {[SRAM_READ_PJ] = access * parallel,
                                               [SRAM_WRITE_PJ] = access * parallel,
                                               [SRAM_LEAK_MW] = w * d * parallel,
                                               [SRAM_AREA_MM2] = w * d * parallel,
                                               [SRAM_CYCLE_NS] = 1};
    for (int q = 0; q < SRAM_QUANTITY_COUNT; q++) {
        out->q[q] = at_node(t, node, bytes, table_width, (enum sram_quantity)q) * scale[q];
    }
    out->voltage_v = supply(t, node);
    if (width_bits == table_width && depth == table_depth && on_table(t, node->nm, bytes, width_bits)) {
        out->how = SRAM_AT_NODE;
    } else if (w == 1 && d == 1 && inside_table(t, node->nm, bytes, width)) {
        out->how = SRAM_INTERPOLATED;
    } else {
        out->how = SRAM_FITTED;
    }
}

int sram_residual(const struct tables *t, enum sram_quantity q, double *mean, double *max)
{
    int n = 0;
    double sum = 0, worst = 0;
    for (int i = 1; i + 1 < t->n_sram; i++) {
        const struct sram_row *a = &t->sram[i - 1], *r = &t->sram[i], *b = &t->sram[i + 1];
        if (a->nm != r->nm || b->nm != r->nm || a->width_bits != r->width_bits || b->width_bits != r->width_bits) {
            continue;
        }
        double x = log(r->size_bytes / a->size_bytes) / log(b->size_bytes / a->size_bytes);
        double guess = exp((1 - x) * log(row_quantity(a, q)) + x * log(row_quantity(b, q)));
        double e = fabs(guess / row_quantity(r, q) - 1);
        sum += e;
        worst = fmax(worst, e);
        n++;
    }
    *mean = n > 0 ? sum / n : 0;
    *max = worst;
    return n;
}
