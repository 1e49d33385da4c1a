/* Nodes, voltage and clock. Scaling: Stillmaker & Baas, Integration 58 (2017); outside 180..7 nm the rules of nodes.csv. */
#include "hw/technology.h"

#include <assert.h>
#include <math.h>
#include <stddef.h>

static double cycle_fo4(const struct tables *t, double depth_fo4)
{
    return fmax(tables_value(t, "logic_depth_fo4"), depth_fo4) * tables_value(t, "signoff_margin");
}

double technology_fo4_ps(const struct node_row *n, double v)
{
    assert(v > n->vth_v);
    return n->fo4_k * v / pow(v - n->vth_v, n->alpha);
}

double technology_max_hz(const struct tables *t, const struct node_row *n, double v, double depth)
{
    return 1e12 / (cycle_fo4(t, depth) * technology_fo4_ps(n, v));
}

double technology_energy_factor(const struct node_row *n, double v)
{
    return (n->energy[0] * v + n->energy[1]) * v + n->energy[2];
}

/* The rows around nm: *lo has the smaller node; both the same at a row or outside the table. Rows fall in nm. */
static void bracket(const struct tables *t, double nm, const struct node_row **hi, const struct node_row **lo)
{
    int i = 0;
    while (i < t->n_nodes - 1 && t->node[i].nm > nm) {
        i++;
    }
    *lo = &t->node[i];
    *hi = (i > 0 && t->node[i].nm < nm) ? &t->node[i - 1] : &t->node[i];
}

double technology_energy_factor_nm(const struct tables *t, double nm, double v)
{
    const struct node_row *hi, *lo;
    bracket(t, nm, &hi, &lo);
    if (hi == lo) {
        return technology_energy_factor(lo, v);
    }
    double x = (nm - lo->nm) / (hi->nm - lo->nm);
    return (1.0 - x) * technology_energy_factor(lo, v) + x * technology_energy_factor(hi, v);
}

double technology_area_nm(const struct tables *t, double nm)
{
    const struct node_row *hi, *lo;
    bracket(t, nm, &hi, &lo);
    if (hi == lo) {
        return lo->area;
    }
    double x = log(nm / lo->nm) / log(hi->nm / lo->nm);
    return exp((1.0 - x) * log(lo->area) + x * log(hi->area));
}

static int find_node(const struct tables *t, const char *name, const struct node_row **out, struct err *err)
{
    *out = tables_node(t, name);
    if (*out == NULL) {
        return err_set(err, ERR_DATA, "no technology '%s': the tables go from %s to %s", name, t->node[0].name,
                       t->node[t->n_nodes - 1].name);
    }
    return 0;
}

static int too_fast(const struct node_row *n, double clock_hz, double max_hz, double v, struct err *err)
{
    return err_set(err, ERR_NO, "a clock of %.4gMHz is too fast for %s: at most %.4gMHz at %.3gV", clock_hz / 1e6,
                   n->name, floor(max_hz / 1e3) / 1e3, v);
}

int technology_at_clock(const struct tables *t, const char *node, double clock_hz, double depth, struct technology *out,
                        struct err *err)
{
    const struct node_row *n;
    if (find_node(t, node, &n, err) < 0) {
        return -1;
    }
    if (!(clock_hz > 0)) {
        return err_set(err, ERR_NO, "a clock of %gHz runs nothing", clock_hz);
    }
    if (technology_max_hz(t, n, n->max_v, depth) < clock_hz) {
        return too_fast(n, clock_hz, technology_max_hz(t, n, n->max_v, depth), n->max_v, err);
    }
    double lo = n->min_v, hi = n->max_v; /* hi always meets the clock */
    if (technology_max_hz(t, n, lo, depth) >= clock_hz) {
        hi = lo;
    }
    for (int i = 0; i < 60 && hi > lo; i++) { /* the law rises with V since alpha >= 1 */
        double mid = 0.5 * (lo + hi);
        if (technology_max_hz(t, n, mid, depth) >= clock_hz) {
            hi = mid;
        } else {
            lo = mid;
        }
    }
    *out = (struct technology){.tables = t, .node = n, .voltage_v = hi, .clock_hz = clock_hz};
    return 0;
}

int technology_at_voltage(const struct tables *t, const char *node, double v, double clock_hz, double depth,
                          struct technology *out, struct err *err)
{
    const struct node_row *n;
    if (find_node(t, node, &n, err) < 0) {
        return -1;
    }
    if (!(v >= n->min_v && v <= n->max_v)) {
        return err_set(err, ERR_NO, "%.4gV is outside the range of %s: %.3gV to %.3gV", v, n->name, n->min_v, n->max_v);
    }
    if (technology_max_hz(t, n, v, depth) < clock_hz) {
        return too_fast(n, clock_hz, technology_max_hz(t, n, v, depth), v, err);
    }
    *out = (struct technology){.tables = t, .node = n, .voltage_v = v, .clock_hz = clock_hz};
    return 0;
}
