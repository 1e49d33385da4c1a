/* The second latency fidelity: ports that stall, and the loads and drains at both ends. */
#ifndef COSTMODEL_STALLS_H
#define COSTMODEL_STALLS_H

#include "costmodel/cost.h"

struct stalls {
    double stall[HW_LEVELS]; /* cycles that the busiest port of the level holds the MACs up */
    double load, drain;      /* cycles before the first step and after the last one */
};

/* From the counts of one instance of each level (COUNT_ORIGIN, or totals over perfect factors divided by `instances`). Method in stalls.c.
 * O(levels * tensors * loops). */
void stalls_of(const struct accelerator *a, const struct einsum *e, const struct mapping *m, const struct counts *one,
               const double *instances, struct stalls *out);

#endif
