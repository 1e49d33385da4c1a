/* Mappings of the Gemmini accelerator with cycles measured elsewhere (tests/fixtures/gemmini/README.md): what the cost model's cycles are
 * held against, and what the calibrated fidelity is fitted to. */
#ifndef EXPERIMENTS_GEMMINI_H
#define EXPERIMENTS_GEMMINI_H

#include "base/csv.h"
#include "costmodel/calibrated.h"
#include "costmodel/cost.h"

struct gemmini_row {
    double measured;          /* cycles of Timeloop or of the RTL */
    double modelled;          /* ours, bandwidth fidelity */
    struct gemmini_work work; /* of the program that ran */
    char name[64];            /* of the operator: its bounds and stride, "1,64,3,112,112,7,7,2" */
    int layer;                /* rows with equal numbers have equal operators */
    bool broken;              /* ran with wrapped sizes: of no use to calibrate on */
};

struct gemmini_rows {
    struct gemmini_row *row; /* [n], owned */
    int n, n_layers;
};

/* Prices all rows; `cycles` names the column of the measured ones. Rows without architecture columns are Timeloop's 128 x 128 array
 * to the bandwidth model; what ran them is in `work`. ERR_DATA with the row. */
int gemmini_load(const struct csv *csv, const char *cycles, enum accounting accounting, struct gemmini_rows *out,
                 struct err *err);
void gemmini_release(struct gemmini_rows *rows);

/* Coefficients that make the mean of |cycles / measured - 1| small over the rows that are not broken, by nonlinear least squares with
 * soft-L1 weights (GSL, Levenberg-Marquardt). Rows of arrays that are not 16 x 16 weigh GEMMINI_OTHER_ARRAYS. `skip` NULL, or [n_layers]:
 * layers that are left out. Some seconds for 1,500 rows. */
#define GEMMINI_OTHER_ARRAYS 0.02
int gemmini_fit(const struct gemmini_rows *train, const bool *skip, double out[GEMMINI_COEFFICIENTS], struct err *err);

struct gemmini_score {
    double mean_error; /* mean of |cycles / measured - 1| */
    double spearman;   /* rank correlation */
    double within[2];  /* share of rows within 2 % and 5 % */
    double median_error;
};
/* coef NULL: as modelled. */
void gemmini_score(const struct gemmini_rows *rows, const double *coef, struct gemmini_score *out);

#endif
