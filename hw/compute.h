/* MAC and vector units composed of components, priced at a technology. */
#ifndef HW_COMPUTE_H
#define HW_COMPUTE_H

#include "hw/accelerator.h"
#include "hw/technology.h"

/* Longest path of a multiply-accumulate in one cycle, in FO4: carry-save tree of the partial products, the accumulator's adder; a
 * decomposable unit has a shifter and an adder for each halving; a bit-serial one only adds. Widths >= 1. */
double compute_mac_depth_fo4(const struct tables *t, enum mac_kind kind, int w_bits, int a_bits, int acc_bits);
/* Fills all but `instances`. Fixed: multiplier and adder. Decomposable (Bit Fusion, Sharma et al., ISCA 2018): multipliers of 2 x 2 bits add
 * up to the one of full width (the quadratic law), and each adder bit that recombines has a shifter bit of the same price before it.
 * Bit-serial (Stripes, Judd et al., MICRO 2016): w_bits units of an (a + 1)-bit adder and an (a + w)-bit register, a product takes as many steps of one. */
void compute_mac(const struct technology *t, enum mac_kind kind, int w_bits, int a_bits, int acc_bits, struct mac *out);
/* A lane: a 16-bit multiplier, an adder and three registers of the accumulator's width. `out` is for all lanes. */
void compute_vector(const struct technology *t, int64_t lanes, int acc_bits, struct vector_unit *out);

#endif
