/* Parts of an accelerator at a technology's voltage and clock: energy of an action, leakage, area, and where the numbers came from.
 *
 * Areas are of placed silicon: logic cells over layout_utilization; SRAM macros as CACTI gives them. Leakage of logic is that of the
 * flip-flop row per area (rules of docs/components.md). All functions are O(rows of the tables). */
#ifndef HW_COMPONENT_H
#define HW_COMPONENT_H

#include "hw/accelerator.h"
#include "hw/technology.h"

struct component {
    double read_pj, write_pj; /* memory: per word; arithmetic: read_pj is one operation */
    double leak_w, area_mm2;
    double cycle_s; /* memory: between two accesses of one bank; else 0 */
    char source[HW_SOURCE];
};

/* Integer arithmetic. Adder: linear in bits. Multiplier: bits_a * bits_b. Exact on the rows of the table. bits >= 1. */
void component_adder(const struct technology *t, double bits, struct component *out);
void component_multiplier(const struct technology *t, double bits_a, double bits_b, struct component *out);
/* Floating point of 16 or 32 bits: rows of the table; other widths by the square (multiplier) or linearly (adder). */
void component_fp_adder(const struct technology *t, double bits, struct component *out);
void component_fp_multiplier(const struct technology *t, double bits, struct component *out);
/* A register of flip-flops: a write costs, a read is a wire. */
void component_register(const struct technology *t, double bits, struct component *out);
/* SRAM of `banks` equal banks (>= 1), each `width_bits` wide with one read-write port; small ones are register files of the same family.
 * Several banks pay a wire over half the side of the array. */
void component_sram(const struct technology *t, double size_bits, double width_bits, double banks,
                    struct component *out);
/* DRAM device and its interface, per word. ERR_DATA: no such kind. No leakage, no area on the chip. */
int component_dram(const struct technology *t, const char *kind, double width_bits, struct component *out,
                   struct err *err);

/* Analog-digital converter: read_pj is one conversion to `bits` effective bits at `hz` conversions a second (Andrulis et al., fit of Murmann's
 * survey at nominal voltage, times V^2). Fewer than 4 bits cost as 4. bits <= 20. ERR_NO: faster than the survey's fastest. */
int component_adc(const struct technology *t, double bits, double hz, struct component *out, struct err *err);

/* Mean energy of random data over repeated wires of full swing. */
double component_wire_pj_per_bit_mm(const struct technology *t);

#endif
