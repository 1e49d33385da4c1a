/* What Gemmini's program does for a mapping, counted: the third latency fidelity, calibrated on RTL, is made of these counts.
 *
 * Gemmini (Genc et al., DAC 2021) runs an operator as a loop over macro instructions, one for each tile of the scratchpad (tiled_conv(),
 * tiled_matmul() of gemmini-rocc-tests, branch `dosa`). The hardware unrolls each into commands: load the tile's inputs and weights by
 * DMA, push rows of inputs through the array for each block of weights, store the finished outputs. Two macro instructions are in
 * flight. docs/model.md, section 5, has the equations. */
#ifndef COSTMODEL_GEMMINI_WORK_H
#define COSTMODEL_GEMMINI_WORK_H

#include <stdbool.h>
#include <stdint.h>

enum gemmini_dim { GEMMINI_N, GEMMINI_K, GEMMINI_C, GEMMINI_Q, GEMMINI_P, GEMMINI_S, GEMMINI_R, GEMMINI_DIMS };

/* The program, elements of one byte. A matrix product is P x K x C; its other bounds are 1. */
struct gemmini_program {
    bool matmul;
    int64_t array;               /* rows and columns of the array: a block */
    int64_t bound[GEMMINI_DIMS]; /* Q rows and P columns of outputs, S rows and R columns of the kernel */
    int64_t tile[GEMMINI_DIMS];  /* of a macro instruction; of a matrix product a multiple of the array's side */
    int n_loops;
    enum gemmini_dim loop[GEMMINI_DIMS]; /* those around the macro instruction, innermost first */
    int64_t in_rows, in_cols;            /* of the input, without padding */
    int64_t stride, pad;
};

/* One kind of macro instruction: its counts, and how many there are. */
struct gemmini_macro {
    double n;
    double rows, computes;         /* steps of the array, and the commands that they belong to */
    double in_beats, in_requests;  /* of inputs: bus beats of 16 bytes, requests of at most 64 */
    double w_beats, w_requests;    /* of weights */
    double in_loads, w_loads;      /* load commands */
    double zero_rows;              /* of zeros that loads write: padding, and accumulators before their first sum */
    double out_requests;           /* stores of a row of outputs each */
    double in_l2, w_l2, out_l2;    /* lines of 64 bytes that miss the L2 cache */
    double in_llc, w_llc, out_llc; /* and the last level */
};

struct gemmini_work {
    bool matmul;
    double array;
    double macros;              /* macro instructions */
    double in_stride, w_stride; /* 1, 2 or 4: banks of the L2 cache that consecutive rows miss, by their power of two */
    double w_cover;             /* share of a line that a tile's row of outputs covers, (0, 1] */
    struct gemmini_macro mean;  /* over all, n: their number */
    int n_kinds;
    struct gemmini_macro *kind; /* [n_kinds], owned */
};

int64_t gemmini_tiles(const struct gemmini_program *p, enum gemmini_dim d); /* of a dimension */

/* Tiles and bounds are 1 or more, tiles at most the bounds (of a matrix product rounded up to blocks). O(tiles of an axis); up to 216 kinds. */
void gemmini_count(const struct gemmini_program *p, struct gemmini_work *out);
void gemmini_work_release(struct gemmini_work *w);

#endif
