/* Published compute-in-memory chips, and the model's figures for them. */
#ifndef TESTS_CIM_CHIPS_H
#define TESTS_CIM_CHIPS_H

#include "hw/technology.h"

#define CIM_FIGURES 16
struct cim_figure {
    char what[96];
    const char *unit;
    double model, published;
};

/* Returns CIM_FIGURES; -1 when one cannot be priced. */
int cim_figures(const struct tables *tables, struct cim_figure out[CIM_FIGURES], struct err *err);
/* Geometric mean of the factors between model and published. */
double cim_factor(const struct cim_figure *f, int n);

#endif
