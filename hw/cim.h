/* A compute-in-memory macro: an array of cells that multiplies its weights with a vector of inputs, column sums converted by ADCs.
 * METHODS: CiMLoop (Andrulis et al., ISPASS 2024) in closed form; components of hw/component.h. */
#ifndef HW_CIM_H
#define HW_CIM_H

#include "hw/technology.h"

#include <stdint.h>

struct cim_macro {
    int rows, cols;      /* cells; a weight of w bits takes ceil(w / cell_bits) columns */
    int rows_on;         /* rows summed at once, 1..rows */
    int cell_bits;       /* of a weight in one cell */
    int dac_bits;        /* of an input driven at once */
    int columns_per_adc; /* columns that take turns on one converter */
    double adc_bits;     /* effective; a sum without loss needs cim_lossless_bits() */
    double adc_hz;       /* conversions a second of one converter */
    int acc_bits;        /* shift-and-add behind the converter */
};

struct cim_cost { /* of one vector times the whole array */
    int64_t macs;
    double dac_pj, cell_pj, adc_pj, shift_add_pj, energy_pj;
    double time_s;
    double area_mm2, leak_w;
};

/* Converter bits that keep every sum of rows_on products apart: ceil(log2(rows_on (2^cell - 1)(2^dac - 1) + 1)). */
int cim_lossless_bits(const struct cim_macro *m);
/* w_bits x a_bits vector-matrix product. ERR_NO: no weight fits the columns, or no such converter. ERR_DATA: the macro is not sound.
 * Energy: input slices x row groups x (rows_on drivers + cells + one conversion and shift-add a column). */
int cim_price(const struct technology *t, const struct cim_macro *m, int w_bits, int a_bits, struct cim_cost *out,
              struct err *err);

#endif
