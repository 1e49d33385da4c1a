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
    char mapping[128];        /* as the table has it */
    char name[64];            /* of the operator: its bounds and stride, "1,64,3,112,112,7,7,2" */
    int layer;                /* rows with equal numbers have equal operators */
    int network;              /* and these come from one network; 0 before gemmini_networks() */
    bool usable;              /* to fit to: ran on a 16 x 16 array, and with sizes that the runner meant */
};

enum { GEMMINI_NETWORKS = 16 };

struct gemmini_rows {
    struct gemmini_row *row; /* [n], owned */
    int n, n_layers, n_networks;
    bool held_out; /* rows that no fit may see */
    char network[GEMMINI_NETWORKS][32];
};

/* Prices all rows; `cycles` names the column of the measured ones. Rows without architecture columns are Timeloop's 128 x 128 array
 * to the bandwidth model; what ran them is in `work`. A table with a column "set" is the held-out one. ERR_DATA with the row. */
int gemmini_load(const struct csv *csv, const char *cycles, enum accounting accounting, struct gemmini_rows *out,
                 struct err *err);
/* Which network each operator is of: columns "network" and those of the operator. ERR_DATA when it lacks one. */
int gemmini_networks(const struct csv *csv, struct gemmini_rows *io, struct err *err);
void gemmini_release(struct gemmini_rows *rows);

/* A form of the model that may be fitted: its terms, and how strongly its coefficients are held where the hardware's description puts
 * them (a residual of `pull` for a factor of e). */
struct gemmini_candidate {
    const char *name;
    unsigned form;
    double pull;
};

/* Coefficients that make the mean of |cycles / measured - 1| small over the usable rows, by nonlinear least squares with soft-L1 weights
 * (GSL, Levenberg-Marquardt). `skip`: NULL, or [n] of rows that are left out. ERR_DATA for held-out rows: they are scored, never fitted.
 * 0.2 s for 380 rows; reentrant. */
int gemmini_fit(const struct gemmini_rows *rows, const struct gemmini_candidate *how, const bool *skip,
                struct calibration *out, struct err *err);

struct gemmini_score {
    double mean_error; /* mean of |cycles / measured - 1| */
    double spearman;   /* rank correlation */
    double within[2];  /* share of rows within 2 % and 5 % */
    double median_error;
};
/* k NULL: as modelled. */
void gemmini_score(const struct gemmini_rows *rows, const struct calibration *k, struct gemmini_score *out);

#endif
