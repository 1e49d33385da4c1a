/* The coefficients of the calibrated fidelity, from the data file that ships with the program. */
#ifndef EXPERIMENTS_CALIBRATION_H
#define EXPERIMENTS_CALIBRATION_H

#include "costmodel/calibrated.h"

#define CALIBRATION_FILE "costmodel/gemmini_ws.csv"

/* ERR_DATA when the file lacks a coefficient or has one that is not above 0. */
int calibration_load(struct calibration *out, struct err *err);

/* A mapping's cost by any fidelity: cost_evaluate(), and cost_calibrate() for FIDELITY_CALIBRATED. */
int calibration_evaluate(const struct accelerator *a, const struct einsum *e, const struct mapping *m,
                         const struct cost_options *opt, struct cost *out, struct err *err);

#endif
