/* The fidelity that is calibrated on RTL: cycles of a weight-stationary 16 x 16 array of Gemmini's kind, from the counts of its program
 * (gemmini_work.h) and coefficients fitted to cycles of Gemmini's RTL. Valid for that hardware only, and refuses everything else. */
#ifndef COSTMODEL_CALIBRATED_H
#define COSTMODEL_CALIBRATED_H

#include "costmodel/cost.h"
#include "costmodel/gemmini_time.h"

/* Puts the loops of the outermost level around the macro instruction, as far as the program has more than one tile of their dimension;
 * dimensions that it has tiles of, but no loop, outside of them. */
void gemmini_loops(struct gemmini_program *p, const struct einsum *e, const struct mapping_level *outermost);

/* Makes the cycles of a cost at FIDELITY_BANDWIDTH those of the calibration, with what follows from them: leakage, energy, utilization.
 * ERR_DATA, with the reason, outside of its domain: four levels that keep weights; outputs; weights and inputs; all (innermost first), a
 * 16 x 16 array of fixed MACs with at most 8 bits, weights that stay; convolutions without groups and dilation, and matrix products. */
int cost_calibrate(const struct calibration *k, const struct accelerator *a, const struct einsum *e,
                   const struct mapping *m, struct cost *io, struct err *err);

#endif
