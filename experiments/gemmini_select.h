/* Which form of the calibrated model to fit: chosen by cross-validation on the training rows alone, so that what the held-out rows then say
 * is a prediction. */
#ifndef EXPERIMENTS_GEMMINI_SELECT_H
#define EXPERIMENTS_GEMMINI_SELECT_H

#include "experiments/gemmini.h"

#define GEMMINI_FOLDS 8

extern const struct gemmini_candidate gemmini_candidates[];
extern const int gemmini_n_candidates;

/* Cycles of each usable row by a fit to the rows of other layers (fold: layer mod GEMMINI_FOLDS); `skip` as in gemmini_fit(), those rows
 * are left alone. cycles: [n]. */
int gemmini_cross(const struct gemmini_rows *train, const struct gemmini_candidate *how, const bool *skip,
                  double *cycles, struct err *err);

/* The first candidate whose mean error by gemmini_cross() is not above the least by more than the standard error of the difference
 * (clustered by layer). error, spread: [gemmini_n_candidates], of all: mean error, and that standard error. */
int gemmini_select(const struct gemmini_rows *train, const bool *skip, int *best, double *error, double *spread,
                   struct err *err);

/* The whole procedure on networks that it has not seen: cycles of each usable row by the candidate selected on, and fitted to, the other
 * networks. cycles: [n], chosen: [n_networks]. Minutes. */
int gemmini_nested(const struct gemmini_rows *train, double *cycles, int *chosen, struct err *err);

/* Mean of |cycles / measured - 1| over the usable rows that are not skipped. */
double gemmini_mean_error(const struct gemmini_rows *rows, const bool *skip, const double *cycles);

#endif
