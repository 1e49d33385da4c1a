/* Cycles of Gemmini's program from its counts: what each kind of macro instruction keeps busy, times coefficients that are fitted.
 * docs/model.md, section 5.2, has the equations. */
#ifndef COSTMODEL_GEMMINI_TIME_H
#define COSTMODEL_GEMMINI_TIME_H

#include "costmodel/gemmini_work.h"

/* Coefficients, all above 0. */
enum gemmini_coefficient {
    GEMMINI_BEAT,
    GEMMINI_BANK_IN,
    GEMMINI_BANK_W,
    GEMMINI_BANK_MATMUL,
    GEMMINI_MISS_L2,
    GEMMINI_MISS_LLC,
    GEMMINI_LOAD_COMMAND,
    GEMMINI_ZERO_ROW,
    GEMMINI_STORE,
    GEMMINI_STORE_L2,
    GEMMINI_STORE_LLC,
    GEMMINI_COVER,
    GEMMINI_ISSUE,
    GEMMINI_MACRO_MATMUL,
    GEMMINI_MACRO_CONV,
    GEMMINI_LATENCY,
    GEMMINI_SLOT,
    GEMMINI_SLOT_MATMUL,
    GEMMINI_START,
    GEMMINI_COEFFICIENTS
};
extern const char *const gemmini_coefficient_names[];

/* Parts of the machine that a form of the model has, each of which it could leave out. */
enum gemmini_term {
    GEMMINI_BANKS = 1,         /* rows a power of two of lines apart wait for banks of the cache */
    GEMMINI_BANKS_INPUTS = 2,  /* inputs and weights unlike each other */
    GEMMINI_BANKS_MATMULS = 4, /* weights of matrix products and of convolutions unlike each other */
    GEMMINI_LOAD_COMMANDS = 8, /* a load command takes its time however few rows it moves */
    GEMMINI_ZERO_ROWS = 16,    /* padding and accumulators are written with zeros */
    GEMMINI_COVERS = 32,       /* lines that a row of outputs covers in part cost more */
    GEMMINI_SLOTS = 64,        /* matrix products hide more of a macro instruction than convolutions do */
    GEMMINI_ONE_BUS = 128,     /* stores wait for loads */
    GEMMINI_EXPOSED = 256,     /* a convolution's first load and last store are hidden by nothing */
    GEMMINI_EVERY_KIND = 512,  /* macro instructions are timed kind by kind, not as their mean */
    GEMMINI_ALL_TERMS = 1023
};

struct calibration {
    unsigned form; /* enum gemmini_term */
    double coef[GEMMINI_COEFFICIENTS];
};

double gemmini_cycles(const struct gemmini_work *w, const struct calibration *k);

/* What the operator's cycles are made of, as if each ran alone. */
enum gemmini_part { GEMMINI_EXECUTE, GEMMINI_LOAD, GEMMINI_WRITE, GEMMINI_PROCESSOR, GEMMINI_PARTS };
void gemmini_parts(const struct gemmini_work *w, const struct calibration *k, double out[GEMMINI_PARTS]);

#endif
