/* SRAM macros out of the CACTI table: one bank, one read-write port. */
#ifndef HW_SRAM_H
#define HW_SRAM_H

#include "hw/tables.h"

/* Quantities of one macro at the table's supply voltage of its node (`voltage_v`). */
enum sram_quantity { SRAM_READ_PJ, SRAM_WRITE_PJ, SRAM_LEAK_MW, SRAM_AREA_MM2, SRAM_CYCLE_NS, SRAM_QUANTITY_COUNT };
enum sram_how { SRAM_AT_NODE, SRAM_INTERPOLATED, SRAM_FITTED }; /* a row of the table; between rows; by rule or fit */
struct sram_macro {
    double q[SRAM_QUANTITY_COUNT];
    double voltage_v;
    enum sram_how how;
};

/* A macro of any size > 0 and word of any width > 0 at node->nm. Exact on the rows of the table; log-log interpolation in size, width and
 * node between them; outside by the rules and fits of rules.csv (small memories: the rule of hwcomponents-cacti). Words wider than
 * 512 bit are parallel macros. All quantities rise with size. O(rows). */
void sram_macro(const struct tables *t, const struct node_row *node, double size_bits, double width_bits,
                struct sram_macro *out);

/* Leave-one-out: each row that has neighbours at half and twice its size, estimated from these two. Mean and greatest relative
 * error. Returns the number of rows. */
int sram_residual(const struct tables *t, enum sram_quantity q, double *mean, double *max);

#endif
