/* What Gemmini's program finds in the caches behind its scratchpad: of gemmini_work.c. */
#ifndef COSTMODEL_GEMMINI_CACHE_H
#define COSTMODEL_GEMMINI_CACHE_H

#include "costmodel/gemmini_work.h"

#define GEMMINI_LINE 64 /* bytes */

/* Of the simulated memory system. An L2 of 640 KiB fits the training rows best, 512 is its nominal size: cross-validation over training
 * layers gives 10.1, 9.4, 9.2, 9.7, 10.3 % at 512, 576, 640, 704, 800. */
#define GEMMINI_L2_BYTES (640.0 * 1024)
#define GEMMINI_LLC_BYTES (4096.0 * 1024)

static inline int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static inline int64_t ceil_div(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

enum gemmini_tensor { GEMMINI_IN, GEMMINI_W, GEMMINI_OUT, GEMMINI_TENSORS };

/* Lines of each tensor that come from behind a cache of `bytes`, over the whole operator. It has run before: what fits is there. */
void gemmini_misses(const struct gemmini_program *p, double bytes, double miss[GEMMINI_TENSORS]);

/* Over how many banks of the L2 cache consecutive rows of `row` bytes step, as far as that is a power of two: 1, 2 or 4. */
double gemmini_bank_step(int64_t row);

#endif
