/* How one operator runs on one accelerator: per level (0 innermost) the temporal loops, the spatial loops (the fan-out to the next inner
 * level, inside the temporal ones) and which tensors the level keeps. Plain data.
 *
 * Factors may be imperfect: a loop of nominal bound n over a tile of nominal extent s covers positions 0, s, 2s ... of its dimension; the
 * operator's bound D cuts the last ones off (a tile at a is [a, min(a + s, D))). So the products of bounds may exceed D, by less than would
 * make an outer iteration empty; the reference data's residuals follow from D and are not stored. */
#ifndef COSTMODEL_MAPPING_H
#define COSTMODEL_MAPPING_H

#include "base/err.h"
#include "hw/accelerator.h"
#include "sw/einsum.h"

struct strbuf;

enum axis { AXIS_X, AXIS_Y };

struct loop {
    int dim;
    int64_t bound; /* >= 1 */
};

struct spatial_loop {
    int dim;
    int64_t bound;
    enum axis axis;
};

struct mapping_level {
    int n_temporal;
    struct loop temporal[EINSUM_DIMS]; /* outermost first */
    int n_spatial;
    struct spatial_loop spatial[2 * EINSUM_DIMS]; /* outermost first */
    uint32_t keep;                                /* bit t: tensor t is held here */
};

struct mapping {
    int n_levels;                          /* the accelerator's */
    struct mapping_level level[HW_LEVELS]; /* 0 innermost */
};

/* Elements of tensor t's largest tile in one instance of `level`; of all its dimensions when the level is the outermost. Loops legal. */
int64_t mapping_tile(const struct mapping *m, const struct einsum *e, int level, int tensor);
/* Bits that `level` keeps room for, for one element of tensor t. An output has its partial width where what arrives may be a partial sum,
 * that is where a loop over a reduction dimension runs outside of what arrives (a temporal one at any level above the next keeper inside, a
 * spatial one above `level`); else its final width. What moves is priced by what of it is finished (tensor_count.finished). */
int mapping_bits(const struct mapping *m, const struct einsum *e, int level, int tensor);
/* Whether what arrives of the output at `level` from inside is complete: where reduction loops run outside of the next keeper inside, its
 * tile stays through them. Operands always are. */
bool mapping_finished(const struct mapping *m, const struct einsum *e, int level, int tensor);
/* The widths that meet in a MAC: the widest operand of each role. */
void mapping_operand_bits(const struct einsum *e, int *w_bits, int *a_bits);
/* Legal: every dimension covered and no outer iteration empty, spatial products within the fan-out of each axis, tiles within the
 * capacity in bits, keep rules obeyed, the outermost level keeps all. The error says which capacity or limit is violated, where, by how
 * much ("GLB holds 131072 bits, the tiles need 143360 (weights 65536, inputs 61440, outputs 16384)"). ERR_DATA. */
int mapping_check(const struct mapping *m, const struct accelerator *a, const struct einsum *e, struct err *err);
/* The loop nest as Timeloop's users know it, outermost level first. */
void mapping_print(const struct mapping *m, const struct accelerator *a, const struct einsum *e, struct strbuf *out);
/* One line, exact but for loops of one iteration, and back: "DRAM K8 P7 | GLB[wio] C4 X:K16 Y:C8 | RF[w-o] R3 S3". Names as in a and e; in
 * brackets a letter for each tensor that is kept and '-' for one that is not, all kept without brackets; a dimension whose name ends in a
 * digit is written "D1=8". ERR_DATA, with the place. */
void mapping_write(const struct mapping *m, const struct accelerator *a, const struct einsum *e, struct strbuf *out);
int mapping_read(const char *text, const struct accelerator *a, const struct einsum *e, struct mapping *m,
                 struct err *err);

#endif
