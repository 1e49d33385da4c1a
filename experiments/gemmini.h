/* Mappings of the Gemmini accelerator with cycles measured elsewhere (tests/fixtures/gemmini/README.md): what the cost model's cycles are
 * held against, and calibrated on. */
#ifndef EXPERIMENTS_GEMMINI_H
#define EXPERIMENTS_GEMMINI_H

#include "base/csv.h"
#include "costmodel/cost.h"

#define GEMMINI_FEATURES 6

struct gemmini_row {
    double measured;                  /* cycles of Timeloop or of the RTL */
    double modelled;                  /* ours, bandwidth fidelity */
    double feature[GEMMINI_FEATURES]; /* of the calibration */
};

struct gemmini_rows {
    struct gemmini_row *row; /* [n], owned */
    int n;
};

/* Prices all rows; `cycles` names the column of the measured ones. Rows without architecture columns are the 128 x 128 array that the
 * training set states. ERR_DATA with the row. */
int gemmini_load(const struct csv *csv, const char *cycles, enum accounting accounting, struct gemmini_rows *out,
                 struct err *err);
void gemmini_release(struct gemmini_rows *rows);

/* Ratio of measured to modelled cycles, log-linear in the features, by robust least squares (GSL, bisquare weights: rows a hundredfold off weigh
 * nothing). */
struct gemmini_fit {
    double coef[GEMMINI_FEATURES];
};
int gemmini_calibrate(const struct gemmini_rows *train, struct gemmini_fit *out, struct err *err);

struct gemmini_score {
    double mean_error; /* mean of |cycles / measured - 1| */
    double spearman;   /* rank correlation */
    double within[2];  /* share of rows within 2 % and 5 % */
};
/* fit NULL: as modelled. */
void gemmini_score(const struct gemmini_rows *rows, const struct gemmini_fit *fit, struct gemmini_score *out);

#endif
