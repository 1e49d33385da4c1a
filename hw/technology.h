/* A technology: a node of hw/technology/nodes.csv at a supply voltage and a clock, and how energy, area and leakage move between nodes.
 *
 * Voltage and frequency follow the alpha-power law (Sakurai & Newton, JSSC 1990): an FO4 inverter takes k V / (V - Vth)^alpha; a cycle
 * has logic_depth_fo4 of them times signoff_margin (rules.csv). One supply for the whole chip. */
#ifndef HW_TECHNOLOGY_H
#define HW_TECHNOLOGY_H

#include "hw/tables.h"

struct technology {
    const struct tables *tables; /* borrowed */
    const struct node_row *node; /* borrowed from tables */
    double voltage_v, clock_hz;
};

/* The lowest legal voltage that meets the clock. ERR_DATA: no such node. ERR_NO: the clock is above the node's maximum (named).
 * depth_fo4: the longest path of a cycle; less than logic_depth_fo4 of rules.csv counts as that. */
int technology_at_clock(const struct tables *t, const char *node, double clock_hz, double depth_fo4,
                        struct technology *out, struct err *err);
/* A given voltage. ERR_NO when it lies outside the node's range, or when the clock is above what it allows. */
int technology_at_voltage(const struct tables *t, const char *node, double voltage_v, double clock_hz, double depth_fo4,
                          struct technology *out, struct err *err);

double technology_fo4_ps(const struct node_row *node, double voltage_v);
double technology_max_hz(const struct tables *t, const struct node_row *node, double voltage_v, double depth_fo4);
/* Energy factor of Stillmaker & Baas at a voltage; only ratios have a meaning. */
double technology_energy_factor(const struct node_row *node, double voltage_v);
/* The same for any node size between those of the table (linear in nm), at which a component was published. */
double technology_energy_factor_nm(const struct tables *t, double nm, double voltage_v);
/* Area of the same logic at `nm` relative to 45 nm; log-log between the rows. */
double technology_area_nm(const struct tables *t, double nm);

#endif
